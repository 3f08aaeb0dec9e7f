"""More orders than the exchange takes in ten seconds: they stand a little later, and cost no more requests for it."""

import asyncio
from pathlib import Path

from gridbot_tui.control.snapshot import Snapshot
from tests.service.wire_scene import WITHIN_S, Scene, live_through

SYMBOLS = ("ADAUSDT", "BNBUSDT", "BTCUSDT", "DOGEUSDT", "ETHUSDT", "LINKUSDT", "SOLUSDT", "XRPUSDT")
SHARE = 0.2
"""Of Binance's limits: 60 orders in ten seconds, of which entries may take 45."""

OUTAGE_S = 65.0


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


def test_after_an_outage_orders_in_doubt_leave_room_for_all_that_must_be_asked(tmp_path: Path) -> None:
    """A hundred orders whose cancels were not answered: they are asked about, the rest of the account is as well."""

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.until(lambda picture: picture.state == "running", "it trades", 600.0)
        await scene.agreed(seconds=300.0)
        for symbol in SYMBOLS:
            scene.carry(0.99, symbol)  # positions, with their stops
        await scene.agreed(seconds=120.0)
        scene.served.control("act", kind="maintenance", on="*", ms=round(OUTAGE_S * 1000))
        scene.served.control("act", kind="disconnect", on="*")
        await asyncio.sleep(OUTAGE_S)
        await scene.agreed(entries=False, seconds=WITHIN_S)
        await scene.agreed(seconds=300.0)
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(story, tmp_path, symbols=SYMBOLS, limits=2 * SHARE)
