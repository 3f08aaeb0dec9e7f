"""The exchange's side of several symbols on one account, compiled: their bars, requests and margin, in its order."""

import math

from gridbot_tui.research.screen import bars
from gridbot_tui.research.screen.bars import force, open_since, trade
from gridbot_tui.research.screen.beside import exchange_side
from gridbot_tui.research.screen.compiled import compiled
from gridbot_tui.research.screen.joint import enter, leave
from gridbot_tui.research.screen.money import balance, cut, maintenance, slipped
from gridbot_tui.research.screen.numbers import AllNumbers
from gridbot_tui.research.screen.state import EXPIRED, LINE, PLACE, SPENT, WIRE_OF, Floats, Integers, NoRoom, States
from gridbot_tui.research.screen.venue import end, pay, serve_one, watch

AT, FIRST_ROW, ROWS, DECIDES, ENDS = range(5)
"""Columns of a symbol's happening: when, rows of features that close with it, whether that asks for a plan, whether an
episode ends."""


@compiled
def play_all(
    ws: States, ns: AllNumbers, many: int, tape: Integers, when: Integers, volume: Floats, first_bar: Integers,
    happenings: Integers, rates: Floats, first_happening: Integers, room: Integers,
) -> None:  # fmt: skip
    """One moment of the market on the exchange: every bar in name order, then what settles."""
    a = ws[many]
    if a.unwatched:
        _watch_all(ws, ns, many)
    for i in range(many):
        w, n = ws[i], ns[i]
        w.bar[bars.PRESENT] = 0
        row = w.next_bar
        if row < first_bar[i + 1] and when[row] == a.at:
            for k in range(8):
                w.bar[k] = tape[row, k]
            w.next_bar += 1
            if (
                w.bar[bars.LOW] < w.next_buy
                or w.bar[bars.HIGH] > w.next_sell
                or w.bar[bars.MARK_LOW] <= w.low_watch
                or w.bar[bars.MARK_HIGH] >= w.high_watch
            ):
                enter(ws, many, i)
                exchange_side(ws, ns, many, i)
                trade(w, n, w.bar, volume[row])
                leave(ws, many, i)
                _line_up(ws, many, i, room)
                if w.bust:
                    _liquidate(ws, ns, many, i, w.bust_at, room)
                w.xmark = w.bar[bars.MARK]
                _watch_all(ws, ns, many)
            w.last, w.xmark = w.bar[bars.CLOSE], w.bar[bars.MARK]
        w.rate_now = math.nan
        w.plan[ROWS] = w.plan[DECIDES] = w.plan[ENDS] = 0
        row = w.next_happening
        if row < first_happening[i + 1] and happenings[row, AT] == a.at:
            for k in range(5):
                w.plan[k] = happenings[row, k]
            w.rate_now = rates[row]
            w.next_happening += 1
    _fund(ws, ns, many, room)


@compiled
def _fund(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """Funding of every symbol that settles, then one look at the margin."""
    first, paid = -1, False
    for i in range(many):
        w, n = ws[i], ns[i]
        if math.isnan(w.rate_now) or n.spot:
            continue
        first = i if first < 0 else first
        if w.xpos:
            w.settled += 1
            pay(w, -cut(w.xpos * w.xmark * n.unit * w.rate_now), 0)
            _line_up(ws, many, i, room)
            paid = True
    if paid:
        w, n = ws[first], ns[first]
        exchange_side(ws, ns, many, first)
        if balance(w, n, w.xmark) <= maintenance(n, abs(w.xpos * w.xmark * n.unit)) + w.xneeds_beside:
            _liquidate(ws, ns, many, first, w.last, room)
        ws[many].unwatched = 1


@compiled
def _watch_all(ws: States, ns: AllNumbers, many: int) -> None:
    """Between which prices a bar concerns nothing, of all symbols at once: they share the margin."""
    ws[many].unwatched = 0
    for i in range(many):
        exchange_side(ws, ns, many, i)
        watch(ws[i], ns[i])


@compiled
def _line_up(ws: States, many: int, i: int, room: Integers) -> None:
    """What the exchange has told of a symbol stands behind what it has told of others."""
    w, a = ws[i], ws[many]
    while w.lined < w.events:
        if a.events >= SPENT:
            raise NoRoom("more events in a moment than bars can make")
        room[LINE, a.events] = i
        a.events += 1
        w.lined += 1


@compiled
def _liquidate(ws: States, ns: AllNumbers, many: int, judged: int, price: int, room: Integers) -> None:
    """``exchange.simulated.liquidation``: every order ends, every position goes, the judged one at ``price``."""
    ws[many].liquidations += 1
    while True:
        symbol, oldest = -1, 0
        for i in range(many):
            row = open_since(ws[i])
            if row >= 0 and (symbol < 0 or ws[i].order[row, PLACE] < oldest):
                symbol, oldest = i, ws[i].order[row, PLACE]
        if symbol < 0:
            break
        end(ws[symbol], open_since(ws[symbol]), EXPIRED)
        _line_up(ws, many, symbol, room)
    for i in range(many):
        w, n = ws[i], ns[i]
        if w.xpos:
            force(w, n, max(1, price) if i == judged else slipped(w.last, -1 if w.xpos > 0 else 1, n))
            _line_up(ws, many, i, room)
    w, n = ws[judged], ns[judged]
    exchange_side(ws, ns, many, judged)
    missing = -balance(w, n, 0)
    if missing > 0.0:
        pay(w, missing, 1)
        _line_up(ws, many, judged, room)
    w.bust = 0


@compiled
def serve_all(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """Every request that has arrived, in order; what it causes is told afterwards."""
    a = ws[many]
    count, a.requests = a.requests, 0
    for k in range(count):
        i = room[WIRE_OF, k]
        w = ws[i]
        enter(ws, many, i)
        exchange_side(ws, ns, many, i)
        serve_one(w, ns[i], w.served)
        w.served += 1
        leave(ws, many, i)
        _line_up(ws, many, i, room)
    for i in range(many):
        w = ws[i]
        w.requests = w.asked = w.served = 0
    a.unwatched = 1
