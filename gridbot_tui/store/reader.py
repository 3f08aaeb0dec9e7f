"""Looking at a state file while the bot writes it: exports, the command line, ``doctor``."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gridbot_tui.store import database, schema
from gridbot_tui.store.errors import StoreForeign, StoreTooNew, StoreUnavailable, classed
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.queries import Queries


class Reader(Queries):
    """A read-only connection; it never holds up the writer (WAL) and never changes the file."""

    @property
    def identity(self) -> Identity | None:
        """Whose state it is."""
        return self.whose()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


@contextmanager
def reading(path: Path) -> Iterator[Reader]:
    """A Reader for the length of a ``with`` block.

    Raises:
        StoreUnavailable: there is no file, or it cannot be read.
        StoreForeign, StoreTooNew, StoreDamaged: it cannot be understood.
    """
    if not path.is_file():
        raise StoreUnavailable(f"{path}: there is no state file; this profile has not run yet.")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise classed(error, path) from error
    reader = Reader(connection, path)
    try:
        _understand(connection, path)
        yield reader
    finally:
        reader.close()


def _understand(connection: sqlite3.Connection, path: Path) -> None:
    try:
        application = connection.execute("PRAGMA application_id").fetchone()[0]
        version = database.version_of(connection)
    except sqlite3.Error as error:
        raise classed(error, path) from error
    if application != schema.APPLICATION_ID:
        raise StoreForeign(f"{path}: this file is not gridbot's state; name another profile.")
    if version > len(schema.MIGRATIONS):
        raise StoreTooNew(f"{path}: written by a newer gridbot; upgrade gridbot to read it.")
    if version < len(schema.MIGRATIONS):
        raise StoreUnavailable(
            f"{path}: written by an older gridbot; start the bot once to bring it up to date."
        )
    try:
        database.complete(connection, path)
    except sqlite3.Error as error:
        raise classed(error, path) from error
