"""Tasks that end by themselves, with an owner: none is lost, and what one raises is not passed over."""

import asyncio
from collections.abc import Coroutine
from typing import Any


class Jobs:
    """The small tasks of one feed."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Begin one."""
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def check(self) -> None:
        """Raise what one of them raised."""
        if self._failure is not None:
            raise self._failure

    async def end(self) -> None:
        """Cancel those that are left."""
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)
        self._failure = None

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._failure = task.exception()


async def first_to_end(tasks: "list[asyncio.Task[None]]") -> None:
    """Wait until one of them ends, which none should: raises what it raised, and leaves none running."""
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
