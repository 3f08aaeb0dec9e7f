"""Back-test throughput: gridbot's full strategy, by its engine and compiled, beside peers and bare loops.

All in one run on one machine, because only the ratios carry over. Peers need environments of their own:
``python -m tests.bench.backtest_peers`` makes them; one that is not there is said to be left out.
"""

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gridbot_tui.research.baselines import warm_at
from gridbot_tui.research.compiled import Compiled
from gridbot_tui.research.outcome import outcome_of, ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.ring import Ring
from gridbot_tui.research.screen.screening import load as load_compiled
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from tests.bench.backtest_loops import compiled, pointer
from tests.bench.backtest_market import MINUTES, write, year
from tests.bench.backtest_peers import PEERS, measured
from tests.bench.report import Report

AIM = 15.0
"""Times nautilus_trader's bars a second."""
COLD = 0.1
"""Of nautilus's whole process, what gridbot's may take at most."""
SWEEP = 50.0
"""Times vectorbt's year-tests a second, for the screen of a sweep, a core each."""
ROUNDS = 3
MONTH = 44 * 24 * 60
"""Minutes of the runs with many symbols: a fortnight to warm up, a month to trade."""
SYMBOLS = (1, 5, 10, 25)
SEEDS = 5
SETS = 64
"""Of a sweep by the screen."""


def run(report: Report) -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder))
        report.title(f"back-test of a synthetic year, {MINUTES:,} bars of 1 minute")
        limits(report)
        slow = engine(report, path)
        ours = quick(report, path)
        report.figure("compiled over the engine, the same fills and figures", ours / slow, "x")
        grid(report, path)
        wall = cold(report, path)
        scaling(report, Path(folder))
        beside(report, path, (ours, slow), wall, sketch(report, path))


def limits(report: Report) -> None:
    """What the same language does with nothing around it."""
    columns = year()[1:]
    high, low, close = (column.tolist() for column in columns)
    took = [pointer(high, low, close) for _ in range(ROUNDS)]
    seconds = statistics.median(one[2] for one in took)
    report.figure("bare loop, pure Python, 40 orders, two comparisons a bar", MINUTES / seconds, "bars/s")
    report.say(f"{took[0][0]} fills, profit {took[0][1]:,.2f}")
    took = [compiled(*columns) for _ in range(ROUNDS)]
    seconds = statistics.median(one[2] for one in took)
    report.figure("the same loop compiled (numba), equity of every bar", MINUTES / seconds, "bars/s")
    report.say(f"{took[0][0]} fills, profit {took[0][1]:,.2f}")


def once(one: Prepared) -> tuple[Ring, float, float]:
    """A run, its seconds, and those of them on the processor."""
    ring = ring_of(one)
    began, worked = time.perf_counter(), time.process_time()
    ring.run()
    return ring, time.perf_counter() - began, time.process_time() - worked


def engine(report: Report, path: Path) -> float:
    """The full adaptive strategy: three shadow grids, learning, leverage, tiers."""
    one = prepare(Request((str(path),)))
    took = [once(one) for _ in range(ROUNDS)]
    seconds = statistics.median(elapsed for _, elapsed, _ in took)
    ring = took[-1][0]
    made = outcome_of("strategy", ring, one)
    report.figure("gridbot, full adaptive strategy", MINUTES / seconds, "bars/s")
    report.figure("the same on the processor", MINUTES / min(worked for _, _, worked in took), "bars/s")
    report.say(
        f"{made.figures['fills']} fills, {ring.tape.orders} orders, {ring.tape.plans} plans; "
        f"{ring.spent.passed_over:,} bars passed over, {ring.spent.one_by_one:,} one by one"
    )
    hours = MINUTES / 60
    report.figure("an hour of it, decision, orders and fills included", 1e6 * seconds / hours, "us")
    return MINUTES / seconds


def quick(report: Report, path: Path) -> float:
    """The same compiled: columns made of the market, the run, its fills booked and counted up; not the reading of data
    and compiled code, as nowhere here."""
    one = prepare(Request((str(path),)))
    load_compiled()
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        made = Compiled(one, warm_at(one), report.say).play("strategy")
        took.append(time.perf_counter() - began)
    assert made is not None
    seconds = statistics.median(took)
    report.figure("gridbot, the same compiled", MINUTES / seconds, "bars/s")
    report.say(f"{made.figures['fills']} fills")
    return MINUTES / seconds


def grid(report: Report, path: Path) -> None:
    """The like-for-like case: a static grid of 40 cells over the same range."""
    keys = {
        "ladder.kind": "geometric",
        "ladder.plain.lower": "54000",
        "ladder.plain.upper": "66000",
        "ladder.plain.levels": "41",
        "ladder.plain.side": "neutral",
        "ladder.plain.leverage": "0.5",
        "orders.depth": "50",
        "bot.capital": "100000",
    }
    one = prepare(Request((str(path),), overrides=tuple(keys.items())))
    took = [once(one) for _ in range(ROUNDS)]
    seconds = statistics.median(elapsed for _, elapsed, _ in took)
    report.figure("gridbot, static grid of 41 levels, shadows and learning too", MINUTES / seconds, "bars/s")
    report.say(f"{len(took[-1][0].tape.fills)} fills, {took[-1][0].tape.orders} orders")


def cold(report: Report, path: Path) -> float:
    """A whole process from the command to its printed result, baselines included; compiled code was made before."""
    load_compiled()
    whole(path)  # the first start after an installation writes bytecode, as pip has done for the peers
    runs = [whole(path) for _ in range(ROUNDS)]
    wall = statistics.median(one[0] for one in runs)
    report.figure("gridbot, cold process with two baselines, command to result", wall, "s")
    report.say(f"its own bars_per_s: {json.loads(runs[-1][2])['bars_per_s']:,}")
    report.figure("its peak memory", runs[-1][1], "MiB")
    return wall


MEASURED = """
import atexit, re, sys
from pathlib import Path
peak = lambda: re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
atexit.register(lambda: print("\\n" + peak(), file=sys.stderr))
from gridbot_tui.cli import main
main()
"""
"""The command, and at its end the most memory it had at once, in KiB: what the kernel tells a parent of its child
counts what the parent itself had before."""


def whole(path: Path) -> tuple[float, float, str]:
    """A process of its own: seconds, its peak memory in MiB, what it printed."""
    command = [sys.executable, "-c", MEASURED, "--json", "backtest", "--data", str(path)]
    env = {**os.environ, "PYTHONPYCACHEPREFIX": str(path.parent / "bytecode")}
    env.pop("PYTHONDONTWRITEBYTECODE", None)
    began = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=env)
    return time.perf_counter() - began, int(done.stderr.split()[-1]) / 1024, done.stdout


def scaling(report: Report, folder: Path) -> None:
    """Cost must be linear in bars and in symbols, memory flat but for the input itself."""
    quarter = write(folder / "quarter", MINUTES // 4)
    _, short, _ = once(prepare(Request((str(quarter),))))
    report.figure("a quarter of the bars, times four", MINUTES / (4 * short), "bars/s")
    _, small, _ = whole(quarter)
    report.figure("peak memory of the quarter's process", small, "MiB")
    columns = 6 * 8 * (MINUTES - MINUTES // 4) / 2**20
    report.say(f"the columns of the other three quarters are {columns:.0f} MiB")
    paths = [write(folder / f"many{seed}", MONTH, f"S{seed:02d}USDT", seed) for seed in range(SEEDS)]
    single, found = 0.0, {symbols: alike(folder / f"of{symbols}", paths, symbols) for symbols in SYMBOLS}
    for symbols in SYMBOLS:
        _, _, worked = once(prepare(Request(tuple(str(path) for path in found[symbols]))))
        each = worked / symbols
        single = single or each
        hours = MONTH / 60
        report.figure(f"{symbols} symbols, an hour of each, on the processor", 1e6 * each / hours, "us")
        if symbols > 1:
            report.figure(f"{symbols} symbols, cost of each over that of one alone", each / single, "x")
    alone = 0.0
    for symbols in SYMBOLS:
        each = compiled_once(prepare(Request(tuple(str(path) for path in found[symbols])))) / symbols
        alone = alone or each
        report.figure(f"{symbols} symbols compiled, a month of each, on the processor", 1e3 * each, "ms")
        if symbols > 1:
            report.figure(f"{symbols} symbols compiled, cost of each over that of one alone", each / alone, "x")


def compiled_once(prepared: Prepared) -> float:
    """Seconds on the processor for the compiled double: columns, run and books; compiling itself left out."""
    from gridbot_tui.research.screen.screening import Screen
    from gridbot_tui.research.screen.settled import outcome

    load_compiled(len(prepared.market.symbols))
    began = time.process_time()
    outcome("strategy", Screen(prepared))
    return time.process_time() - began


def alike(folder: Path, paths: list[Path], symbols: int) -> list[Path]:
    """So many symbols: a few walks, each under several names."""
    found = []
    for number in range(symbols):
        path = folder / "um" / f"S{number:02d}USDT" / "1m" / "bars.parquet"
        path.parent.mkdir(parents=True)
        shutil.copyfile(paths[number % len(paths)], path)
        found.append(path)
    return found


def sketch(report: Report, path: Path) -> tuple[float, float]:
    """The compiled screen of ``gridbot optimize``, compilation and reading left out: years a second on one core and
    on all, over sets that differ."""
    from gridbot_tui.research.screen.screening import Screen
    from gridbot_tui.research.screen.sweep import swept
    from gridbot_tui.research.trial import Score

    one = prepare(Request((str(path),)))
    screen, since = Screen(one), one.market.start
    sets = [different(number) for number in range(SETS)]
    screen.run(one.settings)
    took = []
    for threads in (1, os.cpu_count() or 1):
        began = time.perf_counter()
        scores = list(swept(screen, sets, since, threads))
        took.append(SETS / (time.perf_counter() - began))
    fills = sum(score.fills for score in scores if isinstance(score, Score)) / SETS
    report.figure("the screen of optimise, full strategy, a core", took[0], "years/s")
    report.figure(f"the same on {os.cpu_count()} cores, {SETS} sets of {fills:,.0f} fills", took[1], "years/s")
    return took[0], took[1]


def different(number: int) -> Settings:
    """A set of a sweep: spacing, skew and leverage of its own."""
    part = number / SETS
    keys = {
        "ladder.spacing_trend": 3.0 + 2.0 * part,
        "ladder.skew": 0.9 + 0.2 * (part * 7 % 1),
        "strategy.leverage.base": 0.4 + 0.2 * (part * 3 % 1),
    }
    return load(None, {}, tuple((key, f"{value:.4g}") for key, value in keys.items())).settings


def against(report: Report, peer: str, bars: float, years: tuple[float, float]) -> None:
    """The screen beside a peer of so many bars a second, which plays one set on one core."""
    report.figure(f"the screen over {peer}, a core each", years[0] * MINUTES / bars, "x", above=SWEEP)
    report.figure(f"on {os.cpu_count()} cores over {peer} on one", years[1] * MINUTES / bars, "x")


def beside(report: Report, path: Path, ours: tuple[float, float], wall: float, years: tuple[float, float]) -> None:
    """The peers in their own environments, on the same file. ``ours``: bars a second compiled and by the engine."""
    report.title("peers on the same year, 40 resting orders, maker 0.02 %")
    for peer in PEERS:
        found = measured(peer, path)
        if isinstance(found, str):
            report.say(f"{peer.name}: left out, {found}")
            continue
        report.figure(f"{peer.name}, {found['fills']:.0f} fills", found["bars_per_s"], "bars/s")
        report.figure(f"{peer.name}, whole process", found["wall_s"], "s")
        if peer.name.startswith("nautilus"):
            report.figure("gridbot's whole process over nautilus's", wall / found["wall_s"], "x", below=COLD)
        if peer.name.startswith("vectorbt"):
            against(report, peer.name, found["bars_per_s"], years)
        aim = AIM if peer.name.startswith("nautilus") else None
        report.figure(f"gridbot compiled over {peer.name}", ours[0] / found["bars_per_s"], "x", above=aim)
        report.figure(f"gridbot's engine over {peer.name}", ours[1] / found["bars_per_s"], "x")
