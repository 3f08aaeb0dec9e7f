"""Does the whole program grow? A day at 60x, which is sixty days of the simulated market, with the app on it.

One process holds the real bot and the real app, as ``gridbot`` does. The bot lives at full speed; the app gets
a picture for every ``STEP`` of virtual time and paints it, and goes through its pages now and then. At 60x and
four pictures a second a picture covers 15 s; here it covers five minutes, so growth with what happens is
counted whole and growth with painting a twentieth: ``painted`` counts that by itself, on a picture that moves.

``python -m tests.tools.bench_memory paced 24`` is the same at its own pace: ``gridbot --speed 60`` on a pty for so many
minutes of the wall, 24 of which are a day of the market.
"""

import asyncio
import contextlib
import os
import re
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from pathlib import Path

from msgspec import json

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.assemble import open_profile, understand
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.virtual import VirtualParts
from gridbot_tui.ui import environ
from gridbot_tui.units import DAY, HOUR, MINUTE
from tests.tools.bench_pty import App

STEP = 5 * MINUTE
SPEED = 60
KEYS = (b"w", b"x", b"a", b"o", b"d", b"l", b"L", b"c", b"?")
PAGES = ("w", "x", "a", "o", "d", "l", "L", "c", "question_mark")
PAGE = os.sysconf("SC_PAGE_SIZE")
RUN = "import sys\nfrom gridbot_tui.cli import main\nmain(sys.argv[1:])\n"


def resident(pid: int | str = "self") -> float:
    """MiB of a process in memory, by default of this one."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / (1 << 20)


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


def paced(minutes: float) -> list[tuple[float, float]]:
    """(hours of the wall, MiB) of bot and app in one process on a pty at 60x, every five seconds."""
    points: list[tuple[float, float]] = []
    with tempfile.TemporaryDirectory() as home:
        app = App(RUN, "--home", home, "--speed", str(SPEED))
        try:
            app.read(300, re.compile(rb"60x speed"))
            began = time.monotonic()
            while (passed := time.monotonic() - began) < 60 * minutes:
                app.read(5.0)
                points.append((passed / 3600, resident(app.pid)))
                if len(points) % 24 == 0:
                    os.write(app.fd, KEYS[len(points) // 24 % len(KEYS)])
                elif len(points) % 24 == 2:
                    os.write(app.fd, b"\x1b")
        finally:
            app.close()
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
    if sys.argv[1:2] == ["paced"]:
        found = paced(float(sys.argv[2]) if len(sys.argv) > 2 else 24.0)
        print(f"{60 * found[-1][0]:.0f} min at 60x, from {found[0][1]:.0f} to {found[-1][1]:.0f} MiB, last half")
        print(f"{slope(found):.2f} MiB/h")
        raise SystemExit(0)
    given = [int(word) for word in sys.argv[1:]]
    for name, value in main(*(given or (60, 14_400))):
        print(f"{name:<76} {value:8.3f} MiB/h")
