"""``gridbot backtest``: the run, its baselines beside it, and the result document."""

import multiprocessing
import os
import time
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from gridbot_tui.research import baselines
from gridbot_tui.research.baselines import MORE, USUAL, Variant
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.units import Ms

SHOWN = (
    "net_return",
    "cagr",
    "max_drawdown",
    "sharpe",
    "sortino",
    "calmar",
    "fills",
    "turnover",
    "fees",
    "funding",
    "final_equity",
    "liquidations",
)
"""What is told of a baseline."""
FORK_FROM = 100_000
"""Bars from which baselines are worth a process of their own."""


class Study(Struct):
    """A back-test with everything beside it."""

    prepared: Prepared
    main: Outcome
    others: dict[str, Outcome]
    skipped: dict[str, str]
    """Baselines that cannot be played on this market, with the reason."""
    since: Ms
    """When all of them may first have traded: comparisons are of the days after it."""
    elapsed_s: float
    bars_per_s: float


def study(request: Request, *, full: bool = False, processes: int | None = None) -> Study:
    """Play the strategy and its baselines; ``full`` plays all of a report's. Raises RunRefused."""
    return study_of(prepare(request), full=full, processes=processes)


def study_of(prepared: Prepared, *, full: bool = False, processes: int | None = None) -> Study:
    """As ``study``, of what is already read."""
    variants = (*USUAL, *MORE) if full else USUAL
    since = baselines.warm_at(prepared)
    workers = _workers(prepared, len(variants)) if processes is None else processes
    main, elapsed = _main(prepared)
    if workers > 1:
        played = _in_processes(prepared, variants, since, workers)
    else:
        played = [baselines.try_play(prepared, variant, since) for variant in variants]
    others: dict[str, Outcome] = {"buy_and_hold": baselines.buy_and_hold(prepared, main, since)}
    skipped: dict[str, str] = {}
    for variant, made in zip(variants, played, strict=True):
        if isinstance(made, str):
            skipped[variant.name] = made
        else:
            others[variant.name] = made
    rate = prepared.market.bars_total / elapsed if elapsed > 0 else 0.0
    return Study(prepared, main, others, skipped, since, elapsed, rate)


def document(made: Study) -> dict[str, Any]:
    """The result document; without ``elapsed_s`` and ``bars_per_s`` the same bytes every time."""
    figures = dict(made.main.figures)
    head = {name: figures.pop(name) for name in ("bars", "symbols", "episodes")}
    names = ("up", "down", "neutral")
    return {
        **head,
        "elapsed_s": round(made.elapsed_s, 4),
        "bars_per_s": round(made.bars_per_s),
        **figures,
        "systems": {
            name: {"weight_mean": made.main.weight_means[i], "shadow_return": made.main.shadow_returns[i]}
            for i, name in enumerate(names)
        },
        "baselines": {
            name: {key: one.figures[key] for key in SHOWN if key in one.figures} for name, one in made.others.items()
        },
    }


def _main(prepared: Prepared) -> tuple[Outcome, float]:
    began = time.perf_counter()
    ring = ring_of(prepared)
    ring.run()
    elapsed = time.perf_counter() - began
    return outcome_of("strategy", ring, prepared), elapsed


def _workers(prepared: Prepared, variants: int) -> int:
    """Processes worth having: none for a short run, and none where a process cannot be forked."""
    if prepared.market.bars_total < FORK_FROM or not hasattr(os, "fork"):
        return 1
    return min(os.cpu_count() or 1, variants)


_shared: tuple[Prepared, Sequence[Variant], Ms] | None = None
"""What the forked workers find in their memory: the market is never copied between processes."""


def _job(index: int) -> Outcome | str:
    assert _shared is not None
    prepared, variants, since = _shared
    return baselines.try_play(prepared, variants[index], since)


def _in_processes(prepared: Prepared, variants: Sequence[Variant], since: Ms, workers: int) -> list[Outcome | str]:
    """Baselines in forked workers."""
    global _shared
    _shared = (prepared, variants, since)
    try:
        with multiprocessing.get_context("fork").Pool(workers) as pool:
            return pool.map(_job, range(len(variants)), chunksize=1)
    finally:
        _shared = None
