"""More orders than the exchange takes in ten seconds: they stand a little later, and cost no more requests for it."""

from pathlib import Path

from gridbot_tui.control.snapshot import Snapshot
from tests.service.wire_scene import Scene, live_through

SYMBOLS = ("ADAUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "LINKUSDT", "SOLUSDT", "XRPUSDT")
SHARE = 0.2
"""Of Binance's limits: 60 orders in ten seconds, of which entries may take 45."""


def test_a_ladder_that_waits_for_room_is_neither_asked_about_nor_taken_for_churn(tmp_path: Path) -> None:
    def all_stand(picture: Snapshot) -> bool:
        return picture.state == "running" and {one.state for one in picture.orders} == {"resting"}

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.until(lambda picture: picture.state == "running", "it trades", 600.0)
        scene.served.faults({"kind": "late", "on": "GET /fapi/v1/userTrades", "ms": 1, "times": 0})
        await scene.until(all_stand, "every order stands", 60.0)
        assert len(scene.standing()) > 90
        asked = scene.served.app.place.faults.injected["late"]
        assert asked <= 2 * len(SYMBOLS), "an order that never left has no executions"
        assert not scene.saw("churn"), "what waited for its turn is no rung that moves"

    live_through(story, tmp_path, symbols=SYMBOLS, limits=SHARE)
