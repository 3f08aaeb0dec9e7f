"""An hour's decision, compiled: votes, mix, leverage and the ladder's numbers, by the strategy's own functions."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit

import gridbot_tui.research.screen.compiled as _own  # noqa: F401  makes the strategy's functions callable
from gridbot_tui.research.screen import shadows
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.strategy import ensemble, ladder, leverage, votes
from gridbot_tui.strategy.adaptive import FAINTEST
from gridbot_tui.strategy.ensemble import Mix, Shape
from gridbot_tui.strategy.params import SHADOW_VOLATILITY

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
else:
    Floats = Any

Triple = tuple[float, float, float]
X, EMA12, EMA24, SIGMA, FAST, YEAR, Z24, Z48, Z96, Z168, Z336, VOLR, FUNDING, FUNDING_DAY, WARM = range(15)
CENTRE, SPACING, ANCHOR, LOT, TARGET, UPPER, LOWER, LEVELS, UNWIND, PRICED, KEPT, GAP = range(12)
WIDTH: Final = 12
"""Numbers of a plan; ``UNWIND`` nan for none, ``PRICED`` 1 where it has rungs, ``KEPT`` 1 where it has a centre."""

up_vote, down_vote, neutral_vote = votes.up_vote, votes.down_vote, votes.neutral_vote
crowding_tilts, combine, confidence = votes.crowding_tilts, ensemble.combine, ensemble.confidence
spacing_of, spacing_floor, centre_price = ladder.spacing_of, ladder.spacing_floor, ladder.centre_price
level_count, base_leverage = ladder.level_count, leverage.base_leverage
volatility_filter, stress_gap = leverage.volatility_filter, leverage.stress_gap
survival_long, survival_short = leverage.survival_long, leverage.survival_short


@njit(cache=True)
def voted(f: Floats, n: Numbers) -> Triple:
    """The three votes of a row of features."""
    up = up_vote(f[Z168], f[Z336])
    down = down_vote(f[Z24], f[Z48], f[Z168], f[VOLR], n.down_volatility)
    if n.tilt and not math.isnan(f[FUNDING]):
        tilts = crowding_tilts(f[FUNDING])
        up *= tilts[0]
        down *= tilts[1]
    return up, down, neutral_vote(f[SIGMA], f[Z96], n.neutral_sigma, n.neutral_ramp, n.breakout)


@njit(cache=True)
def _spaced(mixed: Mix, f: Floats, n: Numbers, price: float) -> float:
    """Spacing, not below its floor; the spread is one tick."""
    floor = spacing_floor(n.least, n.maker, n.tick, n.tick, price)
    return max(spacing_of(mixed.neutral_share, f[SIGMA], n.trend, n.neutral), floor)


@njit(cache=True)
def _unwind(position: float, upper: float, lower: float, excess: float) -> float:
    slack = excess * (upper - lower)
    if position > upper + slack:
        return upper
    return lower if position < lower - slack else math.nan


@njit(cache=True)
def shadow(s: Floats, index: int, f: Floats, said: Triple, shape: Shape, n: Numbers, close: float) -> None:
    """One system's paper ladder: the ensemble with all weight on it and gain x weight = 1."""
    share = 1.0 / shape.gain
    weights = (share if index == 0 else 0.0, share if index == 1 else 0.0, share if index == 2 else 0.0)
    mixed = combine(weights, said, shape)
    unit = SHADOW_VOLATILITY / f[YEAR] / close
    before = s[shadows.CENTRE] if s[shadows.PLANNED] != 0.0 and s[shadows.LOT] > 0.0 else math.nan
    s[shadows.PLANNED], s[shadows.SKEW], s[shadows.LOT] = 1.0, n.skew, mixed.lot * unit
    if s[shadows.LOT] <= 0.0:
        s[shadows.CENTRE], s[shadows.SPACING], s[shadows.LOT] = f[X], 1.0, 0.0
        s[shadows.TARGET] = s[shadows.UPPER] = s[shadows.LOWER] = s[shadows.LEVELS] = s[shadows.UNWIND] = 0.0
        return
    spacing = _spaced(mixed, f, n, close)
    centre = centre_price(mixed.neutral_share, f[EMA12], f[EMA24])
    if abs(centre - before) <= n.recentre * spacing:  # False for nan
        centre = before
    upper, lower = mixed.upper * unit, mixed.lower * unit
    s[shadows.CENTRE], s[shadows.SPACING], s[shadows.TARGET] = centre, spacing, mixed.bias * unit
    s[shadows.UPPER], s[shadows.LOWER] = upper, lower
    s[shadows.LEVELS] = level_count(upper, lower, s[shadows.LOT], n.levels)
    s[shadows.UNWIND] = _unwind(s[shadows.POSITION], upper, lower, n.excess)


@njit(cache=True)
def plan(
    p: Floats, f: Floats, said: Triple, weights: Triple, shape: Shape, n: Numbers, scale: float, equity: float,
    position: float, price: float,
) -> None:  # fmt: skip
    """The account's own ladder, in base units; ``scale`` is the drawdown tier's multiplier."""
    mixed = combine(weights, said, shape)
    multiple = base_leverage(n.base, n.reference, f[YEAR]) * confidence(weights, said)
    multiple *= volatility_filter(f[YEAR], n.closed_at) * scale
    if not math.isnan(f[FUNDING_DAY]) and abs(f[FUNDING_DAY]) > n.funding_limit:
        multiple = 0.0
    gap = stress_gap(f[SIGMA], f[FAST])
    if multiple * mixed.upper > survival_long(n.survival, gap):
        multiple = survival_long(n.survival, gap) / mixed.upper
    if multiple * -mixed.lower > survival_short(n.survival, gap):
        multiple = survival_short(n.survival, gap) / -mixed.lower
    multiple *= _scaled(mixed, multiple, gap, position * price / equity if equity > 0.0 else 0.0, n)
    unit = multiple * max(equity, 0.0) / price
    p[GAP] = gap
    before = p[CENTRE] if p[KEPT] != 0.0 else math.nan
    p[LOT] = mixed.lot * unit
    p[PRICED] = p[KEPT] = 0.0
    p[TARGET] = p[UPPER] = p[LOWER] = p[LEVELS] = p[UNWIND] = 0.0
    if mixed.lot < FAINTEST or p[LOT] <= 0.0:
        p[LOT] = 0.0
        return
    spacing = _spaced(mixed, f, n, price)
    centre = centre_price(mixed.neutral_share, f[EMA12], f[EMA24])
    if abs(centre - before) <= n.recentre * spacing:
        centre = before
    p[CENTRE], p[SPACING], p[PRICED], p[KEPT] = centre, spacing, 1.0, 1.0
    p[TARGET], p[UPPER], p[LOWER] = mixed.bias * unit, mixed.upper * unit, mixed.lower * unit
    p[LEVELS] = level_count(p[UPPER], p[LOWER], p[LOT], n.levels)
    p[ANCHOR] = centre - n.skew * spacing * (position - p[TARGET]) / p[LOT]
    p[UNWIND] = _unwind(position, p[UPPER], p[LOWER], n.excess)


@njit(cache=True)
def _scaled(mixed: Mix, multiple: float, gap: float, held: float, n: Numbers) -> float:
    """The portfolio's caps for a symbol alone."""
    factor = 1.0
    for limit, value in (
        (n.gross, multiple * max(mixed.upper, -mixed.lower)),
        (n.net, abs(multiple * mixed.bias)),
        (n.net, abs(held)),
        (n.crash, multiple * mixed.upper * gap),
    ):
        if value > limit:
            factor = min(factor, limit / value)
    return factor
