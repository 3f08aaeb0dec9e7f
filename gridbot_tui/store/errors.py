"""What can go wrong with the state file, classed by what the caller must do.

StoreError
├── StoreUnavailable   keep the facts, stop entries, try again later (disk full, locked, read-only, I/O)
└── StoreUnusable      do not start on this file
    ├── StoreDamaged   restore a backup, or set the file aside and recover from the exchange
    ├── StoreTooNew    run the newer gridbot
    └── StoreForeign   not a state file, or that of another profile
UnwritableFact         a defect: the fact could not be read back as it was
"""

import sqlite3
from pathlib import Path


class StoreError(Exception):
    """Base of all errors of the store; its text is one sentence for the operator."""


class StoreUnavailable(StoreError):
    """The disk does not take the write now. Nothing of the transaction was written; it may be tried again."""


class StoreUnusable(StoreError):
    """This file must not be written to."""


class StoreDamaged(StoreUnusable):
    """The file is not what SQLite or the journal expects."""


class StoreTooNew(StoreUnusable):
    """The file was written by a newer gridbot, or by another one whose words this one does not know."""


class StoreForeign(StoreUnusable):
    """The file belongs to something else, or to another profile."""


class UnwritableFact(ValueError):
    """A fact that would not come back from the journal as it went in (NaN, infinity, a wrong type)."""


_UNAVAILABLE = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_IOERR: "the disk reports an input/output error",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_READONLY: "it cannot be written to",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_NOMEM: "memory has run out",
}
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
_CHUNK = 1 << 20


def classed(error: sqlite3.Error, path: Path) -> Exception:
    """The store's own error for one of SQLite's, or the same error where it is a defect of ours."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_OK) & 0xFF
    if code in _DAMAGED or "decode to UTF-8" in str(error):  # Python's own, of a text that is none: it has no code
        return inconsistent(path, str(error))
    if code in _UNAVAILABLE:
        return StoreUnavailable(f"{_UNAVAILABLE[code]}: {path} ({error}); free space or access is needed.")
    return error


def inconsistent(path: Path, detail: str) -> StoreError:
    """What SQLite calls damaged: it says so of a page that the disk fails to give, too, and nobody must move a good
    file away for that."""
    unread = _unread(path)
    if unread is None:
        return damaged(path, detail)
    return StoreUnavailable(f"the disk cannot read {path} ({unread}); the disk or its connection needs a look.")


def _unread(path: Path) -> OSError | None:
    """What keeps the file or its WAL from being read through."""
    for each in (path, path.with_name(f"{path.name}-wal")):
        try:
            with each.open("rb", buffering=0) as file:
                while file.read(_CHUNK):
                    pass
        except FileNotFoundError:
            continue
        except OSError as error:
            return error
    return None


def damaged(path: Path, detail: str) -> StoreDamaged:
    """The sentence for a damaged file."""
    return StoreDamaged(
        f"{path}: the state file is damaged ({detail}); restore a backup of it, "
        f"or move it away and start again: orders, positions and fills are then recovered from the exchange."
    )


def other_version(path: Path, detail: str) -> StoreTooNew:
    """The sentence for a sound file of which this version cannot read what another one wrote."""
    return StoreTooNew(
        f"{path}: written by another version of gridbot ({detail}); nothing is lost: use the version that wrote it, "
        f"or a newer one."
    )
