"""Signals that ask for a stop: while a run begins, while it trades, and when it is over."""

import asyncio
import contextlib
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


def take_signals(loop: asyncio.AbstractEventLoop, told: Callable[[str], None]) -> None:
    """Have ``told`` hear of those that ask for a stop, in the loop; a terminal that goes or Ctrl+Z stop nobody.

    signal.signal and not the loop's own handlers: those are gone, and the default is death, the moment the loop
    closes. One signal more, while the end is being told, would have taken a verified stop's exit code.
    """
    on_stop = stopping_signals(loop, told)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, on_stop)
    for ignored in (signal.SIGHUP, signal.SIGTSTP):
        signal.signal(ignored, signal.SIG_IGN)


class Start:
    """The beginning of a run: until its books are opened a signal gives it up, after that the run is asked to stop.

    An exchange that cannot be reached, or a locked keyring, must not hold up the end of a process that holds nothing.
    """

    def __init__(self) -> None:
        self.given_up = ""
        """The signal for which it ended."""
        self.waits_for = ""
        """What it waits for, in a sentence, where an app paints the terminal that it would be printed on."""
        self._asked = ""
        self._stop: Callable[[str], None] | None = None
        self._begun = False
        self._heard: list[str] = []
        """Signals that came when there were books and no run yet."""
        self._obey: Callable[[str], None] = self._heard.append

    def enter(self) -> None:
        """The current task is the one that begins a run; one that is to be given up by now ends at its first wait."""
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def stop(name: str) -> None:
            with contextlib.suppress(RuntimeError):  # the loop has closed: it has ended by itself
                loop.call_soon_threadsafe(self._told, name, task)

        self._stop = stop
        if self._asked:
            self._told(self._asked, task)

    def give_up(self, name: str) -> None:
        """A signal has come; from any thread. Without a lock: a second signal may come in the middle of it."""
        self._asked = name
        if self._stop is not None:
            self._stop(name)

    def waits(self, text: str) -> None:
        """It has to wait; from any thread."""
        self.waits_for = text

    def begins(self) -> None:
        """From here on there are books: whatever is asked for is carried out, and told, by the run."""
        self._begun = True
        self.waits_for = ""

    def obeyed_by(self, run: Callable[[str], None]) -> None:
        """The run there is now; it may be one that is over, and then knows who follows it."""
        self._obey = run
        while self._heard:
            run(self._heard.pop(0))

    def _told(self, name: str, task: "asyncio.Task[object]") -> None:
        if self._begun:
            self._obey(name)
        elif not self.given_up:
            self.given_up = name
            task.cancel()
