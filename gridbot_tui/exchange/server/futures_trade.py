"""USD-M REST: plain orders."""

from typing import Any

import msgspec

from gridbot_tui.exchange.server import entry, render_futures
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk, Terms
from gridbot_tui.exchange.server.fields import CONDITIONAL_TYPES, Spec, Values, check
from gridbot_tui.exchange.server.futures_public import positive
from gridbot_tui.exchange.server.public import limit_of
from gridbot_tui.exchange.server.table import Call, by_symbol, endpoint
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import DAY, Ticks

Json = dict[str, Any]
NEW = ("symbol! side! positionSide type! timeInForce quantity reduceOnly price newClientOrderId stopPrice closePosition"
       " activationPrice callbackRate workingType priceProtect newOrderRespType priceMatch selfTradePreventionMode"
       " goodTillDate")  # fmt: skip
MODIFY = "orderId origClientOrderId symbol! side! quantity! price priceMatch modifyId positionSide reduceOnly"
_NEW_SPEC, _MODIFY_SPEC = Spec(NEW), Spec(MODIFY)
_rows = msgspec.json.Decoder(list[dict[str, Any]], float_hook=str).decode
"""A batch, with numbers as they were written: 0.00001 is no 1e-05."""


def position_side(values: Values) -> None:
    """One-way accounts know only BOTH."""
    if values.get("positionSide", "BOTH") != "BOTH":
        raise Denied(-4061)


def read(call: Call, values: Values) -> tuple[NewOrder, Terms]:
    """A new plain order from its parameters."""
    kind = values["type"]
    if kind in CONDITIONAL_TYPES:
        raise Denied(-4120)
    if kind not in ("LIMIT", "MARKET"):
        raise Denied(-1116)
    position_side(values)
    tape = call.place.tape("futures", values["symbol"])
    if values.get("closePosition"):
        raise Denied(-4136, kind)
    entry.need(values, "quantity", *(("timeInForce",) if kind == "LIMIT" else ()))
    entry.forbid(values, "stopPrice", "activationPrice", "callbackRate")
    tif = values.get("timeInForce", "GTC")
    match = values.get("priceMatch", "NONE")
    price = limit_price(values, tape, match) if kind == "LIMIT" else None
    if kind == "MARKET":
        entry.forbid(values, "price", "timeInForce", "priceMatch")
    quantity = entry.steps(tape.instrument, values["quantity"])
    client_id = values.get("newClientOrderId") or entry.new_id()
    new = entry.intent(tape.symbol, client_id, entry.side_of(values),
                       OrderKind.LIMIT if kind == "LIMIT" else OrderKind.MARKET, quantity, price, call.now,
                       post_only=tif in ("GTX", "RPI"), reduce_only=values.get("reduceOnly", False))  # fmt: skip
    terms = Terms(kind, tif, working_type=values.get("workingType", "CONTRACT_PRICE"), price_match=match,
                  price_protect=values.get("priceProtect", False), good_till=good_till(values, tif, call.now),
                  stp=values.get("selfTradePreventionMode", "EXPIRE_MAKER"))  # fmt: skip
    return new, terms


def limit_price(values: Values, tape: Tape, match: str) -> Ticks:
    """The price that was sent, or the one that priceMatch names."""
    if match == "NONE":
        entry.need(values, "price")
        positive(values["price"], "price")
        return entry.ticks(tape.instrument, values["price"])
    entry.forbid(values, "price")
    name, _, rank = match.partition("_")
    side = entry.side_of(values)
    levels = tape.levels(side if name == "OPPONENT" else side.opposite)
    number = int(rank or 1)
    if len(levels) < number:
        raise Denied(-5041)
    return levels[number - 1][0]


def good_till(values: Values, tif: str, now: int) -> int:
    """GTD needs a date of whole seconds more than ten minutes ahead."""
    date = values.get("goodTillDate", 0)
    if tif != "GTD":
        return 0
    if not date:
        raise Denied(-1102, "goodTillDate")
    if date <= now + 600_000 or date >= 253_402_300_799_000:
        raise Denied(-1130, "goodTillDate")
    return int(date) // 1000 * 1000


def submit(call: Call, values: Values) -> Json:
    """Place an order and answer as asked for."""
    desk = call.place.desk(call.account, "futures", call.now)
    new, terms = read(call, values)
    order = desk.submit(new, terms)
    answer = render_futures.placed(desk, order, old_fields=call.place.options.old_fields)
    if values.get("newOrderRespType", "ACK") == "ACK":
        zero = desk.tapes[order.symbol].format.qty(0)
        answer |= {"status": "NEW", "executedQty": zero, "cumQty": zero}
        if call.place.options.old_fields:
            answer |= {"avgPrice": "0.00", "cumQuote": "0"}
    return answer


@endpoint("POST", "/fapi/v1/order", NEW, security="SIGNED", weight=0, orders=1, ws="order.place")
def place(call: Call) -> Json:
    """A new order."""
    return submit(call, call.values)


@endpoint("POST", "/fapi/v1/order/test", NEW, security="SIGNED", weight=0)
def test(call: Call) -> Json:
    """The checks of a new order, without the order."""
    desk = call.place.desk(call.account, "futures", call.now)
    new, terms = read(call, call.values)
    ghost = desk._order(desk.checked(new), False)
    ghost.exchange_id = 0
    desk.terms[0] = terms
    answer = render_futures.placed(desk, ghost, old_fields=True)
    del desk.terms[0]
    return answer


def wanted(call: Call, desk: Desk, values: Values, code: int) -> Order:
    """The order that orderId or origClientOrderId names, or the code."""
    call.place.tape("futures", values["symbol"])
    if "orderId" not in values and "origClientOrderId" not in values:
        raise Denied(-1102, "orderId", msg="Param 'origClientOrderId' or 'orderId' must be sent, but both were"
                     " empty/null!")  # fmt: skip
    order = desk.find(values["symbol"], values.get("orderId"), values.get("origClientOrderId"))
    if order is None:
        raise Denied(code)
    return order


@endpoint("GET", "/fapi/v1/order", "symbol! orderId origClientOrderId", security="SIGNED", ws="order.status")
def query(call: Call) -> Json:
    """One order."""
    desk = call.place.desk(call.account, "futures", call.now)
    order = wanted(call, desk, call.values, -2013)
    if not order.open and not order.filled and call.now - order.updated_at > 3 * DAY:
        raise Denied(-2013)
    return render_futures.queried(desk, order)


@endpoint("GET", "/fapi/v1/openOrder", "symbol! orderId origClientOrderId", security="SIGNED")
def query_open(call: Call) -> Json:
    """One order, if it is open."""
    desk = call.place.desk(call.account, "futures", call.now)
    order = wanted(call, desk, call.values, -2013)
    if not order.open:
        raise Denied(-2013)
    return render_futures.queried(desk, order)


@endpoint("DELETE", "/fapi/v1/order", "symbol! orderId origClientOrderId", security="SIGNED", ws="order.cancel")
def cancel(call: Call) -> Json:
    """Cancel one order."""
    desk = call.place.desk(call.account, "futures", call.now)
    order = wanted(call, desk, call.values, -2011)
    return _cancel(call, desk, order)


def _cancel(call: Call, desk: Desk, order: Order) -> Json:
    if not order.open:
        raise Denied(-2011)
    desk.cancel_order(order)
    return render_futures.placed(desk, order, old_fields=call.place.options.old_fields)


@endpoint("PUT", "/fapi/v1/order", MODIFY, security="SIGNED", weight=0, orders=1, ws="order.modify")
def modify(call: Call) -> Json:
    """A new price and quantity."""
    return _modify(call, call.values)


def _modify(call: Call, values: Values) -> Json:
    desk = call.place.desk(call.account, "futures", call.now)
    order = wanted(call, desk, values, -2013)
    if not order.open or not order.resting:
        raise Denied(-2013)
    tape = desk.tapes[order.symbol]
    if entry.side_of(values) is not order.side:
        raise Denied(-1117)
    price = limit_price(values, tape, values.get("priceMatch", "NONE"))
    quantity = entry.steps(tape.instrument, values["quantity"])
    desk.modify(order, price, quantity, values.get("modifyId", 0))
    return render_futures.modified(desk, order, old_fields=call.place.options.old_fields)


def _each(call: Call, spec: Spec, raw: str, act: Any) -> list[Json]:
    """One answer for each of a batch; an error does not stop the others."""
    try:
        rows = _rows(raw)
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Denied(-1130, "batchOrders") from None
    if not 1 <= len(rows) <= 5:
        raise Denied(-1130, "batchOrders")
    answers: list[Json] = []
    for row in rows:
        try:
            sent = {k: (str(v).lower() if isinstance(v, bool) else str(v)) for k, v in row.items() if v is not None}
            answers.append(act(call, check(spec, sent, False)))
        except Denied as why:
            answers.append(why.body())
    return answers


@endpoint("POST", "/fapi/v1/batchOrders", "batchOrders!", security="SIGNED", weight=5, orders=5)
def place_batch(call: Call) -> list[Json]:
    """Up to five new orders."""
    return _each(call, _NEW_SPEC, call.values["batchOrders"], submit)


@endpoint("PUT", "/fapi/v1/batchOrders", "batchOrders!", security="SIGNED", weight=5, orders=5)
def modify_batch(call: Call) -> list[Json]:
    """Up to five changes."""
    return _each(call, _MODIFY_SPEC, call.values["batchOrders"], _modify)


@endpoint("DELETE", "/fapi/v1/batchOrders", "symbol! orderIdList origClientOrderIdList orderidlist"
          " origclientorderidlist", security="SIGNED")  # fmt: skip
def cancel_batch(call: Call) -> list[Json]:
    """Up to ten cancels."""
    values = call.values
    desk = call.place.desk(call.account, "futures", call.now)
    call.place.tape("futures", values["symbol"])
    numbers, names = _ids(values)
    answers = []
    for number, name in [(number, None) for number in numbers] + [(None, name) for name in names]:
        order = desk.find(values["symbol"], number, name)
        try:
            if order is None:
                raise Denied(-2011)
            answers.append(_cancel(call, desk, order))
        except Denied as why:
            answers.append(why.body())
    return answers


def _ids(values: Values) -> tuple[list[int], list[str]]:
    """(numbers, client ids) of the orders to cancel, at most ten; the numbers where both were sent."""
    numbers = values.get("orderIdList") or values.get("orderidlist")
    names = values.get("origClientOrderIdList") or values.get("origclientorderidlist")
    if numbers is None and names is None:
        raise Denied(-1102, "orderIdList")
    try:
        found = msgspec.json.decode(numbers or names or "", type=list[int | str])
        if not 1 <= len(found) <= 10:
            raise Denied(-1130, "orderIdList")
        return ([int(one) for one in found], []) if numbers else ([], [str(one) for one in found])
    except (ValueError, msgspec.DecodeError):  # no number, or no JSON
        raise Denied(-1130, "orderIdList" if numbers else "origClientOrderIdList") from None


@endpoint("DELETE", "/fapi/v1/allOpenOrders", "symbol!", security="SIGNED")
def cancel_all(call: Call) -> Json:
    """Cancel a symbol's plain orders."""
    call.place.tape("futures", call.values["symbol"])
    call.place.cancel_all(call.account, "futures", call.values["symbol"], call.now)
    return {"code": 200, "msg": "The operation of cancel all open order is done."}


@endpoint("POST", "/fapi/v1/countdownCancelAll", "symbol! countdownTime!", security="SIGNED", weight=10)
def countdown(call: Call) -> Json:
    """Cancel everything plain of a symbol unless told again in time; 0 stops it."""
    symbol, wait = call.values["symbol"], call.values["countdownTime"]
    call.place.tape("futures", symbol)
    if wait < 0:
        raise Denied(-1130, "countdownTime")
    call.account.countdowns.pop(symbol, None)
    if wait:
        call.account.countdowns[symbol] = call.now + call.place.clock.for_clients(wait)
    return {"symbol": symbol, "countdownTime": str(wait)}


@endpoint("GET", "/fapi/v1/openOrders", "symbol", security="SIGNED", weight=by_symbol(1, 40),
          weight_text="1 with symbol, 40 without")  # fmt: skip
def open_orders(call: Call) -> list[Json]:
    """Open plain orders."""
    desk = call.place.desk(call.account, "futures", call.now)
    if "symbol" in call.values:
        call.place.tape("futures", call.values["symbol"])
    return [render_futures.queried(desk, order) for order in desk.open_orders(call.get("symbol"))]


@endpoint("GET", "/fapi/v1/allOrders", "symbol orderId startTime endTime limit", security="SIGNED", weight=5)
def all_orders(call: Call) -> list[Json]:
    """Plain orders, open and ended; at most seven days at once."""
    desk = call.place.desk(call.account, "futures", call.now)
    since, until = span(call, "orderId")
    first, symbol = call.get("orderId"), call.get("symbol")
    rows = [o for o in desk.orders.values() if (symbol is None or o.symbol == symbol)
            and (first is None or o.exchange_id >= first) and since <= o.created_at <= until]  # fmt: skip
    limit = limit_of(call.values, 500, 1_000)
    picked = rows[:limit] if first is not None or "startTime" in call.values else rows[-limit:]
    return [render_futures.queried(desk, order, wide=True) for order in picked]


def span(call: Call, *ids: str) -> tuple[int, int]:
    """startTime and endTime, at most seven days apart; the last seven without them, unless one of ``ids`` was sent."""
    since, until = call.get("startTime"), call.get("endTime")
    if since is None and until is None:
        return (0 if any(name in call.values for name in ids) else call.now - 7 * DAY), 1 << 62
    if since is None:
        return until - 7 * DAY, until
    if until is None:
        return since, since + 7 * DAY
    if until - since > 7 * DAY:
        raise Denied(-1127, 168)
    return since, until


@endpoint("GET", "/fapi/v1/userTrades", "symbol! orderId startTime endTime fromId limit", security="SIGNED", weight=5)
def user_trades(call: Call) -> list[Json]:
    """Executions of three months."""
    desk = call.place.desk(call.account, "futures", call.now)
    values = call.values
    call.place.tape("futures", values["symbol"])
    if "fromId" in values and ("startTime" in values or "endTime" in values):
        raise Denied(-1128)
    since, until = span(call, "fromId", "orderId")
    since = max(since, call.now - 90 * DAY)
    first, number = values.get("fromId"), values.get("orderId")
    rows = [t for t in desk.history.trades.get(values["symbol"], [])
            if (first is None or t.trade_id >= first) and (number is None or t.exchange_id == number)
            and since <= t.at <= until]  # fmt: skip
    limit = limit_of(values, 500, 1_000)
    picked = rows[:limit] if first is not None or "startTime" in values else rows[-limit:]
    return [render_futures.user_trade(desk, trade) for trade in picked]


@endpoint("GET", "/fapi/v1/forceOrders", "symbol autoCloseType startTime endTime limit", security="SIGNED",
          weight=by_symbol(20, 50), weight_text="20 with symbol, 50 without")  # fmt: skip
def force_orders(call: Call) -> list[Json]:
    """Liquidations and deleveragings of the account."""
    desk = call.place.desk(call.account, "futures", call.now)
    symbol, kind = call.get("symbol"), {"ADL": "deleveraging", "LIQUIDATION": "liquidation"}.get(
        call.get("autoCloseType", ""))  # fmt: skip
    rows = [o for o in desk.orders.values() if o.forced and (symbol is None or o.symbol == symbol)
            and (kind is None or o.forced == kind)]  # fmt: skip
    found = [render_futures.queried(desk, order, wide=True) for order in rows[-limit_of(call.values, 50, 100):]]
    for row in found:
        for name in ("priceProtect", "priceMatch", "selfTradePreventionMode", "goodTillDate"):
            del row[name]
    return found
