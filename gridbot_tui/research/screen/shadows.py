"""The three paper grids, compiled: the rules of ``strategy.shadow`` over rows of numbers instead of objects."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.strategy import shadow
from gridbot_tui.strategy.shadow import DUST, SLIPPAGE, THROUGH

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
else:
    Floats = Any

CASH, POSITION, CENTRE, SPACING, SKEW, LOT, TARGET, UPPER, LOWER, LEVELS, UNWIND = range(11)
BUY_TOUCH, SELL_TOUCH, BELOW, ABOVE, PEGGING, DAY_EQUITY, PLANNED, TOTAL = range(11, 19)
WIDTH: Final = 19
"""Numbers of one shadow; ``TOTAL`` sums the days' returns, ``UNWIND`` and ``DAY_EQUITY`` are nan for none."""
shadow_touches = shadow.touches


@compiled
def rungs(side: int, s: Floats, touch: float, price: Floats, quantity: Floats) -> int:
    """The orders of one side, nearest first, into ``price`` and ``quantity``; how many."""
    position, lot = s[POSITION], s[LOT]
    if not math.isnan(s[UNWIND]):
        excess = side * (s[UNWIND] - position)
        if excess > DUST * max(lot, abs(position)):
            price[0], quantity[0] = touch, excess
            return 1
    room = s[UPPER] - position if side > 0 else position - s[LOWER]
    if lot <= 0.0 or room <= DUST * lot:
        return 0
    whole = min(int(room / lot + 1e-6), int(s[LEVELS]))
    rest = min(room, -side * position) - whole * lot if whole < int(s[LEVELS]) else 0.0
    count = whole + 1 if rest > 1e-6 * lot else whole
    step = side * s[SPACING]
    reserve = s[CENTRE] - s[SKEW] * s[SPACING] * (position - s[TARGET]) / lot
    crossing = min(max(math.ceil((reserve - math.log(touch)) / step) - 1, 0), count)
    found = 0
    for j in range(max(crossing, 1), count + 1):
        at = touch
        if j > crossing:
            at = math.exp(reserve - j * step)
            at = min(at, touch) if side > 0 else max(at, touch)
        price[found] = at
        quantity[found] = lot if j <= whole else rest
        found += 1
        if found >= len(price):
            break
    return found


@inlined
def nearest(side: int, s: Floats, touch: float, log_touch: float) -> float:
    """Price of the first order that ``rungs`` would name; 0 for none."""
    position, lot = s[POSITION], s[LOT]
    if not math.isnan(s[UNWIND]):
        excess = side * (s[UNWIND] - position)
        if excess > DUST * max(lot, abs(position)):
            return touch
    room = s[UPPER] - position if side > 0 else position - s[LOWER]
    if lot <= 0.0 or room <= DUST * lot:
        return 0.0
    whole = min(int(room / lot + 1e-6), int(s[LEVELS]))
    if whole == 0 and (int(s[LEVELS]) == 0 or min(room, -side * position) <= 1e-6 * lot):
        return 0.0
    step = side * s[SPACING]
    reserve = s[CENTRE] - s[SKEW] * s[SPACING] * (position - s[TARGET]) / lot
    if math.ceil((reserve - log_touch) / step) - 1 >= 1:
        return touch
    at = math.exp(reserve - step)
    return min(at, touch) if side > 0 else max(at, touch)


@compiled
def arm(s: Floats, close: float, tick: float, log_below: float, log_above: float) -> None:
    """Touches as of ``close`` (and their logs), and the prices beyond which something fills."""
    s[BUY_TOUCH], s[SELL_TOUCH] = shadow_touches(close, tick)
    s[BELOW], s[ABOVE] = -math.inf, math.inf
    buy = nearest(1, s, s[BUY_TOUCH], log_below)
    if buy:
        s[BELOW] = (buy - max(tick, THROUGH * buy)) * (1 + 1e-12)
    sell = nearest(-1, s, s[SELL_TOUCH], log_above)
    if sell:
        s[ABOVE] = (sell + max(tick, THROUGH * sell)) * (1 - 1e-12)
    wanted = s[UNWIND]
    away = not math.isnan(wanted) and abs(s[POSITION] - wanted) > DUST * max(s[LOT], abs(s[POSITION]))
    s[PEGGING] = 1.0 if away else 0.0


@inlined
def touches(close: float, tick: float) -> tuple[float, float]:
    """Logs of both touches as of ``close``."""
    below, above = shadow_touches(close, tick)
    return math.log(below), math.log(above)


@compiled
def trade(s: Floats, side: int, price: float, quantity: float, fee: float) -> None:
    """Book a fill."""
    s[CASH] -= side * price * quantity + price * quantity * fee
    s[POSITION] += side * quantity
    if abs(s[POSITION]) < 1e-6 * s[LOT]:
        s[POSITION] = 0.0


@compiled
def bars(three: Floats, high: float, low: float, close: float, tick: float, maker: float, scratch: Floats) -> None:
    """A bar outside the quiet range of all three: fill what rested at the open, then set what stands next.

    ``scratch`` is (4, n).
    """
    below = above = 0.0
    for k in range(3):
        s = three[k]
        if s[PLANNED] == 0.0:
            continue
        met = low < s[BELOW] or high > s[ABOVE]
        if met:
            _meet(s, high, low, tick, maker, scratch)
        if met or s[PEGGING] != 0.0:
            if below == 0.0 and above == 0.0:
                below, above = touches(close, tick)
            arm(s, close, tick, below, above)


@compiled
def _meet(s: Floats, high: float, low: float, tick: float, maker: float, scratch: Floats) -> None:
    """Fill what the bar trades through."""
    buys = rungs(1, s, s[BUY_TOUCH], scratch[0], scratch[1])
    sells = rungs(-1, s, s[SELL_TOUCH], scratch[2], scratch[3])
    for i in range(buys):
        if low > scratch[0, i] - max(tick, THROUGH * scratch[0, i]):
            break
        trade(s, 1, scratch[0, i], scratch[1, i], maker)
    for i in range(sells):
        if high < scratch[2, i] + max(tick, THROUGH * scratch[2, i]):
            break
        trade(s, -1, scratch[2, i], scratch[3, i], maker)


@compiled
def close(s: Floats, price: float, taker: float) -> None:
    """End of an episode: out at once, with taker fee and slippage; nothing rests afterwards."""
    if s[POSITION] != 0.0:
        trade(s, -1 if s[POSITION] > 0.0 else 1, price, abs(s[POSITION]), taker + SLIPPAGE)
    s[POSITION] = s[PLANNED] = s[PEGGING] = s[LOT] = 0.0
    s[BELOW], s[ABOVE] = -math.inf, math.inf


@compiled
def day(s: Floats, close: float, alive: bool) -> float:
    """Return of the finished day, nan where it had no valid start; begins the next if ``alive``."""
    now = s[CASH] + s[POSITION] * close
    made: float = now - s[DAY_EQUITY]
    s[DAY_EQUITY] = now if alive else math.nan
    s[TOTAL] += 0.0 if math.isnan(made) else made
    return made


@compiled
def quiet(three: Floats) -> tuple[float, float]:
    """Prices between which, bounds included, a bar concerns none of the three."""
    low, high = -math.inf, math.inf
    for k in range(len(three)):
        if three[k, PEGGING] != 0.0:
            return math.inf, -math.inf
        low, high = max(low, three[k, BELOW]), min(high, three[k, ABOVE])
    return low, high
