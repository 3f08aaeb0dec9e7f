"""A process on a pseudo terminal of 120x40, for counting what it writes and what it takes of the processor."""

import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SIZE = (120, 40)


class App:
    """The app's process on a pty."""

    def __init__(self, script: str, *words: str) -> None:
        self.began = time.monotonic()
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.environ.update(TERM="xterm-256color", COLORTERM="truecolor", LANG="C.UTF-8")
            os.environ.pop("NO_COLOR", None)
            os.chdir(ROOT)
            os.execv(sys.executable, [sys.executable, "-c", script, *words])
        ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", SIZE[1], SIZE[0], 0, 0))

    def read(self, seconds: float, until: re.Pattern[bytes] | None = None) -> bytes:
        """What is written within so many seconds, or up to where ``until`` is seen."""
        found = b""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if select.select([self.fd], [], [], min(left, 0.02))[0]:
                try:
                    data = os.read(self.fd, 65536)
                except OSError as error:  # the other end is gone
                    raise RuntimeError(f"the app has ended: {found[-2000:].decode(errors='replace')}") from error
                if b"?2026$p" in data:
                    os.write(self.fd, b"\x1b[?2026;2$y")
                found += data
                if until is not None and until.search(found):
                    break
        return found

    def processor(self) -> float:
        """Seconds of processor time so far."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def close(self) -> None:
        """End it."""
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)
