"""Signals that ask for a stop, also those that come when it is over."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from types import FrameType
from typing import Final

LAST_WORDS_S: Final = 5.0
"""Longest that a process whose run is over may keep printing how it ended once it is told to go."""

Handler = Callable[[int, FrameType | None], None]


def stopping_signals(
    loop: asyncio.AbstractEventLoop, told: Callable[[str], None], monotonic: Callable[[], float] = time.monotonic
) -> Handler:
    """A handler that hands a signal's name to ``told`` in the loop.

    Once the loop is closed all is done but for the last sentence and the exit code, which no signal takes away; one
    that comes ``LAST_WORDS_S`` after the first of those ends a process that cannot get rid of them.
    """
    late: list[float] = []

    def on_signal(number: int, frame: FrameType | None) -> None:
        try:
            loop.call_soon_threadsafe(told, signal.Signals(number).name)
        except RuntimeError:
            late.append(monotonic())
            if late[-1] - late[0] > LAST_WORDS_S:
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)

    return on_signal
