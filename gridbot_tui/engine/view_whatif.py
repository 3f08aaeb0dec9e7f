"""If every level of one side filled: an estimate for the eye, for the running ladder."""

from decimal import ROUND_HALF_EVEN, Decimal

from gridbot_tui.control.snapshot import WhatIf
from gridbot_tui.engine import protection
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.protection import Account
from gridbot_tui.orders.model import Purpose, SlotState
from gridbot_tui.risk.liquidation import AllFilled, all_filled
from gridbot_tui.units import DAY, HOUR, Side, Steps, Ticks

_OUT = (SlotState.BLOCKED,)


def what_if(
    desk: Desk, state: SymbolDesk, account: Account | None = None, *, standing: bool = False
) -> tuple[WhatIf, ...]:
    """Both directions; empty without prices or a ladder. ``account`` spares making it anew.

    ``standing``: an order that was kept counts as it stands, a little beside what its slot has now; before a first
    decision (while the exchange is still being compared with) all that stands does, for it may fill.
    """
    account = account or protection.account_of(desk)
    if state.mark is None or account is None:
        return ()
    others = account.equity - protection.free_equity(account, state.symbol)
    kept = _kept(desk, state) if standing else {}
    slots = () if state.desired is None else state.desired.resting
    found = []
    for side in (Side.BUY, Side.SELL):
        orders = [
            kept.get((slot.rung, side)) or (slot.price, slot.steps)
            for slot in slots
            if slot.side is side and (slot.state not in _OUT or (slot.rung, side) in kept)
        ]
        if state.desired is None:
            orders = [order for (_, of), order in kept.items() if of is side]
        if not orders:
            continue
        filled = all_filled(
            side,
            desk.ledger.position(state.symbol),
            state.mark,
            orders,
            state.instrument,
            account.equity,
            others_maintenance=others,
            exchange_leverage=desk.config.risk.exchange_leverage,
        )
        found.append(_view(desk, state, filled, slots[0].steps if slots else orders[0][1]))
    return tuple(found)


def _kept(desk: Desk, state: SymbolDesk) -> dict[tuple[int, Side], tuple[Ticks, Steps]]:
    """(rung, side) to the price and what is left of the order that stands for it."""
    return {
        (live.rung, live.order.side): (live.order.price, live.order.steps - live.filled)
        for live in desk.orders.live(state.symbol)
        if live.order.purpose is Purpose.GRID and live.order.price is not None
    }


def _view(desk: Desk, state: SymbolDesk, filled: AllFilled, lot: Steps) -> WhatIf:
    instrument = state.instrument
    notional = instrument.notional(state.mark or 0, lot)
    spacing = (
        Decimal(repr(state.plan.spacing)) if state.plan is not None and state.plan.spacing else Decimal(0)
    )
    drawdown, tier = _drawdown(desk, filled)
    return WhatIf(
        side="buy" if filled.side is Side.BUY else "sell",
        fills=filled.fills,
        position=format(instrument.quantity(filled.position), "f"),
        average_price=_ticks(state, filled.average_price),
        at_price=_ticks(state, filled.at_price),
        margin=_money(filled.initial_margin),
        maintenance=_money(filled.maintenance),
        leverage=filled.leverage if filled.leverage < 1e6 else None,
        drawdown=drawdown,
        tier=tier,
        liquidation_price=_ticks(state, filled.liquidation),
        cycle_fees=format((2 * notional * desk.config.maker_fee).quantize(Decimal("0.0001"), ROUND_HALF_EVEN), "f"),
        cycle_profit=format((notional * spacing).quantize(Decimal("0.0001"), ROUND_HALF_EVEN), "f"),
        funding_day=_funding(state, filled),
    )


def _ticks(state: SymbolDesk, ticks: float | None) -> str | None:
    return None if ticks is None else format(state.instrument.price(round(ticks)), "f")


def _money(value: float) -> str:
    return f"{value:.2f}"


def _drawdown(desk: Desk, filled: AllFilled) -> tuple[float | None, int | None]:
    """Drawdown of the account there, and the tier it would reach."""
    equity = desk.ledger.equity_quick()
    if equity is None or equity <= 0 or desk.tiers.peak <= 0:
        return None, None
    nav = desk.tiers.value * filled.equity / float(equity)
    drawdown = min(0.0, nav / desk.tiers.peak - 1.0)
    return drawdown, sum(1 for limit in desk.config.risk.tier_limits if -drawdown >= limit)


def _funding(state: SymbolDesk, filled: AllFilled) -> str | None:
    if state.funding_rate is None:
        return None
    hours = state.instrument.funding_interval_hours
    paid = filled.exposure * state.funding_rate * (DAY / (hours * HOUR))
    return _money(paid if filled.position > 0 else -paid)
