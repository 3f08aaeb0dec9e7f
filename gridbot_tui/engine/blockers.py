"""Named reasons why something is not done: levels, not log lines. Each knows since when and what clears it."""

from collections.abc import Iterable

from msgspec import Struct

from gridbot_tui.units import Ms, Symbol

SEVERITY: dict[str, int] = {
    "kill": 0,
    "tier3": 1,
    "absolute_drawdown": 1,
    "stop_triggered": 2,
    "position_unknown": 2,
    "residual": 3,
    "foreign_position": 3,
    "second_bot": 3,
    "unprotected": 3,
    "store_unavailable": 3,
    "link_down": 4,
    "stale_mark": 5,
    "unresolved": 6,
    "loop_lag": 4,
    "clock": 4,
    "exchange_errors": 4,
    "exchange_slow": 4,
    "losses": 4,
    "rejects": 6,
    "liquidation_near": 3,
    "circuit_open": 6,
    "tier2": 7,
    "one_side": 8,
    "tier1": 8,
    "leverage_cap": 9,
    "gap_budget": 9,
    "paused": 10,
    "flattening": 10,
    "stopping": 10,
    "no_equity": 11,
    "lot_below_minimum": 11,
    "base_locked": 11,
    "position_limit": 11,
    "levels_too_close": 11,
    "no_room": 11,
    "filtered": 11,
    "out_of_range": 13,
    "beyond_exit": 13,
    "warming": 12,
    "no_data": 12,
    "unwinding": 13,
    "churn": 14,
    "no_votes": 20,
    "neutral_silent": 21,
}
"""Rank of each code, most severe first; codes not listed come at the end."""

HOLD_UP_CLOSING = frozenset(
    {"link_down", "requests_shut", "position_unknown", "unresolved", "circuit_open", "base_locked"}
)
"""While one of these holds, an order that closes a position may not reach the exchange, or be refused there."""


class Blocker(Struct, frozen=True):
    """One reason, for one symbol or ("") the account."""

    code: str
    symbol: Symbol
    since: Ms
    detail: str
    clears_when: str


class Blockers:
    """The reasons that hold now, keyed by (symbol, code)."""

    def __init__(self) -> None:
        self._held: dict[tuple[Symbol, str], Blocker] = {}

    def hold(self, symbol: Symbol, code: str, at: Ms, detail: str, clears_when: str) -> bool:
        """State that a reason holds; True where it did not before."""
        key = (symbol, code)
        known = self._held.get(key)
        since = at if known is None else known.since
        self._held[key] = Blocker(code, symbol, since, detail, clears_when)
        return known is None

    def clear(self, symbol: Symbol, code: str) -> bool:
        """State that a reason no longer holds; True where it did."""
        return self._held.pop((symbol, code), None) is not None

    def keep_only(self, symbol: Symbol, group: frozenset[str], codes: set[str]) -> None:
        """Of the codes in ``group``, keep those in ``codes`` for this symbol and clear the rest."""
        for key in [k for k in self._held if k[0] == symbol and k[1] in group and k[1] not in codes]:
            del self._held[key]

    def holds(self, symbol: Symbol, code: str) -> bool:
        """True while the reason holds."""
        return (symbol, code) in self._held

    def first(self, symbol: Symbol, codes: Iterable[str]) -> str:
        """The first of these reasons that holds; "" where none does."""
        for code in codes:
            if (symbol, code) in self._held:
                return code
        return ""

    def since_of(self, symbol: Symbol, code: str) -> Ms | None:
        """When a symbol's reason began; None where it does not hold."""
        held = self._held.get((symbol, code))
        return None if held is None else held.since

    def since(self, code: str) -> Ms | None:
        """When the oldest reason of a code began, whatever the symbol; None where none holds."""
        return min((one.since for (_, held), one in self._held.items() if held == code), default=None)

    def ranked(self) -> list[Blocker]:
        """All reasons, most severe first, then the oldest."""
        return sorted(
            self._held.values(), key=lambda b: (SEVERITY.get(b.code, 30), b.since, b.symbol, b.code)
        )

    def every(self) -> Iterable[Blocker]:
        """All reasons, in no order."""
        return self._held.values()

    def restore(self, held: list[Blocker]) -> None:
        """Exactly these hold, with their since-times."""
        self._held = {(one.symbol, one.code): one for one in held}
