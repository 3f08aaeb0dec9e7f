"""Spot: base that orders of others hold cannot be sold by ours. It is left to them, and said."""

from decimal import Decimal

import msgspec

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.model import Desired, Slot, SlotState
from gridbot_tui.units import Market, Side, Steps

BASE_LOCKED = "base_locked"


def free_base(desk: Desk, state: SymbolDesk) -> Steps | None:
    """Steps of base that our orders may sell in all; None where no foreign order holds any."""
    if desk.config.market is not Market.SPOT or not desk.foreign_orders:
        return None
    lists: dict[int, Steps] = {}
    held = 0
    for order in desk.foreign_orders.values():
        if order.symbol != state.symbol or order.side is not Side.SELL:
            continue
        left = order.steps - order.filled
        before = lists.get(order.list_id, 0) if order.list_id else 0
        held += max(0, left - before)  # of the orders of a list one executes: base is held for the larger
        lists[order.list_id] = max(left, before)
    if held <= 0:
        return None
    instrument = state.instrument
    return max(0, instrument.steps_down(desk.ledger.account.wallet(instrument.base)) - held)


def within_free(whole: Desired, own: Steps, free: Steps | None, state: SymbolDesk) -> Desired:
    """``whole`` with the farthest sells withheld that others' orders have left no base for."""
    if free is None or own <= free:
        return whole
    left, resting = free, []
    for slot in whole.resting:  # nearest first
        if slot.side is Side.SELL and slot.state is SlotState.RESTING:
            slot, left = (_blocked(slot), 0) if slot.steps > left else (slot, left - slot.steps)
        resting.append(slot)
    held: Decimal = state.instrument.quantity(own - free)
    note = (BASE_LOCKED, f"{held:f} {state.instrument.base} are held by orders that are not the bot's")
    return msgspec.structs.replace(whole, resting=tuple(resting), notes=(*whole.notes, note))


def _blocked(slot: Slot) -> Slot:
    return msgspec.structs.replace(slot, state=SlotState.BLOCKED, reason=BASE_LOCKED)
