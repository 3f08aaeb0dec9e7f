"""What an app beside it costs the bot: wall time of ``engine.handle`` for bars that end an hour.

Each run resumes a copy of the same lived profile and goes on at the same high speed. Three runs: without a
terminal, with the app in the same process on a pty, and with an app attached on a pty from another process.
"""

import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.tools.bench_pty import ROOT, App

SPEED = "20000"
WARM = ("--set", "simulation.warmup_days=16")
TIMED = """
import atexit, os, sys, time
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import BarsClosed
from gridbot_tui.units import HOUR
plain, took = Engine.handle, []
def handle(self, event):
    if type(event) is not BarsClosed or event.at % HOUR:
        return plain(self, event)
    wall, own = time.perf_counter(), time.thread_time()
    try:
        return plain(self, event)
    finally:
        took.append((time.perf_counter() - wall, time.thread_time() - own))
        if len(took) % 20 == 0:
            with open(sys.argv[1], "w") as file:
                file.writelines(f"{wall} {own}\\n" for wall, own in took)
Engine.handle = handle
from gridbot_tui.cli import main
main(sys.argv[2:])
"""
ATTACH = "import sys\nfrom gridbot_tui.cli import main\nmain(sys.argv[1:])\n"


def lived(home: Path) -> None:
    """A profile that has lived through its past, left in order."""
    words = ["--home", str(home), "--no-ui", *WARM]
    process = subprocess.Popen(
        [sys.executable, "-m", "gridbot_tui", *words], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _until_lived(home)
    process.kill()
    process.wait()


def _until_lived(home: Path) -> None:
    end = time.monotonic() + 120
    while not any(home.rglob("control.sock")) or any(home.rglob("warming")):
        if time.monotonic() > end:
            raise RuntimeError("the past of the bench's profile did not end")
        time.sleep(0.05)


def decisions(model: Path, kind: str, seconds: float) -> tuple[list[float], list[float]]:
    """Milliseconds of each decision, elapsed and on its own thread; ``kind``: alone, beside or attached."""
    with tempfile.TemporaryDirectory() as folder:
        home, out = Path(folder) / "home", Path(folder) / "took"
        shutil.copytree(model, home, ignore=shutil.ignore_patterns("control.sock"))
        words = ["--home", str(home), "--speed", SPEED, *WARM]
        if kind == "beside":
            app = App(TIMED, str(out), *words)
            app.read(seconds)
            app.close()
        else:
            bot = subprocess.Popen(
                [sys.executable, "-c", TIMED, str(out), "--no-ui", *words],
                cwd=ROOT,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            try:
                _watched(kind, home, seconds)
            finally:
                bot.send_signal(signal.SIGKILL)
                bot.wait()
        pairs = [tuple(map(float, line.split())) for line in out.read_text().splitlines()]
    return [1000 * wall for wall, _ in pairs], [1000 * own for _, own in pairs]


def _watched(kind: str, home: Path, seconds: float) -> None:
    if kind == "alone":
        time.sleep(seconds)
        return
    end = time.monotonic() + 30
    while not any(home.rglob("control.sock")) and time.monotonic() < end:
        time.sleep(0.05)
    app = App(ATTACH, "attach", "--home", str(home))
    app.read(seconds)
    app.close()


def p99(values: list[float]) -> float:
    """The value that one in a hundred passes."""
    return sorted(values)[int(0.99 * (len(values) - 1))]


def rounds(seconds: float, times: int = 3) -> dict[str, tuple[float, float, int]]:
    """(p99 elapsed, p99 on its thread, decisions) of each kind: the median of some rounds, taken in turns."""
    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder) / "model"
        lived(model)
        found: dict[str, list[tuple[float, float, int]]] = {"alone": [], "beside": [], "attached": []}
        for _ in range(times):
            for kind, rows in found.items():
                elapsed, own = decisions(model, kind, seconds)
                rows.append((p99(elapsed), p99(own), len(elapsed)))
    return {
        kind: (
            statistics.median(row[0] for row in rows),
            statistics.median(row[1] for row in rows),
            sum(row[2] for row in rows),
        )
        for kind, rows in found.items()
    }


if __name__ == "__main__":
    os.chdir(ROOT)
    for name, row in rounds(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0).items():
        print(f"{name:<10} p99 {row[0]:6.2f} ms elapsed, {row[1]:6.2f} ms on its thread, {row[2]} decisions")
