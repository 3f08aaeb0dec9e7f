"""Seeded markets for the simulation: cheap hours to warm up on, then small bars with jumps, holes and funding."""

import math
from collections.abc import Iterator
from itertools import pairwise
from random import Random

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol

START: Ms = 1_700_006_400_000
assert START % DAY == 0
SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "DOGEUSDT")
PRICES = {"BTCUSDT": 60_000.0, "ETHUSDT": 2_500.0, "SOLUSDT": 150.0, "DOGEUSDT": 0.19}
WARM_HOURS = 336
EPISODE_GAP: Ms = HOUR


class Weather(Struct, frozen=True):
    """What kind of market it is."""

    sigma_hour: float = 0.012
    drift_day: float = 0.0
    """Log drift a day while the small bars run."""
    jumps_a_day: float = 0.0
    """Mean number of jumps of one bar."""
    jump: float = 0.08
    """Deviation of a jump, log."""
    holes_a_day: float = 0.0
    hole_minutes: tuple[int, int] = (5, 240)
    basis: float = 0.0005
    """Deviation of the mark price from the last price, log."""
    volume: float = 1e9
    """Base volume of a bar; small makes fills partial."""


class RandomMarket:
    """A MarketSource: hourly bars (336, what the features need), then ``days`` of bars of ``interval``."""

    def __init__(
        self,
        seed: int,
        symbols: int = 1,
        *,
        market: Market = Market.FUTURES,
        days: float = 4.0,
        interval: Ms = 15 * MINUTE,
        weather: Weather | None = None,
        sigma_warm: float = 0.012,
        warm_hours: int = WARM_HOURS,
    ) -> None:
        known = builtin(market)
        self.instruments: dict[Symbol, Instrument] = {name: known[name] for name in sorted(SYMBOLS[:symbols])}
        self.interval = interval
        self.start = START
        self.trading_from = START + warm_hours * HOUR
        weather = weather or Weather()
        at: dict[Ms, list[tuple[Symbol, Bar]]] = {}
        ends: dict[Ms, list[Symbol]] = {}
        for name in self.instruments:
            rng = Random(f"{seed}/{name}")
            bars = list(_bars(rng, self.instruments[name], weather, days, interval, sigma_warm, warm_hours))
            for bar in bars:
                at.setdefault(bar.close_at, []).append((name, bar))
            for before, after in pairwise(bars):
                if after.open_at - before.close_at > EPISODE_GAP:
                    ends.setdefault(before.close_at, []).append(name)
        rng = Random(f"{seed}/funding")
        self._batches = []
        for t in sorted(at):
            funding: tuple[FundingRate, ...] = ()
            if t % (8 * HOUR) == 0 and market is Market.FUTURES:
                funding = tuple(FundingRate(name, t, rng.gauss(1e-4, 3e-4), 8) for name, _ in at[t])
            self._batches.append(MarketBatch(t, tuple(at[t]), funding, (), tuple(ends.get(t, ()))))

    @property
    def end(self) -> Ms:
        """Close of the last bar."""
        return self._batches[-1].at

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Those that close after a moment."""
        return (batch for batch in self._batches if batch.at > after)

    def altered(self, after: Ms, factor: float) -> "RandomMarket":
        """The same market up to a moment; every price after it multiplied."""
        other = RandomMarket.__new__(RandomMarket)
        other.instruments, other.interval, other.start = self.instruments, self.interval, self.start
        other.trading_from = self.trading_from
        other._batches = [b if b.at <= after else _scaled(b, factor) for b in self._batches]
        return other


def _scaled(batch: MarketBatch, factor: float) -> MarketBatch:
    names = ("open", "high", "low", "close", "mark_high", "mark_low", "mark_close")
    bars = tuple(
        (symbol, replace(bar, **{name: max(1, round(getattr(bar, name) * factor)) for name in names}))
        for symbol, bar in batch.bars
    )
    return replace(batch, bars=bars)


def _bars(
    rng: Random,
    instrument: Instrument,
    weather: Weather,
    days: float,
    interval: Ms,
    sigma_warm: float,
    warm_hours: int,
) -> Iterator[Bar]:
    x = math.log(PRICES[instrument.symbol])
    at = START
    for _ in range(warm_hours):
        bar, x = _bar(rng, instrument, at, HOUR, x, sigma_warm, 0.0, weather)
        yield bar
        at = bar.close_at
    end = at + round(days * DAY)
    share = interval / DAY
    sigma = weather.sigma_hour * math.sqrt(interval / HOUR)
    while at < end:
        if rng.random() < weather.holes_a_day * share:
            at += rng.randint(*weather.hole_minutes) * MINUTE // interval * interval
        jump = rng.gauss(0.0, weather.jump) if rng.random() < weather.jumps_a_day * share else 0.0
        bar, x = _bar(rng, instrument, at, interval, x, sigma, weather.drift_day * share + jump, weather)
        yield bar
        at = bar.close_at


def _bar(
    rng: Random, instrument: Instrument, at: Ms, interval: Ms, x: float, sigma: float, drift: float, weather: Weather
) -> tuple[Bar, float]:
    """One bar of a geometric Brownian motion (a martingale in price where drift is 0).

    Between two steps the extremes are those of a Brownian bridge: a path that jumped from step to step would
    pass limits by more than a tick and make every fill a loss.
    """
    inner = 4
    deviation = sigma / math.sqrt(inner)
    opened = high = low = x
    for _ in range(inner):
        to = x + rng.gauss(0.0, deviation) - deviation * deviation / 2.0 + drift / inner
        high = max(high, _farthest(rng, x, to, deviation, 1))
        low = min(low, _farthest(rng, x, to, deviation, -1))
        x = to
    tick = instrument.tick_f
    first, top, bottom, last = (max(1, round(math.exp(v) / tick)) for v in (opened, high, low, x))
    basis = math.exp(rng.gauss(0.0, weather.basis))
    marks = [max(1, round(price * basis)) for price in (top, bottom, last)]
    volume = weather.volume * rng.uniform(0.5, 1.5)
    return Bar(at, interval, first, top, bottom, last, volume, marks[0], marks[1], marks[2]), x


def _farthest(rng: Random, x: float, to: float, deviation: float, sign: int) -> float:
    """The highest (sign 1) or lowest (-1) point of a Brownian bridge, drawn from its own distribution."""
    width = math.sqrt((to - x) ** 2 - 2.0 * deviation * deviation * math.log(1.0 - rng.random()))
    return (x + to + sign * width) / 2.0
