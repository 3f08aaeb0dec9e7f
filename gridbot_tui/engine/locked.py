"""Spot: base that orders of others hold cannot be sold by ours, and more than the exchange lets an account hold cannot
be bought. What that leaves no room for is withheld, and said."""

from decimal import Decimal

import msgspec

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.model import Desired, Slot, SlotState
from gridbot_tui.units import Market, Side, Steps

BASE_LOCKED = "base_locked"
POSITION_LIMIT = "position_limit"


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
            slot, left = (_blocked(slot, BASE_LOCKED), 0) if slot.steps > left else (slot, left - slot.steps)
        resting.append(slot)
    held: Decimal = state.instrument.quantity(own - free)
    note = (BASE_LOCKED, f"{held:f} {state.instrument.base} are held by orders that are not the bot's")
    return msgspec.structs.replace(whole, resting=tuple(resting), notes=(*whole.notes, note))


def within_most(desk: Desk, whole: Desired, state: SymbolDesk) -> Desired:
    """``whole`` with the farthest buys withheld for which the account would hold more base than it may (MAX_POSITION):
    refused, they would have the whole side held back."""
    most, instrument = state.instrument.max_position, state.instrument
    if most is None:
        return whole
    theirs = sum(
        order.steps - order.filled
        for order in desk.foreign_orders.values()
        if order.symbol == state.symbol and order.side is Side.BUY
    )
    left = instrument.steps_down(instrument.quantity(most) - desk.ledger.account.wallet(instrument.base)) - theirs
    resting, held = list[Slot](), 0
    for slot in whole.resting:  # nearest first
        if slot.side is Side.BUY and slot.state is SlotState.RESTING:
            if slot.steps > left:
                slot, left, held = _blocked(slot, POSITION_LIMIT), 0, held + 1
            else:
                left -= slot.steps
        resting.append(slot)
    return msgspec.structs.replace(whole, resting=tuple(resting)) if held else whole


def _blocked(slot: Slot, reason: str) -> Slot:
    return msgspec.structs.replace(slot, state=SlotState.BLOCKED, reason=reason)
