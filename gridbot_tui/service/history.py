"""A profile that has seen no market yet begins with its recent past: votes need two weeks of hours."""

from typing import Final

from gridbot_tui.engine.core import Engine
from gridbot_tui.units import DAY, HOUR, Asset, ClientId, Ms, Symbol

HISTORY: Final[Ms] = 15 * DAY
"""The features' 336 hours and one day to spare: more would cost requests and add nothing to the first decision, unless
``strategy.warmup_hours`` asks for it."""


class WithHistory:
    """The engine as ``truth.Book``, asking for the past where none is remembered."""

    def __init__(self, engine: Engine, history: Ms | None = None) -> None:
        self._engine = engine
        asked = engine.desk.strategy.warm_hours * HOUR + DAY  # else a longer warm-up would be waited for, day by day
        self._history = max(HISTORY, asked) if history is None else history

    @property
    def begun(self) -> bool:
        """As the engine has it."""
        return self._engine.begun

    def quote_of(self, symbol: Symbol) -> Asset:
        """As the engine has it."""
        return self._engine.quote_of(symbol)

    def last_fill(self, symbol: Symbol) -> tuple[str, Ms]:
        """As the engine has it."""
        return self._engine.last_fill(symbol)

    def fills_listed(self, symbol: Symbol, trade_id: str) -> None:
        """As the engine takes it."""
        self._engine.fills_listed(symbol, trade_id)

    def last_cash_at(self) -> Ms:
        """As the engine has it."""
        return self._engine.last_cash_at()

    def cash_listed(self, at: Ms) -> None:
        """As the engine takes it."""
        self._engine.cash_listed(at)

    def unsettled(self) -> list[tuple[Symbol, ClientId, bool]]:
        """As the engine has it."""
        return self._engine.unsettled()

    def awaits_prices(self) -> bool:
        """As the engine has it."""
        return self._engine.awaits_prices()

    def next_bar_at(self, symbol: Symbol) -> Ms | None:
        """The first bar not seen yet, or where the past begins."""
        seen = self._engine.desk.symbols[symbol].next_open
        return seen or self._begin()

    def hours_do_until(self, symbol: Symbol, since: Ms) -> Ms:
        """As the engine has it."""
        return self._engine.hours_do_until(symbol, since)

    def last_funding_at(self) -> Ms:
        """The last settlement taken in, or where the past begins."""
        settled = [state.funding_at for state in self._engine.desk.symbols.values()]
        return self._engine.last_funding_at() if all(settled) else min(self._begin(), *self._bars_since())

    def _bars_since(self) -> list[Ms]:
        return [state.next_open or self._begin() for state in self._engine.desk.symbols.values()]

    def _begin(self) -> Ms:
        at = self._engine.now - self._history
        return at - at % HOUR
