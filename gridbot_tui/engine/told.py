"""Futures positions as the news of their changes tells them: where that of a trade is lost, they say so."""

from typing import Final

from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import PositionTold
from gridbot_tui.units import Ms, Symbol

TRADE_TOLD: Final[Ms] = 2_000
"""A position and the trade that changed it are told within this, the one before or after the other."""


def hear(desk: Desk, event: PositionTold) -> None:
    """Remember the latest of a traded symbol; the ledger is compared with it once the trade has had its time."""
    before = desk.told.get(event.symbol)
    if event.symbol in desk.symbols and (before is None or event.at >= before[0]):
        desk.told[event.symbol] = (event.at, desk.now, event.steps)


def without_trade(desk: Desk) -> Symbol:
    """A symbol whose position was told, and no trade that makes it so; each once, "" where there is none."""
    found = ""
    for symbol, (_, heard_at, steps) in list(desk.told.items()):
        if desk.now - heard_at >= TRADE_TOLD:
            del desk.told[symbol]
            found = symbol if desk.ledger.position(symbol) != steps else found
    return found
