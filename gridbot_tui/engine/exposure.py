"""The account as the gate sees it, and the leverage figures shown to the operator."""

from collections.abc import Collection

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import Slot
from gridbot_tui.risk import gate
from gridbot_tui.risk.exposure import Portfolio, SymbolExposure
from gridbot_tui.units import Symbol


def portfolio(desk: Desk) -> Portfolio:
    """Every position and every order that stands or may stand, as of now."""
    equity = desk.ledger.equity_quick()
    books, oldest = desk.ledger.books, desk.now - desk.config.stale_after
    symbols: dict[Symbol, SymbolExposure] = {}
    for name, state in desk.symbols.items():  # at every fill, for every symbol: most have not changed at all
        kept, plan, mark = state.exposure, state.plan, state.mark
        if kept is None or not kept.outlives(mark, None if plan is None else plan.gap):
            kept = of_symbol(desk, state)
        else:
            kept.move(books[name].position, mark, mark is not None and state.mark_at >= oldest)
        symbols[name] = kept
    blocked = "equity_unknown" if equity is None else desk.breakers.blocks()
    return Portfolio(float(equity or 0), desk.tiers.left, symbols, blocked)


def refresh(desk: Desk) -> None:
    """Count every symbol's worst case at its mark, as it stands and as it is desired."""
    view = portfolio(desk)
    view.worst()
    as_planned(desk, view, ()).worst()


def as_planned(desk: Desk, view: Portfolio, asked: Collection[Symbol]) -> Portfolio:
    """``view``, but every symbol that is not asked about counts with what is desired of it, not with what stands.

    So what is desired of a symbol depends on no order that is on its way in or out.
    """
    symbols = dict(view.symbols)
    for name, now in view.symbols.items():
        planned = desk.symbols[name].planned
        if planned is not None and name not in asked:
            planned.move(now.position, now.mark, now.fresh)
            symbols[name] = planned
    return Portfolio(view.equity, view.halt_left, symbols, view.blocked)


def of_symbol(desk: Desk, state: SymbolDesk) -> SymbolExposure:
    """One symbol, with every order that stands, may stand, or has trades still to come.

    Kept between convergences: its orders are counted anew only after something happened to one of them, or to
    the mark where it stands for the price of a market order.
    """
    position, gap = desk.ledger.position(state.symbol), state.plan.gap if state.plan is not None else None
    kept = state.exposure
    if kept is not None and kept.outlives(state.mark, gap):
        kept.move(position, state.mark, is_fresh(desk, state))
        return kept
    state.exposure = SymbolExposure(
        state.instrument,
        position,
        state.mark,
        gap=gap,
        fresh=is_fresh(desk, state),
        orders=desk.orders.live(state.symbol),
    )
    for order in desk.foreign_orders.values():
        if order.symbol == state.symbol and not order.reduce_only and not order.conditional:
            price = order.price if order.price is not None else state.mark
            if price is not None and order.steps > order.filled:
                state.exposure.push(order.side, price, order.steps - order.filled)
                state.exposure.at_mark = state.exposure.at_mark or order.price is None
    return state.exposure


def is_fresh(desk: Desk, state: SymbolDesk) -> bool:
    """True while the mark is young enough to take new risk on it."""
    return state.mark is not None and desk.now - state.mark_at <= desk.config.stale_after


def strays(desk: Desk, slots: dict[Symbol, tuple[Slot, ...]]) -> dict[Symbol, list[LiveOrder]]:
    """Orders of unknown fate that no resting slot accounts for."""
    found = {}
    for name, wanted in slots.items():
        lost = gate.strays(desk.orders.live(name), wanted)
        if lost:
            found[name] = lost
    return found


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
