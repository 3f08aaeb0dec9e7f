"""Stream names, and which of the futures' three doors each is behind."""

import re
from typing import Final

from msgspec import Struct

from gridbot_tui.exchange.server.fields import INTERVALS
from gridbot_tui.units import HOUR

_DEPTH: Final = re.compile(r"depth(5|10|20)?(@(0ms|100ms|250ms|500ms|1000ms))?")
_ZONES: Final = {"+08:00": 8 * HOUR}
"""The one other time zone in which spot candles are streamed."""


class Topic(Struct, frozen=True):
    """One stream."""

    name: str
    kind: str
    """``aggTrade trade kline continuousKline miniTicker ticker bookTicker depth partial markPrice avgPrice
    referencePrice forceOrder contractInfo`` and their ``all...`` forms."""
    symbol: str = ""
    """Upper case; empty for streams of all symbols."""
    interval: str = ""
    levels: int = 0
    every: int = 0
    """Milliseconds between two frames; 0 = whenever there is something."""
    zone: int = 0
    """Candles: milliseconds by which their days begin before those of UTC."""
    door: str = ""
    """``public`` or ``market`` on futures."""


_ALL_SPOT: Final = {
    "!miniTicker@arr": ("allMiniTicker", 1_000),
    "!miniTicker@arr@1000ms": ("allMiniTicker", 1_000),
    "!miniTicker@arr@3000ms": ("allMiniTicker", 3_000),
    "!bookTicker": ("allBookTicker", 0),
    "!ticker_1h@arr": ("allWindow", 1_000),
    "!ticker_4h@arr": ("allWindow", 1_000),
    "!ticker_1d@arr": ("allWindow", 1_000),
}
_ALL_FUTURES: Final = {
    "!miniTicker@arr": ("allMiniTicker", 1_000, "market"),
    "!ticker@arr": ("allTicker", 1_000, "market"),
    "!bookTicker": ("allBookTicker", 5_000, "public"),
    "!markPrice@arr": ("allMarkPrice", 3_000, "market"),
    "!markPrice@arr@1s": ("allMarkPrice", 1_000, "market"),
    "!forceOrder@arr": ("forceOrder", 0, "market"),
    "!contractInfo": ("contractInfo", 0, "market"),
}


def spot_topic(name: str) -> Topic | None:
    """A spot stream, or None where no such stream exists."""
    if name in _ALL_SPOT:
        kind, every = _ALL_SPOT[name]
        return Topic(name, kind, every=every)
    lower, _, rest = name.partition("@")
    if not rest or lower != lower.lower():
        return None
    symbol = lower.upper()
    simple = {"aggTrade": 0, "trade": 0, "bookTicker": 0, "miniTicker": 1_000, "ticker": 1_000, "avgPrice": 1_000,
              "referencePrice": 1_000}  # fmt: skip
    if rest in simple:
        return Topic(name, rest, symbol, every=simple[rest])
    if rest.startswith("ticker_") and rest[7:] in ("1h", "4h", "1d"):
        return Topic(name, "window", symbol, interval=rest[7:], every=1_000)
    if rest.startswith("kline_"):
        interval, _, zone = rest[6:].partition("@")
        if interval not in INTERVALS or (zone and zone not in _ZONES) or rest.endswith("@"):
            return None
        return Topic(name, "kline", symbol, interval=interval, every=1_000 if interval == "1s" else 2_000,
                     zone=_ZONES.get(zone, 0))  # fmt: skip
    return _depth(name, symbol, rest, 1_000, ("100ms", "1000ms"), "")


def futures_topic(name: str) -> Topic | None:
    """A futures stream, or None where no such stream exists."""
    if name in _ALL_FUTURES:
        kind, every, door = _ALL_FUTURES[name]
        return Topic(name, kind, every=every, door=door)
    lower, _, rest = name.partition("@")
    if not rest or lower != lower.lower():
        return None
    symbol = lower.upper()
    simple = {"aggTrade": 0, "miniTicker": 500, "ticker": 2_000, "forceOrder": 0}
    if rest in simple:
        return Topic(name, rest, symbol, every=simple[rest], door="market")
    if rest in ("bookTicker", "trade"):  # the second is no documented one, and ccxt's usual one
        return Topic(name, rest, symbol, door="public")
    if rest in ("markPrice", "markPrice@1s"):
        return Topic(name, "markPrice", symbol, every=1_000 if rest.endswith("1s") else 3_000, door="market")
    kind, _, interval = rest.partition("_")
    if interval in INTERVALS and interval != "1s":  # that one is spot's
        if kind == "kline":
            return Topic(name, kind, symbol, interval=interval, every=250, door="market")
        if kind == "continuousKline" and symbol.endswith("_PERPETUAL"):
            pair = symbol.removesuffix("_PERPETUAL")
            return Topic(name, kind, pair, interval=interval, every=250, door="market")
    if rest == "rpiDepth@500ms":
        return Topic(name, "depth", symbol, every=500, door="public")
    # 0ms, every change as it comes, is in no document either, and recorders and trading systems ask for it
    return _depth(name, symbol, rest, 250, ("0ms", "100ms", "250ms", "500ms"), "public")


def _depth(name: str, symbol: str, rest: str, usual: int, speeds: tuple[str, ...], door: str) -> Topic | None:
    found = _DEPTH.fullmatch(rest)
    if found is None or (found[3] is not None and found[3] not in speeds):
        return None
    every = int(found[3][:-2]) if found[3] else usual
    levels = int(found[1] or 0)
    return Topic(name, "partial" if levels else "depth", symbol, levels=levels, every=every, door=door)
