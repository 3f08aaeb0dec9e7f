"""The runs of a study: the strategy and what it is compared with, in forked processes where that is worth it."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, MutableSequence, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from typing import Any

from gridbot_tui.research import baselines
from gridbot_tui.research.baselines import Variant
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.units import HOUR, Ms

FORK_FROM = 2_000
"""Decisions of all runs together from which they are worth processes of their own; they, not bars, are what costs."""
LOOK_S = 1.0
"""Between two looks at how far the runs are."""

Progress = Callable[[float, float], None]
Main = tuple[Outcome, float]
"""The strategy's run and the seconds it took."""

_shared: tuple[Prepared, Sequence[Variant], Ms, MutableSequence[float]] | None = None
"""What the forked workers find in their memory: the market is never copied between processes. Last the share of each
run that has been played, the strategy's first; that memory is common to them."""


def play_all(
    prepared: Prepared, variants: Sequence[Variant], since: Ms, processes: int | None, progress: Progress
) -> tuple[Main, list[Outcome | str]]:
    """The strategy, and every variant in order: its outcome, or why it cannot be played on this market."""
    global _shared
    workers = _workers(prepared, 1 + len(variants)) if processes is None else processes
    shares: Any = multiprocessing.RawArray("d", 1 + len(variants)) if workers > 1 else [0.0] * (1 + len(variants))
    _shared = (prepared, variants, since, shares)
    try:
        return _side_by_side(len(variants), workers, shares, progress) if workers > 1 else _in_line(shares, progress)
    finally:
        _shared = None


def _workers(prepared: Prepared, runs: int) -> int:
    """Processes worth having: none for a short run, and none where a process cannot be forked."""
    market = prepared.market
    if market.bars_total * market.interval // HOUR * runs < FORK_FROM or not hasattr(os, "fork"):
        return 1
    return min(os.cpu_count() or 1, runs)


def _in_line(shares: Sequence[float], progress: Progress) -> tuple[Main, list[Outcome | str]]:
    main = _main(0)
    progress(sum(shares), len(shares))
    found: list[Outcome | str] = []
    for index in range(len(shares) - 1):
        found.append(_variant(index))
        progress(sum(shares), len(shares))
    return main, found


def _side_by_side(
    count: int, workers: int, shares: Sequence[float], progress: Progress
) -> tuple[Main, list[Outcome | str]]:
    """Never more runs than workers. Raises RingFailed where a worker was killed."""
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(workers, mp_context=context, initializer=deaf) as pool:
        main = pool.submit(_main, 0)
        others = [pool.submit(_variant, index) for index in range(count)]
        waiting: set[Future[Any]] = {main, *others}
        try:
            while waiting:
                _, waiting = wait(waiting, timeout=LOOK_S, return_when=FIRST_COMPLETED)
                progress(sum(shares), len(shares))
            return main.result(), [one.result() for one in others]
        except BrokenProcessPool as dead:
            why = "a process of the back-test was ended from outside, as happens where memory runs out"
            raise RingFailed(f"{why}: play fewer symbols or days at once") from dead
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def deaf() -> None:
    """An interrupted terminal tells every process; the parent ends its workers."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _teller(place: int) -> Callable[[Ms], None]:
    """Notes how much of the market a run has played."""
    assert _shared is not None
    prepared, _, _, shares = _shared
    start, whole = prepared.market.start, max(prepared.market.end - prepared.market.start, 1)

    def tell(at: Ms) -> None:
        shares[place] = (at - start) / whole

    return tell


def _main(place: int) -> Main:
    assert _shared is not None
    prepared, _, _, shares = _shared
    began = time.perf_counter()
    ring = ring_of(prepared)
    ring.hourly = _teller(place)
    ring.run()
    elapsed = time.perf_counter() - began
    shares[place] = 1.0
    return outcome_of("strategy", ring, prepared), elapsed


def _variant(index: int) -> Outcome | str:
    assert _shared is not None
    prepared, variants, since, shares = _shared
    made = baselines.try_play(prepared, variants[index], since, _teller(1 + index))
    shares[1 + index] = 1.0
    return made
