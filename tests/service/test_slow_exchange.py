"""An exchange that answers slowly opens the breaker of that name, measured request by request on the wire."""

import asyncio
from pathlib import Path

from gridbot_tui.control.snapshot import Snapshot
from tests.service.wire_scene import Scene, live_through


def slow(picture: Snapshot) -> list[str]:
    return [one.detail for one in picture.blockers if one.code == "exchange_slow"]


def test_slow_answers_stop_new_risk_until_they_are_quick_again(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        scene.served.faults({"kind": "late", "on": "*", "times": 0, "ms": 6_000})
        for _ in range(20):
            scene.stir()
            await asyncio.sleep(6.0)
            if slow(scene.look()):
                break
        picture = scene.look()
        assert "half of a minute's answers take 6" in slow(picture)[0]
        assert "latency" in [one.name for one in picture.breakers if one.state == "open"]
        scene.served.faults()
        await scene.until(lambda p: not slow(p), "it closes", 180.0)
        await scene.agreed(seconds=300.0)
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path)

