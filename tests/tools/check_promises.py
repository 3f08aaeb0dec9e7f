"""The promises on calendar windows nobody chose, and on made markets uglier than those: ``make promises``.

Draws windows of every recorded series, spot and futures, alone and together, and makes gaps, crashes, delistings,
absurd funding and the like; plays the default settings on each and looks at what every run promises. ``--windows``,
``--ugly`` and ``--seed`` say how many and which. Exit 1 where a promise is broken.
"""

import argparse
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from random import Random

from msgspec import Struct

from gridbot_tui.market.candles import read_candles
from gridbot_tui.market.errors import DataError
from gridbot_tui.research import metrics
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.units import DAY, MINUTE, Ms
from tests.research.ugly import ugly
from tests.tools.make_validation import data

CAP, HARD = 5.0, 6.0
SHORTEST, LONGEST = 16, 60
"""Days of a window of minutes; coarser bars get longer ones."""
LENGTHS = {"1m": 1, "3m": 1, "5m": 2, "15m": 4, "1h": 8}
SLACK = 1e-9


class Window(Struct, frozen=True):
    """Some series over some days."""

    data: tuple[str, ...]
    interval: str
    frm: Ms
    to: Ms

    @property
    def name(self) -> str:
        """For a person."""
        files = " ".join("/".join(Path(one).parts[-3:-1]) for one in self.data)
        return f"{files} from {self.frm // DAY} for {(self.to - self.frm) // DAY} d"


def spans(root: Path) -> dict[tuple[str, str], list[tuple[str, str, Ms, Ms]]]:
    """(market, interval) -> (folder, symbol, first day, last day) of every stretch of recorded candles."""
    found: dict[tuple[str, str], list[tuple[str, str, Ms, Ms]]] = {}
    for market in ("um", "spot"):
        for path in sorted((root / market).glob("*/*/*.parquet")):
            interval, symbol = path.parent.name, path.parents[1].name
            if interval in LENGTHS:
                try:
                    frm, to = _span(path)
                except DataError as unusable:
                    print(f"-    left out: {unusable}", file=sys.stderr)
                    continue
                found.setdefault((market, interval), []).append((str(path.parent), symbol, frm, to))
    return found


def _span(path: Path) -> tuple[Ms, Ms]:
    """The days of a file by its name, ``<first>_<last>``, else the time of its rows."""
    try:
        frm, to = (_day(text) for text in path.stem.split("_"))
    except ValueError:
        times = read_candles(path, None, 1.0).times
        return int(times.min()), int(times.max())
    return frm, to + DAY


def _day(text: str) -> Ms:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


def windows(root: Path, count: int, seed: int) -> Iterator[Window]:
    """Windows drawn evenly over kinds of series, every third of several symbols together."""
    draw, known = Random(seed), spans(root)
    kinds = sorted(known)
    for index in range(count):
        market, interval = kinds[index % len(kinds)]
        path, symbol, frm, to = draw.choice(known[market, interval])
        days = draw.randint(SHORTEST, LONGEST) * LENGTHS[interval]
        start = frm + draw.randint(0, max(0, (to - frm) // DAY - days)) * DAY + draw.randint(0, 1439) * MINUTE
        end = min(to, start + days * DAY)
        others = [
            one[0]
            for one in known[market, interval]
            if one[1] != symbol and one[2] <= start and one[3] >= end
        ]
        beside = draw.sample(sorted(set(others)), min(len(set(others)), 2)) if index % 3 == 2 else []
        yield Window((path, *beside), interval, start, end)


def broken(made: Outcome) -> list[str]:
    """What a run promised and did not keep."""
    found, f = [], made.figures
    fall = -float(str(f["max_drawdown"]))
    allowed = 0.15 + max((halt.bound for halt in made.halts), default=0.0)
    checks = (
        (f["liquidations"] == 0, f"{f['liquidations']} liquidations"),
        (f["residual"] == "0", f"residual {f['residual']}"),
        (float(str(f["max_leverage"])) <= CAP + SLACK, f"an entry was admitted at {f['max_leverage']}x"),
        (float(str(f["max_leverage_observed"])) <= HARD, f"{f['max_leverage_observed']}x was held"),
        (all(halt.kept for halt in made.halts), f"a halt cost more than its bound: {made.halts}"),
        (not made.halts or fall <= allowed + 0.01, f"drawdown {fall:.4f} beyond {allowed:.4f}"),
        (bool(made.halts) or fall <= 0.15 + 0.02 or not _stayed(made), f"drawdown {fall:.4f} and no halt"),
        (f["final_equity"] is not None, "equity is unknown"),
    )
    found += [words for kept, words in checks if not kept]
    return found


def _stayed(made: Outcome) -> bool:
    """True where the drawdown was beyond the line at two hours in a row: a dip of a single mark halts nothing."""
    deep = [fall <= -0.15 for fall in metrics.drawdowns(made.equity, made.capital)]
    return any(a and b for a, b in pairwise(deep))


def markets(windows_wanted: int, ugly_wanted: int, seed: int) -> Iterator[tuple[str, Prepared | str]]:
    """What is to be played, by name; a reason instead where a window cannot be."""
    root = data()
    for window in windows(root, windows_wanted, seed) if windows_wanted else ():
        try:
            asked = Request(window.data, interval=window.interval, frm=window.frm, to=window.to)
            yield window.name, prepare(asked)
        except RunRefused as refused:
            yield window.name, str(refused)
    for index in range(ugly_wanted):
        yield ugly(index, seed)


def played(one: Prepared) -> tuple[Outcome | None, list[str]]:
    """A run and what it did not keep."""
    try:
        ring = ring_of(one)
        ring.run()
        made = outcome_of("strategy", ring, one)
    except (RingFailed, DataError) as failed:
        return None, [f"it could not be played: {failed}"]
    return made, broken(made)


def main(arguments: list[str]) -> int:
    """Play the markets; 1 where something is broken, 2 where there is no data for windows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=60)
    parser.add_argument("--ugly", type=int, default=70)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args(arguments)
    if given.windows and not data().exists():
        print(f"no recorded data at {data()}: set GRIDBOT_SHARED_DATA", file=sys.stderr)
        return 2
    bad = count = halts = 0
    for name, one in markets(given.windows, given.ugly, given.seed):
        if isinstance(one, str):
            print(f"-    {name}: {one}", flush=True)
            continue
        began = time.monotonic()
        made, wrong = played(one)
        count += 1
        bad += bool(wrong)
        told = ""
        if made is not None:
            f = made.figures
            halts += len(made.halts)
            told = (
                f"{f['net_return']:+.4f}, fall {f['max_drawdown']:.4f}, {f['fills']} fills, {f['max_leverage']:.2f}x, "
            )
        spent = time.monotonic() - began
        print(f"{'BAD ' if wrong else 'ok  '} {name}: {told}{spent:.1f} s {'; '.join(wrong)}", flush=True)
    print(f"{count} markets, {halts} halts, {bad} broken promises")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
