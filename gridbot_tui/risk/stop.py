"""The resting stop: the one order that protects a position when nobody is there to do it."""

from collections.abc import Sequence
from math import ceil, floor
from typing import Final

from msgspec import Struct

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import StopOrder
from gridbot_tui.risk.exposure import Order
from gridbot_tui.risk.liquidation import Margins, largest_position, liquidation_price
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import Side, Steps, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL

STOP_BUDGET: Final = "stop_budget"
_FARTHEST: Final = 0.8
"""Of price: a stop that could be farther still (a small position) rests here; a short's at 1 / (1 - 0.8)."""


class StopPlan(Struct, frozen=True):
    """Where the stop rests, and what must give way for it."""

    stop: StopOrder | None
    entries: int
    """How many of the entries (nearest first) the stop has room for; the others are to be withheld."""
    reduce_to: Steps | None = None
    """No stop is possible: the signed position to be reached first; reason code ``stop_budget``."""
    reason: str = ""


def stop_budget(equity: float, halt_left: float, exposure: float, all_exposure: float, params: RiskParams) -> float:
    """The loss a symbol's stop may allow, quote: its share (by worst exposure) of what is left to tier 3."""
    if all_exposure <= 0.0:
        return 0.0
    return max(0.0, equity) * max(halt_left, params.stop_budget_floor) * exposure / all_exposure


def resting_stop(
    position: Steps,
    mark: Ticks,
    entries: Sequence[Order],
    instrument: Instrument,
    budget: float,
    free_equity: float,
    margins: Margins,
    params: RiskParams,
) -> StopPlan:
    """The stop of one futures position.

    ``entries``: orders that would add to it, nearest first. It is triggered where position and all entries
    together would have lost ``budget`` from here; that must lie outside the outermost rung and well inside
    liquidation, else the farthest entries give way, and if that is not enough, the position.
    Its quantity covers the entries too (reduce-only: it closes what is there), so a fill does not change it.
    """
    if position == 0:
        return StopPlan(None, len(entries))
    side = _BUY if position > 0 else _SELL
    clear = params.liquidation_clearance * mark
    for count in range(len(entries), -1, -1):
        trigger = _trigger(
            side,
            position,
            mark,
            entries[:count],
            instrument.unit_f,
            budget,
            free_equity,
            margins,
            params,
            clear,
        )
        if trigger is not None:
            steps = abs(position) + sum(size for _, size in entries[:count])
            if instrument.price_every != 1:
                trigger = _placeable(trigger, side, mark, entries[:count], instrument)
            ticks = min(max(trigger, instrument.min_price), instrument.max_price)
            stop = StopOrder(side.opposite, ticks, min(steps, instrument.market_max_steps))
            reason = STOP_BUDGET if count < len(entries) else ""
            return StopPlan(stop, count, None, reason)
    room = max(clear, 1.0) / mark + params.stop_beyond
    most = largest_position(side, mark, instrument.unit_f, free_equity, margins, room)
    affordable = int(budget / (instrument.unit_f * mark * params.stop_beyond))
    return StopPlan(None, 0, side * min(most, affordable, abs(position)), STOP_BUDGET)


def _placeable(trigger: Ticks, side: Side, mark: Ticks, entries: Sequence[Order], instrument: Instrument) -> Ticks:
    """A trigger that the exchange takes: on the side of the smaller loss where that is outside the rungs still."""
    if side is _BUY:
        ticks = instrument.order_up(trigger)
        return ticks if ticks < min((price for price, _ in entries), default=mark) else instrument.order_down(trigger)
    ticks = instrument.order_down(trigger)
    return ticks if ticks > max((price for price, _ in entries), default=mark) else instrument.order_up(trigger)


def _trigger(
    side: Side,
    position: Steps,
    mark: Ticks,
    entries: Sequence[Order],
    unit: float,
    budget: float,
    free_equity: float,
    margins: Margins,
    params: RiskParams,
    clear: float,
) -> Ticks | None:
    """The trigger with these entries filled, or None where there is no room for one."""
    quantity = value = 0
    far = mark
    for price, steps in entries:
        quantity += steps
        value += price * steps
        if price < far if side is _BUY else price > far:
            far = price
    size = abs(position) + quantity
    end = (abs(position) * mark + value - side * budget / unit) / size
    equity = free_equity + unit * side * (abs(position) * (far - mark) + far * quantity - value)
    liquidation = liquidation_price(side * size, far, unit, equity, margins)
    if liquidation is not None:
        inside = liquidation + side * clear
        end = max(end, inside) if side is _BUY else min(end, inside)
    if side is _BUY:
        end = max(end, far * (1.0 - _FARTHEST))
        if end > far * (1.0 - params.stop_beyond):
            return None
        # Where a tick is a good part of the price, the safe side of it may be no price outside the rungs at all.
        ticks = min(ceil(end), far - 1)
        return ticks if ticks > max(0.0, liquidation or 0.0) else None
    end = min(end, far / (1.0 - _FARTHEST))
    if end < far * (1.0 + params.stop_beyond):
        return None
    ticks = max(floor(end), far + 1)
    return ticks if liquidation is None or ticks < liquidation else None
