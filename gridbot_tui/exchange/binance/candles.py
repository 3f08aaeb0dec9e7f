"""The candles that a question asks for, of whichever lengths do."""

from typing import Protocol

from gridbot_tui.exchange.port import AskBars
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import Ms, Symbol


class Candles(Protocol):
    """The part of ``rest.Rest`` that has them."""

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        """Closed base bars with open time >= ``since``, ascending."""
        ...

    async def hours(self, symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
        """Closed candles of an hour that open in [since, until), ascending."""
        ...


async def candles(source: Candles, asked: AskBars) -> list[Bar]:
    """Ascending; of an hour each before ``asked.hours_until``.

    Raises:
        BinanceError: they can't be had now.
    """
    symbol, since, until = asked.symbol, asked.since, asked.hours_until
    hours = await source.hours(symbol, since, until) if until > since else []
    return hours + await source.klines(symbol, max(since, until))
