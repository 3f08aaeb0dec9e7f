"""Settled funding rates: asked for when the mark price stream shows that a settlement has passed."""

from collections.abc import Callable, Iterable
from typing import Final

from gridbot_tui.engine.events import Event, FundingSettled
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.market.source import FundingRate
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Ms, Symbol

NEAR: Final[Ms] = 30_000
"""A settlement is booked a little before or after its hour."""
GIVEN_UP: Final[Ms] = 900_000
"""After so long a rate that never came is left to the next recovery."""

_log = get_logger("streams")


class FundingWatch:
    """Asks until the rate of every symbol that is due has been told, each once."""

    def __init__(self, rest: Rest, symbols: Iterable[Symbol], sink: Callable[[Event], None], timing: StreamTiming,
                 clock: Clock) -> None:  # fmt: skip
        self._rest = rest
        self._symbols = tuple(symbols)
        self._sink = sink
        self._timing = timing
        self._clock = clock
        self._due: dict[Symbol, Ms] = {}
        self._told: dict[Symbol, Ms] = {}
        self._busy = False

    def due(self, symbol: Symbol, at: Ms) -> bool:
        """A settlement has passed; True where nobody asks yet: run ``look``."""
        self._due.setdefault(symbol, at)
        begin, self._busy = not self._busy, True
        return begin

    async def look(self) -> None:
        """Ask until all are there or hopeless."""
        pause = self._timing.settle
        try:
            while self._due:
                await self._clock.sleep(pause)
                pause = self._timing.ask_again
                await self._ask()
                self._give_up()
        finally:
            self._busy = False

    async def _ask(self) -> None:
        since = min(self._due.values()) - NEAR
        try:
            rates = await self._rest.funding(self._symbols, since)
        except BinanceError as error:
            _log.warning("funding_not_answered", reason=error.detail)
            return
        fresh: list[FundingRate] = []
        for rate in rates:
            due = self._due.get(rate.symbol)
            if due is not None and rate.at >= due - NEAR and rate.at > self._told.get(rate.symbol, 0):
                fresh.append(rate)
                self._told[rate.symbol] = rate.at
        for rate in fresh:
            self._due.pop(rate.symbol, None)
        if fresh:
            self._sink(FundingSettled(max(rate.at for rate in fresh), tuple(fresh)))

    def _give_up(self) -> None:
        now = self._clock.now_ms()
        for symbol, at in list(self._due.items()):
            if now - at >= GIVEN_UP:
                del self._due[symbol]
                _log.warning("funding_unknown", symbol=symbol, settled_at=at)
