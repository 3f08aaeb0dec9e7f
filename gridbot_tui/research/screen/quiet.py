"""Bars in which nothing can happen, compiled: passed over many at a time, to the state that one by one would leave.

A stretch of plain bars whose extremes touch no order, stop, margin or paper grid takes the account from its first to
its last mark in one step: while no new peak is made and no tier can change, the averaged drawdown after k bars is
(1 - a)^k before + (1 - (1 - a)^k)(1 - c/peak) - q/peak sum a (1 - a)^j mark, where equity is c + q mark.
"""

import math

from gridbot_tui.research.screen import shadows
from gridbot_tui.research.screen.account import SLACK
from gridbot_tui.research.screen.bars import CLOSE, HIGH, LOW, MARK, MARK_HIGH, MARK_LOW
from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.money import worth_at
from gridbot_tui.research.screen.numbers import CUT, Numbers
from gridbot_tui.research.screen.state import TAKER, Integers, State
from gridbot_tui.research.screen.tape import BLOCK
from gridbot_tui.research.screen.venue import watch

FIRST, END, LOWEST, HIGHEST, LOWEST_MARK, HIGHEST_MARK, LEAST_MARK, MOST_MARK = range(8)
FIRST_AT, LAST_AT, LAST_CLOSE, LAST_MARK, FIRST_BLOCK = range(8, 13)
"""Columns of a stretch. The bars themselves are read only where it does not do: they are too many to be at hand."""


@compiled
def pass_over(
    w: State, n: Numbers, tape: Integers, times: Integers, blocks: Integers, m: int, stretch: Integers, s: int,
    averaged: float,
) -> int:  # fmt: skip
    """How many bars from ``m`` on were passed over; 0 where the next must be looked at in full."""
    if w.unwatched:
        watch(w, n)
    whole = m == stretch[s, FIRST]
    if _restless(w, n) or (stretch[s, FIRST_AT] if whole else times[m]) - w.sampled_at != n.interval:
        return 0
    end = stretch[s, END]
    if (
        stretch[s, LOWEST] < w.next_buy
        or stretch[s, HIGHEST] > w.next_sell
        or stretch[s, LOWEST_MARK] <= w.low_watch
        or stretch[s, HIGHEST_MARK] >= w.high_watch
    ):
        end = _undisturbed(w, tape, blocks, m, stretch, s)
        if end == m:
            return 0
        whole = whole and end == stretch[s, END]
    still = stretch[s, LOWEST] * n.tick >= w.shadow_low and stretch[s, HIGHEST] * n.tick <= w.shadow_high
    count = 0
    if whole and _within(w, n, stretch[s, LEAST_MARK], stretch[s, MOST_MARK]):
        count = end - m
        _jump(w, n, stretch[s, LAST_MARK], count, averaged, stretch[s, LEAST_MARK], stretch[s, MOST_MARK])
    else:
        count = _walk(w, n, tape, m, end)
    if not count:
        return 0
    last = m + count - 1
    if not still:
        _papers(w, n, tape, blocks, m, last + 1, stretch, s)
    if last + 1 == stretch[s, END]:
        _stand_at(w, n, stretch[s, LAST_AT], stretch[s, LAST_CLOSE], stretch[s, LAST_MARK])
    else:
        _stand_at(w, n, times[last], tape[last, CLOSE], tape[last, MARK])
    return count


@inlined
def _stand_at(w: State, n: Numbers, at: int, close: int, mark: int) -> None:
    """The moment and the prices of the last bar passed over."""
    w.at = w.mark_at = w.sampled_at = at
    if w.tier != 3:
        w.marked_at = at
    w.over = 0
    w.close = w.last = close
    w.mark = w.xmark = mark
    w.shadow_close = w.close * n.tick
    w.left = max(0.0, 1.0 - (1.0 - n.enter3) * w.peak / w.value) if w.value > 0.0 else 0.0


@inlined
def _restless(w: State, n: Numbers) -> bool:
    """True while anything is under way that a bar, or the time that passes, would carry on."""
    if w.dirty or w.churned or w.episode_over or w.near_liquidation or w.over or w.close == 0:
        return True
    if w.open[0] or w.open[1] or w.open[2] or (w.tier == 3 and n.auto_rearm):
        return True
    if w.compared_on and (w.pos or w.count) and (w.compared_style == TAKER or w.pos != w.compared_target):
        return True
    for what in range(3):
        for side in range(2):
            if w.circuit[what, side, 0] >= n.refusals:
                return True
    return False


@compiled
def _undisturbed(w: State, tape: Integers, blocks: Integers, m: int, stretch: Integers, s: int) -> int:
    """The first bar from ``m`` on that concerns the exchange."""
    i, first, end = m, stretch[s, FIRST], stretch[s, END]
    while i < end:
        block = (i - first) // BLOCK
        b, stop = stretch[s, FIRST_BLOCK] + block, min(first + (block + 1) * BLOCK, end)
        if (
            blocks[b, 0] >= w.next_buy
            and blocks[b, 1] <= w.next_sell
            and blocks[b, 2] > w.low_watch
            and blocks[b, 3] < w.high_watch
        ):
            i = stop
        while i < stop:
            if (
                tape[i, LOW] < w.next_buy
                or tape[i, HIGH] > w.next_sell
                or tape[i, MARK_LOW] <= w.low_watch
                or tape[i, MARK_HIGH] >= w.high_watch
            ):
                return i
            i += 1
    return int(end)


@compiled
def _papers(
    w: State, n: Numbers, tape: Integers, blocks: Integers, m: int, end: int, stretch: Integers, s: int
) -> None:
    """What these bars do to the paper grids: nothing where they stay between two prices."""
    i, first = m, stretch[s, FIRST]
    while i < end:
        block = (i - first) // BLOCK
        b, stop = stretch[s, FIRST_BLOCK] + block, min(first + (block + 1) * BLOCK, end)
        if blocks[b, 0] * n.tick >= w.shadow_low and blocks[b, 1] * n.tick <= w.shadow_high:
            i = stop
        while i < stop:
            low, high = tape[i, LOW] * n.tick, tape[i, HIGH] * n.tick
            if low < w.shadow_low or high > w.shadow_high:
                shadows.bars(w.three, high, low, tape[i, CLOSE] * n.tick, n.tick, n.maker, w.near)
                w.shadow_low, w.shadow_high = shadows.quiet(w.three)
            i += 1


@inlined
def _free_and_slope(w: State, n: Numbers) -> tuple[float, float]:
    """Unit value as c + q mark."""
    slope = w.pos * n.unit
    if n.spot:
        slope += w.dust / CUT * n.tick
    return (n.capital + w.cash * n.unit - w.fees + w.paid) / n.capital, slope / n.capital


@inlined
def _tier_bounds(w: State, n: Numbers) -> tuple[float, float]:
    """Drawdowns between which, the lower one included, the tier stays."""
    if w.tier == 0:
        return -1.0, n.enter1 - SLACK
    if w.tier == 1:
        return n.leave1, n.enter2 - SLACK
    if w.tier == 2:
        return n.leave2, 1.0 - SLACK
    return -1.0, 2.0


@inlined
def _within(w: State, n: Numbers, least: int, most: int) -> bool:
    """True where between these marks there is no new peak, no other tier, and no leverage to speak of."""
    free, slope = _free_and_slope(w, n)
    low = free + slope * (least if slope >= 0.0 else most)
    high = free + slope * (most if slope >= 0.0 else least)
    if high > w.peak or high > w.high or low <= 0.0:
        return False
    leave, enter = _tier_bounds(w, n)
    raw = 1.0 - low / w.peak
    if raw >= enter - SLACK or w.average < leave + SLACK or 1.0 - high / w.peak < leave + SLACK:
        return False
    if w.tier != 3 and (raw >= n.enter3 - 2.0 * SLACK or 1.0 - low / w.top >= n.absolute_halt - 2.0 * SLACK):
        return False
    return bool(n.spot or abs(slope) * most < 0.999 * low)


@inlined
def _jump(w: State, n: Numbers, mark: int, count: int, averaged: float, least: int, most: int) -> None:
    """Take the account to the last mark of a whole stretch, by the formula above."""
    free, slope = _free_and_slope(w, n)
    kept = n.hour_kept if count == n.hour_bars else math.exp(-count * n.interval / n.tau)
    w.average = kept * w.average + (1.0 - kept) * (1.0 - free / w.peak) - slope / w.peak * averaged
    worst = free + slope * (least if slope >= 0.0 else most)
    w.fall = max(w.fall, 1.0 - worst / w.high)
    w.value = w.value_now = free + slope * mark
    if w.pos:  # a leverage rises or falls with the mark all the way
        held = abs(w.pos) * n.unit / n.capital
        w.most_held = max(w.most_held, held * least / (free + slope * least), held * most / (free + slope * most))


@compiled
def _walk(w: State, n: Numbers, tape: Integers, m: int, end: int) -> int:
    """Mark the account bar by bar up to one that would change a tier or has leverage; how many bars that were."""
    low, high = _tier_bounds(w, n)
    deep = n.enter3 - SLACK if w.tier != 3 else math.inf
    lost = n.absolute_halt - SLACK if w.tier != 3 else math.inf
    geared = 0.999 if w.pos and not n.spot else math.inf
    held = abs(w.pos)
    peak, average, value, top, highest, fall, most = w.peak, w.average, w.value_now, w.top, w.high, w.fall, w.most_held
    passed = 0
    for i in range(m, end):
        mark = tape[i, MARK]
        worth = worth_at(w, n, mark)
        now = worth / n.capital
        best = max(peak, now)
        raw = 1.0 - now / best
        after = average + n.usual_pull * (raw - average)
        gear = held * mark * n.unit
        if (raw >= high and after >= high) or raw < low or after < low or raw >= deep:
            break
        if 1.0 - now / max(top, now) >= lost or worth <= 0.0 or gear >= geared * worth:
            break
        peak, average, value = best, after, now
        top, highest = max(top, now), max(highest, now)
        fall = max(fall, 1.0 - now / highest)
        most = max(most, gear / worth)
        passed += 1
    if passed:
        w.mark, w.value, w.value_now = tape[m + passed - 1, MARK], value, value
        w.peak, w.average, w.top, w.high, w.fall, w.most_held = peak, average, top, highest, fall, most
    return passed
