"""An hour's decision, compiled: votes, mix, leverage and the ladder's numbers, by the strategy's own functions."""

import math

from gridbot_tui.research.screen import shadows
from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.learn import WEIGHT
from gridbot_tui.research.screen.money import equity, steps_down
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import Floats, State
from gridbot_tui.strategy import ensemble, ladder, leverage, votes
from gridbot_tui.strategy.adaptive import FAINTEST
from gridbot_tui.strategy.ensemble import Mix, Shape
from gridbot_tui.strategy.params import SHADOW_VOLATILITY

Triple = tuple[float, float, float]
X, EMA12, EMA24, SIGMA, FAST, YEAR, MONTH, Z24, Z48, Z96, Z168, Z336, VOLR = range(13)
FUNDING, FUNDING_DAY, HOURS, AT, RISES, FALLS, TOUCH_BELOW, TOUCH_ABOVE = range(13, 21)
"""Columns of the features; ``HOURS`` seen in the episode, ``AT`` the decision bar's close in quote, what
of UP's and DOWN's votes no parameter moves, and the logs of both touches of the paper grids."""

clip, neutral_vote = votes.clip, votes.neutral_vote
crowding_tilts, combine, confidence = votes.crowding_tilts, ensemble.combine, ensemble.confidence
spacing_of, spacing_floor, centre_price = ladder.spacing_of, ladder.spacing_floor, ladder.centre_price
level_count, reservation, base_leverage = ladder.level_count, ladder.reservation, leverage.base_leverage
volatility_filter, stress_gap = leverage.volatility_filter, leverage.stress_gap
survival_long, survival_short = leverage.survival_long, leverage.survival_short


@inlined
def voted(f: Floats, n: Numbers) -> Triple:
    """The three votes of a row of features."""
    up = f[RISES]
    down = f[FALLS] * clip(f[VOLR] / n.down_volatility, 0.0, 1.0)
    if n.tilt and not math.isnan(f[FUNDING]):
        tilts = crowding_tilts(f[FUNDING])
        up *= tilts[0]
        down *= tilts[1]
    return up, down, neutral_vote(f[SIGMA], f[Z96], n.neutral_sigma, n.neutral_ramp, n.breakout)


@inlined
def shape_of(n: Numbers) -> Shape:
    """The constants of the combination."""
    return Shape(n.gain, n.swing, n.ramp, n.lot_trend, n.lot_neutral, n.spot != 0)


@inlined
def _spaced(mixed: Mix, f: Floats, n: Numbers, price: float) -> float:
    """Spacing, not below its floor; the spread is one tick."""
    floor = spacing_floor(n.least_spacing, n.maker, n.tick, n.tick, price)
    return max(spacing_of(mixed.neutral_share, f[SIGMA], n.trend, n.neutral), floor)


@inlined
def _recentred(centre: float, before: float, spacing: float, hysteresis: float) -> float:
    """``ladder.recentred``; nan for no previous one."""
    return before if abs(centre - before) <= hysteresis * spacing else centre


@inlined
def _unwind(position: float, upper: float, lower: float, excess: float) -> float:
    """``ladder.unwind_to``; nan for none."""
    slack = excess * (upper - lower)
    if position > upper + slack:
        return upper
    return lower if position < lower - slack else math.nan


@compiled
def shadow(s: Floats, index: int, f: Floats, said: Triple, n: Numbers) -> None:
    """One system's paper ladder: the ensemble with all weight on it and gain x weight = 1."""
    shape, close = shape_of(n), f[AT]
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
    upper, lower = mixed.upper * unit, mixed.lower * unit
    s[shadows.CENTRE], s[shadows.SPACING] = _recentred(centre, before, spacing, n.recentre), spacing
    s[shadows.TARGET], s[shadows.UPPER], s[shadows.LOWER] = mixed.bias * unit, upper, lower
    s[shadows.LEVELS] = level_count(upper, lower, s[shadows.LOT], n.most_levels)
    s[shadows.UNWIND] = _unwind(s[shadows.POSITION], upper, lower, n.excess)


@compiled
def adopt(w: State, f: Floats, n: Numbers) -> None:
    """Make a new plan of the account's own ladder and put it in force."""
    worth, mixed, gap = equity(w, n), mixed_of(w, n), stress_gap(f[SIGMA], f[FAST])
    multiple = draft(w, f, n, worth, mixed, gap)
    multiple *= _scaled(mixed, multiple, gap, w.pos * n.step * (w.close * n.tick), worth, n)
    enforce(w, f, n, worth, mixed, gap, multiple)


@inlined
def mixed_of(w: State, n: Numbers) -> Mix:
    """The votes, mixed."""
    weights = (w.belief[WEIGHT], w.belief[WEIGHT + 1], w.belief[WEIGHT + 2])
    return combine(weights, (w.up, w.down, w.flat), shape_of(n))


@inlined
def draft(w: State, f: Floats, n: Numbers, worth: float, mixed: Mix, gap: float) -> float:
    """The symbol's leverage before the caps over all symbols."""
    said, weights = (w.up, w.down, w.flat), (w.belief[WEIGHT], w.belief[WEIGHT + 1], w.belief[WEIGHT + 2])
    shared = worth * n.share
    multiple = base_leverage(n.base, n.reference, f[YEAR]) * confidence(weights, said)
    multiple *= _filters(w, f, n, worth, shared)
    if w.tier == 1:
        multiple *= n.scale1
    elif w.tier == 2:
        multiple *= n.scale2
    elif w.tier == 3:
        multiple = 0.0
    return _survivable(multiple, mixed, gap, n)


@inlined
def enforce(w: State, f: Floats, n: Numbers, worth: float, mixed: Mix, gap: float, multiple: float) -> None:
    """Make the plan of that leverage, and put it in force."""
    shared, price = worth * n.share, w.close * n.tick
    unit = multiple * max(shared, 0.0) / price
    before = w.centre if w.planned and w.priced else math.nan
    w.planned, w.priced, w.gap = 1, 0, gap
    w.plan_gross = w.plan_bias = w.plan_crash = 0.0
    w.plan_held = w.pos * n.step * price
    w.epoch += 1
    w.touch, w.dirty = w.close, 1
    lot = mixed.lot * unit
    w.unwind = 0.0
    w.spacing = 0.0
    if mixed.lot < FAINTEST or lot <= 0.0:
        return
    w.priced = 1
    spacing = _spaced(mixed, f, n, price)
    w.spacing = spacing
    w.centre = _recentred(centre_price(mixed.neutral_share, f[EMA12], f[EMA24]), before, spacing, n.recentre)
    target, upper, lower = mixed.bias * unit, mixed.upper * unit, mixed.lower * unit
    w.plan_gross, w.plan_bias = price * max(upper, -lower), price * target
    w.plan_crash = price * max(upper, 0.0) * gap
    w.levels = level_count(upper, lower, lot, n.most_levels)
    w.anchor = reservation(w.centre, n.skew, spacing, w.pos * n.step, target, lot)
    w.unwind = _unwind(w.pos * n.step, upper, lower, n.excess)
    w.lot, w.origin = steps_down(lot, n.step), w.pos
    w.upper, w.lower = steps_down(upper, n.step), steps_down(lower, n.step)


@inlined
def _filters(w: State, f: Floats, n: Numbers, worth: float, shared: float) -> float:
    """What takes the leverage back, down to nothing."""
    factor = volatility_filter(f[YEAR], n.closed_at)
    if not math.isnan(f[FUNDING_DAY]) and abs(f[FUNDING_DAY]) > n.funding_limit:
        factor = 0.0
    if shared > 0.0:
        profit = worth - n.capital - w.beside - w.insured
        w.profit_peak = max(w.profit_peak, profit)
        if (w.profit_peak - profit) / shared >= n.stop_drawdown and f[MONTH] > n.stop_volatility:
            factor = 0.0
    return float(factor)


@inlined
def _survivable(multiple: float, mixed: Mix, gap: float, n: Numbers) -> float:
    """Leverage whose full bounds survive the stress gap; on spot, that needs no borrowing."""
    if n.spot:
        return 1.0 / mixed.upper if multiple * mixed.upper > 1.0 else multiple
    longest, shortest = survival_long(n.survival, gap), survival_short(n.survival, gap)
    if multiple * mixed.upper > longest:
        multiple = longest / mixed.upper
    if multiple * -mixed.lower > shortest:
        multiple = shortest / -mixed.lower
    return multiple


@inlined
def _scaled(mixed: Mix, multiple: float, gap: float, held: float, worth: float, n: Numbers) -> float:
    """The portfolio's caps for a symbol alone."""
    account = max(worth, 1e-9)
    unit = multiple * (worth * n.share) / account
    factor = 1.0
    for limit, value in (
        (n.gross, unit * max(mixed.upper, -mixed.lower)),
        (n.net, abs(unit * mixed.bias)),
        (n.net, abs(held / account)),
        (n.crash, unit * mixed.upper * gap),
    ):
        if value > limit:
            factor = min(factor, limit / value)
    return factor
