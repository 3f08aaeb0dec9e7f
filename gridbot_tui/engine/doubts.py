"""Once a second: orders whose fate is open for long, positions without a stop for long. Said, and minded."""

from typing import Final

from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.desired import is_dust
from gridbot_tui.orders.model import OrderState, Purpose
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import Market, Ms

OPEN_FOR: Final[Ms] = 5_000
"""An order's fate may be open this long before it is said."""
BARE_FOR: Final[Ms] = 15_000
"""A position may be without a resting stop this long (one is on its way) before it takes no more risk."""
BELIEVED_AFTER: Final[Ms] = 120_000
"""After a stop that was taken and then denied, one counts once it is listed, or was not denied for so long."""


def each_tick(desk: Desk) -> None:
    """Look at every symbol."""
    futures = desk.config.market is Market.FUTURES
    for state in desk.symbols.values():
        _unresolved(desk, state)
        if futures:
            _unprotected(desk, state)


def _unresolved(desk: Desk, state: SymbolDesk) -> None:
    name, unsure = state.symbol, OrderState.UNRESOLVED
    count = sum(1 for live in desk.orders.live(name) if live.state is unsure and desk.now - live.changed_at >= OPEN_FOR)
    if count:
        detail = f"{count} order{'s' if count > 1 else ''} whose fate the exchange has not told; counted as standing"
        desk.blockers.hold(name, "unresolved", desk.now, detail, "when it answers")
    else:
        desk.blockers.clear(name, "unresolved")


def _unprotected(desk: Desk, state: SymbolDesk) -> None:
    name = state.symbol
    if not _bare(desk, state):
        state.bare_since = state.denied_at = None
        if desk.blockers.clear(name, "unprotected"):
            state.shaped = None
            desk.dirty.add(name)
        return
    if state.bare_since is None:
        state.bare_since = desk.now
    if desk.now - state.bare_since < BARE_FOR:
        return
    denied = state.denied_at is not None
    why = "the exchange denies the stop that it had taken" if denied else "no stop rests on the exchange"
    detail = f"a position is held and {why}"
    if desk.blockers.hold(name, "unprotected", state.bare_since, detail, "when its stop rests, or it is closed"):
        desk.note(name, "unprotected", detail, "error")
        state.shaped = None
        desk.dirty.add(name)


def _bare(desk: Desk, state: SymbolDesk) -> bool:
    """True where we hold what could be closed and nothing on the exchange protects it."""
    own, best = desk.own(state.symbol), state.best
    if not own or best is None or is_dust(state.instrument, own, Touch(*best)):
        return False
    protecting = (OrderState.RESTING, OrderState.CANCELLING, OrderState.TRIGGERED)
    return not any(
        live.order.purpose is Purpose.STOP
        and live.state in protecting
        and live.order.side * own < 0
        and _believed(desk, state, live)
        for live in desk.orders.live(state.symbol)
    )


def _believed(desk: Desk, state: SymbolDesk, live: LiveOrder) -> bool:
    """Whether a stop that the exchange has taken does rest, as far as can be known."""
    if state.denied_at is None or live.order.client_id in desk.listed:
        return True
    return desk.now - live.sent_at >= BELIEVED_AFTER
