"""What engine and screen make of the suite's markets: played once, by whichever process of the suite asks first."""

import fcntl
from collections.abc import Callable
from pathlib import Path

import msgspec

from gridbot_tui.research.screen import screening
from tests.research.screen_cases import CASES, SEVERAL, Agreement, Case, Played, by_engine, compare

EVERY = (*CASES, *SEVERAL)
Agreements = Callable[[Case], Agreement]


class Shared:
    """A folder of results, one file each, which only its writer makes and all read."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def agreement(self, case: Case) -> Agreement:
        """What both make of a market."""
        found = self._once(f"screen-{EVERY.index(case)}", lambda: self._compared(case))
        assert found is not None
        return msgspec.msgpack.decode(found, type=Agreement)

    def _compared(self, case: Case) -> Agreement:
        engine = self._engine(case)
        for other in EVERY:
            if not _somebody_compiles(case):
                break
            self._engine(other, wait=False)  # what must be played anyway
        return compare(case.ready(), engine)

    def _engine(self, case: Case, wait: bool = True) -> Played | None:
        found = self._once(f"engine-{EVERY.index(case)}", lambda: by_engine(case.ready()), wait)
        return None if found is None else msgspec.msgpack.decode(found, type=Played)

    def _once(self, name: str, make: Callable[[], object], wait: bool = True) -> bytes | None:
        """A result, made where there is none; None where another process is about it and is not waited for."""
        path = self._folder / name
        with path.with_suffix(".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                return None
            if not path.exists():
                path.write_bytes(msgspec.msgpack.encode(make()))
            return path.read_bytes()


def _somebody_compiles(case: Case) -> bool:
    """True while another process compiles the screen, for which this one would have to wait."""
    symbols = 2 if case in SEVERAL else 1
    if screening.is_compiled(symbols):
        return False
    with screening.compiling_lock(symbols) as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
