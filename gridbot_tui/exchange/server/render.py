"""Shared between the renderers of both markets."""

from decimal import Decimal

from gridbot_tui.exchange.server.series import Candle
from gridbot_tui.exchange.server.tape import PublicTrade, Tape
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.units import Money, Side


def side(order_side: Side) -> str:
    """``BUY`` or ``SELL``."""
    return "BUY" if order_side is Side.BUY else "SELL"


def average(tape: Tape, order: Order) -> Decimal:
    """Average price of what has been filled; 0 where nothing has."""
    if not order.filled:
        return Decimal(0)
    return order.quote / tape.instrument.quantity(order.filled)


def kline_row(tape: Tape, candle: Candle) -> list[object]:
    """The 12 elements of a REST candle."""
    f = tape.format
    return [
        candle.open_at, f.price(candle.open), f.price(candle.high), f.price(candle.low), f.price(candle.close),
        f.qty(candle.volume), candle.close_at, f.amount(candle.quote), candle.trades, f.qty(candle.buy_volume),
        f.amount(candle.buy_quote), "0",
    ]  # fmt: skip


def kline_object(tape: Tape, candle: Candle, interval: str) -> dict[str, object]:
    """The ``k`` of a stream, without the symbol."""
    f = tape.format
    return {
        "t": candle.open_at, "T": candle.close_at, "i": interval, "f": candle.first_id, "L": candle.last_id,
        "o": f.price(candle.open), "c": f.price(candle.close), "h": f.price(candle.high), "l": f.price(candle.low),
        "v": f.qty(candle.volume), "n": candle.trades, "x": candle.closed, "q": f.amount(candle.quote),
        "V": f.qty(candle.buy_volume), "Q": f.amount(candle.buy_quote), "B": "0",
    }  # fmt: skip


def agg_trade(tape: Tape, trade: PublicTrade, *, spot: bool) -> dict[str, object]:
    """One aggregate trade of REST."""
    found: dict[str, object] = {
        "a": trade.trade_id, "p": tape.format.price(trade.price), "q": tape.format.qty(trade.steps),
        "f": trade.trade_id, "l": trade.trade_id, "T": trade.at, "m": not trade.taker_buys,
    }  # fmt: skip
    if spot:
        found["M"] = True
    else:
        found["nq"] = found["q"]
    return found


def trade_row(tape: Tape, trade: PublicTrade, *, spot: bool) -> dict[str, object]:
    """One recent trade of REST."""
    return {
        "id": trade.trade_id, "price": tape.format.price(trade.price), "qty": tape.format.qty(trade.steps),
        "quoteQty": tape.format.amount(trade.price * trade.steps), "time": trade.at,
        "isBuyerMaker": not trade.taker_buys, ("isBestMatch" if spot else "isRPITrade"): spot,
    }  # fmt: skip


def day_ticker(tape: Tape, now: int, *, spot: bool, window: int = 86_400_000) -> dict[str, object]:
    """Statistics of the last 24 hours."""
    f = tape.format
    found = tape.candles.window(now - window, now)
    if found is None:
        found = Candle(now, now, tape.traded, tape.traded, tape.traded, tape.traded, 0, 0, 0, 0, 0, -1, -1)
    change = tape.instrument.price(found.close - found.open)
    weighted = tape.instrument.tick * found.quote / found.volume if found.volume else Decimal(0)
    last = tape.trades[-1] if tape.trades else None
    ticker: dict[str, object] = {
        "symbol": tape.symbol, "priceChange": money(change, 8 if spot else f.price_places),
        "priceChangePercent": f"{100 * (found.close - found.open) / (found.open or 1):.3f}",
        "weightedAvgPrice": money(weighted, 8 if spot else f.price_places + 1),
        "lastPrice": f.price(tape.traded), "lastQty": f.qty(last.steps if last else 0),
        "openPrice": f.price(found.open), "highPrice": f.price(found.high), "lowPrice": f.price(found.low),
        "volume": f.qty(found.volume), "quoteVolume": f.amount(found.quote), "openTime": now - window, "closeTime": now,
        "firstId": found.first_id, "lastId": found.last_id, "count": found.trades,
    }  # fmt: skip
    if spot:
        bid, ask = tape.best_bid, tape.best_ask
        ticker |= {
            "prevClosePrice": f.price(found.open), "bidPrice": f.price(bid), "bidQty": f.qty(tape.bids.get(bid, 0)),
            "askPrice": f.price(ask), "askQty": f.qty(tape.asks.get(ask, 0)),
        }  # fmt: skip
    return ticker


def money(value: Money, places: int = 8) -> str:
    """An amount with fixed places; never ``-0.00``."""
    text = format(value, f".{places}f")
    return text[1:] if text.startswith("-") and not text.strip("-0.") else text
