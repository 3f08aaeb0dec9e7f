"""The terminal in a process that also trades: it is never suspended, and one that is taken up again is whole.

Textual suspends the process at SIGTSTP, and at any SIGCONT begins anew without having ended: then two threads read
the keys, and leaving waits for one of them for ever. A SIGCONT comes with every terminal that is closed.
"""

import asyncio
import os
import select
import signal
from typing import TYPE_CHECKING, Final

from textual.drivers._writer_thread import WriterThread
from textual.drivers.linux_driver import LinuxDriver

from gridbot_tui.ui import hangup
from gridbot_tui.ui.typed import Typed

if TYPE_CHECKING:
    from textual.app import App

LOOK_S: Final = 0.1
"""Between two looks whether reading is to end; a lone Escape is known as one by then."""
CHUNK: Final = 4096
FRAME: Final = 3
"""Writes of Textual's for one frame: where it begins, what it is, where it ends."""


class Writer(WriterThread):
    """Textual's own, which outlives its terminal: else the app waits for room in a queue that nobody empties."""

    @property
    def behind(self) -> bool:
        """Whether two whole frames still wait for the line: another one would only be shown later.

        One may wait for its turn of the interpreter alone: the panes that follow a key are not to be held up by that.
        """
        return self._queue.qsize() >= 2 * FRAME

    def run(self) -> None:
        """Write until told to stop; once the terminal is gone, what was to be written is let go."""
        gone = False
        while (text := self._queue.get()) is not None:
            if gone:
                continue
            try:
                self._file.write(text)
                if not self._queue.qsize():
                    self._file.flush()
            except (OSError, ValueError):
                gone = True


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

    def start_application_mode(self) -> None:
        """Take the terminal."""
        self._started = asyncio.get_running_loop()
        super().start_application_mode()  # type: ignore[no-untyped-call]
        if self._writer_thread is not None and self._file is not None:
            self._writer_thread.stop()
            self._writer_thread = Writer(self._file)
            self._writer_thread.start()

    def stop_application_mode(self) -> None:
        """Give the terminal back."""
        self._started = None
        super().stop_application_mode()

    @property
    def behind(self) -> bool:
        """Whether the line to the terminal is slower than what was painted."""
        return isinstance(self._writer_thread, Writer) and self._writer_thread.behind

    def run_input_thread(self) -> None:
        """Read keys until the app lets go of the terminal, or it is gone: then ``hangup`` ends the app."""
        typed = Typed(debug=self._debug)
        while not self.exit_event.is_set():
            try:
                data = os.read(self.fileno, CHUNK) if select.select([self.fileno], [], [], LOOK_S)[0] else b""
            except OSError:
                return
            if not data and hangup.gone(self.fileno):
                return
            for message in typed.take(data):
                self.process_message(message)

    def _continued(self, *_: object) -> None:
        loop = self._started
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(self._take_again)

    def _take_again(self) -> None:
        """The process was stopped and goes on: a shell may have changed the terminal meanwhile."""
        if self._started is None or hangup.gone(self.fileno):
            return
        self.suspend_application_mode()
        self.resume_application_mode()
        self._app.refresh(layout=True)
