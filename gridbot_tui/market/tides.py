"""The synthetic market day by day: regimes, trends, crashes, gaps. Minutes are drawn between its days.

A day costs a few microseconds a symbol, so any day is reached from the first in no time, and a day's bars
depend only on the parameters and the day: there is no path to carry over a restart.
"""

import math
from collections.abc import Sequence
from random import Random
from typing import Final, Literal

from msgspec import Struct

from gridbot_tui.market.params import SyntheticParams

Kind = Literal["up", "down", "range"]

_KINDS: Final[tuple[Kind, ...]] = ("up", "down", "range")
_WEIGHTS: Final = (0.32, 0.24, 0.44)
_LENGTHS: Final[dict[Kind, tuple[int, int]]] = {"up": (4, 14), "down": (3, 9), "range": (4, 14)}
_DRIFTS: Final[dict[Kind, tuple[float, float]]] = {
    "up": (0.2, 0.5),
    "down": (-0.6, -0.25),
    "range": (0.0, 0.0),
}
"""Drift of a regime, in daily standard deviations."""
_FOLLOW: Final = 0.7
"""Chance that a symbol follows the market into its regime."""
_VOL_MEMORY: Final = 0.85
_VOL_SPREAD: Final = 0.2
"""Standard deviation of the log of daily volatility."""
_PULL: Final = 0.008
"""Daily pull of log price to its start, so that prices stay in the instrument's range for years."""
_RANGE_PULL: Final = 0.35
_RANGE_NOISE: Final = 0.45
_TREND_NOISE: Final = 0.85


class Crash(Struct, frozen=True):
    """A market-wide fall; times are fractions of the day."""

    begins: float
    falls: float
    """How long it falls."""
    recovers: float
    """How long it takes to win back its share."""
    share: float
    """Part of the fall that is won back."""


class SymbolDay(Struct, frozen=True):
    """One symbol's day, in log price."""

    begins: float
    """Log price at 00:00."""
    change: float
    """Change over the day but for gap and crash."""
    kind: Kind
    fall: float
    """Depth of the crash, > 0 on crash days."""
    gap: float
    """Size of a jump between two bars, signed; 0 = none."""
    gap_at: float
    """When, as a fraction of the day."""
    trend: float
    """Log return of the three days before; what funding follows."""

    def ends(self, crash: Crash | None) -> float:
        """Log price at 24:00."""
        lasting = 0.0 if crash is None else self.fall * (1.0 - crash.share)
        return self.begins + self.change + self.gap - lasting


class Day(Struct, frozen=True):
    """The whole market's day."""

    volatility: float
    """Multiple of the usual; mean square 1."""
    crash: Crash | None
    symbols: tuple[SymbolDay, ...]


class _Walker:
    """One symbol's state between days."""

    __slots__ = ("anchor", "drift", "home", "kind", "log", "past", "sigma")

    def __init__(self, home: float, sigma: float) -> None:
        self.home = self.log = self.anchor = home
        self.sigma = sigma
        """Daily standard deviation of log price."""
        self.kind: Kind = "range"
        self.drift = 0.0
        self.past = [home, home, home]
        """Log price 3, 2 and 1 days ago."""


class Tides:
    """The days of a synthetic market, in order from the first, made as they are asked for."""

    def __init__(self, params: SyntheticParams, homes: Sequence[float], yearly: Sequence[float]) -> None:
        """``homes``: log start price of each symbol; ``yearly``: its yearly volatility."""
        self._params = params
        self._common = math.sqrt(params.correlation)
        self._own = math.sqrt(1.0 - params.correlation)
        self._walkers = [_Walker(h, y / math.sqrt(365.0)) for h, y in zip(homes, yearly, strict=True)]
        self._log_volatility = 0.0
        self._left = 0
        self._days: list[Day] = []

    def day(self, number: int) -> Day:
        """Day ``number``, counted from 0."""
        while len(self._days) <= number:
            self._days.append(self._next(len(self._days)))
        return self._days[number]

    def _next(self, number: int) -> Day:
        rng = Random(f"tides/{self._params.seed}/{number}")
        spread = _VOL_SPREAD * math.sqrt(1.0 - _VOL_MEMORY**2)
        self._log_volatility = _VOL_MEMORY * self._log_volatility + spread * rng.gauss(0.0, 1.0)
        volatility = math.exp(self._log_volatility - _VOL_SPREAD**2)
        if self._left == 0:
            self._turn(rng)
        self._left -= 1
        crash, depth = self._crash(rng)
        common = rng.gauss(0.0, 1.0)
        days = tuple(self._symbol_day(rng, walker, volatility, common, depth) for walker in self._walkers)
        for walker, day in zip(self._walkers, days, strict=True):
            walker.past = [*walker.past[1:], walker.log]
            walker.log = day.ends(crash)
        return Day(volatility, crash, days)

    def _turn(self, rng: Random) -> None:
        """The market enters a new regime; most symbols follow."""
        market = rng.choices(_KINDS, _WEIGHTS)[0]
        self._left = rng.randint(*_LENGTHS[market])
        for walker in self._walkers:
            walker.kind = market if rng.random() < _FOLLOW else rng.choices(_KINDS, _WEIGHTS)[0]
            walker.drift = rng.uniform(*_DRIFTS[walker.kind])
            walker.anchor = walker.log

    def _crash(self, rng: Random) -> tuple[Crash | None, float]:
        if rng.random() >= 1.0 / self._params.crash_days:
            return None, 0.0
        crash = Crash(
            begins=rng.uniform(0.1, 0.6),
            falls=rng.uniform(0.02, 0.1),
            recovers=rng.uniform(0.05, 0.25),
            share=rng.uniform(0.2, 0.6),
        )
        return crash, -math.log(1.0 - rng.uniform(0.06, 0.18))

    def _symbol_day(
        self, rng: Random, walker: _Walker, volatility: float, common: float, depth: float
    ) -> SymbolDay:
        noise = self._common * common + self._own * rng.gauss(0.0, 1.0)
        sigma = walker.sigma
        if walker.kind == "range":
            change = _RANGE_PULL * (walker.anchor - walker.log) + _RANGE_NOISE * sigma * volatility * noise
        else:
            change = walker.drift * sigma + _TREND_NOISE * sigma * volatility * noise
        change += _PULL * (walker.home - walker.log)
        fall = depth * rng.uniform(0.8, 1.3)
        gap = 0.0
        if rng.random() < 1.0 / self._params.gap_days:
            gap = rng.choice((-1.0, 1.0)) * rng.uniform(0.01, 0.03)
        return SymbolDay(
            begins=walker.log,
            change=change,
            kind=walker.kind,
            fall=fall,
            gap=gap,
            gap_at=rng.uniform(0.05, 0.95),
            trend=walker.log - walker.past[0],
        )
