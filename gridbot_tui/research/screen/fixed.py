"""Plain grids, compiled: ``strategy.plain`` and ``orders.plain`` for grids of one side that neither trail nor exit.

A level owns its lot, so the lots that the ledger would hold are kept here: a fill closes its level's, then
``ledger.shelf``'s choice.
"""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.money import equity, least, steps_down
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.plans import FAST, HOURS, SIGMA
from gridbot_tui.research.screen.rungs import place
from gridbot_tui.research.screen.state import (
    LOT_LEVEL,
    LOT_NUMBER,
    LOT_ORDER,
    LOT_PRICE,
    LOT_STEPS,
    LOTS,
    SLOT_EXIT,
    SLOT_PRICE,
    SLOT_RUNG,
    SLOT_SIZE,
    Floats,
    NoRoom,
    State,
)
from gridbot_tui.strategy import leverage
from gridbot_tui.strategy.leverage import GAP_MOST
from gridbot_tui.strategy.plain import GAP_HOURS, LEAST_FEES, LEAST_TICKS, NEAR

stress_gap = leverage.stress_gap
CLOSE_ENOUGH: Final = 1e-9


@compiled
def lay(w: State, n: Numbers, f: Floats) -> None:
    """Make the plan as of now and put it in force: ``strategy.plain.plan``."""
    worth, price = equity(w, n), w.close * n.tick
    if not w.laid:
        low = n.plain_lower if n.plain_lower > 0.0 else price * (1.0 - n.plain_below)
        high = n.plain_upper if n.plain_upper > 0.0 else price * (1.0 + n.plain_above)
        _levels(w, n, low, high)
        w.grid_start = min(max(price, low), high)
        w.grid_equity = worth * n.share
    elif n.plain_reinvests or w.grid_equity <= 0.0:
        w.grid_equity = worth * n.share
    count, scale = n.plain_levels, 1.0
    if w.tier == 1:
        scale = n.scale1
    elif w.tier == 2:
        scale = n.scale2
    elif w.tier == 3:
        scale = 0.0
    first = 0 if n.plain_side > 0 else 1
    cost = 0.0
    for i in range(first, first + count - 1):
        cost += w.level[i]
    lot = scale * n.plain_leverage * max(w.grid_equity, 0.0) / cost if cost > 0.0 else 0.0
    fits = _room(w, n)
    if not fits:
        lot = 0.0
    passed = 0
    if n.plain_inventory:
        for i in range(count):
            if n.plain_side > 0:
                passed += w.level[i] > w.grid_start * (1.0 + NEAR)
            else:
                passed += w.level[i] < w.grid_start * (1.0 - NEAR)
    if not w.planned or lot != w.plain_lot or fits != w.laid:
        w.epoch += 1
    w.laid, w.plain_lot = fits, lot
    w.planned, w.priced, w.gap = 1, fits, GAP_MOST
    if f[HOURS] > GAP_HOURS:
        w.gap = stress_gap(f[SIGMA], f[FAST])
    w.touch, w.dirty = w.close, 1
    w.spacing = _least_step(w, n) if fits else 0.0
    w.unwind = math.nan if lot > 0.0 else 0.0
    w.lot, bound = steps_down(lot, n.step), steps_down((count - 1) * lot, n.step)
    w.upper, w.lower = (bound, 0) if n.plain_side > 0 else (0, -bound)
    w.goal = n.plain_side * steps_down(passed * lot, n.step)


@compiled
def _levels(w: State, n: Numbers, low: float, high: float) -> None:
    """The prices of the levels, and their ticks for buys and for sells."""
    last = n.plain_levels - 1
    step = math.log(high / low) / last if n.plain_geometric else 0.0
    for j in range(last + 1):
        if j == 0:
            price = low
        elif j == last:
            price = high
        elif n.plain_geometric:
            price = low * math.exp(step * j)
        else:
            price = low + (high - low) * j / last
        w.level[j] = price
        ratio = price / n.tick
        near = round(ratio)
        if abs(ratio - near) <= CLOSE_ENOUGH * max(1.0, abs(ratio)):
            w.level_down[j] = w.level_up[j] = int(near)
        else:
            w.level_down[j], w.level_up[j] = math.floor(ratio), math.ceil(ratio)


@inlined
def _room(w: State, n: Numbers) -> int:
    """1 where no two neighbours are closer than ticks and fees allow."""
    for j in range(1, n.plain_levels):
        low, high = w.level[j - 1], w.level[j]
        if high - low < max(LEAST_TICKS * n.tick, LEAST_FEES * n.maker * high) * (1 - 1e-9):
            return 0
    return 1


@inlined
def _least_step(w: State, n: Numbers) -> float:
    """The least relative distance between neighbours: what the hysteresis of prices is measured in."""
    found = math.inf
    for j in range(1, n.plain_levels):
        found = min(found, w.level[j] / w.level[j - 1] - 1.0)
    return found


# -- lots ---------------------------------------------------------------------------------------------------------


@compiled
def filled(
    w: State, n: Numbers, side: int, price: int, steps: int, fee: float, level: int, grid: bool, order: int
) -> None:
    """A fill among the lots, before the position changes: it closes those of the other side, of its own level first
    where it is of a ``grid`` order, then opens one."""
    left = steps
    if w.pos * side < 0:
        margin = max(0, 2 * round(fee * 1e8) // (n.unit_parts * steps))
        while left > 0 and w.lots > 0:
            at = _of_level(w, level) if grid else -1
            if at < 0:
                at = _nearest(w, side, price, margin)
            part = min(left, w.lotted[at, LOT_STEPS])
            left -= part
            w.lotted[at, LOT_STEPS] -= part
            if w.lotted[at, LOT_STEPS] == 0:
                _take_out(w, at)
    if left > 0:
        _open(w, price, left, level, order)


@inlined
def _of_level(w: State, level: int) -> int:
    """The oldest lot that a level holds, -1 where it holds none."""
    for i in range(w.lots):
        if w.lotted[i, LOT_LEVEL] == level:
            return i
    return -1


@inlined
def _nearest(w: State, side: int, price: int, margin: int) -> int:
    """The lot that a fill closes first: of those it closes at more than ``margin`` the nearest in price, else the one
    that loses least; of equal prices the oldest. Lots stand in the order of their age."""
    best, fallback = -1, -1
    for i in range(w.lots):
        at = w.lotted[i, LOT_PRICE]
        if side < 0:  # a sale closes what was bought below it
            if at < price - margin and (best < 0 or at > w.lotted[best, LOT_PRICE]):
                best = i
            if fallback < 0 or at < w.lotted[fallback, LOT_PRICE]:
                fallback = i
        else:
            if at > price + margin and (best < 0 or at < w.lotted[best, LOT_PRICE]):
                best = i
            if fallback < 0 or at > w.lotted[fallback, LOT_PRICE]:
                fallback = i
    return best if best >= 0 else fallback


@inlined
def _take_out(w: State, at: int) -> None:
    w.lots -= 1
    for i in range(at, w.lots):
        for k in range(5):
            w.lotted[i, k] = w.lotted[i + 1, k]


@inlined
def _open(w: State, price: int, steps: int, level: int, order: int) -> None:
    """A new lot, or more of the one that the same order opened last at this price."""
    if w.lots > 0:
        last = w.lotted[w.lots - 1]
        if last[LOT_NUMBER] == w.opened and last[LOT_ORDER] == order and last[LOT_PRICE] == price:
            last[LOT_STEPS] += steps
            return
    if w.lots >= LOTS:
        raise NoRoom("more lots at once than are kept")
    w.opened += 1
    row = w.lotted[w.lots]
    row[LOT_PRICE], row[LOT_LEVEL], row[LOT_STEPS] = price, level, steps
    row[LOT_ORDER], row[LOT_NUMBER] = order, w.opened
    w.lots += 1


# -- slots --------------------------------------------------------------------------------------------------------


@compiled
def slots(w: State, n: Numbers, buys: bool, sells: bool) -> None:
    """All slots of the grid: ``orders.plain.plain_ladder``."""
    if not w.priced:
        return
    count = n.plain_levels
    for j in range(count):
        w.held[j] = 0
    for i in range(w.lots):
        level = w.lotted[i, LOT_LEVEL]
        if not 0 <= level < count:
            raise NoRoom("a lot of a level that the grid does not have")
        w.held[level] += w.lotted[i, LOT_STEPS]
    if n.plain_side > 0:
        if buys:
            _entries(w, n, 0)
        _exits(w, n, 1)
    else:
        if sells:
            _entries(w, n, 1)
        _exits(w, n, 0)


@inlined
def _entries(w: State, n: Numbers, side: int) -> None:
    """Levels that lack their lot, nearest first, while the sum stays in bounds."""
    found, taken, nearest = 0, 0, -1
    room = w.upper - w.pos if side == 0 else w.pos - w.lower
    wanting = w.goal > w.pos if side == 0 else w.goal < w.pos
    sign = 1 if side == 0 else -1
    for k in range(n.plain_levels - 1):
        j = n.plain_levels - 2 - k if side == 0 else 1 + k
        steps = w.lot - w.held[j]
        price = w.level_down[j] if side == 0 else w.level_up[j]
        if steps <= 0 or taken + steps > room or steps < least(n, _resting(price, w.touch, sign)):
            continue
        _draft(w, side, found, price, steps, 0, j)
        if wanting and (price - w.touch) * sign > 0:
            nearest = found
        taken += steps
        found += 1
    w.many[side] = found
    place(w, n, side, nearest)


@inlined
def _exits(w: State, n: Numbers, side: int) -> None:
    """What levels hold, at the level beside, nearest first; small ones joined."""
    found, carry, nearest = 0, 0, -1
    exits = max(0, -w.pos) if side == 0 else max(0, w.pos)
    sign = 1 if side == 0 else -1
    for k in range(n.plain_levels):
        j = n.plain_levels - 1 - k if side == 0 else k
        if w.held[j] <= 0:
            continue
        target = j - sign
        if not 0 <= target < n.plain_levels:
            raise NoRoom("a lot of a level without a neighbour")
        price = w.level_down[target] if side == 0 else w.level_up[target]
        steps = min(w.held[j], exits) + carry
        exits -= steps - carry
        carry = 0
        if steps < least(n, _resting(price, w.touch, sign)):
            carry = steps
            continue
        if steps > 0:
            _draft(w, side, found, price, steps, steps, j)
            if (price - w.touch) * sign > 0:
                nearest = found
            found += 1
    if carry and found:
        w.slot[side, found - 1, SLOT_SIZE] += carry
        w.slot[side, found - 1, SLOT_EXIT] += carry
    w.many[side] = found
    place(w, n, side, nearest)


@inlined
def _resting(price: int, touch: int, sign: int) -> int:
    """Where an order would rest: at the touch, where the market has passed its price."""
    return min(price, touch) if sign > 0 else max(price, touch)


@inlined
def _draft(w: State, side: int, at: int, price: int, steps: int, closes: int, level: int) -> None:
    slot = w.slot[side, at]
    slot[SLOT_PRICE], slot[SLOT_SIZE], slot[SLOT_EXIT], slot[SLOT_RUNG] = price, steps, closes, level
