"""Named breakers: conditions that stop new risk, each with its level, its reason and its way out.

A breaker opens where its condition is met, stops entries of its symbol (or of all) through the gate, never an exit,
and closes when the condition has been over for its hold. Those that a blocker of their own has always told of keep
that blocker's name as ``code``.
"""

from enum import StrEnum
from typing import Final

from msgspec import Struct

from gridbot_tui.units import Ms, Symbol


class Level(StrEnum):
    """What a breaker protects; the order is that of severity."""

    SYSTEM = "system"
    EXCHANGE = "exchange"
    STRATEGY = "strategy"
    POSITION = "position"


class Rule(Struct, frozen=True):
    """One breaker: what it watches and when it closes again."""

    name: str
    level: Level
    code: str
    """The blocker that tells of it."""
    clears_when: str
    """In the operator's words."""
    hold_ms: Ms = 0
    """How long the condition must have been over before it ends; ``gridbot reset breakers`` ends it at once."""


RULES: Final = (
    Rule("loop_lag", Level.SYSTEM, "loop_lag", "when the process has kept up for half a minute", 30_000),
    Rule("disk", Level.SYSTEM, "store_unavailable", "when the disk takes writes again"),
    Rule("clock", Level.SYSTEM, "clock", "when the clock has gone steadily for a minute", 60_000),
    Rule("errors", Level.EXCHANGE, "exchange_errors", "when half a minute has passed without it", 30_000),
    Rule("latency", Level.EXCHANGE, "exchange_slow", "when half a minute has passed without it", 30_000),
    Rule("silence", Level.EXCHANGE, "link_down", "when it is back and resynced"),
    Rule("losses", Level.STRATEGY, "losses", "an hour after the fall has ended", 3_600_000),
    Rule("rejects", Level.STRATEGY, "rejects", "when ten minutes have passed without it", 600_000),
    Rule("liquidation", Level.POSITION, "liquidation_near", "when liquidation is farther away"),
)
BY_NAME: Final = {rule.name: rule for rule in RULES}


class Tripped(Struct, frozen=True):
    """An open breaker."""

    name: str
    symbol: Symbol
    """"" = the whole account."""
    since: Ms
    detail: str
    fine_since: Ms | None = None
    """Since when its condition is over, while it still holds."""


class Breakers:
    """All open breakers. Any of them stops entries of its symbol (or of all), never exits."""

    __slots__ = ("_open",)

    def __init__(self, state: tuple[Tripped, ...] = ()) -> None:
        self._open = {(one.name, one.symbol): one for one in state}

    def trip(self, name: str, at: Ms, detail: str, symbol: Symbol = "") -> bool:
        """The condition holds. True where the breaker opens; while open, only its words are renewed."""
        if name not in BY_NAME:
            raise KeyError(f"no breaker is called {name!r}")
        known = self._open.get((name, symbol))
        self._open[name, symbol] = Tripped(name, symbol, known.since if known is not None else at, detail)
        return known is None

    def fine(self, name: str, at: Ms, symbol: Symbol = "") -> bool:
        """The condition does not hold now. True where that closes the breaker."""
        known = self._open.get((name, symbol))
        rule = BY_NAME[name]
        if known is None:
            return False
        since = known.fine_since if known.fine_since is not None else at
        if at - since >= rule.hold_ms:
            del self._open[name, symbol]
            return True
        self._open[name, symbol] = Tripped(name, symbol, known.since, known.detail, since)
        return False

    def reset(self, name: str, symbol: Symbol = "") -> bool:
        """The operator closes it. True where it was open."""
        return self._open.pop((name, symbol), None) is not None

    def __bool__(self) -> bool:
        return bool(self._open)

    def is_open(self, name: str, symbol: Symbol = "") -> bool:
        """True while this one is open."""
        return (name, symbol) in self._open

    def blocks(self, symbol: Symbol = "") -> str:
        """The code of the gravest breaker that stops entries of ``symbol``, else an empty string."""
        if self._open:
            for one in self.tripped():
                if one.symbol in ("", symbol):
                    return BY_NAME[one.name].code
        return ""

    def tripped(self) -> tuple[Tripped, ...]:
        """Open breakers, the gravest first."""
        levels = list(Level)
        return tuple(
            sorted(
                self._open.values(),
                key=lambda one: (levels.index(BY_NAME[one.name].level), one.since, one.name, one.symbol),
            )
        )

    def state(self) -> tuple[Tripped, ...]:
        """Everything, to be stored."""
        return self.tripped()
