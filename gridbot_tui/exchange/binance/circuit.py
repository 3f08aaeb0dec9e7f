"""Requests that are refused the same way again and again are held back, with the reason; then one may try.

Orders have their own circuits in the engine, which decides anew; these are for everything else, and a second
line for entries. What reduces, protects or cancels is never held back.
"""

from msgspec import Struct

from gridbot_tui.exchange.binance.health import OpenCircuit
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.units import Ms, Symbol

Key = tuple[Symbol, str]
"""(symbol or "", request in words)."""


class _Row(Struct):
    code: int
    detail: str
    since: Ms
    count: int = 0
    until: Ms = 0


class Circuits:
    """Counts identical refusals in a row of one kind of request."""

    def __init__(self, params: BinanceParams) -> None:
        self._most = params.circuit_refusals
        self._wait = params.circuit_ms
        self._rows: dict[Key, _Row] = {}

    def refused(self, key: Key, code: int, detail: str, now: Ms) -> bool:
        """Count a refusal; True where the circuit is open from now on."""
        row = self._rows.get(key)
        if row is None or row.code != code:
            row = self._rows[key] = _Row(code, detail, now)
        row.count += 1
        row.detail = detail
        if row.count < self._most:
            return False
        row.until = now + self._wait
        return True

    @property
    def any(self) -> bool:
        """Whether anything was refused of late."""
        return bool(self._rows)

    def passed(self, key: Key) -> None:
        """Such a request was carried out: what refused it before is over."""
        self._rows.pop(key, None)

    def holds(self, key: Key, now: Ms) -> OpenCircuit | None:
        """The circuit that holds such a request back now."""
        row = self._rows.get(key)
        if row is None or row.count < self._most or now >= row.until:
            return None
        return OpenCircuit(key[0], key[1], row.code, row.detail, row.since, row.until)

    def standing(self) -> tuple[OpenCircuit, ...]:
        """Every open circuit, in order of symbol and request; one whose probe is due stays open until it passes."""
        return tuple(
            OpenCircuit(symbol, request, row.code, row.detail, row.since, row.until)
            for (symbol, request), row in sorted(self._rows.items())
            if row.count >= self._most
        )
