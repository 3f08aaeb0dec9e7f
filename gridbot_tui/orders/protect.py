"""The two single orders of a symbol: the one that works towards a target, and the resting stop."""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.desired import is_dust, reduction
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import Desired, NewOrder, OrderKind, OrderState, Purpose, StopOrder, TargetStyle
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import ClientId, Market, Ms, Side, Steps, Symbol, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_PASSIVE = TargetStyle.PASSIVE
_BUY, _SELL = Side.BUY, Side.SELL
_LIMIT, _MARKET, _STOP_MARKET = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.STOP_MARKET
_STOP, _TARGET = Purpose.STOP, Purpose.TARGET
_FUTURES = Market.FUTURES
_ORDER_CANCELLING = OrderState.CANCELLING
_ORDER_RESTING = OrderState.RESTING
_ORDER_SENDING = OrderState.SENDING
_ORDER_UNRESOLVED = OrderState.UNRESOLVED

_BUSY: Final = frozenset({OrderState.SENDING, OrderState.UNRESOLVED, OrderState.TRIGGERED, OrderState.CANCELLING})
"""States in which an order's fate is open: nothing is sent beside it, nor is it cancelled again."""


THIN_ROOM: Final = Decimal("0.05")
"""Farthest from the mark that a target rests in a thin book, as a share of it; and of what PERCENT_PRICE allows, nine
tenths: the mark moves while the order is on its way."""


def price_in_thin_book(instrument: Instrument, side: Side, mark: Ticks) -> Ticks:
    """Where a target rests that no market order reaches: about the worst price that one could have got."""
    if side is _BUY:
        return instrument.order_down(int(mark * (1 + min(THIN_ROOM, instrument.percent_up - 1) * 9 / 10)))
    return instrument.order_up(math.ceil(mark * (1 - min(THIN_ROOM, 1 - instrument.percent_down) * 9 / 10)))


def work_target(
    desired: Desired,
    live: Sequence[LiveOrder],
    position: Steps,
    touch: Touch,
    instrument: Instrument,
    ids: IdFactory,
    now: Ms,
    *,
    repeg: bool,
    clear: bool,
    free: Steps | None = None,
    thin: Ticks | None = None,
) -> tuple[NewOrder | None, list[ClientId]]:
    """The next order towards the target, and target orders that must go first.

    One order at a time, reduce-only on futures. ``repeg``: a passive one follows the touch now (once a
    closed bar), and one that rests in a thin book gives way to another try at the market. ``clear``: nothing else
    stands that holds what this order would reduce. ``free``: what may be sold at most, None = all. ``thin``: the price
    to rest at, as market orders meet nobody near the mark; None = they do.
    """
    delta = reduction(position, desired.target)
    style = desired.target.style if desired.target is not None else _PASSIVE
    side = _BUY if delta > 0 else _SELL
    if free is not None and side is _SELL:
        delta = max(delta, -free)
    if delta and is_dust(instrument, delta, touch):
        delta = 0
    passive = style is _PASSIVE
    price = (touch.bid if side is _BUY else touch.ask) if passive else thin
    most = instrument.most_market_steps(touch.bid) if price is None else instrument.most_steps(price)
    steps = min(abs(delta), most)
    cancels: list[ClientId] = []
    waits = False
    for one in live:
        if (
            one.ended
            or one.state in _BUSY
            or one.order.kind is _MARKET
            or (
                delta
                and (passive or not one.order.post_only)
                and one.order.side is side
                and one.remaining <= steps
                and (not repeg or (passive and one.order.price == price and one.remaining == steps))
            )
        ):
            waits = True
        else:
            cancels.append(one.order.client_id)
    if not delta or waits or cancels or not clear:
        return None, cancels
    order = NewOrder(
        client_id=_fresh(ids, live, desired.symbol, desired.epoch, side, _TARGET),
        symbol=desired.symbol,
        side=side,
        kind=_MARKET if price is None else _LIMIT,
        steps=steps,
        price=price,
        purpose=_TARGET,
        created_at=now,
        post_only=passive,
        reduce_only=instrument.market is _FUTURES,
        epoch=desired.epoch,
    )
    return order, cancels


def work_stop(
    desired: Desired, live: Sequence[LiveOrder], ids: IdFactory, now: Ms, tolerance: float
) -> tuple[NewOrder | None, list[ClientId]]:
    """The stop to be placed, and stops to be cancelled.

    A new stop is placed before the old one is cancelled, so that the position is never without one: the
    venue allows several by quantity. Of close-position stops (``steps`` 0) it allows one a side, so there
    the old one goes first.
    """
    stop = desired.stop
    if stop is None:
        return None, [one.order.client_id for one in live if not one.ended and one.state not in _BUSY]
    fitting = [one for one in live if not one.ended and _serves(one, stop, tolerance)]
    confirmed = any(one.state is _ORDER_RESTING for one in fitting)
    cancels: list[ClientId] = []
    pending = False
    keep = next((one for one in fitting if one.state is _ORDER_RESTING), None)
    for one in live:
        if one.ended or one.state in _BUSY:
            pending = pending or one.state is not _ORDER_CANCELLING
            continue
        wrong_side = one.order.side is not stop.side
        if one is not keep and (confirmed or wrong_side or stop.steps == 0):
            cancels.append(one.order.client_id)
    if fitting or pending or (stop.steps == 0 and (cancels or any(not one.ended for one in live))):
        return None, cancels
    order = NewOrder(
        client_id=_fresh(ids, live, desired.symbol, desired.epoch, stop.side, _STOP),
        symbol=desired.symbol,
        side=stop.side,
        kind=_STOP_MARKET,
        steps=stop.steps,
        price=None,
        purpose=_STOP,
        created_at=now,
        reduce_only=stop.steps > 0,
        close_position=stop.steps == 0,
        trigger=stop.trigger,
        epoch=desired.epoch,
    )
    return order, cancels


def _serves(one: LiveOrder, stop: StopOrder, tolerance: float) -> bool:
    """True where a live stop is as good as the desired one."""
    order = one.order
    if order.trigger is None or order.side is not stop.side or order.steps != stop.steps:
        return False
    return (
        one.state in (_ORDER_RESTING, _ORDER_SENDING, _ORDER_UNRESOLVED)
        and abs(order.trigger - stop.trigger) <= tolerance * stop.trigger
    )


def _fresh(
    ids: IdFactory, live: Sequence[LiveOrder], symbol: Symbol, epoch: int, side: Side, purpose: Purpose
) -> ClientId:
    """An id for this order that none of the live ones carries."""
    client_id = ids.issue(symbol, epoch, 0, side, purpose)
    while any(one.order.client_id == client_id for one in live):
        client_id = ids.another(client_id)
    return client_id
