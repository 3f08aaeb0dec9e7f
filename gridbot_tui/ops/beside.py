"""Small jobs that may block (a line for a file, a line for a terminal), done in order by a thread of their own.

In real time nobody may wait for a disk that hangs or a terminal that is held with Ctrl+S. The queue is bounded, the
thread is a daemon: neither keeps the process.
"""

import io
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Final, TextIO

Job = Callable[[], None]
MOST: Final = 10_000
GATHER_S: Final = 0.02
"""The thread lets jobs come together for so long: every wake costs the loop a moment of the interpreter."""


class Beside:
    """``put`` never blocks. A job that raises has nobody to raise to: ``defect`` says so, and the next one follows."""

    def __init__(self, name: str, most: int = MOST) -> None:
        """``most``: jobs that may wait; those beyond are not taken."""
        self._most = most
        self._jobs: deque[Job] = deque()
        self._lock = threading.Lock()
        self._come = threading.Event()
        self._idle = threading.Event()
        self._idle.set()
        self._began: float | None = None
        """When the job under way began; None between two."""
        self.defect = ""
        """What a job raised last; "" = none did."""
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def put(self, job: Job) -> bool:
        """Have a job done; False where too many wait already, or after ``close``."""
        with self._lock:
            if self._ended or len(self._jobs) >= self._most:
                return False
            self._jobs.append(job)
            self._idle.clear()
        self._come.set()
        return True

    def __len__(self) -> int:
        return len(self._jobs)

    @property
    def stuck_s(self) -> float:
        """For how long the job under way has been at it; 0 between two."""
        began = self._began
        return 0.0 if began is None else time.monotonic() - began

    def drain(self, timeout: float) -> bool:
        """Wait until everything is done; False where that takes longer."""
        return self._idle.wait(timeout)

    def close(self, timeout: float) -> bool:
        """Take no more jobs and wait for those that are there; False where they are left behind."""
        with self._lock:
            self._ended = True
        self._come.set()
        return self.drain(timeout)

    def _run(self) -> None:
        while True:
            self._come.wait()
            if not self._ended:
                time.sleep(GATHER_S)
            self._come.clear()
            while self._jobs:
                self._began = time.monotonic()
                try:
                    self._jobs[0]()
                except Exception as error:  # noqa: BLE001 - told by ``defect``; the lines behind it are still to be written
                    self.defect = f"{type(error).__name__}: {error}"
                self._began = None
                self._jobs.popleft()
            with self._lock:
                if not self._jobs:
                    self._idle.set()
                    if self._ended:
                        return


def write_past_locks(stream: TextIO, text: str) -> None:
    """Write a text where a stream leads, without the stream's own lock.

    A thread that hangs in ``stream.write`` would hold that lock, and the end of the interpreter dies of it.

    Raises:
        OSError, ValueError: nobody reads there any more.
    """
    try:
        number = stream.fileno()
    except (io.UnsupportedOperation, AttributeError):  # no file behind it: a test's, or another program's
        stream.write(text)
        stream.flush()
        return
    data = text.encode(stream.encoding or "utf-8", "backslashreplace")
    while data:
        data = data[os.write(number, data) :]
