"""Futures: what the exchange states not to be there of the lots of ours. No order of ours may be for it.

A grid exit is a plain order: sent for what is gone it opens a position. So may one that rested, or was on its way, when
the position went (a testnet that was reset, a trade by another hand that no list has). Two statements that agree say
so, and what it opened is ours to close. Before that a position is not flat, and keeps its stop: one statement may be
older than a fill.
"""

from typing import Final

from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import Fill
from gridbot_tui.units import Ms, Steps, Symbol, plain

AGREE: Final[Ms] = 2_000
"""Statements that say the same prove it where they are so far apart, and the ledger has stood still meanwhile."""


def stated(desk: Desk, at: Ms, symbol: Symbol, theirs: Steps) -> None:
    """Compare lots of ours with what the exchange has just stated of their symbol."""
    book = desk.ledger.book(symbol)
    ours, own = book.position, book.own_position
    unexplained, before = theirs - ours, desk.gone.get(symbol, 0)
    there = max(0, min(theirs, own)) if own > 0 else min(0, max(theirs, own))
    # What was gone stays so while the difference does, whatever of it has been sold since.
    still = min(before, unexplained, key=abs) if before * unexplained > 0 else 0
    gone = max(there - own, still, key=abs)
    last = desk.stated.get(symbol)
    since = last[2] if last is not None and last[:2] == (theirs, ours) else at
    desk.stated[symbol] = (theirs, ours, since)
    was, known = desk.own(symbol), symbol in desk.proved
    desk.gone.pop(symbol, None)
    desk.proved.discard(symbol)
    desk.beyond.discard(symbol)
    if gone:
        desk.gone[symbol] = gone
        if at - since >= AGREE:
            desk.proved.add(symbol)
            if (own + gone) * gone > 0:
                desk.beyond.add(symbol)
    proved = symbol in desk.proved
    if desk.own(symbol) == was and bool(before) == bool(gone) and known is proved:
        return
    desk.symbol_changed(symbol)
    one = desk.symbols[symbol].instrument
    if symbol in desk.beyond:
        opened = f"{plain(one.quantity(desk.own(symbol)))} {one.base}"
        detail = f"an exit of ours has met a position that was gone and opened one: {opened}; it is closed"
        desk.note(symbol, "position_unknown", detail, "error")
    elif proved and not known:
        left = f"{plain(one.quantity(desk.own(symbol)))} {one.base}"
        detail = f"exits and stop are for what the exchange still holds of our lots: {left}"
        desk.note(symbol, "position_unknown", detail, "warning")


def filled(desk: Desk, fill: Fill, before: Steps) -> None:
    """A fill was booked in a symbol of which lots of ours are gone; ``before`` is what they came to until then.

    The ledger lets an execution close whatever is on the other side: another hand's closes lots of ours that are gone,
    and ours close another hand's. What is there of ours does not move by the one, and does by the other.
    """
    symbol = fill.symbol
    own = desk.ledger.book(symbol).own_position
    there = before + desk.gone[symbol]
    if fill.ours:
        there += fill.side * fill.steps
    elif there * before > 0:
        left = there + own - before
        there = left if left * before > 0 else 0
    desk.gone[symbol] = there - own
    if not desk.gone[symbol]:
        del desk.gone[symbol]
        desk.proved.discard(symbol)
        desk.beyond.discard(symbol)
