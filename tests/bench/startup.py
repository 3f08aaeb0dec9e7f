"""From nothing to trading: how long until the command line answers, the socket listens, an order rests."""

import json
import signal
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

from tests.bench.report import Report

ROOT = Path(__file__).resolve().parents[2]
LOOK_S = 0.005
PATIENCE_S = 180.0
WARM_S = 21 * 86_400.0


def run(report: Report) -> None:
    """Help, status, then a sim: first start, its first order, and the start after a kill."""
    report.title("process start")
    report.figure("an empty Python process", _timed("-c", "pass"), "s")
    report.figure("gridbot --help", _timed("-m", "gridbot_tui", "--help"), "s")
    report.figure("gridbot status, nothing running", _timed("-m", "gridbot_tui", "status"), "s")
    with tempfile.TemporaryDirectory() as home:
        _sim(report, Path(home))


def _timed(*words: str) -> float:
    took = []
    for _ in range(5):
        began = perf_counter()
        subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, check=False)
        took.append(perf_counter() - began)
    return median(took)


def _sim(report: Report, home: Path) -> None:
    """A new sim lives through 21 days first; its first order is on the exchange's books before that ends."""
    began = perf_counter()
    child = _start(home)
    try:
        listening = _until(child, lambda: bool(list(home.glob("*/control.sock"))), began)
        ordered = _until(child, lambda: _rows(home, "gridbot.db", "orders") > 0, began)
        ready = _until(child, lambda: (_uptime(home) or 0.0) >= WARM_S, began)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    report.figure("new sim: start to listening socket", listening, "s")
    report.figure("new sim: start to first order on disk", ordered, "s")
    report.figure("new sim: start to 21 days lived through, status answers", ready, "s")
    began = perf_counter()
    child = _start(home)
    try:
        again = _until(child, lambda: _uptime(home) is not None, began)
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    report.figure("killed and started again: start to running", again, "s")


def _start(home: Path) -> subprocess.Popen[bytes]:
    words = ["--no-ui", "--mode", "sim", "--home", str(home), "--speed", "1"]
    return subprocess.Popen(
        [sys.executable, "-m", "gridbot_tui", *words],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _until(child: "subprocess.Popen[bytes]", true: Callable[[], bool], began: float) -> float:
    while not true():
        if child.poll() is not None or perf_counter() - began > PATIENCE_S:
            return float("nan")
        sleep(LOOK_S)
    return perf_counter() - began


def _rows(home: Path, name: str, table: str) -> int:
    """Rows of a table of the profile's file; 0 while there is none."""
    found = next(iter(home.glob(f"*/{name}")), None)
    if found is None:
        return 0
    try:
        with sqlite3.connect(f"file:{found}?mode=ro", uri=True, timeout=0.01) as database:
            (count,) = database.execute(f"SELECT COUNT(*) FROM (SELECT 1 FROM {table} LIMIT 1)").fetchone()
            return int(count)
    except sqlite3.OperationalError:
        return 0


def _uptime(home: Path) -> float | None:
    """Virtual seconds since the start, of a bot that says it is running; None while it does not."""
    words = [sys.executable, "-m", "gridbot_tui", "status", "--json", "--home", str(home)]
    said = subprocess.run(words, cwd=ROOT, capture_output=True, check=False)
    if said.returncode:
        return None
    document = json.loads(said.stdout)
    return float(document["uptime_s"]) if document["state"] == "running" else None
