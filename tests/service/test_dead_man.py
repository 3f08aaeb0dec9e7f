"""The exchange's countdown: armed where only our orders rest, renewed while decisions are fresh, then let go."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gridbot_tui.exchange.binance.errors import Refused, Unresolved
from gridbot_tui.service.books.telling import Level
from gridbot_tui.service.venues.dead_man import DeadMan
from gridbot_tui.service.venues.dead_man_watch import FRESH, Watch
from gridbot_tui.units import Ms, Symbol
from tests.exchange_binance.virtual import at_once

BTC, ETH = "BTCUSDT", "ETHUSDT"


class Scene:
    """An exchange that counts, a bot that is watched, and a clock that is set."""

    def __init__(self) -> None:
        self.sent: list[tuple[Symbol, Ms]] = []
        self.fresh_now = True
        self.foreign: set[Symbol] = set()
        self.said: list[str] = []
        self.doubts = 0
        self.at = 1_000.0
        self.down = False

    async def countdown(self, symbol: Symbol, ms: Ms) -> None:
        if self.down:
            raise Unresolved("no answer")
        self.sent.append((symbol, ms))

    def fresh(self, symbol: Symbol) -> bool:
        return self.fresh_now

    def shared(self, symbol: Symbol) -> bool:
        return symbol in self.foreign

    def say(self, level: Level, text: str) -> None:
        self.said.append(text)

    def doubt(self) -> None:
        self.doubts += 1

    def keeper(self, *symbols: Symbol, seconds: float = 120.0, limit: int = 2_400) -> DeadMan:
        return DeadMan(self.countdown, symbols or (BTC, ETH), self, seconds=seconds, weight_limit=limit,
                       monotonic=lambda: self.at, wall=lambda: self.at)  # fmt: skip

    async def round(self, keeper: DeadMan) -> None:
        """One round of renewals."""
        task = asyncio.create_task(keeper.run())
        for _ in range(20):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_every_symbol_is_armed_with_four_periods() -> None:
    scene = Scene()
    keeper = scene.keeper()
    await scene.round(keeper)
    assert scene.sent == [(BTC, 120_000), (ETH, 120_000)]
    assert keeper.period == 30.0


@pytest.mark.parametrize(("symbols", "limit"), [(50, 2_400), (60, 6_000), (200, 2_400)])
def test_renewals_never_take_more_than_a_tenth_of_the_budget(symbols: int, limit: int) -> None:
    keeper = Scene().keeper(*(f"S{number}USDT" for number in range(symbols)), limit=limit)
    assert symbols * 10 * 60 / keeper.period <= 0.1 * limit + 1e-9
    assert keeper.length >= 4_000 * keeper.period - 1


async def test_stale_decisions_let_the_countdown_run_out() -> None:
    scene = Scene()
    scene.fresh_now = False
    await scene.round(scene.keeper())
    assert scene.sent == []


async def test_where_a_foreign_order_rests_it_is_disarmed_and_said_once() -> None:
    scene = Scene()
    keeper = scene.keeper(BTC)
    await scene.round(keeper)
    scene.foreign = {BTC}
    await scene.round(keeper)
    await scene.round(keeper)
    assert scene.sent == [(BTC, 120_000), (BTC, 0)]
    assert len(scene.said) == 1
    scene.foreign = set()
    await scene.round(keeper)
    assert scene.sent[-1] == (BTC, 120_000)


async def test_where_a_foreign_order_rests_at_the_start_the_countdown_of_the_process_before_is_ended() -> None:
    scene = Scene()
    scene.foreign = {BTC}
    keeper = scene.keeper()
    await scene.round(keeper)
    await scene.round(keeper)
    assert scene.sent.count((BTC, 0)) == 1
    assert (BTC, 120_000) not in scene.sent


async def test_a_stop_before_the_first_renewal_ends_the_countdown_of_the_process_before() -> None:
    scene = Scene()
    await scene.keeper(BTC).disarm()
    assert scene.sent == [(BTC, 0)]


async def test_after_a_suspend_the_mass_cancel_is_recognised_and_compared() -> None:
    scene = Scene()
    keeper = scene.keeper(BTC)
    await scene.round(keeper)
    scene.at += 121.0
    await scene.round(keeper)
    assert scene.doubts == 1
    assert "cancelled the resting orders" in scene.said[0]
    assert scene.sent == [(BTC, 120_000), (BTC, 120_000)]


async def test_a_verified_stop_disarms_what_is_armed() -> None:
    scene = Scene()
    keeper = scene.keeper()
    await scene.round(keeper)
    await keeper.disarm()
    assert scene.sent[2:] == [(BTC, 0), (ETH, 0)]
    assert keeper.armed == ()


async def test_nothing_is_armed_again_behind_the_end_of_the_countdowns() -> None:
    scene, answer = Scene(), asyncio.Event()
    asked: list[tuple[Symbol, Ms]] = []

    async def slow(symbol: Symbol, ms: Ms) -> None:
        asked.append((symbol, ms))
        await answer.wait()

    scene.countdown = slow  # type: ignore[method-assign]
    keeper = scene.keeper()
    running = asyncio.create_task(keeper.run())
    await asyncio.sleep(0)
    ending = asyncio.create_task(keeper.disarm())
    for _ in range(5):
        await asyncio.sleep(0)
    assert asked == [(BTC, 120_000)], "its end waits for the renewal under way, which it could overtake"
    answer.set()
    await ending
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert asked == [(BTC, 120_000), (BTC, 0), (ETH, 0)], "what another hand places later must not be cancelled"


async def test_a_renewal_that_was_not_answered_may_run_and_is_ended_too() -> None:
    scene = Scene()
    keeper = scene.keeper(BTC)
    scene.foreign = {BTC}
    await scene.round(keeper)
    scene.foreign, scene.down = set(), True
    await scene.round(keeper)
    scene.down = False
    await keeper.disarm()
    assert scene.sent == [(BTC, 0), (BTC, 0)]


def test_an_exchange_that_has_no_countdown_is_said_once_and_asked_no_oftener_than_one_that_has() -> None:
    async def run() -> Scene:
        scene, asked = Scene(), 0

        async def unknown(symbol: Symbol, ms: Ms) -> None:
            nonlocal asked
            asked += 1
            raise Refused("HTTP 404 without a reason") if asked < 20 else Refused("another reason")

        loop = asyncio.get_running_loop()
        keeper = DeadMan(unknown, (BTC,), scene, seconds=120.0, weight_limit=2_400, monotonic=loop.time, wall=loop.time)
        running = asyncio.create_task(keeper.run())
        await asyncio.sleep(3_600)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert 100 < asked <= 121
        return scene

    said = at_once(run()).said
    assert len(said) == 2
    assert "404" in said[0]


async def test_an_exchange_without_an_answer_is_said_and_nothing_counts_as_armed() -> None:
    scene = Scene()
    scene.down = True
    keeper = scene.keeper(BTC)
    await scene.round(keeper)
    assert keeper.armed == ()
    assert "not renewed" in scene.said[0]


def test_a_symbol_that_becomes_fresh_is_armed_within_two_seconds_and_not_a_period_later() -> None:
    scene = Scene()
    scene.fresh_now = False

    async def story() -> float:
        loop = asyncio.get_running_loop()
        keeper = DeadMan(scene.countdown, (BTC,), scene, seconds=120.0, weight_limit=2_400,
                         monotonic=loop.time, wall=loop.time)  # fmt: skip
        began, task = loop.time(), asyncio.create_task(keeper.run())
        await asyncio.sleep(5.0)
        scene.fresh_now = True
        while not scene.sent:  # noqa: ASYNC110
            await asyncio.sleep(0.1)
        took = loop.time() - began - 5.0
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return took

    assert at_once(story()) <= 2.0


async def test_what_is_said_once_is_said_again_when_it_comes_back() -> None:
    scene = Scene()
    keeper = scene.keeper(BTC)
    for _ in range(2):
        scene.foreign = {BTC}
        await scene.round(keeper)
        await scene.round(keeper)
        scene.foreign = set()
        await scene.round(keeper)
    assert len(scene.said) == 2
    for _ in range(2):
        scene.down = True
        await scene.round(keeper)
        await scene.round(keeper)
        scene.down = False
        await scene.round(keeper)
    assert len(scene.said) == 4


async def test_a_mass_cancel_is_told_once_also_where_prices_are_stale_when_it_wakes() -> None:
    scene = Scene()
    keeper = scene.keeper(BTC)
    await scene.round(keeper)
    scene.at += 600
    scene.fresh_now = False
    await scene.round(keeper)
    await scene.round(keeper)
    assert (scene.doubts, len(scene.said), keeper.armed) == (1, 1, ())


def test_fresh_is_a_recovered_bot_that_hears_its_account_and_a_price_of_the_last_half_minute() -> None:
    def fresh(*, recovered: bool = True, account: bool = True, market: bool = True, age: Ms = FRESH) -> bool:
        state = SimpleNamespace(mark_at=1_000_000 - age)
        links = {"account": (account, 0, ""), "market": (market, 0, "")}
        desk = SimpleNamespace(links=links, symbols={BTC: state}, now=1_000_000, foreign_orders={})
        bot: Any = SimpleNamespace(recovered=recovered, engine=SimpleNamespace(desk=desk))
        journal: Any = None
        return Watch(bot, journal).fresh(BTC)

    assert fresh()
    assert fresh(market=False)  # the age of the price says it
    assert not fresh(recovered=False)
    assert not fresh(account=False)
    assert not fresh(age=FRESH + 1)
