"""Markets written down by hand, and a strategy that has lived through whatever a test needs."""

import math
from collections.abc import Iterator

from msgspec.structs import replace

from gridbot_tui.engine.core import Engine
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.strategy.features import CLOSE_ALPHAS, SIGMA_FLOOR, SQUARE_ALPHAS, FeaturesState
from gridbot_tui.units import HOUR, MINUTE, Market, Ms, Symbol, Ticks

START: Ms = 1_700_006_400_000 + 59 * MINUTE
"""The last minute of an hour: the first bar closes a decision bar."""
BTC = "BTCUSDT"


class Tape:
    """A MarketSource of one symbol: (open, high, low, close) in tenths of a quote, minute after minute."""

    def __init__(
        self, *prices: tuple[Ticks, Ticks, Ticks, Ticks], symbol: Symbol = BTC, market: Market = Market.FUTURES
    ) -> None:
        self.instruments = {symbol: builtin(market)[symbol]}
        self.interval: Ms = MINUTE
        self.start: Ms = START
        self.funding: dict[int, float] = {}
        """Rates by the number of the minute that they settle at the end of."""
        self._symbol = symbol
        scale = round(0.1 / self.instruments[symbol].tick_f)
        prices = tuple(tuple(price * scale for price in bar) for bar in prices)  # type: ignore[misc]
        self._bars = [
            Bar(START + n * MINUTE, MINUTE, o, h, low, c, 1e9, h, low, c) for n, (o, h, low, c) in enumerate(prices)
        ]

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Those that close after a moment."""
        for n, bar in enumerate(self._bars):
            if bar.close_at > after:
                rate = self.funding.get(n)
                funding = () if rate is None else (FundingRate(self._symbol, bar.close_at, rate, 8),)
                yield MarketBatch(bar.close_at, ((self._symbol, bar),), funding)


def flat(price: Ticks) -> tuple[Ticks, Ticks, Ticks, Ticks]:
    """A minute in which nothing happens."""
    return price, price, price, price


def lived_through(
    engine: Engine, price: float, sigma: float, up: float, *, symbol: Symbol = BTC, hours: int = 1000
) -> None:
    """Have the strategy remember hours after which, once one more has closed at ``price``, the averages up to
    96 h are at it, hourly volatility is ``sigma`` and UP votes ``up`` (DOWN not at all)."""
    x, z = math.log(price), math.atanh(up)
    wanted = [x, x, x, x, x - z * sigma * math.sqrt(84.0), x - z * sigma * math.sqrt(168.0)]
    closes = tuple(x - (x - e) / (1.0 - a) for e, a in zip(wanted, CLOSE_ALPHAS, strict=True))
    squares = tuple((sigma - SIGMA_FLOOR) ** 2 / (1.0 - a) for a in SQUARE_ALPHAS)
    strategy = engine.desk.strategy
    state = strategy.state()
    features = FeaturesState(hours, START + MINUTE - HOUR, x, closes, squares, ())
    symbols = {**state.symbols, symbol: replace(state.symbols[symbol], features=features)}
    strategy.restore(replace(state, symbols=symbols))
