"""Runs the fault campaign and writes its section of docs/VALIDATION.md: ``make campaign``."""

import argparse
import os
import resource
import sys
from pathlib import Path

from gridbot_tui.research.simulation.campaign import Campaign, document, run
from gridbot_tui.research.simulation.report import put, section
from gridbot_tui.research.simulation.seed import Outcome, play

OUT = Path(__file__).resolve().parents[2] / "docs" / "VALIDATION.md"
RUNS = (
    ("48 virtual hours, learning off, 10 symbols, light faults", Campaign((101,), 48.0, "light", 10, learning=False)),
    ("72 virtual hours, learning on, 10 symbols, light faults", Campaign((102,), 72.0, "light", 10)),
)


def main() -> int:
    """Run, print what broke, write; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    campaign = Campaign(tuple(range(1, asked.seeds + 1)), asked.hours, "heavy", workers=asked.workers)
    whole = run(campaign, _tell)
    runs = {}
    for name, one in RUNS:
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        outcome = play(one.asks()[0])
        _tell(outcome)
        grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
        profit = {**outcome.pnl, "memory, peak growth of the run, KiB": str(grown)}
        runs[name] = (document(one, [outcome], outcome.elapsed), profit)
    put(OUT, section(whole, runs, asked.workers or os.cpu_count() or 1))
    broken = len(whole["invariant_violations"]) + sum(len(made["invariant_violations"]) for made, _ in runs.values())
    print(f"{OUT}: {broken} broken promises", file=sys.stderr)
    return 1 if broken else 0


def _tell(outcome: Outcome) -> None:
    if outcome.violation is not None:
        print(f"seed {outcome.seed}: {': '.join(outcome.violation)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
