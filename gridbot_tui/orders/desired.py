"""Everything of one symbol that ought to stand on the exchange now: a pure function of what is known."""

from collections.abc import Iterable
from typing import Final

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.ladder import ladder
from gridbot_tui.orders.model import Desired, Slot, StopOrder, Target, TargetStyle
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.orders.plain import HeldLot, plain_ladder
from gridbot_tui.orders.rungs import Rungs, Touch, smallest_order
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Market, Side, Steps

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL
_SPOT = Market.SPOT
_PASSIVE = TargetStyle.PASSIVE

PRECEDENCE: Final = (
    "kill",
    "shutdown",
    "flatten",
    "tier3",
    "stop_price",
    "take_profit_price",
    "cap",
    "unwind",
)
"""Reasons of targets, the strongest first; one that is not named is as strong as ``cap``."""
_PARTIAL: Final = frozenset({"cap", "unwind", "stop_budget", "liquidation"})
"""Targets that only trim: entries of the other side may stay, subject to the gate."""


def strongest(targets: Iterable[Target], position: Steps) -> Target | None:
    """The target that rules a position; of equals, the one nearest to flat.

    What only trims counts where it asks for less than is held: a stop's demand that is met must not stand in
    the way of the cap's.
    """

    def rank(target: Target) -> tuple[int, Steps]:
        reason = target.reason if target.reason in PRECEDENCE else "cap"
        return PRECEDENCE.index(reason), abs(target.position)

    asking = (one for one in targets if one.reason not in _PARTIAL or reduction(position, one))
    return min(asking, key=rank, default=None)


def reduction(position: Steps, target: Target | None) -> Steps:
    """Signed steps still to be traded to reach ``target``; 0 where that would not reduce |position|."""
    if target is None:
        return 0
    delta = target.position - position
    if position > 0 > delta:
        return max(delta, -position)
    if position < 0 < delta:
        return min(delta, -position)
    return 0


def desired(
    plan: GridPlan,
    instrument: Instrument,
    position: Steps,
    touch: Touch,
    params: OrderParams,
    *,
    lots: Iterable[HeldLot] = (),
    targets: Iterable[Target] = (),
    stop: StopOrder | None = None,
    buy_entries: bool = True,
    sell_entries: bool = True,
    rungs: Rungs | None = None,
) -> Desired:
    """What ought to stand, before the gate has withheld anything.

    ``position`` and ``lots`` are ours (external lots excluded). ``targets`` are the operator's and risk's;
    the plan's own unwind joins them. Pause = both ``*_entries`` False: exits stay. While a target is being
    worked nothing else rests on its reducing side; under kill, shutdown, flatten and tier 3 nothing rests.
    """
    rule = strongest((*targets, *_unwind(plan, instrument, position, touch)), position)
    notes: list[tuple[str, str]] = []
    resting: tuple[Slot, ...] = ()
    if rule is None or rule.reason in _PARTIAL:
        depth = min(params.depth, max(1, (instrument.max_orders - params.reserved_orders) // 2))
        rungs = rungs if rungs is not None else Rungs(plan, instrument)
        if plan.kind == "adaptive":
            resting = ladder(
                plan,
                instrument,
                position,
                touch,
                depth=depth,
                buy_entries=buy_entries,
                sell_entries=sell_entries,
                rungs=rungs,
            )
        else:
            resting = plain_ladder(
                plan,
                instrument,
                position,
                touch,
                lots,
                depth=depth,
                buy_entries=buy_entries,
                sell_entries=sell_entries,
                rungs=rungs,
            )
        delta = reduction(position, rule)
        if delta:
            reducing = _BUY if delta > 0 else _SELL
            resting = tuple(slot for slot in resting if slot.side is not reducing)
        notes = _notes(plan, rungs, position, touch, resting, delta)
        if not (resting or position or notes) and (buy_entries or sell_entries):
            notes += _unplaced(plan, rungs)
        if plan.grid:
            notes += _left_range(rungs, touch)
    return Desired(plan.symbol, plan.epoch, resting, rule, stop, step_of(plan), tuple(notes))


def step_of(plan: GridPlan) -> float:
    """Log distance between neighbouring rungs; of a plain grid the least one, 0 without rungs."""
    if plan.kind == "adaptive" or len(plan.grid) < 2:
        return plan.spacing or 0.0
    return min([high / low - 1.0 for low, high in zip(plan.grid, plan.grid[1:], strict=False)])


def is_dust(instrument: Instrument, steps: Steps, touch: Touch) -> bool:
    """True where so little cannot be traded; the least notional counts on spot (reduce-only is exempt)."""
    if instrument.market is _SPOT:
        return abs(steps) < smallest_order(instrument, touch.bid)
    return abs(steps) < max(1, instrument.min_steps)


def _unwind(plan: GridPlan, instrument: Instrument, position: Steps, touch: Touch) -> tuple[Target, ...]:
    """The plan's own target, while there is something to unwind that can be traded."""
    if plan.unwind is None:
        return ()
    target = Target(instrument.steps_down(plan.unwind), _PASSIVE, "unwind")
    left = reduction(position, target)
    return (target,) if left and not is_dust(instrument, left, touch) else ()


def _notes(
    plan: GridPlan,
    rungs: Rungs,
    position: Steps,
    touch: Touch,
    resting: tuple[Slot, ...],
    delta: Steps,
) -> list[tuple[str, str]]:
    """Blockers of the whole ladder, each with the number that would clear it."""
    notes: list[tuple[str, str]] = []
    instrument = rungs.instrument
    least = smallest_order(instrument, touch.bid)
    if plan.lot > 0.0 and rungs.lot < least:
        notes.append(("lot_below_minimum", f"a lot of the least size needs {_needed(plan, instrument, least)}"))
    closing = _SELL if position > 0 else _BUY
    left = abs(position)
    if left:
        for slot in resting:
            if slot.side is closing:
                left -= slot.exit_steps
    if left > 0 and not delta:
        notes.append(("dust", f"{instrument.quantity(left)} {instrument.base} has no exit: too small to trade"))
    return notes


def _left_range(rungs: Rungs, touch: Touch) -> list[tuple[str, str]]:
    """Which way price has left a plain grid: its lots, or their entries, wait until it is back."""
    low, high = rungs.grid[0][0], rungs.grid[-1][1]
    if low <= touch.ask and touch.bid <= high:
        return []
    where = "below" if touch.ask < low else "above"
    levels = f"{rungs.instrument.price(low)} to {rungs.instrument.price(high)}"
    return [("out_of_range", f"price is {where} the levels, {levels}: what rests waits for it to return")]


def _needed(plan: GridPlan, instrument: Instrument, least: Steps) -> str:
    """The money with which a lot would have so many steps."""
    return f"{plan.equity * least * instrument.step_f / plan.lot:.2f} {instrument.quote}"


def _unplaced(plan: GridPlan, rungs: Rungs) -> list[tuple[str, str]]:
    """Why no rung holds an order although a lot is large enough where the market is; a plan without rungs knows."""
    if plan.lot <= 0.0 or not (rungs.priced or plan.grid):
        return []
    if max(rungs.upper, -rungs.lower) < rungs.lot:
        return [("no_room", "the bounds have no room for one lot")]
    nearest = max(up for _, up in rungs.grid) if plan.grid else rungs.price(1, _BUY, 0)
    least = smallest_order(rungs.instrument, max(1, nearest))
    needed = _needed(plan, rungs.instrument, least)
    return [("lot_below_minimum", f"a lot of the least size at its rungs needs {needed}")]
