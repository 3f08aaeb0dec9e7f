"""Does the whole program grow? A day at 60x, which is sixty days of the simulated market, with the app on it.

One process holds the real bot and the real app, as ``gridbot`` does. The bot lives at full speed; the app gets
a picture for every ``STEP`` of virtual time and paints it, and goes through its pages now and then. At 60x and
four pictures a second a picture covers 15 s; here it covers five minutes, so growth with what happens is
counted whole and growth with painting a twentieth: ``painted`` counts that by itself, on a picture that moves.
"""

import asyncio
import contextlib
import os
import sys
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec import json

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.assemble import open_profile, understand
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.virtual import VirtualParts
from gridbot_tui.ui import environ
from gridbot_tui.units import DAY, HOUR, MINUTE

STEP = 5 * MINUTE
SPEED = 60
PAGES = ("w", "x", "a", "o", "d", "l", "L", "c", "question_mark")
PAGE = os.sysconf("SC_PAGE_SIZE")


def resident() -> float:
    """MiB of this process in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE / (1 << 20)


def slope(points: list[tuple[float, float]]) -> float:
    """Least squares: by how much y rises with x, over the last half of the points."""
    half = points[len(points) // 2 :]
    x0 = sum(x for x, _ in half) / len(half)
    y0 = sum(y for _, y in half) / len(half)
    return sum((x - x0) * (y - y0) for x, y in half) / sum((x - x0) ** 2 for x, _ in half)


@contextlib.asynccontextmanager
async def program(home: Path, days: int) -> AsyncIterator[tuple[VirtualParts, int]]:
    """The bot of a new profile after its past, and when ``days`` more are over."""
    plan = understand(RunOptions(home=home))
    with open_profile(plan) as profile:
        parts = VirtualParts(plan, profile, screen=True)
        parts.start()
        await parts.live_through_history()
        try:
            yield parts, parts.world.now + days * DAY
        finally:
            await parts.close(clean=True)


async def lived(days: int = 60) -> list[tuple[float, float]]:
    """(hours of the wall at 60x, MiB) of bot and app together."""
    from tests.ui.running import an_app, flush

    points: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as folder:
        async with program(Path(folder), days) as (parts, until):
            app = an_app(parts.picture.snapshot())
            began = parts.world.now
            async with app.run_test(size=(120, 40)) as pilot:
                looks = 0
                while parts.world.now < until:
                    await parts.runner.run(until=parts.world.now + STEP)
                    # Through the wire's format, as every face gets it.
                    app.picture.receive(json.decode(json.encode(parts.picture.snapshot()), type=Snapshot))
                    flush(pilot)
                    await pilot.pause(0)
                    looks += 1
                    if looks % 144 == 0:
                        await pilot.press(PAGES[looks // 144 % len(PAGES)])
                        await pilot.press("escape")
                    if looks % 72 == 0:
                        points.append(((parts.world.now - began) / HOUR / SPEED, resident()))
    return points


async def painted(flushes: int = 14_400) -> list[tuple[float, float]]:
    """(hours of four flushes a second, MiB) of an app alone, on a picture whose prices move."""
    from tests.ui import fixtures
    from tests.ui.demo import moved
    from tests.ui.running import an_app, flush

    points: list[tuple[float, float]] = []
    normal = fixtures.normal()
    app = an_app(normal)
    async with app.run_test(size=(120, 40)) as pilot:
        for at in range(flushes):
            app.picture.receive(moved(normal, at))
            flush(pilot)
            await pilot.pause(0)
            if at % 200 == 0:
                points.append((at / 4 / 3600, resident()))
    return points


def main(days: int, flushes: int) -> list[tuple[str, float]]:
    """Rows of (what, MiB an hour)."""
    environ.prepare()
    whole, alone = asyncio.run(lived(days)), asyncio.run(painted(flushes))
    return [
        (f"memory at 60x, {whole[-1][0]:.0f} h, at the end {whole[-1][1]:.0f} MiB: last half", slope(whole)),
        (f"memory of {flushes} flushes, {alone[-1][0]:.1f} h of the wall: last half", slope(alone)),
    ]


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    for name, value in main(*(given or (60, 14_400))):
        print(f"{name:<76} {value:8.3f} MiB/h")
