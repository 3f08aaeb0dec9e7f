"""Figures of an equity curve. Plain floats; None where there is too little to say."""

from __future__ import annotations

from array import array
from collections.abc import Container, Sequence
from math import sqrt

from msgspec import Struct

from gridbot_tui.units import DAY, Ms

YEAR_DAYS = 365.0
DIGITS = 12
"""Ratios are given to this many digits: what is beyond is the order in which floats were added."""
ROUNDING = 1e-15
"""A deviation of daily returns at or under this is none: floats that were added in another order."""
FEWEST_DAYS = 5
"""Daily returns below which a ratio would be noise."""


class Daily(Struct, frozen=True):
    """Equity at the end of each UTC day and the returns between them."""

    days: tuple[int, ...]
    """Day numbers since 1970 of ``returns``."""
    returns: tuple[float, ...]


def daily(
    at: Sequence[Ms], equity: Sequence[float], start: float, since: Ms = 0, leaps: Container[int] = ()
) -> Daily:
    """Returns of whole and broken UTC days after ``since``, but for those of ``leaps``; ``start`` is equity before the
    first."""
    ends: dict[int, float] = {}
    before = start
    for moment, value in zip(at, equity, strict=True):
        if moment <= since:
            before = value
        else:
            ends[(moment - 1) // DAY] = value
    days, returns = [], []
    for day, value in ends.items():
        if day not in leaps:
            days.append(day)
            returns.append(value / before - 1.0 if before > 0 else 0.0)
        before = value
    return Daily(tuple(days), tuple(returns))


def mean(values: Sequence[float]) -> float:
    """Arithmetic mean; 0 of nothing."""
    return sum(values) / len(values) if values else 0.0


def deviation(values: Sequence[float]) -> float:
    """Sample standard deviation; 0 of fewer than two."""
    if len(values) < 2:
        return 0.0
    middle = mean(values)
    return sqrt(sum((v - middle) ** 2 for v in values) / (len(values) - 1))


def sharpe(returns: Sequence[float]) -> float | None:
    """Yearly Sharpe ratio of daily returns, without a risk-free rate."""
    spread = deviation(returns)
    if len(returns) < FEWEST_DAYS or spread <= ROUNDING:
        return None
    return mean(returns) / spread * sqrt(YEAR_DAYS)


def sortino(returns: Sequence[float]) -> float | None:
    """As Sharpe, over the deviation of the losing days from zero."""
    if len(returns) < FEWEST_DAYS:
        return None
    below = sqrt(sum(min(0.0, r) ** 2 for r in returns) / len(returns))
    return mean(returns) / below * sqrt(YEAR_DAYS) if below > 0.0 else None


def cagr(start: float, end: float, days: float) -> float | None:
    """Yearly growth over ``days`` of calendar time; None under a week or where nothing is left."""
    if days < 7.0 or start <= 0.0 or end <= 0.0:
        return None
    return float((end / start) ** (YEAR_DAYS / days)) - 1.0


def max_drawdown(equity: Sequence[float], start: float) -> float:
    """Deepest fall from a peak, as a fraction <= 0, of the points given."""
    peak, deepest = start, 0.0
    for value in equity:
        if value > peak:
            peak = value
        elif peak > 0.0 and value / peak - 1.0 < deepest:
            deepest = value / peak - 1.0
    return deepest


def total(returns: Sequence[float]) -> float:
    """Returns one after the other, compounded."""
    value = 1.0
    for one in returns:
        value *= 1.0 + one
    return value - 1.0


def ratio(over: float | None, under: float) -> float | None:
    """A quotient, None where it says nothing."""
    return None if over is None or under == 0.0 else over / under


def drawdowns(equity: Sequence[float], start: float) -> array[float]:
    """The fall from the peak at each point."""
    peak, out = start, array("d")
    for value in equity:
        peak = max(peak, value)
        out.append(value / peak - 1.0 if peak > 0.0 else 0.0)
    return out
