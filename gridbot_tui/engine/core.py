"""``Engine.handle(event) -> list[Action]``: no clock, no socket, no file, no chance, no await.

The same events give the same actions, always. The modules of this room act on one ``Desk``; this one
only dispatches, and answers the questions of the shell around it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from gridbot_tui.engine import (
    breaking,
    converge,
    on_market,
    on_operator,
    on_orders,
    on_truth,
    planning,
    preview,
    state,
    told,
    walk,
    watch,
)
from gridbot_tui.engine.actions import Action, Fact
from gridbot_tui.engine.blockers import HOLD_UP_CLOSING
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import (
    AccountState,
    Adopted,
    AssetPriced,
    BarsClosed,
    Cash,
    Event,
    FeesChanged,
    Fill,
    FundingSettled,
    Health,
    LinkChanged,
    OpenOrders,
    Operator,
    OrderReport,
    PositionTold,
    Quote,
    RecoveryDone,
    Tick,
)
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import OrderState, Purpose
from gridbot_tui.units import HOUR, Asset, ClientId, Ms, Symbol


class Engine:
    """The trading engine of one account. Everything it knows is in ``desk``."""

    def __init__(self, config: EngineConfig, instruments: Mapping[Symbol, Instrument]) -> None:
        self.desk = Desk(config, dict(instruments))
        self._handlers: dict[type[Event], Callable[[Any], None]] = {
            BarsClosed: lambda e: on_market.bars_closed(self.desk, e),
            Quote: lambda e: on_market.quote(self.desk, e),
            FundingSettled: lambda e: on_market.funding_settled(self.desk, e),
            AssetPriced: lambda e: on_orders.asset_priced(self.desk, e),
            FeesChanged: lambda e: on_market.fees_changed(self.desk, e),
            Tick: self._tick,
            Health: lambda e: breaking.health(self.desk, e),
            OrderReport: lambda e: on_orders.report(self.desk, e),
            Fill: lambda e: on_orders.fill(self.desk, e),
            Cash: lambda e: on_orders.cash(self.desk, e),
            Adopted: lambda e: on_orders.adopted(self.desk, e),
            AccountState: lambda e: on_truth.account_state(self.desk, e),
            PositionTold: lambda e: told.hear(self.desk, e),
            OpenOrders: lambda e: on_truth.open_orders(self.desk, e),
            LinkChanged: lambda e: on_truth.link_changed(self.desk, e),
            Operator: lambda e: on_operator.operator(self.desk, e),
            RecoveryDone: lambda _: self._recovered(),
        }

    def handle(self, event: Event) -> list[Action]:
        """Apply one event, converge what it touched, and return what is to be done, in order."""
        desk = self.desk
        if event.at > desk.now:
            desk.now = event.at
        kind = type(event)
        if isinstance(event, (OrderReport, Fill)) and event.symbol in desk.symbols:
            desk.narrow = True
            desk.stirred.add(event.symbol)
        elif isinstance(event, Quote) and event.symbol in desk.symbols:
            if event.mark is not None:
                desk.stirred.add(event.symbol)
        elif kind is not PositionTold:  # by itself it changes nothing
            desk.walked = None
        self._handlers[kind](event)
        if desk.dirty and kind is not OrderReport:
            desk.turn += 1  # what changes anything that Desired is made of touches a symbol; a report says so itself
        if desk.dirty and desk.phase == "trading":
            converge.converge(desk)
        if desk.waiting or desk.latches.flatten:
            on_operator.finish_waiting(desk)
        if desk.dirty and desk.phase == "trading":
            converge.converge(desk)
        if desk.narrow and len(desk.stirred) > walk.MANY and desk.walked is not None:
            walk.walk(desk)  # now, a few at a time: after a decision's thousand answers the next fill would find all
        desk.narrow = False
        actions, desk.out = desk.out, []
        return actions

    # -- life -------------------------------------------------------------------------------------------------

    def begin_recovery(self, now: Ms) -> None:
        """From now on events are booked but nothing is decided, until RecoveryDone."""
        desk = self.desk
        desk.phase = "recovering"
        desk.now = max(desk.now, now)
        desk.started_at = now
        breaking.afresh(desk)

    def _tick(self, event: Tick) -> None:
        breaking.clock(self.desk, event.at)
        on_market.tick(self.desk)

    def _recovered(self) -> None:
        desk = self.desk
        desk.phase = "trading"
        watch.say_tier(desk)
        watch.account(desk)
        stale = [s for s in desk.symbols.values() if s.bar_at and _plan_due(s.plan.at if s.plan else 0, s.bar_at)]
        planning.renew(desk, stale)
        planning.renew_kinds(desk)
        planning.explain_all(desk)
        desk.touch_all()

    def reconfigure(self, config: EngineConfig) -> list[Action]:
        """Put other settings in force: risk, orders and another kind of grid now, strategy at the next decision."""
        self.desk.reconfigure(config)
        watch.account(self.desk)  # by the new limits: whoever draws them tighter need not wait for a mark
        if self.desk.phase == "trading":
            planning.renew_kinds(self.desk)
        self.desk.touch_all()
        if self.desk.phase == "trading":
            converge.converge(self.desk)
        actions, self.desk.out = self.desk.out, []
        return actions

    def difference(self, config: EngineConfig) -> tuple[preview.SymbolDifference, ...]:
        """What another configuration would change now; raises ValueError where it does not fit."""
        return preview.difference(self.desk, config)

    def end_shutdown(self) -> list[Action]:
        """The shutdown was verified: the intent is done with, and the next start trades again."""
        self.desk.latch("shutdown", "", "")
        actions, self.desk.out = self.desk.out, []
        return actions

    # -- state ------------------------------------------------------------------------------------------------

    def encode_state(self) -> bytes:
        """The whole state, for ``restored``."""
        return state.encode(self.desk)

    def restore(self, blob: bytes) -> None:
        """Become what ``encode_state`` of another engine with the same symbols was."""
        state.decode_into(self.desk, blob)

    def apply(self, fact: Fact) -> None:
        """Replay one fact of the journal: state changes, nothing is decided."""
        state.apply(self.desk, fact)
        self.desk.out.clear()
        self.desk.dirty.clear()

    # -- questions of the shell ---------------------------------------------------------------------------------

    @property
    def now(self) -> Ms:
        """Time of the latest event."""
        return self.desk.now

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Traded symbols in name order."""
        return tuple(self.desk.symbols)

    @property
    def shutdown_intent(self) -> str:
        """``flatten``, ``keep`` or "": a graceful stop that is under way, also after a restart."""
        return self.desk.latches.shutdown

    @property
    def begun(self) -> bool:
        """Whether there is a ledger."""
        return self.desk.started

    def quote_of(self, symbol: Symbol) -> Asset:
        """What a symbol is quoted in."""
        return self.desk.instruments[symbol].quote

    def last_fill(self, symbol: Symbol) -> tuple[str, Ms]:
        """Trade id after which fills may be missing, and since when to ask where there is none."""
        return self.desk.fills_checked.get(symbol, ""), self.desk.ledger_at

    def fills_listed(self, symbol: Symbol, trade_id: str) -> None:
        """The exchange listed the fills of a symbol up to this one: none before it is missing."""
        self.desk.fills_checked[symbol] = trade_id

    def last_cash_at(self) -> Ms:
        """Time from which wallet changes are to be asked for."""
        return self.desk.last_cash_at

    def fee_assets(self) -> frozenset[Asset]:
        """Assets that fees were paid in and that no traded symbol prices."""
        return self.desk.ledger.fee_assets() if self.desk.started else frozenset()

    def cash_listed(self, at: Ms) -> None:
        """The exchange listed the wallet's changes up to this time: none before it is missing."""
        self.desk.last_cash_at = max(self.desk.last_cash_at, at)

    def last_funding_at(self) -> Ms:
        """Time after which settlements are to be asked for: the last ones taken in, else as for bars."""
        desk = self.desk
        return min(state.funding_at or state.next_open or desk.ledger_at for state in desk.symbols.values())

    def next_bar_at(self, symbol: Symbol) -> Ms | None:
        """Open time of the first base bar not seen yet: since the ledger began where none is remembered; None
        before that."""
        return self.desk.symbols[symbol].next_open or (self.desk.ledger_at if self.desk.started else None)

    def hours_do_until(self, symbol: Symbol, since: Ms) -> Ms:
        """Until when candles of an hour tell, from ``since`` on, all that base bars would: before a symbol is warm
        nothing of them counts but the hours' own figures. ``since`` where that is not so."""
        desk = self.desk
        left = desk.strategy.hours_until_votes(symbol)
        if since % HOUR or left <= 0 or desk.symbols[symbol].hour.pending:
            return since
        return max(since, min(since + left * HOUR, desk.now - desk.now % HOUR - HOUR))

    def unsettled(self) -> list[tuple[Symbol, ClientId, bool]]:
        """Orders whose fate the last list of open orders left open."""
        return on_truth.missing(self.desk)

    def awaits_prices(self) -> bool:
        """Whether grid orders of ours stand that a decision now would withdraw only because the streams have not told
        a price yet, or are not connected."""
        desk = self.desk
        down = desk.blockers.holds("", "link_down")
        return any(
            live.order.purpose is Purpose.GRID
            and (down or not walk.is_fresh(desk, desk.symbols[live.order.symbol]))
            and not desk.latches.blocks(live.order.symbol)
            for live in desk.orders.all_live()
            if live.order.symbol in desk.symbols
        )

    def standing(self) -> list[ClientId]:
        """Our orders that stand or may stand; stops that a keeping shutdown leaves are not counted."""
        kept = set(self.kept_stops())
        return [one for live in self.desk.orders.all_live() if (one := live.order.client_id) not in kept]

    def kept_stops(self) -> list[ClientId]:
        """Resting stops that a keeping shutdown leaves under the positions; none of any other."""
        if self.shutdown_intent != "keep":
            return []
        return [
            live.order.client_id
            for live in self.desk.orders.all_live()
            if live.order.purpose is Purpose.STOP and live.state is OrderState.RESTING
        ]

    def open_positions(self) -> dict[Symbol, str]:
        """Our positions that can be closed."""
        held: dict[Symbol, str] = {}
        for symbol, instrument in self.desk.instruments.items():
            steps = on_truth.closable(self.desk, symbol)
            if steps:
                held[symbol] = str(instrument.quantity(steps))
        return held

    def dust(self) -> dict[Symbol, str]:
        """Our remainders under the exchange's minimum."""
        left: dict[Symbol, str] = {}
        for symbol, book in self.desk.ledger.books.items():
            ours = book.dust.quantity + book.instrument.quantity(self.desk.own(symbol))
            if ours and not on_truth.closable(self.desk, symbol):
                left[symbol] = format(ours, "f")
        return left

    def held_up(self) -> list[str]:
        """Why what can be closed may not close now: ``BTCUSDT base_locked (0.0042 BTC are held by ...)``."""
        open_now = self.open_positions()
        return [
            f"{one.symbol} {one.code} ({one.detail})".lstrip()
            for one in self.desk.blockers.ranked()
            if one.code in HOLD_UP_CLOSING and (one.symbol in open_now or (open_now and not one.symbol))
        ]

    def others(self) -> dict[Symbol, str]:
        """What another hand holds in the traded symbols: never touched."""
        left: dict[Symbol, str] = {}
        desk = self.desk
        for symbol, book in desk.ledger.books.items():
            steps = book.external_position + desk.unexplained.get(symbol, 0) - desk.gone.get(symbol, 0)
            if steps:
                left[symbol] = str(book.instrument.quantity(steps))
        return left

    def gone(self) -> dict[Symbol, str]:
        """What the ledger holds of ours, and the exchange says is not there."""
        desk = self.desk
        return {
            symbol: str(desk.instruments[symbol].quantity(desk.ledger.book(symbol).own_position - desk.own(symbol)))
            for symbol in desk.gone
            if symbol not in desk.beyond
        }


def _plan_due(plan_at: Ms, bar_at: Ms) -> bool:
    return bar_at // HOUR > plan_at // HOUR
