"""A price that passes several levels at once: executions are heard of before the quotes that passed them."""

from decimal import Decimal
from pathlib import Path

import pytest

from gridbot_tui.engine.desk import SymbolDesk
from gridbot_tui.engine.events import Fill
from gridbot_tui.engine.on_orders import _touch_after
from gridbot_tui.market.builtin import builtin
from gridbot_tui.units import Market, Side
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


@pytest.mark.parametrize(("late", "moved"), [(0, True), (60_000, False)])
def test_only_an_execution_of_now_is_news_of_the_price(late: int, moved: bool) -> None:
    state = SymbolDesk(builtin(Market.FUTURES)["BTCUSDT"])
    state.bid, state.ask, state.mark, state.mark_at = 600_000, 600_001, 600_000, 1_790_000_000_000
    fill = Fill(state.mark_at - late, "BTCUSDT", "one", "1", Side.BUY, 590_000, 8, Decimal(0), "USDT", True, Decimal(0))
    assert _touch_after(state, fill) == ((590_000, 590_000) if moved else (600_000, 600_001))
