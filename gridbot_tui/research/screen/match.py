"""Which standing order serves which slot of a side, compiled: ``orders.match`` over rows."""

from typing import Final

from gridbot_tui.research.screen.book import cancel
from gridbot_tui.research.screen.compiled import compiled, inlined, lowest_bit
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    CANCELLING,
    EPOCH,
    LEFT,
    LIFE,
    PRICE,
    RUNG,
    SENDING,
    SLOT_ENTRY,
    SLOT_PRICE,
    SLOT_RUNG,
    SLOT_SIZE,
    Integers,
    State,
)

LOOSE: Final = -1
OTHER: Final = -2
"""``serves`` of an order without a slot, and of one that is none of this side's grid."""
WIDE: Final = 1 << 62


@compiled
def match(w: State, n: Numbers, side: int) -> int:
    """Pair orders with slots (``serves``), note what is missing, cancel the rest; how many slots are missing.

    Leaves that in ``known``, too, where the same slots would be found missing as long as nothing new stands; else -1.
    """
    slots, many = w.slot[side], w.many[side]
    near = n.near * w.spacing if w.planned and w.priced else 0.0
    loose, free = False, w.resting[side]
    for i in range(w.length[side]):
        o = w.order[w.live[side, i]]
        w.serves[i] = OTHER
        if o[LIFE] == CANCELLING:
            continue
        w.serves[i] = LOOSE
        if o[EPOCH] == w.epoch and many:
            j = o[RUNG] - slots[0, SLOT_RUNG] if side == 0 else slots[0, SLOT_RUNG] - o[RUNG]
            if j < 0 or j >= many or slots[j, SLOT_RUNG] != o[RUNG]:  # somewhere a rung was too small
                j = _rung(slots, many, o[RUNG])
            if j >= 0 and free >> j & 1 and _good(o, slots[j], near, n):
                w.serves[i] = j
                free &= ~(1 << j)
        loose = loose or w.serves[i] == LOOSE
    if loose:
        free = _nearest(w, n, side, near, free)
    missing = 0
    while free:
        w.missing[side, missing] = lowest_bit(free)
        missing += 1
        free &= free - 1
    w.known[side] = 0
    missing = _cover(w, side, missing)
    _let_go(w, side)
    if not w.known[side]:
        w.known[side] = missing
    return missing


@compiled
def _rung(slots: Integers, many: int, rung: int) -> int:
    """Place of a rung's slot; -1 for none."""
    for j in range(many):
        if slots[j, SLOT_RUNG] == rung:
            return j
    return -1


@inlined
def _good(o: Integers, slot: Integers, near: float, n: Numbers) -> bool:
    """Within the hysteresis of price and quantity."""
    if abs(o[PRICE] - slot[SLOT_PRICE]) > near * slot[SLOT_PRICE]:
        return bool(o[PRICE] == slot[SLOT_PRICE] and o[LEFT] == slot[SLOT_SIZE])
    steps = min(slot[SLOT_SIZE], n.max_steps)
    return bool(o[LEFT] == slot[SLOT_SIZE] or abs(o[LEFT] - steps) <= n.quantity * steps)


@inlined
def _nearest(w: State, n: Numbers, side: int, near: float, free: int) -> int:
    """What has no slot of its own goes to the nearest free one that it fits, oldest first; the slots left free.

    Every slot is looked at in the same way, without a branch to guess: a wrong guess costs more than ten slots.
    """
    slots, many = w.slot[side], w.many[side]
    for j in range(many):
        steps = min(slots[j, SLOT_SIZE], n.max_steps)
        spare = int(n.quantity * steps)
        w.reach[j, 0], w.reach[j, 1], w.reach[j, 2] = int(near * slots[j, SLOT_PRICE]), steps - spare, steps + spare
    for i in range(w.length[side]):
        if w.serves[i] != LOOSE:
            continue
        row = w.live[side, i]
        price, left = w.order[row, PRICE], w.order[row, LEFT]
        best, gap = -1, WIDE
        for j in range(many):
            away = abs(price - slots[j, SLOT_PRICE])
            close = (away <= w.reach[j, 0]) & (away < gap)
            fits = close & (left >= w.reach[j, 1]) & (left <= w.reach[j, 2]) & (free >> j & 1 != 0)
            gap = away if fits else gap
            best = j if fits else best
        if best >= 0:
            w.serves[i] = best
            free &= ~(1 << best)
    return free


@inlined
def _cover(w: State, side: int, missing: int) -> int:
    """Where a side only closes inventory, kept orders may not sell more than is held."""
    slots = w.slot[side]
    excess = 0
    larger = False
    for j in range(w.many[side] - 1, -1, -1):  # entries are the far ones
        if slots[j, SLOT_ENTRY]:
            return missing
        excess -= slots[j, SLOT_SIZE]
    for i in range(w.length[side]):
        if w.serves[i] >= 0:
            left = w.order[w.live[side, i], LEFT]
            larger = larger or left > slots[w.serves[i], SLOT_SIZE]
            excess += left
    if not larger:
        return missing
    w.known[side] = -1
    for k in range(missing):
        excess += slots[w.missing[side, k], SLOT_SIZE]
    while excess > 0:
        far, place = -1, -1
        for i in range(w.length[side]):
            j = w.serves[i]
            if j >= 0 and w.order[w.live[side, i], LEFT] > slots[j, SLOT_SIZE]:
                away = abs(slots[j, SLOT_PRICE] - w.close)
                if away > far:
                    far, place = away, i
        if place < 0:
            w.barred[side] = 1
            break
        j = w.serves[place]
        excess -= w.order[w.live[side, place], LEFT] - slots[j, SLOT_SIZE]
        w.serves[place] = LOOSE
        w.missing[side, missing] = j
        missing += 1
    return missing


@inlined
def _let_go(w: State, side: int) -> None:
    """Kept orders serve their slots from here on; the others are cancelled once they are known to stand."""
    for i in range(w.length[side]):
        j = w.serves[i]
        row = w.live[side, i]
        if j >= 0:
            w.order[row, RUNG], w.order[row, EPOCH] = w.slot[side, j, SLOT_RUNG], w.epoch
        elif j == LOOSE:
            w.barred[side] = 1
            if w.order[row, LIFE] != SENDING:
                cancel(w, row)
            else:
                w.known[side] = -1
