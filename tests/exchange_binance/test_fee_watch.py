"""What the account pays, while the bot runs: each symbol is asked about in turn, and the dearest of all counts."""

import asyncio
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from gridbot_tui.engine.events import Event, FeesChanged
from gridbot_tui.exchange.binance.errors import Refused, RetryLater
from gridbot_tui.exchange.binance.fee_watch import LEAST, ROUND, FeeWatch, dearest
from gridbot_tui.exchange.binance.rest import FeeRates
from tests.exchange_binance.virtual import VirtualClock, at_once

VIP0, VIP1 = FeeRates(Decimal("0.0002"), Decimal("0.0005")), FeeRates(Decimal("0.00016"), Decimal("0.0004"))
Answer = Callable[[str, int], FeeRates | Exception]


def watched(
    answer: Answer, *symbols: str, seconds: float, known: FeeRates = VIP0
) -> tuple[list[FeesChanged], list[str], list[tuple[float, str]]]:
    """(events, what was said, when which symbol was asked about); ``answer``: to the nth question."""
    heard, said, asked = list[Event](), list[str](), list[tuple[float, str]]()
    clock, began = VirtualClock(), 0.0

    class Charging:
        async def fees(self, names: tuple[str, ...]) -> dict[str, FeeRates]:
            (symbol,) = names
            asked.append((clock.monotonic() - began, symbol))
            found = answer(symbol, len(asked))
            if isinstance(found, Exception):
                raise found
            return {symbol: found}

    async def run() -> None:
        nonlocal began
        began = clock.monotonic()
        rest: Any = Charging()
        watch = FeeWatch(rest, dict.fromkeys(symbols, known), heard.append, said.append, clock)
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_once(run())
    return [event for event in heard if isinstance(event, FeesChanged)], said, asked


def test_each_symbol_is_asked_about_once_an_hour_and_nothing_is_said_of_what_has_not_changed() -> None:
    heard, said, asked = watched(lambda *_: VIP0, "BTCUSDT", "ETHUSDT", seconds=2 * ROUND + 1)
    assert (heard, said) == ([], [])
    assert [symbol for _, symbol in asked] == ["BTCUSDT", "ETHUSDT"] * 2
    assert asked[2][0] - asked[0][0] == ROUND


def test_many_symbols_do_not_crowd_the_minute() -> None:
    names = [f"C{n}USDT" for n in range(500)]
    _, _, asked = watched(lambda *_: VIP0, *names, seconds=ROUND + 1)
    assert len(asked) == ROUND // LEAST


def test_a_lost_tier_is_known_after_the_first_symbol_and_a_won_one_after_the_last() -> None:
    symbols = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    heard, _, asked = watched(lambda *_: VIP0, *symbols, seconds=ROUND + 1, known=VIP1)
    assert [(one.maker, one.taker) for one in heard] == [(VIP0.maker, VIP0.taker)]
    heard, _, asked = watched(lambda _, n: VIP1, *symbols, seconds=ROUND + 1)
    assert [(one.maker, one.taker) for one in heard] == [(VIP1.maker, VIP1.taker)]
    assert len(asked) == 3


def test_a_symbol_that_is_not_answered_for_keeps_its_rates_and_the_others_are_asked_about() -> None:
    def gone(symbol: str, _: int) -> FeeRates | Exception:
        return Refused("Invalid symbol.", -1121) if symbol == "ETHUSDT" else VIP1

    heard, _, _ = watched(gone, "BTCUSDT", "ETHUSDT", seconds=2 * ROUND + 1)
    assert heard == []
    heard, _, _ = watched(lambda _, n: RetryLater("no") if n == 1 else VIP1, "BTCUSDT", seconds=2 * ROUND + 1)
    assert len(heard) == 1


def test_the_discount_for_bnb_is_said_and_not_reckoned_with() -> None:
    saving = FeeRates(VIP0.maker, VIP0.taker, Decimal("0.1"))
    heard, said, _ = watched(lambda _, n: saving if n == 1 else VIP0, "BTCUSDT", seconds=2 * ROUND + 1)
    assert heard == []
    assert said == [
        "fees are 10 % less from now on where they are paid in BNB; the bot reckons with the full ones",
        "fees cost no less from now on where they are paid in BNB; the bot reckons with the full ones",
    ]


def test_the_dearest_of_several_symbols_counts_and_the_least_discount() -> None:
    rates = {"A": FeeRates(Decimal(1), Decimal(5), Decimal(3)), "B": FeeRates(Decimal(2), Decimal(4), Decimal(2))}
    assert dearest(rates) == FeeRates(Decimal(2), Decimal(5), Decimal(2))
