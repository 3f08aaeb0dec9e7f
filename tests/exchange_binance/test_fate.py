"""What has become of an order: "it never existed" has to be proved."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any, cast

import pytest

from gridbot_tui.engine.events import Fill, OpenOrder, OpenOrders, OrderReport, Outcome
from gridbot_tui.exchange.binance.errors import RetryLater
from gridbot_tui.exchange.binance.fate import Fate
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.units import MINUTE, Ms, Side
from tests.exchange_binance.virtual import VirtualClock, at_once

ONE, BTC = "gb0-BTCUSDT-1-gb1-0", "BTCUSDT"
PARAMS = BinanceParams()
LEAST = (PARAMS.recv_window_ms + PARAMS.absent_after_ms) / 1000
"""Seconds after which an order that is denied can be taken no more."""


class Denying:
    """An exchange that denies the order; it may list it all the same, or its execution."""

    def __init__(self, listed: Sequence[int] = (), executed: Sequence[str] = ()) -> None:
        self.denied = 0
        self.left_at: Ms = 0
        self.since: Ms = 0
        self._listed = tuple(OpenOrder(BTC, ONE, Side.BUY, 600_000, 10, filled) for filled in listed)
        free = Decimal(0)
        self._fills = [Fill(5, BTC, by, "7", Side.BUY, 600_000, 3, free, "USDT", True, free) for by in executed]

    async def order(self, symbol: str, client_id: str, conditional: bool) -> list[OrderReport]:
        self.denied += 1
        return []

    async def open_orders(self, symbols: Sequence[str]) -> OpenOrders:
        return OpenOrders(9, (OpenOrder(BTC, "gb0-other", Side.BUY, 590_000, 10, 0), *self._listed))

    async def fills(self, symbol: str, after: str, since: Ms) -> list[Fill]:
        self.since = since
        return self._fills


def asked(exchange: Denying, age_s: float = 0.0) -> tuple[list[OrderReport], float]:
    """The answer about an order that left so long ago, and how long it took."""

    async def ask() -> tuple[list[OrderReport], float]:
        clock: Any = VirtualClock()
        fate = Fate(cast(Rest, exchange), clock, PARAMS)
        fate.sent(ONE)
        exchange.left_at = clock.now_ms()
        await clock.sleep(age_s)
        begun = clock.monotonic()
        return await fate.ask(BTC, ONE, False), clock.monotonic() - begun

    return at_once(ask())


def test_an_order_that_has_just_left_is_absent_only_once_its_window_and_the_exchanges_lag_are_over() -> None:
    exchange = Denying()
    (report,), took = asked(exchange)
    assert report.outcome is Outcome.ABSENT
    assert LEAST <= took < LEAST + 2
    assert exchange.denied >= PARAMS.absent_denials
    assert exchange.since == exchange.left_at - 10 * MINUTE


def test_one_of_long_ago_is_asked_about_as_often_and_proved_absent_sooner() -> None:
    exchange = Denying()
    (report,), took = asked(exchange, age_s=600)
    assert (report.outcome, exchange.denied) == (Outcome.ABSENT, PARAMS.absent_denials)
    assert took < 1


@pytest.mark.parametrize(("filled", "outcome"), [(0, Outcome.ACCEPTED), (3, Outcome.PARTLY_FILLED)])
def test_one_that_is_denied_and_listed_among_the_open_orders_stands(filled: int, outcome: Outcome) -> None:
    (report,), _ = asked(Denying(listed=[filled]), age_s=600)
    assert (report.client_id, report.outcome, report.filled) == (ONE, outcome, filled)


def test_one_that_is_denied_and_has_an_execution_is_not_absent_but_asked_about_again_later() -> None:
    with pytest.raises(RetryLater, match="has executions"):
        asked(Denying(executed=["gb0-other", ONE]), age_s=600)
    (report,), _ = asked(Denying(executed=["gb0-other"]), age_s=600)
    assert report.outcome is Outcome.ABSENT
