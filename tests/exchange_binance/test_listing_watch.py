"""Symbols that are halted, taken off or given other filters while the bot runs."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal
from itertools import pairwise
from typing import Any, cast

import pytest
from msgspec.structs import replace

from gridbot_tui.exchange.binance import listing_watch
from gridbot_tui.exchange.binance.errors import BinanceError, Refused, RetryLater
from gridbot_tui.exchange.binance.listing_watch import CONFIRM, EVERY, SOON, ListingWatch, notices
from gridbot_tui.exchange.binance.rest import Listing
from gridbot_tui.market.instrument import Bracket
from gridbot_tui.units import Market, Symbol
from tests.exchange_binance.parts import instrument
from tests.exchange_binance.scripted import scripted
from tests.exchange_binance.virtual import VirtualClock, at_once

BTC = Listing(instrument("BTCUSDT"), "TRADING")
END = 1_796_130_000_000
Look = Mapping[Symbol, Listing] | BinanceError


def told(*looks: Look, first: Listing = BTC) -> list[list[str]]:
    """What is said after each look."""
    said: list[list[str]] = []

    class Told:
        async def listings(self, _: Any) -> Mapping[Symbol, Listing]:
            look = looks[len(said)]
            said.append([])
            if isinstance(look, BinanceError):
                raise look
            return look

    async def run() -> None:
        rest: Any = Told()
        watch = ListingWatch(rest, {"BTCUSDT": first}, lambda text: said[-1].append(text), VirtualClock())
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(EVERY * (len(looks) + 0.5))
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_once(run())
    return said


def test_a_halt_and_its_end_are_said_once_each() -> None:
    halted = {"BTCUSDT": replace(BTC, status="BREAK")}
    assert told({"BTCUSDT": BTC}, halted, halted, {"BTCUSDT": BTC}) == [
        [], ["BTCUSDT is BREAK on Binance: its orders will be refused"], [], ["BTCUSDT is traded on Binance again"],
    ]  # fmt: skip


def test_an_announced_end_names_its_day() -> None:
    ending, settling = replace(BTC, ends_at=END), replace(BTC, ends_at=END, status="PRE_SETTLE")
    said = told({"BTCUSDT": ending}, {"BTCUSDT": settling}, {}, {})
    assert said[0] == ["BTCUSDT is taken off Binance on 2026-12-01 13:00 UTC: close its position before, "
                       "else Binance settles it"]  # fmt: skip
    assert said[1] == ["BTCUSDT is PRE_SETTLE on Binance: its orders will be refused"]
    assert said[2:] == [["BTCUSDT is not listed on Binance any more: its orders will be refused"], []]


def test_another_tick_size_asks_for_a_new_start_once() -> None:
    finer = {"BTCUSDT": replace(BTC, instrument=instrument("BTCUSDT", tick="0.01"))}
    assert told(finer, finer) == [
        ["BTCUSDT: Binance has changed its tick size from 0.1 to 0.01: start the bot again, it goes by the old until "
         "then"], [],
    ]  # fmt: skip


def test_limits_of_an_order_are_named() -> None:
    other = replace(BTC.instrument, max_orders=100, min_notional=BTC.instrument.min_notional * 2)
    (said,) = told({"BTCUSDT": replace(BTC, instrument=other)})
    assert "changed its least order value from 5 to 10, number of orders: start" in said[0]


def test_what_spot_takes_at_once_at_the_market_moves_from_day_to_day_and_is_no_news() -> None:
    spot = replace(BTC, instrument=instrument("BTCUSDT", market=Market.SPOT))
    less = replace(spot.instrument, market_max_steps=spot.instrument.market_max_steps // 2)
    assert told({"BTCUSDT": replace(spot, instrument=less)}, first=spot) == [[]]
    less = replace(BTC.instrument, market_max_steps=BTC.instrument.market_max_steps // 2)
    (said,) = told({"BTCUSDT": replace(BTC, instrument=less)})
    assert "changed its largest market order" in said[0]


def test_other_margin_brackets_are_said_once() -> None:
    other = replace(BTC.instrument, brackets=(Bracket(Decimal(0), Decimal(50_000), 20, Decimal("0.02"), Decimal(0)),))
    (said, again) = told(*[{"BTCUSDT": replace(BTC, instrument=other)}] * 2)
    assert said == ["BTCUSDT: Binance has changed its margin brackets: start the bot again, it goes by the old until "
                    "then"]  # fmt: skip
    assert again == []


async def test_a_look_sees_the_brackets_of_the_account() -> None:
    tier = {"bracket": 1, "initialLeverage": 20, "notionalCap": 50_000, "notionalFloor": 0, "maintMarginRatio": 0.02,
            "cum": 0.0}  # fmt: skip
    answers = {"exchangeInfo": lambda _: {"rateLimits": [], "symbols": [perpetual("BTCUSDT")]},
               "leverageBracket": lambda _: [{"symbol": "BTCUSDT", "brackets": [tier]}]}  # fmt: skip
    rest, _ = scripted(Market.FUTURES, answers)
    (one,) = (await rest.listings(("BTCUSDT",))).values()
    assert [(b.max_leverage, b.maintenance_ratio) for b in one.instrument.brackets] == [(20, Decimal("0.02"))]


def test_where_something_is_odd_it_is_looked_soon_and_not_all_the_time() -> None:
    looked: list[float] = []

    class Told:
        async def listings(self, _: Any) -> Mapping[Symbol, Listing]:
            looked.append(asyncio.get_running_loop().time())
            return {"BTCUSDT": BTC}

    async def run() -> None:
        rest: Any = Told()
        watch = ListingWatch(rest, {"BTCUSDT": BTC}, lambda text: None, VirtualClock())
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(EVERY / 2)
        for _ in range(100):
            watch.look_soon()
            await asyncio.sleep(1)
        await asyncio.sleep(EVERY / 2)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_once(run())
    pauses = [later - sooner for sooner, later in pairwise([1_000.0, *looked])]
    assert pauses == [EVERY / 2, SOON, SOON], "while it lasts"


@pytest.mark.parametrize(
    "changed",
    [{"BTCUSDT": replace(BTC, instrument=instrument("BTCUSDT", tick="0.01"))}, {}],
    ids=["another tick", "a symbol that is gone"],
)
def test_a_change_is_confirmed_soon_and_then_taken_up(changed: Mapping[Symbol, Listing]) -> None:
    looked: list[float] = []
    taken: list[float] = []

    class Told:
        async def listings(self, _: Any) -> Mapping[Symbol, Listing]:
            looked.append(asyncio.get_running_loop().time())
            return {"BTCUSDT": BTC} if len(looked) == 2 else changed  # one of its machines does not know yet

    async def run() -> None:
        now, rest = asyncio.get_running_loop().time, cast(Any, Told())
        watch = ListingWatch(rest, {"BTCUSDT": BTC}, lambda _: None, VirtualClock(), lambda: taken.append(now()))
        running = asyncio.create_task(watch.run())
        await asyncio.sleep(3.5 * EVERY)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    at_once(run())
    pauses = [later - sooner for sooner, later in pairwise(looked)]
    assert pauses[:3] == [CONFIRM, EVERY, CONFIRM]
    assert taken[0] == looked[3]


def test_an_exchange_that_does_not_answer_changes_nothing() -> None:
    assert told(RetryLater("no answer"), {"BTCUSDT": BTC}) == [[], []]


def test_what_is_wrong_with_a_symbol_is_said_at_the_start() -> None:
    assert notices({"BTCUSDT": BTC}) == ()
    assert len(notices({"BTCUSDT": replace(BTC, status="SETTLING", ends_at=END)})) == 2


def perpetual(symbol: Symbol, status: str = "TRADING", tick: str = "0.10", step: str = "0.001") -> dict[str, Any]:
    filters = [{"filterType": "PRICE_FILTER", "tickSize": tick}, {"filterType": "LOT_SIZE", "stepSize": step}]
    return {"symbol": symbol, "status": status, "contractType": "PERPETUAL", "baseAsset": "BTC",
            "quoteAsset": "USDT", "filters": filters, "deliveryDate": 4_133_404_800_000}  # fmt: skip


@pytest.mark.parametrize(("tick", "step"), [("0", "0.001"), ("0.10", "0.00000000")])
async def test_a_symbol_without_tick_or_step_keeps_nobody_from_the_others(tick: str, step: str) -> None:
    """As Binance lists what it has not opened yet."""
    rows = [perpetual("BTCUSDT", "PENDING_TRADING", tick, step), perpetual("ETHUSDT")]
    answers = {"exchangeInfo": lambda _: {"rateLimits": [], "symbols": rows}, "leverageBracket": lambda _: [],
               "fundingInfo": lambda _: []}  # fmt: skip
    rest, _ = scripted(Market.FUTURES, answers)
    known = rest.traded.pop("BTCUSDT")
    with pytest.raises(Refused, match="BTCUSDT: no USD-M perpetual of that name, or none with a tick size yet"):
        await rest.instruments(("BTCUSDT", "ETHUSDT"))
    assert list(await rest.instruments(("ETHUSDT",))) == ["ETHUSDT"]
    assert list(await rest.listings(("BTCUSDT", "ETHUSDT"))) == ["ETHUSDT"]
    rest.go_by({"BTCUSDT": known})
    listed = await rest.listings(("BTCUSDT", "ETHUSDT", "GONEUSDT"))
    assert {name: one.status for name, one in listed.items()} == {"BTCUSDT": "PENDING_TRADING", "ETHUSDT": "TRADING"}
    assert listed["BTCUSDT"].instrument == known, "what is traded already is said to be halted, and is as it was"


async def test_what_is_odd_about_a_symbol_that_is_not_traded_keeps_nobody_from_the_others() -> None:
    answers = {
        "exchangeInfo": lambda _: {"rateLimits": [], "symbols": [perpetual("BTCUSDT")]},
        "leverageBracket": lambda _: [{"symbol": "ODDUSDT", "brackets": None}, {}],
        "fundingInfo": lambda _: [
            {"symbol": "ODDUSDT", "fundingIntervalHours": "soon"},
            {"symbol": "BTCUSDT", "fundingIntervalHours": None},
        ],
    }
    rest, _ = scripted(Market.FUTURES, answers)
    (one,) = (await rest.instruments(("BTCUSDT",))).values()
    assert one.funding_interval_hours == 8


async def test_a_perpetual_that_is_being_delivered_is_listed_until_it_is_gone() -> None:
    row = perpetual("BTCUSDT", "SETTLING") | {"contractType": "PERPETUAL_DELIVERING"}
    answers = {"exchangeInfo": lambda _: {"rateLimits": [], "symbols": [row]}, "leverageBracket": lambda _: []}
    rest, _ = scripted(Market.FUTURES, answers)
    assert [one.status for one in (await rest.listings(("BTCUSDT",))).values()] == ["SETTLING"]


async def test_the_end_of_a_perpetual_is_read_where_it_is_announced() -> None:
    row = perpetual("BTCUSDT")
    answers = {"exchangeInfo": lambda _: {"rateLimits": [], "symbols": [row]}, "leverageBracket": lambda _: []}
    rest, _ = scripted(Market.FUTURES, answers)
    assert (await rest.listings(("BTCUSDT", "GONEUSDT")))["BTCUSDT"].ends_at is None
    row["deliveryDate"] = END
    listed = await rest.listings(("BTCUSDT", "GONEUSDT"))
    assert {symbol: one.ends_at for symbol, one in listed.items()} == {"BTCUSDT": END}
    assert listed["BTCUSDT"].status == listing_watch.TRADING
    assert rest.listed == {}, "a look takes nothing in"
