"""What lies before the first bar of an invented market: years of candles and months of funding, out of the seed.

A real exchange has a past of years, and clients ask for it: to warm up, to chart, to list settlements. Days are
walked backwards from the first price; the hours of a day and the minutes of an hour are drawn inside it only when
they are asked for, so that all intervals agree and nothing of it is kept. Recorded markets get no invented candles.
"""

from bisect import bisect_left
from random import Random
from typing import Final

from gridbot_tui.exchange.server.series import Candle
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.quotes import path_quotes
from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms, Steps, Symbol, Ticks

DAYS: Final = 1_600
"""1,500 daily candles and more."""
FUNDING_DAYS: Final = 200
ASSUMED_RATE: Final = 0.0001
"""Of every settlement before those that are known: what Binance settles in quiet times."""
_DAILY: Final = 0.03
"""Standard deviation of a day's log return."""
_TRADES_A_MINUTE: Final = 40


class Past:
    """Candles before ``until``, which is the beginning of a day. ``None`` of them exists until it is asked for."""

    def __init__(self, seed: str, until: Ms, price: Ticks, minute_volume: Steps) -> None:
        self.until = until // DAY * DAY
        self._seed = seed
        self._price = max(100, price)
        self._volume = max(1, minute_volume)
        self._rng = Random(f"past/{seed}")
        self._made: list[Bar] = []
        """The latest day first."""

    @property
    def first_at(self) -> Ms:
        """Open time of the oldest candle."""
        return self.until - DAYS * DAY

    def candles(self, since: Ms, until: Ms, length: Ms, zone: Ms = 0) -> list[Candle]:
        """Candles that open in [since, until]: of days, hours or minutes, the longest that make up ``length`` where
        days begin at midnight of ``zone``."""
        days = self._walked(max(1, min(DAYS, -(-(self.until - since) // DAY))))
        first = bisect_left(days, since - DAY + 1, key=lambda day: day.open_at)
        found: list[Candle] = []
        edge = DAY if length % DAY == 0 else length
        for day in days[first:]:
            if day.open_at > until:
                break
            if edge == DAY and zone % DAY == 0:
                found.append(self._candle(day))
            else:
                found += self._inside(day, since, until, edge, zone)
        return [candle for candle in found if since <= candle.open_at <= until]

    def settlements(self, symbol: Symbol, hours: int, *, steady: bool = False) -> list[tuple[FundingRate, Ticks]]:
        """Funding of the last months with the mark prices of then, ascending; ``steady``: one rate and price."""
        rng = Random(f"funding before/{self._seed}")
        found = []
        for day in self._walked(FUNDING_DAYS):
            marks = path_quotes(day, 24)
            for hour in range(hours, 25, hours):
                if steady:
                    found.append((FundingRate(symbol, day.open_at + hour * HOUR, ASSUMED_RATE, hours), self._price))
                    continue
                rate = round(ASSUMED_RATE + rng.gauss(0.0, 0.00006), 8)
                found.append((FundingRate(symbol, day.open_at + hour * HOUR, rate, hours), marks[hour - 1]))
        return found

    def _walked(self, count: int = DAYS) -> list[Bar]:
        """The last days, ascending; walked backwards from the price that is known, and only as far as is asked for."""
        made = self._made
        rng = self._rng
        while len(made) < count:
            close = made[-1].open if made else self._price
            pull = 0.002 * (close / self._price - 1)  # so that four years back is still a price of this coin
            opened = max(10, round(close * (1 - pull - rng.gauss(0.0, _DAILY))))
            high = round(max(opened, close) * (1 + abs(rng.gauss(0.0, _DAILY / 2))))
            low = max(5, round(min(opened, close) * (1 - abs(rng.gauss(0.0, _DAILY / 2)))))
            volume = self._volume * 1440 * rng.uniform(0.5, 1.8)
            made.append(_bar(self.until - (len(made) + 1) * DAY, DAY, opened, high, low, close, volume))
        return made[count - 1 :: -1]

    def _inside(self, day: Bar, since: Ms, until: Ms, edge: Ms, zone: Ms) -> list[Candle]:
        """The hours of a day; the minutes of those within which something longer begins, every ``edge``."""
        found: list[Candle] = []
        for hour in _split(day, 24):
            if hour.open_at + HOUR <= since or hour.open_at > until:
                continue
            if edge % HOUR == 0 and not 0 < -(hour.open_at + zone) % edge < HOUR:
                found.append(self._candle(hour))
            else:
                found += [self._candle(minute) for minute in _split(hour, 60)]
        return found

    @staticmethod
    def _candle(bar: Bar) -> Candle:
        steps = max(1, int(bar.volume))
        half, middle = steps // 2, (bar.high + bar.low + bar.close) // 3
        trades = max(1, _TRADES_A_MINUTE * bar.interval // MINUTE)
        return Candle(bar.open_at, bar.open_at + bar.interval - 1, bar.open, bar.high, bar.low, bar.close, steps,
                      steps * middle, trades, half, half * middle, -1, -1)  # fmt: skip


def _bar(at: Ms, length: Ms, opened: Ticks, high: Ticks, low: Ticks, close: Ticks, volume: float) -> Bar:
    return Bar(at, length, opened, high, low, close, volume, high, low, close)


def _split(bar: Bar, parts: int) -> list[Bar]:
    """A bar as shorter ones that make it up again."""
    length, opened, found = bar.interval // parts, bar.open, []
    for n, close in enumerate(path_quotes(bar, parts)):
        high, low = (opened, close) if opened > close else (close, opened)
        found.append(_bar(bar.open_at + n * length, length, opened, high, low, close, bar.volume / parts))
        opened = close
    return found
