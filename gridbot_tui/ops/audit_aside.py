"""The audit trail of real time: chained and written by a thread, so that a slow disk holds up no order.

What it says of itself (``failing``, ``anchor``) is as of the last line that was written.
"""

from collections.abc import Callable
from typing import Any, Final

from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.beside import Beside
from gridbot_tui.ops.chain import Head
from gridbot_tui.units import Ms

STUCK_S: Final = 5.0
"""A line that takes longer is a disk that does not answer."""
CLOSE_S: Final = 5.0


class AsideTrail:
    """Has the interface of the ``AuditTrail`` it writes to; bodies must not be changed after ``write``."""

    def __init__(self, trail: AuditTrail, defect: Callable[[str], None]) -> None:
        """``defect`` hears, in the thread, of a line that could not even be made."""
        self._trail = trail
        self._defect = defect
        self._beside = Beside("audit")
        self._lost = 0

    @property
    def problem(self) -> str:
        """As the trail has it."""
        return self._trail.problem

    @property
    def head(self) -> Head:
        """The latest line that is written; after ``close`` the last one."""
        return self._trail.head

    @property
    def anchor(self) -> Head:
        """As the trail has it."""
        return self._trail.anchor

    @property
    def failing(self) -> str:
        """Why lines wait to be written; "" = they do not, or not for long."""
        stuck = self._beside.stuck_s
        if stuck >= STUCK_S:
            return f"{self._trail.path}: {len(self._beside)} audit lines wait, the disk does not answer"
        if self._lost:
            return f"{self._trail.path}: {self._lost} audit lines were given up, too many waited"
        return self._trail.failing or self._beside.defect

    def write(self, kind: str, at: Ms, body: dict[str, Any]) -> None:
        """Have a line written, in order; never blocks."""
        if not self._beside.put(lambda: self._write(kind, at, body)):
            self._lost += 1

    def _write(self, kind: str, at: Ms, body: dict[str, Any]) -> None:
        try:
            self._trail.write(kind, at, body)
        except (ValueError, TypeError) as error:
            self._defect(f"a {kind} line is no plain data ({error})")

    def close(self) -> None:
        """Write what waits and close the file.

        Raises:
            OSError: the disk does not take it, or has not answered within ``CLOSE_S``.
        """
        if not self._beside.close(CLOSE_S):
            raise OSError(f"{len(self._beside)} audit lines are not written: the disk does not answer")
        self._trail.close()
