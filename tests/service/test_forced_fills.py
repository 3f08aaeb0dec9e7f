"""What Binance executes itself: its events may leave the fee out, and the books tie out all the same."""

from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.exchange.server import render_futures
from tests.service.wire_scene import Scene, live_through

SETS = {"service.reconcile_s": "10"}


@pytest.mark.parametrize("kind", ["deleverage", "liquidate"])
def test_a_forced_fill_whose_event_has_no_fee_costs_what_the_list_says(
    kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = render_futures.order_trade_update

    def without_fee(*given: Any) -> dict[str, Any]:
        frame = told(*given)
        if "autoclose" in frame["o"]["c"]:
            del frame["o"]["n"], frame["o"]["N"]
        return frame

    monkeypatch.setattr(render_futures, "order_trade_update", without_fee)

    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.carry(0.985)
        await scene.agreed(entries=False)
        rule = {"symbol": "BTCUSDT"} if kind == "deleverage" else {}
        scene.served.control("act", kind=kind, **rule)
        await scene.until(lambda _: scene.saw("the exchange closed"), "it is said")
        await scene.agreed(entries=False)
        assert (await scene.stop()).exit_code == 0
        assert scene.contradictions() == []

    live_through(story, tmp_path, sets=SETS)
