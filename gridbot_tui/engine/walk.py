"""The walk over all symbols that the account's worst case and liquidation need, as seldom as may be.

News of one order changes one symbol, and so does a new mark; other prices change none. While ``Engine.handle`` takes
news of an order, only the symbols that were stirred since the last look, by it, this convergence or a mark, are looked
at again; at any other event, after one that is neither news of an order nor a quote, and outside of one, all are.
"""

from collections.abc import Collection
from typing import Final

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.risk.exposure import SymbolExposure
from gridbot_tui.units import Market, Ms, Side, Steps, Symbol, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_SPOT, _SELL = Market.SPOT, Side.SELL

MANY: Final = 4
"""More symbols than these do not wait to be looked at until somebody asks."""
_FOR_EVER: Final[Ms] = 1 << 62


class Walk:
    """Every symbol of the account, in name order, as of the last look."""

    __slots__ = ("maintenance", "planned", "symbols", "until")

    def __init__(self) -> None:
        self.symbols: dict[Symbol, SymbolExposure] = {}
        """What stands or may stand."""
        self.planned: dict[Symbol, SymbolExposure] = {}
        """What is desired; what stands where nothing has been desired yet."""
        self.maintenance: dict[Symbol, float] = {}
        """Maintenance margin at mark of what is held, quote."""
        self.until: Ms = _FOR_EVER
        """Until when the marks that are fresh now stay so."""


def walk(desk: Desk) -> Walk:
    """All symbols as they are now."""
    known = desk.walked
    if known is None or not desk.narrow or desk.now > known.until:
        known = desk.walked = Walk()
        _look(desk, known, desk.symbols)
    elif desk.stirred:
        held = known.maintenance.keys() & desk.stirred
        _look(desk, known, desk.stirred)
        if not held >= known.maintenance.keys() & desk.stirred:  # sums go by name
            known.maintenance = {name: known.maintenance[name] for name in desk.symbols if name in known.maintenance}
    desk.stirred.clear()
    return known


def plan(desk: Desk, state: SymbolDesk, planned: SymbolExposure) -> None:
    """Something else is desired of a symbol."""
    state.planned = planned
    desk.stirred.add(state.symbol)


def _look(desk: Desk, known: Walk, names: Collection[Symbol]) -> None:
    """Look at these symbols."""
    symbols, maintenance, until = desk.symbols, known.maintenance, known.until
    for name in names:
        state = symbols[name]
        now = known.symbols[name] = known.planned[name] = of_symbol(desk, state)
        planned = state.planned
        if planned is not None:
            planned.move(now.position, now.mark, now.fresh)
            known.planned[name] = planned
        if now.fresh:
            until = min(until, state.mark_at + desk.config.stale_after)
        if now.position and now.mark is not None:
            maintenance[name] = state.margins.maintenance(abs(now.position) * now.mark * now.unit)
        elif name in maintenance:
            del maintenance[name]
    known.until = until


def of_symbol(desk: Desk, state: SymbolDesk) -> SymbolExposure:
    """One symbol, with every order that stands, may stand, or has trades still to come.

    Kept between convergences: its orders are counted anew only after something happened to others than ours, or to
    the mark where it stands for the price of a market order.
    """
    kept, plan, mark = state.exposure, state.plan, state.mark
    gap = None if plan is None else plan.gap
    position, fresh = desk.ledger.books[state.symbol].position, is_fresh(desk, state)
    if kept is not None and kept.outlives(mark, gap):
        kept.move(position, mark, fresh)
        return kept
    made = SymbolExposure(
        state.instrument, position, mark, gap=gap, fresh=fresh, orders=desk.orders.live(state.symbol)
    )
    state.exposure = made
    if desk.foreign_orders:
        for side, price, steps, at_mark in foreign(desk, state):
            made.push(side, price, steps)
            made.at_mark = made.at_mark or at_mark
    return made


def foreign(desk: Desk, state: SymbolDesk) -> list[tuple[Side, Ticks, Steps, bool]]:
    """What others let rest of a symbol: side, price, what is left, and whether that is the mark's price.

    On spot sales are of base that is there: they open no short, and most often it is none of ours. Nor is what they buy
    with the quote beside the capital.
    """
    if state.instrument.market is _SPOT:
        return _bought_with_ours(desk, state)
    found = []
    for order in desk.foreign_orders.values():
        if order.symbol == state.symbol and not order.reduce_only and not order.conditional:
            price = order.price if order.price is not None else state.mark
            if price is not None and order.steps > order.filled:
                found.append((order.side, price, order.steps - order.filled, order.price is None))
    return found


def _bought_with_ours(desk: Desk, state: SymbolDesk) -> list[tuple[Side, Ticks, Steps, bool]]:
    """The part of others' spot purchases that the quote beside the capital does not pay for, in the order they came."""
    found = []
    beside = desk.ledger.beside
    for order in desk.foreign_orders.values():
        one, left = desk.symbols.get(order.symbol), order.steps - order.filled
        if one is None or order.side is _SELL or order.conditional or left <= 0:
            continue
        price = order.price
        if price is None:
            if one is state and one.mark is not None:
                found.append((order.side, one.mark, left, True))
            continue
        cost = one.instrument.notional(price, left)
        paid = left if beside >= cost else int(beside * left // cost)
        beside -= min(beside, cost)
        if one is state and paid < left:
            found.append((order.side, price, left - paid, False))
    return found


def is_fresh(desk: Desk, state: SymbolDesk) -> bool:
    """True while the mark is young enough to take new risk on it."""
    return state.mark is not None and desk.now - state.mark_at <= desk.config.stale_after
