"""Closed bars against resting orders, compiled: ``exchange.simulated.matching`` and ``liquidation``."""

import math

from gridbot_tui.research.screen.compiled import compiled
from gridbot_tui.research.screen.money import balance, cut, maintenance, slipped
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    EXPIRED,
    FILLED_BY,
    KIND,
    NOWHERE,
    PEG,
    PLACE,
    PRICE,
    RESTS,
    SIDE,
    SINGLES,
    TRIGGERED,
    WATCHED,
    XLEFT,
    Integers,
    State,
)
from gridbot_tui.research.screen.venue import FORCED, NEVER, best, end, execute, pay, settle, take_market, tell, watch

OPEN, HIGH, LOW, CLOSE, MARK_HIGH, MARK_LOW, MARK, PRESENT = range(8)
"""Columns of a bar, ticks."""


@compiled
def play(w: State, n: Numbers, bar: Integers, volume: float, funding: float) -> None:
    """One moment of the market on the exchange: the bar, then what settles."""
    if w.unwatched:
        watch(w, n)
    if bar[PRESENT]:
        if (
            bar[LOW] < w.next_buy
            or bar[HIGH] > w.next_sell
            or bar[MARK_LOW] <= w.low_watch
            or bar[MARK_HIGH] >= w.high_watch
        ):
            trade(w, n, bar, volume)
            w.unwatched = 1
        w.last, w.xmark = bar[CLOSE], bar[MARK]
    if not math.isnan(funding) and w.xpos:
        w.settled += 1
        pay(w, -cut(w.xpos * w.xmark * n.unit * funding), 0)
        solvent(w, n, w.xmark, w.last)
        w.unwatched = 1


@compiled
def trade(w: State, n: Numbers, bar: Integers, volume: float) -> None:
    """Both extremes of a bar in which something may happen."""
    if w.xpos:
        side = 1 if w.xpos > 0 else -1
    else:
        side = 1 if bar[OPEN] - bar[LOW] <= bar[HIGH] - bar[OPEN] else -1
    budget = int(volume * n.volume_share / n.step) if n.volume_share > 0.0 else NEVER
    for _ in range(2):
        budget = _through(w, n, bar, side, budget)
        _risk(w, n, bar, side)
        if w.bust:
            return
        side = -side


@compiled
def _through(w: State, n: Numbers, bar: Integers, side: int, budget: int) -> int:
    """Fill the orders of one side that the bar trades beyond, best first; the volume that is left."""
    while budget > 0:
        row = best(w, side)
        if row < 0:
            break
        o = w.order[row]
        if bar[LOW] >= o[PRICE] if side > 0 else bar[HIGH] <= o[PRICE]:
            break
        steps = min(o[XLEFT], budget)
        if o[KIND] == PEG and not n.spot:
            steps = min(steps, abs(w.xpos))
        budget -= steps
        whole = steps == o[XLEFT]
        execute(w, n, row, o[PRICE], steps, 1)
        if not whole:
            break
    return budget


@compiled
def _risk(w: State, n: Numbers, bar: Integers, side: int) -> None:
    """Stops and liquidation at the mark extreme that goes with the orders of a side."""
    if n.spot:
        return
    falling = side > 0
    basis = min(0, bar[LOW] - bar[MARK_LOW]) if falling else max(0, bar[HIGH] - bar[MARK_HIGH])
    hits = 0
    while hits < w.count:
        row = _hit(w, bar, falling)
        if row < 0:
            break
        hits += 1
        trigger = w.order[row, PRICE]
        reached = min(trigger, bar[OPEN]) if falling else max(trigger, bar[OPEN])
        at = trigger + basis
        price = max(min(at, bar[OPEN]), bar[LOW]) if falling else min(max(at, bar[OPEN]), bar[HIGH])
        reached = min(max(reached, bar[MARK_LOW]), bar[MARK_HIGH])
        if w.xpos:
            w.xmark = reached
            if not solvent(w, n, reached, price):
                return
        w.order[row, RESTS] = NOWHERE
        tell(w, TRIGGERED, row, 0, 0, 0)
        take_market(w, n, row, slipped(price, -side, n))
    extreme = bar[MARK_LOW] if falling else bar[MARK_HIGH]
    if w.xpos * side > 0:
        w.xmark = extreme
        solvent(w, n, extreme, extreme + basis)


@compiled
def _hit(w: State, bar: Integers, falling: bool) -> int:
    """The first stop that the mark range touches; -1 for none."""
    found, first, place = -1, 0, 0
    for i in range(w.length[SINGLES]):
        row = w.live[SINGLES, i]
        o = w.order[row]
        if o[RESTS] != WATCHED or (o[SIDE] < 0) != falling:
            continue
        if o[PRICE] >= bar[MARK_LOW] if falling else o[PRICE] <= bar[MARK_HIGH]:
            ahead = o[PRICE] - first if falling else first - o[PRICE]
            if found < 0 or ahead > 0 or (ahead == 0 and o[PLACE] < place):
                found, first, place = row, o[PRICE], o[PLACE]
    return found


@compiled
def solvent(w: State, n: Numbers, mark: int, price: int) -> bool:
    """Judge the margin at a mark; liquidate at ``price`` where it is gone, and then False."""
    if n.spot or not w.xpos:
        return True
    if balance(w, n, mark) > maintenance(n, abs(w.xpos * mark * n.unit)) + w.xneeds_beside:
        return True
    if w.shared:  # the others' positions go, too: that is their caller's to do
        w.bust, w.bust_at = 1, price
        return False
    w.liquidations += 1
    for _ in range(w.taken):  # in the order in which they were taken
        if w.count == 0:
            break
        row = open_since(w)
        if row < 0:
            break
        end(w, row, EXPIRED)
    force(w, n, max(1, price))
    missing = -balance(w, n, 0)
    if missing > 0.0:
        pay(w, missing, 1)
    return False


@compiled
def open_since(w: State) -> int:
    """The oldest order that stands on the exchange; -1 for none."""
    found, oldest = -1, 0
    for listed in range(3):
        for i in range(w.length[listed]):
            o = w.order[w.live[listed, i]]
            if o[RESTS] != NOWHERE and (found < 0 or o[PLACE] < oldest):
                found, oldest = w.live[listed, i], o[PLACE]
    return found


@compiled
def force(w: State, n: Numbers, at: int) -> None:
    """The exchange closes the position at a price, and takes its clearance fee."""
    held = w.xpos
    side = -1 if held > 0 else 1
    settle(w, n, side, at, abs(held), 0)
    tell(w, FILLED_BY, FORCED, at, side * abs(held), 0)
    fee = cut(abs(at * held * n.unit) * n.liquidation_fee)
    if fee:
        pay(w, -fee, 1)
