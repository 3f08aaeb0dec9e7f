"""The account under watch, compiled: drawdown tiers, breakers and the guard against liquidation."""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.desire import near_to
from gridbot_tui.research.screen.money import equity
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import LIQUIDATION, LOSSES, REJECTS, State

SLACK: Final = 1e-12
MINUTE_MS: Final = 60_000
HOUR_MS: Final = 3_600_000
FALLS: Final = 256


@compiled
def mark(w: State, n: Numbers) -> bool:
    """Mark the account of a symbol alone; True where the tier changed."""
    fresh = w.pos == 0 or w.at - w.mark_at <= n.stale_after
    return bool(mark_at(w, n, equity(w, n), abs(w.pos) * w.mark * n.unit, fresh))


@inlined
def mark_at(w: State, n: Numbers, worth: float, held: float, fresh: bool) -> bool:
    """Mark the account: drawdown and tier; True where the tier changed. ``fresh``: no mark of what is held is old."""
    w.value_now = worth / n.capital
    w.high = max(w.high, w.value_now)
    w.fall = max(w.fall, 1.0 - w.value_now / w.high)
    if worth > 0.0:
        w.most_held = max(w.most_held, held / worth)
    before = w.tier
    if fresh:
        _update(w, n, w.value_now)
        w.left = max(0.0, 1.0 - (1.0 - n.enter3) * w.peak / w.value) if w.value > 0.0 else 0.0
    else:
        w.over = 0
    if w.tier != before:
        w.dirty = 1
        w.turn += 1
        w.halts += w.tier == 3
    if held > 0.0 and worth > 0.0 and held / worth > n.trim:
        w.dirty = 1
        w.turn += 1
    return bool(w.tier != before)


@inlined
def _update(w: State, n: Numbers, value: float) -> None:
    """``risk.tiers.DrawdownTiers.update`` at a fresh mark."""
    w.value, w.peak, w.top = value, max(w.peak, value), max(w.top, value)
    raw = 1.0 - value / w.peak if w.peak > 0.0 else 0.0
    passed = w.at - w.sampled_at
    if w.sampled_at < 0:
        w.average, w.sampled_at = raw, w.at
    elif passed >= MINUTE_MS:
        pull = n.usual_pull if passed == n.interval else 1.0 - math.exp(-passed / n.tau)
        w.average += pull * (raw - w.average)
        w.sampled_at = w.at
    if w.tier == 3:
        _rearm(w, n)
        return
    absolute = 1.0 - value / w.top >= n.absolute_halt - SLACK
    if raw < n.enter3 - SLACK and not absolute:
        w.over = 0
    elif w.at > w.marked_at or w.over == 0:
        w.over += 1
    w.marked_at = w.at
    if w.over >= 2:
        w.tier, w.halted_at, w.over, w.absolute = 3, w.at, 0, 1 if absolute else 0
        return
    score = min(raw, w.average)
    if score >= n.enter2 - SLACK:
        w.tier = 2
    elif score >= n.enter1 - SLACK:
        w.tier = max(w.tier, 1)
    if w.tier == 2 and score < n.leave2:
        w.tier = 1
    if w.tier == 1 and score < n.leave1:
        w.tier = 0


@compiled
def _rearm(w: State, n: Numbers) -> None:
    """The automatic way out of a halt, where configured."""
    if not n.auto_rearm or w.absolute:
        return
    if 1.0 - w.value / w.top >= n.absolute_halt - SLACK:
        w.absolute = 1
    elif w.at - w.halted_at >= n.rearm_ms:
        w.tier, w.peak, w.average = 2, w.value / (1.0 - n.rearm_drawdown), n.rearm_drawdown


@compiled
def losses(w: State, n: Numbers) -> None:
    """On decision bars: an account that falls too fast opens a breaker."""
    if falls_fast(w, n):
        trip(w, LOSSES)


@compiled
def falls_fast(w: State, n: Numbers) -> bool:
    """True where the unit value has fallen too far within an hour; remembers what it is now."""
    first, last, value = w.fall_first, w.fall_count, w.value_now
    while last > first and w.fall_value[(last - 1) % FALLS] <= value:
        last -= 1
    w.fall_at[last % FALLS], w.fall_value[last % FALLS] = w.at, value
    last += 1
    while w.fall_at[first % FALLS] < w.at - HOUR_MS:
        first += 1
    w.fall_first, w.fall_count = first, last
    highest = w.fall_value[first % FALLS]
    return bool(highest > 0.0 and 1.0 - value / highest >= n.breaker_loss)


@compiled
def trip(w: State, what: int) -> None:
    """The condition of a breaker holds."""
    w.fine[what] = -1
    if not w.open[what]:
        w.open[what] = w.dirty = 1
        w.shaped_turn = -1


@compiled
def _is_fine(w: State, what: int, hold: int) -> None:
    """It does not hold now; the breaker closes once that has lasted."""
    if not w.open[what]:
        return
    if w.fine[what] < 0:
        w.fine[what] = w.at
    if w.at - w.fine[what] >= hold:
        w.open[what], w.dirty = 0, 1
        w.shaped_turn = -1


@inlined
def guard(w: State, n: Numbers) -> None:
    """Compare the distance to liquidation with its limits where there is any leverage to speak of."""
    worth = equity(w, n)
    held = abs(w.pos) * w.mark * n.unit + w.held_beside
    near = 0
    if not n.spot and w.pos and worth > 0.0 and held / worth >= 1.0:
        near = near_to(w, n, worth)
    if near:
        w.near_liquidation = w.dirty = 1
        trip(w, LIQUIDATION)
    elif w.near_liquidation:
        w.near_liquidation, w.dirty = 0, 1
        _is_fine(w, LIQUIDATION, 0)


@inlined
def review(w: State, n: Numbers) -> None:
    """Close what has long been fine, and let what was refused be tried again when its time has come."""
    if w.open[LOSSES]:
        _is_fine(w, LOSSES, HOUR_MS)
    if w.open[REJECTS]:
        _is_fine(w, REJECTS, 600_000)
    if w.open[LIQUIDATION] and not w.near_liquidation:
        _is_fine(w, LIQUIDATION, 0)
    for what in range(3):
        for side in range(2):
            if w.circuit[what, side, 0] >= n.refusals and w.at >= w.circuit[what, side, 2]:
                w.dirty = 1
