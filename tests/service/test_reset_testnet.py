"""A testnet that was reset under a profile: the start says so, and the way on."""

from pathlib import Path

import pytest

from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.units import HOUR, Market
from tests.service.jumping import BEGIN
from tests.service.wire_scene import Scene, live_through


@pytest.mark.parametrize("market", list(Market))
def test_a_testnet_that_knows_nothing_of_the_last_trade_is_not_traded_on_with_its_lots(
    tmp_path: Path, market: Market
) -> None:
    async def lived(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.985)
        await scene.until(lambda _: scene.holds(), "a position")
        await scene.agreed()
        await scene.leave()
        await scene.start()
        await scene.trading()  # a trade that is known there stops no start
        await scene.leave()

    async def after_it(scene: Scene) -> None:
        with pytest.raises(RunRefused, match="the testnet has been reset since this profile's last trade") as refused:
            await scene.start()
        assert refused.value.exit_code == 4
        database = scene.profile.database
        assert f"Move {database} away" in str(refused.value)
        database.rename(database.with_suffix(".old"))
        await scene.start()
        await scene.trading()
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(lived, tmp_path, market=market)
    live_through(after_it, tmp_path, market=market, begin=BEGIN + 3 * HOUR)


def test_one_that_was_reset_before_anything_was_traded_is_gone_on_with(tmp_path: Path) -> None:
    async def lived(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        await scene.leave()

    async def after_it(scene: Scene) -> None:
        await scene.start()
        await scene.agreed()
        assert (await scene.stop()).exit_code == 0

    live_through(lived, tmp_path)
    live_through(after_it, tmp_path, begin=BEGIN + 3 * HOUR)
