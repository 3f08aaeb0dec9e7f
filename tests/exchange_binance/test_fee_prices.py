"""Fees paid in BNB: valued as soon as there is one, by a price of now, and said where there is none."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from gridbot_tui.engine.events import AssetPriced, Event
from gridbot_tui.exchange.binance.errors import Refused, RetryLater
from gridbot_tui.exchange.binance.fee_prices import AGAIN, KEPT, FeePrices
from gridbot_tui.units import Market
from tests.exchange_binance.scripted import scripted
from tests.exchange_binance.virtual import VirtualClock, at_once

Params = Mapping[str, Any]


def watched(*answers: Decimal | Exception | None, seconds: float) -> tuple[list[Event], list[str], list[float]]:
    """(events, what was said, when it was asked) of a bot that pays its first fee in BNB after ten seconds."""
    heard, said, asked = list[Event](), list[str](), list[float]()
    clock, began = VirtualClock(), 0.0

    class Priced:
        async def worth(self, asset: str, quote: str) -> Decimal | None:
            assert (asset, quote) == ("BNB", "USDT")
            asked.append(clock.monotonic() - began)
            answer = answers[min(len(asked), len(answers)) - 1]
            if isinstance(answer, Exception):
                raise answer
            return answer

    async def run() -> None:
        nonlocal began
        began = clock.monotonic()
        rest: Any = Priced()
        paid_in = lambda: {"BNB"} if clock.monotonic() - began >= 10 else set()  # noqa: E731
        running = asyncio.create_task(FeePrices(rest, "USDT", paid_in, heard.append, said.append, clock).run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_once(run())
    return heard, said, asked


def test_a_price_is_asked_for_with_the_first_fee_and_every_hour_after_it() -> None:
    heard, said, asked = watched(Decimal(600), Decimal(610), seconds=KEPT + 30)
    assert [event.price for event in heard if isinstance(event, AssetPriced)] == [600, 610]
    assert 10 <= asked[0] <= 12
    assert asked[1] - asked[0] >= KEPT
    assert said == []


def test_a_question_that_fails_is_asked_again_soon() -> None:
    heard, _, asked = watched(RetryLater("no answer"), Decimal(600), seconds=AGAIN + 30)
    assert len(heard) == 1
    assert AGAIN <= asked[1] - asked[0] < AGAIN + 3


def test_an_asset_without_a_market_is_said_once() -> None:
    heard, said, asked = watched(None, seconds=2 * KEPT + 60)
    assert heard == []
    assert len(asked) == 3
    assert said == ["fees are paid in BNB, and Binance has no price of it in USDT: profit and equity are shown "
                    "without them"]  # fmt: skip


@pytest.mark.parametrize(
    ("bid", "ask", "worth"), [("599.9", "600.1", Decimal(600)), ("0.00", "600.1", None), ("0", "0", None)]
)
async def test_what_an_asset_is_worth_lies_between_its_best_prices(bid: str, ask: str, worth: Decimal | None) -> None:
    rest, _ = scripted(Market.FUTURES, {"ticker/bookTicker": lambda p: {"bidPrice": bid, "askPrice": ask}})
    assert await rest.worth("BNB", "USDT") == worth


async def test_an_asset_that_is_not_listed_in_the_quote_has_no_worth() -> None:
    def unknown(params: Params) -> Any:
        raise Refused("Invalid symbol.", -1121)

    rest, _ = scripted(Market.SPOT, {"ticker/bookTicker": unknown})
    assert await rest.worth("BNFCR", "USDT") is None
