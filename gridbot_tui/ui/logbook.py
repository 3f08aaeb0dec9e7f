"""Every event this app has heard of, bounded: a snapshot carries only the latest."""

from collections import deque
from collections.abc import Sequence
from itertools import islice
from sys import intern

from gridbot_tui.control.snapshot import EventView

FORCED = frozenset({"liquidation", "deleveraging", "settlement"})
"""Codes of lines that tell what the exchange itself has closed."""
KEPT = 5_000
"""Lines that are kept: a day of a busy bot, a megabyte."""


class LogBook:
    """As they were said. ``take`` is called with each snapshot's events, which overlap with those before."""

    def __init__(self, kept: int = KEPT) -> None:
        self.lines: deque[EventView] = deque(maxlen=kept)
        self.dropped = 0
        """Lines that were forgotten to make room."""
        self.missed = False
        """True where a snapshot did not reach back to the one before: lines are missing between."""
        self.version = 0
        """Rises with every new line."""
        self.forced: EventView | None = None
        """The last line of what the exchange has closed: others push it out of sight within a breath."""
        self._taken: Sequence[EventView] = ()

    def take(self, events: Sequence[EventView]) -> None:
        """Add what is new in the latest events, in the order they were said."""
        if events is self._taken or not events:
            return
        self._taken = events
        new = self._new(events)
        if new:
            maxlen = self.lines.maxlen or 0
            self.dropped += max(0, len(self.lines) + len(new) - maxlen)
            self.lines.extend(_kept(line) for line in new)
            self.forced = next((line for line in reversed(new) if line.code in FORCED), self.forced)
            self.version += 1

    def _new(self, events: Sequence[EventView]) -> Sequence[EventView]:
        """What comes after the longest overlap: the end of what is known is the beginning of these."""
        first = events[0]
        known = list(islice(reversed(self.lines), 2 * len(events)))[::-1]
        for at, line in enumerate(known):
            if line == first and known[at:] == list(events[: len(known) - at]):
                return events[len(known) - at :]
        self.missed = self.missed or bool(known)
        return events


def _kept(line: EventView) -> EventView:
    """The same line with its few names shared: every decoded snapshot brings strings of its own."""
    return EventView(line.at, intern(line.level), intern(line.code), intern(line.symbol), line.text)
