"""Jobs in forked processes, each in one of its own, as many at once as there are cores; one that dies is said."""

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

J = TypeVar("J")
R = TypeVar("R")


class JobDied(Exception):
    """A process ended without an answer: killed, or out of memory."""


def _run(play: Callable[[J], R], job: J, answer: Connection) -> None:
    answer.send(play(job))
    answer.close()


def side_by_side(play: Callable[[J], R], jobs: Sequence[J], at_once: int | None = None) -> Iterator[R]:
    """The results as they come. What a job changes in its process ends with it. Raises JobDied."""
    context: Any = multiprocessing.get_context("fork")
    waiting = list(reversed(jobs))
    running: dict[Connection, tuple[J, BaseProcess]] = {}
    try:
        while waiting or running:
            while waiting and len(running) < (at_once or os.cpu_count() or 1):
                job = waiting.pop()
                ours, theirs = context.Pipe(duplex=False)
                process = context.Process(target=_run, args=(play, job, theirs), daemon=True)
                process.start()
                theirs.close()
                running[ours] = (job, process)
            for ready in wait(list(running)):
                assert isinstance(ready, Connection)
                job, process = running.pop(ready)
                try:
                    result: R = ready.recv()
                except EOFError:
                    process.join()
                    raise JobDied(f"{job}: its process ended with {process.exitcode} and no answer") from None
                process.join()
                yield result
    finally:
        for _, process in running.values():
            process.terminate()
