"""When Python looks for reference cycles: each search walks all that is kept, and finds next to nothing here."""

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def seldom_collecting() -> Iterator[None]:
    """Look for reference cycles seldom: a run keeps much and makes few.

    A search among the young walks so few that no decision waits long for it.
    """
    before = gc.get_threshold()
    gc.set_threshold(25_000, 200, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def leave_out_what_stands() -> None:
    """What stands by now stays: later searches pass over it, which keeps them too short to be felt."""
    gc.freeze()


def let_go_of_what_stood() -> None:
    """What stood for one run is looked at again, and let go of, before the next one begins."""
    gc.unfreeze()
    gc.collect()
