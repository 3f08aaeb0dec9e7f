"""What stands against what ought to, compiled: ``engine.converge`` and ``orders.reconcile`` over rows."""

from gridbot_tui.research.screen.book import churns, held_back, intend, probing
from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.desire import shape
from gridbot_tui.research.screen.gate import Totals, exceeds, only_closes, orders_case
from gridbot_tui.research.screen.match import match
from gridbot_tui.research.screen.money import equity
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.single import work_stop, work_target
from gridbot_tui.research.screen.state import (
    GRID,
    KIND,
    LIFE,
    LOSSES,
    MARKET,
    MOST,
    PASSIVE,
    PEG,
    SINGLES,
    SLOT_ENTRY,
    SLOT_PRICE,
    SLOT_RUNG,
    SLOT_SIZE,
    STANDS,
    STOP,
    State,
)

LEAVES, BARRED, CHURNS, PROBES = range(4)
"""What becomes of a missing slot."""


@compiled
def converge(w: State, n: Numbers) -> None:
    """Close the difference between what ought to stand and what does."""
    w.dirty = 0
    if w.shaped_turn != w.turn or w.shaped_at != w.at:
        shape(w, n)
    close_difference(w, n)
    w.repeg = 0
    w.dirty, w.dirty_next = w.dirty_next, 0


@inlined
def close_difference(w: State, n: Numbers) -> None:
    """Compare what was shaped with what stands, and act on it."""
    fresh = w.target_on or not w.seen
    stop, target = False, 0
    if fresh:
        w.seen = 1
        stop = work_stop(w, n)
        target = work_target(w, n)
    w.barred[0], w.barred[1] = w.cancelling[0] > 0, w.cancelling[1] > 0
    w.making[0] = w.making[1] = 0
    probes = missing_in_all = room = counted = w.churned = w.withheld = 0
    for side in range(2):
        known = w.known[side]
        if known == 0 or (known > 0 and w.barred[side]):  # as at the last look: nothing to do, or nothing may be done
            missing_in_all += known
            continue
        missing = known if known > 0 else match(w, n, side)  # known: what was barred may leave now
        missing_in_all += missing
        if missing and not w.barred[side]:
            if not counted:
                room, counted = _room(w, n), 1
            room, probed = _create(w, n, side, missing, room)
            probes = probes or probed
    held = missing_in_all - w.making[0] - w.making[1]
    if stop:
        intend(w, n, STOP, w.stop_side, w.stop_at, w.stop_size, 0)
    if target:
        kind = PEG if w.style == PASSIVE else MARKET
        intend(w, n, kind, 1 if target > 0 else -1, w.close, abs(target), 0)
    if w.making[0] or w.making[1]:
        _send(w, n)
    w.waits = 1 if w.barred[0] or w.barred[1] or probes else 0
    w.compared_on, w.compared_target, w.compared_style = w.target_on, w.target, w.style
    if fresh:
        w.unsure = _unsure(w)
    w.done_with = 0 if w.waits or w.withheld or w.churned or held or stop or w.target_on or w.unsure else 1


@inlined
def _unsure(w: State) -> bool:
    """True where a stop or a target's order is on its way in or out, so that news of it may ask for more."""
    if w.length[SINGLES] != 1:
        return bool(w.length[SINGLES])
    o = w.order[w.live[SINGLES, 0]]
    return bool(o[KIND] != STOP or o[LIFE] != STANDS)


@inlined
def _room(w: State, n: Numbers) -> int:
    """How many more orders the symbol may have; stops do not count."""
    standing = w.count
    for i in range(w.length[SINGLES]):
        standing -= w.order[w.live[SINGLES, i], KIND] == STOP
    return int(n.room - standing)


@inlined
def _create(w: State, n: Numbers, side: int, missing: int, room: int) -> tuple[int, int]:
    """Orders to be made for the slots that have none, nearest first: (room left, 1 where a probe is waited for)."""
    slots = w.slot[side]
    for k in range(1, missing):  # nearly sorted already
        j, at = w.missing[side, k], k
        away = abs(slots[j, SLOT_PRICE] - w.close)
        while at > 0 and abs(slots[w.missing[side, at - 1], SLOT_PRICE] - w.close) > away:
            w.missing[side, at] = w.missing[side, at - 1]
            at -= 1
        w.missing[side, at] = j
    lone, probes = probing(w, n, 0, side), 0
    for k in range(missing):
        j = w.missing[side, k]
        what = _fate(w, n, side, j, room)
        if what == LEAVES and lone and (w.making[0] or w.making[1]):
            what, probes = PROBES, 1
        if what == CHURNS:
            w.churned = 1
        if what == LEAVES:
            room -= 1
            kind = slots[j, SLOT_ENTRY]
            w.make[kind, w.making[kind]] = side * MOST + j
            w.making[kind] += 1
    return room, probes


@inlined
def _fate(w: State, n: Numbers, side: int, j: int, room: int) -> int:
    """Whether a slot's order may leave now."""
    if w.barred[side] or room <= 0:
        return BARRED
    price = w.slot[side, j, SLOT_PRICE]
    if price < n.min_price or price > n.max_price or held_back(w, n, 0, side):
        return BARRED
    far = abs(price - w.close) > n.churn_near * w.close
    if far and w.slot[side, j, SLOT_ENTRY] and churns(w, n, side, w.slot[side, j, SLOT_RUNG]):
        return CHURNS
    return LEAVES


@inlined
def _send(w: State, n: Numbers) -> None:
    """What passes the last look leaves, exits first; it counts everything that stands or may stand."""
    worth = equity(w, n)
    bids, asks = w.known[0], w.known[1]
    buys, opens = orders_case(w, n, 0, 0, 0)
    sells, _ = orders_case(w, n, 1, 0, 0)
    for kind in range(2):
        for k in range(w.making[kind]):
            side, j = w.make[kind, k] // MOST, w.make[kind, k] % MOST
            slot = w.slot[side, j]
            price, steps = slot[SLOT_PRICE], min(slot[SLOT_SIZE], n.max_steps)
            more, after = orders_case(w, n, 0, price, steps) if side == 0 and w.pos < 0 else (buys, opens)
            if side == 1 or w.pos >= 0:
                more = _with(buys if side == 0 else sells, price, steps, side)
            closes = only_closes(w, side, steps, buys[0] if side == 0 else sells[0])
            if not closes or w.noting:
                wrong = exceeds(w, n, more if side == 0 else buys, after, sells if side == 0 else more, worth)
                if not closes and (w.open[LOSSES] or w.stale or wrong):
                    w.withheld = 1
                    continue
                w.most_worst = max(w.most_worst, w.worst)
            intend(w, n, GRID, 1 if side == 0 else -1, price, steps, slot[SLOT_RUNG])
            opens = after
            buys, sells = (more, sells) if side == 0 else (buys, more)
            bids, asks = (bids - 1, asks) if side == 0 else (bids, asks - 1)
    if bids == 0:  # what was missing is on its way, each for its own slot: a comparison would find nothing
        w.known[0] = 0
    if asks == 0:
        w.known[1] = 0


@inlined
def _with(total: Totals, price: int, steps: int, side: int) -> Totals:
    """Totals with one more order."""
    far = price if not total[0] else min(total[2], price) if side == 0 else max(total[2], price)
    return total[0] + steps, total[1] + price * steps, far
