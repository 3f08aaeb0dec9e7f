"""Plain grids: fixed levels, and a level owns its lot.

A long level j buys at price j and, holding a lot, rests its sale at price j+1 until sold; a short level
sells at price j and buys back at price j-1. A neutral grid is long below its start and short above. The
ladder follows from (plan, lots held per level) alone. Levels are numbered from the range as it was first
laid, so that a level keeps its number, and its lot, when the range trails.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable
from math import exp, log
from operator import attrgetter
from typing import Final

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.ladder import Draft, place
from gridbot_tui.orders.model import Slot, Target, TargetStyle
from gridbot_tui.orders.rungs import Rungs, Touch, smallest_order
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Market, Side, Steps, Ticks

_NEAR: Final = 1e-9
"""A level this close to the start, relatively, is at it: float noise, not price."""
_PRICE: Final = attrgetter("price")

_SIDE: Final = {"long": 1, "short": -1}

HeldLot = tuple[int, Side, Steps]
"""(level, side the lot was opened on, steps): what a level holds."""


def plain_ladder(
    plan: GridPlan,
    instrument: Instrument,
    position: Steps,
    touch: Touch,
    lots: Iterable[HeldLot],
    *,
    depth: int,
    buy_entries: bool = True,
    sell_entries: bool = True,
    rungs: Rungs | None = None,
) -> tuple[Slot, ...]:
    """All slots of a plain grid, bids nearest first, then asks nearest first.

    A lot of a level that the grid does not have (an earlier grid's) is sold at the next level beyond the
    touch. Bounds count entries in order of distance from the market. Entries the price has already passed
    are crossed; they rest at the touch, one at a time, only while the plan asks for more inventory (its
    ``target``).
    """
    if len(plan.grid) < 2:
        return ()
    shift = trailed_by(plan)
    held: dict[tuple[int, Side], Steps] = {}
    for level, side, steps in lots:
        held[level - shift, side] = held.get((level - shift, side), 0) + steps
    rungs = rungs or Rungs(plan, instrument)
    prices, lot = rungs.grid, rungs.lot
    buys = _exits(held, prices, Side.BUY, touch)
    sells = _exits(held, prices, Side.SELL, touch)
    if buy_entries:
        buys += _entries(plan, prices, held, lot, Side.BUY)
    if sell_entries and instrument.market is not Market.SPOT:
        sells += _entries(plan, prices, held, lot, Side.SELL)
    out: list[Slot] = []
    for side, drafts, room in (
        (Side.BUY, buys, instrument.steps_down(plan.upper) - position),
        (Side.SELL, sells, position - instrument.steps_down(plan.lower)),
    ):
        drafts.sort(key=_PRICE, reverse=side is Side.BUY)
        at_touch = touch.bid if side is Side.BUY else touch.ask
        fitting = _bounded(drafts, room, max(0, -side * position), instrument, side, at_touch)
        wanting = (instrument.steps_down(plan.target) - position) * side > 0
        nearest = -1
        for index, draft in enumerate(fitting):
            draft.rung += shift
            if (draft.price - at_touch) * side > 0 and (wanting or draft.exit_steps):
                nearest = index  # a level owns its lot: here the literal nearest one, the last beyond the touch
        place(out, plan, side, fitting, touch, depth, nearest=nearest)
    return tuple(out)


def trailed_by(plan: GridPlan) -> int:
    """Levels the range has moved up (down: negative) since it was first laid."""
    if not plan.grid_origin:
        return 0
    low, first = plan.grid[0], plan.grid_origin[0]
    if plan.kind == "geometric":
        return round(log(low / first) / log(plan.grid[1] / low))
    return round((low - first) / (plan.grid[1] - low))


def plan_exit(plan: GridPlan, price: float, position: Steps) -> Target | None:
    """The way out a plain grid's stop or take-profit price demands at ``price``; None while between them."""
    if position == 0:
        return None
    if plan.grid_side == "neutral":
        below = plan.stop_price is not None and price <= plan.stop_price
        above = plan.stop_above is not None and price >= plan.stop_above
        return Target(0, TargetStyle.TAKER, "stop_price") if below or above else None
    sign = 1.0 if position > 0 else -1.0
    if plan.stop_price is not None and (price - plan.stop_price) * sign <= 0.0:
        return Target(0, TargetStyle.TAKER, "stop_price")
    if plan.take_profit_price is not None and (price - plan.take_profit_price) * sign >= 0.0:
        return Target(0, TargetStyle.TAKER, "take_profit_price")
    return None


def wrong_side(plan: GridPlan, position: Steps, opened: Callable[[], Steps]) -> Target | None:
    """The way out of what a one-sided grid never opens: its exits filled while the exchange (deleveraging) or another
    hand took from under them what they were for. None where there is nothing of the kind.

    ``opened``: the part of ``position`` that orders of this plan have opened; an earlier grid's keeps its exits.
    """
    if _SIDE.get(plan.grid_side, 0) * position >= 0:
        return None
    steps = opened()
    return Target(position - steps, TargetStyle.TAKER, "wrong_side") if steps else None


def beyond_exits(plan: GridPlan, price: float) -> bool:
    """True where the grid has no business at ``price``: beyond its stop or take-profit, held or not."""
    low, high = plan.stop_price, plan.stop_above
    if plan.grid_side == "long":
        high = plan.take_profit_price
    elif plan.grid_side == "short":
        low, high = plan.take_profit_price, plan.stop_price
    return (low is not None and price <= low) or (high is not None and price >= high)


def _levels(plan: GridPlan, side: Side) -> range:
    """The levels that open lots on ``side``."""
    count = len(plan.grid)
    if plan.grid_side == "long":
        return range(count - 1) if side is Side.BUY else range(0)
    if plan.grid_side == "short":
        return range(1, count) if side is Side.SELL else range(0)
    start = exp(plan.centre) if plan.centre is not None else plan.price
    if side is Side.BUY:
        return range(min(count - 1, bisect_left(plan.grid, start * (1.0 - _NEAR))))
    return range(max(1, bisect_right(plan.grid, start * (1.0 + _NEAR))), count)


def _entries(
    plan: GridPlan,
    prices: list[tuple[Ticks, Ticks]],
    held: dict[tuple[int, Side], Steps],
    lot: Steps,
    side: Side,
) -> list[Draft]:
    drafts, opposite = [], side.opposite
    for level in _levels(plan, side):
        missing = lot - held.get((level, side), 0)
        # A level that still holds a lot of the other side (of an earlier grid) has its exit on this one.
        if missing > 0 and not held.get((level, opposite)):
            drafts.append(Draft(level, prices[level][0 if side is Side.BUY else 1], missing, 0))
    return drafts


def _exits(
    held: dict[tuple[int, Side], Steps], prices: list[tuple[Ticks, Ticks]], side: Side, touch: Touch
) -> list[Draft]:
    """The orders on ``side`` that close what levels of the other side hold."""
    drafts = []
    for (level, opened), steps in held.items():
        if opened is side or steps <= 0:
            continue
        target = level + opened
        if 0 <= level < len(prices) and 0 <= target < len(prices):
            price = prices[target][0 if side is Side.BUY else 1]
        elif side is Side.SELL:
            price = next((up for _, up in prices if up > touch.ask), touch.ask)
        else:
            price = next((down for down, _ in reversed(prices) if down < touch.bid), touch.bid)
        drafts.append(Draft(level, price, steps, steps))
    return drafts


def _bounded(
    drafts: list[Draft], room: Steps, exits: Steps, instrument: Instrument, side: Side, at_touch: Ticks
) -> list[Draft]:
    """Exits all, as far as something is held; entries while the sum stays in bounds; small exits joined.

    What the exchange takes is asked of the price at which it would rest: the touch, where the market has passed it.
    """
    out: list[Draft] = []
    taken = carry = 0
    for draft in drafts:
        price = min(draft.price, at_touch) if side is Side.BUY else max(draft.price, at_touch)
        if draft.exit_steps:
            draft.steps = min(draft.steps, exits) + carry
            exits -= draft.steps - carry
            draft.exit_steps = draft.steps
            carry = 0
            if draft.steps < smallest_order(instrument, price):
                carry = draft.steps
                continue
        elif taken + draft.steps > room or draft.steps < smallest_order(instrument, price):
            continue
        taken += draft.steps
        if draft.steps > 0:
            out.append(draft)
    if carry:
        last = next((draft for draft in reversed(out) if draft.exit_steps), None)
        if last is not None:
            last.steps += carry
            last.exit_steps += carry
    return out
