"""Spot REST: what anybody may ask."""

import re
from typing import Any, Final

from gridbot_tui.exchange.server import info, public
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import INTERVALS, Values
from gridbot_tui.exchange.server.numbers import fixed
from gridbot_tui.exchange.server.render import day_ticker
from gridbot_tui.exchange.server.table import Call, by_limit, by_symbol, endpoint
from gridbot_tui.units import DAY, MINUTE, Ms

Json = dict[str, Any]
_WINDOW: Final = re.compile(r"([0-9]{1,2})([mhd])")
_MOST: Final = {"m": 59, "h": 23, "d": 7}
_FEW: Final = ("symbol", "openPrice", "highPrice", "lowPrice", "lastPrice", "volume", "quoteVolume", "openTime",
               "closeTime", "firstId", "lastId", "count")  # fmt: skip
_MORE: Final = (*_FEW, "priceChange", "priceChangePercent", "weightedAvgPrice")
"""What statistics of another span than 24 hours tell."""


@endpoint("GET", "/api/v3/ping", ws="ping")
def ping(call: Call) -> Json:
    """Nothing, quickly."""
    return {}


@endpoint("GET", "/api/v3/time", ws="time")
def time(call: Call) -> Json:
    """The exchange's time."""
    return {"serverTime": call.place.clock.told()}


@endpoint("GET", "/api/v3/exchangeInfo", "symbol symbols permissions showPermissionSets symbolStatus", weight=20,
          ws="exchangeInfo")  # fmt: skip
def exchange_info(call: Call) -> Json:
    """Symbols, filters, limits; without symbols where spot is not served."""
    if "spot" not in call.place.floors:
        return info.nothing(call.place.clock.told())
    if "symbolStatus" in call.values and ("symbol" in call.values or "symbols" in call.values):
        raise Denied(-1128)
    floor, tapes = call.place.floor("spot"), public.tapes_of(call, "spot")
    if "SPOT" not in call.get("permissions", "SPOT"):  # one permission, or a JSON list of them
        tapes = []
    return info.spot(floor, call.place.limiter, tapes, call.place.clock.told())


@endpoint("GET", "/api/v3/depth", "symbol! limit symbolStatus", ws="depth", weight_text="5/25/50/250 by limit",
          weight=by_limit(100, (100, 5), (500, 25), (1000, 50), (5000, 250)))  # fmt: skip
def depth(call: Call) -> Json:
    """The book."""
    (tape,) = public.tapes_of(call, "spot")
    return public.depth(call, tape, 100, None, 5_000)


@endpoint("GET", "/api/v3/trades", "symbol! limit", weight=25, ws="trades.recent")
def trades(call: Call) -> list[Json]:
    """Recent trades."""
    return public.trades(call, call.place.tape("spot", call.values["symbol"]))


@endpoint("GET", "/api/v3/historicalTrades", "symbol! limit fromId", weight=25, ws="trades.historical")
def historical_trades(call: Call) -> list[Json]:
    """Trades from an id."""
    return public.trades(call, call.place.tape("spot", call.values["symbol"]))


@endpoint("GET", "/api/v3/historicalBlockTrades", "symbol! fromId! limit", weight=25, ws="blockTrades.historical")
def block_trades(call: Call) -> list[Json]:
    """Nobody trades beside the book here."""
    call.place.tape("spot", call.values["symbol"])
    return []


@endpoint("GET", "/api/v3/aggTrades", "symbol! fromId startTime endTime limit", weight=4, ws="trades.aggregate")
def agg_trades(call: Call) -> list[Json]:
    """Aggregate trades."""
    return public.agg_trades(call, call.place.tape("spot", call.values["symbol"]))


@endpoint("GET", "/api/v3/uiKlines", "symbol! interval! startTime endTime timeZone limit", weight=2, ws="uiKlines")
@endpoint("GET", "/api/v3/klines", "symbol! interval! startTime endTime timeZone limit", weight=2, ws="klines")
def klines(call: Call) -> list[list[object]]:
    """Candles."""
    return public.klines(call, call.place.tape("spot", call.values["symbol"]), 1_000)


@endpoint("GET", "/api/v3/avgPrice", "symbol!", weight=2, ws="avgPrice")
def avg_price(call: Call) -> Json:
    """Five minutes' average."""
    tape = call.place.tape("spot", call.values["symbol"])
    last = tape.trades[-1].at if tape.trades else call.now
    return {"mins": 5, "price": fixed(tape.average(call.now)), "closeTime": last}


def _named(values: Values) -> int:
    """How many symbols a request names; 0 = none, which means all."""
    if "symbol" in values:
        return 1
    return str(values["symbols"]).count(",") + 1 if "symbols" in values else 0


def _day_weight(values: Values) -> int:
    named = _named(values)
    return 80 if not named or named > 100 else 40 if named > 20 else 2


def _window_weight(values: Values) -> int:
    return min(200, 4 * max(1, _named(values)))


def _told(call: Call, rows: list[Json], whole: tuple[str, ...] = ()) -> Any:
    """Statistics as short as was asked for; ``whole``: what they tell at the most, where not everything."""
    kind = call.get("type", "FULL")
    if kind not in ("FULL", "MINI"):
        raise Denied(-1130, "type")
    keep = _FEW if kind == "MINI" else whole
    return public.one_or_all(call, [{name: row[name] for name in keep} for row in rows] if keep else rows)


@endpoint("GET", "/api/v3/ticker/24hr", "symbol symbols type symbolStatus", weight=_day_weight, ws="ticker.24hr",
          weight_text="2 to 20 symbols, 40 to 100, 80 beyond or without")  # fmt: skip
def day(call: Call) -> Any:
    """Statistics of 24 hours."""
    return _told(call, [day_ticker(t, call.now, spot=True) for t in public.tapes_of(call, "spot")])


@endpoint("GET", "/api/v3/ticker", "symbol symbols windowSize type symbolStatus", weight=_window_weight, ws="ticker",
          weight_text="4 a symbol, at most 200")  # fmt: skip
def window(call: Call) -> Any:
    """Statistics of some minutes, hours or days, from a whole minute on."""
    found = _WINDOW.fullmatch(call.get("windowSize", "1d"))
    if found is None or not 1 <= int(found[1]) <= _MOST[found[2]]:
        raise Denied(-1130, "windowSize")
    return _since(call, (call.now - int(found[1]) * INTERVALS["1" + found[2]]) // MINUTE * MINUTE)


@endpoint("GET", "/api/v3/ticker/tradingDay", "symbol symbols timeZone type symbolStatus", weight=_window_weight,
          weight_text="4 a symbol, at most 200", ws="ticker.tradingDay")  # fmt: skip
def trading_day(call: Call) -> Any:
    """Statistics since midnight."""
    zone = call.get("timeZone", 0)
    return _since(call, (call.now + zone) // DAY * DAY - zone)


def _since(call: Call, since: Ms) -> Any:
    if not _named(call.values):
        raise Denied(-1102, "symbol")
    length = call.now - since
    rows = [day_ticker(t, call.now, spot=True, window=length) for t in public.tapes_of(call, "spot")]
    return _told(call, rows, _MORE)


@endpoint("GET", "/api/v3/ticker/price", "symbol symbols symbolStatus", weight=by_symbol(2, 4), ws="ticker.price",
          weight_text="2 with symbol, 4 without")  # fmt: skip
def price(call: Call) -> Any:
    """Last prices."""
    rows = [{"symbol": t.symbol, "price": t.format.price(t.traded)} for t in public.tapes_of(call, "spot")]
    return public.one_or_all(call, rows)


@endpoint("GET", "/api/v3/ticker/bookTicker", "symbol symbols symbolStatus", weight=by_symbol(2, 4), ws="ticker.book",
          weight_text="2 with symbol, 4 without")  # fmt: skip
def book(call: Call) -> Any:
    """Best prices."""
    return public.one_or_all(call, [public.book_ticker(t) for t in public.tapes_of(call, "spot")])


@endpoint("GET", "/api/v3/executionRules", "symbol symbols symbolStatus", weight=by_symbol(2, 40),
          weight_text="2 with symbol, 40 without", ws="executionRules")  # fmt: skip
def execution_rules(call: Call) -> Json:
    """No symbol has a price range rule here."""
    return {"symbolRules": []}


@endpoint("GET", "/api/v3/referencePrice", "symbol!", weight=2, ws="referencePrice")
def reference_price(call: Call) -> Json:
    """The last price."""
    tape = call.place.tape("spot", call.values["symbol"])
    return {"symbol": tape.symbol, "referencePrice": tape.format.price(tape.last), "timestamp": tape.updated_at}


@endpoint("POST", "/api/v3/userDataStream")
@endpoint("PUT", "/api/v3/userDataStream")
@endpoint("DELETE", "/api/v3/userDataStream")
def removed(call: Call) -> Json:
    """Listen keys of spot were removed in February 2026."""
    raise Denied(-1020, msg="This endpoint has been retired. Use userDataStream.subscribe of the WebSocket API.",
                 status=410)  # fmt: skip
