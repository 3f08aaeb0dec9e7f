"""A price that passes several levels at once: executions are heard of before the quotes that passed them."""

from pathlib import Path

import pytest

from gridbot_tui.units import Market
from tests.service.wire_scene import Scene, live_through


@pytest.mark.parametrize(("market", "far"), [(Market.SPOT, 0.022), (Market.FUTURES, 0.012)])
def test_levels_that_a_jump_has_passed_rest_again_on_its_other_side(market: Market, far: float, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        for share in (1 - far, 1 + far):
            scene.carry(share)
            await scene.agreed()
        bids = [float(one.price or 0) for one in scene.look().orders if one.side == "buy"]
        assert max(bids) > scene.homes["BTCUSDT"], "not only where the price was before the jump"
        before = scene.look().symbols["BTCUSDT"].fills
        scene.carry(1 - far)
        await scene.agreed()
        assert scene.look().symbols["BTCUSDT"].fills > before

    live_through(story, tmp_path, market=market)
