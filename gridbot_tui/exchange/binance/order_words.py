"""Our orders in the exchange's words, and its answers in ours: REST, plain and conditional, both markets."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from gridbot_tui.engine.events import OpenOrder, OrderReport, Outcome
from gridbot_tui.exchange.binance.numbers import BadNumber, Scale, money
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import NewOrder, OrderKind
from gridbot_tui.units import ClientId, Market, Ms, Side, Steps, Symbol, Ticks, plain

Json = Mapping[str, Any]
Params = dict[str, Any]

OUTCOMES: Final = {
    "NEW": Outcome.ACCEPTED,
    "PENDING_NEW": Outcome.ACCEPTED,
    "NEW_INSURANCE": Outcome.ACCEPTED,
    "NEW_ADL": Outcome.ACCEPTED,
    "PENDING_CANCEL": Outcome.ACCEPTED,
    "PARTIALLY_FILLED": Outcome.PARTLY_FILLED,
    "FILLED": Outcome.FILLED,
    "CANCELED": Outcome.CANCELED,
    "REJECTED": Outcome.REFUSED,
    "EXPIRED": Outcome.EXPIRED,
    "EXPIRED_IN_MATCH": Outcome.EXPIRED,
}
"""What the status of a plain order means."""
ALGO_OUTCOMES: Final = {
    "NEW": Outcome.ACCEPTED,
    "CANCELED": Outcome.CANCELED,
    "EXPIRED": Outcome.EXPIRED,
    "REJECTED": Outcome.EXPIRED,
}
"""The same of a conditional one, until it triggers. It was taken before it was rejected: by the matching engine, which
sees it when it fires."""
TRIGGERED: Final = frozenset(("TRIGGERING", "TRIGGERED", "FINISHED"))
CONDITIONAL: Final = ("STOP", "TAKE_PROFIT", "TRAILING")
"""How the types of conditional orders begin."""
STOP_ROOM: Final = Decimal("0.05")
"""How far beyond its trigger a spot stop with a limit may execute, fraction."""
_ENDS: Final = frozenset((Outcome.CANCELED, Outcome.EXPIRED, Outcome.REFUSED))


class BadAnswer(Exception):
    """A field that we need is missing, or cannot be what it says."""


def text(number: Decimal) -> str:
    """A number as the exchange wants it: no exponent."""
    return format(number, "f")


# -- what is sent -------------------------------------------------------------------------------------------


def plain_order(order: NewOrder, instrument: Instrument) -> Params:
    """Parameters of ``POST order``, also of one in a batch."""
    params: Params = {
        "symbol": order.symbol,
        "side": order.side.name,
        "quantity": text(instrument.quantity(order.steps)),
        "newClientOrderId": order.client_id,
    }
    if order.kind is OrderKind.MARKET:
        params["type"] = "MARKET"
    else:
        params |= _limit(order, instrument)
    spot = instrument.market is Market.SPOT
    if order.reduce_only and not spot:
        params["reduceOnly"] = "true"
    # ACK says that a post-only order rests, which is all there is to say; else the executions matter at once.
    params["newOrderRespType"] = "ACK" if order.post_only else "FULL" if spot else "RESULT"
    return params


def _limit(order: NewOrder, instrument: Instrument) -> Params:
    if order.price is None:
        raise ValueError(f"the limit order {order.client_id} has no price")
    params: Params = {"type": "LIMIT", "price": _price(instrument, order.price)}
    if instrument.market is Market.SPOT and order.post_only:
        params["type"] = "LIMIT_MAKER"
    else:
        params["timeInForce"] = "GTX" if order.post_only else "GTC"
    return params


def algo_order(order: NewOrder, instrument: Instrument) -> Params:
    """Parameters of the futures ``POST algoOrder``. The id must be named ``clientAlgoId``, else it is lost."""
    params: Params = {
        "algoType": "CONDITIONAL",
        "symbol": order.symbol,
        "side": order.side.name,
        "type": "STOP_MARKET",
        "triggerPrice": _price(instrument, _trigger(order)),
        "workingType": "MARK_PRICE",
        "clientAlgoId": order.client_id,
    }
    if order.close_position:
        return params | {"closePosition": "true"}
    params["quantity"] = text(instrument.quantity(order.steps))
    if order.reduce_only:
        params["reduceOnly"] = "true"
    return params


def spot_stop(order: NewOrder, instrument: Instrument, at_market: bool) -> Params:
    """Parameters of a spot stop, a plain order there; it goes by the last price, spot has no other.

    Where a symbol takes no stop at market, a limit far beyond the trigger does the same but for a crash past it.
    """
    trigger = _trigger(order)
    params: Params = {
        "symbol": order.symbol,
        "side": order.side.name,
        "type": "STOP_LOSS" if at_market else "STOP_LOSS_LIMIT",
        "quantity": text(instrument.quantity(order.steps)),
        "stopPrice": _price(instrument, trigger),
        "newClientOrderId": order.client_id,
        "newOrderRespType": "ACK",
    }
    if not at_market:
        params |= {"timeInForce": "GTC", "price": _price(instrument, _beyond(trigger, order.side, instrument))}
    return params


def _price(instrument: Instrument, ticks: Ticks) -> str:
    """Without the digits that a coarser tick size has taken away."""
    price = instrument.price(ticks)
    return text(price) if instrument.price_every == 1 else plain(price)


def _beyond(trigger: Ticks, side: Side, instrument: Instrument) -> Ticks:
    """A limit price that takes whatever is there once the trigger is reached, inside the exchange's filters."""
    if side is Side.SELL:
        lowest = max(1 - STOP_ROOM, (1 + instrument.percent_down) / 2)
        return instrument.order_up(max(instrument.min_price, instrument.ticks_up(instrument.price(trigger) * lowest)))
    highest = min(1 + STOP_ROOM, (1 + instrument.percent_up) / 2)
    return instrument.order_down(min(instrument.max_price, instrument.ticks_down(instrument.price(trigger) * highest)))


def _trigger(order: NewOrder) -> int:
    if order.trigger is None:
        raise ValueError(f"the conditional order {order.client_id} has no trigger")
    return order.trigger


# -- what comes back ----------------------------------------------------------------------------------------


def need(row: Json, name: str) -> str:
    """A field as text.

    Raises:
        BadAnswer: it is not there.
    """
    value = row.get(name)
    if value is None or isinstance(value, dict | list):
        raise BadAnswer(f"an answer without {name}")
    return str(value)


def number_of(row: Json) -> str:
    """The exchange's number of an order; "" where the answer has none."""
    value = row.get("orderId")
    return "" if value is None else str(value)


def placed_report(row: Json, scale: Scale, at: Ms, client_id: ClientId) -> OrderReport:
    """The answer to a placing. An ACK has a number and no status: it was taken."""
    need(row, "orderId")
    return plain_report({"status": "NEW", "executedQty": "0", **row}, scale, at, client_id)


def plain_report(row: Json, scale: Scale, at: Ms, client_id: ClientId) -> OrderReport:
    """An order's state."""
    status = need(row, "status")
    outcome = OUTCOMES.get(status)
    if outcome is None:
        raise BadAnswer(f"order {client_id} has the unknown status {status!r}")
    filled = scale.steps(need(row, "executedQty"))
    if outcome is Outcome.ACCEPTED and filled:
        outcome = Outcome.PARTLY_FILLED
    detail = str(row.get("expiryReason") or "") if outcome in _ENDS else ""
    return OrderReport(at, scale.instrument.symbol, client_id, outcome, filled, number_of(row), detail=detail)


def stop_report(row: Json, scale: Scale, at: Ms, client_id: ClientId) -> list[OrderReport]:
    """A spot stop's state. It has triggered once it works, or ends in another way than by a cancel."""
    report = plain_report(row, scale, at, client_id)
    if row.get("isWorking") and report.outcome is not Outcome.CANCELED:
        return [triggered(scale.instrument.symbol, client_id, at), report]
    return [report]


def triggered(symbol: Symbol, client_id: ClientId, at: Ms) -> OrderReport:
    """A conditional order has fired."""
    return OrderReport(at, symbol, client_id, Outcome.TRIGGERED)


def algo_report(row: Json, symbol: Symbol, at: Ms, client_id: ClientId) -> OrderReport:
    """A conditional order that has not given birth to a plain one."""
    status = need(row, "algoStatus")
    if status in TRIGGERED:
        return triggered(symbol, client_id, at)
    outcome = ALGO_OUTCOMES.get(status)
    if outcome is None:
        raise BadAnswer(f"order {client_id} has the unknown status {status!r}")
    return OrderReport(at, symbol, client_id, outcome, 0, str(row.get("algoId", "")))


def open_order(row: Json, scale: Scale) -> OpenOrder:
    """One of ``openOrders``."""
    kind = str(row.get("type", ""))
    trigger = row.get("stopPrice")
    return OpenOrder(
        symbol=scale.instrument.symbol,
        client_id=need(row, "clientOrderId"),
        side=side_of(row),
        price=whole_tick(need(row, "price"), scale) or None,
        steps=whole_steps(need(row, "origQty"), scale, 1),
        filled=whole_steps(need(row, "executedQty"), scale),
        trigger=whole_tick(str(trigger or "0"), scale) or None,
        reduce_only=bool(row.get("reduceOnly")) or bool(row.get("closePosition")),
        conditional=kind.startswith(CONDITIONAL),
        list_id=max(0, int(row.get("orderListId") or 0)),  # -1 on spot where it is in none
    )


def open_algo(row: Json, scale: Scale) -> OpenOrder:
    """One of ``openAlgoOrders``. One that closes the position names no quantity."""
    price, trigger = str(row.get("price") or "0"), str(row.get("triggerPrice") or "0")
    return OpenOrder(
        symbol=scale.instrument.symbol,
        client_id=need(row, "clientAlgoId"),
        side=side_of(row),
        price=whole_tick(price, scale) or None,
        steps=whole_steps(str(row.get("quantity") or "0"), scale, 1),
        filled=0,
        trigger=whole_tick(trigger, scale) or None,
        reduce_only=bool(row.get("reduceOnly")) or bool(row.get("closePosition")),
        conditional=True,
    )


def whole_tick(price: str, scale: Scale) -> Ticks:
    """A price as ticks, the nearest where it lies off the grid: tick sizes change, and what is older stays."""
    try:
        return scale.price(price)
    except BadNumber:
        return scale.instrument.ticks_near(money(price))


def whole_steps(quantity: str, scale: Scale, least: Steps = 0) -> Steps:
    """A quantity as steps, rounded down to ``least`` at the least where it lies off the grid: steps change, too."""
    try:
        return scale.steps(quantity)
    except BadNumber:
        amount = money(quantity)
        if amount < 0:
            raise
        return max(least, scale.instrument.steps_down(amount))


def side_of(row: Json) -> Side:
    """BUY or SELL."""
    side = need(row, "side")
    if side not in ("BUY", "SELL"):
        raise BadAnswer(f"an order with the side {side!r}")
    return Side.BUY if side == "BUY" else Side.SELL
