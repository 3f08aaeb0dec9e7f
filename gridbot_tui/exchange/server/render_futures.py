"""Binance's USD-M objects out of the exchange's records."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any

from gridbot_tui.exchange.server.algo import AlgoOrder
from gridbot_tui.exchange.server.desk import AMENDED, Desk, Terms
from gridbot_tui.exchange.server.isolated import IsolatedAccount
from gridbot_tui.exchange.server.numbers import fixed, plain
from gridbot_tui.exchange.server.render import average, money, side
from gridbot_tui.exchange.simulated.margin import maintenance, max_notional
from gridbot_tui.exchange.simulated.records import (
    AccountUpdate,
    Execution,
    LeverageChanged,
    MarginCall,
    Order,
    OrderUpdate,
    PositionView,
    Status,
    Trade,
    Update,
)
from gridbot_tui.units import ZERO, Asset, Money, Ms, Side, Symbol

Json = dict[str, Any]


def account_of(desk: Desk) -> IsolatedAccount:
    """The margin account behind a futures desk."""
    assert isinstance(desk.futures, IsolatedAccount)
    return desk.futures


def status_of(order: Order) -> str:
    """Binance's word."""
    return "NEW" if order.status is Status.TRIGGERED else order.status.value


def _base(desk: Desk, order: Order, terms: Terms) -> Json:
    f = desk.tapes[order.symbol].format
    instrument = desk.tapes[order.symbol].instrument
    return {
        "clientOrderId": order.client_id, "executedQty": f.qty(order.filled), "orderId": order.exchange_id,
        "origQty": f.qty(order.steps), "price": plain(instrument.price(order.price or 0)),
        "reduceOnly": order.reduce_only, "side": side(order.side), "positionSide": "BOTH", "status": status_of(order),
        "stopPrice": plain(instrument.price(order.trigger or 0)), "closePosition": order.close_position,
        "symbol": order.symbol, "timeInForce": terms.tif, "type": terms.kind,
        "origType": terms.original_kind or terms.kind, "updateTime": order.updated_at,
        "workingType": terms.working_type, "priceProtect": terms.price_protect, "priceMatch": terms.price_match,
        "selfTradePreventionMode": terms.stp, "goodTillDate": terms.good_till,
    }  # fmt: skip


def placed(desk: Desk, order: Order, *, old_fields: bool) -> Json:
    """POST and DELETE order. ``old_fields``: with avgPrice and cumQuote, as before July 2026."""
    found = _base(desk, order, desk.terms_of(order))
    found["cumQty"] = found["executedQty"]
    if old_fields:
        found["avgPrice"] = fixed(average(desk.tapes[order.symbol], order), 5)
        found["cumQuote"] = plain(order.quote)
    return found


def modified(desk: Desk, order: Order, *, old_fields: bool) -> Json:
    """PUT order."""
    found = placed(desk, order, old_fields=old_fields)
    found["pair"] = order.symbol
    modify_id = desk.terms_of(order).modify_id
    if modify_id:
        found["modifyId"] = modify_id
    return found


def queried(desk: Desk, order: Order, *, wide: bool = False) -> Json:
    """GET order, openOrders; ``wide`` as in allOrders."""
    found = _base(desk, order, desk.terms_of(order))
    found["avgPrice"] = fixed(average(desk.tapes[order.symbol], order), 5)
    found["cumQuote"] = plain(order.quote)
    found["time"] = order.created_at
    if wide:
        found["cumBase"] = found["executedQty"]
        found["pair"] = order.symbol
    return found


def user_trade(desk: Desk, trade: Trade) -> Json:
    """One of userTrades."""
    tape = desk.tapes[trade.symbol]
    return {
        "buyer": trade.side is Side.BUY, "commission": plain(trade.fee), "commissionAsset": trade.fee_asset,
        "id": trade.trade_id, "maker": trade.maker, "orderId": trade.exchange_id,
        "price": tape.format.price(trade.price), "qty": tape.format.qty(trade.steps), "quoteQty": plain(trade.quote),
        "baseQty": tape.format.qty(trade.steps), "marginAsset": tape.instrument.quote,
        "realizedPnl": money(trade.realised), "side": side(trade.side), "positionSide": "BOTH", "symbol": trade.symbol,
        "pair": trade.symbol, "time": trade.at,
    }  # fmt: skip


def algo(desk: Desk, order: AlgoOrder, *, placed_now: bool = False) -> Json:
    """An algo order over REST."""
    tape = desk.tapes[order.symbol]
    born = order.order
    price = tape.instrument.price
    found: Json = {
        "algoId": order.algo_id, "clientAlgoId": order.client_id, "algoType": "CONDITIONAL", "orderType": order.kind,
        "symbol": order.symbol, "side": side(order.side), "positionSide": "BOTH", "timeInForce": order.tif,
        "quantity": tape.format.qty(order.steps), "algoStatus": order.status,
        "triggerPrice": plain(price(order.trigger)), "price": plain(price(order.price or 0)),
        "icebergQuantity": None, "selfTradePreventionMode": order.stp, "workingType": order.working_type,
        "priceMatch": order.price_match, "closePosition": order.close_position, "priceProtect": order.price_protect,
        "reduceOnly": order.reduce_only, "createTime": order.created_at, "updateTime": order.updated_at,
        "triggerTime": order.triggered_at, "goodTillDate": order.good_till,
    }  # fmt: skip
    if placed_now:
        found["activatePrice"] = None if order.activate is None else plain(price(order.activate))
        found["callbackRate"] = None if order.callback is None else plain(order.callback)
    else:
        found["actualOrderId"] = str(born.exchange_id) if born else ""
        found["actualPrice"] = fixed(average(tape, born), 5) if born else "0.00000"
        found["tpTriggerPrice"] = found["tpPrice"] = found["slTriggerPrice"] = found["slPrice"] = "0.000"
        found["tpOrderType"] = ""
    return found


def algo_queried(desk: Desk, order: AlgoOrder) -> Json:
    """GET algoOrder."""
    found = algo(desk, order)
    for name in ("tpTriggerPrice", "tpPrice", "slTriggerPrice", "slPrice"):
        del found[name]
    if order.order is not None:
        found["actualType"] = desk.terms_of(order.order).kind
        found["actualQty"] = desk.tapes[order.symbol].format.qty(order.order.filled)
    return found


# -- user events -------------------------------------------------------------------------------------------


def frames(desk: Desk, updates: list[Update], now: Ms) -> list[Json]:
    """User events of what happened, in order; TRADE_LITE before the order's own event."""
    told: list[Json] = []
    for update in updates:
        if isinstance(update, OrderUpdate):
            if update.trade is not None and update.execution is Execution.TRADE:
                told.append(trade_lite(desk, update, now))
            told.append(order_trade_update(desk, update, now))
        elif isinstance(update, AccountUpdate):
            told.append(account_update(desk, update, now))
        elif isinstance(update, MarginCall):
            told.append(margin_call(desk, update, now))
        elif isinstance(update, LeverageChanged):
            told.append({"e": "ACCOUNT_CONFIG_UPDATE", "E": now, "T": update.at,
                         "ac": {"s": update.symbol, "l": update.leverage}})  # fmt: skip
    return told


def order_trade_update(desk: Desk, update: OrderUpdate, now: Ms) -> Json:
    """ORDER_TRADE_UPDATE."""
    order, trade = update.order, update.trade
    tape, terms = desk.tapes[order.symbol], desk.terms_of(order)
    f, instrument = tape.format, tape.instrument
    amendment = order.reason == AMENDED
    venue = desk.venues[order.symbol]
    fields: Json = {
        "s": order.symbol, "c": order.client_id, "S": side(order.side), "o": terms.kind, "f": terms.tif,
        "q": f.qty(order.steps), "p": plain(instrument.price(order.price or 0)),
        "ap": fixed(average(tape, order), 5) if order.filled else "0",
        "sp": plain(instrument.price(order.trigger or 0)), "x": "AMENDMENT" if amendment else update.execution.value,
        "X": status_of(order), "i": order.exchange_id, "l": f.qty(trade.steps) if trade else "0",
        "z": f.qty(order.filled) if order.filled else "0", "L": f.price(trade.price) if trade else "0",
        "n": fixed(trade.fee) if trade else "0", "N": trade.fee_asset if trade else instrument.quote, "T": update.at,
        "t": trade.trade_id if trade else 0, "b": plain(instrument.unit * venue.buy_exposure),
        "a": plain(instrument.unit * venue.sell_exposure), "m": trade.maker if trade else False,
        "R": order.reduce_only, "wt": terms.working_type, "ot": terms.original_kind or terms.kind, "ps": "BOTH",
        "cp": order.close_position, "rp": money(trade.realised) if trade and trade.realised else "0",
        "pP": terms.price_protect, "si": 0, "ss": 0, "V": terms.stp, "pm": terms.price_match, "gtd": terms.good_till,
        "er": str(_expiry(order, terms)),
    }  # fmt: skip
    if amendment and terms.modify_id:
        fields["M"] = str(terms.modify_id)
    return {"e": "ORDER_TRADE_UPDATE", "E": now, "T": update.at, "o": fields}


def _expiry(order: Order, terms: Terms) -> int:
    if order.status is not Status.EXPIRED:
        return 0
    return {"knocked_out": 4, "liquidation": 5, "settlement": 7}.get(order.reason, terms.expiry)


def trade_lite(desk: Desk, update: OrderUpdate, now: Ms) -> Json:
    """TRADE_LITE: the execution, earlier and shorter."""
    order, trade = update.order, update.trade
    assert trade is not None
    f = desk.tapes[order.symbol].format
    return {
        "e": "TRADE_LITE", "E": now, "T": update.at, "s": order.symbol, "q": f.qty(order.steps),
        "p": f.price(order.price), "m": trade.maker, "c": order.client_id, "S": side(order.side),
        "L": f.price(trade.price), "l": f.qty(trade.steps), "t": trade.trade_id, "i": order.exchange_id,
    }  # fmt: skip


def account_update(desk: Desk, update: AccountUpdate, now: Ms) -> Json:
    """ACCOUNT_UPDATE: only what changed."""
    cash, futures = update.cash, account_of(desk)
    pockets = sum(futures.pockets.values(), ZERO)
    body: Json = {
        "m": update.reason,
        "B": [
            {"a": b.asset, "wb": fixed(b.wallet),
             "cw": fixed(b.wallet - pockets if b.asset == futures.quote else b.wallet),
             "bc": fixed(cash.amount) if cash is not None and cash.asset == b.asset else "0"}
            for b in update.balances
        ],
        "P": [_position(desk, p) for p in update.positions],
    }  # fmt: skip
    if cash is not None and cash.symbol:
        body["S"] = cash.symbol
    return {"e": "ACCOUNT_UPDATE", "E": now, "T": update.at, "a": body}


def _position(desk: Desk, view: PositionView) -> Json:
    f, own = desk.tapes[view.symbol].format, account_of(desk).alone(view.symbol)
    return {
        "s": view.symbol, "pa": f.qty(view.steps) if view.steps else "0",
        "ep": plain(view.entry_price) if view.steps else "0", "bep": plain(break_even(desk, view)),
        "cr": money(view.realised), "up": money(view.unrealised) if view.steps else "0",
        "mt": "cross" if own is None else "isolated", "iw": money(own or ZERO), "ps": "BOTH",
    }  # fmt: skip


def break_even(desk: Desk, view: PositionView) -> Decimal:
    """The price at which closing pays both fees."""
    if not view.steps:
        return ZERO
    taker = desk.fees.taker
    factor = (1 + taker) / (1 - taker) if view.steps > 0 else (1 - taker) / (1 + taker)
    return (view.entry_price * factor).quantize(Decimal("0.00000001"), ROUND_HALF_EVEN)


def margin_call(desk: Desk, update: MarginCall, now: Ms) -> Json:
    """MARGIN_CALL: every open position."""
    futures = account_of(desk)
    rows = []
    for view in futures.positions():
        if view.steps:
            tape = desk.tapes[view.symbol]
            mark = desk.venues[view.symbol].mark
            notional, own = abs(tape.instrument.notional(mark, view.steps)), futures.alone(view.symbol)
            rows.append({
                "s": view.symbol, "ps": "BOTH", "pa": tape.format.qty(view.steps),
                "mt": "CROSSED" if own is None else "ISOLATED", "iw": money(own or ZERO),
                "mp": plain(tape.instrument.price(mark)), "up": money(view.unrealised),
                "mm": money(maintenance(tape.instrument, notional)),
            })  # fmt: skip
    return {"e": "MARGIN_CALL", "E": now, "cw": plain(update.wallet), "p": rows}


def algo_update(desk: Desk, order: AlgoOrder, now: Ms) -> Json:
    """ALGO_UPDATE."""
    tape = desk.tapes[order.symbol]
    price = tape.instrument.price
    born = order.order
    fields: Json = {
        "caid": order.client_id, "aid": order.algo_id, "at": "CONDITIONAL", "o": order.kind, "s": order.symbol,
        "S": side(order.side), "ps": "BOTH", "f": order.tif, "q": tape.format.qty(order.steps), "X": order.status,
        "ai": str(born.exchange_id) if born else "",
        "tp": plain(price(order.trigger)), "p": plain(price(order.price or 0)), "V": order.stp,
        "wt": order.working_type, "pm": order.price_match, "cp": order.close_position, "pP": order.price_protect,
        "R": order.reduce_only, "tt": order.triggered_at, "gtd": order.good_till, "rm": order.reason, "ia": False,
    }  # fmt: skip
    if born is not None:
        fields["ap"] = fixed(average(tape, born), 5)
        fields["aq"] = tape.format.qty(born.filled)
        fields["act"] = desk.terms_of(born).kind
    return {"e": "ALGO_UPDATE", "T": order.updated_at, "E": now, "o": fields}


# -- account -----------------------------------------------------------------------------------------------


class Margins:
    """Every margin figure of an account at the mark prices, worked out once a call."""

    def __init__(self, desk: Desk) -> None:
        futures = account_of(desk)
        self.desk = desk
        self.quote = futures.quote
        self.wallet = futures.wallets.get(futures.quote, ZERO)
        self.available = max(ZERO, futures.available())
        self.views = {symbol: futures.view(symbol) for symbol in desk.venues}
        self.unrealised = sum((v.unrealised for v in self.views.values()), ZERO)
        self.crossed = futures.shared()
        """The wallet without what isolated positions have for themselves."""
        self.crossed_unrealised = sum((v.unrealised for s, v in self.views.items() if futures.alone(s) is None), ZERO)
        self.rows = {symbol: self._row(symbol, view) for symbol, view in self.views.items()}
        self.position_margin = sum((r["position"] for r in self.rows.values()), ZERO)
        self.order_margin = sum((r["orders"] for r in self.rows.values()), ZERO)
        self.maintenance = sum((r["maintenance"] for r in self.rows.values()), ZERO)

    def _row(self, symbol: Symbol, view: PositionView) -> dict[str, Decimal]:
        venue, instrument = self.desk.venues[symbol], self.desk.tapes[symbol].instrument
        leverage = account_of(self.desk).leverage_of(symbol)
        notional = instrument.notional(venue.mark, view.steps)
        held = view.steps * venue.mark
        worse = max(abs(held + venue.buy_exposure), abs(held - venue.sell_exposure))
        position = abs(notional) / leverage
        return {
            "notional": notional, "position": position, "orders": instrument.unit * worse / leverage - position,
            "maintenance": maintenance(instrument, abs(notional)) if notional else ZERO,
            "bid": instrument.unit * venue.buy_exposure, "ask": instrument.unit * venue.sell_exposure,
        }  # fmt: skip

    def interesting(self, symbol: Symbol) -> bool:
        """A position or open orders."""
        venue = self.desk.venues[symbol]
        return bool(self.views[symbol].steps or venue.bids or venue.asks)

    def updated_at(self, symbol: Symbol) -> Ms:
        """When the position last changed; 0 if never."""
        trades = self.desk.history.trades.get(symbol)
        return trades[-1].at if trades else 0


def account(desk: Desk, version: int, now: Ms) -> Json:
    """fapi account v2 and v3."""
    m = Margins(desk)
    initial = m.position_margin + m.order_margin
    found: Json = {
        "totalInitialMargin": fixed(initial), "totalMaintMargin": fixed(m.maintenance),
        "totalWalletBalance": fixed(m.wallet), "totalUnrealizedProfit": money(m.unrealised),
        "totalMarginBalance": fixed(m.wallet + m.unrealised), "totalPositionInitialMargin": fixed(m.position_margin),
        "totalOpenOrderInitialMargin": fixed(m.order_margin), "totalCrossWalletBalance": fixed(m.crossed),
        "totalCrossUnPnl": money(m.crossed_unrealised), "availableBalance": fixed(m.available),
        "maxWithdrawAmount": fixed(min(m.available, max(ZERO, m.crossed))),
        "assets": [_asset(m, name, wallet, version, now) for name, wallet in _wallets(desk)],
        "positions": [_held(m, s, version) for s in desk.venues if version == 2 or m.interesting(s)],
    }  # fmt: skip
    if version == 2:
        found |= {"feeTier": 0, "feeBurn": False, "canTrade": True, "canDeposit": True, "canWithdraw": True,
                  "updateTime": 0, "multiAssetsMargin": False, "tradeGroupId": -1}  # fmt: skip
    return found


def _wallets(desk: Desk) -> list[tuple[Asset, Money]]:
    """What is held of every asset that exchangeInfo names, and of others; in name order."""
    found = dict.fromkeys((*(tape.instrument.quote for tape in desk.tapes.values()), "BNB"), ZERO)
    return sorted((found | {b.asset: b.wallet for b in account_of(desk).balances()}).items())


def _asset(m: Margins, asset: str, wallet: Decimal, version: int, now: Ms) -> Json:
    own = asset == m.quote
    unrealised = m.unrealised if own else ZERO
    initial = m.position_margin + m.order_margin if own else ZERO
    free, crossed = (m.available, m.crossed) if own else (wallet, wallet)
    found: Json = {
        "asset": asset, "walletBalance": fixed(wallet), "unrealizedProfit": money(unrealised),
        "marginBalance": fixed(wallet + unrealised), "maintMargin": fixed(m.maintenance if own else ZERO),
        "initialMargin": fixed(initial), "positionInitialMargin": fixed(m.position_margin if own else ZERO),
        "openOrderInitialMargin": fixed(m.order_margin if own else ZERO), "crossWalletBalance": fixed(crossed),
        "crossUnPnl": money(m.crossed_unrealised if own else ZERO), "availableBalance": fixed(free),
        "maxWithdrawAmount": fixed(max(ZERO, min(free, crossed))), "updateTime": now,
    }  # fmt: skip
    if version == 2:
        found["marginAvailable"] = own
    return found


def _held(m: Margins, symbol: Symbol, version: int) -> Json:
    view, row = m.views[symbol], m.rows[symbol]
    f = m.desk.tapes[symbol].format
    found: Json = {
        "symbol": symbol, "positionSide": "BOTH", "positionAmt": f.qty(view.steps),
        "unrealizedProfit": money(view.unrealised), "initialMargin": fixed(row["position"] + row["orders"]),
        "maintMargin": fixed(row["maintenance"]), "updateTime": m.updated_at(symbol),
    }  # fmt: skip
    pocket = account_of(m.desk).alone(symbol)
    own = ZERO if pocket is None else pocket
    if version == 3:
        found |= {"isolatedMargin": money(_own_margin(own, view)), "notional": money(row["notional"]),
                  "isolatedWallet": money(own)}  # fmt: skip
        return found
    leverage = account_of(m.desk).leverage_of(symbol)
    found |= {
        "positionInitialMargin": fixed(row["position"]), "openOrderInitialMargin": fixed(row["orders"]),
        "leverage": str(leverage), "isolated": pocket is not None, "entryPrice": plain(view.entry_price),
        "maxNotional": plain(max_notional(m.desk.tapes[symbol].instrument, leverage)),
        "bidNotional": plain(row["bid"]), "askNotional": plain(row["ask"]),
    }  # fmt: skip
    return found


def _own_margin(wallet: Money, view: PositionView) -> Money:
    """isolatedMargin: the wallet with what the position has gained; 0 where there is none."""
    return wallet + view.unrealised if wallet else ZERO


def position_risk(m: Margins, symbol: Symbol, version: int) -> Json:
    """positionRisk v2 and v3."""
    view, row = m.views[symbol], m.rows[symbol]
    tape = m.desk.tapes[symbol]
    futures = account_of(m.desk)
    liquidation, pocket = futures.liquidation_price_of(symbol), futures.alone(symbol)
    own = ZERO if pocket is None else pocket
    found: Json = {
        "symbol": symbol, "positionSide": "BOTH", "positionAmt": tape.format.qty(view.steps),
        "entryPrice": plain(view.entry_price) if view.steps else "0.0",
        "breakEvenPrice": plain(break_even(m.desk, view)) if view.steps else "0.0",
        "markPrice": fixed(tape.instrument.price(m.desk.venues[symbol].mark)),
        "unRealizedProfit": money(view.unrealised), "liquidationPrice": plain(liquidation or ZERO),
        "isolatedMargin": money(_own_margin(own, view)), "notional": money(row["notional"]),
        "isolatedWallet": money(own), "updateTime": m.updated_at(symbol),
    }  # fmt: skip
    if version == 3:
        found |= {
            "marginAsset": m.quote, "initialMargin": fixed(row["position"] + row["orders"]),
            "maintMargin": fixed(row["maintenance"]), "positionInitialMargin": fixed(row["position"]),
            "openOrderInitialMargin": fixed(row["orders"]), "adl": 2 if view.steps else 0,
            "bidNotional": plain(row["bid"]), "askNotional": plain(row["ask"]),
        }  # fmt: skip
        return found
    leverage = futures.leverage_of(symbol)
    found |= {
        "marginType": "cross" if pocket is None else "isolated", "isAutoAddMargin": "false", "leverage": str(leverage),
        "maxNotionalValue": plain(max_notional(tape.instrument, leverage)),
    }  # fmt: skip
    return found
