"""Frames of the market streams: read, checked, passed to where their news belongs."""

from collections.abc import Callable
from functools import partial
from typing import Final, Protocol

from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.conflate import Pair, Quotes
from gridbot_tui.exchange.binance.frames import READING, BadFrame
from gridbot_tui.exchange.binance.line import Renew, Wish
from gridbot_tui.exchange.binance.numbers import BadNumber, Scale
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import DAY, Ms

Hear = Callable[[Pair, bytes, float], Ms]
"""Takes a frame of a symbol's stream at a monotonic time; returns the exchange's time of it, 0 where it is not known.
Raises one of READING."""


EARLY: Final[Ms] = 5_000
"""A bar may be told closed this much before its end, by the frame's own time."""
FURTHEST_FUNDING: Final[Ms] = 2 * DAY
"""Funding settles every eight hours at the latest; a time beyond this is none."""


class MarketNews(Protocol):
    """Who hears of what the frames mean besides quotes."""

    def on_bar(self, pair: Pair, bar: Bar) -> None:
        """A bar closed."""
        ...

    def on_mark(self, pair: Pair, at: Ms, mark: int, funding_at: Ms) -> None:
        """A mark price, and when the next funding settles."""
        ...


class MarketWords:
    """Reads mark prices and candles; best prices are read by ``Quotes``, when their turn has come."""

    def __init__(self, interval: Ms, name: str, quotes: Quotes, news: MarketNews) -> None:
        """``name``: the bar interval as the exchange writes it, ``1m``."""
        self._interval = interval
        self._name = name
        self._quotes = quotes
        self._news = news

    def mark(self, pair: Pair, raw: bytes, now: float) -> Ms:
        """markPrice."""
        told = frames.mark_price(raw).data
        if told.s != pair.symbol:
            raise BadNumber(f"{told.s} on the stream of {pair.symbol}")
        if told.p is None or not told.p.strip("0."):
            return told.E  # not traded yet, or settled: it has none, and the others on its connection have theirs
        mark, funding_at = pair.scale.near(told.p), told.T or 0
        self._news.on_mark(pair, told.E, mark, funding_at if funding_at <= told.E + FURTHEST_FUNDING else 0)
        self._quotes.mark(pair, told.E, mark, now)
        return told.E

    def kline(self, pair: Pair, raw: bytes, now: float) -> Ms:
        """A candle: its close is the last trade; a closed one is a bar."""
        told = frames.kline(raw).data
        candle = told.k
        if told.s != pair.symbol or candle.i != self._name:
            raise BadNumber(f"{told.s} {candle.i} on the stream of {pair.symbol} {self._name}")
        if candle.x:
            bar = bar_of(candle, pair.scale, self._interval)
            if bar.close_at > told.E + EARLY:
                raise BadNumber(f"a bar told at {told.E} that closes at {bar.close_at}")
            self._news.on_bar(pair, bar)
            self._quotes.last(pair, told.E, bar.close, now)
        else:
            self._quotes.last(pair, told.E, pair.scale.shown(candle.c), now)
        return told.E


def bar_of(candle: frames.Candle, scale: Scale, interval: Ms) -> Bar:
    """A candle as a bar; raises BadNumber where it contradicts itself."""
    price = scale.shown
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
    """The streams of one connection: every frame is looked up by its stream's name and passed on."""

    def __init__(self, took: Callable[[Ms], None]) -> None:
        """``took`` hears the exchange's time of what was read at once."""
        self.count = 0
        """Frames passed on."""
        self._took = took
        self._table: dict[bytes, Callable[[bytes, float], Ms]] = {}

    def add(self, name: str, hear: Hear, pair: Pair) -> str:
        """A stream; returns its name."""
        self._table[name.encode()] = partial(hear, pair)
        return name

    def heard(self, raw: bytes, now: float) -> Wish | None:
        """Pass one frame on.

        Raises:
            BadFrame: it cannot be read, or says what cannot be.
        """
        hear = self._table.get(raw[_START : raw.find(b'"', _START)])
        if hear is None:
            return self._strange(raw, now)
        try:
            at = hear(raw, now)
        except READING as error:
            name = raw[_START : raw.find(b'"', _START)].decode()
            raise BadFrame("stream", f"{name}: {error}", _symbol(name)) from None
        self.count += 1
        if at:
            self._took(at)
        return None

    def _strange(self, raw: bytes, now: float) -> Wish | None:
        """A frame whose begin is not the usual one: the same fields in another order, or news of the connection."""
        symbol = ""
        try:
            head = frames.any_frame(raw)
            hear = self._table.get(head.stream.encode())
            if hear is not None:
                symbol = _symbol(head.stream)
                hear(raw, now)
                return None
            inner = frames.any_frame(head.data) if bytes(head.data) else head
        except READING as error:
            raise BadFrame("no event", str(error), symbol) from None
        if inner.e == "serverShutdown":
            return Renew("the exchange announced a shutdown")
        raise BadFrame(inner.e or "no event", f"a frame of no stream of ours: {head.stream[:60]!r}")


def _symbol(stream: str) -> str:
    return stream.partition("@")[0].upper()


_START: Final = len(b'{"stream":"')
