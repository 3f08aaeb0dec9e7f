"""A futures position that was there before the first start: in the books as an external lot, and no new risk beside it.

The exchange states it, and no trade that it still lists explains it. Where no order of ours was ever sent in the symbol
it can be nobody's but another hand's. Booked, it counts in every limit, and what closes it leaves books that agree: the
bot trades on by itself. Until then nothing adds risk: an order of ours in the symbol could close what is not ours.
"""

from gridbot_tui.engine import watch
from gridbot_tui.engine.actions import HeldFact
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import PositionState
from gridbot_tui.units import ZERO, Ms, Steps, Symbol


def book(desk: Desk, at: Ms, symbol: Symbol, position: PositionState | None, unexplained: Steps) -> Steps:
    """Book what no trade explains of ``position`` (None: there is none any more, its closing alone is in the books).

    Returns:
        The signed steps that were booked; 0 where they may be ours, or have no price yet.
    """
    state, lots = desk.symbols[symbol], desk.ledger.book(symbol)
    if state.mark is None or lots.fills or desk.orders.knows(symbol):
        return 0
    cost = ZERO if position is None else position.entry_price * lots.instrument.quantity(position.steps)
    desk.ledger.hold(at, symbol, unexplained, state.mark, cost)
    desk.emit(HeldFact(at, symbol, unexplained, state.mark, cost))
    held = f"{lots.instrument.quantity(unexplained)} {lots.instrument.base} were there before the first start"
    desk.note(symbol, "held_before", f"{held}: counted as another hand's from now on", "warning")
    watch.write_drawdown(desk)
    desk.symbol_changed(symbol)
    desk.touch_all()  # the leverage of the whole account is another one
    return unexplained
