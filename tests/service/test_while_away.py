"""What happens on the account while the bot is away or stands still is found, booked and put right when it is back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.exchange.binance import clock as adapter_clock
from gridbot_tui.units import Market
from tests.service.wire_scene import KEY, SYMBOL, Scene, live_through


def test_a_spot_deposit_made_while_the_bot_was_away_is_booked_as_a_transfer(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        before = await scene.trading()
        assert (await scene.leave()).exit_code == 0
        scene.served.control("deposit", key=KEY, asset="USDT", amount="250", market="spot")
        await asyncio.sleep(30.0)
        await scene.start()
        await scene.trading()
        had = float(before.equity or 0)
        await scene.until(lambda p: float(p.equity or 0) >= had + 249, "it is booked")
        await scene.agreed()
        drawdown = scene.look().drawdown
        assert drawdown is not None
        assert abs(drawdown) < 0.001, "a change of the capital is neither profit nor loss"
        assert abs(scene.look().growth or 0) < 0.001

    live_through(story, tmp_path, market=Market.SPOT)


@pytest.mark.parametrize("away", [True, False])
def test_a_stop_that_fired_unheard_latches_its_symbol_all_the_same(away: bool, tmp_path: Path) -> None:
    """While the bot was away, or with the word for it lost: what it executed is news enough."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.stir()
        await scene.until(lambda _: scene.holds() and bool(scene.stops()), "a position with its stop")
        await scene.agreed()
        (stop,) = scene.stops()
        if away:
            await scene.leave()
            for row in scene.standing():
                if "clientAlgoId" not in row:
                    scene.cancelled_by_hand(row["clientOrderId"])
        else:
            scene.served.faults({"kind": "drop", "on": "ALGO_UPDATE", "times": 0})
        scene.carry(float(stop["triggerPrice"]) / scene.homes[SYMBOL] * 1.005)
        if away:
            await scene.start()
        await scene.until(lambda picture: "stop_triggered" in {one.code for one in picture.blockers}, "it is latched")
        await asyncio.sleep(20.0)
        assert (scene.holds(), scene.standing()) == (False, []), "nothing is opened again"
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(story, tmp_path)


def test_orders_that_the_countdown_cancelled_while_the_machine_slept_are_recognised_and_placed_anew(
    tmp_path: Path,
) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await scene.until(lambda _: bool(scene.served.account.countdowns), "the countdown runs")
        scene.forget()
        old = {row["clientOrderId"] for row in scene.standing() if "clientAlgoId" not in row}
        scene.loop.sleep_through(600.0)
        await asyncio.sleep(1.0)
        await scene.agreed()
        new = {row["clientOrderId"] for row in scene.standing() if "clientAlgoId" not in row}
        assert old
        assert new
        assert not old & new, "none of them survived, and as many stand again"
        assert scene.saw("the exchange has cancelled the resting orders")

    live_through(story, tmp_path)


def test_a_clock_that_is_set_is_no_sleep(tmp_path: Path) -> None:
    """Whoever sets the machine's clock an hour ahead has cancelled nothing."""

    async def story(scene: Scene) -> None:
        told: Any = vars(adapter_clock)["time"]
        wall, ahead = scene.loop.wall, 0.0
        told.clock_gettime_ns = lambda _: round(wall() * 1_000_000) * 1_000
        told.time = lambda: wall() + ahead
        await scene.start()
        await scene.trading()
        await scene.until(lambda _: bool(scene.served.account.countdowns), "the countdown runs")
        scene.forget()
        ahead = 3_600.0
        await asyncio.sleep(60.0)
        await scene.agreed()
        assert not scene.saw("the exchange has cancelled the resting orders")

    live_through(story, tmp_path)


@pytest.mark.parametrize("market", [Market.FUTURES, Market.SPOT])
def test_entries_that_stand_outlast_a_start_that_knows_no_price_yet(market: Market, tmp_path: Path) -> None:
    """Withdrawn in the first decision and placed anew in the next, they would lose their turn at every restart."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await scene.agreed()
        old = {row["clientOrderId"] for row in scene.standing() if "clientAlgoId" not in row}
        assert (await scene.leave()).exit_code == 0
        await asyncio.sleep(30.0)
        scene.served.faults({"kind": "delay", "on": "*@*", "ms": 2_000, "times": 0})
        await scene.start()
        await scene.trading()
        scene.served.faults()
        await asyncio.sleep(10.0)
        new = {row["clientOrderId"] for row in scene.standing() if "clientAlgoId" not in row}
        assert old
        assert new == old

    live_through(story, tmp_path, market=market)
