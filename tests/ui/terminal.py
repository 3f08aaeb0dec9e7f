"""A real terminal for a real process: a pty whose other end a thread reads (or, where asked, does not)."""

import contextlib
import fcntl
import json
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SMALL = ("--symbol", "BTCUSDT", "--set", "simulation.warmup_days=15")
PATIENCE_S = 120.0
"""Far more than anything takes: on a busy machine a start of a second has taken ten."""


class Terminal:
    """One process on one pty."""

    def __init__(self, *words: str, size: tuple[int, int] = (120, 40), env: dict[str, str] | None = None) -> None:
        self.output = bytearray()
        self.reading = threading.Event()
        self.reading.set()
        self._closed = False
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            for name in ("NO_COLOR", "TEXTUAL_DRIVER"):
                os.environ.pop(name, None)
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.update(env or {})
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-m", "gridbot_tui", *words])
        self.resize(*size)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def resize(self, width: int, height: int) -> None:
        """As a window manager does."""
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", height, width, 0, 0))

    def send(self, keys: str) -> None:
        """Type."""
        os.write(self.fd, keys.encode())

    @property
    def text(self) -> str:
        """All that was written so far."""
        return bytes(self.output).decode(errors="replace")

    def wait_for(self, text: str) -> None:
        """Until this was painted."""
        wait(lambda: text in self.text, f"{text!r} on the screen")

    def hang_up(self) -> None:
        """Close the window."""
        self._closed = True
        self.reading.set()
        self._thread.join(PATIENCE_S)
        os.close(self.fd)

    def signal(self, number: int) -> None:
        """To the process."""
        os.kill(self.pid, number)

    def wait(self) -> int:
        """Its exit code, negative where a signal ended it; all it wrote is read by then."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self._thread.join(PATIENCE_S)
                return os.waitstatus_to_exitcode(status)
            time.sleep(0.02)
        raise AssertionError(f"the process did not end within {PATIENCE_S:g} s")

    def _read(self) -> None:
        while not self._closed:
            self.reading.wait()
            try:
                if select.select([self.fd], [], [], 0.1)[0]:
                    data = os.read(self.fd, 65536)
                    if not data:
                        return
                    self.output += data
            except (OSError, ValueError):
                return


def wait(true: Callable[[], bool], what: str) -> None:
    """Until it is true."""
    end = time.monotonic() + PATIENCE_S
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"no {what} within {PATIENCE_S:g} s")
        time.sleep(0.02)


def command(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the command line on this home."""
    return subprocess.run(
        [sys.executable, "-m", "gridbot_tui", "--home", str(home), *words],
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=PATIENCE_S,
        check=False,
    )


@contextlib.contextmanager
def bot_ended(home: Path) -> Iterator[None]:
    """Whatever runs in this home after the test is stopped."""
    try:
        yield
    finally:
        for lock in home.rglob("lock"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                os.kill(json.loads(lock.read_text())["pid"], signal.SIGKILL)
