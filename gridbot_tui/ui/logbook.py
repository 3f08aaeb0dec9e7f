"""Every event this app has heard of, bounded: a snapshot carries only the latest."""

from collections import deque
from collections.abc import Sequence
from itertools import islice

from gridbot_tui.control.snapshot import EventView

KEPT = 5_000
"""Lines that are kept: a day of a busy bot, two megabytes."""
_OVERLAP = 3
"""Lines that must agree before a line is taken for one already known: one alone may be said twice."""


class LogBook:
    """Oldest first. ``take`` is called with each snapshot's events, which overlap with those before."""

    def __init__(self, kept: int = KEPT) -> None:
        self.lines: deque[EventView] = deque(maxlen=kept)
        self.dropped = 0
        """Lines that were forgotten to make room."""
        self.missed = False
        """True where a snapshot did not reach back to the one before: lines are missing between."""
        self.version = 0
        """Rises with every new line."""
        self._taken: Sequence[EventView] = ()

    def take(self, events: Sequence[EventView]) -> None:
        """Add what is new in the latest events (oldest first)."""
        if events is self._taken or not events:
            return
        new = self._new(events)
        self._taken = events
        if new:
            maxlen = self.lines.maxlen or 0
            self.dropped += max(0, len(self.lines) + len(new) - maxlen)
            self.lines.extend(new)
            self.version += 1

    def _new(self, events: Sequence[EventView]) -> Sequence[EventView]:
        if not self.lines:
            return events
        known = list(islice(reversed(self.lines), _OVERLAP))
        for at in range(len(events) - 1, -1, -1):
            tail = events[max(0, at - len(known) + 1) : at + 1]
            if list(reversed(tail)) == known[: len(tail)]:
                return events[at + 1 :]
        self.missed = True
        return events
