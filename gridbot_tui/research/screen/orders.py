"""Rungs of a plan as resting orders, and what of them stays: ``orders.ladder`` and ``orders.match`` over numbers."""

import math
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
else:
    Floats = Integers = Any

PRICE, STEPS, RUNG, EPOCH, EXIT, FRESH, NUMBER = range(7)
WIDTH: Final = 7
"""Numbers of a slot or an order; ``FRESH`` 1 for one that has not reached the exchange yet."""
TARGET: Final = 1 << 40
"""The rung of a passive target's order."""
MOST: Final = 64
"""Orders a side that are looked at."""


@njit(cache=True)
def rung_price(anchor: float, spacing: float, skew: float, tick: float, rung: int, lots: int, buy: bool) -> int:
    """Ticks of a rung, bids down and asks up."""
    ratio = math.exp(anchor - (rung + (skew - 1.0) * lots) * spacing) / tick
    near = round(ratio)
    if abs(ratio - near) <= 1e-9 * max(1.0, ratio):
        return int(near)
    return math.floor(ratio) if buy else math.ceil(ratio)


@njit(cache=True)
def wanted(
    out: Integers, buy: bool, position: int, touch: int, plan: Integers, anchor: float, spacing: float, skew: float,
    tick: float, limit: float, min_steps: int, depth: int, entries: bool,
) -> int:  # fmt: skip
    """Slots of one side that rest, nearest first, into ``out``; how many.

    ``plan``: lot, origin, upper and lower bound in steps, and the levels.
    """
    lot, origin, upper, lower, levels = plan[0], plan[1], plan[2], plan[3], plan[4]
    least = max(1, min_steps, math.ceil(limit / max(touch, 1) - 1e-9))
    if lot < least:
        entries = False
    size = max(lot, least)
    lots = (position - origin) // max(1, lot)
    part = (position - origin) - lots * max(1, lot)
    if buy:
        exits, room, step, rung, want = max(0, -position), upper - position, 1, lots + 1, size - part
    else:
        exits, room, step = max(0, position), position - lower, -1
        rung, want = (lots, part) if part else (lots - 1, size)
        lots += 1 if part else 0
    if not entries:
        room = min(room, exits)
    taken = carry = found = 0
    for count in range(MOST):
        if count >= levels:
            room = min(room, exits)
        steps = 0
        if taken + want + carry <= room:
            steps = want + carry
        elif carry and taken + want <= room:
            steps = want
        elif exits - taken > carry:
            steps = min(want + carry, exits - taken)
        if steps <= 0:
            break
        price = rung_price(anchor, spacing, skew, tick, rung, lots, buy)
        at = min(price, touch) if buy else max(price, touch)
        if steps >= max(1, min_steps, math.ceil(limit / max(at, 1) - 1e-9)):
            out[found, PRICE], out[found, STEPS], out[found, RUNG] = price, steps, rung
            out[found, EXIT] = max(0, min(exits - taken, steps))
            found += 1
            taken += steps
            carry = 0
        else:
            carry = steps
        rung += step
        want = size
    least = max(1, min_steps, math.ceil(limit / max(touch, 1) - 1e-9))
    if buy and not found and exits >= least:  # a short too small for its own rungs
        out[0, PRICE], out[0, STEPS], out[0, EXIT] = math.ceil(limit / exits - 1e-9), exits, exits
        out[0, RUNG], found, taken = lots + 1, 1, exits
    if found and exits > taken:
        out[found - 1, STEPS] += exits - taken
        out[found - 1, EXIT] += exits - taken
    return _resting(out, found, buy, touch, depth)


@njit(cache=True)
def _resting(out: Integers, found: int, buy: bool, touch: int, depth: int) -> int:
    """Of the rungs beyond the touch the nearest rests there, the others wait; no more than ``depth`` rest."""
    kept = 0
    crossed = False
    for i in range(found):
        beyond = out[i, PRICE] > touch if buy else out[i, PRICE] < touch
        if beyond and crossed:
            continue
        out[kept] = out[i]
        if beyond:
            out[kept, PRICE] = touch
            crossed = True
        kept += 1
        if kept >= depth:
            break
    return kept


@njit(cache=True)
def settle(
    live: Integers, count: int, slots: Integers, many: int, epoch: int, near: float, quantity: float, done: Integers,
    fresh: int, issued: Integers,
) -> tuple[int, bool]:  # fmt: skip
    """Make ``live`` what ``slots`` want, keeping what is near enough: (how many stand, whether creates wait).

    While cancels are on their way (``fresh``) nothing new is sent on their side, nor beside an order that has to go
    but has not reached the exchange yet. ``done`` is scratch, ``issued`` the
    number of the last order.
    """
    done[:many] = 0
    kept = 0
    for pass_ in range(2):  # an order keeps the slot it was made for; then the nearest takes it
        for i in range(count):
            if live[i, STEPS] <= 0:
                continue
            best, gap = -1, 1 << 62
            for j in range(many):
                own = live[i, EPOCH] == epoch and live[i, RUNG] == slots[j, RUNG]
                if done[j] or (pass_ == 0 and not own) or live[i, EXIT] == -1:
                    continue
                away = abs(live[i, PRICE] - slots[j, PRICE])
                fits = away <= near * slots[j, PRICE]
                fits = fits and abs(live[i, STEPS] - slots[j, STEPS]) <= quantity * slots[j, STEPS]
                if fits and away < gap:
                    best, gap = j, away
            if best >= 0:
                done[best] = 1
                live[i, RUNG], live[i, EPOCH] = slots[best, RUNG], epoch
                live[i, EXIT] = -1  # spoken for
    loose = waits = False
    for i in range(count):
        if live[i, STEPS] > 0 and live[i, EXIT] == -1:
            live[kept] = live[i]
            live[kept, EXIT] = 0
            kept += 1
        elif live[i, STEPS] > 0:
            if live[i, FRESH]:
                live[kept] = live[i]
                kept += 1
                waits = True
            loose = loose or fresh > 0
    loose = loose or waits
    for j in range(many):
        if not done[j] and loose:
            waits = True
        elif not done[j]:
            live[kept] = slots[j]
            issued[0] += 1
            live[kept, EPOCH], live[kept, EXIT], live[kept, FRESH] = epoch, 0, fresh
            live[kept, NUMBER] = issued[0]
            kept += 1
    return kept, waits


@njit(cache=True)
def side_case(slots: Integers, many: int, buy: bool, position: int, mark: int) -> tuple[int, int]:
    """(exposure, change of equity) in ticks x steps if every order of a side fills: ``risk.exposure``'s formulas."""
    quantity = value = 0
    far = mark
    for j in range(many):
        quantity += slots[j, STEPS]
        value += slots[j, PRICE] * slots[j, STEPS]
        far = min(far, slots[j, PRICE]) if buy else max(far, slots[j, PRICE])
    if buy:
        change = position * (far - mark) + far * quantity - value
        if position >= 0:
            return position * mark + value, change
        if quantity <= -position:
            return (-position - quantity) * mark, change
        closing, opened = -position, 0
        for j in range(many):  # nearest first
            part = slots[j, STEPS] - min(slots[j, STEPS], closing)
            closing -= slots[j, STEPS] - part
            opened += slots[j, PRICE] * part
        return opened, change
    change = position * (far - mark) - far * quantity + value
    if position > 0 and quantity <= position:
        return (position - quantity) * mark, change
    return (quantity - position) * far, change


@njit(cache=True)
def farthest_entry(slots: Integers, many: int, mark: int) -> tuple[int, float]:
    """(place, log distance from the mark) of the farthest slot that adds to the position; place -1 for none."""
    best, gap = -1, -1.0
    for j in range(many):
        if slots[j, STEPS] > slots[j, EXIT]:
            away = abs(math.log(slots[j, PRICE] / mark))
            if away > gap:
                best, gap = j, away
    return best, gap


@njit(cache=True)
def withhold(slots: Integers, many: int, place: int) -> int:
    """Without an entry; what it also closes stays. How many slots are left."""
    if slots[place, EXIT] > 0:
        slots[place, STEPS] = slots[place, EXIT]
        return many
    for j in range(place, many - 1):
        slots[j] = slots[j + 1]
    return many - 1


@njit(cache=True)
def refused(live: Integers, count: int, buy: bool, last: int) -> tuple[int, bool]:
    """What reaches the exchange now: (how many stand, whether any would have taken and was refused)."""
    kept, any_refused = 0, False
    for i in range(count):
        if live[i, STEPS] <= 0:
            continue
        takes = live[i, PRICE] > last if buy else live[i, PRICE] < last
        if live[i, FRESH] and takes:
            any_refused = True
            continue
        live[kept] = live[i]
        live[kept, FRESH] = 0
        kept += 1
    return kept, any_refused


@njit(cache=True)
def heads(live: Integers, count: Integers) -> tuple[int, int]:
    """The highest bid and the lowest ask that stand: a bar between them fills nothing."""
    buy, sell = -1, 1 << 62
    for j in range(count[0]):
        if live[0, j, STEPS] > 0:
            buy = max(buy, live[0, j, PRICE])
    for j in range(count[1]):
        if live[1, j, STEPS] > 0:
            sell = min(sell, live[1, j, PRICE])
    return buy, sell
