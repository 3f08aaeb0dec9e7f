"""Feels whether the terminal is still there: the signal that should say so does not reach everybody."""

import os
import select
import sys
from typing import Final

FEEL_S: Final = 1.0
"""Between two looks."""
GONE: Final = select.POLLHUP | select.POLLERR | select.POLLNVAL


def terminal() -> int | None:
    """The terminal that keys come from, as a file descriptor; None where they come from none."""
    if sys.__stdin__ is None or sys.__stdin__.closed:
        return None
    number = sys.__stdin__.fileno()
    return number if os.isatty(number) else None


def gone(number: int) -> bool:
    """Whether nobody holds the other end of that terminal any more."""
    asked = select.poll()
    asked.register(number, 0)  # what is looked for is told without being asked for
    return any(event & GONE for _, event in asked.poll(0))
