"""A text file that never grows beyond a bound: ``name``, ``name.1`` ... ``name.<count>``, oldest last."""

import os
import time
from pathlib import Path
from typing import Final

LOOK_S: Final = 5.0
"""So often a file that is written to is looked for under its name: it may have been moved away or deleted."""


class Standing:
    """Whether an open file is still the one that its path names; looks every ``LOOK_S``."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._looked = time.monotonic()

    def gone(self, handle: int) -> bool:
        """True where another file, or none, has its name: nobody would find there what is written from now on.

        Raises:
            OSError: the disk does not say.
        """
        now = time.monotonic()
        if now - self._looked < LOOK_S:
            return False
        self._looked = now
        try:
            there = self._path.stat()
        except FileNotFoundError:
            return True
        ours = os.fstat(handle)
        return (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino)


class RotatingFile:
    """Appends whole lines. A disk that fails loses lines (they are counted), never the caller."""

    def __init__(self, path: Path, *, max_bytes: int, count: int) -> None:
        """Append to ``path``; past ``max_bytes`` it is renamed, and at most ``count`` old ones are kept."""
        self.path = path
        self.lost = 0
        """Lines that could not be written."""
        self._standing = Standing(path)
        self._max = max_bytes
        self._count = count
        self._handle = -1
        self._size = 0
        self._torn = False
        """The file ends within a line: a full disk took only its beginning."""

    def write(self, line: bytes) -> None:
        """Append one line (with its newline) in one system call."""
        try:
            if self._handle >= 0 and self._standing.gone(self._handle):
                self.close()
            if self._handle < 0:
                self._open()
            if self._size and self._size + len(line) > self._max:
                self._rotate()
            line = b"\n" + line if self._torn else line
            written = os.write(self._handle, line)
            self._size += written
            self._torn = written < len(line)
            self.lost += self._torn
        except OSError:
            self.lost += 1
            self.close()  # opened again at the next line: the folder may be back

    def close(self) -> None:
        """Close the file; a later write opens it again."""
        if self._handle >= 0:
            handle, self._handle = self._handle, -1
            try:
                os.close(handle)
            except OSError:
                self.lost += 1

    def _open(self) -> None:
        self._handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._size = os.fstat(self._handle).st_size
        self._torn = self._size > 0 and os.pread(self._handle, 1, self._size - 1) != b"\n"

    def _rotate(self) -> None:
        self.close()
        for number in range(self._count, 0, -1):
            source = self._numbered(number - 1)
            if source.exists():
                source.replace(self._numbered(number))
        if self._count == 0:
            self.path.unlink(missing_ok=True)
        self._open()

    def _numbered(self, number: int) -> Path:
        return self.path if number == 0 else self.path.with_name(f"{self.path.name}.{number}")
