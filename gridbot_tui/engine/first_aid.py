"""Protection first: at a start, before anything else is asked or decided, every held position gets its stop.

What is known then: the lots of the journal, and what the exchange has just stated of positions and open orders.
A stop that is one too many does no harm (it only reduces) and goes with the first convergence.
"""

from gridbot_tui.engine import converge, exposure, protection
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.events import OpenOrders
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose, StopOrder
from gridbot_tui.units import Market, Symbol, plain


def protect(desk: Desk, listed: OpenOrders) -> None:
    """Send a stop for each position of ours that has none on the exchange's list."""
    account = protection.account_of(desk)
    if desk.config.market is Market.SPOT or account is None or desk.latches.kill:
        return
    stopped = {one.symbol for one in listed.orders if one.conditional and desk.ids.is_ours(one.client_id)}
    view = exposure.portfolio(desk)
    for name, state in desk.symbols.items():
        position = desk.own(name)
        if not position or name in stopped or state.mark is None or _sent_already(desk, name):
            continue
        plan = protection.stop_plan(desk, state, position, [], view, account)
        if plan.stop is not None:
            converge.send(desk, _order(desk, state, plan.stop), view)
            held = f"{plain(state.instrument.quantity(position))} {state.instrument.base}"
            desk.note(name, "protected", f"{held} were held without a stop at the start", "warning")


def _sent_already(desk: Desk, symbol: Symbol) -> bool:
    """True where this life has sent a stop that the list may be too old to show."""
    return any(
        live.order.purpose is Purpose.STOP and live.sent_at > desk.started_at and not live.ended
        for live in desk.orders.live(symbol)
    )


def _order(desk: Desk, state: SymbolDesk, stop: StopOrder) -> NewOrder:
    epoch = state.plan.epoch if state.plan is not None else 0
    return NewOrder(
        client_id=_fresh(desk, state.symbol, epoch, stop),
        symbol=state.symbol,
        side=stop.side,
        kind=OrderKind.STOP_MARKET,
        steps=stop.steps,
        price=None,
        purpose=Purpose.STOP,
        created_at=desk.now,
        reduce_only=stop.steps > 0,
        close_position=stop.steps == 0,
        trigger=stop.trigger,
        epoch=epoch,
    )


def _fresh(desk: Desk, symbol: Symbol, epoch: int, stop: StopOrder) -> str:
    client_id = desk.ids.issue(symbol, epoch, 0, stop.side, Purpose.STOP)
    while desk.orders.get(client_id) is not None:
        client_id = desk.ids.another(client_id)
    return client_id
