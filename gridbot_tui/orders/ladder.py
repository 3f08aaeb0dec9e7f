"""The adaptive ladder: which limit orders ought to rest at a position, as a pure function of the plan.

Entries are whole lots within the plan's bounds (of a partly filled rung, the part that is missing); what
is held always has its exits, whole or not. What is too small to rest joins the next rung of its side.
"""

from typing import Final

from msgspec import Struct

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import Slot, SlotState
from gridbot_tui.orders.rungs import NEAR, Rungs, Touch
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Market, Side, Steps, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL
_SPOT = Market.SPOT

# Members of enums looked up once: this runs for every rung.
_RESTING, _CROSSED, _WAITING = SlotState.RESTING, SlotState.CROSSED, SlotState.WAITING

_BEYOND: Final = 1 << 62
"""A price no market reaches."""

MAX_RUNGS: Final = 64
"""Rungs a side that are looked at; the last one takes whatever inventory is left."""


class Draft(Struct, gc=False):
    """A slot in the making; a Struct because it is quick to make, and each ladder makes forty."""

    rung: int
    price: Ticks
    steps: Steps
    exit_steps: Steps


def ladder(
    plan: GridPlan,
    instrument: Instrument,
    position: Steps,
    touch: Touch,
    *,
    depth: int,
    buy_entries: bool = True,
    sell_entries: bool = True,
    rungs: Rungs | None = None,
) -> tuple[Slot, ...]:
    """All slots of an adaptive plan, bids nearest first, then asks nearest first.

    ``position`` is ours in steps (external lots excluded); ``depth`` the orders a side that rest. Without
    ``buy_entries`` (``sell_entries``) that side only closes what is held. ``rungs``: the plan's, where
    kept from an earlier call.
    """
    r = rungs if rungs is not None else Rungs(plan, instrument)
    if not r.priced or plan.lot <= 0.0:
        return ()
    least = r.least(touch.bid)
    large = r.lot >= least
    asked = (position, depth, buy_entries, sell_entries, large)
    last = r.last
    if large and last is not None and last[0] == asked and last[1] <= touch.bid and touch.ask <= last[2]:
        return last[3]  # the market moved between the same two rungs
    if not large:
        buy_entries = sell_entries = False
    size = max(r.lot, least)
    bounds = [0, _BEYOND]
    out: list[Slot] = []
    for side, entries in ((_BUY, buy_entries), (_SELL, sell_entries)):
        drafts = _side(r, side, position, touch, size, entries)
        if drafts:
            bounds[side is _SELL] = drafts[0].price
        place(out, plan, side, drafts, touch, depth)
    slots = tuple(out)
    if large and bounds[0] <= touch.bid and touch.ask <= bounds[1]:
        r.last = (asked, bounds[0], bounds[1], slots)
    return slots


def _side(r: Rungs, side: Side, position: Steps, touch: Touch, size: Steps, entries: bool) -> list[Draft]:
    """The rungs of one side with their quantities, nearest first."""
    lots, part = r.split(position)
    if side is _BUY:
        exits, room, step, rung, want = max(0, -position), r.upper - position, 1, lots + 1, size - part
    else:
        exits, room, step = max(0, position), position - r.lower, -1
        rung, want = (lots, part) if part else (lots - 1, size)
        lots += 1 if part else 0
        if r.instrument.market is _SPOT:
            room = min(room, exits)
    if not entries:
        room = min(room, exits)
    drafts: list[Draft] = []
    taken = carry = 0
    buying, at_touch = side is _BUY, touch.bid if side is _BUY else touch.ask
    prices, floor, minimum, levels = r.kept(side), r.floor, r.minimum, r.levels
    for count in range(MAX_RUNGS):
        if count >= levels:
            room = min(room, exits)  # beyond the plan's levels only what is held
        steps = want if not carry and taken + want <= room else _fitting(want, carry, taken, room, exits)
        if steps <= 0:
            break
        price = prices.get(rung) or r.price(rung, side, lots)
        limit = at_touch if (price > at_touch) is buying else price
        # ``steps >= r.least(limit)``, without a call for each rung of each ladder
        if limit > 0 and steps >= floor and steps >= minimum / limit - NEAR:
            left = exits - taken
            drafts.append(Draft(rung, price, steps, 0 if left <= 0 else left if left < steps else steps))
            taken += steps
            carry = 0
        else:
            carry = steps
        rung += step
        want = size
    if side is _BUY and not drafts and exits >= r.least(touch.bid):
        # A short so small that at its rungs it is below the minimum: its exit rests at the farthest price that
        # takes it, or at the first rung where that takes the whole. A long never needs this: its rungs are above the
        # market, where the same quantity is worth more.
        drafts.append(Draft(lots + 1, max(r.tradable_at(exits), r.price(lots + 1, side, lots)), exits, exits))
        taken = exits
    _rest(drafts, exits - taken)
    return drafts


def _fitting(want: Steps, carry: Steps, taken: Steps, room: Steps, exits: Steps) -> Steps:
    """How much a rung may hold: all of it within the bounds, else what closes inventory, else nothing."""
    for steps in (want + carry, want) if carry else (want,):
        if taken + steps <= room:
            return steps
    left = exits - taken
    return min(want + carry, left) if left > carry else 0


def _rest(drafts: list[Draft], left: Steps) -> None:
    """Inventory no rung has taken (too small for one, or beyond the last) joins the farthest exit."""
    if left > 0 and drafts:
        drafts[-1].steps += left
        drafts[-1].exit_steps += left


def place(
    out: list[Slot],
    plan: GridPlan,
    side: Side,
    drafts: list[Draft],
    touch: Touch,
    depth: int,
    nearest: int = 0,
) -> None:
    """Turn drafts (nearest first) into slots: crossed ones, those that rest, and those beyond the depth.

    A rung beyond the touch would take. Of those, number ``nearest`` rests at the touch and the others are
    crossed until it fills; a rung inside the spread goes to the touch as well.
    """
    buying = side is _BUY
    at_touch = touch.bid if buying else touch.ask
    symbol, epoch = plan.symbol, plan.epoch
    resting = crossed = 0
    for draft in drafts:
        price, steps, exits, state = draft.price, draft.steps, draft.exit_steps, _RESTING
        if price > at_touch if buying else price < at_touch:
            if crossed == nearest:
                price = at_touch
            else:
                state = _CROSSED
            crossed += 1
        if state is _RESTING:
            if resting >= depth:
                state = _WAITING
            resting += 1
        out.append(Slot(symbol, epoch, draft.rung, side, price, steps, steps > exits, state, "", exits))
