"""Spot REST: the account."""

from typing import Any

from gridbot_tui.exchange.server import info, render_spot
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.exchange.server.numbers import fixed
from gridbot_tui.exchange.server.public import tapes_of
from gridbot_tui.exchange.server.table import Call, endpoint
from gridbot_tui.units import ZERO, Asset, Money

Json = dict[str, Any]


def _assets(desk: Desk) -> list[tuple[Asset, Money, Money]]:
    """Every asset of the market and whatever else is held, in name order: (asset, all of it, locked)."""
    held = {b.asset: b for b in desk.account.balances()}
    instruments = [tape.instrument for tape in desk.tapes.values()]
    names = {i.base for i in instruments} | {i.quote for i in instruments} | set(held)
    return [(name, held[name].wallet, held[name].locked) if name in held else (name, ZERO, ZERO)
            for name in sorted(names)]  # fmt: skip


@endpoint("GET", "/api/v3/account", "omitZeroBalances", security="SIGNED", weight=20, ws="account.status")
def account(call: Call) -> Json:
    """Balances and rights."""
    desk = call.place.desk(call.account, "spot", call.now)
    maker, taker = desk.fees.maker, desk.fees.taker
    rates = {"maker": fixed(maker), "taker": fixed(taker), "buyer": "0.00000000", "seller": "0.00000000"}
    trades = [t[-1].at for t in desk.history.trades.values() if t]
    balances = [
        {"asset": name, "free": fixed(wallet - locked), "locked": fixed(locked)}
        for name, wallet, locked in _assets(desk)
        if wallet or not call.get("omitZeroBalances")
    ]
    return {
        "makerCommission": int(maker * 10_000), "takerCommission": int(taker * 10_000), "buyerCommission": 0,
        "sellerCommission": 0, "commissionRates": rates, "canTrade": True, "canWithdraw": True, "canDeposit": True,
        "brokered": False, "requireSelfTradePrevention": False, "preventSor": False,
        "updateTime": max(trades, default=0), "accountType": "SPOT", "balances": balances, "permissions": ["SPOT"],
        "uid": call.account.uid(),
    }  # fmt: skip


@endpoint("GET", "/api/v3/account/commission", "symbol!", security="SIGNED", weight=20, ws="account.commission")
def commission(call: Call) -> Json:
    """Fees of a symbol."""
    tape = call.place.tape("spot", call.values["symbol"])
    desk = call.place.desk(call.account, "spot", call.now)
    nothing = dict.fromkeys(("maker", "taker", "buyer", "seller"), "0.00000000")
    standard = nothing | {"maker": fixed(desk.fees.maker), "taker": fixed(desk.fees.taker)}
    return {
        "symbol": tape.symbol, "standardCommission": standard, "specialCommission": nothing, "taxCommission": nothing,
        "discount": render_spot.discount(desk),
    }  # fmt: skip


@endpoint("GET", "/api/v3/rateLimit/order", security="SIGNED", weight=40, ws="account.rateLimits.orders")
def order_counts(call: Call) -> list[Json]:
    """Unfilled orders counted."""
    short, long = call.place.limiter.order_windows("spot", call.account.number)
    rows = [row for row in info.spot_limits(call.place.limiter) if row["rateLimitType"] == "ORDERS"]
    return [row | {"count": window.at(call.now)} for row, window in zip(rows, (short, long), strict=True)]


@endpoint("GET", "/api/v3/myFilters", "symbol!", security="SIGNED", weight=40, ws="myFilters")
def my_filters(call: Call) -> Json:
    """Filters as they apply to the account."""
    tape = call.place.tape("spot", call.values["symbol"])
    return {"exchangeFilters": [], "symbolFilters": info.spot_filters(tape), "assetFilters": []}


@endpoint("GET", "/api/v3/myPreventedMatches", "symbol! preventedMatchId orderId fromPreventedMatchId limit",
          security="SIGNED", weight=20, ws="myPreventedMatches")  # fmt: skip
@endpoint("GET", "/api/v3/myAllocations", "symbol! startTime endTime fromAllocationId limit orderId",
          security="SIGNED", weight=20, ws="myAllocations")  # fmt: skip
def nothing_of_it(call: Call) -> list[Json]:
    """Nothing of the kind ever happens here."""
    return []


@endpoint("POST", "/api/v3/orderList/opoco", "symbol! *", security="SIGNED", orders=3, ws="orderList.place.opoco")
@endpoint("POST", "/api/v3/orderList/opo", "symbol! *", security="SIGNED", orders=2, ws="orderList.place.opo")
def no_lists(call: Call) -> Json:
    """exchangeInfo says opoAllowed false."""
    call.place.tape("spot", call.values["symbol"])
    raise Denied(-1013, msg="OPO orders are not supported for this symbol.")


@endpoint("POST", "/api/v3/sor/order/test", "symbol! *", security="SIGNED", ws="sor.order.test")
@endpoint("POST", "/api/v3/sor/order", "symbol! *", security="SIGNED", orders=1, ws="sor.order.place")
def no_routing(call: Call) -> Json:
    """exchangeInfo names no symbol with smart order routing."""
    call.place.tape("spot", call.values["symbol"])
    raise Denied(-1013, msg="This symbol does not support SOR.")


@endpoint("GET", "/sapi/v1/account/apiRestrictions", security="SIGNED")
def restrictions(call: Call) -> Json:
    """What the key may do."""
    return {
        "ipRestrict": False, "createTime": 1_698_645_219_000, "enableInternalTransfer": False,
        "enableFutures": call.account.futures is not None, "enablePortfolioMarginTrading": False,
        "enableVanillaOptions": False, "permitsUniversalTransfer": False, "enableReading": True,
        "enableSpotAndMarginTrading": call.account.spot is not None, "enableWithdrawals": False,
        "enableMargin": False, "tradingAuthorityExpirationTime": 1_990_000_000_000, "enableFixApiTrade": False,
        "enableFixReadOnly": False,
    }  # fmt: skip


@endpoint("GET", "/sapi/v1/asset/tradeFee", "symbol", security="SIGNED")
def trade_fee(call: Call) -> list[Json]:
    """Fees of one symbol or all."""
    fees = call.place.desk(call.account, "spot", call.now).fees
    tapes = tapes_of(call, "spot")
    return [{"symbol": t.symbol, "makerCommission": fixed(fees.maker), "takerCommission": fixed(fees.taker)}
            for t in tapes]  # fmt: skip


@endpoint("GET", "/sapi/v1/bnbBurn", security="SIGNED")
def bnb_burn(call: Call) -> Json:
    """Whether fees are paid in BNB."""
    return {"spotBNBBurn": call.place.desk(call.account, "spot", call.now).fees.bnb, "interestBNBBurn": False}


@endpoint("POST", "/sapi/v1/bnbBurn", "spotBNBBurn interestBNBBurn", security="SIGNED")
def set_bnb_burn(call: Call) -> Json:
    """Pay fees in BNB, at a discount, where enough of it is held."""
    fees = call.place.desk(call.account, "spot", call.now).fees
    fees.pay_in_bnb(call.get("spotBNBBurn", fees.bnb))
    return {"spotBNBBurn": fees.bnb, "interestBNBBurn": False}


@endpoint("GET", "/sapi/v1/account/status", security="SIGNED")
def account_status(call: Call) -> Json:
    """Nothing is amiss."""
    return {"data": "Normal"}


@endpoint("GET", "/sapi/v1/account/apiTradingStatus", security="SIGNED")
def trading_status(call: Call) -> Json:
    """Nothing is locked."""
    limits = {"GCR": 150, "IFER": 150, "UFR": 300}
    return {"data": {"isLocked": False, "plannedRecoverTime": 0, "triggerCondition": limits, "updateTime": 0}}


@endpoint("GET", "/sapi/v1/account/info", security="SIGNED")
def account_info(call: Call) -> Json:
    """Nobody is a very important person, and which markets the account has."""
    return {
        "vipLevel": 0, "isMarginEnabled": False, "isFutureEnabled": call.account.futures is not None,
        "isOptionsEnabled": False, "isPortfolioMarginRetailEnabled": False,
    }  # fmt: skip


@endpoint("GET", "/sapi/v1/asset/assetDetail", "asset", security="SIGNED")
def asset_detail(call: Call) -> Json:
    """Every asset of the spot market: none can be sent anywhere."""
    wanted = call.get("asset")
    shut = {"minWithdrawAmount": "0", "depositStatus": False, "withdrawFee": "0", "withdrawStatus": False}
    desk = call.place.desk(call.account, "spot", call.now)
    return {name: shut for name, _, _ in _assets(desk) if wanted in (None, name)}


@endpoint("GET", "/sapi/v1/spot/delist-schedule", security="KEY", weight=100)
def delist_schedule(call: Call) -> list[Json]:
    """What is delisted here goes without notice."""
    return []


@endpoint("POST", "/sapi/v3/asset/getUserAsset", "asset needBtcValuation", security="SIGNED", weight=5)
def user_assets(call: Call) -> list[Json]:
    """What the account has on spot."""
    if call.account.spot is None:
        return []
    desk = call.place.desk(call.account, "spot", call.now)
    wanted, nothing = call.get("asset"), dict.fromkeys(("freeze", "withdrawing", "ipoable", "btcValuation"), "0")
    return [{"asset": name, "free": fixed(wallet - locked), "locked": fixed(locked), **nothing}
            for name, wallet, locked in _assets(desk) if wallet and wanted in (None, name)]  # fmt: skip


@endpoint("GET", "/sapi/v1/system/status")
def system_status(call: Call) -> Json:
    """0 normal, 1 maintenance."""
    down = call.place.maintenance
    return {"status": int(down), "msg": "system_maintenance" if down else "normal"}


@endpoint("GET", "/sapi/v1/capital/config/getall", security="SIGNED", weight=10)
def coins(call: Call) -> list[Json]:
    """Every asset of the spot market, with what the account has of it; there are no networks here."""
    if call.account.spot is None:
        return []
    desk = call.place.desk(call.account, "spot", call.now)
    nothing = dict.fromkeys(("freeze", "ipoable", "ipoing", "storage", "withdrawing"), "0")
    return [
        {"coin": name, "name": name, "trading": True, "isLegalMoney": False, "depositAllEnable": False,
         "withdrawAllEnable": False, "networkList": [], **nothing,
         "free": fixed(wallet - locked), "locked": fixed(locked)}
        for name, wallet, locked in _assets(desk)
    ]  # fmt: skip


@endpoint("GET", "/sapi/v1/capital/deposit/hisrec", "coin status startTime endTime offset limit txId includeSource",
          security="SIGNED")  # fmt: skip
@endpoint("GET", "/sapi/v1/capital/withdraw/history", "coin withdrawOrderId status startTime endTime offset limit"
          " idList", security="SIGNED")  # fmt: skip
@endpoint("POST", "/sapi/v1/asset/get-funding-asset", "asset needBtcValuation", security="SIGNED")
@endpoint("GET", "/sapi/v1/margin/allPairs", "symbol", security="KEY")
@endpoint("GET", "/sapi/v1/margin/isolated/allPairs", "symbol", security="SIGNED", weight=10)
def no_capital(call: Call) -> list[Json]:
    """No deposits, withdrawals, funding wallet or margin pairs here."""
    return []


@endpoint("GET", "/sapi/v1/asset/transfer", "type! startTime endTime current size fromSymbol toSymbol",
          security="SIGNED")  # fmt: skip
def no_transfers(call: Call) -> Json:
    """Nothing is moved between wallets here."""
    return {"total": 0, "rows": []}
