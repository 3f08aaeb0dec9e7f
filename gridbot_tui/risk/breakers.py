"""Named breakers: conditions that stop new risk, each with its level, its reason and its way out."""

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
    manual: bool
    """True: an operator resets it. False: it ends when its condition does."""
    clears_when: str
    """In the operator's words."""
    hold_ms: Ms = 0
    """How long the condition must have been over before it ends."""


RULES: Final = (
    Rule("disk", Level.SYSTEM, False, "the journal can be written again"),
    Rule("clock", Level.SYSTEM, False, "the clock agrees with the exchange's for a minute", 60_000),
    Rule("invariant", Level.SYSTEM, True, "the cause is found: gridbot reset"),
    Rule("link_account", Level.EXCHANGE, False, "the account stream is back and resynchronised"),
    Rule("link_market", Level.EXCHANGE, False, "market data is back"),
    Rule("rate_limit", Level.EXCHANGE, False, "the exchange's penalty time is over"),
    Rule("refusals", Level.EXCHANGE, False, "a probe order is accepted"),
    Rule("account_mode", Level.EXCHANGE, True, "one-way mode and cross margin are set on the exchange"),
    Rule("data_quality", Level.STRATEGY, False, "bars are complete again"),
    Rule("residual", Level.POSITION, False, "books and exchange agree to the last digit"),
    Rule("liquidation_near", Level.POSITION, False, "liquidation is far enough again for a minute", 60_000),
    Rule("foreign_position", Level.POSITION, False, "the foreign position or order is gone"),
    Rule("symbol_stop", Level.POSITION, True, "gridbot reset stop for this symbol"),
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
        if known is None or rule.manual:
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

    def blocks(self, symbol: Symbol = "") -> str:
        """The name of the gravest breaker that stops entries of ``symbol``, else an empty string."""
        for one in self.tripped():
            if one.symbol in ("", symbol):
                return one.name
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
