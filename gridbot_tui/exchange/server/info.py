"""exchangeInfo of both markets, out of the instruments and the limits."""

from decimal import Decimal
from typing import Any

from gridbot_tui.exchange.server.fields import CONDITIONAL_TYPES, SPOT_TYPES
from gridbot_tui.exchange.server.floor import Floor
from gridbot_tui.exchange.server.limits import ICEBERG_PARTS, TRAILING, Limiter
from gridbot_tui.exchange.server.numbers import fixed, plain
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.units import Ms

Json = dict[str, Any]
ONBOARDED: Ms = 1_569_398_400_000
STP_MODES = ["NONE", "EXPIRE_TAKER", "EXPIRE_MAKER", "EXPIRE_BOTH", "DECREMENT", "TRANSFER"]


def spot_limits(limiter: Limiter) -> list[Json]:
    """The rateLimits of spot."""
    return [
        _limit("REQUEST_WEIGHT", "MINUTE", 1, limiter.limit("spot_weight")),
        _limit("ORDERS", "SECOND", 10, limiter.limit("spot_orders_10s")),
        _limit("ORDERS", "DAY", 1, limiter.limit("spot_orders_day")),
        _limit("RAW_REQUESTS", "MINUTE", 5, limiter.limit("spot_raw_5m")),
    ]


def futures_limits(limiter: Limiter) -> list[Json]:
    """The rateLimits of USD-M."""
    return [
        _limit("REQUEST_WEIGHT", "MINUTE", 1, limiter.limit("futures_weight")),
        _limit("ORDERS", "MINUTE", 1, limiter.limit("futures_orders_1m")),
        _limit("ORDERS", "SECOND", 10, limiter.limit("futures_orders_10s")),
    ]


def _limit(kind: str, interval: str, number: int, limit: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def nothing(now: Ms) -> Json:
    """The document of a market that is not served."""
    return {"timezone": "UTC", "serverTime": now, "rateLimits": [], "exchangeFilters": [], "assets": [], "symbols": []}


def spot(floor: Floor, limiter: Limiter, tapes: list[Tape], now: Ms) -> Json:
    """GET /api/v3/exchangeInfo."""
    return {
        "timezone": "UTC", "serverTime": now, "rateLimits": spot_limits(limiter), "exchangeFilters": [],
        "symbols": [_spot_symbol(tape) for tape in tapes],
    }  # fmt: skip


def _spot_symbol(tape: Tape) -> Json:
    i = tape.instrument
    return {
        "symbol": i.symbol, "status": tape.status, "baseAsset": i.base, "baseAssetPrecision": 8,
        "quoteAsset": i.quote, "quotePrecision": 8, "quoteAssetPrecision": 8, "baseCommissionPrecision": 8,
        "quoteCommissionPrecision": 8, "orderTypes": list(SPOT_TYPES), "icebergAllowed": True, "ocoAllowed": True,
        "otoAllowed": True, "opoAllowed": False, "quoteOrderQtyMarketAllowed": True, "allowTrailingStop": True,
        "cancelReplaceAllowed": True, "amendAllowed": True, "pegInstructionsAllowed": False,
        "isSpotTradingAllowed": True, "isMarginTradingAllowed": False, "filters": spot_filters(tape),
        "permissions": [], "permissionSets": [["SPOT"]], "defaultSelfTradePreventionMode": "EXPIRE_MAKER",
        "allowedSelfTradePreventionModes": STP_MODES,
    }  # fmt: skip


def spot_filters(tape: Tape) -> list[Json]:
    """Exactly the filters that are enforced."""
    i = tape.instrument
    up, down = plain(i.percent_up), plain(i.percent_down)
    most = "9000000000.00000000" if i.max_notional is None else fixed(i.max_notional)
    position = [] if i.max_position is None else [
        {"filterType": "MAX_POSITION", "maxPosition": fixed(i.quantity(i.max_position))}
    ]  # fmt: skip
    return [
        {"filterType": "PRICE_FILTER", "minPrice": fixed(i.price(max(1, i.min_price))),
         "maxPrice": fixed(i.price(i.max_price)), "tickSize": fixed(i.price_every * i.tick)},
        {"filterType": "LOT_SIZE", "minQty": fixed(i.quantity(max(1, i.min_steps))),
         "maxQty": fixed(i.quantity(i.max_steps)), "stepSize": fixed(i.step)},
        {"filterType": "MARKET_LOT_SIZE", "minQty": fixed(Decimal(0)),
         "maxQty": fixed(i.quantity(i.market_max_steps)), "stepSize": fixed(Decimal(0))},
        {"filterType": "PERCENT_PRICE_BY_SIDE", "bidMultiplierUp": up, "bidMultiplierDown": "0",
         "askMultiplierUp": "1000000", "askMultiplierDown": down, "avgPriceMins": 0},
        {"filterType": "NOTIONAL", "minNotional": fixed(i.min_notional), "applyMinToMarket": True,
         "maxNotional": most, "applyMaxToMarket": i.max_market_notional is not None, "avgPriceMins": 0},
        {"filterType": "ICEBERG_PARTS", "limit": ICEBERG_PARTS},
        {"filterType": "TRAILING_DELTA", "minTrailingAboveDelta": TRAILING[0], "maxTrailingAboveDelta": TRAILING[1],
         "minTrailingBelowDelta": TRAILING[0], "maxTrailingBelowDelta": TRAILING[1]},
        {"filterType": "MAX_NUM_ORDERS", "maxNumOrders": i.max_orders},
        {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": 5},
        {"filterType": "MAX_NUM_ORDER_AMENDS", "maxNumOrderAmends": 10},
        *position,
    ]  # fmt: skip


def futures(floor: Floor, limiter: Limiter, now: Ms) -> Json:
    """GET /fapi/v1/exchangeInfo."""
    quotes = sorted({tape.instrument.quote for tape in floor.tapes.values()} | {"BNB"})
    return {
        "timezone": "UTC", "serverTime": now, "futuresType": "U_MARGINED", "rateLimits": futures_limits(limiter),
        "exchangeFilters": [],
        "assets": [{"asset": a, "marginAvailable": a != "BNB", "autoAssetExchange": "-10000"} for a in quotes],
        "symbols": [_futures_symbol(tape) for tape in floor.tapes.values()],
    }  # fmt: skip


def _futures_symbol(tape: Tape) -> Json:
    i = tape.instrument
    step, tick = plain(i.step), plain(i.price_every * i.tick)
    smallest = plain(i.quantity(max(1, i.min_steps)))
    return {
        "symbol": i.symbol, "pair": i.symbol, "contractType": "PERPETUAL", "deliveryDate": tape.delivery_at,
        "onboardDate": ONBOARDED, "status": tape.status, "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000", "baseAsset": i.base, "quoteAsset": i.quote, "marginAsset": i.quote,
        "pricePrecision": max(2, tape.format.price_places), "quantityPrecision": tape.format.qty_places,
        "baseAssetPrecision": 8, "quotePrecision": 8, "underlyingType": "COIN", "underlyingSubType": ["PoW"],
        "triggerProtect": "0.0500", "liquidationFee": "0.012500", "marketTakeBound": plain(i.percent_up - 1),
        "filters": [
            {"filterType": "PRICE_FILTER", "minPrice": plain(i.price(max(1, i.min_price))),
             "maxPrice": plain(i.price(i.max_price)), "tickSize": tick},
            {"filterType": "LOT_SIZE", "minQty": smallest, "maxQty": plain(i.quantity(i.max_steps)), "stepSize": step},
            {"filterType": "MARKET_LOT_SIZE", "minQty": smallest, "maxQty": plain(i.quantity(i.market_max_steps)),
             "stepSize": step},
            {"filterType": "MAX_NUM_ORDERS", "limit": i.max_orders},
            {"filterType": "MIN_NOTIONAL", "notional": plain(i.min_notional)},
            {"filterType": "PERCENT_PRICE", "multiplierUp": f"{i.percent_up:.4f}",
             "multiplierDown": f"{i.percent_down:.4f}", "multiplierDecimal": "4"},
        ],
        "orderTypes": ["LIMIT", "MARKET", *CONDITIONAL_TYPES],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
    }  # fmt: skip
