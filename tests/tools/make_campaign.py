"""Runs the fault campaign and writes its section of docs/VALIDATION.md: ``make campaign``."""

import argparse
import os
import platform
import sys
import time
from pathlib import Path
from typing import Any

from msgspec import structs

from gridbot_tui.research.simulation.campaign import Campaign, document, played
from gridbot_tui.research.simulation.report import growth, put, section
from gridbot_tui.research.simulation.seed import Outcome, play

OUT = Path(__file__).resolve().parents[2] / "docs" / "VALIDATION.md"
RUNS = (
    ("48 virtual hours, learning off, 10 symbols, light faults", Campaign((101,), 48.0, "light", 10, learning=False)),
    ("72 virtual hours, learning on, 10 symbols, light faults", Campaign((102,), 72.0, "light", 10)),
    ("168 virtual hours, learning on, 3 symbols, light faults", Campaign((103,), 168.0, "light", 3)),
)
CHUNK = 24
"""Seeds between two looks at the time."""


def main() -> int:
    """Run, print what broke, write; 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=1000)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--minutes", type=float, default=None, help="begin no more seeds after that long")
    asked = parser.parse_args()
    campaign = Campaign(tuple(range(1, asked.seeds + 1)), asked.hours, "heavy", workers=asked.workers)
    whole = _heavy(campaign, asked.minutes)
    runs = {}
    for name, one in RUNS:
        outcome = play(structs.replace(one.asks()[0], gauge=True))
        _tell(outcome)
        runs[name] = (document(one, [outcome], outcome.elapsed), {**_split(outcome), **growth(outcome.memory)})
    put(OUT, section(whole, runs, asked.workers or os.cpu_count() or 1, _machine()))
    broken = len(whole["invariant_violations"]) + sum(len(made["invariant_violations"]) for made, _ in runs.values())
    print(f"{OUT}: {broken} broken promises", file=sys.stderr)
    return 1 if broken else 0


def _heavy(campaign: Campaign, minutes: float | None) -> dict[str, Any]:
    """The document of as many seeds as fit."""
    began, outcomes = time.perf_counter(), list[Outcome]()
    for first in range(0, len(campaign.seeds), CHUNK):
        for outcome in played(structs.replace(campaign, seeds=campaign.seeds[first : first + CHUNK])):
            outcomes.append(outcome)
            _tell(outcome)
        print(f"{len(outcomes)} seeds", file=sys.stderr, flush=True)
        if minutes is not None and time.perf_counter() - began > 60 * minutes:
            break
    return document(campaign, outcomes, time.perf_counter() - began)


def _split(outcome: Outcome) -> dict[str, str]:
    return {f"profit: {part}": value for part, value in outcome.pnl.items()}


def _machine() -> str:
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"{platform.machine()}, {os.cpu_count()} cores, CPython {platform.python_version()}, load average {load}"


def _tell(outcome: Outcome) -> None:
    if outcome.violation is not None:
        print(f"seed {outcome.seed}: {': '.join(outcome.violation)}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
