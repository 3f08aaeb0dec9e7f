"""Binance's filters for one order."""

import re

from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import Market, Side, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_FUTURES, _SPOT = Market.FUTURES, Market.SPOT
_LIMIT, _MARKET, _STOP_MARKET = OrderKind.LIMIT, OrderKind.MARKET, OrderKind.STOP_MARKET
_BUY = Side.BUY

_SPOT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
_FUTURES_ID = re.compile(r"[.A-Z:/a-z0-9_\-]{1,36}")


def check_client_id(market: Market, client_id: str) -> Refusal | None:
    """The characters and the length of an order's id."""
    if market is _SPOT:
        return None if _SPOT_ID.fullmatch(client_id) else no.BAD_CLIENT_ID
    return None if _FUTURES_ID.fullmatch(client_id) else no.BAD_CLIENT_ID_FUTURES


def check_shape(market: Market, order: NewOrder) -> Refusal | None:
    """Whether the parameters that the order's kind needs are there and go together."""
    if order.kind is _LIMIT and order.price is None:
        return no.MISSING_PRICE
    if order.kind is _STOP_MARKET and order.trigger is None:
        return no.MISSING_TRIGGER
    if not order.close_position:
        return None
    if market is _SPOT or order.kind is not _STOP_MARKET:
        return no.NOT_CONDITIONAL
    if order.steps:
        return no.CLOSE_WITH_QUANTITY
    return no.CLOSE_WITH_REDUCE_ONLY if order.reduce_only else None


def check_spot(instrument: Instrument, order: NewOrder, reference: Ticks) -> Refusal | None:
    """The spot filters but the counts; ``reference`` is the last price."""
    price = order.price if order.kind is _LIMIT else order.trigger
    if price is not None and not (max(1, instrument.min_price) <= price <= instrument.max_price):
        return no.filter_failure("PRICE_FILTER")
    if not (max(1, instrument.min_steps) <= order.steps <= instrument.max_steps):
        return no.filter_failure("LOT_SIZE")
    if order.kind is not _LIMIT and order.steps > instrument.market_max_steps:
        return no.filter_failure("MARKET_LOT_SIZE")
    if order.kind is _LIMIT and price is not None and _outside(instrument, order.side, price, reference):
        return no.filter_failure("PERCENT_PRICE_BY_SIDE")
    value = instrument.notional(price or reference, order.steps)
    most = instrument.max_market_notional if order.kind is _MARKET else instrument.max_notional
    if value < instrument.min_notional or (most is not None and value > most):
        return no.filter_failure("NOTIONAL")
    return None


def check_futures(instrument: Instrument, order: NewOrder, mark: Ticks, taker_price: Ticks) -> Refusal | None:
    """The same for USD-M, against the mark price; ``taker_price`` is what a market order would get."""
    price = order.price if order.kind is _LIMIT else order.trigger
    if price is not None:
        if price <= 0:
            return no.PRICE_ZERO
        if price < instrument.min_price:
            return no.PRICE_MIN
        if price > instrument.max_price:
            return no.PRICE_MAX
    refusal = None if order.close_position else _futures_quantity(instrument, order)
    if refusal is not None:
        return refusal
    if order.kind is _LIMIT and price is not None and _outside(instrument, order.side, price, mark):
        return no.PERCENT_HIGH if order.side is _BUY else no.PERCENT_LOW
    if order.kind is _MARKET and _outside(instrument, order.side, taker_price, mark):
        return no.MARKET_PERCENT
    if order.reduce_only or order.close_position:
        return None
    if (price or mark) * order.steps < instrument.least_value:
        return no.min_notional(instrument.min_notional)
    return None


def _futures_quantity(instrument: Instrument, order: NewOrder) -> Refusal | None:
    if order.steps <= 0:
        return no.QUANTITY_ZERO
    if order.steps < instrument.min_steps:
        return no.QUANTITY_MIN
    most = instrument.max_steps if order.kind is _LIMIT else instrument.market_max_steps
    return no.QUANTITY_MAX if order.steps > most else None


def _outside(instrument: Instrument, side: Side, price: Ticks, reference: Ticks) -> bool:
    """PERCENT_PRICE: a buy too far above the reference, a sell too far below it."""
    if side is _BUY:
        return price > reference * instrument.percent_up
    return price < reference * instrument.percent_down
