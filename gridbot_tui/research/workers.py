"""Forked workers: deaf to the terminal, with an eye on the process they work for; one that is killed is said."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Final, TypeVar

from gridbot_tui.research.ring import RingFailed

J = TypeVar("J")
R = TypeVar("R")
KILLED: Final = (
    "one of the processes was ended from outside, as happens where memory runs out: "
    "play fewer symbols or days at once"
)
LOOK_S: Final = 0.5
"""Between two looks at whether the parent is still there."""


def hired() -> None:
    """Leave an interrupt to the parent, which ends its workers; and end with it where it is killed.

    A killed parent runs none of its own clean-up, and the ends of its pipes that siblings hold keep a worker waiting
    for ever, or at work: of a search until the study is full.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # whatever the parent makes of it: this is how it ends its workers
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_with, args=(parent.pid,), name="parent", daemon=True).start()


@contextmanager
def crew(count: int) -> Iterator[ProcessPoolExecutor]:
    """So many forked processes; whatever ends this early ends them, with the hours they may have left to play.

    Raises RingFailed where one of them was killed: a pool of ``multiprocessing`` would wait for its answer for ever.
    """
    context = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(max(1, count), mp_context=context, initializer=hired) as pool:
        try:
            yield pool
        except BrokenProcessPool as dead:
            raise RingFailed(KILLED) from dead
        except BaseException:
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def side_by_side(play: Callable[[J], R], jobs: Sequence[J], count: int) -> Iterator[R]:
    """Results of ``play`` in a crew, as they come."""
    with crew(min(count, len(jobs))) as pool:
        for one in as_completed([pool.submit(play, job) for job in jobs]):
            yield one.result()


def _end_with(parent: int | None) -> None:
    while os.getppid() == parent:
        time.sleep(LOOK_S)
    os._exit(1)
