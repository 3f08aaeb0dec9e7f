"""Base that orders of others hold cannot be sold by ours (spot), and a position cannot grow beyond what the exchange
lets an account hold. What that leaves no room for is withheld, and said."""

from decimal import Decimal

import msgspec

from gridbot_tui.engine import walk
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


def locked_base(desk: Desk, state: SymbolDesk, ours: Steps) -> Steps:
    """What of these steps of ours others' orders hold; 0 on futures, and where they leave enough."""
    free = free_base(desk, state)
    return 0 if free is None else max(0, ours - free)


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
    """``whole`` with the farthest entries withheld for which the account would hold more than it may: refused, they
    would have the whole side held back."""
    if desk.config.market is Market.FUTURES:
        return _within_brackets(desk, whole, state)
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


def _within_brackets(desk: Desk, whole: Desired, state: SymbolDesk) -> Desired:
    """The same on futures: the margin brackets bound what a side may come to at the leverage that is set (-2027)."""
    most = state.instrument.most_value(desk.config.risk.exchange_leverage)
    if most is None:
        return whole
    position = desk.ledger.position(state.symbol)
    held = position * (state.mark or state.close or 0)
    if abs(held) + sum(slot.price * slot.steps for slot in whole.resting) <= most and not desk.foreign_orders:
        return whole
    left = {Side.BUY: most - held, Side.SELL: most + held}
    for side, price, steps, _ in walk.foreign(desk, state):
        left[side] -= price * steps
    resting, changed = list[Slot](), False
    for slot in whole.resting:  # nearest first
        if slot.state is SlotState.RESTING:
            value = slot.price * slot.steps
            if slot.entry and value > left[slot.side]:
                slot, value, changed = _without_entry(slot, state), left[slot.side], True
            left[slot.side] -= value
        resting.append(slot)
    return msgspec.structs.replace(whole, resting=tuple(resting)) if changed else whole


def _without_entry(slot: Slot, state: SymbolDesk) -> Slot:
    """What the slot only closes, where the exchange takes so little."""
    if slot.exit_steps > 0 and slot.exit_steps * slot.price >= state.instrument.least_value:
        return msgspec.structs.replace(slot, steps=slot.exit_steps, entry=False, reason=POSITION_LIMIT)
    return _blocked(slot, POSITION_LIMIT)


def _blocked(slot: Slot, reason: str) -> Slot:
    return msgspec.structs.replace(slot, state=SlotState.BLOCKED, reason=reason)
