"""Known bugs, planted by replacing a function of the product in this process. None of them is ever part of it.

Each name is what the bug does; its function plants it. The campaign must find every one of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from gridbot_tui.engine import on_truth, walk
from gridbot_tui.engine.actions import CancelOrder, Fact
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import OpenOrders, OrderReport, Outcome
from gridbot_tui.ledger.account import AccountBook
from gridbot_tui.ledger.capital import Capital
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.ledger.seen import Seen
from gridbot_tui.orders import book as books
from gridbot_tui.orders import reconcile, table
from gridbot_tui.orders.book import OrderBook
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import OrderState
from gridbot_tui.risk.exposure import Portfolio, SymbolExposure
from gridbot_tui.risk.kill import Latches
from gridbot_tui.service.books.journal import InlineJournal
from gridbot_tui.service.dialogs.shutdown import Shutdown, Stage
from gridbot_tui.service.dialogs.truth import Truth
from gridbot_tui.units import Market, Ms, Side

Plant = Callable[[], None]


def _put(owner: Any, name: str, value: Any) -> None:
    setattr(owner, name, value)


def intent_written_after_sending() -> None:
    def commit(self: InlineJournal, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        then()
        original(self, facts, lambda: None)

    original = InlineJournal.commit
    _put(InlineJournal, "commit", commit)


def same_id_posted_again() -> None:
    """An id is free again as soon as its order is believed absent or refused."""

    def give(self: IdFactory, key: str) -> str:
        client_id = f"{key}-0"
        self._current[key] = client_id
        return client_id

    def intend(self: OrderBook, order: Any) -> Any:
        known = self._all.get(order.client_id)
        if known is not None and known.ended:
            del self._all[order.client_id]
            if order.client_id in self._ended:
                self._ended.remove(order.client_id)
        return original(self, order)

    original = OrderBook.intend
    _put(IdFactory, "_give", give)
    _put(IdFactory, "another", lambda self, client_id: client_id + "x")
    _put(OrderBook, "intend", intend)


def fill_booked_twice() -> None:
    """A duplicated event moves the ledger again."""

    def add(self: Seen, name: str) -> bool:
        original(self, name)
        return True

    original = Seen.add
    _put(Seen, "add", add)


def in_flight_missing_in_the_gate() -> None:
    """Orders that were just sent are counted by nobody until they are known to stand."""

    def of_symbol(desk: Desk, state: Any) -> SymbolExposure:
        standing = [one for one in desk.orders.live(state.symbol) if one.state is not OrderState.SENDING]
        gap = state.plan.gap if state.plan is not None else None
        position, fresh = desk.ledger.position(state.symbol), walk.is_fresh(desk, state)
        return SymbolExposure(state.instrument, position, state.mark, gap=gap, fresh=fresh, orders=standing)

    _put(walk, "of_symbol", of_symbol)
    _put(Portfolio, "add", lambda self, order: None)


def resting_missing_in_the_gate() -> None:
    """The gate counts positions, and orders not at all."""
    original = SymbolExposure.with_orders
    _put(SymbolExposure, "push", lambda self, side, price, steps: None)
    _put(SymbolExposure, "follow", lambda self, live: None)
    _put(SymbolExposure, "with_orders", lambda self, buys, sells: original(self, [], []))


def tier_from_wallet() -> None:
    """Drawdown goes by the wallet: what is lost in open positions raises no tier."""

    def take(self: Ledger, at: Ms) -> bool:
        self.capital.take(at, self.wallet)
        return True

    _put(Ledger, "take", take)


def fee_asset_dropped() -> None:
    """A fee paid in another asset than the quote is forgotten."""

    def fill(self: AccountBook, one: Any, instrument: Any) -> None:
        if one.fee_asset != instrument.quote:
            one = msgspec.structs.replace(one, fee=type(one.fee)(0))
        original(self, one, instrument)

    original = AccountBook.fill
    _put(AccountBook, "fill", fill)


def stop_not_replaced() -> None:
    """Where any stop rests, it is taken for good enough, whatever the position has become."""

    def work_stop(desired: Any, live: Any, ids: Any, now: Ms, tolerance: float) -> Any:
        if any(not one.ended for one in live):
            return None, []
        return original(desired, live, ids, now, tolerance)

    original: Any = vars(reconcile)["work_stop"]
    _put(reconcile, "work_stop", work_stop)


def exits_left_after_the_position_closed() -> None:
    """Flat, nobody cancels what is no longer wanted."""

    def side(self: Any, of: Side) -> None:
        cancels = list(self.cancels)
        original(self, of)
        if self.position == 0:
            self.cancels = cancels

    original = reconcile._Work.side
    _put(reconcile._Work, "side", side)


def stale_mark_accepted() -> None:
    _put(walk, "is_fresh", lambda desk, state: state.mark is not None)


def event_order_trusted() -> None:
    """The last event to arrive is the truth, also of an order that has ended."""
    rows = dict(table.TABLE)
    for ended in table.TERMINAL:
        rows[str(ended), str(Outcome.ACCEPTED)] = OrderState.RESTING
        rows[str(ended), str(Outcome.PARTLY_FILLED)] = OrderState.PARTLY_FILLED
    rows[str(OrderState.PARTLY_FILLED), str(Outcome.ACCEPTED)] = OrderState.RESTING
    table.TABLE.clear()
    table.TABLE.update(rows)
    _put(books, "_meaning", lambda live, report: str(report.outcome))


def recovery_without_protection() -> None:
    """After a restart nothing is looked at until something happens to the symbol."""

    def recovered(self: Engine) -> None:
        self.desk.phase = "trading"

    _put(Engine, "_recovered", recovered)


def unresolved_taken_for_absent() -> None:
    """A timeout is a no."""

    def apply(self: OrderBook, report: OrderReport) -> Any:
        if report.outcome is Outcome.UNRESOLVED:
            report = msgspec.structs.replace(report, outcome=Outcome.ABSENT)
        return original(self, report)

    original = OrderBook.apply
    _put(OrderBook, "apply", apply)


def pause_forgotten_over_a_restart() -> None:
    def init(self: Latches, state: Any = None) -> None:
        original(self, state)
        self.paused = set()

    def set_(self: Latches, name: str, symbol: str, value: str) -> None:
        if not (name == "paused" and getattr(self, "replaying", False)):
            original_set(self, name, symbol, value)

    def apply(self: Engine, fact: Fact) -> None:
        self.desk.latches.replaying = True  # type: ignore[attr-defined]
        original_apply(self, fact)
        self.desk.latches.replaying = False  # type: ignore[attr-defined]

    class Forgetful(Latches):
        pass

    original, original_set, original_apply = Latches.__init__, Latches.set, Engine.apply
    _put(Forgetful, "__init__", init)
    _put(Forgetful, "set", set_)
    from gridbot_tui.engine import desk as desks
    from gridbot_tui.engine import state as states

    _put(desks, "Latches", Forgetful)
    _put(states, "Latches", Forgetful)
    _put(Engine, "apply", apply)


def lost_fills_never_asked_for() -> None:
    """What the stream did not say never happened."""

    def missed(self: Truth, *_: Any, **__: Any) -> Any:
        return
        yield

    def one_order(self: Truth, symbol: str, client_id: str, conditional: bool) -> Any:
        from gridbot_tui.exchange.port import AskOrder
        from gridbot_tui.service.dialogs.dialog import ask

        reply = yield from ask(AskOrder(self._id(), symbol, client_id, conditional))
        if reply.order is not None:
            self._feed(reply.order)

    _put(Truth, "_missed_money", missed)
    _put(Truth, "one_order", one_order)


def shutdown_believes_itself() -> None:
    """The report is written without asking the exchange, as soon as time has passed."""

    def poll(self: Shutdown, now: Ms) -> Any:
        if self.report is None and now - self.since > 500:
            self._finish(verified=True, left=())
            assert self.report is not None
            self.report = msgspec.structs.replace(self.report, flat=True, positions=())
            self.stage = Stage.REPORT
        return self.report

    _put(Shutdown, "poll", poll)


def foreign_orders_cancelled() -> None:
    """Everything on the account is taken for ours."""

    def open_orders(desk: Desk, event: OpenOrders) -> None:
        original(desk, event)
        for order in event.orders:
            if not desk.ids.is_ours(order.client_id):
                desk.emit(CancelOrder(order.symbol, order.client_id, order.conditional, desk.now))

    original = on_truth.open_orders
    _put(on_truth, "open_orders", open_orders)


def sends_while_the_disk_fails() -> None:
    from gridbot_tui.engine.blockers import Blockers

    def holds(self: Blockers, symbol: str, code: str) -> bool:
        return code != "store_unavailable" and original(self, symbol, code)

    original = Blockers.holds
    _put(Blockers, "holds", holds)
    _put(InlineJournal, "may_send", lambda self, order: True)


def kill_answered_before_it_is_done() -> None:
    from gridbot_tui.engine import on_operator

    original = on_operator._condition
    _put(
        on_operator,
        "_condition",
        lambda desk, command, symbol: command in ("kill", "flatten") or original(desk, command, symbol),
    )


def cap_of_one_symbol_only() -> None:
    """The worst case of the account is that of its worst symbol, not the sum."""

    def worst(self: Portfolio, around: str = "") -> float:
        return max((self.worst_of(symbol) for symbol in self.symbols), default=0.0)

    _put(Portfolio, "worst", worst)


def cash_counted_twice() -> None:
    def cash(self: AccountBook, one: Any) -> None:
        original(self, one)
        if one.cash_kind == "transfer":
            original(self, one)

    original = AccountBook.cash
    _put(AccountBook, "cash", cash)


def realised_rounded_to_cents() -> None:
    """A float somewhere in the middle: the eighth decimal is lost."""

    def fill(self: AccountBook, one: Any, instrument: Any) -> None:
        if instrument.market is Market.FUTURES:
            one = msgspec.structs.replace(one, realised=round(one.realised, 6))
        original(self, one, instrument)

    original = AccountBook.fill
    _put(AccountBook, "fill", fill)


def deposit_taken_for_profit() -> None:
    """Transfers move the unit value, so that a deposit hides a drawdown and a withdrawal makes one."""

    def transfer(self: Capital, at: Ms, amount: Any, equity_before: Any) -> None:
        self.mark(at, equity_before + amount)

    _put(Capital, "transfer", transfer)


MUTANTS: dict[str, Plant] = {
    plant.__name__: plant
    for plant in (
        intent_written_after_sending,
        same_id_posted_again,
        fill_booked_twice,
        in_flight_missing_in_the_gate,
        resting_missing_in_the_gate,
        tier_from_wallet,
        fee_asset_dropped,
        stop_not_replaced,
        exits_left_after_the_position_closed,
        stale_mark_accepted,
        event_order_trusted,
        recovery_without_protection,
        unresolved_taken_for_absent,
        pause_forgotten_over_a_restart,
        lost_fills_never_asked_for,
        shutdown_believes_itself,
        foreign_orders_cancelled,
        sends_while_the_disk_fails,
        kill_answered_before_it_is_done,
        cap_of_one_symbol_only,
        cash_counted_twice,
        realised_rounded_to_cents,
        deposit_taken_for_profit,
    )
}
"""Every known bug by what it does."""
