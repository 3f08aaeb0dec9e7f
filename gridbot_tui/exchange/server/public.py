"""What both markets tell anybody: depth, trades, candles, tickers."""

from typing import Any

from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.fields import INTERVALS, Values
from gridbot_tui.exchange.server.render import agg_trade, kline_row, trade_row
from gridbot_tui.exchange.server.table import Call
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.units import HOUR, Market

Json = dict[str, Any]


def limit_of(values: Values, default: int, most: int) -> int:
    """``limit`` of a call: -1130 below 1, the most above it."""
    limit: int = values.get("limit", default)
    if limit < 1:
        raise Denied(-1130, "limit")
    return min(limit, most)


def spot_of(tape: Tape) -> bool:
    """Whether a tape is a spot one."""
    return tape.instrument.market is Market.SPOT


def klines(call: Call, tape: Tape, most: int) -> list[list[object]]:
    """Candles of REST."""
    interval = call.values["interval"]
    limit = limit_of(call.values, 500, most)
    series = tape.candles
    if interval == "1s":
        if tape.seconds is None:
            raise Denied(-1120)
        series = tape.seconds
    found = series.candles(interval, INTERVALS[interval], call.get("startTime"), call.get("endTime"), limit, call.now,
                           call.get("timeZone", 0))  # fmt: skip
    return [kline_row(tape, candle) for candle in found]


def trades(call: Call, tape: Tape) -> list[Json]:
    """Recent trades, oldest first."""
    limit = limit_of(call.values, 500, 1_000)
    rows = list(tape.trades)
    start = call.get("fromId")
    if start is not None:
        rows = [t for t in rows if t.trade_id >= start][:limit]
    return [trade_row(tape, t, spot=spot_of(tape)) for t in rows[-limit:]]


def agg_trades(call: Call, tape: Tape) -> list[Json]:
    """Aggregate trades from an id or a time, or the latest."""
    limit = limit_of(call.values, 500, 1_000)
    start, since, until = call.get("fromId"), call.get("startTime"), call.get("endTime")
    if spot_of(tape) is False and since is not None and until is not None and until - since > HOUR and start is None:
        raise Denied(-1127, 1)
    rows = [
        t
        for t in tape.trades
        if (start is None or t.trade_id >= start)
        and (since is None or t.at >= since)
        and (until is None or t.at <= until)
    ]
    picked = rows[:limit] if start is not None or since is not None else rows[-limit:]
    return [agg_trade(tape, t, spot=spot_of(tape)) for t in picked]


def depth(call: Call, tape: Tape, default: int, allowed: tuple[int, ...] | None, most: int) -> Json:
    """The book. Futures know only certain limits."""
    limit = call.get("limit", default)
    if allowed is not None and limit not in allowed:
        raise Denied(-1130, "limit")
    bids, asks = tape.depth(min(max(1, limit), most))
    return {"lastUpdateId": tape.update_id, "bids": bids, "asks": asks}


def book_ticker(tape: Tape) -> Json:
    """Best bid and ask."""
    f, bid, ask = tape.format, tape.best_bid, tape.best_ask
    return {
        "symbol": tape.symbol, "bidPrice": f.price(bid), "bidQty": f.qty(tape.bids.get(bid, 0)),
        "askPrice": f.price(ask), "askQty": f.qty(tape.asks.get(ask, 0)),
    }  # fmt: skip


def tapes_of(call: Call, market: str) -> list[Tape]:
    """The tapes of ``symbol``, of the JSON list ``symbols``, or all; -1128 where both were sent.

    Of several only those of ``symbolStatus``; -1220 where the only one is of another.
    """
    if "symbol" in call.values and "symbols" in call.values:
        raise Denied(-1128)
    status = call.get("symbolStatus")
    if "symbol" in call.values:
        tape = call.place.tape(market, call.values["symbol"])
        if status not in (None, tape.status):
            raise Denied(-1220)
        return [tape]
    names = symbols_list(call.values)
    if names is not None:
        found = [call.place.tape(market, name) for name in names]
    else:
        found = [tape for tape in call.place.floor(market).tapes.values() if tape.last]
    return [tape for tape in found if status in (None, tape.status)]


def symbols_list(values: Values) -> list[str] | None:
    """``symbols=["A","B"]``, or None where it was not sent."""
    import msgspec

    text = values.get("symbols")
    if text is None:
        return None
    try:
        return msgspec.json.decode(text, type=list[str])
    except (msgspec.DecodeError, msgspec.ValidationError):
        raise Denied(-1100, "symbols", '^\\["[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}\\]$') from None


def one_or_all(call: Call, rows: list[Json]) -> Any:
    """An object where one symbol was asked for, else a list."""
    return rows[0] if "symbol" in call.values else rows
