"""From checked parameters to an order: what both markets share."""

from decimal import Decimal
from uuid import uuid4

from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import Values
from gridbot_tui.exchange.server.numbers import places_of
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import Market, Ms, Side, Steps, Symbol, Ticks


def need(values: Values, *names: str) -> None:
    """-1102 for the first parameter that is missing."""
    for name in names:
        if name not in values:
            raise Denied(-1102, name)


def forbid(values: Values, *names: str) -> None:
    """-1106 for the first parameter that has no business here."""
    for name in names:
        if name in values:
            raise Denied(-1106, name)


def ticks(instrument: Instrument, price: Decimal) -> Ticks:
    """A price as whole ticks: -1111 for too many decimals, PRICE_FILTER or -4014 off the grid."""
    futures = instrument.market is Market.FUTURES
    most = max(2, places_of(instrument.tick)) if futures else 8
    every = instrument.price_every
    return every * _whole(price, every * instrument.tick, most, "PRICE_FILTER", -4014 if futures else 0)


def steps(instrument: Instrument, quantity: Decimal) -> Steps:
    """A quantity as whole steps: -1111 for too many decimals, LOT_SIZE or -4023 off the grid."""
    futures = instrument.market is Market.FUTURES
    most = places_of(instrument.step) if futures else 8
    return _whole(quantity, instrument.step, most, "LOT_SIZE", -4023 if futures else 0)


def _whole(value: Decimal, size: Decimal, places: int, filter_name: str, code: int) -> int:
    if places_of(value) > places:
        raise Denied(-1111)
    whole = value / size
    if whole != whole.to_integral_value():
        raise Denied(code) if code else Denied(-1013, filter_name)
    return int(whole)


def new_id() -> str:
    """A client id as the exchange makes one."""
    return uuid4().hex[:22]


def side_of(values: Values) -> Side:
    """The side."""
    return Side.BUY if values["side"] == "BUY" else Side.SELL


def intent(symbol: Symbol, client_id: str, side: Side, kind: OrderKind, quantity: Steps, price: Ticks | None, now: Ms,
           *, post_only: bool = False, reduce_only: bool = False) -> NewOrder:  # fmt: skip
    """An order in the exchange's own terms."""
    return NewOrder(client_id, symbol, side, kind, quantity, price, Purpose.GRID, now, post_only, reduce_only)
