"""The terminal in a process that also trades: it is never suspended, and one that is taken up again is whole.

Textual suspends the process at SIGTSTP, and at any SIGCONT begins anew without having ended: then two threads read
the keys, and leaving waits for one of them for ever. A SIGCONT comes with every terminal that is closed.
"""

import asyncio
import os
import select
import signal
import threading
import time
from collections import deque
from collections.abc import Callable
from queue import Empty
from typing import IO, TYPE_CHECKING, Final

from textual import events
from textual.drivers._writer_thread import MAX_QUEUED_WRITES, WriterThread
from textual.drivers.linux_driver import LinuxDriver

from gridbot_tui.ui import hangup
from gridbot_tui.ui.typed import ASKS_BACKGROUND, Typed

if TYPE_CHECKING:
    from textual.app import App

LOOK_S: Final = 0.1
"""Between two looks whether reading is to end; a lone Escape is known as one by then."""
CHUNK: Final = 4096
FRAME: Final = 3
"""Writes of Textual's for one frame: where it begins, what it is, where it ends."""
WHERE: Final = "\x1b[6n"
"""Asks a terminal where its cursor stands; every one that can draw a screen knows it."""
PAUSE_S: Final = 0.02
"""Without a write, after which a frame is whole."""
ROUND_S: Final = 0.2
"""What an answer may take on a line that keeps up: less than two pictures are apart, so that one is under way."""
PATIENCE_S: Final = 10.0
"""After which an answer is taken for lost."""
FRONT_S: Final = 0.5
"""Between two looks of a process in the background whether it has the terminal."""
LAST_S: Final = 1.0
"""What leaving waits for the answers under way."""


class Writer(WriterThread):
    """Textual's own, which outlives its terminal: else the app waits for room in a queue that nobody empties.

    What is written has not arrived: a slow line keeps megabytes (of the SSH server, of two kernels), minutes of old
    pictures. So the terminal is asked behind every frame where its cursor stands, and says so once it has read that
    far. One that has never said anything is believed to keep up.
    """

    def __init__(self, file: IO[str], *, asks: bool = False, now: Callable[[], float] = time.monotonic) -> None:
        """``asks``: whether somebody hears what the terminal answers."""
        super().__init__(file)
        self._now = now
        self._asks = asks
        self._answers = False
        """The terminal is one that answers."""
        self._unread: deque[float] = deque(maxlen=MAX_QUEUED_WRITES)
        """When each question was asked that has no answer."""
        self._changed = threading.Condition()

    @property
    def behind(self) -> bool:
        """Whether two whole frames still wait for the line, or one for the terminal: another is only shown later.

        One may wait for its turn of the interpreter alone: the panes that follow a key are not to be held up by that.
        """
        if self._queue.qsize() >= 2 * FRAME:
            return True
        with self._changed:
            waited = self._now() - self._unread[0] if self._answers and self._unread else 0.0
            if waited > PATIENCE_S:
                self._unread.clear()
                return False
            return waited > ROUND_S

    def answered(self) -> None:
        """The terminal has read up to the eldest question."""
        with self._changed:
            self._answers = True
            if self._unread:
                self._unread.popleft()
            self._changed.notify_all()

    def ask_no_more(self, wait_s: float) -> None:
        """Wait for the answers under way: the shell that comes next would take them for keys."""
        with self._changed:
            self._asks = False
            self._changed.wait_for(lambda: not (self._answers and self._unread), wait_s)

    def run(self) -> None:
        """Write until told to stop; once the terminal is gone, what was to be written is let go."""
        gone = asked = False
        while (text := self._next(asked)) is not None:
            asked = text in (WHERE, "")
            if gone:
                continue
            try:
                self._file.write(text)
                if not self._queue.qsize():
                    self._file.flush()
            except (OSError, ValueError):
                gone = True

    def _next(self, asked: bool) -> str | None:
        """What comes next; where that pauses, the question behind it."""
        try:
            return self._queue.get(timeout=None if asked else PAUSE_S)
        except Empty:
            with self._changed:
                if not self._asks:
                    return ""
                self._unread.append(self._now())
                return WHERE


class TerminalDriver(LinuxDriver):
    """Textual's own, without job control."""

    def __init__(
        self, app: "App[object]", *, debug: bool = False, mouse: bool = True, size: tuple[int, int] | None = None
    ) -> None:
        """See ``LinuxDriver``."""
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        signal.signal(signal.SIGTSTP, signal.SIG_IGN)
        signal.signal(signal.SIGCONT, self._continued)
        self._started: asyncio.AbstractEventLoop | None = None
        self._later: asyncio.TimerHandle | None = None
        """Looks again whether the terminal is ours."""

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._started = asyncio.get_running_loop()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is not None and self._file is not None:
            self._writer_thread.stop()
            self._writer_thread = Writer(self._file, asks=self.input_tty)
            self._writer_thread.start()
        if self.input_tty and os.environ.get("TERM") != "linux":  # the kernel's console knows no such question
            self.write(ASKS_BACKGROUND)
        # In the background a key for the shell, or giving back the terminal, would stop the process, and the trading.
        signal.signal(signal.SIGTTIN, signal.SIG_IGN)
        signal.signal(signal.SIGTTOU, signal.SIG_IGN)

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self._started = None
        if isinstance(self._writer_thread, Writer):
            self._writer_thread.ask_no_more(0.0 if hangup.gone(self.fileno) else LAST_S)
        super().stop_application_mode()

    @property
    def behind(self) -> bool:
        """Whether the line to the terminal is slower than what was painted, or the terminal is a shell's for now."""
        return self._in_background() or (isinstance(self._writer_thread, Writer) and self._writer_thread.behind)

    def run_input_thread(self) -> None:
        """Read keys until the app lets go of the terminal, or it is gone: then ``hangup`` ends the app."""
        typed = Typed(debug=self._debug)
        while not self.exit_event.is_set():
            if self._in_background():
                self.exit_event.wait(LOOK_S)
                continue
            try:
                data = os.read(self.fileno, CHUNK) if select.select([self.fileno], [], [], LOOK_S)[0] else b""
            except OSError:
                if self._in_background():
                    continue
                return
            if not data and hangup.gone(self.fileno):
                return
            for message in typed.take(data):
                if isinstance(message, events.CursorPosition):
                    self._answered()
                else:
                    self.process_message(message)

    def _answered(self) -> None:
        if isinstance(self._writer_thread, Writer):
            self._writer_thread.answered()

    def _continued(self, *_: object) -> None:
        loop = self._started
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take_again)

    def _in_background(self) -> bool:
        """Whether a shell that stopped the process has the terminal: keys and screen are its own then."""
        try:
            return os.tcgetpgrp(self.fileno) != os.getpgrp()
        except OSError:
            return False

    def _take_again(self) -> None:
        """The process was stopped and goes on: a shell may have changed the terminal meanwhile, or still have it."""
        if self._later is not None:
            self._later.cancel()
            self._later = None
        if self._started is None or hangup.gone(self.fileno):
            return
        if self._in_background():  # nobody says when a process that runs there comes to the front
            self._later = self._started.call_later(FRONT_S, self._take_again)
            return
        self.suspend_application_mode()
        self.resume_application_mode()
        self._app.refresh(layout=True)
