"""What the terminal app costs, counted on a pty: ``python -m tests.tools.bench_ui [case ...]``.

Cases: idle stream flood keys start run decision naive memory; memory takes a quarter of an hour and is only
measured where it is named. The table that it prints is what docs/TERMINAL.md shows.

A bot of fixtures runs in a process of its own behind a real control socket and follows a fixed script; the app
is attached on a pty of 120x40. Bytes are what the terminal receives, processor time is the app's process
alone. ``naive`` is the same dashboard from stock widgets, updated as events come.
"""

import asyncio
import multiprocessing
import os
import re
import select
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from gridbot_tui.control.snapshot import EventView, Snapshot
from tests.tools import bench_decision, bench_memory
from tests.tools.bench_pty import ROOT, App
from tests.ui import fixtures
from tests.ui.demo import DemoBot, moved, serving

SETTLE_S = 3.0
ATTACH = """
import asyncio, sys
from pathlib import Path
from gridbot_tui.ui.launch import launch, Wishes
from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.messages import Role
async def door():
    return await ControlClient.connect(Path(sys.argv[1]), role=Role.FACE, name="bench")
launch(door, Wishes(), attached=True)
"""
RUN = "import sys\nfrom gridbot_tui.cli import main\nmain(sys.argv[1:])\n"
EMPTY = """
import os
os.environ["TEXTUAL_ANIMATIONS"] = "none"
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("gridbot")
Empty().run(mouse=False)
"""


class Gate(NamedTuple):
    """A row of the table: what was measured and what it may be."""

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def missed(self) -> bool:
        """True where it is more than it may be."""
        return self.limit is not None and self.value > self.limit

    def __str__(self) -> str:
        value = f"{self.value:,.2f}" if abs(self.value) < 10 else f"{self.value:,.0f}"
        gate = "" if self.limit is None else f"{self.limit:,g} {self.unit}{' **missed**' if self.missed else ''}"
        return f"| {self.name} | {value} {self.unit} | {gate} |"


class ScriptedBot(DemoBot):
    """Follows a script by its own clock: ``events`` a second over so many symbols."""

    def __init__(self, snapshot: Snapshot, events: int) -> None:
        super().__init__(snapshot)
        self._events = events
        self._began = time.monotonic()

    def snapshot(self) -> Snapshot:
        """The picture after as many events as the script has had time for."""
        count = int((time.monotonic() - self._began) * self._events)
        if not self._events:
            return self._snapshot
        found = moved(self._snapshot, count)
        news = tuple(
            EventView(found.at - at, "info", "fill", "BTCUSDT", f"buy 0.026 @ {60_000 + (count - at) % 97}, fee 0.3")
            for at in range(0, min(count, 20))
        )
        equity = f"{10_000 + count % 700:.2f}"
        return replace(found, at=self._snapshot.at + count * 1000 // self._events, events=news, equity=equity)


def picture(symbols: int) -> Snapshot:
    """A real-time picture of so many symbols."""
    found = fixtures.normal()
    views = {f"COIN{at:02d}USDT": found.symbols["BTCUSDT"] for at in range(symbols - 1)}
    return replace(found, mode="paper", symbols={"BTCUSDT": found.symbols["BTCUSDT"], **views})


def serve(path: str, symbols: int, events: int) -> None:
    """The bot's process."""

    async def forever() -> None:
        async with serving(ScriptedBot(picture(symbols), events), Path(path)):
            await asyncio.Event().wait()

    asyncio.run(forever())


def streamed(path: str, seconds: float, script: str = ATTACH) -> tuple[float, float]:
    """(bytes a second, per cent of a core) once the first screen has settled."""
    app = App(script, path)
    try:
        app.read(SETTLE_S)
        before, start = app.processor(), time.monotonic()
        size = len(app.read(seconds))
        took = time.monotonic() - start
        return size / took, 100 * (app.processor() - before) / took
    finally:
        app.close()


def key_latency(path: str, presses: int = 40) -> tuple[list[float], float]:
    """Milliseconds from a key to the first byte of what it does, while the stream goes on; and of the processor."""
    app = App(ATTACH, path)
    found = []
    try:
        app.read(SETTLE_S)
        for at in range(presses):
            app.read(0.11 + 0.007 * (at % 5))
            while app.read(0.03):
                pass  # between two flushes, so that the bytes that follow are the key's
            start = time.monotonic()
            os.write(app.fd, b"n")
            if select.select([app.fd], [], [], 1.0)[0]:
                found.append(1000 * (time.monotonic() - start))
        calm = app.processor()
        app.read(2.0)
        calm, before = (app.processor() - calm) / 2.0, app.processor()
        began = time.monotonic()
        for _ in range(presses):
            os.write(app.fd, b"n")
            app.read(0.05)
        own = app.processor() - before - calm * (time.monotonic() - began)
    finally:
        app.close()
    return found, 1000 * own / presses


def first_paint(script: str, until: bytes, *words: str, times: int = 7) -> tuple[float, float]:
    """Median milliseconds from the start of the process to these bytes: of the wall, and of the processor."""
    found, own = [], []
    for _ in range(times):
        app = App(script, *words)
        app.read(10, re.compile(re.escape(until)))
        found.append(1000 * (time.monotonic() - app.began))
        own.append(1000 * app.processor())
        app.close()
    return statistics.median(found), statistics.median(own)


def bot(path: str, symbols: int, events: int) -> Any:
    """A bot's process that listens."""
    process = multiprocessing.get_context("spawn").Process(target=serve, args=(path, symbols, events), daemon=True)
    process.start()
    while not Path(path).exists():
        time.sleep(0.02)
    return process


def measure(wanted: set[str], seconds: float = 10.0) -> list[Gate]:
    """All rows asked for."""
    rows: list[Gate] = []

    def row(case: str, symbols: int, events: int) -> None:
        if wanted and case not in wanted:
            return
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/s"
            process = bot(path, symbols, events)
            try:
                rows.extend(CASES[case](path, seconds))
            finally:
                process.kill()
                process.join()

    row("idle", 2, 0)
    row("stream", 2, 20)
    row("flood", 50, 5000)
    row("keys", 2, 20)
    row("start", 2, 20)
    row("naive", 2, 20)
    for case, rows_of in ALONE.items():
        if case in wanted or not (wanted or case == "memory"):
            rows.extend(rows_of())
    return rows


def _idle(path: str, seconds: float) -> list[Gate]:
    size, processor = streamed(path, seconds)
    return [Gate("idle, 120x40", size, "B/s", 300), Gate("its processor", processor, "%")]


def _stream(path: str, seconds: float) -> list[Gate]:
    size, processor = streamed(path, seconds)
    return [Gate("streaming 20 events/s, 120x40", size, "B/s", 12_000), Gate("its processor", processor, "%")]


def _flood(path: str, seconds: float) -> list[Gate]:
    size, processor = streamed(path, seconds)
    return [
        Gate("streaming 5,000 events/s, 50 symbols", size, "B/s", 12_000),
        Gate("its processor", processor, "%"),
    ]


def _keys(path: str, seconds: float) -> list[Gate]:
    found, own = key_latency(path)
    found.sort()
    return [
        Gate("key to first byte, streaming: p50", statistics.median(found), "ms", 10),
        Gate("key to first byte, streaming: p99", found[int(0.99 * (len(found) - 1))], "ms", 40),
        Gate("processor of a key and what it paints", own, "ms"),
    ]


def _start(path: str, seconds: float) -> list[Gate]:
    empty, empty_own = first_paint(EMPTY, b"gridbot")
    attached, own = first_paint(ATTACH, b"Ladder", path)
    full, _ = first_paint(ATTACH, b"63 959.0", path)
    return [
        Gate("an empty Textual app, start to first paint", empty, "ms"),
        Gate("start to first paint", attached, "ms", 400),
        Gate("start to first paint, beside the empty app", attached / empty, "x", 2),
        Gate("the same on the processor", own / empty_own, "x", 2),
        Gate("attach to full screen, after the first paint", max(0.0, full - attached), "ms", 300),
    ]


def _naive(path: str, seconds: float) -> list[Gate]:
    script = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.tools.naive_ui import main\nmain(sys.argv[1])\n"
    )
    size, processor = streamed(path, seconds, script)
    return [Gate("the same from stock widgets, 20 events/s", size, "B/s"), Gate("its processor", processor, "%")]


def _run() -> list[Gate]:
    """``gridbot`` in an empty home: until its first screen shows fills, and prices drawn (they come last)."""
    found, drawn, whole = [], [], []
    for _ in range(3):
        with tempfile.TemporaryDirectory() as home:
            app = App(RUN, "--home", home)
            seen = app.read(30, re.compile(rb"fills [1-9]"))
            found.append(time.monotonic() - app.began)
            assert seen
            app.read(30, re.compile("┤".encode()))  # of the chart's axis
            drawn.append(time.monotonic() - app.began)
            app.read(60, re.compile(rb"120x speed"))
            whole.append(time.monotonic() - app.began)
            app.close()
    return [
        Gate("gridbot in an empty home, to votes, fills, equity and a ladder", statistics.median(found), "s", 2),
        Gate("the same and its price chart", statistics.median(drawn), "s", 2),
        Gate("its 21 days lived through, app and all", statistics.median(whole), "s"),
    ]


def _decision() -> list[Gate]:
    found = bench_decision.rounds(10.0)
    alone, beside, attached = (found[kind][0] for kind in ("alone", "beside", "attached"))
    return [
        Gate(f"decision p99 without a terminal ({found['alone'][2]} decisions of 6 symbols)", alone, "ms"),
        Gate("decision p99 with the app in the process: more than without", beside - alone, "ms", 2),
        Gate("decision p99 with an app attached: of that without", attached / alone, "x", 1.1),
        *(Gate(f"p99 on the thread's own processor time, {kind}", found[kind][1], "ms") for kind in found),
    ]


def _memory() -> list[Gate]:
    return [Gate(name, value, "MiB/h", 1) for name, value in bench_memory.main(60, 14_400)]


CASES = {"idle": _idle, "stream": _stream, "flood": _flood, "keys": _keys, "start": _start, "naive": _naive}
ALONE = {"run": _run, "decision": _decision, "memory": _memory}


def main() -> None:
    """Print the table; fail where a gate is missed."""
    before = os.getloadavg()[0]
    rows = measure(set(sys.argv[1:]))
    print(f"| case | measured | at most |\n|---|---:|---:|\n{chr(10).join(str(row) for row in rows)}\n")
    print(f"Load average before and after on {os.cpu_count()} cores: {before:.1f}, {os.getloadavg()[0]:.1f}.")
    if any(row.missed for row in rows):
        raise SystemExit("a gate was missed")


if __name__ == "__main__":
    main()
