"""Which ids were booked before: exactly once, in bounded memory, in any order of arrival."""

from collections import deque
from heapq import heappush, heappushpop

from msgspec import Struct

KEEP = 1024
"""Ids kept of one stream; Binance hands out at most 1000 trades a query."""


class SeenState(Struct, frozen=True):
    """What ``Seen`` remembers."""

    numbers: tuple[int, ...] = ()
    names: tuple[str, ...] = ()
    floor: int = -1


class Seen:
    """A set of ids that forgets.

    Of ``rising`` numeric ids (trade ids of a symbol) the ``keep`` largest are remembered and everything at or
    below the largest forgotten one counts as seen: an event repeated after a year is still a duplicate, and a
    late one within the window is not lost. Of all others the last ``keep`` to arrive are remembered.
    """

    __slots__ = ("_floor", "_heap", "_keep", "_names", "_numbers", "_order", "_rising")

    def __init__(self, *, rising: bool, keep: int = KEEP, state: SeenState | None = None) -> None:
        state = state or SeenState()
        self._rising = rising
        self._keep = keep
        self._heap = sorted(state.numbers)  # a sorted list is a heap
        self._numbers = set(state.numbers)
        self._floor = state.floor
        self._order = deque(state.names)
        self._names = set(state.names)

    def __contains__(self, name: str) -> bool:
        if self._counted(name):
            number = int(name)
            return number <= self._floor or number in self._numbers
        return name in self._names

    def add(self, name: str) -> bool:
        """Remember ``name``; False if it was seen before."""
        if name in self:
            return False
        if not self._counted(name):
            self._order.append(name)
            self._names.add(name)
            if len(self._order) > self._keep:
                self._names.discard(self._order.popleft())
            return True
        number = int(name)
        self._numbers.add(number)
        if len(self._heap) < self._keep:
            heappush(self._heap, number)
        else:
            self._floor = heappushpop(self._heap, number)
            self._numbers.discard(self._floor)
        return True

    def _counted(self, name: str) -> bool:
        return self._rising and name.isdecimal() and name.isascii()

    @property
    def last(self) -> str:
        """The highest numeric id, else the last other one, else ""."""
        if self._numbers:
            return str(max(self._numbers))
        return self._order[-1] if self._order else ""

    def state(self) -> SeenState:
        """Everything remembered."""
        return SeenState(tuple(sorted(self._numbers)), tuple(self._order), self._floor)
