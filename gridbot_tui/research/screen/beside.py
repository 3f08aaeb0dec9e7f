"""What the other symbols of a shared account come to, compiled: sums that a symbol's own functions add to their own.

Each symbol's record holds its part (``reckon``) and the sums over all others (``engine_side``, ``exchange_side``). With
one symbol all sums stay 0, so that the functions of a symbol are the same whether it is alone or not.
"""

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.gate import bought, orders_case, sold
from gridbot_tui.research.screen.money import maintenance
from gridbot_tui.research.screen.numbers import CUT, AllNumbers, Numbers
from gridbot_tui.research.screen.state import (
    BIDS,
    ON_LADDER,
    PRICE,
    RESTS,
    SIDE,
    SINGLES,
    TOTAL_FAR,
    TOTAL_OPENS,
    TOTAL_SIZE,
    TOTAL_VALUE,
    WATCHED,
    XLEFT,
    State,
    States,
)
from gridbot_tui.research.screen.venue import exposure


@compiled
def reckon(w: State, n: Numbers) -> None:
    """The symbol's own part of the account, as the engine sees it now."""
    w.own = (w.cash + w.pos * w.mark) * n.unit - w.fees + w.paid
    if n.spot:
        w.own += w.dust / CUT * w.mark * n.tick
    w.own_held = abs(w.pos) * w.mark * n.unit
    w.own_needs = 0.0
    if w.pos and not n.spot:
        for i in range(n.lines):
            w.own_needs = max(w.own_needs, w.own_held * n.line[i, 0] - n.line[i, 1])
    buys, opens = orders_case(w, n, 0, 0, 0)
    sells, _ = orders_case(w, n, 1, 0, 0)
    w.stands_exposed, w.stands_loss = _case(w, n, buys, opens, sells)
    _reckon_plan(w, n)


@inlined
def _reckon_plan(w: State, n: Numbers) -> None:
    """Worst exposure and loss of what is planned of the symbol, at its position and mark of now."""
    buys, sells = (w.plan_buys, w.plan_bought, w.plan_lowest), (w.plan_sells, w.plan_sold, w.plan_highest)
    w.plan_exposed, w.plan_loss = _case(w, n, buys, w.plan_opens, sells)


@inlined
def plan_as_placed(w: State, n: Numbers) -> None:
    """The slots that rest are what is planned."""
    b, s = w.total[0], w.total[1]
    w.plan_buys, w.plan_bought, w.plan_lowest, w.plan_opens = (
        b[TOTAL_SIZE], b[TOTAL_VALUE], b[TOTAL_FAR], b[TOTAL_OPENS])  # fmt: skip
    w.plan_sells, w.plan_sold, w.plan_highest = s[TOTAL_SIZE], s[TOTAL_VALUE], s[TOTAL_FAR]
    _reckon_plan(w, n)


@inlined
def _case(
    w: State, n: Numbers, buys: tuple[int, int, int], opens: int, sells: tuple[int, int, int]
) -> tuple[float, float]:
    """(exposure, loss) of the worst case, quote: ``risk.exposure.SymbolExposure.case``."""
    b, falls = bought(buys, opens, w.pos, w.mark)
    s, rises = sold(sells, w.pos, w.mark)
    exposed = max(abs(w.pos) * w.mark, b, s) * n.unit
    return exposed, 0.0 if n.spot else max(0, -falls, -rises) * n.unit


@compiled
def engine_side(ws: States, ns: AllNumbers, many: int, i: int, planned: bool) -> None:
    """Sums over all but symbol ``i``, of what stands or of what is ``planned``.

    Each has been reckoned since anything of it changed: with the bars, and after its news and its comparison.
    """
    worth = held = needs = exposed = loss = gaps = 0.0
    for j in range(many):
        if j != i:
            o = ws[j]
            worth += o.own
            held += o.own_held
            needs += o.own_needs
            mine = o.plan_exposed if planned else o.stands_exposed
            exposed += mine
            loss += o.plan_loss if planned else o.stands_loss
            gaps += mine * (o.gap if o.gap > 0.0 else ns[j].unknown_gap)
    w = ws[i]
    w.beside, w.held_beside, w.needs_beside = worth, held, needs
    w.exposed_beside, w.loss_beside, w.gaps_beside = exposed, loss, gaps


@compiled
def exchange_side(ws: States, ns: AllNumbers, many: int, i: int) -> None:
    """What the exchange counts of all but symbol ``i``."""
    balance = needs = taken = 0.0
    stops = held = 0
    for j in range(many):
        if j != i:
            o, n = ws[j], ns[j]
            if n.spot:
                balance += o.xcash * n.unit - o.xfees - _locked(o) * n.unit
                continue
            balance += (o.xcash + o.xpos * o.xmark) * n.unit - o.xfees + o.xpaid
            if o.xpos:
                held += 1
                needs += maintenance(n, abs(o.xpos) * o.xmark * n.unit)
            taken += n.unit * exposure(o, o.xbuys, o.xsells) / n.leverage
            for k in range(o.length[SINGLES]):
                stops += o.order[o.live[SINGLES, k], RESTS] == WATCHED
    w = ws[i]
    w.xbeside, w.xneeds_beside, w.xtaken_beside, w.stops_beside, w.held_many_beside = balance, needs, taken, stops, held


@inlined
def _locked(o: State) -> int:
    """Quote that a spot symbol's resting buys hold, ticks x steps."""
    found = 0
    for listed in (BIDS, SINGLES):
        for k in range(o.length[listed]):
            row = o.order[o.live[listed, k]]
            if row[RESTS] == ON_LADDER and row[SIDE] > 0:
                found += row[PRICE] * row[XLEFT]
    return found


