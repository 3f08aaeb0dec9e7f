"""Fees that change under a bot that trades: another tier, taken up while it runs."""

from decimal import Decimal
from pathlib import Path

import pytest

from gridbot_tui.control.command import CommandKind
from gridbot_tui.exchange.binance import fee_watch
from gridbot_tui.units import HOUR, MINUTE, Market
from tests.service.jumping import BEGIN
from tests.service.wire_scene import KEY, SYMBOL, Scene, live_through


@pytest.fixture(autouse=True)
def looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fee_watch, "ROUND", 10.0)
    monkeypatch.setattr(fee_watch, "LEAST", 10.0)


def gone_by(scene: Scene) -> tuple[Decimal, Decimal]:
    """The fees that the bot goes by."""
    config = scene.parts.engine.desk.config
    return config.maker_fee, config.taker_fee


@pytest.mark.parametrize("market", list(Market))
def test_a_lost_tier_is_taken_up_said_and_kept_through_a_reload_and_a_restart(market: Market, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        began = gone_by(scene)
        dear = tuple(3 * one for one in began)
        scene.served.control("fees", key=KEY, maker=str(dear[0]), taker=str(dear[1]))
        await scene.until(lambda _: scene.saw("fees: the account's fees have changed: maker from"), "said")
        assert gone_by(scene) == dear
        assert Decimal(scene.look().taker_fee or 0) == dear[1]
        scene.order(CommandKind.APPLY, text="[service]\nreconcile_s = 61\n")
        await scene.until(lambda picture: picture.config_version > 1, "another config is in force")
        assert gone_by(scene) == dear
        await scene.agreed()
        await scene.leave()
        await scene.start()
        await scene.trading()
        assert gone_by(scene) == dear
        scene.forget()
        scene.served.control("fees", key=KEY, maker=str(began[0]), taker=str(began[1]))
        await scene.until(lambda _: gone_by(scene) == began, "the tier is won back")
        stopped = await scene.stop()
        assert stopped.exit_code == 0, stopped

    live_through(story, tmp_path, market=market)


def test_the_next_decision_widens_a_grid_that_the_new_fees_would_eat_up(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.served.control("fees", key=KEY, maker="0.02", taker="0.03")
        await scene.until(lambda _: gone_by(scene)[0] == Decimal("0.02"), "taken up")
        await scene.until(lambda _: scene.saw("the levels are closer than fees and ticks allow"), "said", HOUR / 1000)
        assert not [row for row in scene.standing() if row.get("side") == "BUY" and row["symbol"] == SYMBOL]
        stopped = await scene.stop()
        assert stopped.exit_code == 0, stopped

    live_through(story, tmp_path, begin=BEGIN - BEGIN % HOUR + HOUR - 2 * MINUTE)
