"""The run of several symbols on one account, compiled: one pass over the moments at which anything closes.

What a symbol does is done by the same functions as where it is alone (``loop``). Here is what an account with several
adds: whose turn it is, in the order of engine and exchange; the lines in which events and requests of all symbols
stand; tiers, breakers and weights, which are the account's; and a liquidation, which takes all positions.
"""

import math

from gridbot_tui.research.screen import bars, learn, shadows
from gridbot_tui.research.screen.account import falls_fast, mark_at, trip
from gridbot_tui.research.screen.beside import engine_side, reckon
from gridbot_tui.research.screen.compiled import compiled, entry
from gridbot_tui.research.screen.hear import hear
from gridbot_tui.research.screen.joint import any_dirty, converge, decide, enter, leave, touch_all
from gridbot_tui.research.screen.loop import absorb, each_bar, end_episode, hour, note_hour, note_tier, open_books
from gridbot_tui.research.screen.numbers import AllNumbers
from gridbot_tui.research.screen.several_venue import DECIDES, ENDS, FIRST_ROW, ROWS, play_all, serve_all
from gridbot_tui.research.screen.state import (
    CASH,
    GROUPED,
    LINE,
    LOSSES,
    WANTED,
    WHAT,
    Floats,
    Integers,
    States,
)

TIME, DAY, SAMPLE, GROUP = range(4)
"""Columns of a moment: when, whether a UTC day ends, the place of its equity in the hourly curve (-1 = none), and the
row of ``groups`` in force behind it."""


@entry
def run_several(
    ws: States, ns: AllNumbers, moments: Integers, tape: Integers, when: Integers, volume: Floats, first_bar: Integers,
    happenings: Integers, rates: Floats, first_happening: Integers, features: Floats, groups: Integers, start: int,
    notes: Integers, sums: Floats, curve: Floats, hours: Floats, room: Integers,
) -> int:  # fmt: skip
    """Play every moment; how many fills there were.

    ``ws`` has one record more than there are symbols: the account's. ``first_bar`` and ``first_happening`` say where
    each symbol's rows begin, and one more where all end. ``room`` has rows of whole numbers to work in: see
    ``state.LINE``.
    """
    many = len(ns)
    a = ws[many]
    for i in range(many + 1):
        w = ws[i]
        open_books(w, ns[min(i, many - 1)], start)
        w.shared, w.symbol, w.noting = 1, i, 1 if len(notes) else 0
        if i < many:
            w.next_bar, w.next_happening = first_bar[i], first_happening[i]
    for i in range(many):
        room[GROUPED, i] = -1
    for m in range(len(moments)):
        at = moments[m, TIME]
        for i in range(many + 1):
            ws[i].at = at
        play_all(ws, ns, many, tape, when, volume, first_bar, happenings, rates, first_happening, room)
        _hear_all(ws, ns, many, notes, m, room)
        _settled(ws, ns, many, room)
        tier = a.tier
        if moments[m, DAY]:
            for i in range(many):
                room[GROUPED, i] = groups[moments[m, GROUP], i]
        _bars_closed(ws, ns, many, moments[m, DAY], features, room)
        if a.tier != tier and a.noting:
            note_tier(a, notes, sums, m)
        if moments[m, SAMPLE] >= 0:
            curve[moments[m, SAMPLE]] = a.value_now * ns[0].capital
            if a.noting:
                note_hour(a, hours[moments[m, SAMPLE]])
        while a.requests:
            serve_all(ws, ns, many, room)
            _hear_all(ws, ns, many, notes, m, room)
    worth, made = ns[0].capital, 0
    for i in range(many):
        worth += ws[i].own
        made += ws[i].made
    a.value_now = worth / ns[0].capital
    return made


@compiled
def _hear_all(ws: States, ns: AllNumbers, many: int, notes: Integers, moment: int, room: Integers) -> None:
    """Everything that the exchange has told, in order; what it touches converges after each."""
    a = ws[many]
    count, a.events = a.events, 0
    for k in range(count):
        i = room[LINE, k]
        w, n = ws[i], ns[i]
        stopped = w.stopped
        enter(ws, many, i)
        if w.event[w.heard, WHAT] == CASH and not w.dirty and any_dirty(ws, many):
            w.turn += 1
        hear(w, n, notes, moment, w.heard)
        w.heard += 1
        leave(ws, many, i)
        reckon(w, n)
        if w.stopped != stopped:
            touch_all(ws, many)
        _converged(ws, ns, many, room)
    for i in range(many):
        w = ws[i]
        w.events = w.lined = w.heard = 0


@compiled
def _converged(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """As after every event."""
    again = 2
    while again and any_dirty(ws, many):
        converge(ws, ns, many, room)
        again -= 1


@compiled
def _settled(ws: States, ns: AllNumbers, many: int, room: Integers) -> None:
    """The market's rates are heard of: the paper grids pay them at the last close."""
    some = False
    for i in range(many):
        w = ws[i]
        if not math.isnan(w.rate_now):
            some = True
            for k in range(3):
                w.three[k, shadows.CASH] -= w.three[k, shadows.POSITION] * w.shadow_close * w.rate_now
    if some and any_dirty(ws, many):
        ws[many].turn += 1
        _converged(ws, ns, many, room)


@compiled
def _bars_closed(ws: States, ns: AllNumbers, many: int, day: int, features: Floats, room: Integers) -> None:
    """``engine.on_market.bars_closed``: prices and paper grids, the day, the account, plans, and then orders."""
    a, decides = ws[many], False
    for i in range(many):
        w, n = ws[i], ns[i]
        if w.bar[bars.PRESENT]:
            absorb(w, n, w.bar)
        for row in range(w.plan[FIRST_ROW], w.plan[FIRST_ROW] + w.plan[ROWS]):
            for k in range(len(w.feature)):
                w.feature[k] = features[row, k]
            hour(w, n, w.feature)
        if w.plan[DECIDES]:
            decides = True
            if n.plain:
                w.warm = 1
    if day:
        _day(ws, ns, many)
    for i in range(many):
        reckon(ws[i], ns[i])
    if _mark(ws, ns, many) and a.tier != 3:
        for i in range(many):
            w = ws[i]
            room[WANTED, i] = 1 if w.planned and w.warm and not w.episode_over else 0
        decide(ws, ns, many, room)
    for i in range(many):
        if ws[i].plan[ENDS]:
            end_episode(ws[i], ns[i])
            a.hole = 1
    if decides:
        if falls_fast(a, ns[0]):
            for i in range(many):
                trip(ws[i], LOSSES)
        some = False
        for i in range(many):
            w = ws[i]
            room[WANTED, i] = 1 if w.plan[DECIDES] and w.warm and not w.episode_over else 0
            some = some or room[WANTED, i] != 0
        if some:
            decide(ws, ns, many, room)
    for i in range(many):
        engine_side(ws, ns, many, i, False)
        each_bar(ws[i], ns[i])
    if any_dirty(ws, many):
        a.turn += 1
        _converged(ws, ns, many, room)


@compiled
def _day(ws: States, ns: AllNumbers, many: int) -> None:
    """A UTC day is over: the weights learn from the mean of the symbols' paper grids."""
    a, n = ws[many], ns[0]
    ups = downs = flats = 0.0
    pooled = 0
    for i in range(many):
        w = ws[i]
        alive, at = w.alive != 0, w.shadow_close
        up, down = shadows.day(w.three[0], at, alive), shadows.day(w.three[1], at, alive)
        flat = shadows.day(w.three[2], at, alive)
        if not (math.isnan(up) or math.isnan(down) or math.isnan(flat)):
            ups, downs, flats, pooled = ups + up, downs + down, flats + flat, pooled + 1
    whole = max(pooled, 1)
    learn.day(a, n, (ups / whole, downs / whole, flats / whole), pooled > 0)
    for i in range(many):
        for k in range(3):
            ws[i].belief[learn.WEIGHT + k] = a.belief[learn.WEIGHT + k]


@compiled
def _mark(ws: States, ns: AllNumbers, many: int) -> bool:
    """Mark the account: drawdown and tier; True where the tier changed."""
    a, n = ws[many], ns[0]
    worth, held, fresh = n.capital, 0.0, True
    for i in range(many):
        w = ws[i]
        worth += w.own
        held += w.own_held
        fresh = fresh and not (w.pos and w.at - w.mark_at > n.stale_after)
    changed = mark_at(a, n, worth, held, fresh)
    if a.dirty:
        a.dirty = 0
        touch_all(ws, many)
    for i in range(many):
        ws[i].tier, ws[i].left = a.tier, a.left
    return changed

