"""Candles of one symbol: columns of closed base candles and the one that forms."""

from array import array
from bisect import bisect_left
from datetime import UTC, datetime
from typing import Final, NamedTuple, Protocol

from gridbot_tui.units import DAY, MINUTE, Ms, Steps, Ticks

WEEK_SHIFT: Final = 4 * DAY
"""The epoch was a Thursday; Binance's weeks begin on Monday."""
_WIDTH: Final = 9
QUIET: Final = 60
"""Intervals without a trade that are told as candles without volume, as Binance does; a longer hole is an outage."""


class Candle(NamedTuple):
    """Prices in ticks, volumes in steps, quote volumes in ticks x steps."""

    open_at: Ms
    close_at: Ms
    """The last millisecond of it."""
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    volume: Steps
    quote: int
    trades: int
    buy_volume: Steps
    buy_quote: int
    first_id: int
    last_id: int
    closed: bool = True


def bucket(at: Ms, interval: str, length: Ms, zone: Ms = 0) -> tuple[Ms, Ms]:
    """(open, next open) of the candle that holds a moment; days begin at midnight so far east of UTC as ``zone``."""
    if interval == "1M":
        there = datetime.fromtimestamp((at + zone) / 1000, UTC)
        day = there.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        following = day.replace(year=day.year + day.month // 12, month=day.month % 12 + 1)
        return int(day.timestamp() * 1000) - zone, int(following.timestamp() * 1000) - zone
    shift = (WEEK_SHIFT if interval == "1w" else 0) - zone
    open_at = (at - shift) // length * length + shift
    return open_at, open_at + length


class Before(Protocol):
    """What lies before the candles that a series keeps."""

    @property
    def first_at(self) -> Ms:
        """Open time of the oldest candle."""
        ...

    @property
    def until(self) -> Ms:
        """Where it ends."""
        ...

    def candles(self, since: Ms, until: Ms, length: Ms, zone: Ms = 0) -> list[Candle]:
        """Candles that open in [since, until], as long as ``length`` allows."""
        ...


class Series:
    """Candles of one base interval, ascending; bounded."""

    def __init__(self, interval: Ms, most: int) -> None:
        self.interval = interval
        self._most = most
        self._times = array("q")
        self._rows = array("q")
        """``_WIDTH`` numbers a candle."""
        self._forming: list[int] | None = None
        self.past: Before | None = None
        """What lies before the oldest candle, where there is anything."""

    def add(self, candle: Candle) -> None:
        """Append one closed candle."""
        self._times.append(candle.open_at)
        self._rows.extend((candle.open, candle.high, candle.low, candle.close, candle.volume, candle.quote,
                           candle.trades, candle.buy_volume, candle.first_id))  # fmt: skip
        if len(self._times) > self._most + self._most // 4:
            gone = self._most // 4
            del self._times[:gone]
            del self._rows[: gone * _WIDTH]

    def tick(self, at: Ms, price: Ticks, steps: Steps, taker_buys: bool, trade_id: int) -> None:
        """One trade (of 0 steps: only a price).

        The first trade of a candle that has only stood until then is its open.
        """
        open_at = at // self.interval * self.interval
        f = self._forming
        if f is None or f[0] != open_at:
            if f is not None:
                self.add(self._candle(f, True))
                self._fill(f[0] + self.interval, open_at, f[4])
            f = self._forming = [open_at, price, price, price, price, 0, 0, 0, 0, 0, -1, -1]
        if steps and not f[7] and f[2] == f[3]:
            f[1] = f[2] = f[3] = price
        if price > f[2]:
            f[2] = price
        if price < f[3]:
            f[3] = price
        f[4] = price
        if steps:
            f[5] += steps
            f[6] += steps * price
            f[7] += 1
            if taker_buys:
                f[8] += steps
                f[9] += steps * price
            if f[10] < 0:
                f[10] = trade_id
            f[11] = trade_id

    def _fill(self, since: Ms, until: Ms, price: Ticks) -> None:
        """Candles of a market in which nothing happened from ``since`` to before ``until``."""
        if until - since <= QUIET * self.interval:
            for open_at in range(since, until, self.interval):
                self.add(self._candle([open_at, price, price, price, price, 0, 0, 0, 0, 0, -1, -1], True))

    def _candle(self, f: list[int], closed: bool) -> Candle:
        return Candle(f[0], f[0] + self.interval - 1, f[1], f[2], f[3], f[4], f[5], f[6], f[7], f[8], f[9], f[10],
                      f[11], closed)  # fmt: skip

    @property
    def forming(self) -> Candle | None:
        """The candle that is not closed yet."""
        return None if self._forming is None else self._candle(self._forming, False)

    def first_at(self) -> Ms | None:
        """Open time of the oldest candle there is."""
        if self.past is not None:
            return self.past.first_at
        return self.kept_from()

    def kept_from(self) -> Ms | None:
        """Open time of the oldest candle that is kept."""
        if self._times:
            return self._times[0]
        return None if self._forming is None else self._forming[0]

    def base(self, since: Ms, until: Ms, length: Ms = MINUTE, zone: Ms = 0) -> list[Candle]:
        """Base candles that open in [since, until], the forming one too; of the past as long as ``length`` allows."""
        times = self._times
        first, last = bisect_left(times, since), bisect_left(times, until + 1)
        found: list[Candle] = []
        if self.past is not None and since < self.past.until:
            found = self.past.candles(since, min(until, self.past.until - 1), length, zone)
        for i in range(first, last):
            t, at = times[i], i * _WIDTH
            o, h, low, c, v, q, n, b, ids = self._rows[at : at + _WIDTH]
            share = q * b // v if v else 0
            found.append(Candle(t, t + self.interval - 1, o, h, low, c, v, q, n, b, share, ids, ids + n - 1))
        forming = self.forming
        if forming is not None and since <= forming.open_at <= until:
            found.append(forming)
        return found

    def candles(self, interval: str, length: Ms, since: Ms | None, until: Ms | None, limit: int,
                now: Ms, zone: Ms = 0) -> list[Candle]:  # fmt: skip
        """Candles of a longer interval: the first ``limit`` from ``since``, or the last ``limit`` up to ``until``."""
        first_known = self.first_at()
        if first_known is None:
            return []
        end = now if until is None else min(until, now)
        longest = 31 * DAY if interval == "1M" else length
        if since is None:
            begin = bucket(max(first_known, end - (limit - 1) * longest), interval, length, zone)[0]
        elif since > now:
            return []  # and a month so far ahead may have no date
        else:
            begin = max(since, bucket(first_known, interval, length, zone)[0])
            begin_bucket, following = bucket(begin, interval, length, zone)
            begin = begin if begin_bucket == begin else following
            end = min(end, begin + limit * longest - 1)
        if end < begin:
            return []
        stop = bucket(end, interval, length, zone)[1] - 1  # whole candles: who opens by the end is told to its own end
        made: list[Candle] = []
        for base in self.base(begin, min(stop, now), length, zone):
            open_at, following = bucket(base.open_at, interval, length, zone)
            if made and made[-1].open_at == open_at:
                made[-1] = _joined(made[-1], base)
            else:
                made.append(base._replace(open_at=open_at, close_at=following - 1, closed=True))
        for _ in range(QUIET):
            if not made or not made[-1].close_at < min(now, stop):
                break
            made.append(_untraded(made[-1], bucket(made[-1].close_at + 1, interval, length, zone)))
        if made and made[-1].close_at >= now:
            made[-1] = made[-1]._replace(closed=False)
        return made[:limit] if since is not None else made[-limit:]

    def window(self, since: Ms, until: Ms) -> Candle | None:
        """Everything that happened in a span, as one candle."""
        made: Candle | None = None
        for base in self.base(since, until):
            made = base if made is None else _joined(made, base)
        return made


def _untraded(before: Candle, span: tuple[Ms, Ms]) -> Candle:
    """A candle in which nothing has happened."""
    price = before.close
    return Candle(span[0], span[1] - 1, price, price, price, price, 0, 0, 0, 0, 0, -1, -1)


def _joined(a: Candle, b: Candle) -> Candle:
    return Candle(
        a.open_at, a.close_at, a.open, max(a.high, b.high), min(a.low, b.low), b.close, a.volume + b.volume,
        a.quote + b.quote, a.trades + b.trades, a.buy_volume + b.buy_volume, a.buy_quote + b.buy_quote,
        a.first_id if a.first_id >= 0 else b.first_id, max(a.last_id, b.last_id), b.closed,
    )  # fmt: skip
