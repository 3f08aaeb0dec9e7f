"""Frames of the public streams, made only for those who listen."""

from collections.abc import Callable
from typing import Any

from gridbot_tui.exchange.server.book import Levels
from gridbot_tui.exchange.server.fields import INTERVALS
from gridbot_tui.exchange.server.floor import Floor
from gridbot_tui.exchange.server.numbers import fixed
from gridbot_tui.exchange.server.render import day_ticker, kline_object
from gridbot_tui.exchange.server.tape import Tape
from gridbot_tui.exchange.server.topics import Topic
from gridbot_tui.units import Market, Ms

Json = dict[str, Any]
Emit = Callable[[Topic, Json | list[Json]], None]
_AT_ONCE = 1_500
"""Closed candles that are told after a leap of time, at the most."""
_WINDOWS = {"1h": 3_600_000, "4h": 14_400_000, "1d": 86_400_000}


class Feed:
    """Everything one market publishes. ``subscribe`` starts a stream, ``advance`` makes what is due."""

    def __init__(self, floor: Floor, emit: Emit) -> None:
        self._floor = floor
        self._emit = emit
        self._spot = floor.market is Market.SPOT
        self._live: dict[str, _Stream] = {}

    def subscribe(self, topic: Topic) -> None:
        """Begin a stream that nobody listened to before."""
        tape = self._floor.tapes.get(topic.symbol)
        self._live[topic.name] = _Stream(topic, tape)

    def unsubscribe(self, topic: Topic) -> None:
        """Nobody listens any more."""
        self._live.pop(topic.name, None)

    def advance(self, now: Ms) -> None:
        """Emit what is due after the market moved."""
        for stream in list(self._live.values()):
            topic, tape = stream.topic, stream.tape
            if not topic.symbol:
                self._all(stream, now)
            elif tape is not None and tape.last:
                self._one(stream, topic, tape, now)
        for tape in self._floor.tapes.values():
            if tape.fresh:
                tape.fresh.clear()

    def _one(self, stream: "_Stream", topic: Topic, tape: Tape, now: Ms) -> None:
        kind = topic.kind
        if kind in ("aggTrade", "trade"):
            for trade in tape.fresh:
                make = self._agg_trade if kind == "aggTrade" else self._trade
                self._emit(topic, make(tape, trade, now))
        elif kind == "bookTicker":
            if tape.update_id != stream.update_id:
                stream.update_id = tape.update_id
                self._emit(topic, self._book_ticker(tape, now))
        elif kind in ("kline", "continuousKline"):
            self._klines(stream, topic, tape, now)
        elif kind not in ("forceOrder",) and now - stream.sent_at >= topic.every:
            stream.sent_at = now - now % topic.every if topic.every else now
            frame = self._timed(stream, topic, tape, now)
            if frame is not None:
                self._emit(topic, frame)

    def _timed(self, stream: "_Stream", topic: Topic, tape: Tape, now: Ms) -> Json | None:
        kind = topic.kind
        if kind == "depth":
            return self._diff(stream, tape, now)
        if kind == "partial":
            return self._partial(stream, topic, tape, now)
        if kind == "markPrice":
            return self._mark(tape, now)
        if kind == "miniTicker":
            return self._mini(tape, now)
        if kind == "ticker":
            return self._ticker(tape, now)
        if kind == "window":
            return self._window(tape, now, topic.interval)
        if kind == "referencePrice":
            return {"e": kind, "s": tape.symbol, "r": tape.format.price(tape.last), "t": tape.updated_at}
        last = tape.trades[-1].at if tape.trades else now
        return {"e": "avgPrice", "E": now, "s": tape.symbol, "i": "5m", "w": fixed(tape.average(now)), "T": last}

    def _all(self, stream: "_Stream", now: Ms) -> None:
        topic = stream.topic
        if topic.kind in ("forceOrder", "contractInfo") or now - stream.sent_at < topic.every:
            return
        stream.sent_at = now
        tapes = [tape for tape in self._floor.tapes.values() if tape.last]
        if topic.kind == "allBookTicker":
            for tape in tapes:
                self._emit(topic, self._book_ticker(tape, now))
            return
        window = topic.name[8:10] if topic.kind == "allWindow" else ""
        makers: dict[str, Callable[[Tape], Json]] = {
            "allMiniTicker": lambda t: self._mini(t, now),
            "allTicker": lambda t: self._ticker(t, now),
            "allMarkPrice": lambda t: self._mark(t, now),
            "allWindow": lambda t: self._window(t, now, window),
        }
        self._emit(topic, [makers[topic.kind](tape) for tape in tapes])

    # -- frames -------------------------------------------------------------------------------------------

    def _agg_trade(self, tape: Tape, trade: Any, now: Ms) -> Json:
        f = tape.format
        frame: Json = {"e": "aggTrade", "E": now, "s": tape.symbol, "a": trade.trade_id, "p": f.price(trade.price),
                       "q": f.qty(trade.steps), "f": trade.trade_id, "l": trade.trade_id, "T": trade.at,
                       "m": not trade.taker_buys}  # fmt: skip
        if self._spot:
            frame["M"] = True
        else:
            frame |= {"nq": frame["q"], "st": 1}
        return frame

    def _trade(self, tape: Tape, trade: Any, now: Ms) -> Json:
        f = tape.format
        frame: Json = {"e": "trade", "E": now, "s": tape.symbol, "t": trade.trade_id, "p": f.price(trade.price),
                       "q": f.qty(trade.steps), "T": trade.at, "m": not trade.taker_buys}  # fmt: skip
        frame["M" if self._spot else "X"] = True if self._spot else "MARKET"
        return frame

    def _book_ticker(self, tape: Tape, now: Ms) -> Json:
        f, bid, ask = tape.format, tape.best_bid, tape.best_ask
        frame: Json = {"u": tape.update_id, "s": tape.symbol, "b": f.price(bid), "B": f.qty(tape.bids.get(bid, 0)),
                       "a": f.price(ask), "A": f.qty(tape.asks.get(ask, 0))}  # fmt: skip
        if not self._spot:
            frame = {"e": "bookTicker", **frame, "E": now, "T": tape.updated_at, "ps": tape.symbol, "st": 1}
        return frame

    def _diff(self, stream: "_Stream", tape: Tape, now: Ms) -> Json | None:
        if tape.update_id == stream.update_id:
            return None
        before, bids, asks = stream.update_id, stream.bids, stream.asks
        stream.remember(tape)
        frame: Json = {"e": "depthUpdate", "E": now, "s": tape.symbol, "U": before + 1, "u": tape.update_id}
        if not self._spot:
            frame |= {"T": tape.updated_at, "ps": tape.symbol, "st": 1, "pu": before}
        frame["b"] = tape.written(_changed(bids, tape.bids))
        frame["a"] = tape.written(_changed(asks, tape.asks))
        return frame

    def _partial(self, stream: "_Stream", topic: Topic, tape: Tape, now: Ms) -> Json | None:
        if not topic.every and tape.update_id == stream.update_id:
            return None
        bids, asks = tape.depth(topic.levels)
        if self._spot:
            return {"lastUpdateId": tape.update_id, "bids": bids, "asks": asks}
        before = stream.update_id
        stream.update_id = tape.update_id
        return {"e": "depthUpdate", "E": now, "T": tape.updated_at, "s": tape.symbol, "ps": tape.symbol, "st": 1,
                "U": before + 1, "u": tape.update_id, "pu": before, "b": bids, "a": asks}  # fmt: skip

    def _klines(self, stream: "_Stream", topic: Topic, tape: Tape, now: Ms) -> None:
        """The forming candle in its rhythm; every closed one once, as soon as it is: in quick time several at once."""
        series = tape.seconds if topic.interval == "1s" and tape.seconds is not None else tape.candles
        length = INTERVALS[topic.interval]
        closes_at = stream.closes_at
        if now - stream.sent_at < topic.every and (not closes_at or now < closes_at):
            return
        candles = series.candles(topic.interval, length, None, None, 1, now, topic.zone)
        if not candles:
            return
        if closes_at and now >= closes_at:
            ended = series.candles(topic.interval, length, stream.opens_at, None, _AT_ONCE, now, topic.zone)
            candles = [one for one in ended if one.open_at < candles[0].open_at] + candles
        stream.sent_at = now
        stream.opens_at, stream.closes_at = candles[-1].open_at, candles[-1].close_at + 1
        for candle in candles:
            self._emit(topic, self._kline(topic, tape, candle, now))

    def _kline(self, topic: Topic, tape: Tape, candle: Any, now: Ms) -> Json:
        body = kline_object(tape, candle, topic.interval)
        if topic.kind == "continuousKline":
            return {"e": "continuous_kline", "E": now, "ps": tape.symbol, "ct": "PERPETUAL", "k": body}
        return {"e": "kline", "E": now, "s": tape.symbol, "k": {"s": tape.symbol, **body}}

    def _mark(self, tape: Tape, now: Ms) -> Json:
        mark = fixed(tape.instrument.price(tape.mark))
        return {"e": "markPriceUpdate", "E": now, "s": tape.symbol, "p": mark, "ap": mark, "i": mark, "P": mark,
                "r": f"{tape.rate:.8f}", "T": tape.next_funding(now), "st": 1}  # fmt: skip

    def _mini(self, tape: Tape, now: Ms) -> Json:
        day = day_ticker(tape, now, spot=self._spot)
        frame: Json = {"e": "24hrMiniTicker", "E": now, "s": tape.symbol, "c": day["lastPrice"],
                       "o": day["openPrice"], "h": day["highPrice"], "l": day["lowPrice"], "v": day["volume"],
                       "q": day["quoteVolume"]}  # fmt: skip
        return frame if self._spot else frame | {"ps": tape.symbol, "st": 1}

    def _ticker(self, tape: Tape, now: Ms) -> Json:
        day = day_ticker(tape, now, spot=self._spot)
        frame = {"e": "24hrTicker", **_statistics(day, now), "Q": day["lastQty"]}
        if self._spot:
            return frame | {"x": day["prevClosePrice"], "b": day["bidPrice"], "B": day["bidQty"],
                            "a": day["askPrice"], "A": day["askQty"]}  # fmt: skip
        return frame | {"ps": tape.symbol, "st": 1}

    def _window(self, tape: Tape, now: Ms, window: str) -> Json:
        day = day_ticker(tape, now, spot=True, window=_WINDOWS[window])
        return {"e": f"{window}Ticker", **_statistics(day, now)}


class _Stream:
    """What a stream remembers between two frames."""

    __slots__ = ("asks", "bids", "closes_at", "opens_at", "sent_at", "tape", "topic", "update_id")

    def __init__(self, topic: Topic, tape: Tape | None) -> None:
        self.topic = topic
        self.tape = tape
        self.sent_at: Ms = 0
        self.opens_at: Ms = 0
        self.closes_at: Ms = 0
        """Of the candle that was told last."""
        self.update_id = 0
        self.bids: Levels = {}
        self.asks: Levels = {}
        if tape is not None:
            self.remember(tape)
            if topic.kind == "bookTicker":
                self.update_id = 0

    def remember(self, tape: Tape) -> None:
        """The book as it has been told; a book is replaced, never changed, so holding it is enough."""
        self.update_id, self.bids, self.asks = tape.update_id, tape.bids, tape.asks


def _changed(before: Levels, now: Levels) -> Levels:
    found = {price: steps for price, steps in now.items() if before.get(price) != steps}
    for price in before:
        if price not in now:
            found[price] = 0
    return found


def _statistics(day: Json, now: Ms) -> Json:
    return {"E": now, "s": day["symbol"], "p": day["priceChange"], "P": day["priceChangePercent"],
            "w": day["weightedAvgPrice"], "c": day["lastPrice"], "o": day["openPrice"], "h": day["highPrice"],
            "l": day["lowPrice"], "v": day["volume"], "q": day["quoteVolume"], "O": day["openTime"],
            "C": day["closeTime"], "F": day["firstId"], "L": day["lastId"], "n": day["count"]}  # fmt: skip
