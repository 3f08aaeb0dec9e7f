"""Our orders, compiled: rows of a table in the order in which they came, and what slows their creation down."""

from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    ASKS,
    BIDS,
    CANCEL_IT,
    CANCELLING,
    EPOCH,
    GRID,
    KIND,
    LEFT,
    LIFE,
    NOWHERE,
    NUMBER,
    ORDERS,
    PLACE,
    PLACE_IT,
    PRICE,
    REJECTS,
    RESTS,
    ROW,
    RUNG,
    SENDING,
    SIDE,
    SINGLES,
    SIZE,
    STOP,
    WHAT,
    WHOSE,
    WIRE,
    XLEFT,
    NoRoom,
    State,
)

CHURN_KEPT: Final = 256
"""Creates of a side that are remembered; far more than a window of ten minutes holds."""
WOULD_TAKE: Final = 5022
"""Code of a post-only refusal."""


@compiled
def begin(w: State) -> None:
    """All rows are free."""
    for i in range(ORDERS):
        w.free[i] = ORDERS - 1 - i
    w.count = 0
    for k in range(3):
        w.length[k] = w.sending[k] = w.cancelling[k] = 0


@inlined
def list_of(kind: int, side: int) -> int:
    """Which list an order is in."""
    if kind != GRID:
        return SINGLES
    return BIDS if side > 0 else ASKS


@compiled
def intend(w: State, n: Numbers, kind: int, side: int, price: int, steps: int, rung: int) -> None:
    """A new order, and the request for it. ``side``: +1 or -1."""
    if w.count >= ORDERS or w.requests >= WIRE:
        raise NoRoom("more orders at once than an account may have")
    row = w.free[ORDERS - 1 - w.count]
    listed = list_of(kind, side)
    w.live[listed, w.length[listed]] = row
    w.length[listed] += 1
    w.sending[listed] += 1
    w.count += 1
    w.issued += 1
    o = w.order[row]
    o[PRICE], o[SIZE], o[XLEFT], o[LEFT], o[RUNG], o[EPOCH] = price, steps, steps, steps, rung, w.epoch
    o[SIDE], o[KIND], o[LIFE], o[NUMBER], o[PLACE], o[RESTS] = side, kind, SENDING, w.issued, 0, NOWHERE
    _ask(w, PLACE_IT, row)
    if kind == GRID:
        s = 0 if side > 0 else 1
        w.known[s] = -1
        at = w.churn[s, 1] % CHURN_KEPT
        w.churn_at[s, at], w.churn_rung[s, at] = w.at, rung
        w.churn[s, 1] += 1
    else:
        w.seen = 0


@inlined
def cancel(w: State, row: int) -> None:
    """A cancel leaves."""
    live(w, row, CANCELLING)
    _ask(w, CANCEL_IT, row)


@inlined
def live(w: State, row: int, life: int) -> None:
    """An order goes on like this; how many of a list are being sent and cancelled is counted."""
    o = w.order[row]
    listed = list_of(o[KIND], o[SIDE])
    if listed == SINGLES:
        w.seen = 0
    w.sending[listed] -= o[LIFE] == SENDING
    w.cancelling[listed] += (life == CANCELLING) - (o[LIFE] == CANCELLING)
    o[LIFE] = life


@inlined
def _ask(w: State, what: int, row: int) -> None:
    at = w.requests
    w.request[at, WHAT], w.request[at, ROW], w.request[at, WHOSE] = what, row, w.order[row, NUMBER]
    w.requests += 1


@inlined
def forget(w: State, row: int) -> None:
    """An order has ended."""
    listed = list_of(w.order[row, KIND], w.order[row, SIDE])
    if listed == SINGLES:
        w.seen = 0
    many, kept = w.length[listed], 0
    for i in range(many):  # all are moved up alike: there is no branch to guess
        one = w.live[listed, i]
        w.live[listed, kept] = one
        kept += one != row
    if kept < many:
        w.length[listed] = kept
        w.sending[listed] -= w.order[row, LIFE] == SENDING
        w.cancelling[listed] -= w.order[row, LIFE] == CANCELLING
        w.count -= 1
        w.free[ORDERS - 1 - w.count] = row
        w.order[row, NUMBER] = 0


@compiled
def churns(w: State, n: Numbers, side: int, rung: int) -> bool:
    """True where a rung keeps being created again: it waits."""
    start = w.at - n.churn_ms
    first, last = max(w.churn[side, 0], w.churn[side, 1] - CHURN_KEPT), w.churn[side, 1]
    while first < last and w.churn_at[side, first % CHURN_KEPT] <= start:
        first += 1
    w.churn[side, 0] = first
    if last - first <= n.churn_creates:
        return False
    again = 0
    for i in range(first, last):
        again += w.churn_rung[side, i % CHURN_KEPT] == rung
    return bool(again >= n.churn_repeats)


@inlined
def purpose(kind: int) -> int:
    """Row of ``circuit``: rung, target, stop."""
    return 0 if kind == GRID else 2 if kind == STOP else 1


@inlined
def held_back(w: State, n: Numbers, what: int, side: int) -> bool:
    """True while the exchange keeps refusing such orders and it is not time for a probe."""
    return bool(w.circuit[what, side, 0] >= n.refusals and w.at < w.circuit[what, side, 2])


@inlined
def probing(w: State, n: Numbers, what: int, side: int) -> bool:
    """True where only one order may go out, as a probe."""
    return bool(w.circuit[what, side, 0] >= n.refusals)


@compiled
def refused(w: State, n: Numbers, kind: int, sign: int, code: int) -> None:
    """A definite no: count it, but for post-only ones."""
    if code == WOULD_TAKE:
        return
    circuit = w.circuit[purpose(kind), 0 if sign > 0 else 1]
    if circuit[1] != code:
        circuit[0], circuit[1] = 0, code
    circuit[0] += 1
    if circuit[0] >= n.refusals:
        circuit[2] = w.at + (n.probe_ms if kind == GRID else n.probe_stop_ms)
    w.refused_at[w.refusals % 256] = w.at
    w.refusals += 1
    if rejected(w) >= n.breaker_rejects:
        w.fine[REJECTS] = -1
        if not w.open[REJECTS]:
            w.open[REJECTS] = w.dirty = 1
            w.shaped_turn = -1


@compiled
def rejected(w: State) -> int:
    """Refusals of the last ten minutes."""
    found = 0
    for i in range(max(0, w.refusals - 256), w.refusals):
        found += w.refused_at[i % 256] > w.at - 600_000
    return found


@inlined
def accepted(w: State, kind: int, sign: int) -> None:
    """Whatever refused such orders before is over; what closes or protects is of one side at a time."""
    w.circuit[purpose(kind), 0 if sign > 0 else 1, 0] = 0
    if kind != GRID:
        w.circuit[purpose(kind), 1 if sign > 0 else 0, 0] = 0
