"""A testnet that is reset under a running bot: no exit of ours opens a position where the one it was for is gone."""

import asyncio
from pathlib import Path

import pytest

from gridbot_tui.control.command import CommandKind
from tests.service.wire_scene import KEY, Scene, live_through

SETS = {"service.reconcile_s": "10"}
LEFT = "0 positions left; in the ledger, and on the exchange no more: BTCUSDT 0.016; verified on the exchange"


async def _held(scene: Scene) -> None:
    await scene.start()
    await scene.trading()
    scene.carry(0.985)
    await scene.until(lambda _: scene.holds(), "a position")
    await scene.agreed()


@pytest.mark.parametrize("order", [None, CommandKind.PAUSE])
def test_a_reset_under_a_running_bot_leaves_no_exit_that_opens_a_position(
    tmp_path: Path, order: CommandKind | None
) -> None:
    async def story(scene: Scene) -> None:
        await _held(scene)
        scene.served.control("wipe", key=KEY)
        if order is not None:
            scene.order(order)
        for _ in range(60):
            scene.stir()
            await asyncio.sleep(1.0)
            assert not scene.holds()
        assert scene.standing() == []
        assert scene.saw("position_unknown: the exchange holds 0 BTC, the ledger 0.016")
        assert scene.saw("position_unknown: exits and stop are for what the exchange still holds of our lots: 0 BTC")
        result = await scene.stop()
        assert result.exit_code == 0
        assert LEFT in result.text

    live_through(story, tmp_path, sets=SETS)


def test_a_flatten_after_a_reset_asks_at_its_first_refusal_what_there_is_and_is_done(tmp_path: Path) -> None:
    """Comparisons are a minute apart: it was refused fourteen times before one came."""

    async def story(scene: Scene) -> None:
        await _held(scene)
        scene.served.control("wipe", key=KEY)
        scene.order(CommandKind.FLATTEN)
        await scene.until(lambda _: scene.saw("(-2022)"), "it is refused")
        await scene.until(lambda _: scene.saw("mode: flatten cleared"), "it is done", 30.0)
        assert len([text for text in scene.seen if "refused (-2022)" in text]) <= 4
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path)


def test_a_stop_after_a_reset_that_nobody_has_noticed_ends_verified(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await _held(scene)
        scene.served.control("wipe", key=KEY)
        result = await scene.stop()
        assert (result.exit_code, scene.holds(), scene.standing()) == (0, False, [])
        assert LEFT in result.text

    live_through(story, tmp_path)


def test_a_trade_by_hand_whose_news_is_lost_is_known_by_the_position_within_seconds(tmp_path: Path) -> None:
    """Comparisons are a minute apart: until one came, exits rested for what was sold."""

    async def story(scene: Scene) -> None:
        await _held(scene)
        scene.served.faults({"kind": "drop", "on": "ORDER_TRADE_UPDATE", "times": 4})
        scene.sold_by_hand("by-hand", "0.016")
        await scene.until(lambda _: scene.saw("external_fill"), "it is booked", 6.0)
        await scene.agreed()
        assert not [row for row in scene.standing() if row["side"] == "SELL" and "clientAlgoId" in row]
        scene.served.faults()
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(story, tmp_path)
