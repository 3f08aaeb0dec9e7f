"""A book so thin that the exchange takes no market order: positions are closed all the same."""

from pathlib import Path

import pytest

from gridbot_tui.exchange.simulated import filters
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Side, Ticks
from tests.service.wire_scene import Scene, live_through


def test_a_stop_closes_by_a_limit_order_where_market_orders_meet_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody_near(_: Instrument, side: Side, price: Ticks, mark: Ticks) -> bool:
        return abs(price - mark) < 0.03 * mark

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.994)
        await scene.until(lambda _: scene.holds(), "it has filled")
        await scene.agreed()
        monkeypatch.setattr(filters, "_outside", nobody_near)
        result = await scene.stop()
        assert result.exit_code == 0, result.text
        assert not scene.holds()
        orders = scene.ask("/fapi/v1/allOrders", symbol="BTCUSDT")
        (closed,) = [one for one in orders if one["timeInForce"] == "GTC" and one["type"] == "LIMIT"]
        assert (closed["status"], closed["reduceOnly"]) == ("FILLED", True)

    live_through(story, tmp_path)
