"""What a market has lately been like: volatility and weekly range of each symbol, and from how much data."""

import math
from collections.abc import Iterable, Sequence
from itertools import takewhile

from msgspec import Struct

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import MarketSource
from gridbot_tui.units import DAY, HOUR, Ms, Symbol

LOOK_BACK: Ms = 30 * DAY
"""As much of recorded data as is looked at: the features' own memory is two weeks."""
HOURS_A_YEAR = 8_760
WEEK = 168


class Measured(Struct, frozen=True):
    """One symbol."""

    symbol: Symbol
    hours: int
    """Hourly returns it is made of."""
    price: float
    sigma_hour: float
    """Standard deviation of hourly log returns."""
    week_low: float | None
    """What nine weeks in ten did not fall below, fraction of the price at their start (< 0); None: under a week."""
    week_high: float | None
    """What nine weeks in ten did not rise above, likewise (> 0)."""
    weeks: int
    """Overlapping weeks, one begun every day."""
    min_notional: float
    """Smallest order, quote."""
    tick: float = 0.0
    """Smallest step of its price, quote."""
    step: float = 0.0
    """Smallest step of its quantity, base."""

    def least(self, price: float) -> float:
        """What the exchange takes at least at a price, in whole steps: base."""
        quantity = self.min_notional / price
        return quantity if self.step <= 0.0 else self.step * max(1, math.ceil(quantity / self.step - 1e-9))

    @property
    def smallest(self) -> float:
        """The same at its price, quote."""
        return self.least(self.price) * self.price

    @property
    def sigma_year(self) -> float:
        """The same, a year."""
        return self.sigma_hour * math.sqrt(HOURS_A_YEAR)


def measure(source: MarketSource, symbols: Sequence[Symbol], begin: Ms, end: Ms) -> dict[Symbol, Measured]:
    """Each symbol that has a day of data or more between two moments; a hole breaks no return in two."""
    closes: dict[Symbol, list[tuple[Ms, float]]] = {name: [] for name in symbols}
    ticks = {name: source.instruments[name].tick_f for name in symbols}
    for batch in takewhile(lambda one: one.at <= end, source.batches(begin)):
        for name, bar in batch.bars:
            if name in closes and bar.close_at % HOUR == 0:
                closes[name].append((bar.close_at, bar.close * ticks[name]))
    return {name: _measured(source.instruments[name], rows) for name, rows in closes.items() if len(rows) > 24}


def _measured(instrument: Instrument, rows: list[tuple[Ms, float]]) -> Measured:
    returns = [
        math.log(price / before) for (at, price), (was, before) in zip(rows[1:], rows, strict=False) if at - was == HOUR
    ]
    mean = sum(returns) / len(returns) if returns else 0.0
    variance = sum((one - mean) ** 2 for one in returns) / max(1, len(returns) - 1)
    lows, highs = _weeks([price for _, price in rows])
    return Measured(
        symbol=instrument.symbol,
        hours=len(returns),
        price=rows[-1][1],
        sigma_hour=math.sqrt(variance),
        week_low=_quantile(lows, 0.1),
        week_high=_quantile(highs, 0.9),
        weeks=len(lows),
        min_notional=float(instrument.min_notional),
        tick=instrument.tick_f,
        step=instrument.step_f,
    )


def _weeks(prices: list[float]) -> tuple[list[float], list[float]]:
    """Lowest and highest of each week against its start, one begun every day."""
    lows, highs = [], []
    for start in range(0, len(prices) - WEEK, 24):
        week = prices[start : start + WEEK + 1]
        lows.append(min(week) / week[0] - 1.0)
        highs.append(max(week) / week[0] - 1.0)
    return lows, highs


def _quantile(values: Iterable[float], share: float) -> float | None:
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else None
