"""Where a study is kept, so that it can be gone on with, on one machine or many."""

import os
import re
import time
from typing import TYPE_CHECKING

from gridbot_tui.ops.redact import HIDDEN, redact

if TYPE_CHECKING:
    from pathlib import Path

    from optuna.storages import BaseStorage

JOURNAL = "journal:"
ATTEMPTS, PAUSE_S = 6, 0.5
"""To open a database in which another process is just making its tables."""
ENTRY = b'{"op_code"'
"""How every entry of a journal begins."""
_PASSWORD = re.compile(r"(://[^:/@]*:|^[^:/@]*:(?!//)).*@")


class StorageFailed(Exception):
    """The study cannot be kept there; the message is one sentence."""


def shown(url: str) -> str:
    """An address without the password that may be in it."""
    return redact(_PASSWORD.sub(rf"\1{HIDDEN}@", url))


def reason(wrong: BaseException) -> str | None:
    """Why a study could not be read or written any more, None for anything else: a full disk, a database that is gone.

    What optuna makes of such an error while it handles it is looked through.
    """
    from optuna.exceptions import StorageInternalError
    from sqlalchemy.exc import SQLAlchemyError

    found: str | None = None
    at: BaseException | None = wrong
    while at is not None:
        if isinstance(at, (OSError, StorageFailed, StorageInternalError, SQLAlchemyError)):
            found = _first_line(at)  # the deepest one says most
        at = at.__cause__ or at.__context__
    return found


def opened(url: str) -> "BaseStorage":
    """A journal file (``journal:PATH``; many processes may append) or a database (``sqlite:///PATH``, ``mysql://``...).

    Raises:
        StorageFailed: nothing that optuna can keep a study in.
    """
    if url.startswith(JOURNAL):
        return _journal(url[len(JOURNAL) :])
    if "://" not in url:
        wants = "journal:FILE, or the address of a database such as sqlite:///FILE"
        raise StorageFailed(f"--storage {shown(url)}: wants {wants}")
    from optuna.exceptions import StorageInternalError
    from optuna.storages import RDBStorage
    from sqlalchemy.exc import SQLAlchemyError

    left = ATTEMPTS
    while True:
        try:
            return RDBStorage(url)
        except (SQLAlchemyError, StorageInternalError, ImportError) as wrong:
            left -= 1
            if not left or not _of_another(wrong):
                raise StorageFailed(f"--storage {shown(url)}: {_first_line(wrong)}") from wrong
        except ValueError as wrong:  # its words would be a piece of the address
            raise StorageFailed(f"--storage {shown(url)}: this is no address of a database") from wrong
        time.sleep(PAUSE_S)


def _of_another(wrong: Exception) -> bool:
    """True where somebody who begins at the same moment has made the same tables, or the same rows in them."""
    from sqlalchemy.exc import IntegrityError

    told = isinstance(wrong, IntegrityError) or isinstance(wrong.__cause__, IntegrityError)
    return told or "already exists" in str(wrong)


def _journal(path: str) -> "BaseStorage":
    from pathlib import Path

    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    from gridbot_tui.research.journal_lock import JournalLock

    file = Path(path.removeprefix("//"))
    if not file.name:
        raise StorageFailed("--storage journal: wants the name of a file after the colon")
    if file.exists() and not file.is_file():
        raise StorageFailed(f"--storage {JOURNAL}{path}: this is no file")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        _without_half_a_line(file)
        return JournalStorage(JournalFileBackend(str(file), JournalLock(str(file))))
    except OSError as wrong:
        raise StorageFailed(f"--storage {JOURNAL}{path}: {_first_line(wrong)}") from wrong
    except (ValueError, KeyError, TypeError, AttributeError) as wrong:  # whatever else a file may hold
        raise StorageFailed(f"--storage {JOURNAL}{path}: this holds no study of gridbot's") from wrong


def _without_half_a_line(file: "Path") -> None:
    """Cut off what a process that died, or a full disk, left of its last entry: the next would be glued to it.

    Raises ValueError for a file that is no journal.
    """
    from gridbot_tui.research.journal_lock import JournalLock

    if not file.exists() or _ends_whole(file):
        return
    lock = JournalLock(str(file))
    lock.acquire()
    try:
        if _ends_whole(file):  # somebody was just writing it
            return
        whole = file.read_bytes()
        if not whole.startswith(ENTRY):
            raise ValueError("no journal")
        with file.open("r+b") as opened_file:
            opened_file.truncate(whole.rfind(b"\n") + 1)
    finally:
        lock.release()


def _ends_whole(file: "Path") -> bool:
    with file.open("rb") as opened_file:
        size = opened_file.seek(0, os.SEEK_END)
        opened_file.seek(max(0, size - 1))
        return opened_file.read() in (b"\n", b"")


def _first_line(wrong: BaseException) -> str:
    return (str(wrong).splitlines() or [type(wrong).__name__])[0]
