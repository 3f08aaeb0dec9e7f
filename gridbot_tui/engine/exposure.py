"""The account as the gate sees it, and the leverage figures shown to the operator."""

from collections.abc import Collection

from gridbot_tui.engine import walk as walks
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.walk import of_symbol, walk
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import OrderState, Slot
from gridbot_tui.risk import gate
from gridbot_tui.risk.exposure import Portfolio
from gridbot_tui.risk.gate import ForeignOrder
from gridbot_tui.units import Symbol


def portfolio(desk: Desk) -> Portfolio:
    """Every position and every order that stands or may stand, as of now."""
    equity = desk.ledger.equity_quick()
    blocked = "equity_unknown" if equity is None else desk.breakers.blocks()
    return Portfolio(float(equity or 0), desk.tiers.left, walk(desk).symbols, blocked)


def refresh(desk: Desk) -> None:
    """Count every symbol's worst case at its mark, as it stands and as it is desired."""
    view = portfolio(desk)
    view.worst()
    as_planned(desk, view, ()).worst()


def as_planned(desk: Desk, view: Portfolio, asked: Collection[Symbol]) -> Portfolio:
    """``view``, but every symbol that is not asked about counts with what is desired of it, not with what stands.

    So what is desired of a symbol depends on no order that is on its way in or out. Asked right after ``portfolio``.
    """
    assert desk.walked is not None
    planned = Portfolio(view.equity, view.halt_left, desk.walked.planned, view.blocked)
    for name in asked:
        planned.symbols[name] = view.symbols[name]
    return planned


def strays(desk: Desk, slots: dict[Symbol, tuple[Slot, ...]]) -> dict[Symbol, list[LiveOrder]]:
    """Orders of unknown fate that no resting slot accounts for."""
    found = {}
    for name, wanted in slots.items():
        if desk.orders.any_in(OrderState.UNRESOLVED, name):
            lost = gate.strays(desk.orders.live(name), wanted)
            if lost:
                found[name] = lost
    return found


def foreign(desk: Desk, names: Collection[Symbol]) -> dict[Symbol, list[ForeignOrder]]:
    """What others let rest of these symbols."""
    if not desk.foreign_orders:
        return {}
    return {name: [one[:3] for one in walks.foreign(desk, desk.symbols[name])] for name in names}


def symbol_leverage(desk: Desk, state: SymbolDesk) -> float | None:
    """|position| x mark over account equity."""
    equity = desk.ledger.equity_quick()
    held = of_symbol(desk, state).held()
    return None if equity is None or equity <= 0 or held is None else held / float(equity)


def symbol_worst(desk: Desk, state: SymbolDesk) -> float | None:
    """The symbol's own worst case."""
    equity = desk.ledger.equity_quick()
    if equity is None or (state.mark is None and desk.ledger.position(state.symbol)):
        return None
    one = of_symbol(desk, state)
    return finite(Portfolio(float(equity), desk.tiers.left, {state.symbol: one}).worst_of(state.symbol))


def finite(value: float | None) -> float | None:
    """An infinite figure is unknown to a face."""
    return value if value is not None and abs(value) < 1e12 else None


def account_worst(desk: Desk) -> float | None:
    """The account's worst case; None where it cannot be known."""
    if desk.ledger.equity_quick() is None:
        return None
    return finite(portfolio(desk).worst())
