"""Windows over what just happened: how much of it was bad. What breakers go by."""

from collections import deque
from typing import Final

from gridbot_tui.units import HOUR, MINUTE, Ms, Symbol

LEAST_BAD: Final = 4
"""So many bad things, and half of all, are trouble: one lost answer is none."""
_FEW: Final = 2
_MOST: Final = 256
"""Happenings a window remembers; more than that in its span say the same."""


class Window:
    """Good and bad things of the last ``span`` ms."""

    __slots__ = ("_bad", "_seen", "span")

    def __init__(self, span: Ms) -> None:
        self.span = span
        self._seen: deque[tuple[Ms, bool]] = deque()
        self._bad = 0

    def add(self, at: Ms, bad: bool) -> None:
        """Something happened."""
        self._seen.append((at, bad))
        self._bad += bad
        if len(self._seen) > _MOST:
            self._bad -= self._seen.popleft()[1]
        self._forget(at)

    def bad(self, at: Ms) -> tuple[int, float]:
        """How much of it was bad, and which share; (0, 0.0) where nothing happened."""
        self._forget(at)
        return self._bad, self._bad / len(self._seen) if self._seen else 0.0

    def _forget(self, at: Ms) -> None:
        while self._seen and self._seen[0][0] <= at - self.span:
            self._bad -= self._seen.popleft()[1]


class Windows:
    """A window for each symbol and one ("") for what concerns none: is it one symbol that is in trouble, or all?

    One broken symbol must not stop the others: the account is in trouble where several symbols are, or where
    questions about none stay unanswered.
    """

    __slots__ = ("_parts", "_span")

    def __init__(self, span: Ms) -> None:
        self._span = span
        self._parts: dict[Symbol, Window] = {}

    def add(self, symbol: Symbol, at: Ms, bad: bool) -> None:
        """Something happened, to a symbol or ("") to none."""
        part = self._parts.get(symbol)
        if part is None:
            if not bad:
                return  # a symbol that was never in trouble need not be counted
            part = self._parts[symbol] = Window(self._span)
        part.add(at, bad)

    def held(self, at: Ms) -> frozenset[Symbol]:
        """Symbols in trouble; "" = the account."""
        troubled = {}
        for symbol, part in self._parts.items():
            count, share = part.bad(at)
            if count >= _FEW and share >= 0.5:
                troubled[symbol] = count
        several = len(troubled) > 1 or "" in troubled
        if several and sum(troubled.values()) >= LEAST_BAD:
            return frozenset({""})
        return frozenset(symbol for symbol, count in troubled.items() if count >= LEAST_BAD)


class Peaks:
    """The highest value of the last ``span`` ms, from values that come now and then."""

    __slots__ = ("_kept", "span")

    def __init__(self, span: Ms) -> None:
        self.span = span
        self._kept: deque[tuple[Ms, float]] = deque()

    def fall(self, at: Ms, value: float) -> float:
        """Take in a value; its fall from the highest of the span as a fraction >= 0."""
        while self._kept and self._kept[-1][1] <= value:
            self._kept.pop()
        self._kept.append((at, value))
        while self._kept[0][0] < at - self.span:
            self._kept.popleft()
        highest = self._kept[0][1]
        return 1.0 - value / highest if highest > 0.0 else 0.0


class Vitals:
    """What is counted between two looks; no part of the state: after a restart it is counted anew."""

    __slots__ = ("_refusals", "answers", "falls", "speed")

    def __init__(self) -> None:
        self.answers = Windows(MINUTE)
        """Requests; bad = no answer."""
        self.speed = Windows(MINUTE)
        """Answers; bad = slow."""
        self.falls = Peaks(HOUR)
        """Of the unit value."""
        self._refusals: dict[Symbol, Window] = {}

    def refused(self, symbol: Symbol, at: Ms) -> int:
        """An order of the symbol was refused; how many were within ten minutes."""
        window = self._refusals.setdefault(symbol, Window(10 * MINUTE))
        window.add(at, bad=True)
        return window.bad(at)[0]
