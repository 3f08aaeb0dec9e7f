"""What is decided for several symbols at once, compiled: the gate over the account, trims, the caps on leverage.

``engine.converge``, ``risk.gate`` and ``strategy.portfolio`` over the records of all symbols; the last of them is the
account's own (time, turns, tiers, weights, counters).
"""

import math

from gridbot_tui.research.screen.beside import engine_side, plan_as_placed, reckon
from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.desire import ask, remember
from gridbot_tui.research.screen.fixed import lay
from gridbot_tui.research.screen.gate import SAFE, bought, drop, farthest, slots_case, sold
from gridbot_tui.research.screen.money import equity
from gridbot_tui.research.screen.numbers import AllNumbers, Numbers
from gridbot_tui.research.screen.plans import FAST, SIGMA, draft, enforce, mixed_of
from gridbot_tui.research.screen.reconcile import close_difference
from gridbot_tui.research.screen.state import (
    ASKED,
    GROUPED,
    NAMED,
    SLOT_ENTRY,
    SPENT,
    TOTAL_FAR,
    TOTAL_OPENS,
    TOTAL_SIZE,
    TOTAL_VALUE,
    WANTED,
    WIRE_OF,
    Integers,
    NoRoom,
    State,
    States,
)
from gridbot_tui.research.screen.stops import with_stop
from gridbot_tui.strategy import leverage

stress_gap = leverage.stress_gap


@compiled
def enter(ws: States, many: int, i: int) -> None:
    """The account's counters, for a symbol's own functions."""
    w, a = ws[i], ws[many]
    w.turn, w.taken, w.noted = a.turn, a.taken, a.noted


@compiled
def leave(ws: States, many: int, i: int) -> None:
    """And back."""
    w, a = ws[i], ws[many]
    a.turn, a.taken, a.noted = w.turn, w.taken, w.noted


@compiled
def any_dirty(ws: States, many: int) -> bool:
    """True where a symbol is to be looked at."""
    found = 0
    for i in range(many):
        found += ws[i].dirty
    return found > 0


@compiled
def touch_all(ws: States, many: int) -> None:
    """Every symbol is to be looked at."""
    for i in range(many):
        ws[i].dirty = 1


# -- plans ---------------------------------------------------------------------------------------------------------


@compiled
def decide(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """New plans of the symbols that are wanted, under the caps over all that have one."""
    account = 0.0
    for i in range(many):
        if room[WANTED, i]:
            engine_side(ws, ns, many, i, True)
            w, n = ws[i], ns[i]
            if n.plain:
                lay(w, n, w.feature)
                continue
            worth, mixed, gap = equity(w, n), mixed_of(w, n), stress_gap(w.feature[SIGMA], w.feature[FAST])
            account = max(worth, 1e-9)
            w.drafted = draft(w, w.feature, n, worth, mixed, gap)
            unit = w.drafted * (worth * n.share) / account
            w.part_gross, w.part_bias = unit * max(mixed.upper, -mixed.lower), unit * mixed.bias
            w.part_crash, w.part_held = unit * mixed.upper * gap, w.pos * n.step * (w.close * n.tick) / account
    if account == 0.0:
        return
    for i in range(many):
        w = ws[i]
        if not room[WANTED, i] and w.planned:
            w.part_gross, w.part_bias = w.plan_gross / account, w.plan_bias / account
            w.part_crash, w.part_held = w.plan_crash / account, w.plan_held / account
    common = _common(ws, ns[0], many, room)
    for i in range(many):
        if room[WANTED, i]:
            w, n = ws[i], ns[i]
            multiple = w.drafted * (_clustered(ws, n, many, room, i) * common)
            mixed, gap = mixed_of(w, n), stress_gap(w.feature[SIGMA], w.feature[FAST])
            enforce(w, w.feature, n, equity(w, n), mixed, gap, multiple)


@inlined
def _fit(limit: float, value: float) -> float:
    return 1.0 if value <= limit else limit / value


@compiled
def _clustered(ws: States, n: Numbers, many: int, room: Integers, i: int) -> float:
    """The factor of a symbol's own cluster."""
    if room[GROUPED, i] < 0:
        return 1.0
    inside, total = 0, 0.0
    for j in range(many):
        if room[GROUPED, j] == room[GROUPED, i] and (room[WANTED, j] or ws[j].planned):
            inside += 1
            total += ws[j].part_gross
    return _fit(n.cluster * n.gross, total) if inside > 1 else 1.0


@compiled
def _common(ws: States, n: Numbers, many: int, room: Integers) -> float:
    """The factor that all symbols share."""
    gross = bias = held = crash = 0.0
    for i in range(many):
        w = ws[i]
        if room[WANTED, i] or w.planned:
            own = _clustered(ws, n, many, room, i)
            gross += own * w.part_gross
            bias += own * w.part_bias
            held += w.part_held
            crash += own * w.part_crash
    net = min(_fit(n.net, abs(bias)), _fit(n.net, abs(held)))
    return min(_fit(n.gross, gross), net, _fit(n.crash, crash))


# -- what ought to stand -------------------------------------------------------------------------------------------


@compiled
def converge(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """``engine.converge.converge``: every symbol touched, in name order."""
    a, some = ws[many], False
    for i in range(many):
        w = ws[i]
        room[NAMED, i], room[ASKED, i] = w.dirty, 0
        if w.dirty and not (w.shaped_turn == a.turn and w.shaped_at == a.at):
            room[ASKED, i], some = 1, True
        w.dirty = 0
    if some:
        _join_trimmed(ws, ns, many, room)
        _shape(ws, ns, many, room)
    for i in range(many):
        if room[NAMED, i]:
            w, n = ws[i], ns[i]
            enter(ws, many, i)
            engine_side(ws, ns, many, i, False)
            close_difference(w, n)
            leave(ws, many, i)
            line_up_requests(ws, many, i, room)
            reckon(w, n)
    for i in range(many):
        w = ws[i]
        w.repeg = 0
        w.dirty, w.dirty_next = 1 if w.dirty or w.dirty_next else 0, 0


@compiled
def line_up_requests(ws: States, many: int, i: int, room: Integers) -> None:
    """What a symbol has asked of the exchange stands behind what the others have."""
    w, a = ws[i], ws[many]
    while w.asked < w.requests:
        if a.requests >= SPENT:
            raise NoRoom("more requests in a moment than an account may send")
        room[WIRE_OF, a.requests] = i
        a.requests += 1
        w.asked += 1


@compiled
def _join_trimmed(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """Past the trim level every position shrinks, whoever was touched."""
    a, n = ws[many], ns[0]
    worth, held = n.capital, 0.0
    for i in range(many):
        worth += ws[i].own
        held += ws[i].own_held
    if n.spot or held <= 0.0 or (worth > 0.0 and held / worth <= n.trim):
        return
    keep = n.cap / (held / worth) if worth > 0.0 else 0.0
    for i in range(many):
        w = ws[i]
        if int(w.pos * keep) != w.pos and not room[NAMED, i] and not (w.shaped_turn == a.turn and w.shaped_at == a.at):
            room[NAMED, i] = room[ASKED, i] = 1


@compiled
def _shape(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """Targets and slots of the symbols asked about, under the account's limits, with their stops."""
    worth = 0.0
    for i in range(many):
        if room[ASKED, i]:
            w, n = ws[i], ns[i]
            enter(ws, many, i)
            engine_side(ws, ns, many, i, True)
            worth = equity(w, n)
            ask(w, n, worth)
            plan_as_placed(w, n)
            w.stale = 1 if w.at - w.mark_at > n.stale_after else 0
            if w.stale:
                _withhold_all(w, n)
    while _too_much(ws, ns, many, worth):
        if not _drop_farthest(ws, ns, many, room):
            break
    for i in range(many):
        if room[ASKED, i]:
            w, n = ws[i], ns[i]
            engine_side(ws, ns, many, i, True)
            w.exposure, reduced = w.plan_exposed, w.reduce_on
            with_stop(w, n, worth)
            remember(w, reduced)


@compiled
def _recount(w: State, n: Numbers, side: int) -> None:
    """A side's slots have changed."""
    totals, opens = slots_case(w, side)
    total = w.total[side]
    total[TOTAL_SIZE], total[TOTAL_VALUE], total[TOTAL_FAR], total[TOTAL_OPENS] = (
        totals[0], totals[1], totals[2], opens)  # fmt: skip
    plan_as_placed(w, n)


@compiled
def _withhold_all(w: State, n: Numbers) -> None:
    """No new risk on a mark that is old."""
    for side in range(2):
        for j in range(w.many[side]):
            if w.slot[side, j, SLOT_ENTRY] and w.resting[side] >> j & 1:
                drop(w, n, side, j)
        _recount(w, n, side)


@compiled
def _too_much(ws: States, ns: AllNumbers, many: int, worth: float) -> bool:
    """``risk.gate.Gate.verdict`` on what is planned."""
    exposed = loss = gaps = 0.0
    n = ns[0]
    for i in range(many):
        w = ws[i]
        exposed += w.plan_exposed
        loss += w.plan_loss
        gaps += w.plan_exposed * (w.gap if w.gap > 0.0 else n.unknown_gap)
    left = worth - loss
    if exposed > 0.0 and (left <= 0.0 or exposed / left > min(n.cap, n.hard) * SAFE):
        return True
    return bool(gaps > max(0.0, worth) * (ws[many].left + n.reserve) * SAFE)


@compiled
def _drop_farthest(ws: States, ns: AllNumbers, many: int, room: Integers) -> bool:
    """Withhold the farthest entry, whoever's, on a side that makes a worst case; False where there is none left."""
    best, symbol, side, place = -math.inf, -1, 0, -1
    for only_worst in range(1, -1, -1):
        for i in range(many):
            if room[ASKED, i]:
                away, s, j = _farthest(ws[i], only_worst)
                if j >= 0 and away > best:
                    best, symbol, side, place = away, i, s, j
        if symbol >= 0:
            break
    if symbol < 0:
        return False
    drop(ws[symbol], ns[symbol], side, place)
    _recount(ws[symbol], ns[symbol], side)
    return True


@compiled
def _farthest(w: State, only_worst: int) -> tuple[float, int, int]:
    """(distance, side, place) of a symbol's farthest entry, on the side that makes its worst case or on either."""
    buy_at, buy_away = farthest(w, 0)
    sell_at, sell_away = farthest(w, 1)
    if only_worst and (buy_at >= 0 or sell_at >= 0):
        buys, sells = (w.plan_buys, w.plan_bought, w.plan_lowest), (w.plan_sells, w.plan_sold, w.plan_highest)
        b, s = bought(buys, w.plan_opens, w.pos, w.mark)[0], sold(sells, w.pos, w.mark)[0]
        if b > s:
            sell_at = -1
        elif s > b:
            buy_at = -1
    if buy_at < 0:
        return sell_away, 1, sell_at
    if sell_at < 0 or buy_away >= sell_away:
        return buy_away, 0, buy_at
    return sell_away, 1, sell_at


