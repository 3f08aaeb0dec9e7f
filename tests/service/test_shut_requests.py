"""While the exchange takes no requests, why nothing is sent is told like any other reason, until it does again."""

import asyncio
from pathlib import Path

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ops.alerts import Watch
from gridbot_tui.ops.params import AlertParams
from gridbot_tui.service.beside.alert_watch import Looks
from tests.service.wire_scene import Scene, live_through


def shut(picture: Snapshot) -> list[str]:
    return [one.detail for one in picture.blockers if one.code == "requests_shut"]


def test_a_429_is_a_reason_until_its_time_is_over(tmp_path: Path) -> None:
    async def story(scene: Scene) -> None:
        await scene.start()
        await scene.trading()
        bot, journal, runner, venue = (getattr(scene.parts, name) for name in ("bot", "journal", "runner", "venue"))
        looks = Looks(bot, journal, runner, venue.links, crashed=False)
        alarms = Watch(AlertParams(), "test")

        def due() -> str:
            message = alarms.look(looks.standing(), looks.engine_time(), scene.loop.time())
            return "" if message is None else message.body

        assert not shut(scene.look())
        scene.served.faults({"kind": "rate_limit", "on": "POST /fapi/v1/*rder*", "times": 1, "ms": 90_000})
        for _ in range(60):
            scene.stir()
            await asyncio.sleep(3.0)
            if shut(scene.look()):
                break
        picture = scene.look()
        assert not due(), "most are over soon"
        assert shut(picture)[0].startswith("shut for ")
        since = next(one.since for one in picture.blockers if one.code == "requests_shut")
        await asyncio.sleep(20.0)
        later = next(one for one in scene.look().blockers if one.code == "requests_shut")
        assert later.since == since
        assert not due()
        await asyncio.sleep(45.0)
        assert due().startswith("WARNING disconnected (requests_shut): shut for ")
        await scene.until(lambda p: not shut(p), "it is over", 120.0)
        assert due().startswith("OVER disconnected (requests_shut)")
        await scene.agreed(seconds=300.0)
        assert (await scene.stop()).exit_code == 0

    live_through(story, tmp_path)
