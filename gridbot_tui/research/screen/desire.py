"""What ought to stand, compiled: targets, ladder, gate and stop of one moment, as ``engine.converge`` shapes them."""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.fixed import slots
from gridbot_tui.research.screen.gate import admit
from gridbot_tui.research.screen.money import equity, largest_position, least, liquidation_price, reduction, steps_down
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.rungs import clear, ladder
from gridbot_tui.research.screen.state import LIQUIDATION, LOSSES, PASSIVE, REJECTS, TAKER, State
from gridbot_tui.research.screen.stops import with_stop

TIER3, TRIM, UNWIND = 3, 6, 7
"""Ranks of targets, the strongest first, as ``orders.desired.PRECEDENCE`` has them."""
WHOLE: Final = 16
"""Added to the rank of a target under which nothing rests; the others only trim."""


@compiled
def shape(w: State, n: Numbers) -> None:
    """Slots, target and stop as of now."""
    worth, reduced = equity(w, n), w.reduce_on
    ask(w, n, worth)
    admit(w, n, worth)
    with_stop(w, n, worth)
    remember(w, reduced)


@inlined
def remember(w: State, reduced: int) -> None:
    """For which moment the shape holds."""
    w.shaped_turn, w.shaped_at = (-1, -1) if reduced or w.reduce_on else (w.turn, w.at)


@compiled
def ask(w: State, n: Numbers, worth: float) -> None:
    """Targets and slots before the gate has looked at them."""
    w.target_on = 0
    w.known[0] = w.known[1] = -1
    w.seen = 0
    _targets(w, n, worth)
    clear(w, 0)
    clear(w, 1)
    if w.planned:
        _unwind(w, n)
        if not w.target_on or w.rank < WHOLE:
            entries = not (w.stopped or w.open[LOSSES] or w.open[REJECTS] or w.open[LIQUIDATION] or w.near_liquidation)
            held = 0 if w.tier != 2 or is_dust(w, n, w.pos) else w.pos
            buys = entries and held <= 0
            sells = entries and held >= 0 and not n.spot
            if n.plain:
                slots(w, n, buys, sells)
            else:
                ladder(w, n, buys, sells)
            delta = reduction(w.pos, w.target) if w.target_on else 0
            if delta:
                clear(w, 0 if delta > 0 else 1)
    else:
        _offer(w, 0, PASSIVE, UNWIND, True)


@compiled
def _offer(w: State, position: int, style: int, rank: int, trims: bool) -> None:
    """A target that is asked for: the strongest rules, of equals the one nearest to flat, then the first."""
    if trims and not reduction(w.pos, position):
        return
    if w.target_on:
        known = w.rank % WHOLE
        if rank > known or (rank == known and abs(position) >= abs(w.target)):
            return
    w.target_on, w.target, w.style, w.rank = 1, position, style, rank if trims else rank + WHOLE


@compiled
def _targets(w: State, n: Numbers, worth: float) -> None:
    """Positions that risk demands now."""
    if w.stopped:
        _offer(w, 0, TAKER, TRIM, False)
    if w.tier == 3:
        _offer(w, 0, TAKER, TIER3, False)
    if w.episode_over:
        _offer(w, 0, TAKER, TRIM, False)
    if w.pos == 0 or n.spot:
        return
    held = abs(w.pos) * w.mark * n.unit + w.held_beside
    if worth <= 0.0 or held / worth > n.trim:
        keep = n.cap / (held / worth) if worth > 0.0 else 0.0
        if int(w.pos * keep) != w.pos:
            _offer(w, int(w.pos * keep), TAKER, TRIM, True)
    if near_to(w, n, worth) == 2:
        side = 1 if w.pos > 0 else -1
        most = largest_position(side, w.mark, worth - w.needs_beside, n.warn, n)
        _offer(w, side * min(most, abs(w.pos)), TAKER, TRIM, True)
    if w.reduce_on:
        _offer(w, w.reduce_to, TAKER, TRIM, True)


@compiled
def near_to(w: State, n: Numbers, worth: float) -> int:
    """Distance to liquidation against its limits: 0 far, 1 too near for entries, 2 so near that it is reduced."""
    at = liquidation_price(w.pos, w.mark, worth - w.needs_beside, n)
    if math.isnan(at):
        return 0
    away = (w.mark - at) / w.mark if w.pos > 0 else (at - w.mark) / w.mark
    if away >= n.warn:
        return 0
    return 1 if away >= n.reduce else 2


@compiled
def _unwind(w: State, n: Numbers) -> None:
    """The plan's own target, while there is something to unwind that can be traded."""
    if math.isnan(w.unwind):
        return
    to = steps_down(w.unwind, n.step)
    left = reduction(w.pos, to)
    if left and not is_dust(w, n, left):
        _offer(w, to, PASSIVE, UNWIND, True)


@compiled
def is_dust(w: State, n: Numbers, steps: int) -> bool:
    """Too little to be traded."""
    if n.spot:
        return bool(abs(steps) < least(n, w.touch))
    return bool(abs(steps) < max(1, n.min_steps))
