"""A file named KILL in the profile is the kill command: it needs no socket and no config.

It is put by once the kill is on disk: where the process ends before, the next start has it still.
"""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.service.books.footing import Say

LOOK_S: Final = 0.5


class KillFile:
    """Looks for the file for as long as ``run`` does."""

    def __init__(self, path: Path, kill: Callable[[], None], kept: Callable[[], bool], say: Say) -> None:
        """``kill`` gives the command, ``kept`` knows whether all that was decided is on disk, ``say`` tells the
        operator."""
        self._path = path
        self._kill = kill
        self._kept = kept
        self.say = say
        self._obeyed: tuple[int, int] | None = None
        self._putting_by = False

    async def run(self) -> None:
        """Obey the file whenever it is there, and rename it; one that cannot be renamed is obeyed once."""
        while True:
            found = self._found()
            if found is not None and found != self._obeyed:
                self._kill()
                self._obeyed = found
                self._putting_by = True
            if found is not None and self._putting_by and self._kept():
                self._putting_by = False
                # A disk that hangs must not hold up what was just ordered.
                if trouble := await in_thread(self._put_by):
                    self.say("warning", "kill_file", trouble)
            await asyncio.sleep(LOOK_S)

    def _found(self) -> tuple[int, int] | None:
        """Which file stands there, as of when; None: none, or the system does not say."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns

    def _put_by(self) -> str:
        """Rename it; why not, in words, "" where it was."""
        try:
            self._path.rename(self._path.with_suffix(".done"))
        except OSError as error:
            return f"{self._path} was obeyed and cannot be renamed ({error.strerror}); the next start would obey it too"
        return ""
