"""The two single orders of a symbol, compiled: ``orders.protect`` over rows."""

from gridbot_tui.research.screen.book import cancel, held_back
from gridbot_tui.research.screen.compiled import inlined
from gridbot_tui.research.screen.money import least, reduction
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import (
    ASKS,
    BIDS,
    CANCELLING,
    FIRED,
    KIND,
    LEFT,
    LIFE,
    MARKET,
    PASSIVE,
    PRICE,
    SENDING,
    SIDE,
    SINGLES,
    SIZE,
    STANDS,
    STOP,
    State,
)


@inlined
def work_stop(w: State, n: Numbers) -> bool:
    """Cancel stops that must go; True where a new one is to be placed."""
    fitting = confirmed = pending = False
    keep = -1
    for i in range(w.length[SINGLES]):
        row = w.live[SINGLES, i]
        o = w.order[row]
        if o[KIND] == STOP and w.stop_on and o[SIDE] == w.stop_side and o[SIZE] == w.stop_size:
            good = abs(o[PRICE] - w.stop_at) <= n.stop_tolerance * w.stop_at
            if good and (o[LIFE] == STANDS or o[LIFE] == SENDING):
                fitting = True
                if o[LIFE] == STANDS:
                    confirmed = True
                    keep = row if keep < 0 else keep
    for i in range(w.length[SINGLES]):
        row = w.live[SINGLES, i]
        o = w.order[row]
        if o[KIND] != STOP:
            continue
        if o[LIFE] == SENDING or o[LIFE] == FIRED or o[LIFE] == CANCELLING:
            pending = pending or o[LIFE] != CANCELLING
        elif not w.stop_on or (row != keep and (confirmed or o[SIDE] != w.stop_side)):
            cancel(w, row)
    if not w.stop_on or fitting or pending:
        return False
    return not held_back(w, n, 2, 0 if w.stop_side > 0 else 1)


@inlined
def work_target(w: State, n: Numbers) -> int:
    """Cancel target orders that must go; the signed steps of a new one, 0 for none."""
    delta = reduction(w.pos, w.target) if w.target_on else 0
    passive = bool(not w.target_on or w.style == PASSIVE)
    if delta and abs(delta) < (least(n, w.close) if n.spot else max(1, n.min_steps)):
        delta = 0
    sign = 1 if delta > 0 else -1
    steps = min(abs(delta), n.max_steps if passive else n.market_max_steps)
    waits = cancels = False
    standing = w.length[BIDS if w.pos <= 0 else ASKS] > 0
    for i in range(w.length[SINGLES]):
        row = w.live[SINGLES, i]
        o = w.order[row]
        if o[KIND] == STOP:
            continue
        busy = o[LIFE] == SENDING or o[LIFE] == CANCELLING or o[KIND] == MARKET
        good = delta and passive and o[SIDE] == sign and o[LEFT] <= steps
        if busy or (good and (not w.repeg or (o[PRICE] == w.close and o[LEFT] == steps))):
            waits = True
        else:
            cancel(w, row)
            cancels = True
    if not delta or waits or cancels or (standing and (n.spot or passive)):
        return 0
    if held_back(w, n, 1, 0 if sign > 0 else 1):
        return 0
    return int(sign * steps)
