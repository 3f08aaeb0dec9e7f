"""A disk that is full and a database that is locked, as SQLite itself meets them."""

import sqlite3

from gridbot_tui.store.core import Store
from gridbot_tui.units import Ms


class Disk:
    """Troubles the database of the life that runs."""

    def __init__(self) -> None:
        self._full: sqlite3.Connection | None = None
        self._locker: sqlite3.Connection | None = None
        self._until: Ms = 0

    @property
    def failing(self) -> bool:
        """True while nothing can be written."""
        return self._full is not None or self._locker is not None

    def fill(self, store: Store, until: Ms) -> None:
        """Not one page more may be written."""
        pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
        store.connection.execute(f"PRAGMA max_page_count = {pages}")
        self._full, self._until = store.connection, until

    def lock(self, store: Store, until: Ms) -> None:
        """Another program holds the write lock. sqlite3.OperationalError where the bot holds it itself."""
        locker = sqlite3.connect(store.path, isolation_level=None, timeout=0)
        try:
            locker.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            locker.close()
            raise
        self._locker, self._until = locker, until

    def over(self, now: Ms) -> bool:
        """End the trouble where its time has come; True where that happened."""
        if not self.failing or now < self._until:
            return False
        self.release()
        return True

    def release(self) -> None:
        """The disk works again."""
        if self._full is not None:
            self._full.execute("PRAGMA max_page_count = 1073741823")
            self._full = None
        if self._locker is not None:
            self._locker.execute("ROLLBACK")
            self._locker.close()
            self._locker = None
