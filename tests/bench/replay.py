"""How fast whole recordings are traded, through the same service, store and exchange as ever: child processes.

Each child runs the command line itself; only its market is wrapped, to note how time passes. Without
recorded data (``GRIDBOT_SHARED_DATA`` or ``../shared/data``) only the made market is left.

Growth with history is judged on the made market, whose days are alike: in a recording the last tenth may have
ten times the fills of the first, or a second symbol, and costs accordingly.
"""

import json
import os
import resource
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any

from msgspec import Struct

from tests.bench.report import Report

ROOT = Path(__file__).resolve().parents[2]
WALL_BELOW_S = 20.0
GROWTH_BELOW = 1.2
MADE_DAYS = 120
WARM_MS = 336 * 3_600_000


class Recording(Struct, frozen=True):
    """One replay: a name and its options below the data folder."""

    name: str
    paths: tuple[str, ...]
    market: str = "futures"
    wall_below: float | None = None


RECORDINGS = (
    Recording("um BTC 1m", ("um/BTCUSDT/1m/2025-05-04_2025-06-24.parquet",), wall_below=WALL_BELOW_S),
    Recording("um ETH+SOL 1m", ("um/ETHUSDT/1m", "um/SOLUSDT/1m")),
    Recording("spot BTC 1m", ("spot/BTCUSDT/1m/2021-11-11_2021-12-11.parquet",), market="spot"),
    Recording("um FIL 1m", ("um/FILUSDT/1m/2025-02-01_2025-02-28.parquet",)),
    Recording("um BTC+ETH+SOL 15m", ("um/BTCUSDT/15m", "um/ETHUSDT/15m", "um/SOLUSDT/15m")),
)


def run(report: Report) -> None:
    """Every recording that is there, then floors measured in the same run."""
    report.title("replay through the whole service, one process each")
    base = Path(os.environ.get("GRIDBOT_SHARED_DATA") or ROOT.parent / "shared" / "data")
    there = [one for one in RECORDINGS if all((base / path).exists() for path in one.paths)]
    with tempfile.TemporaryDirectory() as folder:
        rates = [_recorded(report, one, base) for one in there]
        if len(there) < len(RECORDINGS):
            report.say(f"{len(RECORDINGS) - len(there)} recordings are not here")
        rates.append(_made(report, Path(folder)))
        _floors(report, Path(folder), rates[0])


def _recorded(report: Report, one: Recording, base: Path) -> float:
    options = ["--market", one.market]
    for path in one.paths:
        options += ["--data", str(base / path)]
    return _tell(report, one.name, options, wall_below=one.wall_below)


def _made(report: Report, folder: Path) -> float:
    from tests.bench.market import write_csv

    path = folder / "SOLUSDT-1m.csv"
    write_csv(path, MADE_DAYS)
    options = ["--data", str(path), "--symbol", "SOLUSDT", "--interval", "1m"]
    return _tell(report, f"made 1m, {MADE_DAYS} days", options, growth_below=GROWTH_BELOW)


def _tell(
    report: Report,
    name: str,
    options: list[str],
    *,
    wall_below: float | None = None,
    growth_below: float | None = None,
) -> float:
    """Run one replay, print its figures; bars a second."""
    began = perf_counter()
    words = ["--no-ui", "--mode", "replay", "--speed", "max", "--json", *options]
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = subprocess.Popen([sys.executable, "-m", "tests.bench.replay", *words], stdout=out, stderr=err, cwd=ROOT)
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        wall = perf_counter() - began
        out.seek(0)
        err.seek(0)
        said = out.read().decode().splitlines()
        if child.returncode:
            report.say(f"{name}: exit {child.returncode}: {err.read().decode().strip()[-300:]}")
            return 0.0
    marks = Marks.read(said[-1])
    document = json.loads(said[0])
    fills = sum(symbol["fills"] for symbol in document["symbols"].values())
    report.say(f"{name}: {marks.bars} bars, {fills} fills, residual {document['residual']}")
    report.figure(f"{name}: whole process", wall, "s", below=wall_below)
    busy = used.ru_utime + used.ru_stime
    report.figure(f"{name}: of that on the processor", busy, "s")
    report.figure(f"{name}: bars a second", marks.bars / wall, "bars/s")
    report.figure(f"{name}: peak memory", used.ru_maxrss / 1024, "MiB")
    report.figure(f"{name}: a bar of the last tenth to one of the first", marks.growth(), "x", below=growth_below)
    return marks.bars / wall


# -- the child ------------------------------------------------------------------------------------------------


class Marks:
    """How processor time passed over the bars of a run."""

    def __init__(self) -> None:
        self.bars = 0
        self.seen: list[tuple[int, float]] = []
        """(bars, processor seconds) at every hundredth batch after the warm-up."""

    def take(self, batches: Iterator[Any], start: int) -> Iterator[Any]:
        """Pass batches on and note the time."""
        for number, batch in enumerate(batches):
            if number % 100 == 0 and batch.at - start >= WARM_MS:
                self.seen.append((self.bars, process_time()))
            yield batch
            self.bars += len(batch.bars)

    def growth(self) -> float:
        """Time of a bar in the last tenth over that in the first tenth of what was traded, medians of both."""
        slopes = [_slope(before, after) for before, after in pairwise(self.seen)]
        tenth = len(slopes) // 10
        return median(slopes[-tenth:]) / median(slopes[:tenth]) if tenth else float("nan")

    @classmethod
    def read(cls, text: str) -> "Marks":
        """What a child printed."""
        found = cls()
        data = json.loads(text)
        found.bars, found.seen = data["bars"], [(bars, at) for bars, at in data["seen"]]
        return found


def _slope(before: tuple[int, float], after: tuple[int, float]) -> float:
    return (after[1] - before[1]) / max(1, after[0] - before[0])


class Marked:
    """A MarketSource that notes when its batches are taken."""

    def __init__(self, source: Any, marks: Marks) -> None:
        self._source = source
        self._marks = marks

    def __getattr__(self, name: str) -> Any:
        return getattr(self._source, name)

    def batches(self, after: int) -> Iterator[Any]:
        """The source's own."""
        return self._marks.take(self._source.batches(after), self._source.start)


def child(words: list[str]) -> int:
    """The command line, with its market wrapped; the marks are the last line printed."""
    from gridbot_tui import cli
    from gridbot_tui.service import virtual

    marks = Marks()
    plain = vars(virtual)["market_source"]

    def wrapped(*args: Any) -> Any:
        source, market = plain(*args)
        return Marked(source, marks), market

    vars(virtual)["market_source"] = wrapped
    code = cli.execute(words)
    print(json.dumps({"bars": marks.bars, "seen": marks.seen}))
    return code


# -- floors ---------------------------------------------------------------------------------------------------


def _floors(report: Report, folder: Path, rate: float) -> None:
    """What any program in this language, with this disk, must spend, measured in the same minute."""
    report.title("beside it, in this same run")
    bare = _bare_loop()
    report.figure("a bare loop: one object a bar, two comparisons", bare, "bars/s")
    if rate:
        report.figure("the whole service against the bare loop, time of a bar", bare / rate, "x")
    commit = _commits(folder)
    report.figure("sqlite, one row a commit (WAL, NORMAL)", 1e6 / commit, "us")
    if rate:
        report.figure("one commit costs as many replayed bars", rate / commit, "bars")
    report.say(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


def _bare_loop() -> float:
    from tests.bench.market import Many

    bars = [bar for batch in Many(1, 100_000).batches(0) for _, bar in batch.bars]
    low, high, hits = 9_900, 10_100, 0
    began = perf_counter()
    for bar in bars:
        if bar.low < low or bar.high > high:
            hits += 1
    return len(bars) / (perf_counter() - began)


def _commits(folder: Path, count: int = 2000) -> float:
    database = sqlite3.connect(folder / "floor.db", isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    database.execute("CREATE TABLE fact (seq INTEGER PRIMARY KEY, body BLOB)")
    began = perf_counter()
    for _ in range(count):
        database.execute("BEGIN IMMEDIATE")
        database.execute("INSERT INTO fact (body) VALUES (?)", (b"x" * 200,))
        database.execute("COMMIT")
    took = perf_counter() - began
    database.close()
    return count / took


if __name__ == "__main__":
    sys.exit(child(sys.argv[1:]))
