"""Markets made for measuring: hourly bars to warm up on, then minutes, any number of symbols, seeded."""

import math
from collections.abc import Iterator
from pathlib import Path
from random import Random

from msgspec.structs import replace

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import MarketBatch
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol

START: Ms = 20_000 * DAY
WARM_HOURS = 336
PRICE = 100.0
SIGMA_HOUR = 0.006
LIVELY = 0.011
"""Of the CSV: enough for NEUTRAL to vote all the time, so that every day is like the other."""


class Many:
    """A MarketSource of ``symbols`` walks: 336 hourly bars, then ``minutes`` of one-minute bars."""

    interval: Ms = MINUTE
    start: Ms = START

    def __init__(self, symbols: int, minutes: int, seed: int = 1) -> None:
        like = builtin(Market.FUTURES)["SOLUSDT"]
        names = [f"B{number:02d}USDT" for number in range(symbols)]
        self.instruments: dict[Symbol, Instrument] = {
            name: replace(like, symbol=name, base=name[:-4]) for name in names
        }
        self._minutes = minutes
        self._seed = seed
        self.trading_from: Ms = START + WARM_HOURS * HOUR

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Every batch after a moment; the same, always."""
        walks = {name: Walk(Random(f"{self._seed}/{name}")) for name in self.instruments}
        moments = [(START + n * HOUR, HOUR) for n in range(WARM_HOURS)]
        moments += [(self.trading_from + n * MINUTE, MINUTE) for n in range(self._minutes)]
        for open_at, interval in moments:
            bars = tuple((name, walk.bar(open_at, interval)) for name, walk in walks.items())
            if open_at + interval > after:
                yield MarketBatch(open_at + interval, bars)


class Walk:
    """One symbol's price: a lognormal walk, pulled softly to its start so that ladders keep both sides."""

    def __init__(self, rng: Random, sigma_hour: float = SIGMA_HOUR) -> None:
        self._rng = rng
        self._sigma = sigma_hour
        self._log = 0.0

    def bar(self, open_at: Ms, interval: Ms) -> Bar:
        """The next bar of any interval."""
        deviation = self._sigma * math.sqrt(interval / HOUR)
        path = [self._log]
        for _ in range(4):
            path.append(path[-1] * (1 - 1e-4 * interval / MINUTE) + self._rng.gauss(0, deviation / 2))
        self._log = path[-1]
        low, high = _ticks(min(path)), _ticks(max(path))
        close = _ticks(path[-1])
        return Bar(open_at, interval, _ticks(path[0]), high, low, close, 1e9, high, low, close)


def _ticks(log: float) -> int:
    return round(100 * PRICE * math.exp(log))


def write_csv(path: Path, days: int, seed: int = 1) -> int:
    """Minutes of one walk as a kline CSV, for replays where no recorded data are; the number of bars."""
    walk = Walk(Random(f"{seed}/csv"), LIVELY)
    with path.open("w") as file:
        file.write("open_time,open,high,low,close,volume\n")
        for number in range(days * 1440):
            bar = walk.bar(START + number * MINUTE, MINUTE)
            prices = ",".join(f"{price / 100:.2f}" for price in (bar.open, bar.high, bar.low, bar.close))
            file.write(f"{bar.open_at},{prices},1000\n")
    return days * 1440
