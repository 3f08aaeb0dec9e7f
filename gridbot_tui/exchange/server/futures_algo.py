"""USD-M REST: conditional orders."""

from decimal import Decimal
from typing import Any

from gridbot_tui.exchange.server import entry, render_futures
from gridbot_tui.exchange.server.algo import AlgoOrder, AlgoService
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import CONDITIONAL_TYPES, Values
from gridbot_tui.exchange.server.futures_public import positive
from gridbot_tui.exchange.server.futures_trade import good_till, limit_price, position_side, span
from gridbot_tui.exchange.server.public import limit_of
from gridbot_tui.exchange.server.table import Call, by_symbol, endpoint
from gridbot_tui.exchange.simulated.filters import check_client_id
from gridbot_tui.units import Market

Json = dict[str, Any]
NEW = ("algoType! symbol! side! positionSide type! timeInForce quantity price triggerPrice workingType priceMatch"
       " closePosition priceProtect reduceOnly activatePrice callbackRate clientAlgoId newOrderRespType"
       " selfTradePreventionMode goodTillDate")  # fmt: skip


def service(call: Call) -> AlgoService:
    """The account's conditional orders, set to the moment of the call."""
    call.place.desk(call.account, "futures", call.now)
    assert call.account.algo is not None
    return call.account.algo


@endpoint("POST", "/fapi/v1/algoOrder", NEW, security="SIGNED", weight=0, orders=1, ws="algoOrder.place")
def place(call: Call) -> Json:
    """A new conditional order."""
    found = service(call)
    order = _read(call, call.values, found)
    found.place(order)
    desk = call.place.desk(call.account, "futures", call.now)
    return render_futures.algo(desk, order, placed_now=True)


def _read(call: Call, values: Values, found: AlgoService) -> AlgoOrder:
    kind = values["type"]
    if kind not in CONDITIONAL_TYPES:
        raise Denied(-1116)
    position_side(values)
    tape = call.place.tape("futures", values["symbol"])
    close = values.get("closePosition", False)
    trailing = kind == "TRAILING_STOP_MARKET"
    _shape(values, kind, close)
    tif = values.get("timeInForce", "GTC")
    match = values.get("priceMatch", "NONE")
    price = limit_price(values, tape, match) if kind in ("STOP", "TAKE_PROFIT") else None
    client_id = values.get("clientAlgoId") or entry.new_id()
    if check_client_id(Market.FUTURES, client_id) is not None:
        raise Denied(-4015)
    rate = values.get("callbackRate")
    if rate is not None and not Decimal("0.1") <= rate <= 20:
        raise Denied(-1130, "callbackRate")
    activate = values.get("activatePrice")
    quantity = 0 if close else entry.steps(tape.instrument, values["quantity"])
    if not close:
        _size(tape.instrument, quantity)
    return AlgoOrder(
        found.next_id(), client_id, tape.symbol, entry.side_of(values), kind, quantity, price,
        0 if trailing else entry.ticks(tape.instrument, values["triggerPrice"]), tif,
        values.get("workingType", "CONTRACT_PRICE"), close, values.get("reduceOnly", False),
        values.get("priceProtect", False), match, values.get("selfTradePreventionMode", "EXPIRE_MAKER"),
        good_till(values, tif, call.now), None if activate is None else entry.ticks(tape.instrument, activate), rate,
        call.now, call.now,
    )  # fmt: skip


def _size(instrument: Any, quantity: int) -> None:
    if quantity <= 0:
        raise Denied(-4003)
    if quantity < instrument.min_steps:
        raise Denied(-4004)
    if quantity > instrument.max_steps:
        raise Denied(-4005)


def _shape(values: Values, kind: str, close: bool) -> None:
    """Which parameters go with which type."""
    if kind == "TRAILING_STOP_MARKET":
        entry.need(values, "callbackRate")
        entry.forbid(values, "triggerPrice", "price")
    else:
        entry.need(values, "triggerPrice")
        entry.forbid(values, "callbackRate", "activatePrice")
        positive(values["triggerPrice"], "triggerPrice")
    if close:
        if kind not in ("STOP_MARKET", "TAKE_PROFIT_MARKET"):
            raise Denied(-4136, kind)
        if "quantity" in values:
            raise Denied(-4137)
        if "reduceOnly" in values:
            raise Denied(-1106, "reduceOnly")
    else:
        entry.need(values, "quantity")


def _wanted(call: Call) -> AlgoOrder:
    values = call.values
    number, name = (values.get(one, values.get(one.lower())) for one in ("algoId", "clientAlgoId"))
    if number is None and name is None:
        raise Denied(-1102, "algoId")
    order = service(call).find(number, name)
    if order is None:
        raise Denied(-2013)
    return order


@endpoint("GET", "/fapi/v1/algoOrder", "algoId clientAlgoId algoid clientalgoid symbol", security="SIGNED")
def query(call: Call) -> Json:
    """One conditional order."""
    return render_futures.algo_queried(call.place.desk(call.account, "futures", call.now), _wanted(call))


@endpoint("DELETE", "/fapi/v1/algoOrder", "algoId clientAlgoId algoid clientalgoid symbol", security="SIGNED",
          ws="algoOrder.cancel")  # fmt: skip
def cancel(call: Call) -> Json:
    """Cancel one conditional order."""
    try:
        order = _wanted(call)
    except Denied as why:
        raise Denied(-2011) if why.code == -2013 else why from None
    if order.algo_id not in service(call).open:
        raise Denied(-2011)
    service(call).end(order, "CANCELED")
    return {"algoId": order.algo_id, "clientAlgoId": order.client_id, "code": "200", "msg": "success"}


@endpoint("DELETE", "/fapi/v1/algoOpenOrders", "symbol!", security="SIGNED")
def cancel_all(call: Call) -> Json:
    """Cancel a symbol's conditional orders."""
    call.place.tape("futures", call.values["symbol"])
    found = service(call)
    for order in list(found.by_symbol.get(call.values["symbol"], ())):
        found.end(order, "CANCELED")
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


@endpoint("GET", "/fapi/v1/openAlgoOrders", "algoType symbol algoId", security="SIGNED", weight=by_symbol(1, 40),
          weight_text="1 with symbol, 40 without")  # fmt: skip
def open_orders(call: Call) -> list[Json]:
    """Open conditional orders."""
    desk = call.place.desk(call.account, "futures", call.now)
    symbol, number = call.get("symbol"), call.get("algoId")
    return [render_futures.algo(desk, o) for o in service(call).open.values()
            if (symbol is None or o.symbol == symbol) and (number is None or o.algo_id == number)]  # fmt: skip


@endpoint("GET", "/fapi/v1/allAlgoOrders", "symbol! algoId startTime endTime limit", security="SIGNED", weight=5)
def all_orders(call: Call) -> list[Json]:
    """Conditional orders, open and ended."""
    desk = call.place.desk(call.account, "futures", call.now)
    since, until = span(call, "algoId")
    found = service(call)
    first = call.get("algoId", 0)
    rows = sorted((o for o in (*found.ended, *found.open.values()) if o.symbol == call.values["symbol"]
                   and o.algo_id >= first and since <= o.created_at <= until), key=lambda o: o.algo_id)  # fmt: skip
    return [render_futures.algo(desk, o) for o in rows[-limit_of(call.values, 500, 1_000):]]
