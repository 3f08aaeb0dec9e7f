"""USD-M REST: what anybody may ask."""

from decimal import Decimal
from typing import Any

from gridbot_tui.exchange.server import info, public
from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import INTERVALS, Values
from gridbot_tui.exchange.server.numbers import fixed
from gridbot_tui.exchange.server.render import day_ticker
from gridbot_tui.exchange.server.table import Call, by_limit, by_symbol, endpoint
from gridbot_tui.exchange.server.tape import Tape

Json = dict[str, Any]
DEPTHS = (5, 10, 20, 50, 100, 500, 1000)


def kline_weight(values: Values) -> int:
    """1, 2, 5 or 10 by limit."""
    limit = values.get("limit", 500)
    return 1 if limit < 100 else 2 if limit < 500 else 5 if limit <= 1000 else 10


def tape_of(call: Call) -> Tape:
    """The tape of ``symbol``."""
    return call.place.tape("futures", call.values["symbol"])


@endpoint("GET", "/fapi/v1/ping /dapi/v1/ping")
def ping(call: Call) -> Json:
    """Nothing, quickly."""
    return {}


@endpoint("GET", "/fapi/v1/time /dapi/v1/time")
def time(call: Call) -> Json:
    """The exchange's time."""
    return {"serverTime": call.place.clock.told()}


@endpoint("GET", "/fapi/v1/exchangeInfo")
def exchange_info(call: Call) -> Json:
    """Symbols, filters, limits; without symbols where futures are not served."""
    if "futures" not in call.place.floors:
        return info.nothing(call.place.clock.told())
    return info.futures(call.place.floor("futures"), call.place.limiter, call.place.clock.told())


@endpoint("GET", "/dapi/v1/exchangeInfo /eapi/v1/exchangeInfo")
def no_other_contracts(call: Call) -> Json:
    """Coin-margined contracts and options: none, said to clients that load every market there is."""
    return info.nothing(call.place.clock.told()) | {"optionContracts": [], "optionAssets": [], "optionSymbols": []}


@endpoint("GET", "/futures/data/openInterestHist /futures/data/topLongShortAccountRatio"
          " /futures/data/topLongShortPositionRatio /futures/data/globalLongShortAccountRatio"
          " /futures/data/takerlongshortRatio", "symbol! period! limit startTime endTime")  # fmt: skip
@endpoint("GET", "/futures/data/basis", "pair! contractType! period! limit startTime endTime")
def no_statistics(call: Call) -> list[Json]:
    """Nobody else trades here of whom statistics could be made."""
    return []


@endpoint("GET", "/fapi/v1/depth /fapi/v1/rpiDepth", "symbol! limit", ws="depth", weight_text="2/5/10/20 by limit",
          weight=by_limit(500, (50, 2), (100, 5), (500, 10), (1000, 20)))  # fmt: skip
def depth(call: Call) -> Json:
    """The book."""
    tape = tape_of(call)
    return public.depth(call, tape, 500, DEPTHS, 1_000) | {"E": call.now, "T": tape.updated_at}


@endpoint("GET", "/fapi/v1/trades", "symbol! limit", weight=5)
def trades(call: Call) -> list[Json]:
    """Recent trades."""
    return public.trades(call, tape_of(call))


@endpoint("GET", "/fapi/v1/historicalTrades", "symbol! limit fromId", weight=20, security="KEY")
def historical_trades(call: Call) -> list[Json]:
    """Trades from an id."""
    return public.trades(call, tape_of(call))


@endpoint("GET", "/fapi/v1/aggTrades", "symbol! fromId startTime endTime limit", weight=20)
def agg_trades(call: Call) -> list[Json]:
    """Aggregate trades."""
    return public.agg_trades(call, tape_of(call))


@endpoint("GET", "/fapi/v1/klines", "symbol! interval! startTime endTime limit", weight=kline_weight,
          weight_text="1/2/5/10 by limit")  # fmt: skip
def klines(call: Call) -> list[list[object]]:
    """Candles."""
    return public.klines(call, tape_of(call), 1_500)


@endpoint("GET", "/fapi/v1/continuousKlines", "pair! contractType! interval! startTime endTime limit",
          weight=kline_weight, weight_text="1/2/5/10 by limit")  # fmt: skip
def continuous_klines(call: Call) -> list[list[object]]:
    """Candles of a pair's perpetual."""
    if call.values["contractType"] != "PERPETUAL":
        return []
    return public.klines(call, call.place.tape("futures", call.values["pair"]), 1_500)


@endpoint("GET", "/fapi/v1/markPriceKlines", "symbol! interval! startTime endTime limit", weight=kline_weight,
          weight_text="1/2/5/10 by limit")  # fmt: skip
def mark_klines(call: Call) -> list[list[object]]:
    """Candles of the mark price."""
    return _mark_klines(call, tape_of(call))


@endpoint("GET", "/fapi/v1/indexPriceKlines", "pair! interval! startTime endTime limit", weight=kline_weight,
          weight_text="1/2/5/10 by limit")  # fmt: skip
def index_klines(call: Call) -> list[list[object]]:
    """Candles of the index price, which is the mark price here."""
    return _mark_klines(call, call.place.tape("futures", call.values["pair"]))


def _mark_klines(call: Call, tape: Tape) -> list[list[object]]:
    assert tape.marks is not None
    interval, since, until = call.values["interval"], call.get("startTime"), call.get("endTime")
    if interval == "1s":
        raise Denied(-1120)
    limit = public.limit_of(call.values, 500, 1_500)
    found = tape.marks.candles(interval, INTERVALS[interval], since, until, limit, call.now)
    f = tape.format
    return [[c.open_at, f.price(c.open), f.price(c.high), f.price(c.low), f.price(c.close), "0", c.close_at, "0",
             1, "0", "0", "0"] for c in found]  # fmt: skip


@endpoint("GET", "/fapi/v1/premiumIndexKlines", "symbol! interval! startTime endTime limit", weight=kline_weight,
          weight_text="1/2/5/10 by limit")  # fmt: skip
def premium_klines(call: Call) -> list[list[object]]:
    """Candles of the premium, which is none: mark and index are one here."""
    flat = "0.00000000"
    return [[row[0], flat, flat, flat, flat, *row[5:]] for row in _mark_klines(call, tape_of(call))]


@endpoint("GET", "/fapi/v1/premiumIndex", "symbol", weight=by_symbol(1, 10), weight_text="1 with symbol, 10 without")
def premium_index(call: Call) -> Any:
    """Mark price and funding."""
    return public.one_or_all(call, [premium(t, call.now) for t in public.tapes_of(call, "futures")])


def premium(tape: Tape, now: int) -> Json:
    """One row of premiumIndex."""
    mark = fixed(tape.instrument.price(tape.mark))
    return {
        "symbol": tape.symbol, "markPrice": mark, "indexPrice": mark, "estimatedSettlePrice": mark,
        "lastFundingRate": f"{tape.rate:.8f}", "interestRate": "0.00010000", "nextFundingTime": tape.next_funding(now),
        "time": now,
    }  # fmt: skip


@endpoint("GET", "/fapi/v1/fundingRate", "symbol startTime endTime limit", weight=0, weight_text="500/5 min, shared")
def funding_rate(call: Call) -> list[Json]:
    """Settlements of the past."""
    limit = public.limit_of(call.values, 100, 1_000)
    since, until = call.get("startTime"), call.get("endTime")
    rows = [
        {"symbol": rate.symbol, "fundingRate": f"{rate.rate:.8f}", "fundingTime": rate.at,
         "markPrice": fixed(tape.instrument.price(mark)), "rateType": "Regular"}
        for tape in public.tapes_of(call, "futures")
        for rate, mark in tape.funding
        if (since is None or rate.at >= since) and (until is None or rate.at <= until)
    ]  # fmt: skip
    rows.sort(key=lambda row: (row["fundingTime"], row["symbol"]))
    return rows[:limit] if since is not None else rows[-limit:]


@endpoint("GET", "/fapi/v1/fundingInfo", weight=0, weight_text="500/5 min, shared")
def funding_info(call: Call) -> list[Json]:
    """Symbols with an interval of their own."""
    return [
        {"symbol": t.symbol, "adjustedFundingRateCap": "0.02500000", "adjustedFundingRateFloor": "-0.02500000",
         "fundingIntervalHours": t.funding_hours, "disclaimer": False}
        for t in call.place.floor("futures").tapes.values()
        if t.funding_hours != 8
    ]  # fmt: skip


@endpoint("GET", "/fapi/v1/ticker/24hr", "symbol", weight=by_symbol(1, 40), weight_text="1 with symbol, 40 without")
def day(call: Call) -> Any:
    """Statistics of 24 hours."""
    rows = [day_ticker(t, call.now, spot=False) for t in public.tapes_of(call, "futures")]
    return public.one_or_all(call, rows)


@endpoint("GET", "/fapi/v1/ticker/price /fapi/v2/ticker/price", "symbol", weight=by_symbol(1, 2), ws="ticker.price",
          weight_text="1 with symbol, 2 without")  # fmt: skip
def price(call: Call) -> Any:
    """Last prices."""
    rows = [{"symbol": t.symbol, "price": t.format.price(t.traded), "time": t.updated_at}
            for t in public.tapes_of(call, "futures")]  # fmt: skip
    return public.one_or_all(call, rows)


@endpoint("WS", "/fapi/ticker.book", "symbol", weight=by_symbol(2, 5), ws="ticker.book",
          weight_text="2 with symbol, 5 without")  # fmt: skip
def ws_book(call: Call) -> Any:
    """Best prices; over the WebSocket API with the book's number."""
    rows = [public.book_ticker(t) | {"time": t.updated_at, "lastUpdateId": t.update_id}
            for t in public.tapes_of(call, "futures")]  # fmt: skip
    return public.one_or_all(call, rows)


@endpoint("GET", "/fapi/v1/ticker/bookTicker", "symbol", weight=by_symbol(2, 5),
          weight_text="2 with symbol, 5 without")  # fmt: skip
def book(call: Call) -> Any:
    """Best prices."""
    rows = [public.book_ticker(t) | {"time": t.updated_at} for t in public.tapes_of(call, "futures")]
    return public.one_or_all(call, rows)


@endpoint("GET", "/fapi/v1/openInterest", "symbol!")
def open_interest(call: Call) -> Json:
    """A made-up constant: nobody else trades here."""
    tape = tape_of(call)
    return {"openInterest": tape.format.qty(tape.instrument.max_steps), "symbol": tape.symbol, "time": call.now}


@endpoint("GET", "/fapi/v1/indexInfo", "symbol")
@endpoint("GET", "/fapi/v1/insuranceBalance", "symbol")
def empty(call: Call) -> list[Json]:
    """Nothing of the kind here."""
    return []


@endpoint("GET", "/fapi/v1/constituents", "symbol!", weight=2)
def constituents(call: Call) -> Json:
    """The index is made of the exchange's own spot market."""
    tape = tape_of(call)
    row = {"exchange": "binance", "symbol": tape.symbol, "price": tape.format.price(tape.mark), "weight": "1.00000000"}
    return {"symbol": tape.symbol, "time": call.now, "constituents": [row]}


@endpoint("GET", "/fapi/v1/symbolAdlRisk", "symbol")
def adl_risk(call: Call) -> Any:
    """Low everywhere."""
    rows = [{"symbol": t.symbol, "adlRisk": "low", "updateTime": call.now} for t in public.tapes_of(call, "futures")]
    return public.one_or_all(call, rows)


def positive(value: Decimal | None, name: str) -> Decimal | None:
    """A number that may not be 0 where it is sent."""
    if value is not None and value <= 0:
        raise Denied(-1102, name)
    return value
