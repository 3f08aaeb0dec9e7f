"""Whether state file, lock and control socket are still those that this process opened.

A file that is deleted or replaced under a running process takes writes as before, and no later start finds them. A
socket whose file is gone is found by no command: the runtime folder of a session goes with its last login.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.service.books.lock import LockHeld, ProfileLock
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.books.telling import Level
from gridbot_tui.service.operator.control_server import SocketTaken

LOOK_S: Final = 5.0

Say = Callable[[Level, str, str], None]
_File = tuple[int, int]
"""Device and inode: the file itself, whatever it is called."""


class Footing:
    """Looks at the profile's files for as long as ``run`` does."""

    def __init__(
        self,
        profile: Profile,
        withhold: Callable[[bool], Awaitable[None]],
        listen: Callable[[Path], Awaitable[None]],
        say: Say,
    ) -> None:
        """Remembers the files as they are now.

        Args:
            profile: whose files.
            withhold: has the state file take no writes any more, or take them again: without a memory no entry.
            listen: has the control socket listen at that path. Raises SocketTaken.
            say: tells the operator.
        """
        self._profile = profile
        self._withhold = withhold
        self._listen = listen
        self.say = say
        self._databases = (profile.database, profile.database.with_name(f"{profile.database.name}-wal"))
        self._database = [_file(path) for path in self._databases]
        self._lock = _file(profile.lock)
        self._socket = profile.socket
        self._deaf = ""
        """Why no command can be heard; "" = they can."""
        self._gone = False
        self._again: ProfileLock | None = None

    async def run(self) -> None:
        """Look every few seconds; a disk that does not answer keeps nobody but this."""
        try:
            while True:
                await asyncio.sleep(LOOK_S)
                database, lock, listens = await in_thread(self._look)
                if (database != self._database) != self._gone:
                    await self._database_changed(gone=not self._gone)
                if lock != self._lock:
                    self._lock_again()
                if not listens:
                    await self._listen_again()
        finally:
            if self._again is not None:
                self._again.release()

    def _look(self) -> tuple[list[_File | None], _File | None, bool]:
        found = [_file(path, known) for path, known in zip(self._databases, self._database, strict=True)]
        return found, _file(self._profile.lock, self._lock), _file(self._socket, (0, 0)) is not None

    async def _database_changed(self, *, gone: bool) -> None:
        await self._withhold(gone)
        self._gone = gone
        if gone:
            text = f"{self._profile.database} or its WAL was deleted or replaced while the bot runs: no start would"
            text += " find what is written from now on, so entries stop; put the file back, or stop and start again"
            self.say("error", "state_file", text)
        else:
            self.say("info", "state_file", f"{self._profile.database} is back")

    def _lock_again(self) -> None:
        """Without its file in place, commands do not find this bot, and a second start does not see it."""
        path = self._profile.lock
        try:
            self._again = ProfileLock.acquire(path, self._profile.name)
        except (LockHeld, OSError) as error:
            text = f"{path} is no more the lock of this process ({error}): a second bot may trade this profile"
            self.say("error", "lock_file", text)
        else:
            self.say("warning", "lock_file", f"{path} was deleted while the bot runs: it is there again")
        self._lock = _file(path)

    async def _listen_again(self) -> None:
        """Without its file, nobody finds the socket: neither a command nor a face."""
        before = self._socket
        try:
            self._socket = self._profile.socket
            await self._listen(self._socket)
        except (SocketTaken, OSError) as error:
            if str(error) != self._deaf:
                self._deaf = str(error)
                self.say("error", "control_socket", f"{before} was deleted, and no command is heard: {error}")
        else:
            self._deaf = ""
            text = f"{before} was deleted while the bot runs: it listens at {self._socket} now"
            self.say("warning", "control_socket", text)


def refuse_writes(connection: sqlite3.Connection, refuse: bool) -> None:
    """Have a connection refuse every write as one to a file that cannot be written, or take them again."""
    connection.execute(f"PRAGMA query_only = {'ON' if refuse else 'OFF'}")


def _file(path: Path, unknown: _File | None = None) -> _File | None:
    """Which file stands there; None: none. ``unknown`` where the system does not say."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        return unknown
    return found.st_dev, found.st_ino
