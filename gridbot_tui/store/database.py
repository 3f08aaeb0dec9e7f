"""Opening the file: check, migrate with a backup, refuse what must not be touched."""

import os
import sqlite3
from pathlib import Path

from gridbot_tui.store import schema
from gridbot_tui.store.errors import (
    StoreDamaged,
    StoreForeign,
    StoreTooNew,
    StoreUnavailable,
    classed,
    damaged,
    inconsistent,
)

CHECKED_SIZE = 64 << 20
"""Bytes up to which the whole file is checked at every start (about 1 ms a MB). A larger one is checked
by ``Store.check``; what a start reads of it is checked by checksum and schema anyway."""
BUSY_MS = 2_000
"""How long a write waits for another program's lock before it is StoreUnavailable."""


def connect(path: Path, *, durable: bool) -> sqlite3.Connection:
    """A writer's connection to a checked file of the current version, created where there is none.

    Raises:
        StoreUnavailable: it cannot be opened or written now.
        StoreUnusable: damaged, too new, or not ours.
    """
    try:
        _create_private(path)
        connection = sqlite3.connect(
            path, timeout=BUSY_MS / 1000, isolation_level=None, cached_statements=256
        )
    except OSError as error:
        raise StoreUnavailable(
            f"{path}: the state file cannot be opened ({error}); check its folder."
        ) from error
    except sqlite3.Error as error:
        raise classed(error, path) from error
    try:
        _recognise(connection, path)
        _configure(connection, durable=durable)
        if path.stat().st_size <= CHECKED_SIZE:
            check(connection, path)
        migrate(connection, path)
        complete(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise classed(error, path) from error
    except BaseException:
        connection.close()
        raise
    return connection


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreDamaged where SQLite finds the file inconsistent, StoreUnavailable where the disk cannot read it."""
    try:
        found = [row[0] for row in connection.execute("PRAGMA quick_check(3)")]
    except sqlite3.DatabaseError as error:
        raise classed(error, path) from error
    if found != ["ok"]:
        raise inconsistent(path, "; ".join(found))


def complete(connection: sqlite3.Connection, path: Path) -> None:
    """Raise StoreDamaged where a table is gone: SQLite finds nothing wrong with a file that lacks one."""
    there = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    gone = sorted(schema.TABLES - there)
    if gone:
        raise damaged(path, f"it lacks {', '.join(gone)}")


def version_of(connection: sqlite3.Connection) -> int:
    """Schema version of the file."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, path: Path) -> Path | None:
    """Bring the file to the current version in one transaction; the backup taken before, if any.

    Raises:
        StoreDamaged: its tables are not those of the version that it says it has.
    """
    have, want = version_of(connection), len(schema.MIGRATIONS)
    if have >= want:
        return None
    saved = backup(connection, path.with_name(f"{path.name}.v{have}.bak")) if have else None
    connection.execute("BEGIN IMMEDIATE")
    try:
        for step in schema.MIGRATIONS[have:want]:
            for statement in schema.statements(step):
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {want}")
        connection.execute("COMMIT")
    except BaseException as error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
            raise damaged(path, f"its tables are not those of schema {have}, which it says it has: {error}") from error
        raise
    return saved


def backup(connection: sqlite3.Connection, target: Path) -> Path:
    """A whole, consistent copy of the file at ``target``, on disk before this returns."""
    target.unlink(missing_ok=True)
    _create_private(target)
    copy = sqlite3.connect(target, isolation_level=None)
    try:
        connection.backup(copy)
    finally:
        copy.close()
    _sync(target)
    _sync(target.parent)
    return target


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its WAL to the first free ``<name>.damaged-N``; what it is called now."""
    number = 1
    while (target := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    for suffix in ("-wal", "-shm", ""):
        source = path.with_name(path.name + suffix)
        if source.exists():
            source.rename(target.with_name(target.name + suffix))
    return target


def _recognise(connection: sqlite3.Connection, path: Path) -> None:
    """Refuse what is no state file of ours before anything is written to it."""
    try:
        application = int(connection.execute("PRAGMA application_id").fetchone()[0])
        tables = int(connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0])
    except sqlite3.DatabaseError as error:
        raise classed(error, path) from error
    if tables and application != schema.APPLICATION_ID:
        raise StoreForeign(
            f"{path}: this SQLite file is not gridbot's; name another profile or move it away."
        )
    have, want = version_of(connection), len(schema.MIGRATIONS)
    if have > want:
        raise StoreTooNew(
            f"{path}: written by a newer gridbot (schema {have}, this one knows {want}); "
            f"upgrade gridbot, or restore the backup {path.name}.v{want}.bak beside it."
        )
    if bool(have) != bool(tables):
        gone = "its schema version is gone" if tables else "its tables are gone"
        raise StoreDamaged(str(damaged(path, gone)))


def _configure(connection: sqlite3.Connection, *, durable: bool) -> None:
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # takes only before the first table
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
    if durable:
        connection.execute("PRAGMA fullfsync = ON")  # macOS: without it fsync stops at the drive's cache
    connection.execute("PRAGMA journal_size_limit = 67108864")
    connection.execute("PRAGMA cache_size = -8000")
    connection.execute("PRAGMA temp_store = MEMORY")


def _create_private(path: Path) -> None:
    """An empty file that only its owner can read; SQLite gives its WAL the same mode.

    One that is there is not even opened: closing any handle of a file lets go of all locks that this process holds
    on it, those of another connection too, and whoever looks into it next would take the WAL away as the last user.
    """
    if not path.exists():
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
