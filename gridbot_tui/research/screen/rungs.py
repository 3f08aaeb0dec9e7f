"""What ought to rest, compiled: ``orders.rungs`` and ``orders.ladder`` over the rows of a record."""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.money import least, takes
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    SLOT_ENTRY,
    SLOT_EXIT,
    SLOT_PRICE,
    SLOT_RUNG,
    SLOT_SIZE,
    TOTAL_FAR,
    TOTAL_OPENS,
    TOTAL_SIZE,
    TOTAL_VALUE,
    Integers,
    NoRoom,
    State,
)

RUNGS: Final = 64
"""Rungs a side that are looked at."""
FARTHEST: Final = 900
MOST_TICKS: Final = 2.0**62
"""No price is dearer."""
MOST_VALUE: Final = 2.0**60
"""A side in ticks x steps that can be added to others: the engine's numbers have no end."""


@compiled
def rung_price(w: State, n: Numbers, rung: int, lots: int, buy: bool) -> int:
    """Ticks of a rung, bids down and asks up."""
    place = rung + (n.skew - 1.0) * lots
    ratio = math.exp(min(math.log(MOST_TICKS * n.tick), w.anchor - place * w.spacing)) / n.tick
    near = round(ratio)
    if abs(ratio - near) <= 1e-9 * max(1.0, ratio):
        return int(near)
    return int(math.floor(ratio) if buy else math.ceil(ratio))


@inlined
def _rounded(ratio: float, buy: bool) -> int:
    """Ticks of a rung whose price was multiplied up; -1 where that is too near a whole tick to be sure, or too dear."""
    if ratio >= MOST_TICKS:
        return -1
    near = round(ratio)
    if abs(ratio - near) <= 2e-9 * max(1.0, ratio):
        return -1
    return int(math.floor(ratio) if buy else math.ceil(ratio))


@compiled
def ladder(w: State, n: Numbers, buys: bool, sells: bool) -> None:
    """All slots of the plan at the engine's position, where there were none; ``buys``, ``sells``: entries too."""
    if not w.priced:
        return
    smallest = least(n, w.touch)
    if w.lot < smallest:
        buys = sells = False
    size = max(w.lot, smallest)
    lots = (w.pos - w.origin) // max(1, w.lot)
    part = (w.pos - w.origin) - lots * max(1, w.lot)
    lots = max(-FARTHEST, min(FARTHEST, lots))
    _side(w, n, 0, max(0, -w.pos), w.upper - w.pos, buys, lots, lots + 1, size - part, size)
    room = w.pos - w.lower
    if n.spot:
        room = min(room, max(0, w.pos))
    if part:
        _side(w, n, 1, max(0, w.pos), room, sells, lots + 1, lots, part, size)
    else:
        _side(w, n, 1, max(0, w.pos), room, sells, lots, lots - 1, size, size)
    place(w, n, 0, 0)
    place(w, n, 1, 0)


@inlined
def _fits(want: int, carry: int, taken: int, room: int, exits: int) -> int:
    """How much a rung may hold: all of it within the bounds, else what closes inventory, else nothing."""
    if taken + want + carry <= room:
        return want + carry
    if carry and taken + want <= room:
        return want
    left = exits - taken
    return min(want + carry, left) if left > carry else 0


@compiled
def _side(
    w: State, n: Numbers, side: int, exits: int, room: int, entries: bool, lots: int, rung: int, want: int, size: int
) -> None:
    """The rungs of one side with their quantities, nearest first."""
    buy, slots = side == 0, w.slot[side]
    first, found, taken, carry = rung, 0, 0, 0
    ratio = math.exp(w.anchor - (rung + (n.skew - 1.0) * lots) * w.spacing) / n.tick
    step = math.exp(-w.spacing if buy else w.spacing)
    if not entries:
        room = min(room, exits)
    for count in range(RUNGS):
        if count >= w.levels:
            room = min(room, exits)  # beyond the plan's levels only what is held
        steps = _fits(want, carry, taken, room, exits)
        if steps <= 0:
            break
        price = _rounded(ratio, buy)
        if price < 0:
            price = rung_price(w, n, rung, lots, buy)
        ratio *= step
        if takes(n, steps, min(price, w.touch) if buy else max(price, w.touch)):
            _draft(slots, found, price, steps, max(0, min(exits - taken, steps)), rung)
            found += 1
            taken += steps
            carry = 0
        else:
            carry = steps
        rung += 1 if buy else -1
        want = size
    if buy and not found and exits and exits >= least(n, w.touch):  # a short too small for its own rungs
        far = math.ceil(n.min_value / exits - 1e-9)
        _draft(slots, 0, max(far, rung_price(w, n, first, lots, True)), exits, exits, first)
        found, taken = 1, exits
    if found and exits > taken:
        slots[found - 1, SLOT_SIZE] += exits - taken
        slots[found - 1, SLOT_EXIT] += exits - taken
    w.many[side] = found


@inlined
def _draft(slots: Integers, at: int, price: int, steps: int, closes: int, rung: int) -> None:
    slots[at, SLOT_PRICE], slots[at, SLOT_SIZE], slots[at, SLOT_EXIT], slots[at, SLOT_RUNG] = price, steps, closes, rung


@inlined
def place(w: State, n: Numbers, side: int, nearest: int) -> None:
    """Of the slots that would take number ``nearest`` rests at the touch; no more than the depth rest."""
    slots, touch = w.slot[side], w.touch
    resting = crossed = bits = quantity = value = far = opens = 0
    closing = max(0, -w.pos)
    for i in range(w.many[side]):
        rests = 1
        if slots[i, SLOT_PRICE] > touch if side == 0 else slots[i, SLOT_PRICE] < touch:
            if crossed == nearest:
                slots[i, SLOT_PRICE] = touch
            else:
                rests = 0
                w.crossed += 1
            crossed += 1
        if rests:
            if resting < n.depth:
                price, steps = slots[i, SLOT_PRICE], slots[i, SLOT_SIZE]
                far = price if not bits else min(far, price) if side == 0 else max(far, price)
                bits |= 1 << i
                quantity += steps
                value += price * steps
                part = steps - min(steps, closing)
                closing -= steps - part
                opens += price * part
            resting += 1
        slots[i, SLOT_ENTRY] = 1 if slots[i, SLOT_SIZE] > slots[i, SLOT_EXIT] else 0
    if quantity * float(max(far, touch)) > MOST_VALUE:
        raise NoRoom("rungs worth more than fits a number of 64 bits")
    w.resting[side] = bits
    total = w.total[side]
    total[TOTAL_SIZE], total[TOTAL_VALUE], total[TOTAL_FAR], total[TOTAL_OPENS] = quantity, value, far, opens


@inlined
def clear(w: State, side: int) -> None:
    """A side without slots."""
    w.many[side] = w.resting[side] = 0
    for i in range(4):
        w.total[side, i] = 0
