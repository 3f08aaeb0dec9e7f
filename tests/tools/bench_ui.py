"""What the terminal app costs, counted on a pty: ``python -m tests.tools.bench_ui [case ...]``.

A bot of fixtures runs in a process of its own behind a real control socket and follows a fixed script; the app
is attached on a pty of 120x40. Bytes are what the terminal receives, processor time is the app's process
alone. ``naive`` is the same dashboard from stock widgets, updated as events come.
"""

import asyncio
import multiprocessing
import os
import pty
import select
import signal
import statistics
import struct
import sys
import tempfile
import termios
import time
from fcntl import ioctl
from pathlib import Path
from typing import Any, NamedTuple

from msgspec.structs import replace

from gridbot_tui.control.snapshot import EventView, Snapshot
from tests.ui import fixtures
from tests.ui.demo import DemoBot, moved, serving

ROOT = Path(__file__).resolve().parents[2]
SIZE = (120, 40)
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

    def __str__(self) -> str:
        gate = (
            ""
            if self.limit is None
            else f"   at most {self.limit:g} {self.unit}   " + ("ok" if self.value <= self.limit else "MISSED")
        )
        return f"{self.name:<52} {self.value:>10.1f} {self.unit:<6}{gate}"


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


class App:
    """The app's process on a pty."""

    def __init__(self, script: str, *words: str) -> None:
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.pop("NO_COLOR", None)
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-c", script, *words])
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))

    def read(self, seconds: float, until: bytes = b"") -> bytes:
        """What is written within so many seconds, or up to where ``until`` is seen."""
        found = b""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], min(left, 0.02))[0]:
                data = os.read(self.fd, 65536)
                if b"?2026$p" in data:
                    os.write(self.fd, b"\x1b[?2026;2$y")
                found += data
                if until and until in found:
                    break
        return found

    def processor(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


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


def key_latency(path: str, presses: int = 40) -> list[float]:
    """Milliseconds from a key to the first byte of what it does, while the stream goes on."""
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
    finally:
        app.close()
    return found


def first_paint(script: str, until: bytes, *words: str, times: int = 5) -> float:
    """Median milliseconds from the start of the process to these bytes."""
    found = []
    for _ in range(times):
        app = App(script, *words)
        app.read(10, until)
        found.append(1000 * (time.monotonic() - app.began))
        app.close()
    return statistics.median(found)


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
    return rows


def _idle(path: str, seconds: float) -> list[Gate]:
    size, processor = streamed(path, seconds)
    return [Gate("idle, 120x40", size, "B/s", 300), Gate("  processor", processor, "%")]


def _stream(path: str, seconds: float) -> list[Gate]:
    size, processor = streamed(path, seconds)
    return [Gate("streaming 20 events/s, 120x40", size, "B/s", 12_000), Gate("  processor", processor, "%")]


def _flood(path: str, seconds: float) -> list[Gate]:
    size, processor = streamed(path, seconds)
    return [
        Gate("streaming 5,000 events/s, 50 symbols", size, "B/s", 12_000),
        Gate("  processor", processor, "%"),
    ]


def _keys(path: str, seconds: float) -> list[Gate]:
    found = sorted(key_latency(path))
    return [
        Gate("key to first byte, streaming: p50", statistics.median(found), "ms", 10),
        Gate("key to first byte, streaming: p99", found[int(0.99 * (len(found) - 1))], "ms", 40),
    ]


def _start(path: str, seconds: float) -> list[Gate]:
    empty = first_paint(EMPTY, b"gridbot")
    attached = first_paint(ATTACH, b"Ladder", path)
    full = first_paint(ATTACH, b"63 959.0", path)
    return [
        Gate("an empty Textual app, start to first paint", empty, "ms"),
        Gate("start to first paint", attached, "ms", max(400.0, 2 * empty)),
        Gate("attach to full screen, after the first paint", full - attached, "ms", 300),
    ]


def _naive(path: str, seconds: float) -> list[Gate]:
    script = (
        f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tests.tools.naive_ui import main\nmain(sys.argv[1])\n"
    )
    size, processor = streamed(path, seconds, script)
    return [Gate("the same from stock widgets, 20 events/s", size, "B/s"), Gate("  processor", processor, "%")]


CASES = {"idle": _idle, "stream": _stream, "flood": _flood, "keys": _keys, "start": _start, "naive": _naive}


def main() -> None:
    """Print the table; fail where a gate is missed."""
    rows = measure(set(sys.argv[1:]))
    print("\n".join(str(row) for row in rows))
    if any(row.limit is not None and row.value > row.limit for row in rows):
        raise SystemExit("a gate was missed")


if __name__ == "__main__":
    main()
