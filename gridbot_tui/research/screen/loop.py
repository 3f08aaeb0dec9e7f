"""The run itself, compiled: moments of the market to fills to plans to orders, one symbol, one pass."""

import math

from gridbot_tui.research.screen import bars, learn, quiet, shadows
from gridbot_tui.research.screen.account import guard, losses, mark, review
from gridbot_tui.research.screen.book import begin
from gridbot_tui.research.screen.compiled import compiled, entry, inlined
from gridbot_tui.research.screen.fixed import lay
from gridbot_tui.research.screen.hear import listen
from gridbot_tui.research.screen.money import equity
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.plans import AT, HOURS, TOUCH_ABOVE, TOUCH_BELOW, adopt, shadow, voted
from gridbot_tui.research.screen.reconcile import converge
from gridbot_tui.research.screen.state import (
    HOUR_NOTED,
    HOUR_WEIGHT,
    NOTED_AT,
    NOTED_SIDE,
    NOTED_WHAT,
    TAKER,
    TIER_NOTE,
    Floats,
    Integers,
    State,
)
from gridbot_tui.research.screen.venue import serve

TIME, FIRST_ROW, ROWS, DECIDES, DAY, ENDS, SAMPLE = range(7)
"""Columns of a moment's plan of events: when, rows of features that close with it, whether that asks for a plan,
whether a UTC day ends, whether an episode does, the place of its equity in the hourly curve (-1 = none)."""


@entry
def run(
    w: State, n: Numbers, tape: Integers, times: Integers, volume: Floats, funding: Floats, features: Floats,
    stretch: Integers, ends: Integers, rates: Floats, blocks: Integers, averaged: Floats, start: int,
    notes: Integers, sums: Floats, curve: Floats, hours: Floats,
) -> int:  # fmt: skip
    """Play every moment; how many fills there were.

    ``curve`` (equity at each full hour) is written, and, unless they are empty, ``notes`` (see ``NOTED_WHAT``) with
    ``sums`` (unit value and its peak, of a change of tier) and ``hours`` (see ``HOUR_NOTED``).
    """
    open_books(w, n, start)
    w.noting = 1 if len(notes) else 0
    for s in range(len(stretch)):
        m, end = stretch[s, quiet.FIRST], stretch[s, quiet.END]
        while m < end:
            passed = quiet.pass_over(w, n, tape, times, blocks, m, stretch, s, averaged[s])
            if passed:
                m += passed
                continue
            for i in range(8):  # views of the market's own arrays would be counted, and counting costs
                w.bar[i] = tape[m, i]
            for i in range(7):
                w.plan[i] = 0
            w.plan[TIME], w.plan[SAMPLE] = times[m], -1
            _moment(w, n, volume[m], funding[m], features, notes, sums, curve, hours, m)
            m += 1
        if end < len(tape):
            for i in range(8):
                w.bar[i] = ends[s, i]
            for i in range(7):
                w.plan[i] = ends[s, 8 + i]
            _moment(w, n, rates[s, 0], rates[s, 1], features, notes, sums, curve, hours, end)
    w.value_now = equity(w, n) / n.capital
    return int(w.made)


@compiled
def _moment(
    w: State, n: Numbers, volume: float, rate: float, features: Floats, notes: Integers, sums: Floats, curve: Floats,
    hours: Floats, number: int,
) -> None:  # fmt: skip
    """One moment in full: the exchange, what it tells, what the engine makes of it, and what comes of that."""
    w.at = w.plan[TIME]
    bars.play(w, n, w.bar, volume, rate)
    if w.events:
        listen(w, n, notes, number)
    if not math.isnan(rate):
        _funded(w, n, rate)
    tier = w.tier
    _bar(w, n, features)
    if w.tier != tier and w.noting:
        note_tier(w, notes, sums, number)
    if w.plan[SAMPLE] >= 0:
        curve[w.plan[SAMPLE]] = w.value_now * n.capital
        if w.noting:
            note_hour(w, hours[w.plan[SAMPLE]])
    while w.requests:
        serve(w, n)
        listen(w, n, notes, number)


@compiled
def note_tier(w: State, notes: Integers, sums: Floats, number: int) -> None:
    """Write another tier down."""
    if w.noted < len(notes):
        f = notes[w.noted]
        f[NOTED_WHAT], f[NOTED_AT], f[NOTED_SIDE] = TIER_NOTE, number, w.tier
        sums[w.noted, 0], sums[w.noted, 1] = w.value, w.peak
    w.noted += 1


@compiled
def note_hour(w: State, h: Floats) -> None:
    """Write down how an hour ends."""
    h[HOUR_NOTED] = w.noted
    for k in range(3):
        h[HOUR_WEIGHT + k] = w.belief[learn.WEIGHT + k]


@compiled
def open_books(w: State, n: Numbers, start: int) -> None:
    """Before the first bar: an account with its capital, weights at the prior."""
    begin(w)
    for k in range(3):
        w.three[k, shadows.DAY_EQUITY] = math.nan
        w.three[k, shadows.BELOW], w.three[k, shadows.ABOVE] = -math.inf, math.inf
        w.fine[k] = -1
    w.shadow_low, w.shadow_high = -math.inf, math.inf
    learn.begin(w.belief, (n.prior_up, n.prior_down, n.prior_neutral))
    w.at, w.shaped_turn = start, -1
    w.value = w.peak = w.top = w.high = 1.0
    w.sampled_at = w.marked_at = start
    w.left = n.enter3
    w.unwind = math.nan
    w.unwatched = 1


@compiled
def _funded(w: State, n: Numbers, rate: float) -> None:
    """The market's rate is heard of: the paper grids pay it at the last close."""
    for k in range(3):
        w.three[k, shadows.CASH] -= w.three[k, shadows.POSITION] * w.shadow_close * rate
    if w.dirty:
        w.turn += 1
        converge(w, n)


@compiled
def _bar(w: State, n: Numbers, features: Floats) -> None:
    """What the engine makes of a moment: prices, paper grids, decision, account, and then its orders."""
    plan = w.plan
    if w.bar[bars.PRESENT]:
        absorb(w, n, w.bar)
    for row in range(plan[FIRST_ROW], plan[FIRST_ROW] + plan[ROWS]):
        for i in range(len(w.feature)):
            w.feature[i] = features[row, i]
        hour(w, n, w.feature)
    if plan[DAY]:
        _day(w, n)
    if n.plain and plan[DECIDES]:
        w.warm = 1
    if mark(w, n) and w.planned and w.tier != 3 and w.warm:
        _plan(w, n)
    if plan[ENDS]:
        end_episode(w, n)
    if plan[DECIDES]:
        losses(w, n)
        if w.warm and not w.episode_over:
            _plan(w, n)
    each_bar(w, n)
    if w.dirty:
        w.turn += 1
        converge(w, n)
    if w.dirty:
        converge(w, n)


@compiled
def _plan(w: State, n: Numbers) -> None:
    """A new plan, of whichever kind."""
    if n.plain:
        lay(w, n, w.feature)
    else:
        adopt(w, w.feature, n)


@inlined
def absorb(w: State, n: Numbers, bar: Integers) -> None:
    """Prices, and fills of the paper grids."""
    if w.close == 0:
        w.dirty = 1
    w.close, w.mark, w.mark_at, w.episode_over = bar[bars.CLOSE], bar[bars.MARK], w.at, 0
    low, high = bar[bars.LOW] * n.tick, bar[bars.HIGH] * n.tick
    w.shadow_close = bar[bars.CLOSE] * n.tick
    if low < w.shadow_low or high > w.shadow_high:
        shadows.bars(w.three, high, low, w.shadow_close, n.tick, n.maker, w.near)
        w.shadow_low, w.shadow_high = shadows.quiet(w.three)


@inlined
def hour(w: State, n: Numbers, f: Floats) -> None:
    """A decision bar has closed: votes, and the paper grids' next plans."""
    w.alive = 1 if f[HOURS] >= n.warmup else 0
    if not n.plain:
        w.warm = w.alive
    if not w.alive:
        return
    said = voted(f, n)
    w.up, w.down, w.flat = said
    w.shadow_close = f[AT]
    for k in range(3):
        shadow(w.three[k], k, f, said, n)
        shadows.arm(w.three[k], f[AT], n.tick, f[TOUCH_BELOW], f[TOUCH_ABOVE])
    w.shadow_low, w.shadow_high = shadows.quiet(w.three)


@compiled
def _day(w: State, n: Numbers) -> None:
    """A UTC day is over: the weights learn from the paper grids' returns."""
    alive, at = w.alive != 0, w.shadow_close
    up, down = shadows.day(w.three[0], at, alive), shadows.day(w.three[1], at, alive)
    flat = shadows.day(w.three[2], at, alive)
    learn.day(w, n, (up, down, flat), not (math.isnan(up) or math.isnan(down) or math.isnan(flat)))


@compiled
def end_episode(w: State, n: Numbers) -> None:
    """The data stop here for long: everything is closed at the last close, features warm up anew."""
    w.episode_over, w.planned, w.priced, w.epoch, w.warm, w.hole, w.dirty = 1, 0, 0, 0, 0, 1, 1
    w.alive = w.laid = 0
    w.feature[HOURS] = 0.0
    w.gap = 0.0
    for k in range(3):
        shadows.close(w.three[k], w.shadow_close, n.taker)
    w.shadow_low, w.shadow_high = shadows.quiet(w.three)


@inlined
def each_bar(w: State, n: Numbers) -> None:
    """After the bar: guards, passive targets, and what waits for time to pass."""
    w.repeg = 1
    guard(w, n)
    if w.compared_on and (w.pos or w.count) and (w.compared_style == TAKER or w.pos != w.compared_target):
        w.dirty = 1
    if w.churned:
        w.dirty = 1
    review(w, n)
