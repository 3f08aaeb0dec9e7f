"""Cancels that come to nothing: repeated, ever more seldom, and never at the cost of what must still be asked."""

import asyncio
from pathlib import Path

import pytest

from gridbot_tui.control.command import CommandKind
from tests.service.wire_scene import Scene, live_through

VAIN = {
    "unanswered": {"kind": "html", "on": "DELETE /fapi/v1/order", "status": 502, "times": 0},
    "denied": {"kind": "refuse", "on": "DELETE /fapi/v1/order", "status": 400, "code": -2011, "times": 0,
               "msg": "Unknown order sent."},
}  # fmt: skip
FOR_S = 40.0


@pytest.mark.parametrize("how", sorted(VAIN))
def test_orders_that_cannot_be_cancelled_are_tried_ever_more_seldom_and_said(how: str, tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        standing = len(scene.standing())
        assert standing >= 10
        scene.served.faults(VAIN[how])
        faults = scene.served.app.place.faults.injected
        scene.order(CommandKind.PAUSE)
        await scene.until(lambda _: scene.saw("unresolved"), "an order in doubt is said", FOR_S)
        await asyncio.sleep(FOR_S)
        assert sum(faults.values()) <= 14 * standing, "a cancel of each now, and at the most every eight seconds"
        scene.served.faults()
        await scene.until(lambda _: not scene.standing(), "they are cancelled as soon as that is possible", 10.0)
        scene.order(CommandKind.RESUME)
        await scene.agreed(seconds=300.0)

    live_through(story, tmp_path)

