"""Spot REST: orders."""

from decimal import Decimal
from typing import Any

from gridbot_tui.exchange.server import amend as amending
from gridbot_tui.exchange.server import entry, render_spot
from gridbot_tui.exchange.server.codes import Denied, raise_for
from gridbot_tui.exchange.server.desk import Desk, Terms, check_trigger
from gridbot_tui.exchange.server.fields import SPOT_TYPES, Values
from gridbot_tui.exchange.server.limits import ICEBERG_PARTS, TRAILING
from gridbot_tui.exchange.server.public import limit_of
from gridbot_tui.exchange.server.table import Call, by_symbol, endpoint
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.exchange.simulated.filters import check_client_id, check_spot
from gridbot_tui.exchange.simulated.records import Order, Trade
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import DAY, ZERO, Market, Side, Steps, Symbol

Json = dict[str, Any]
NEW = ("symbol! side! type! timeInForce quantity quoteOrderQty price newClientOrderId strategyId strategyType"
       " stopPrice trailingDelta icebergQty newOrderRespType selfTradePreventionMode pegPriceType pegOffsetValue"
       " pegOffsetType")  # fmt: skip
_NEEDS: dict[str, tuple[str, ...]] = {
    "LIMIT": ("timeInForce", "quantity", "price"),
    "LIMIT_MAKER": ("quantity", "price"),
    "MARKET": (),
    "STOP_LOSS": ("quantity",),
    "TAKE_PROFIT": ("quantity",),
    "STOP_LOSS_LIMIT": ("timeInForce", "quantity", "price"),
    "TAKE_PROFIT_LIMIT": ("timeInForce", "quantity", "price"),
}
_NOT: dict[str, tuple[str, ...]] = {
    "LIMIT": ("stopPrice", "quoteOrderQty", "trailingDelta"),
    "LIMIT_MAKER": ("timeInForce", "stopPrice", "quoteOrderQty", "trailingDelta"),
    "MARKET": ("timeInForce", "price", "stopPrice", "trailingDelta", "icebergQty"),
    "STOP_LOSS": ("timeInForce", "price", "quoteOrderQty", "icebergQty"),
    "TAKE_PROFIT": ("timeInForce", "price", "quoteOrderQty", "icebergQty"),
    "STOP_LOSS_LIMIT": ("quoteOrderQty",),
    "TAKE_PROFIT_LIMIT": ("quoteOrderQty",),
}


def read(call: Call, values: Values) -> tuple[NewOrder, Terms, Decimal | None]:
    """A new order from its parameters."""
    kind = values["type"]
    if kind not in SPOT_TYPES:
        raise Denied(-1116)
    if values.get("timeInForce") in ("GTX", "GTD", "RPI"):
        raise Denied(-1115)
    entry.need(values, *_NEEDS[kind])
    entry.forbid(values, *_NOT[kind])
    for name in ("pegPriceType", "pegOffsetValue", "pegOffsetType"):
        if name in values:
            raise Denied(-1013, msg=f"This symbol does not support {name}.")
    tape = call.place.tape("spot", values["symbol"])
    quote = values.get("quoteOrderQty")
    if kind == "MARKET" and ("quantity" in values) is (quote is not None):
        raise Denied(-1102, "quantity") if quote is None else Denied(-1128)
    price = entry.ticks(tape.instrument, values["price"]) if "price" in values else None
    quantity = entry.steps(tape.instrument, values["quantity"]) if "quantity" in values else 0
    side = entry.side_of(values)
    limit = price is not None
    new = entry.intent(tape.symbol, values.get("newClientOrderId") or entry.new_id(), side,
                       OrderKind.LIMIT if limit else OrderKind.MARKET, quantity, price, call.now,
                       post_only=kind == "LIMIT_MAKER")  # fmt: skip
    terms = Terms(kind, values.get("timeInForce", "GTC"), stp=values.get("selfTradePreventionMode", "EXPIRE_MAKER"),
                  quote_quantity=quote or ZERO, strategy_id=values.get("strategyId"),
                  strategy_type=values.get("strategyType"))  # fmt: skip
    if kind not in ("LIMIT", "LIMIT_MAKER", "MARKET"):
        _trigger(values, tape, terms, side)
    if values.get("icebergQty"):
        _iceberg(values, tape, terms, quantity)
    return new, terms, quote


def _iceberg(values: Values, tape: Tape, terms: Terms, quantity: Steps) -> None:
    terms.iceberg = entry.steps(tape.instrument, values["icebergQty"])
    if terms.iceberg > quantity:
        raise Denied(-2010, "IcebergQty exceeds QTY.")
    if terms.tif != "GTC":
        raise Denied(-1014)
    if terms.iceberg < tape.instrument.min_steps:
        raise Denied(-1013, "LOT_SIZE")
    if -(-quantity // terms.iceberg) > ICEBERG_PARTS:
        raise Denied(-1013, "ICEBERG_PARTS")


def _trigger(values: Values, tape: Tape, terms: Terms, side: Side) -> None:
    terms.trailing = values.get("trailingDelta", 0)
    if "trailingDelta" in values and not TRAILING[0] <= terms.trailing <= TRAILING[1]:
        raise Denied(-1013, "TRAILING_DELTA")
    if not terms.trailing:
        entry.need(values, "stopPrice")
    if "stopPrice" in values:
        terms.trigger = entry.ticks(tape.instrument, values["stopPrice"])
    terms.rising = (side is Side.BUY) is terms.kind.startswith("STOP_LOSS")


def submit(call: Call, desk: Desk, values: Values) -> Json:
    """Place an order and answer as asked for."""
    new, terms, quote = read(call, values)
    check_waiting(desk, new, terms)
    order = desk.submit(new, terms, quote)
    answer = values.get("newOrderRespType") or ("FULL" if terms.kind in ("LIMIT", "MARKET") else "ACK")
    if answer == "ACK":
        return render_spot.ack(desk, order)
    if answer == "RESULT":
        return render_spot.result(desk, order)
    return render_spot.full(desk, order, trades_of(desk, order))


def check_waiting(desk: Desk, new: NewOrder, terms: Terms) -> None:
    """-1013 for one waiting order more than a symbol may have, -2010 for one whose trigger has been reached."""
    if not terms.waits:
        return
    if len(desk.waiting.get(new.symbol, ())) >= desk.params.max_spot_stops:
        raise Denied(-1013, "MAX_NUM_ALGO_ORDERS")
    if terms.trigger is not None and not terms.trailing:  # of a trailing order it only says from where it is followed
        check_trigger(new.side, terms.rising, terms.trigger, desk.tapes[new.symbol].last)


def trades_of(desk: Desk, order: Order) -> list[Trade]:
    """The executions of an order."""
    if not order.filled:
        return []
    found = []
    for trade in reversed(desk.history.trades.get(order.symbol, [])):
        if trade.exchange_id == order.exchange_id:
            found.append(trade)
        elif trade.at < order.created_at:
            break
    return found[::-1]


@endpoint("POST", "/api/v3/order", NEW, security="SIGNED", orders=1, ws="order.place")
def place(call: Call) -> Json:
    """A new order."""
    desk = call.place.desk(call.account, "spot", call.now)
    answer = submit(call, desk, call.values)
    call.weight = 0
    return answer


@endpoint("POST", "/api/v3/order/test", NEW + " computeCommissionRates", security="SIGNED", ws="order.test")
def test(call: Call) -> Json:
    """The checks of a new order, without the order."""
    desk = call.place.desk(call.account, "spot", call.now)
    new, terms, quote = read(call, call.values)
    check_waiting(desk, new, terms)
    desk.checked(new, quote)
    if not call.get("computeCommissionRates"):
        return {}
    rates = {"maker": f"{desk.fees.maker:.8f}", "taker": f"{desk.fees.taker:.8f}"}
    nothing = {"maker": "0.00000000", "taker": "0.00000000"}
    return {
        "standardCommissionForOrder": rates, "specialCommissionForOrder": nothing, "taxCommissionForOrder": nothing,
        "discount": render_spot.discount(desk),
    }  # fmt: skip


def wanted(call: Call, desk: Desk, code: int) -> Order:
    """The order that orderId or origClientOrderId names, or the code."""
    values = call.values
    call.place.tape("spot", values["symbol"])
    if "orderId" not in values and "origClientOrderId" not in values:
        raise Denied(-1102, "orderId", msg="Param 'origClientOrderId' or 'orderId' must be sent, but both were"
                     " empty/null!")  # fmt: skip
    return named(desk, values["symbol"], values.get("orderId"), values.get("origClientOrderId"), code)


def named(desk: Desk, symbol: Symbol, number: int | None, client_id: str | None, code: int) -> Order:
    """An order by number or client id; where both were sent they must be of one order."""
    order = desk.find(symbol, number, client_id)
    if order is None:
        raise Denied(code, "Unknown order sent.")
    if client_id is not None and order.client_id != client_id:
        raise Denied(-2039)
    return order


@endpoint("GET", "/api/v3/order", "symbol! orderId origClientOrderId", security="SIGNED", weight=4, ws="order.status")
def query(call: Call) -> Json:
    """One order."""
    desk = call.place.desk(call.account, "spot", call.now)
    return render_spot.queried(desk, wanted(call, desk, -2013))


@endpoint("DELETE", "/api/v3/order", "symbol! orderId origClientOrderId newClientOrderId cancelRestrictions",
          security="SIGNED", ws="order.cancel")  # fmt: skip
def cancel(call: Call) -> Json:
    """Cancel one order."""
    desk = call.place.desk(call.account, "spot", call.now)
    order = wanted(call, desk, -2011)
    answer = cancel_one(desk, order, call.get("newClientOrderId"), call.get("cancelRestrictions"))
    call.weight = 0
    return answer


def cancel_one(desk: Desk, order: Order, cancel_id: str | None, restriction: str | None = None) -> Json:
    """Cancel an open order; -2011 where it is none."""
    if not order.open:
        raise Denied(-2011)
    if (restriction == "ONLY_NEW" and order.filled) or (restriction == "ONLY_PARTIALLY_FILLED" and not order.filled):
        raise Denied(-2011, msg="Order was not canceled due to cancel restrictions.")
    found = desk.lists.of(order)
    if found is not None:  # a leg takes its list along
        desk.lists.cancel(found, cancel_id or entry.new_id())
        return render_spot.order_list(desk, found, reports=True)
    desk.cancel_order(order, cancel_id or entry.new_id())
    return render_spot.canceled(desk, order)


@endpoint("DELETE", "/api/v3/openOrders", "symbol!", security="SIGNED", ws="openOrders.cancelAll")
def cancel_all(call: Call) -> list[Json]:
    """Cancel every order of a symbol; -2011 where there is none."""
    desk = call.place.desk(call.account, "spot", call.now)
    call.place.tape("spot", call.values["symbol"])
    orders = desk.open_orders(call.values["symbol"])
    if not orders:
        raise Denied(-2011)
    return [cancel_one(desk, order, None) for order in orders if order.open]


@endpoint("GET", "/api/v3/openOrders", "symbol", security="SIGNED", weight=by_symbol(6, 80),
          weight_text="6 with symbol, 80 without", ws="openOrders.status")  # fmt: skip
def open_orders(call: Call) -> list[Json]:
    """Open orders."""
    desk = call.place.desk(call.account, "spot", call.now)
    symbol = call.get("symbol")
    if symbol is not None:
        call.place.tape("spot", symbol)
    return [render_spot.queried(desk, order) for order in desk.open_orders(symbol)]


@endpoint("GET", "/api/v3/allOrders", "symbol! orderId startTime endTime limit", security="SIGNED", weight=20,
          ws="allOrders")  # fmt: skip
def all_orders(call: Call) -> list[Json]:
    """Orders, open and ended."""
    desk = call.place.desk(call.account, "spot", call.now)
    values = call.values
    call.place.tape("spot", values["symbol"])
    limit = limit_of(values, 500, 1_000)
    since, until = _span(values)
    first = values.get("orderId")
    rows = [o for o in desk.orders.values() if o.symbol == values["symbol"]
            and (first is None or o.exchange_id >= first) and since <= o.created_at <= until]  # fmt: skip
    picked = rows[:limit] if first is not None or "startTime" in values else rows[-limit:]
    return [render_spot.queried(desk, order) for order in picked]


def _span(values: Values) -> tuple[int, int]:
    since, until = values.get("startTime", 0), values.get("endTime", 1 << 62)
    if "startTime" in values and "endTime" in values and until - since > DAY:
        raise Denied(-1127, 24)
    return since, until


@endpoint("GET", "/api/v3/myTrades", "symbol! orderId startTime endTime fromId limit", security="SIGNED",
          weight=lambda values: 5 if "orderId" in values else 20, weight_text="20, 5 with orderId",
          ws="myTrades")  # fmt: skip
def my_trades(call: Call) -> list[Json]:
    """Executions."""
    desk = call.place.desk(call.account, "spot", call.now)
    values = call.values
    call.place.tape("spot", values["symbol"])
    limit = limit_of(values, 500, 1_000)
    if ("startTime" in values or "endTime" in values) and ("fromId" in values or "orderId" in values):
        raise Denied(-1128)
    since, until = _span(values)
    first, number = values.get("fromId"), values.get("orderId")
    rows = [t for t in desk.history.trades.get(values["symbol"], [])
            if (first is None or t.trade_id >= first) and (number is None or t.exchange_id == number)
            and since <= t.at <= until]  # fmt: skip
    picked = rows[:limit] if first is not None or "startTime" in values else rows[-limit:]
    return [render_spot.my_trade(desk, trade) for trade in picked]


@endpoint("PUT", "/api/v3/order/amend/keepPriority", "symbol! orderId origClientOrderId newClientOrderId newQty!",
          security="SIGNED", weight=4, ws="order.amend.keepPriority")  # fmt: skip
def amend(call: Call) -> Json:
    """A smaller quantity at the same place in the queue."""
    desk = call.place.desk(call.account, "spot", call.now)
    order = wanted(call, desk, -2038)
    if not order.open or not (order.resting or order in desk.waiting.get(order.symbol, ())):
        raise Denied(-2038, msg="The order is not open.")
    new_id = call.get("newClientOrderId") or entry.new_id()
    quantity = entry.steps(desk.tapes[order.symbol].instrument, call.values["newQty"])
    amending.amend(desk, order, quantity, new_id)
    return render_spot.amended(desk, order)


@endpoint("GET", "/api/v3/order/amendments", "symbol! orderId! fromExecutionId limit", security="SIGNED", weight=4,
          ws="order.amendments")  # fmt: skip
def amendments(call: Call) -> list[Json]:
    """What has been amended of an order."""
    desk, first = call.place.desk(call.account, "spot", call.now), call.get("fromExecutionId", 0)
    order = wanted(call, desk, -2013)
    rows = [told for one, told in desk.changes if one is order and told["executionId"] >= first]
    return rows[: limit_of(call.values, 500, 1_000)]


@endpoint("POST", "/api/v3/order/cancelReplace", NEW + " cancelReplaceMode! cancelNewClientOrderId"
          " cancelOrigClientOrderId cancelOrderId cancelRestrictions orderRateLimitExceededMode", security="SIGNED",
          orders=1, ws="order.cancelReplace")  # fmt: skip
def cancel_replace(call: Call) -> Json:
    """Cancel one order and place another: 200 both, 409 one of them, 400 none."""
    desk = call.place.desk(call.account, "spot", call.now)
    values = call.values
    new, _, quote = read(call, values)
    if "cancelOrderId" not in values and "cancelOrigClientOrderId" not in values:
        raise Denied(-1102, "cancelOrderId")
    if quote is None:  # filters are judged before anything is cancelled
        venue = desk.venues[new.symbol]
        raise_for(check_client_id(Market.SPOT, new.client_id) or check_spot(venue.instrument, new, venue.last))
    answers: list[Json | None] = [None, None]
    results = ["NOT_ATTEMPTED", "NOT_ATTEMPTED"]
    for i, act in enumerate((_replace_cancel, submit)):
        try:
            answers[i] = act(call, desk, values)
            results[i] = "SUCCESS"
        except Denied as why:
            answers[i], results[i] = why.body(), "FAILURE"
            if values["cancelReplaceMode"] == "STOP_ON_FAILURE":
                break
    body = {"cancelResult": results[0], "newOrderResult": results[1], "cancelResponse": answers[0],
            "newOrderResponse": answers[1]}  # fmt: skip
    if results == ["SUCCESS", "SUCCESS"]:
        call.weight = 0
        return body
    if "SUCCESS" in results:
        call.place.flush(call.account)
        raise Denied(-2021, msg="Order cancel-replace partially failed.", status=409, data=body)
    raise Denied(-2022, msg="Order cancel-replace failed.", status=400, data=body)


def _replace_cancel(call: Call, desk: Desk, values: Values) -> Json:
    order = named(desk, values["symbol"], values.get("cancelOrderId"), values.get("cancelOrigClientOrderId"), -2011)
    return cancel_one(desk, order, values.get("cancelNewClientOrderId"), values.get("cancelRestrictions"))
