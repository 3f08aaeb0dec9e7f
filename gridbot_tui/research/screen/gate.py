"""The gate, compiled: worst cases, withheld entries, the last look. ``risk.exposure`` and ``risk.gate`` over rows."""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    BIDS,
    KIND,
    LEFT,
    MOST,
    PEG,
    PRICE,
    SIDE,
    SINGLES,
    SLOT_ENTRY,
    SLOT_EXIT,
    SLOT_PRICE,
    SLOT_SIZE,
    STOP,
    TOTAL_FAR,
    TOTAL_OPENS,
    TOTAL_SIZE,
    TOTAL_VALUE,
    Integers,
    State,
)

SAFE: Final = 1.0 - 1e-9
"""Limits are compared this much early, as the gate does."""
Totals = tuple[int, int, int]
"""(quantity, value, farthest price) of one side."""


@inlined
def bought(total: Totals, opened: int, position: int, mark: int) -> tuple[int, int]:
    """(exposure, change of equity) in ticks x steps if all buys fill; ``opened``: value beyond closing a short."""
    quantity, value, far = total
    far = min(far, mark) if quantity else mark
    change = position * (far - mark) + far * quantity - value
    if position >= 0:
        return position * mark + value, change
    if quantity <= -position:
        return (-position - quantity) * mark, change
    return opened, change


@inlined
def sold(total: Totals, position: int, mark: int) -> tuple[int, int]:
    """The same if all sells fill."""
    quantity, value, far = total
    far = max(far, mark)
    change = position * (far - mark) - far * quantity + value
    if position > 0 and quantity <= position:
        return (position - quantity) * mark, change
    return (quantity - position) * far, change


@inlined
def slots_case(w: State, side: int) -> tuple[Totals, int]:
    """Totals of a side's resting slots, and the value that buys open after closing a short (nearest first)."""
    slots = w.slot[side]
    quantity = value = far = 0
    closing, opens = max(0, -w.pos), 0
    for j in range(w.many[side]):
        if w.resting[side] >> j & 1:
            price, steps = slots[j, SLOT_PRICE], slots[j, SLOT_SIZE]
            far = price if not quantity else min(far, price) if side == 0 else max(far, price)
            quantity += steps
            value += price * steps
            part = steps - min(steps, closing)
            closing -= steps - part
            opens += price * part
    return (quantity, value, far), opens


@compiled
def orders_case(w: State, n: Numbers, side: int, at: int, more: int) -> tuple[Totals, int]:
    """The same of every order that stands or may stand, as far as it counts, and of ``more`` steps at ``at``."""
    quantity, value, far = more, at * more, at
    sign = 1 if side == 0 else -1
    for k in range(2 if n.spot else 1):
        listed = side if k == 0 else SINGLES
        for i in range(w.length[listed]):
            o = w.order[w.live[listed, i]]
            if o[SIDE] == sign and _counts(o):
                price, steps = (o[PRICE] if o[KIND] <= PEG else w.mark), o[LEFT]
                far = price if not quantity else min(far, price) if side == 0 else max(far, price)
                quantity += steps
                value += price * steps
    opens = 0
    if side == 0 and w.pos < 0 and quantity > -w.pos:
        opens = value - _nearest_value(w, -w.pos, at, more)
    return (quantity, value, far), opens


@inlined
def _counts(o: Integers) -> bool:
    """Stops do not, nor what is filled; nobody asks about reduce-only orders: on spot a target's is none."""
    return bool(o[LEFT] > 0 and o[KIND] != STOP)


@compiled
def _nearest_value(w: State, closing: int, at: int, more: int) -> int:
    """Value of the highest ``closing`` steps of the bids, ``more`` steps at ``at`` among them; futures only."""
    taken, above = 0, 1 << 62
    while closing > 0:
        best, size = (at, more) if more and at < above else (-1, 0)
        for i in range(w.length[BIDS]):
            o = w.order[w.live[BIDS, i]]
            if o[LEFT] > 0:
                if o[PRICE] < above and o[PRICE] > best:
                    best, size = o[PRICE], o[LEFT]
                elif o[PRICE] == best:
                    size += o[LEFT]
        if best < 0:
            break
        taken += best * min(size, closing)
        closing -= min(size, closing)
        above = best
    return taken


@compiled
def exceeds(w: State, n: Numbers, buys: Totals, opens: int, sells: Totals, worth: float) -> bool:
    """True where the worst case passes the cap or the gap budget; leaves exposure and leverage of it in ``w``."""
    b, falls = bought(buys, opens, w.pos, w.mark)
    s, rises = sold(sells, w.pos, w.mark)
    w.exposure = max(abs(w.pos) * w.mark, b, s) * n.unit
    loss = 0.0 if n.spot else max(0, -falls, -rises) * n.unit
    left, whole = worth - w.loss_beside - loss, w.exposed_beside + w.exposure
    w.worst = 0.0 if whole <= 0.0 else whole / left if left > 0.0 else math.inf
    if whole > 0.0 and (left <= 0.0 or whole / left > min(n.cap, n.hard) * SAFE):
        return True
    gap = w.gap if w.gap > 0.0 else n.unknown_gap
    return bool(w.gaps_beside + w.exposure * gap > max(0.0, worth) * (w.left + n.reserve) * SAFE)


@compiled
def admit(w: State, n: Numbers, worth: float) -> None:
    """Withhold entries, the farthest first, until the worst case fits."""
    bids, asks = w.total[0], w.total[1]
    buys, opens = (bids[TOTAL_SIZE], bids[TOTAL_VALUE], bids[TOTAL_FAR]), bids[TOTAL_OPENS]
    sells = asks[TOTAL_SIZE], asks[TOTAL_VALUE], asks[TOTAL_FAR]
    for _turn in range(2 * MOST):
        if not exceeds(w, n, buys, opens, sells, worth):
            break
        buy_at, buy_away = farthest(w, 0)
        sell_at, sell_away = farthest(w, 1)
        if buy_at < 0 and sell_at < 0:
            break
        drop_buy = buy_at >= 0
        if buy_at >= 0 and sell_at >= 0:
            b, s = bought(buys, opens, w.pos, w.mark)[0], sold(sells, w.pos, w.mark)[0]
            drop_buy = b > s or (b == s and buy_away >= sell_away)
        if drop_buy:
            drop(w, n, 0, buy_at)
            buys, opens = slots_case(w, 0)
        else:
            drop(w, n, 1, sell_at)
            sells, _ = slots_case(w, 1)


@compiled
def farthest(w: State, side: int) -> tuple[int, float]:
    """(place, log distance from the mark) of the farthest entry that rests; -1 for none."""
    slots, first, last = w.slot[side], -1, -1
    for j in range(w.many[side]):
        if slots[j, SLOT_ENTRY] and w.resting[side] >> j & 1:
            first = j if first < 0 else first
            if last < 0 or slots[j, SLOT_PRICE] != slots[last, SLOT_PRICE]:
                last = j  # of equal prices the first
    if first < 0:
        return -1, -1.0
    gap = abs(math.log(slots[first, SLOT_PRICE] / w.mark))  # prices lie in order: one of the ends is farthest
    away = abs(math.log(slots[last, SLOT_PRICE] / w.mark)) if last != first else gap
    return (last, away) if away > gap else (first, gap)


@inlined
def drop(w: State, n: Numbers, side: int, at: int) -> None:
    """Without an entry; what it also closes stays, where the exchange takes so little."""
    slots = w.slot[side]
    closes = slots[at, SLOT_EXIT]
    if closes > 0 and closes * slots[at, SLOT_PRICE] >= n.min_value:
        slots[at, SLOT_SIZE], slots[at, SLOT_ENTRY] = closes, 0
    else:
        w.resting[side] &= ~(1 << at)


@inlined
def only_closes(w: State, side: int, steps: int, standing: int) -> bool:
    """True where a rung's order, with all that stands before it on its side, can only reduce the position."""
    if w.pos == 0 or (w.pos > 0) == (side == 0):
        return False
    return bool(standing + steps <= abs(w.pos))
