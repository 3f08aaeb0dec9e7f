"""The resting stop, compiled: ``risk.stop`` over the slots that would add to the position."""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.money import largest_position, liquidation_price
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import MOST, SLOT_PRICE, SLOT_SIZE, State

FARTHEST: Final = 0.8


@compiled
def with_stop(w: State, n: Numbers, worth: float) -> None:
    """Set the stop of the position; entries that leave no room for one are withheld."""
    w.reduce_on = w.stop_on = 0
    position = w.pos
    if n.spot or position == 0:
        return
    side = 0 if position > 0 else 1
    budget = max(0.0, worth) * max(w.left, n.stop_floor) if w.exposure > 0.0 else 0.0  # as the gate has just seen it
    if w.shared and w.exposure > 0.0:
        budget = budget * w.exposure / (w.exposed_beside + w.exposure)  # its share of the account's
    worth -= w.needs_beside
    trigger, size = _trigger(w, n, side, MOST, budget, worth)
    if trigger <= 0:
        count = 0
        for j in range(w.many[side]):
            count += w.resting[side] >> j & 1
        while trigger <= 0 and count > 0:
            count -= 1
            trigger, size = _trigger(w, n, side, count, budget, worth)
        _withhold(w, side, count)
    if trigger > 0:
        w.stop_on, w.stop_side = 1, -1 if position > 0 else 1
        w.stop_at = min(max(trigger, n.min_price), n.max_price)
        w.stop_size = min(size, n.market_max_steps)
        return
    sign = 1 if position > 0 else -1
    most = largest_position(sign, w.mark, worth, max(n.clearance, 1.0 / w.mark) + n.stop_beyond, n)
    affordable = int(budget / (n.unit * w.mark * n.stop_beyond))
    to = sign * min(most, affordable, abs(position))
    if to != position:
        w.reduce_on, w.reduce_to, w.dirty_next = 1, to, 1


@inlined
def _withhold(w: State, side: int, count: int) -> None:
    """Of the slots that rest only the first ``count`` go on doing so."""
    for j in range(w.many[side]):
        if w.resting[side] >> j & 1:
            count -= 1
            if count < 0:
                w.resting[side] &= ~(1 << j)


@compiled
def _trigger(w: State, n: Numbers, side: int, count: int, budget: float, free: float) -> tuple[int, int]:
    """(trigger in ticks with the first ``count`` slots filled, or 0 where there is no room; quantity it covers)."""
    slots, mark, held = w.slot[side], w.mark, abs(w.pos)
    sign = 1 if side == 0 else -1
    quantity = value = 0
    far = mark
    for j in range(w.many[side]):
        if w.resting[side] >> j & 1 and count > 0:
            count -= 1
            price, steps = slots[j, SLOT_PRICE], slots[j, SLOT_SIZE]
            quantity += steps
            value += price * steps
            far = min(far, price) if sign > 0 else max(far, price)
    size = held + quantity
    price_at = (held * mark + value - sign * budget / n.unit) / size
    left = free + n.unit * sign * (held * (far - mark) + far * quantity - value)
    liquidation = liquidation_price(sign * size, far, left, n)
    alive = math.isnan(liquidation)
    if not alive:
        inside = liquidation + sign * n.clearance * mark
        price_at = max(price_at, inside) if sign > 0 else min(price_at, inside)
    if sign > 0:
        price_at = max(price_at, far * (1.0 - FARTHEST))
        ticks = min(math.ceil(price_at), far - 1)
        return (ticks if price_at <= far * (1.0 - n.stop_beyond) and (alive or ticks > liquidation) else 0), size
    price_at = min(price_at, far / (1.0 - FARTHEST))
    ticks = max(math.floor(price_at), far + 1)
    return (ticks if price_at >= far * (1.0 + n.stop_beyond) and (alive or ticks < liquidation) else 0), size
