"""Whether a symbol that was traded is listed no more: that a question was refused for it (-1121) is no proof.

Were that a hiccup of one machine of the exchange, orders that stand would be taken for gone, and placed once more.
"""

from collections.abc import Awaitable, Callable, Container
from typing import Final

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.listing_watch import CONFIRM
from gridbot_tui.units import Symbol

SURE: Final = CONFIRM
"""Seconds between two looks at the listing that must both be without it, as between those of ``listing_watch``."""


class TakenOff:
    """Looks at the listing when asked, at most every ``SURE`` seconds a symbol."""

    def __init__(self, listings: Callable[[], Awaitable[Container[Symbol]]], clock: Clock) -> None:
        """``listings``: which of the traded symbols are listed now."""
        self._listings = listings
        self._clock = clock
        self._looked: dict[Symbol, float] = {}
        self._missed: dict[Symbol, tuple[float, float]] = {}
        """When the listing was first, and last, without it."""

    async def sure(self, symbol: Symbol) -> bool:
        """True once two looks were without it. Raises BinanceError where the listing is not answered."""
        now = self._clock.monotonic()
        if symbol not in self._looked or now - self._looked[symbol] >= SURE:
            self._looked[symbol] = now
            if symbol in await self._listings():
                self._missed.pop(symbol, None)
            else:
                self._missed[symbol] = (self._missed.get(symbol, (now, now))[0], now)
        first, last = self._missed.get(symbol, (now, now))
        return last - first >= SURE
