"""What another configuration would change, computed on a copy: compute, show, do not converge."""

from msgspec import Struct

from gridbot_tui.control.snapshot import WhatIf
from gridbot_tui.engine import converge, planning, state, watch
from gridbot_tui.engine.actions import CancelOrder, PlaceOrder
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.view_whatif import what_if
from gridbot_tui.orders.model import Purpose, Slot, SlotState, Target, TargetStyle
from gridbot_tui.orders.reconcile import CANCEL_FIRST
from gridbot_tui.units import Symbol


class SymbolDifference(Struct, frozen=True):
    """One symbol's Desired under the new settings against what stands now."""

    symbol: Symbol
    cancel: int
    create: int
    keep: int
    spacing_before: float | None
    spacing_after: float | None
    leverage_before: float | None
    leverage_after: float | None
    target: str
    """What is done at once under the new settings to reach another position, and why; "" = nothing."""
    what_if_before: tuple[WhatIf, ...] = ()
    """If every level of a side filled, as things stand."""
    what_if_after: tuple[WhatIf, ...] = ()


def difference(desk: Desk, config: EngineConfig) -> tuple[SymbolDifference, ...]:
    """The difference of ``Desired``, symbol by symbol, as if the next decision came now."""
    copy = Desk(desk.config, desk.instruments)
    state.decode_into(copy, state.encode(desk))
    copy.phase = desk.phase
    copy.reconfigure(config)
    watch.account(copy)
    if copy.tiers.over:  # beyond tier 3: the next mark halts, long before the next decision
        copy.now += 1
        watch.account(copy)
    planning.renew_all(copy)
    copy.touch_all()
    converge.converge(copy)
    cancels = [a for a in copy.out if isinstance(a, CancelOrder)]
    places = [a for a in copy.out if isinstance(a, PlaceOrder) and a.order.purpose is Purpose.GRID]
    return tuple(_of_symbol(desk, copy, name, cancels, places) for name in desk.symbols)


def _of_symbol(
    desk: Desk, copy: Desk, name: Symbol, cancels: list[CancelOrder], places: list[PlaceOrder]
) -> SymbolDifference:
    before, after = desk.symbols[name].plan, copy.symbols[name].plan
    desired = copy.symbols[name].desired
    leaving = sum(1 for action in cancels if action.symbol == name)
    standing = sum(1 for live in desk.orders.live(name) if live.order.purpose is Purpose.GRID)
    keep = max(0, standing - leaving)
    wanted = sum(1 for slot in desired.resting if _comes(slot)) if desired is not None else 0
    sent = sum(1 for action in places if action.order.symbol == name)
    return SymbolDifference(
        symbol=name,
        cancel=leaving,
        create=max(sent, wanted - keep),
        keep=keep,
        spacing_before=None if before is None else before.spacing,
        spacing_after=None if after is None else after.spacing,
        leverage_before=None if before is None else before.leverage,
        leverage_after=None if after is None else after.leverage,
        target="" if desired is None or desired.target is None else _done(copy, name, desired.target),
        what_if_before=what_if(desk, desk.symbols[name]),
        what_if_after=what_if(copy, copy.symbols[name]),
    )


def _done(desk: Desk, name: Symbol, target: Target) -> str:
    """``sell 14.71 SOL by market: liquidation``; only why where the position is there already."""
    steps, instrument = target.position - desk.own(name), desk.instruments[name]
    if not steps:
        return target.reason
    what = f"{'buy' if steps > 0 else 'sell'} {instrument.quantity(abs(steps)):f} {instrument.base}"
    return f"{what} {'by market' if target.style is TargetStyle.TAKER else 'at the touch'}: {target.reason}"


def _comes(slot: Slot) -> bool:
    """A slot whose order will rest: at once, or as soon as the order it takes the place of has gone."""
    return slot.state is SlotState.RESTING or slot.reason == CANCEL_FIRST
