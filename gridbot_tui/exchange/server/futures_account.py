"""USD-M REST: account, positions, leverage, income, user stream."""

from typing import Any

from gridbot_tui.engine.events import CashKind
from gridbot_tui.exchange.server import info, render_futures
from gridbot_tui.exchange.server.codes import Denied, raise_for
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.exchange.server.numbers import plain
from gridbot_tui.exchange.server.public import limit_of
from gridbot_tui.exchange.server.render import money
from gridbot_tui.exchange.server.table import Call, endpoint
from gridbot_tui.exchange.simulated.margin import brackets_of, max_notional
from gridbot_tui.exchange.simulated.records import CashRecord, Trade
from gridbot_tui.units import DAY, ZERO

Json = dict[str, Any]
_INCOME = {CashKind.FUNDING: "FUNDING_FEE", CashKind.TRANSFER: "TRANSFER", CashKind.INSURANCE: "INSURANCE_CLEAR",
           CashKind.OTHER: "INTERNAL_TRANSFER"}  # fmt: skip


def desk_of(call: Call) -> Desk:
    """The account's futures desk."""
    return call.place.desk(call.account, "futures", call.now)


@endpoint("WS", "/fapi/v2/account.status", security="SIGNED", weight=5, ws="v2/account.status")
def ws_account_v2(call: Call) -> Json:
    """As v3 of REST, with marginAvailable."""
    found = render_futures.account(desk_of(call), 3, call.now)
    quote = render_futures.account_of(desk_of(call)).quote
    found["assets"] = [row | {"marginAvailable": row["asset"] == quote} for row in found["assets"]]
    return found


@endpoint("WS", "/fapi/account.status", security="SIGNED", weight=5, ws="account.status")
def ws_account(call: Call) -> Json:
    """As v2 of REST, with the break-even price."""
    desk = desk_of(call)
    found: Json = account_v2(call)
    views = {view.symbol: view for view in render_futures.account_of(desk).positions()}
    found["positions"] = [
        row | {"breakEvenPrice": plain(render_futures.break_even(desk, views[row["symbol"]]))
               if row["symbol"] in views else "0.0"}
        for row in found["positions"]
    ]  # fmt: skip
    return found


@endpoint("GET", "/fapi/v3/account", security="SIGNED", weight=5)
def account_v3(call: Call) -> Json:
    """Margins, assets, positions of interest."""
    return render_futures.account(desk_of(call), 3, call.now)


@endpoint("GET", "/fapi/v2/account", security="SIGNED", weight=5)
def account_v2(call: Call) -> Json:
    """Margins, assets, every symbol."""
    return render_futures.account(desk_of(call), 2, call.now) | {"feeBurn": desk_of(call).fees.bnb}


@endpoint("GET", "/fapi/v3/balance", security="SIGNED", weight=5, ws="v2/account.balance")
@endpoint("GET", "/fapi/v2/balance", security="SIGNED", weight=5, ws="account.balance")
def balance(call: Call) -> list[Json]:
    """Assets."""
    rows = render_futures.account(desk_of(call), 3, call.now)["assets"]
    quote = render_futures.account_of(desk_of(call)).quote
    return [
        {"accountAlias": call.account.alias(), "asset": row["asset"], "balance": row["walletBalance"],
         "crossWalletBalance": row["crossWalletBalance"], "crossUnPnl": row["crossUnPnl"],
         "availableBalance": row["availableBalance"], "maxWithdrawAmount": row["maxWithdrawAmount"],
         "marginAvailable": row["asset"] == quote, "updateTime": row["updateTime"]}
        for row in rows
    ]  # fmt: skip


@endpoint("GET", "/fapi/v3/positionRisk", "symbol", security="SIGNED", weight=5, ws="v2/account.position")
def positions_v3(call: Call) -> list[Json]:
    """Symbols with a position or orders."""
    return _positions(call, 3)


@endpoint("GET", "/fapi/v2/positionRisk", "symbol", security="SIGNED", weight=5, ws="account.position")
def positions_v2(call: Call) -> list[Json]:
    """Every symbol."""
    return _positions(call, 2)


def _positions(call: Call, version: int) -> list[Json]:
    desk = desk_of(call)
    margins = render_futures.Margins(desk)
    symbol = call.get("symbol")
    if symbol is not None:
        call.place.tape("futures", symbol)
    return [
        render_futures.position_risk(margins, name, version)
        for name in desk.venues
        if (symbol is None or name == symbol) and (version == 2 or margins.interesting(name))
    ]


@endpoint("GET", "/fapi/v1/accountConfig", security="SIGNED", weight=5)
def account_config(call: Call) -> Json:
    """Modes."""
    return {
        "feeTier": 0, "canTrade": True, "canDeposit": True, "canWithdraw": True, "dualSidePosition": False,
        "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1,
    }  # fmt: skip


@endpoint("GET", "/fapi/v1/symbolConfig", "symbol", security="SIGNED", weight=5)
def symbol_config(call: Call) -> list[Json]:
    """Leverage and margin type."""
    desk, symbol = desk_of(call), call.get("symbol")
    futures = render_futures.account_of(desk)
    if symbol is not None:
        call.place.tape("futures", symbol)
    return [
        {"symbol": name, "marginType": "ISOLATED" if name in futures.isolated else "CROSSED", "isAutoAddMargin": False,
         "leverage": leverage, "maxNotionalValue": plain(max_notional(desk.tapes[name].instrument, leverage))}
        for name in desk.venues
        if symbol is None or name == symbol
        for leverage in (futures.leverage_of(name),)
    ]  # fmt: skip


@endpoint("POST", "/fapi/v1/leverage", "symbol! leverage!", security="SIGNED")
def leverage(call: Call) -> Json:
    """Set the leverage of a symbol."""
    desk = desk_of(call)
    symbol, wanted = call.values["symbol"], call.values["leverage"]
    tape = call.place.tape("futures", symbol)
    if not 1 <= wanted <= max(b.max_leverage for b in brackets_of(tape.instrument)):
        raise Denied(-4028, wanted)
    futures = render_futures.account_of(desk)
    if symbol in futures.pockets and wanted < futures.leverage_of(symbol):
        raise Denied(-4161)
    raise_for(desk.set_leverage(symbol, wanted))
    return {"leverage": wanted, "maxNotionalValue": plain(max_notional(tape.instrument, wanted)), "symbol": symbol}


@endpoint("POST", "/fapi/v1/marginType", "symbol! marginType!", security="SIGNED")
def margin_type(call: Call) -> Json:
    """Across the account, or by itself: while the symbol has neither orders nor a position."""
    desk, symbol = desk_of(call), call.values["symbol"]
    call.place.tape("futures", symbol)
    futures, wanted = render_futures.account_of(desk), call.values["marginType"] == "ISOLATED"
    if (symbol in futures.isolated) is wanted:
        raise Denied(-4046)
    if desk.open_orders(symbol) or (call.account.algo is not None and call.account.algo.by_symbol.get(symbol)):
        raise Denied(-4047)
    if futures.position(symbol):
        raise Denied(-4048)
    (futures.isolated.add if wanted else futures.isolated.discard)(symbol)
    desk.moved(symbol, "MARGIN_TYPE_CHANGE")
    return {"code": 200, "msg": "success"}


@endpoint("POST", "/fapi/v1/positionMargin", "symbol! amount! type! positionSide", security="SIGNED")
def position_margin(call: Call) -> Json:
    """Add to an isolated position's wallet (type 1), or take from it what it can spare (2)."""
    desk, symbol, amount = desk_of(call), call.values["symbol"], call.values["amount"]
    call.place.tape("futures", symbol)
    futures, kind = render_futures.account_of(desk), call.values["type"]
    if kind not in ("1", "2"):
        raise Denied(-1130, "type")
    if amount <= 0:
        raise Denied(-4055)
    if symbol not in futures.isolated:
        raise Denied(-4049)
    if symbol not in futures.pockets:
        raise Denied(-4054)
    spare = futures.pockets[symbol] + min(ZERO, futures.unrealised(symbol)) - futures.initial(symbol)
    if kind == "1" and futures.available() < amount:
        raise Denied(-4050)
    if kind == "2" and spare < amount:
        raise Denied(-4051)
    futures.move(symbol, amount if kind == "1" else -amount)
    desk.margin_moves.append((desk.now, symbol, int(kind), amount))
    desk.stale = True
    desk.moved(symbol, "MARGIN_TRANSFER")
    return {"amount": float(amount), "code": 200, "msg": "Successfully modify position margin.", "type": int(kind)}


@endpoint("GET", "/fapi/v1/positionSide/dual", security="SIGNED", weight=30)
def position_mode(call: Call) -> Json:
    """One-way."""
    return {"dualSidePosition": False}


@endpoint("POST", "/fapi/v1/positionSide/dual", "dualSidePosition!", security="SIGNED")
def set_position_mode(call: Call) -> Json:
    """One-way it stays."""
    raise Denied(-4531 if call.values["dualSidePosition"] else -4059)


@endpoint("GET", "/fapi/v1/multiAssetsMargin", security="SIGNED", weight=30)
def multi_assets(call: Call) -> Json:
    """Off."""
    return {"multiAssetsMargin": False}


@endpoint("POST", "/fapi/v1/multiAssetsMargin", "multiAssetsMargin!", security="SIGNED")
def set_multi_assets(call: Call) -> Json:
    """Off it stays."""
    if call.values["multiAssetsMargin"]:
        raise Denied(-1020)
    raise Denied(-4171)


@endpoint("GET", "/fapi/v1/feeBurn", security="SIGNED", weight=30)
def fee_burn(call: Call) -> Json:
    """Whether fees are paid in BNB."""
    return {"feeBurn": desk_of(call).fees.bnb}


@endpoint("POST", "/fapi/v1/feeBurn", "feeBurn!", security="SIGNED")
def set_fee_burn(call: Call) -> Json:
    """Pay fees in BNB, at a discount, where enough of it is held."""
    desk_of(call).fees.pay_in_bnb(call.values["feeBurn"])
    return {"code": 200, "msg": "success"}


@endpoint("GET", "/fapi/v1/positionMargin/history", "symbol! type startTime endTime limit", security="SIGNED")
def margin_changes(call: Call) -> list[Json]:
    """What was added to an isolated position's wallet, and taken from it, by hand."""
    values = call.values
    tape = call.place.tape("futures", values["symbol"])
    since, until, kind = values.get("startTime", 0), values.get("endTime", 1 << 62), values.get("type")
    rows = [
        {"symbol": symbol, "type": what, "deltaType": "USER_ADJUST", "amount": plain(amount),
         "asset": tape.instrument.quote, "time": at, "positionSide": "BOTH"}
        for at, symbol, what, amount in desk_of(call).margin_moves
        if symbol == tape.symbol and since <= at <= until and (kind is None or kind == str(what))
    ]  # fmt: skip
    return rows[-limit_of(values, 500, 500) :]


@endpoint("GET", "/fapi/v1/leverageBracket", "symbol", security="SIGNED")
def brackets(call: Call) -> list[Json]:
    """Maintenance margin by notional."""
    symbol = call.get("symbol")
    tapes = [call.place.tape("futures", symbol)] if symbol else list(call.place.floor("futures").tapes.values())
    return [
        {"symbol": tape.symbol, "notionalCoef": 1.0, "brackets": [
            {"bracket": n, "initialLeverage": b.max_leverage, "notionalCap": int(b.cap),
             "notionalFloor": int(b.floor), "maintMarginRatio": float(b.maintenance_ratio), "cum": float(b.cum)}
            for n, b in enumerate(brackets_of(tape.instrument), 1)
        ]}
        for tape in tapes
    ]  # fmt: skip


@endpoint("GET", "/fapi/v1/commissionRate", "symbol!", security="SIGNED", weight=20)
def commission(call: Call) -> Json:
    """Fees of a symbol."""
    tape, fees = call.place.tape("futures", call.values["symbol"]), desk_of(call).fees
    return {"symbol": tape.symbol, "makerCommissionRate": plain(fees.maker), "takerCommissionRate": plain(fees.taker),
            "rpiCommissionRate": plain(fees.maker)}  # fmt: skip


@endpoint("GET", "/fapi/v1/income", "symbol incomeType startTime endTime page limit", security="SIGNED", weight=30)
def income(call: Call) -> list[Json]:
    """What changed the wallet in three months; the last seven days unless asked otherwise."""
    desk, values = desk_of(call), call.values
    since = values.get("startTime", call.now - 7 * DAY)
    since = max(since, call.now - 90 * DAY)
    until, symbol, kind = values.get("endTime", 1 << 62), values.get("symbol"), values.get("incomeType")
    rows = [_cash(cash) for cash in desk.history.cash]
    quote = render_futures.account_of(desk).quote
    for trades in desk.history.trades.values():
        for trade in trades:
            rows += _of_trade(trade, quote)
    found = [r for r in rows if since <= r["time"] <= until and (symbol is None or r["symbol"] == symbol)
             and (kind is None or r["incomeType"] == kind)]  # fmt: skip
    found.sort(key=lambda r: (r["time"], r["tranId"]))
    limit, page = limit_of(values, 100, 1_000), max(1, values.get("page", 1))
    return found[(page - 1) * limit : page * limit]


def _cash(cash: CashRecord) -> Json:
    kind = _INCOME[cash.kind]
    return {"symbol": cash.symbol, "incomeType": kind, "income": money(cash.amount), "asset": cash.asset,
            "info": kind, "time": cash.at, "tranId": 9_000_000_000 + cash.cash_id, "tradeId": ""}  # fmt: skip


def _of_trade(trade: Trade, quote: str) -> list[Json]:
    base = {"symbol": trade.symbol, "info": str(trade.trade_id), "time": trade.at, "tradeId": str(trade.trade_id)}
    rows = [base | {"incomeType": "COMMISSION", "income": money(-trade.fee), "asset": trade.fee_asset,
                    "tranId": trade.trade_id * 10}]  # fmt: skip
    if trade.realised:
        rows.append(base | {"incomeType": "REALIZED_PNL", "income": money(trade.realised), "asset": quote,
                            "tranId": trade.trade_id * 10 + 1})  # fmt: skip
    return rows


@endpoint("GET", "/fapi/v1/adlQuantile", "symbol", security="SIGNED", weight=5)
def adl_quantile(call: Call) -> list[Json]:
    """Rank in the queue of deleveraging."""
    desk, symbol = desk_of(call), call.get("symbol")
    return [{"symbol": name, "adlQuantile": {"LONG": 0, "SHORT": 0, "BOTH": 2 if desk.account.position(name) else 0}}
            for name in desk.venues if symbol is None or name == symbol]  # fmt: skip


@endpoint("GET", "/fapi/v1/rateLimit/order", security="SIGNED")
def order_limits(call: Call) -> list[Json]:
    """Limits of new orders."""
    return [row for row in info.futures_limits(call.place.limiter) if row["rateLimitType"] == "ORDERS"]


@endpoint("GET", "/fapi/v1/apiTradingStatus", "symbol", security="SIGNED", weight=10)
def trading_status(call: Call) -> Json:
    """No indicator is locked."""
    return {"indicators": {}, "updateTime": call.now}


@endpoint("GET", "/fapi/v1/orderAmendment", "symbol! orderId origClientOrderId startTime endTime limit",
          security="SIGNED")  # fmt: skip
def amendments(call: Call) -> list[Json]:
    """Changes of an order."""
    desk, values = desk_of(call), call.values
    tape = call.place.tape("futures", values["symbol"])
    rows = []
    for number, (order, before) in enumerate(desk.changes, 1):
        if order.exchange_id == values.get("orderId") or order.client_id == values.get("origClientOrderId"):
            rows.append({
                "amendmentId": number, "symbol": tape.symbol, "pair": tape.symbol, "orderId": order.exchange_id,
                "clientOrderId": order.client_id, "time": before["time"],
                "amendment": {"price": before["price"], "origQty": before["origQty"], "count": before["count"],
                              "modifyId": before["modifyId"]},
            })  # fmt: skip
    return rows[-limit_of(values, 50, 100) :]


@endpoint("POST", "/fapi/v1/listenKey", security="KEY")
def start_stream(call: Call) -> Json:
    """A listen key, new or prolonged."""
    return {"listenKey": call.place.listen_key(call.account, call.now).text}


@endpoint("PUT", "/fapi/v1/listenKey", "listenKey", security="KEY")
def keep_stream(call: Call) -> Json:
    """Prolong it; -1125 where there is none."""
    if call.account.listen_key is None:
        raise Denied(-1125)
    return {"listenKey": call.place.listen_key(call.account, call.now).text}


@endpoint("DELETE", "/fapi/v1/listenKey", "listenKey", security="KEY")
def close_stream(call: Call) -> Json:
    """End it."""
    if call.account.listen_key is None:
        raise Denied(-1125)
    call.place.close_listen_key(call.account)
    return {}
