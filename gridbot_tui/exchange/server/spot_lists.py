"""Spot REST: order lists."""

from decimal import Decimal
from typing import Any

from gridbot_tui.exchange.server import entry, render_spot
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk, Terms
from gridbot_tui.exchange.server.fields import Values
from gridbot_tui.exchange.server.lists import OrderList
from gridbot_tui.exchange.server.public import limit_of
from gridbot_tui.exchange.server.spot_trade import check_waiting, read
from gridbot_tui.exchange.server.table import Call, endpoint
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import Side

Json = dict[str, Any]
Leg = tuple[NewOrder, Terms]
_LEG = "Type! ClientOrderId IcebergQty Price StopPrice TrailingDelta TimeInForce StrategyId StrategyType"
OCO = ("symbol! listClientOrderId side! quantity! " + " ".join(f"above{name}" for name in _LEG.split()) + " "
       + " ".join(f"below{name}" for name in _LEG.split()) + " newOrderRespType selfTradePreventionMode")  # fmt: skip
OLD = ("symbol! listClientOrderId side! quantity! limitClientOrderId price! limitStrategyId limitStrategyType"
       " limitIcebergQty trailingDelta stopClientOrderId stopPrice! stopStrategyId stopStrategyType stopLimitPrice"
       " stopIcebergQty stopLimitTimeInForce newOrderRespType selfTradePreventionMode")  # fmt: skip
_FIRST = ("symbol! listClientOrderId newOrderRespType selfTradePreventionMode workingType! workingSide! workingPrice!"
          " workingQuantity! workingClientOrderId workingIcebergQty workingTimeInForce workingStrategyId"
          " workingStrategyType pendingSide! pendingQuantity! ")  # fmt: skip
OTO = _FIRST + " ".join(f"pending{name}" for name in _LEG.split())
OTOCO = _FIRST + " ".join(f"pending{where}{name}" for where in ("Above", "Below") for name in _LEG.split())
_SHARED = ("symbol", "side", "quantity", "selfTradePreventionMode")
_OLD_LEG = {"ClientOrderId": "newClientOrderId", "IcebergQty": "icebergQty", "StrategyId": "strategyId",
            "StrategyType": "strategyType"}  # fmt: skip
_STOPS = ("STOP_LOSS", "STOP_LOSS_LIMIT")
_PROFITS = ("LIMIT_MAKER", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")


def desk_of(call: Call) -> Desk:
    """The account's spot desk."""
    return call.place.desk(call.account, "spot", call.now)


@endpoint("POST", "/api/v3/orderList/oco", OCO, security="SIGNED", orders=2, ws="orderList.place.oco")
def place(call: Call) -> Json:
    """A list of one order above the price and one below."""
    return _oco(call, _both(call, "above", "below", call.values["side"], call.values["quantity"]))


@endpoint("POST", "/api/v3/orderList/oto", OTO, security="SIGNED", orders=2, ws="orderList.place.oto")
def place_then_one(call: Call) -> Json:
    """An order, and one that is placed once it has filled."""
    values = call.values
    pending = read(call, _leg(values, "pending", values["pendingSide"], values["pendingQuantity"]))
    return _placed(call, desk_of(call).lists.place_first(_working(call), [pending[:2]], _name(call)))


@endpoint("POST", "/api/v3/orderList/otoco", OTOCO, security="SIGNED", orders=3, ws="orderList.place.otoco")
def place_then_both(call: Call) -> Json:
    """An order, and an OCO that is placed once it has filled."""
    values = call.values
    pending = _both(call, "pendingAbove", "pendingBelow", values["pendingSide"], values["pendingQuantity"])
    return _placed(call, desk_of(call).lists.place_first(_working(call), [*pending], _name(call)))


@endpoint("POST", "/api/v3/order/oco", OLD, security="SIGNED", orders=2, ws="orderList.place")
def place_old(call: Call) -> Json:
    """The same with the names of before 2024: a limit order and a stop."""
    values = call.values
    both: Values = {name: values[name] for name in _SHARED if name in values}
    limit = {**both, "type": "LIMIT_MAKER", "price": values["price"]}
    stop = {**both, "type": "STOP_LOSS", "stopPrice": values["stopPrice"]}
    if "stopLimitPrice" in values:
        entry.need(values, "stopLimitTimeInForce")
        stop |= {"type": "STOP_LOSS_LIMIT", "price": values["stopLimitPrice"],
                 "timeInForce": values["stopLimitTimeInForce"]}  # fmt: skip
    if "trailingDelta" in values:
        stop["trailingDelta"] = values["trailingDelta"]
    for leg, prefix in ((limit, "limit"), (stop, "stop")):
        for word, name in _OLD_LEG.items():
            if prefix + word in values:
                leg[name] = values[prefix + word]
    return _oco(call, _legs(call, stop, limit))


def _oco(call: Call, legs: tuple[Leg, Leg]) -> Json:
    desk = desk_of(call)
    for new, terms in legs:
        check_waiting(desk, new, terms)
    return _placed(call, desk.lists.place(legs, _name(call)))


def _legs(call: Call, stop: Values, limit: Values) -> tuple[Leg, Leg]:
    """Both legs of an OCO, the stop on the losing side of the other one."""
    legs = read(call, stop)[:2], read(call, limit)[:2]
    _apart(*legs)
    return legs


def _both(call: Call, above: str, below: str, side: str, quantity: Decimal) -> tuple[Leg, Leg]:
    """The legs of an OCO: the stop and the other one."""
    high, low = (_PROFITS, _STOPS) if side == "SELL" else (_STOPS, _PROFITS)
    upper, lower = (_leg(call.values, prefix, side, quantity) for prefix in (above, below))
    if upper["type"] not in high or lower["type"] not in low:
        raise Denied(-1014)
    return _legs(call, lower, upper) if side == "SELL" else _legs(call, upper, lower)


def _working(call: Call) -> Leg:
    """The order of an OTO that comes first."""
    values = call.values
    if values["workingType"] not in ("LIMIT", "LIMIT_MAKER"):
        raise Denied(-1014)
    return read(call, _leg(values, "working", values["workingSide"], values["workingQuantity"]))[:2]


def _name(call: Call) -> str:
    name: str = call.get("listClientOrderId") or entry.new_id()
    return name


def _placed(call: Call, found: OrderList) -> Json:
    call.weight = 0
    return render_spot.order_list(desk_of(call), found, reports=True)


def _leg(values: Values, prefix: str, side: str, quantity: Decimal) -> Values:
    """The parameters of one leg under the names of a plain order."""
    names = {"ClientOrderId": "newClientOrderId"}
    leg: Values = {name: values[name] for name in _SHARED if name in values} | {"side": side, "quantity": quantity}
    for word in _LEG.replace("!", "").split():
        if prefix + word in values:
            leg[names.get(word, word[0].lower() + word[1:])] = values[prefix + word]
    return leg


def _apart(stop: Leg, limit: Leg) -> None:
    """The stop lies on the losing side of the other leg."""
    loss, gain = stop[1].trigger, limit[1].trigger or limit[0].price
    if loss is None or gain is None:
        return  # a trailing one is where the price is
    if (loss >= gain) if stop[0].side is Side.SELL else (loss <= gain):
        raise Denied(-2010, msg="The relationship of the prices for the orders is not correct.")


def _wanted(call: Call, code: int) -> OrderList:
    number = call.get("orderListId")
    name = call.get("origClientOrderId") or call.get("listClientOrderId")
    if number is None and name is None:
        raise Denied(-1102, "orderListId")
    for found in reversed(desk_of(call).lists.kept):
        if found.list_id == number or (number is None and found.client_id == name):
            return found
    raise Denied(code, msg="Order list does not exist.")


@endpoint("GET", "/api/v3/orderList", "orderListId origClientOrderId", security="SIGNED", weight=4,
          ws="orderList.status")  # fmt: skip
def query(call: Call) -> Json:
    """One list."""
    return render_spot.order_list(desk_of(call), _wanted(call, -2013))


@endpoint("DELETE", "/api/v3/orderList", "symbol! orderListId listClientOrderId newClientOrderId", security="SIGNED",
          ws="orderList.cancel")  # fmt: skip
def cancel(call: Call) -> Json:
    """Cancel a list."""
    call.place.tape("spot", call.values["symbol"])
    desk, found = desk_of(call), _wanted(call, -2011)
    if found.done or found.symbol != call.values["symbol"]:
        raise Denied(-2011)
    desk.lists.cancel(found, call.get("newClientOrderId") or entry.new_id())
    call.weight = 0
    return render_spot.order_list(desk, found, reports=True)


@endpoint("GET", "/api/v3/openOrderList", security="SIGNED", weight=6, ws="openOrderLists.status")
def open_lists(call: Call) -> list[Json]:
    """Lists with an open leg."""
    desk = desk_of(call)
    return [render_spot.order_list(desk, found) for found in desk.lists.kept if not found.done]


@endpoint("GET", "/api/v3/allOrderList", "fromId startTime endTime limit", security="SIGNED", weight=20,
          ws="allOrderLists")  # fmt: skip
def all_lists(call: Call) -> list[Json]:
    """Lists, open and ended."""
    desk, values = desk_of(call), call.values
    since, until = values.get("startTime", 0), values.get("endTime", 1 << 62)
    first = values.get("fromId", 0)
    rows = [x for x in desk.lists.kept if x.list_id >= first and since <= x.at <= until]
    return [render_spot.order_list(desk, found) for found in rows[-limit_of(values, 500, 1_000) :]]
