"""A blocking call in a thread of its own, which nobody waits for at the end of the process."""

import asyncio
import threading
from collections.abc import Callable
from typing import Final, TypeVar

T = TypeVar("T")
AGAIN_S: Final = 1.0
"""Where the machine has no thread to give, it is asked again so much later."""


def in_thread(call: Callable[[], T], name: str) -> "asyncio.Future[T]":
    """Start a call; the future has what came of it. A call that never returns keeps one daemon thread, nothing else.

    The loop's own threads would be joined when it ends: a call that hangs there would keep the process. A machine
    that has no thread to give now (a limit of processes, memory) is as one that is slow: those who look now and then
    beside the trading must not end for it.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

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
            result = call()
        except BaseException as error:  # noqa: BLE001 - handed to whoever waits
            failed = error
        try:
            loop.call_soon_threadsafe(settle, result, failed)
        except RuntimeError:
            return  # the loop has ended meanwhile

    def start() -> None:
        if future.done():
            return
        try:
            threading.Thread(target=run, name=name, daemon=True).start()
        except RuntimeError:
            loop.call_later(AGAIN_S, start)

    start()
    return future
