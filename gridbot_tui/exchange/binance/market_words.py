"""Frames of the market streams: read, checked, passed to where their news belongs."""

from collections.abc import Callable
from typing import Final, Protocol

from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.conflate import Pair, Quotes
from gridbot_tui.exchange.binance.frames import READING, BadFrame
from gridbot_tui.exchange.binance.numbers import BadNumber, Scale
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import Ms

Hear = Callable[[bytes, Pair], Ms]
"""Takes a frame of a stream; returns the exchange's time of it, 0 where it tells none."""


class MarketNews(Protocol):
    """Who hears of what the frames mean besides quotes."""

    def on_bar(self, pair: Pair, bar: Bar) -> None:
        """A bar closed."""
        ...

    def on_mark(self, pair: Pair, at: Ms, mark: int, funding_at: Ms) -> None:
        """A mark price, and when the next funding settles."""
        ...


class MarketWords:
    """Reads frames of one market's streams."""

    def __init__(self, interval: Ms, name: str, quotes: Quotes, news: MarketNews) -> None:
        """``name``: the bar interval as the exchange writes it, ``1m``."""
        self._interval = interval
        self._name = name
        self._quotes = quotes
        self._news = news

    def book(self, raw: bytes, pair: Pair) -> Ms:
        """bookTicker."""
        tick = frames.book_ticker(raw).data
        price = pair.scale.price
        bid, ask = price(tick.b), price(tick.a)
        if tick.s != pair.symbol or (bid and ask and bid > ask):
            raise BadNumber(f"{tick.s} {tick.b} over {tick.a} on the stream of {pair.symbol}")
        self._quotes.book(pair, tick.u, bid, ask)
        return tick.E

    def mark(self, raw: bytes, pair: Pair) -> Ms:
        """markPrice."""
        told = frames.mark_price(raw).data
        if told.s != pair.symbol:
            raise BadNumber(f"{told.s} on the stream of {pair.symbol}")
        mark = pair.scale.near(told.p)
        self._news.on_mark(pair, told.E, mark, told.T)
        self._quotes.mark(pair, told.E, mark)
        return told.E

    def kline(self, raw: bytes, pair: Pair) -> Ms:
        """A candle: its close is the last trade; a closed one is a bar."""
        told = frames.kline(raw).data
        candle = told.k
        if told.s != pair.symbol or candle.i != self._name:
            raise BadNumber(f"{told.s} {candle.i} on the stream of {pair.symbol} {self._name}")
        if candle.x:
            bar = bar_of(candle, pair.scale, self._interval)
            self._quotes.last(pair, bar.close)
            self._news.on_bar(pair, bar)
        else:
            self._quotes.last(pair, pair.scale.some_price(candle.c))
        return told.E


def bar_of(candle: frames.Candle, scale: Scale, interval: Ms) -> Bar:
    """A candle as a bar; raises BadNumber where it contradicts itself."""
    price = scale.some_price
    opened, high, low, close = price(candle.o), price(candle.h), price(candle.l), price(candle.c)
    try:
        volume = float(candle.v)
    except ValueError:
        raise BadNumber(f"{candle.v[:40]!r} is no volume") from None
    if not low <= min(opened, close) <= max(opened, close) <= high or not 0 <= volume < float("inf"):
        raise BadNumber("the candle contradicts itself")
    if candle.t % interval:
        raise BadNumber(f"a candle that opens at {candle.t}")
    return Bar(candle.t, interval, opened, high, low, close, volume, high, low, close)


class Streams:
    """Which stream is about what: the table every frame is looked up in."""

    __slots__ = ("_table",)

    def __init__(self) -> None:
        self._table: dict[bytes, tuple[Hear, Pair]] = {}

    def add(self, name: str, hear: Hear, pair: Pair) -> str:
        """A stream; returns its name."""
        self._table[name.encode()] = (hear, pair)
        return name

    def heard(self, raw: bytes) -> Ms:
        """Pass one frame of a combined connection on; the exchange's time of it, 0 where it tells none.

        Raises:
            BadFrame: it cannot be read, or says what cannot be.
        """
        name = raw[_START : raw.find(b'"', _START)] if raw.startswith(_PREFIX) else b""
        row = self._table.get(name)
        if row is None:
            return self._strange(raw)
        try:
            return row[0](raw, row[1])
        except READING as error:
            raise BadFrame(row[0].__name__, f"{name.decode()}: {error}") from None

    def _strange(self, raw: bytes) -> Ms:
        """A frame whose begin is not the usual one: the same fields in another order, or news of the connection."""
        try:
            head = frames.any_frame(raw)
            inner = frames.any_frame(head.data) if bytes(head.data) else head
        except READING as error:
            raise BadFrame("no event", str(error)) from None
        row = self._table.get(head.stream.encode())
        if row is not None:
            try:
                return row[0](raw, row[1])
            except READING as error:
                raise BadFrame(row[0].__name__, f"{head.stream}: {error}") from None
        if inner.e == "serverShutdown":
            raise Shutdown
        raise BadFrame(inner.e or "no event", f"a frame of no stream of ours: {head.stream[:60]!r}")


class Shutdown(Exception):
    """The exchange announced that it will close this connection."""


_PREFIX: Final = b'{"stream":"'
_START: Final = len(_PREFIX)
