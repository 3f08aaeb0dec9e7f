"""One writer of a journal at a time, whatever becomes of him."""

import fcntl
import os

from optuna.storages.journal import JournalFileOpenLock


class JournalLock(JournalFileOpenLock):
    """Held on the journal itself, by the kernel: it ends with its process, however that ends.

    Optuna's own, such as the one that this stands for, are files beside the journal. A worker that is ended while it
    writes leaves its behind, and that is how the last ones of a search are ended; whoever comes next waits for it, by a
    relative path for ever.
    """

    def __init__(self, path: str) -> None:
        """``path``: of a journal that is there."""
        super().__init__(path)
        self._path = path
        self._held = -1

    def acquire(self) -> bool:
        """Wait until nobody else writes. Raises OSError."""
        held = os.open(self._path, os.O_RDWR)
        try:
            fcntl.flock(held, fcntl.LOCK_EX)
        except BaseException:
            os.close(held)
            raise
        self._held = held
        return True

    def release(self) -> None:
        """Let others write."""
        os.close(self._held)
