"""How far the compiled screen and the engine agree: ``make screen``. Every recorded futures series it covers.

Prints, for each, the fills of both, how many come first in the same order, and the final equity. It asserts nothing:
the screen only chooses what the engine then plays.
"""

import argparse
import sys
import time

from gridbot_tui.research.outcome import ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.screen.screening import Screen
from gridbot_tui.research.screen.tape import fits
from tests.tools.make_validation import data

SERIES = (
    "FILUSDT/1m/2025-02-01_2025-02-28",
    "SOLUSDT/1m/2025-01-27_2025-02-26",
    "NEARUSDT/1m/2025-04-01_2025-04-30",
    "BTCUSDT/1m/2025-05-04_2025-06-24",
    "ETHUSDT/1m/2025-05-04_2025-06-24",
    "DOGEUSDT/5m/2025-04-07_2025-06-30",
    "ETHUSDT/3m/2025-03-11_2025-04-13",
    "SOLUSDT/15m/2024-12-01_2025-06-30",
    "BTCUSDT/1h/2024-12-01_2025-06-30",
    "XRPUSDT/1h/2024-12-01_2025-06-30",
)
Fill = tuple[int, int, int, int]
"""(time, side, ticks, steps)."""


def both(one: Prepared, screen: Screen) -> tuple[list[Fill], list[Fill], float, float]:
    """Fills of the engine and of the screen, and the equity each ends with."""
    ring = ring_of(one)
    ring.run()
    engine = [(f.at, int(f.fill.side), f.fill.price, f.fill.steps) for f in ring.tape.fills]
    made = screen.run(one.settings)
    (symbol,) = one.market.symbols
    closes = one.market.series[symbol].times + one.market.interval
    own = [(int(closes[row]), side, price, steps) for row, side, price, steps in made.fills.tolist()]
    return engine, own, float(ring.engine.desk.ledger.equity_quick() or 0), float(made.equity[-1])


def same(engine: list[Fill], own: list[Fill]) -> int:
    """How many fills both have, in the same order, before they part."""
    count = 0
    for ours, theirs in zip(engine, own, strict=False):
        if ours != theirs:
            break
        count += 1
    return count


def main(arguments: list[str]) -> int:
    """Print the table; 2 without data."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("series", nargs="*", default=SERIES)
    given = parser.parse_args(arguments)
    print(f"{'series':<38}{'engine':>8}{'screen':>8}{'alike':>8}{'equity':>12}{'screen':>12}{'ms':>8}")
    for name in given.series:
        path = data() / "um" / f"{name}.parquet"
        if not path.exists():
            print(f"no recorded data at {path}: set GRIDBOT_SHARED_DATA", file=sys.stderr)
            return 2
        one = prepare(Request((str(path),)))
        reason = fits(one)
        if reason:
            print(f"{name:<38}not covered: {reason}")
            continue
        screen = Screen(one)
        screen.run(one.settings)
        engine, own, equity, ours = both(one, screen)
        began = time.perf_counter()
        screen.run(one.settings)
        took = 1000 * (time.perf_counter() - began)
        alike = same(engine, own)
        print(f"{name:<38}{len(engine):>8}{len(own):>8}{alike:>8}{equity:>12.2f}{ours:>12.2f}{took:>8.1f}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
