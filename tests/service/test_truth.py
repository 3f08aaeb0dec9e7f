"""Asking the exchange for what was missed: nothing that its lists bring late stays missing."""

from decimal import Decimal as D
from typing import Any

from gridbot_tui.engine.events import AccountState, Cash, CashKind, OpenOrders, RecoveryDone
from gridbot_tui.exchange.port import AskCash, AskFills, AskOpenOrders, Reply
from gridbot_tui.ledger import Ledger
from gridbot_tui.service.dialogs.dialog import Dialogs
from gridbot_tui.service.dialogs.truth import Truth
from gridbot_tui.units import HOUR, Market, Ms, Symbol

AT = 16 * HOUR
SYMBOLS = ("BTCUSDT", "ETHUSDT")


class Bot:
    """Books that hear of cash, and an exchange that lists it."""

    def __init__(self) -> None:
        self.ledger = Ledger(Market.FUTURES, "USDT", {})
        self.ledger.start(0, {"USDT": D(1_000)})
        self.since: Ms = AT - HOUR
        self.listed: list[Cash] = []
        self.dialogs = Dialogs(self._asked)
        self.truth = Truth(SYMBOLS, self, self._hears, self.dialogs.new_id, lambda: AT)  # type: ignore[arg-type]

    def last_fill(self, symbol: Symbol) -> tuple[str, Ms]:
        return "", 0

    def last_cash_at(self) -> Ms:
        return self.since

    def cash_listed(self, at: Ms) -> None:
        self.since = max(self.since, at)

    def unsettled(self) -> list[Any]:
        return []

    def compare(self) -> None:
        self.dialogs.start(self.truth.reconcile(), lambda result, error: None, AT)

    def _hears(self, event: object) -> None:
        if isinstance(event, Cash):
            self.ledger.cash(event)

    def _asked(self, query: Any) -> None:
        reply = Reply(query.request_id, AT, account=AccountState(AT, {}, ()))
        if isinstance(query, AskFills):
            reply = Reply(query.request_id, AT, fills=())
        elif isinstance(query, AskCash):
            reply = Reply(query.request_id, AT, cash=tuple(one for one in self.listed if one.at >= query.since))
        elif isinstance(query, AskOpenOrders):
            reply = Reply(query.request_id, AT, open_orders=OpenOrders(AT, ()))
        self.dialogs.reply(reply)


def funding(at: Ms, symbol: Symbol, amount: str) -> Cash:
    return Cash(at, CashKind.FUNDING, "USDT", D(amount), f"FUNDING_FEE-{symbol}-{at}", symbol)


def test_funding_that_is_listed_after_that_of_another_symbol_is_booked_once() -> None:
    bot = Bot()
    bot.listed = [funding(AT + 4, "ETHUSDT", "-2")]
    bot.compare()
    assert bot.ledger.wallet == 998
    bot.listed.insert(0, funding(AT + 1, "BTCUSDT", "-0.5"))  # settled before, listed after
    for _ in range(2):
        bot.compare()
        assert bot.ledger.wallet == D("997.5")


class Starting(Bot):
    """Books with orders that a decision would withdraw until prices are told."""

    def __init__(self, told_after: Ms) -> None:
        super().__init__()
        self.begun, self.now, self.told_at, self.decided_at = True, AT, AT + told_after, 0
        self.truth = Truth(SYMBOLS, self, self._hears, self.dialogs.new_id, lambda: self.now, 5_000)  # type: ignore[arg-type]

    def awaits_prices(self) -> bool:
        return self.now < self.told_at

    def next_bar_at(self, symbol: Symbol) -> Ms | None:
        return None

    def last_funding_at(self) -> Ms:
        return AT

    def recover(self, stop_at: Ms = 0) -> int:
        """How long after its questions the first decision came, in ms."""
        self.dialogs.start(self.truth.recover(), lambda result, error: None, self.now)
        while not self.decided_at:
            self.now += 50
            if stop_at and self.now >= AT + stop_at:
                self.truth.without_bars()
            self.dialogs.wake(self.now)
        return self.decided_at - AT

    def _hears(self, event: object) -> None:
        if isinstance(event, RecoveryDone):
            self.decided_at = self.now


def test_the_first_decision_waits_for_prices_where_orders_stand_that_it_would_withdraw_without_them() -> None:
    assert Starting(told_after=0).recover() == 0
    assert Starting(told_after=1_200).recover() == 1_200


def test_it_waits_five_seconds_for_a_market_that_is_silent_and_not_at_all_for_a_stop() -> None:
    assert Starting(told_after=60_000).recover() == 5_000
    assert Starting(told_after=60_000).recover(stop_at=1_000) == 1_000
