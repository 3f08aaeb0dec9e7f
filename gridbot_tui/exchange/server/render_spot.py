"""Binance's spot objects out of the exchange's records."""

from typing import Any

from gridbot_tui.exchange.server.desk import AMENDED, Desk, Terms
from gridbot_tui.exchange.server.lists import ListNews, OrderList
from gridbot_tui.exchange.server.numbers import ZERO8, fixed
from gridbot_tui.exchange.server.render import side
from gridbot_tui.exchange.simulated.records import (
    AccountUpdate,
    BalanceView,
    Execution,
    Order,
    OrderUpdate,
    Status,
    Trade,
    Update,
)
from gridbot_tui.units import ZERO, Ms

Json = dict[str, Any]
_EXPIRY = {"no_funds": "INSUFFICIENT_BALANCE", "market_remainder": "INSUFFICIENT_LIQUIDITY"}


def status_of(order: Order) -> str:
    """Binance's word."""
    return "NEW" if order.status is Status.TRIGGERED else order.status.value


def ack(desk: Desk, order: Order) -> Json:
    """The shortest answer to a new order."""
    return {
        "symbol": order.symbol, "orderId": order.exchange_id, "orderListId": desk.terms_of(order).list_id,
        "clientOrderId": order.client_id, "transactTime": order.updated_at,
    }  # fmt: skip


def result(desk: Desk, order: Order) -> Json:
    """The answer with the order's state."""
    f, terms = desk.tapes[order.symbol].format, desk.terms_of(order)
    found = ack(desk, order)
    found |= {
        "price": f.price(order.price), "origQty": f.qty(order.steps), "executedQty": f.qty(order.filled),
        "origQuoteOrderQty": fixed(terms.quote_quantity), "cummulativeQuoteQty": fixed(order.quote),
        "status": status_of(order), "timeInForce": terms.tif, "type": terms.kind, "side": side(order.side),
        "workingTime": terms.working_at, "selfTradePreventionMode": terms.stp,
    }  # fmt: skip
    _conditionals(found, desk, order, terms)
    return found


def full(desk: Desk, order: Order, trades: list[Trade]) -> Json:
    """The answer with the executions."""
    f = desk.tapes[order.symbol].format
    found = result(desk, order)
    found["fills"] = [
        {"price": f.price(t.price), "qty": f.qty(t.steps), "commission": fixed(t.fee), "commissionAsset": t.fee_asset,
         "tradeId": t.trade_id}
        for t in trades
    ]  # fmt: skip
    return found


def queried(desk: Desk, order: Order) -> Json:
    """GET order, openOrders, allOrders."""
    f, terms = desk.tapes[order.symbol].format, desk.terms_of(order)
    found: Json = {
        "symbol": order.symbol, "orderId": order.exchange_id, "orderListId": terms.list_id,
        "clientOrderId": order.client_id, "price": f.price(order.price), "origQty": f.qty(order.steps),
        "executedQty": f.qty(order.filled),
        "cummulativeQuoteQty": fixed(order.quote), "status": status_of(order), "timeInForce": terms.tif,
        "type": terms.kind, "side": side(order.side), "stopPrice": f.price(terms.trigger),
        "icebergQty": f.qty(terms.iceberg),
        "time": order.created_at, "updateTime": order.updated_at, "isWorking": terms.working_at >= 0,
        "workingTime": terms.working_at, "origQuoteOrderQty": fixed(terms.quote_quantity),
        "selfTradePreventionMode": terms.stp,
    }  # fmt: skip
    _optional(found, terms)
    if order.status is Status.EXPIRED and order.reason in _EXPIRY:
        found["expiryReason"] = _EXPIRY[order.reason]
    return found


def canceled(desk: Desk, order: Order) -> Json:
    """The answer to a cancel."""
    f, terms = desk.tapes[order.symbol].format, desk.terms_of(order)
    found: Json = {
        "symbol": order.symbol, "origClientOrderId": order.client_id, "orderId": order.exchange_id,
        "orderListId": terms.list_id, "clientOrderId": terms.cancel_id, "transactTime": order.updated_at,
        "price": f.price(order.price),
        "origQty": f.qty(order.steps), "executedQty": f.qty(order.filled),
        "origQuoteOrderQty": fixed(terms.quote_quantity), "cummulativeQuoteQty": fixed(order.quote),
        "status": order.status.value, "timeInForce": terms.tif, "type": terms.kind, "side": side(order.side),
        "selfTradePreventionMode": terms.stp,
    }  # fmt: skip
    _conditionals(found, desk, order, terms)
    return found


def _conditionals(found: Json, desk: Desk, order: Order, terms: Terms) -> None:
    f = desk.tapes[order.symbol].format
    if terms.waits:
        found["stopPrice"] = f.price(terms.trigger)
    if terms.iceberg:
        found["icebergQty"] = f.qty(terms.iceberg)
    _optional(found, terms)


def _optional(found: Json, terms: Terms) -> None:
    """What is told only of orders that were placed with it."""
    if terms.trailing:
        found["trailingDelta"], found["trailingTime"] = terms.trailing, terms.tracked_at
    if terms.strategy_id is not None:
        found["strategyId"] = terms.strategy_id
    if terms.strategy_type is not None:
        found["strategyType"] = terms.strategy_type


def amended(desk: Desk, order: Order) -> Json:
    """The answer to a keep-priority amendment."""
    f, terms = desk.tapes[order.symbol].format, desk.terms_of(order)
    answer: Json = {
        "transactTime": order.updated_at, "executionId": terms.amended_as,
        "amendedOrder": {
            "symbol": order.symbol, "orderId": order.exchange_id, "orderListId": terms.list_id,
            "origClientOrderId": terms.old_id, "clientOrderId": order.client_id, "price": f.price(order.price),
            "qty": f.qty(order.steps),
            "executedQty": f.qty(order.filled), "preventedQty": ZERO8, "quoteOrderQty": fixed(terms.quote_quantity),
            "cumulativeQuoteQty": fixed(order.quote), "status": status_of(order), "timeInForce": terms.tif,
            "type": terms.kind, "side": side(order.side), "workingTime": terms.working_at,
            "selfTradePreventionMode": terms.stp,
        },
    }  # fmt: skip
    found = desk.lists.of(order)
    if found is not None:
        whole = order_list(desk, found)
        answer["listStatus"] = {name: whole[name] for name in (
            "orderListId", "contingencyType", "listOrderStatus", "listClientOrderId", "symbol", "orders")}  # fmt: skip
    return answer


def my_trade(desk: Desk, trade: Trade) -> Json:
    """One of myTrades."""
    f = desk.tapes[trade.symbol].format
    return {
        "symbol": trade.symbol, "id": trade.trade_id, "orderId": trade.exchange_id,
        "orderListId": desk.terms[trade.exchange_id].list_id if trade.exchange_id in desk.terms else -1,
        "price": f.price(trade.price), "qty": f.qty(trade.steps), "quoteQty": fixed(trade.quote),
        "commission": fixed(trade.fee), "commissionAsset": trade.fee_asset, "time": trade.at,
        "isBuyer": trade.side > 0, "isMaker": trade.maker, "isBestMatch": True,
    }  # fmt: skip


def discount(desk: Desk) -> Json:
    """What paying fees in BNB saves."""
    return {"enabledForAccount": desk.fees.bnb, "enabledForSymbol": True, "discountAsset": "BNB",
            "discount": fixed(1 - desk.params.spot_bnb_discount)}  # fmt: skip


def frames(desk: Desk, updates: list[Update], now: Ms) -> list[Json]:
    """User events of what happened, in order."""
    told: list[Json] = []
    for update in updates:
        if isinstance(update, OrderUpdate):
            told.append(execution_report(desk, update, now))
        elif isinstance(update, AccountUpdate):
            if update.cash is not None:
                told.append(balance_update(update, now))
            told.append(position(update.balances, update.at, now))
        elif isinstance(update, ListNews):
            told.append(list_status(update, now))
    return told


def order_list(desk: Desk, found: OrderList, *, reports: bool = False) -> Json:
    """An order list; with ``reports`` as placing and cancelling answer it."""
    whole: Json = {
        "orderListId": found.list_id, "contingencyType": found.kind,
        "listStatusType": "ALL_DONE" if found.done else "EXEC_STARTED",
        "listOrderStatus": "ALL_DONE" if found.done else "EXECUTING", "listClientOrderId": found.client_id,
        "transactionTime": found.at, "symbol": found.symbol,
        "orders": [{"symbol": o.symbol, "orderId": o.exchange_id, "clientOrderId": o.client_id} for o in found.legs],
    }  # fmt: skip
    if reports:
        whole["orderReports"] = [canceled(desk, o) if found.done else result(desk, o) for o in found.legs]
        for report in whole["orderReports"] if found.done else ():
            del report["selfTradePreventionMode"]  # Binance's own model of a cancelled list has none
    return whole


def list_status(news: ListNews, now: Ms) -> Json:
    """listStatus."""
    found = news.found
    return {
        "e": "listStatus", "E": now, "s": found.symbol, "g": found.list_id, "c": found.kind,
        "l": news.kind, "L": "ALL_DONE" if news.kind == "ALL_DONE" else "EXECUTING", "r": "NONE",
        "C": found.client_id, "T": news.at,
        "O": [{"s": o.symbol, "i": o.exchange_id, "c": o.client_id} for o in found.legs],
    }  # fmt: skip


def execution_report(desk: Desk, update: OrderUpdate, now: Ms) -> Json:
    """executionReport."""
    order, trade = update.order, update.trade
    tape, terms = desk.tapes[order.symbol], desk.terms_of(order)
    f = tape.format
    amendment, working = order.reason == AMENDED, terms.working_at >= 0 and order.status is not Status.PENDING
    cancel = update.execution is Execution.CANCELED
    frame: Json = {
        "e": "executionReport", "E": now, "s": order.symbol,
        "c": (terms.cancel_id or order.client_id) if cancel else order.client_id,
        "S": side(order.side), "o": terms.kind, "f": terms.tif, "q": f.qty(order.steps), "p": f.price(order.price),
        "P": f.price(terms.trigger), "F": f.qty(terms.iceberg), "g": terms.list_id,
        "C": order.client_id if cancel else (terms.old_id if amendment else ""),
        "x": "REPLACED" if amendment else ("TRADE" if trade is not None else update.execution.value),
        "X": status_of(order), "r": "NONE", "i": order.exchange_id,
        "l": f.qty(trade.steps) if trade else ZERO8, "z": f.qty(order.filled),
        "L": f.price(trade.price) if trade else ZERO8, "n": fixed(trade.fee) if trade else "0",
        "N": trade.fee_asset if trade else None, "T": update.at, "t": trade.trade_id if trade else -1,
        "I": (amendment and terms.amended_as) or desk.ids.next_execution(),
        "w": order.open and working and trade is None,
        "m": trade.maker if trade else False, "M": trade is not None, "O": order.created_at, "Z": fixed(order.quote),
        "Y": fixed(trade.quote if trade else ZERO), "Q": fixed(terms.quote_quantity),
    }  # fmt: skip
    if working:
        frame["W"] = terms.working_at
    frame["V"] = terms.stp
    if terms.trailing:
        frame["d"] = terms.trailing
        if terms.tracked_at >= 0:
            frame["D"] = terms.tracked_at
    if terms.strategy_id is not None:
        frame["j"] = terms.strategy_id
    if terms.strategy_type is not None:
        frame["J"] = terms.strategy_type
    if order.status is Status.EXPIRED and order.reason in _EXPIRY:
        frame["eR"] = _EXPIRY[order.reason]
    return frame


def position(balances: tuple[BalanceView, ...], at: Ms, now: Ms) -> Json:
    """outboundAccountPosition."""
    return {
        "e": "outboundAccountPosition", "E": now, "u": at,
        "B": [{"a": b.asset, "f": fixed(b.wallet - b.locked), "l": fixed(b.locked)} for b in balances],
    }  # fmt: skip


def balance_update(update: AccountUpdate, now: Ms) -> Json:
    """balanceUpdate: a deposit or withdrawal."""
    cash = update.cash
    assert cash is not None
    return {"e": "balanceUpdate", "E": now, "a": cash.asset, "d": fixed(cash.amount), "T": cash.at}
