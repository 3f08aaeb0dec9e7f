"""Features of one symbol, on closed decision bars only (one hour each).

``x = ln close``, ``r`` its change. ``EMA_tau`` has ``alpha = 1 - exp(-1/tau)``, tau in hours; its first
values are a plain mean, until the mean's own step falls to alpha, so that no single first value lingers.
The same closes give the same bits, whenever and in however many pieces they are fed.
"""

import math
from collections.abc import Sequence

from msgspec import Struct

from gridbot_tui.strategy.params import ROOT_YEAR
from gridbot_tui.units import HOUR, MINUTE, Ms

SIGMA_FLOOR = 2e-4
"""Added to every hourly volatility: a flat market has a spread, and z-scores a denominator."""
CLOSE_TAUS = (12.0, 24.0, 48.0, 96.0, 168.0, 336.0)
SQUARE_TAUS = (24.0, 72.0, 336.0, 720.0)
FUNDING_HOURS = 72
CLOSE_ALPHAS = tuple(1.0 - math.exp(-1.0 / tau) for tau in CLOSE_TAUS)
ROOTS = tuple(math.sqrt(tau / 2.0) for tau in CLOSE_TAUS)
SQUARE_ALPHAS = tuple(1.0 - math.exp(-1.0 / tau) for tau in SQUARE_TAUS)


class FeatureRow(Struct, frozen=True):
    """Features as of one closed decision bar."""

    at: Ms
    """Close of the bar."""
    x: float
    """Log close."""
    ema12: float
    """Averages of the log close over 12 and 24 h: the ladder's centre."""
    ema24: float
    sigma_hour: float
    """Hourly volatility (log), 72 h."""
    sigma_fast: float
    """Hourly volatility (log), 24 h."""
    sigma_year: float
    sigma_month: float
    """Yearly volatility over 30 days."""
    z24: float
    z48: float
    z96: float
    z168: float
    z336: float
    volr: float
    """Log ratio of fast to slow (336 h) volatility."""
    funding_mean: float | None = None
    """Mean 8 h-equivalent funding of 72 h; None where none is known."""
    funding_day: float | None = None
    """Sum of the funding rates of the last 24 h."""


class FeaturesState(Struct, frozen=True):
    """Everything needed to go on as if never interrupted."""

    hours: int
    at: Ms
    x: float
    closes: tuple[float, ...]
    squares: tuple[float, ...]
    funding: tuple[tuple[Ms, float, int], ...]


def averaged(before: Sequence[float], alphas: Sequence[float], value: float, count: int) -> list[float]:
    """One step of running averages whose ``count``-th value (from 1) is ``value``."""
    step = 1.0 / count
    return [one + (step if step > alpha else alpha) * (value - one) for one, alpha in zip(before, alphas, strict=True)]


def zscores(x: float, averages: Sequence[float], sigma_hour: float) -> list[float]:
    """Distance from the average of each of ``CLOSE_TAUS`` in standard deviations of it on a random walk."""
    return [(x - one) / (sigma_hour * root) for one, root in zip(averages, ROOTS, strict=True)]


class Features:
    """The running averages of one symbol within one episode."""

    __slots__ = ("_closes", "_funding", "_squares", "at", "hours", "row", "x")

    def __init__(self) -> None:
        self._closes = [0.0] * len(CLOSE_TAUS)
        self._squares = [0.0] * len(SQUARE_TAUS)
        self._funding: list[tuple[Ms, float, int]] = []
        self.hours = 0
        self.at: Ms = 0
        self.x = 0.0
        self.row: FeatureRow | None = None
        """Features of the last bar; None before the second one."""

    def hour(self, close_at: Ms, close: float) -> bool:
        """Take a closed decision bar. A bar not later than the last one is ignored: False."""
        if close_at <= self.at:
            return False
        x = math.log(close)
        self.hours += 1
        count = self.hours
        self._closes = averaged(self._closes, CLOSE_ALPHAS, x, count)
        if count > 1:
            self._squares = averaged(self._squares, SQUARE_ALPHAS, (x - self.x) ** 2, count - 1)
        self.x = x
        self.at = close_at
        self._prune()
        self.row = self._row() if count > 1 else None
        return True

    def funding(self, at: Ms, rate: float, interval_hours: int) -> None:
        """Take a settlement; it shows from the next decision bar on. Times, a few ms off, are rounded."""
        at = (at + MINUTE // 2) // MINUTE * MINUTE
        if not self._funding or at > self._funding[-1][0]:
            self._funding.append((at, rate, interval_hours))

    def restart(self) -> None:
        """Warm up anew after an episode; funding is a fact of the calendar and stays."""
        self._closes = [0.0] * len(CLOSE_TAUS)
        self._squares = [0.0] * len(SQUARE_TAUS)
        self.hours = 0
        self.row = None

    def state(self) -> FeaturesState:
        """A copy of everything."""
        closes, squares = tuple(self._closes), tuple(self._squares)
        return FeaturesState(self.hours, self.at, self.x, closes, squares, tuple(self._funding))

    def restore(self, state: FeaturesState) -> None:
        """Go on from a copy."""
        self.hours, self.at, self.x = state.hours, state.at, state.x
        self._closes, self._squares = list(state.closes), list(state.squares)
        self._funding = [(at, rate, hours) for at, rate, hours in state.funding]
        self.row = self._row() if self.hours > 1 else None

    def _prune(self) -> None:
        """Drop settlements older than the funding window."""
        oldest = self.at - FUNDING_HOURS * HOUR
        if self._funding and self._funding[0][0] <= oldest:
            self._funding = [item for item in self._funding if item[0] > oldest]

    def _funding_rates(self) -> tuple[float | None, float | None]:
        """(mean 8 h equivalent, sum of 24 h) of what settled up to the bar."""
        total, hours, day = 0.0, 0, 0.0
        for at, rate, interval in self._funding:
            if at <= self.at:
                total += rate
                hours += interval
                if at > self.at - 24 * HOUR:
                    day += rate
        return (8.0 * total / hours, day) if hours else (None, None)

    def _row(self) -> FeatureRow:
        ema12, ema24, *_ = self._closes
        fast, mid, slow, month = (math.sqrt(s) + SIGMA_FLOOR for s in self._squares)
        funding_mean, funding_day = self._funding_rates()
        _, z24, z48, z96, z168, z336 = zscores(self.x, self._closes, mid)
        return FeatureRow(
            at=self.at,
            x=self.x,
            ema12=ema12,
            ema24=ema24,
            sigma_hour=mid,
            sigma_fast=fast,
            sigma_year=mid * ROOT_YEAR,
            sigma_month=month * ROOT_YEAR,
            z24=z24,
            z48=z48,
            z96=z96,
            z168=z168,
            z336=z336,
            volr=math.log(fast / slow),
            funding_mean=funding_mean,
            funding_day=funding_day,
        )
