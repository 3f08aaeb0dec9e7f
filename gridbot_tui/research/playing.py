"""The runs of a study: the strategy and what it is compared with, compiled where that is known to be the same, else by
the engine, in forked processes where that is worth it."""

import multiprocessing
import os
import time
from collections.abc import Callable, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from msgspec import Struct

from gridbot_tui.research import baselines, compiled
from gridbot_tui.research.baselines import Variant
from gridbot_tui.research.compiled import By, Compiled, Tell
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.workers import crew
from gridbot_tui.units import HOUR, Ms

FORK_FROM = 2_000
"""Decisions of all runs together from which they are worth processes of their own; they, not bars, are what costs."""
ASIDE_UP_TO = 4_000_000
"""Bars of all symbols up to which two processes may hold their columns at a time: 80 bytes each."""
LOOK_S = 1.0
"""Between two looks at how far the runs are."""

Progress = Callable[[float, float], None]
Timed = tuple[Outcome | str, float]
"""A run, or why it cannot be played on this market, and the seconds it took."""
MAIN = 0
"""Place of the strategy's own run; the variants follow in order."""


class Played(Struct, frozen=True):
    """All runs of a study."""

    main: Outcome
    elapsed: float
    """Seconds that the strategy's own run took."""
    others: list[Outcome | str]
    """Every variant in order: its outcome, or why it cannot be played on this market."""
    compiled: bool
    """Whether compiled code played the strategy's own run."""


_shared: tuple[Prepared, Sequence[Variant], Ms, bool, MutableSequence[float]] | None = None
"""What the forked workers find in their memory: the market is never copied between processes. Then whether the
strategy starts late, and the share of each run that has been played, the strategy's first; that memory is common to
them."""


def play_all(
    prepared: Prepared,
    variants: Sequence[Variant],
    since: Ms,
    processes: int | None,
    progress: Progress,
    by: By = "engine",
    tell: Tell = lambda text: None,
    *,
    late: bool = False,
) -> Played:
    """The strategy, which starts at ``since`` where it is ``late``, and every variant.

    Raises RingFailed, and RunRefused as ``compiled.wanted``.
    """
    global _shared
    count = 1 + len(variants)

    def workers(runs: int) -> int:
        return _workers(prepared, runs) if processes is None else processes

    quick = compiled.wanted(prepared, by, count, tell)
    shares: Any = multiprocessing.RawArray("d", count)
    _shared = (prepared, variants, since, late, shares)
    try:
        found: dict[int, Timed] = {}
        if quick:
            aside = workers(count) > 1 and prepared.market.bars_total <= ASIDE_UP_TO
            found = _compiled(Compiled(prepared, since, tell), progress, tell, aside=aside)
        fast = MAIN in found
        left = [place for place in range(count) if place not in found]
        progress(sum(shares), count)
        if workers(len(left)) > 1 and len(left) > 1:
            found |= _side_by_side(left, workers(len(left)), shares, progress)
        else:
            for place in left:
                found[place] = _play(place)
                progress(sum(shares), count)
    finally:
        _shared = None
    main, elapsed = found[MAIN]
    assert isinstance(main, Outcome)
    return Played(main, elapsed, [found[place][0] for place in range(1, count)], fast)


def _workers(prepared: Prepared, runs: int) -> int:
    """Processes worth having: none for a short run, and none where a process cannot be forked."""
    market = prepared.market
    if market.bars_total * market.interval // HOUR * runs < FORK_FROM or not hasattr(os, "fork"):
        return 1
    return min(os.cpu_count() or 1, runs)


def _compiled(quick: Compiled, progress: Progress, tell: Tell, *, aside: bool) -> dict[int, Timed]:
    """What needs no engine, by place. A strategy that trades nothing is left to the engine: only it can say why.

    Runs that start at another time than the strategy are over columns of their own. ``aside``: a process of its own
    makes those and plays them meanwhile.
    """
    from gridbot_tui.research.screen.screening import load

    assert _shared is not None
    prepared, variants, _, late, shares = _shared
    load(len(prepared.market.symbols))
    progress(0.0, len(shares))  # only now: that may have waited for another process that compiles
    here = [place for place, one in enumerate(variants, 1) if one.late is late]
    others = [place for place, one in enumerate(variants, 1) if one.late is not late]
    if not (aside and others):
        return _strategy(quick) | _variants(quick, here + others, progress)
    with crew(1) as pool:
        started = pool.submit(_aside, others)
        found = _strategy(quick) | _variants(quick, here, progress)
        made, said = started.result()
    for text in said:
        tell(text)
    progress(sum(shares), len(shares))
    return found | made


def _strategy(quick: Compiled) -> dict[int, Timed]:
    """The strategy's own run; nothing where the engine must play it."""
    assert _shared is not None
    _, _, _, late, shares = _shared
    began = time.perf_counter()
    main = quick.play("strategy", late=late)
    if main is None or not main.figures["fills"]:
        return {}
    shares[MAIN] = 1.0
    return {MAIN: (main, time.perf_counter() - began)}


def _variants(quick: Compiled, places: Sequence[int], progress: Progress) -> dict[int, Timed]:
    """These variants, but for those that the engine must play."""
    assert _shared is not None
    _, variants, _, _, shares = _shared
    found: dict[int, Timed] = {}
    for place in places:
        made = quick.variant(variants[place - 1])
        if made is not None:
            found[place] = made, 0.0
            shares[place] = 1.0
            progress(sum(shares), len(shares))
    return found


def _aside(places: Sequence[int]) -> tuple[dict[int, Timed], list[str]]:
    """The same in a worker, and what it would have told meanwhile."""
    assert _shared is not None
    prepared, _, since, _, _ = _shared
    said: list[str] = []
    return _variants(Compiled(prepared, since, said.append), places, lambda done, whole: None), said


def _side_by_side(places: Sequence[int], workers: int, shares: Sequence[float], progress: Progress) -> dict[int, Timed]:
    """The engine's runs in workers, never more than there are of those.

    Raises RingFailed where a worker was killed.
    """
    with crew(workers) as pool:
        runs = {place: pool.submit(_play, place) for place in places}
        waiting: set[Future[Any]] = set(runs.values())
        while waiting:
            _, waiting = wait(waiting, timeout=LOOK_S, return_when=FIRST_COMPLETED)
            progress(sum(shares), len(shares))
        return {place: run.result() for place, run in runs.items()}


def _teller(place: int) -> Callable[[Ms], None]:
    """Notes how much of the market a run has played."""
    assert _shared is not None
    prepared, _, _, _, shares = _shared
    first, by_hour = prepared.market.start // HOUR, _by_hour(prepared)

    def tell(at: Ms) -> None:
        shares[place] = by_hour[at // HOUR - first]

    return tell


def _by_hour(prepared: Prepared) -> Sequence[float]:
    """Share of the bars of all symbols that have closed when each hour begins: of symbols that were listed late the
    first half of the time is little of the work."""
    import numpy as np

    market = prepared.market
    first = market.start // HOUR
    counts = np.zeros(market.end // HOUR - first + 2)
    for one in market.series.values():
        hours = -(-(one.times + market.interval) // HOUR) - first
        counts += np.bincount(hours, minlength=len(counts))
    found: list[float] = (counts.cumsum() / counts.sum()).tolist()
    return found


def _play(place: int) -> Timed:
    """One run by the engine."""
    assert _shared is not None
    prepared, variants, since, late, shares = _shared
    began = time.perf_counter()
    made: Outcome | str
    if place == MAIN:
        ring = ring_of(prepared, start_after=since if late else None)
        ring.hourly = _teller(place)
        ring.run()
        elapsed = time.perf_counter() - began
        made = outcome_of("strategy", ring, prepared)
    else:
        made = baselines.try_play(prepared, variants[place - 1], since, _teller(place))
        elapsed = time.perf_counter() - began
    shares[place] = 1.0
    return made, elapsed
