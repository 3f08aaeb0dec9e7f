"""What protects a position: the resting stop on the exchange, and the guard against liquidation."""

from typing import NamedTuple

import msgspec

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.walk import Walk, walk
from gridbot_tui.orders.model import Desired, Slot, SlotState, Target, TargetStyle
from gridbot_tui.risk.exposure import Portfolio
from gridbot_tui.risk.liquidation import Guard, guard
from gridbot_tui.risk.stop import STOP_BUDGET, StopPlan, resting_stop, stop_budget
from gridbot_tui.units import Market, Side

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_SPOT = Market.SPOT
_TAKER = TargetStyle.TAKER
_BUY, _SELL = Side.BUY, Side.SELL
_SLOT_BLOCKED, _SLOT_RESTING = SlotState.BLOCKED, SlotState.RESTING


class Account(NamedTuple):
    """What liquidation sees of the account."""

    equity: float
    maintenance: dict[str, float]
    free: dict[str, float]
    """``free_equity`` of the symbols it was asked for."""


def account_of(desk: Desk, walked: Walk | None = None) -> Account | None:
    """Equity and each symbol's maintenance margin at mark; None where equity is unknown.

    ``walked``: the symbols, where they have just been looked at.
    """
    equity = desk.ledger.equity_quick()
    if equity is None:
        return None
    return Account(float(equity), (walked or walk(desk)).maintenance, {})


def free_equity(account: Account, symbol: str) -> float:
    """Equity less what the other positions need as maintenance."""
    free = account.free.get(symbol)
    if free is None:
        needed = 0.0
        for name, held in account.maintenance.items():
            if name != symbol:
                needed += held
        free = account.free[symbol] = account.equity - needed
    return free


def guard_of(desk: Desk, state: SymbolDesk, account: Account) -> Guard | None:
    """The distance to liquidation and what it demands; None on spot, when flat, or without a mark."""
    position = desk.ledger.position(state.symbol)
    if desk.config.market is _SPOT or not position or state.mark is None:
        return None
    unit = state.instrument.unit_f
    return guard(
        position, state.mark, unit, free_equity(account, state.symbol), state.margins, desk.config.risk
    )


def demands(desk: Desk, state: SymbolDesk, account: Account | None) -> list[Target]:
    """Positions that must be reached now lest the exchange liquidates, or because no stop can be placed."""
    found: list[Target] = []
    if account is None:
        return found
    near = guard_of(desk, state, account)
    if near is not None and near.reduce_to is not None:
        found.append(Target(near.reduce_to, _TAKER, "liquidation"))
    if state.stop_reduce_to is not None:
        found.append(Target(state.stop_reduce_to, _TAKER, STOP_BUDGET))
    return found


def with_stop(
    desk: Desk, state: SymbolDesk, wanted: Desired, view: Portfolio, account: Account | None
) -> Desired:
    """Desired with its resting stop; entries that leave no room for one are withheld."""
    position = desk.guarded(state.symbol)
    state.stop_reduce_to = None
    if desk.config.market is _SPOT or not position or state.mark is None or account is None:
        return wanted
    adding = _BUY if position > 0 else _SELL
    entries = [slot for slot in wanted.resting if slot.side is adding and slot.state is _SLOT_RESTING]
    plan = stop_plan(desk, state, position, entries, view, account)
    if plan.reduce_to is not None and plan.reduce_to != position:
        state.stop_reduce_to = plan.reduce_to
        desk.dirty_next.add(state.symbol)
    resting = wanted.resting
    if plan.entries < len(entries):
        kept = {(slot.rung, slot.side) for slot in entries[: plan.entries]}
        resting = tuple(_withheld(slot, adding, kept) for slot in resting)
    return Desired(
        wanted.symbol, wanted.epoch, resting, wanted.target, plan.stop, wanted.spacing, wanted.notes
    )


def stop_plan(
    desk: Desk, state: SymbolDesk, position: int, entries: list[Slot], view: Portfolio, account: Account
) -> StopPlan:
    """The stop of a position with these entries resting; the mark must be known.

    ``view``: the account with all that is desired, so that the symbol's share of the budget does not move with
    orders on their way in or out.
    """
    assert state.mark is not None
    mine = view.symbols[state.symbol].case()[0] or abs(position) * state.mark * state.instrument.unit_f
    whole = view.exposure()
    budget = stop_budget(account.equity, desk.tiers.left, mine, max(whole, mine), desk.config.risk)
    return resting_stop(
        position,
        state.mark,
        [(slot.price, slot.steps) for slot in entries],
        state.instrument,
        budget,
        free_equity(account, state.symbol),
        state.margins,
        desk.config.risk,
    )


def _withheld(slot: Slot, adding: Side, kept: set[tuple[int, Side]]) -> Slot:
    if slot.side is not adding or slot.state is not _SLOT_RESTING or (slot.rung, slot.side) in kept:
        return slot
    return msgspec.structs.replace(slot, state=_SLOT_BLOCKED, reason=STOP_BUDGET)
