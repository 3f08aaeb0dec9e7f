"""Hold the compiled screen against the engine, fill by fill: ``make screen``. It fails where they part.

Recorded series where there are any, and made ones: all of the suite's, and longer ones, so that the counts that
are asked for hold without recorded data, too. ``--speed`` prints only how many synthetic years of minutes it plays a
second, ``--profile`` where its time goes.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.screen.tape import fits
from gridbot_tui.units import HOUR, MINUTE
from tests.bench.backtest import against, sketch
from tests.bench.backtest_market import MINUTES, write
from tests.bench.backtest_peers import PEERS, measured
from tests.bench.report import Report
from tests.research.markets import series
from tests.research.screen_cases import CASES, LASTING, QUARTER, SEVERAL, Case, compare, thin
from tests.tools.make_validation import data
from tests.tools.profile_screen import profile

RECORDED = (
    "um/FILUSDT/1m/2025-02-01_2025-02-28",
    "um/SOLUSDT/1m/2025-01-27_2025-02-26",
    "um/NEARUSDT/1m/2025-04-01_2025-04-30",
    "um/BTCUSDT/1m/2025-05-04_2025-06-24",
    "um/ETHUSDT/1m/2025-05-04_2025-06-24",
    "um/ETHUSDT/3m/2025-03-11_2025-04-13",
    "um/DOGEUSDT/5m/2025-04-07_2025-06-30",
    "um/1000PEPEUSDT/5m/2023-05-05_2024-05-14",
    "um/BTCUSDT/5m/2022-06-01_2022-11-24",
    "um/SOLUSDT/15m/2022-01-01_2024-06-30",
    "um/SOLUSDT/15m/2024-12-01_2025-06-30",
    "um/BTCUSDT/1h/2019-09-08_2021-03-31",
    "um/ADAUSDT/1h/2021-05-21_2024-06-30",
    "um/ADAUSDT/1h/2024-12-01_2025-06-30",
    "um/LTCUSDT/1h/2020-01-09_2021-03-31",
    "um/XRPUSDT/1h/2021-05-21_2024-06-30",
    "um/XRPUSDT/1h/2024-12-01_2025-06-30",
    "spot/BTCUSDT/1m/2021-11-11_2021-12-11",
    "spot/BTCUSDT/5m/2024-12-01_2025-06-30",
    "spot/ETHUSDT/1h/2018-02-09_2021-03-31",
    "spot/SOLUSDT/5m/2021-01-01_2021-03-31",
)
LONG = (
    Case("long hours", lambda: series("SOLUSDT", 600, seed=50, sigma_hour=0.013, interval=HOUR), HOUR, LASTING),
    Case("long quarters", lambda: series("ETHUSDT", 150, seed=51, sigma_hour=0.01, interval=QUARTER), QUARTER, LASTING),
    Case(
        "long thin minutes",
        lambda: thin(series("SOLUSDT", 70, seed=52, sigma_hour=0.012, interval=MINUTE), 6.0),
        MINUTE,
        LASTING,
    ),
)
PUBLISHED = 5.1e6
"""Bars a second of vectorbt 1.2 in a comparison of peers, where it is not installed."""
WANTED = {"series": 20, "fills": 20_000, "halts": 5, "liquidations": 3, "settled": 100, "partials": 1, "crossed": 1}


def main(arguments: list[str]) -> int:
    """Print the table; 1 where engine and screen part, or too little was compared, 2 without the data asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", nargs="*", help="recorded series only, such as um/BTCUSDT/1h/2024-12-01_2025-06-30")
    parser.add_argument("--speed", action="store_true", help="only how fast it is")
    parser.add_argument("--profile", action="store_true", help="only where its time goes")
    given = parser.parse_args(arguments)
    if given.speed:
        return speed()
    if given.profile:
        with tempfile.TemporaryDirectory() as folder:
            return profile(write(Path(folder)))
    totals: Counter[str] = Counter()
    print(f"{'series':<44}{'fills':>8}{'alike':>8}{'equity':>13}{'off by':>10}{'halts':>7}{'liq.':>6}{'partial':>9}")
    for name, one in _markets(given.series):
        if isinstance(one, str):
            print(f"{name:<44}{one}", file=sys.stderr)
            return 2
        made = compare(one)
        totals.update(made.counts)
        totals.update(series=1, fills=len(made.engine), parted=int(not made.holds))
        off = abs(made.screened - made.equity) / max(abs(made.equity), 1.0)
        counts = f"{made.counts['halts']:>7}{made.counts['liquidations']:>6}{made.counts['partials']:>9}"
        row = f"{name:<44}{len(made.engine):>8}{made.alike:>8}{made.equity:>13.2f}{off:>10.1e}{counts}"
        print(row if made.holds else f"{row}  THEY PART", flush=True)
    print(", ".join(f"{totals[name]:,} {name}" for name in WANTED), f"; {totals['parted']} series parted", sep="")
    missing = [] if given.series else [name for name, least in WANTED.items() if totals[name] < least]
    if missing:
        print(f"too little was compared: {', '.join(missing)}", file=sys.stderr)
    return 1 if missing or totals["parted"] else 0


def _markets(asked: list[str]) -> Iterator[tuple[str, Prepared | str]]:
    """(name, market, or why there is none)."""
    there = data()
    for name in asked or RECORDED:
        path = there / f"{name}.parquet"
        if not path.exists():
            if asked:
                yield name, f"no recorded data at {path}: set GRIDBOT_SHARED_DATA"
                return
            continue
        one = prepare(Request((str(path),)))
        yield name, fits(one) or one
    if not asked:
        for case in (*CASES, *LONG, *SEVERAL):
            yield case.name, case.ready()


def speed() -> int:
    """How many synthetic years a second, on one core and on all, beside vectorbt where it is installed."""
    report = Report()
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder))
        years = sketch(report, path)
        found = measured(PEERS[-1], path)
        if isinstance(found, str):
            report.say(f"{PEERS[-1].name}: {found}; published: {PUBLISHED:,.0f} bars/s on another machine")
        bars = PUBLISHED if isinstance(found, str) else found["bars_per_s"]
        report.figure(f"{PEERS[-1].name}, a loop over a plain grid", bars / MINUTES, "years/s")
        against(report, PEERS[-1].name, bars, years)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
