"""A blocking call in a thread of its own, which nobody waits for at the end of the process."""

import _thread
import asyncio
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
AGAIN_S: Final = 1.0
"""Where the machine has given no thread, or one that did not begin, it is asked again so much later."""


def in_thread(call: Callable[[], T]) -> "asyncio.Future[T]":
    """Start a call; the future has what came of it. A call that never returns keeps one daemon thread, nothing else.

    The loop's own threads would be joined when it ends: a call that hangs there would keep the process. A machine
    that has no thread to give now (a limit of processes, memory) is as one that is slow: those who look now and then
    beside the trading must not end for it. ``threading.Thread.start`` waits for the thread to say that it runs, and
    one that finds no memory for its first step never does: the loop would stand still for good.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    waiting = [call]
    """Whichever thread comes first takes it."""

    def settle(result: T | None, error: BaseException | None) -> None:
        if future.done():
            return  # nobody waits any more
        if error is not None:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        result: T | None = None
        failed: BaseException | None = None
        try:
            mine = waiting.pop()
        except IndexError:
            return
        try:
            result = mine()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:
            return  # the loop has ended meanwhile

    def start() -> None:
        if future.done() or not waiting:
            return
        again = loop.call_later(AGAIN_S, start)
        future.add_done_callback(lambda _: again.cancel())
        try:
            _thread.start_new_thread(run, ())
        except (RuntimeError, MemoryError):
            return  # asked again

    start()
    return future
