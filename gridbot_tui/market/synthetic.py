"""The synthetic market: an endless, seeded stream of candles and funding for the sim mode.

Volatility of 90-150 % a year, a common factor, trends, ranges, crashes, gaps, fat tails, volume with the
day's shape, funding that follows the trend, a mark price with a small basis. Pure Python: importing numpy
would cost more than three weeks of bars.
"""

import math
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import accumulate, repeat
from random import Random
from typing import Any, Final, Self

from msgspec import Struct

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.params import SyntheticParams
from gridbot_tui.market.run import Run
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.market.tides import Crash, Day, SymbolDay, Tides
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol, added

GENERATION: Final = 1
"""Rises whenever the same parameters give another market."""

START_PRICES: Final[dict[Symbol, float]] = {
    "BTCUSDT": 60_000.0,
    "ETHUSDT": 2_500.0,
    "BNBUSDT": 580.0,
    "SOLUSDT": 150.0,
    "XRPUSDT": 1.9,
    "DOGEUSDT": 0.19,
    "ADAUSDT": 0.72,
    "LTCUSDT": 88.0,
    "LINKUSDT": 14.5,
    "AVAXUSDT": 22.0,
    "SUIUSDT": 3.1,
    "NEARUSDT": 2.6,
    "FILUSDT": 2.7,
    "APEUSDT": 0.62,
    "1000PEPEUSDT": 0.011,
    "PEPEUSDT": 0.000011,
    "ZECUSDT": 45.0,
}
_DAILY_TURNOVER: Final = 400e6
"""Quote volume of a usual day of one symbol."""
_FUNDING_HOURS: Final = 8
_FUNDING_LIMIT: Final = 0.003
_TABLE: Final = 4096
_OWN_SHARE: Final = 0.93
"""What the minutes' own noise has of a symbol's volatility; crashes, gaps and trends bring the rest."""
_DAYS_KEPT: Final = 2
_WINDOW: Final = 8
"""Bars of a symbol made at first; each next portion is twice as large."""
_CALM_PULL: Final = 1 / 8
"""Per hour: how fast price returns to its path on a ranging day."""


class SyntheticState(Struct, frozen=True):
    """All it takes to make the same market again, to the last bar."""

    generation: int
    market: Market
    start: Ms
    interval: Ms
    params: dict[str, Any]


class SyntheticMarket:
    """A market source without end, the same for the same arguments wherever iteration starts.

    Bars of a day (UTC) depend only on the arguments and the day, so a restarted process that builds the
    market again from ``state()`` goes on with exactly the same future, and ``batches(after)`` is as quick
    a year in as on the first day. Bars before ``start`` do not exist.
    """

    def __init__(
        self,
        params: SyntheticParams,
        *,
        market: Market = Market.FUTURES,
        start: Ms,
        interval: Ms = MINUTE,
        instruments: Mapping[Symbol, Instrument] | None = None,
        prices: Mapping[Symbol, float] | None = None,
    ) -> None:
        """``instruments`` in place of the built-in ones, ``prices`` where none is built in; ``state`` keeps neither.

        Raises DataError for a symbol that is not known, or an interval that does not divide an hour.
        """
        if interval <= 0 or HOUR % interval:
            raise DataError(
                f"a synthetic market of {interval} ms bars does not build the decision hour: use 1m"
            )
        known = builtin(market) if instruments is None else instruments
        first = {**(prices or {}), **START_PRICES}
        names = tuple(sorted(set(params.symbols)))
        unknown = [name for name in names if name not in known]
        if unknown:
            raise DataError(
                f"no synthetic market for {', '.join(unknown)} on {market}: use some of {', '.join(known)}"
            )
        self._params = params
        self._market = market
        self._instruments = {name: known[name] for name in names}
        self._start = -(-start // interval) * interval
        self._interval = interval
        rng = Random(f"market/{params.seed}")
        yearly = [rng.uniform(params.volatility_low, params.volatility_high) for _ in names]
        homes = [math.log(first[name] * rng.uniform(0.9, 1.1)) for name in names]
        self._tides = Tides(params, homes, yearly)
        self._painter = _Painter(params, self._instruments, yearly, interval)
        self._first_day = self._start // DAY
        self._painted: dict[int, _Painted] = {}

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The invented symbols' instruments, in name order."""
        return dict(self._instruments)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """In name order."""
        return tuple(self._instruments)

    @property
    def interval(self) -> Ms:
        """The base interval."""
        return self._interval

    @property
    def start(self) -> Ms:
        """Open time of the first bar."""
        return self._start

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Every batch with ``at > after``, for ever."""
        after = max(after, self._start)
        number = after // DAY
        first = (after - number * DAY) // self._interval
        while True:
            yield from self._day(number).batches(first)
            first = 0
            number += 1

    def ahead(self, at: Ms, until: Ms) -> tuple[int, dict[Symbol, Run]]:
        """The next bars as columns: see ``Foreseen``. No further than to the end of the day or a settlement."""
        at = max(at, self._start)
        number = at // DAY
        day = self._day(number)
        first = (at - number * DAY) // self._interval
        settles = min((moment for moment in day.funding if moment > at), default=(number + 1) * DAY + 1)
        last = (min(until, settles - 1) - number * DAY) // self._interval
        count = min(last, self._painter.count) - first
        if count <= 0:
            return 0, {}
        return count, {name: run.slice(first, first + count) for name, run in day.runs.items()}

    def _day(self, number: int) -> "_Painted":
        """A day's bars; the latest days are kept, since they are looked at more than once."""
        found = self._painted.get(number)
        if found is None:
            found = self._painter.day(number, self._tides.day(number - self._first_day))
            if len(self._painted) >= _DAYS_KEPT:
                self._painted.pop(next(iter(self._painted)))
            self._painted[number] = found
        return found

    def state(self) -> SyntheticState:
        """What to keep so that another process can go on with the same market."""
        return SyntheticState(
            GENERATION, self._market, self._start, self._interval, self._params.model_dump(mode="json")
        )

    @classmethod
    def restore(cls, state: SyntheticState) -> Self:
        """The market that ``state()`` was taken of.

        Raises:
            DataError: it was made by another generation of this module and cannot be continued.
        """
        if state.generation != GENERATION:
            raise DataError(
                f"this profile's synthetic market is of generation {state.generation}, not {GENERATION}: "
                "start a new profile"
            )
        params = SyntheticParams.model_validate(state.params)
        return cls(params, market=state.market, start=state.start, interval=state.interval)


class _Painted:
    """One day's bars as columns, made into batches as they are read."""

    __slots__ = ("begins", "funding", "interval", "runs")

    def __init__(
        self, begins: Ms, interval: Ms, runs: dict[Symbol, Run], funding: dict[Ms, tuple[FundingRate, ...]]
    ) -> None:
        self.begins = begins
        self.interval = interval
        self.runs = runs
        self.funding = funding

    def batches(self, first: int) -> Iterator[MarketBatch]:
        """The day's batches from bar ``first`` on; the last closes at 24:00."""
        interval, funding = self.interval, self.funding
        count, window = DAY // interval, _WINDOW
        while first < count:
            last = min(first + window, count)
            window *= 2
            times = range(self.begins + first * interval, self.begins + last * interval, interval)
            columns = [
                zip(repeat(name), _bars(run, first, last, times, interval), strict=False)
                for name, run in self.runs.items()
            ]
            for opened, pairs in zip(times, zip(*columns, strict=True), strict=True):
                at = opened + interval
                yield MarketBatch(at, pairs, funding[at]) if at in funding else MarketBatch(at, pairs)
            first = last


def _bars(run: Run, first: int, last: int, times: range, interval: Ms) -> Iterator[Bar]:
    some = run.slice(first, last)
    return map(
        Bar,
        times,
        repeat(interval),
        some.open,
        some.high,
        some.low,
        some.close,
        some.volume,
        some.mark_high,
        some.mark_low,
        some.mark,
    )


class _Painter:
    """Draws the bars between the days' ends."""

    def __init__(
        self,
        params: SyntheticParams,
        instruments: dict[Symbol, Instrument],
        yearly: list[float],
        interval: Ms,
    ) -> None:
        self._seed = params.seed
        self._instruments = instruments
        self._interval = interval
        self.count = DAY // interval
        """Bars a day."""
        self._shape = _day_shape(self.count)
        self._sigmas = [_OWN_SHARE * y / math.sqrt(365.0 * self.count) for y in yearly]
        self._common = math.sqrt(params.correlation)
        self._own = math.sqrt(1.0 - params.correlation)
        self._calm = 1.0 - _CALM_PULL * interval / HOUR

    def day(self, number: int, day: Day) -> _Painted:
        """All bars and settlements of one day."""
        rng = Random(f"bars/{self._seed}/{number}")
        count = self.count
        scale = self._scale(rng, day)
        common = [w * c for w, c in zip(scale, rng.choices(_tails(), k=count), strict=True)]
        runs = {
            name: self._run(rng, index, day, scale, common) for index, name in enumerate(self._instruments)
        }
        begins = number * DAY
        return _Painted(begins, self._interval, runs, self._funding(rng, begins, day))

    def _scale(self, rng: Random, day: Day) -> list[float]:
        """Volatility of each bar, 1 on average: the day's own, its hours, its shape, panic in a crash."""
        per_hour = HOUR // self._interval
        hours = [day.volatility * math.exp(0.25 * rng.gauss(0.0, 1.0) - 0.0625) for _ in range(24)]
        scale = [w * hours[i // per_hour] for i, w in enumerate(self._shape)]
        if day.crash is not None:
            first = int(day.crash.begins * self.count)
            last = int((day.crash.begins + day.crash.falls + day.crash.recovers) * self.count)
            scale[first:last] = [2.0 * w for w in scale[first:last]]
        return scale

    def _run(self, rng: Random, index: int, day: Day, scale: list[float], common: list[float]) -> Run:
        count, sigma, symbol = self.count, self._sigmas[index], day.symbols[index]
        instrument = list(self._instruments.values())[index]
        noise = rng.choices(_tails(), k=count)
        shared, own = sigma * self._common, sigma * self._own
        moves = [shared * c + own * w * z for c, w, z in zip(common, scale, noise, strict=True)]
        logs = self._path(moves, symbol)
        jump = _bend(logs, symbol, day.crash)
        per_tick = math.log(instrument.tick_f)
        exp = math.exp
        closes = [int(exp(x - per_tick) + 0.5) or 1 for x in logs]
        opens = [int(exp(symbol.begins - per_tick) + 0.5) or 1, *closes[:-1]]
        if symbol.gap:
            # The bar after the gap opens where trading resumes.
            opens[jump] = int(opens[jump] * exp(symbol.gap) + 0.5) or 1
        reach = [sigma * w * c for w, c in zip(scale, closes, strict=True)]
        wicks = _wicks()
        highs = [
            (o if o > c else c) + int(r * w)
            for o, c, r, w in zip(opens, closes, reach, rng.choices(wicks, k=count), strict=True)
        ]
        lows = [
            (o if o < c else c) - int(r * w) or 1
            for o, c, r, w in zip(opens, closes, reach, rng.choices(wicks, k=count), strict=True)
        ]
        turnover = _DAILY_TURNOVER / count / exp(symbol.begins)
        volumes = [
            turnover * w * w * (0.3 + v + 0.4 * abs(z))
            for w, v, z in zip(scale, rng.choices(wicks, k=count), noise, strict=True)
        ]
        marks = self._marks(rng, closes, (highs, lows, closes)) if instrument.brackets else None
        return Run(opens, highs, lows, closes, volumes, marks)

    def _path(self, moves: list[float], symbol: SymbolDay) -> list[float]:
        """Log closes that start and end where the day does, without its crash and gap."""
        if symbol.kind == "range":
            calm = self._calm
            walk = list(accumulate(moves, lambda y, move: y * calm + move))
        else:
            walk = list(accumulate(moves))
        slope = (symbol.change - walk[-1]) / len(walk)
        begins = symbol.begins
        return [begins + y + slope * i for i, y in enumerate(walk, 1)]

    def _marks(
        self, rng: Random, closes: list[int], prices: tuple[list[int], list[int], list[int]]
    ) -> tuple[list[int], list[int], list[int]]:
        """Mark prices: the bar's own, off by a basis of a few hundredths of a percent that moves hourly."""
        per_hour = HOUR // self._interval
        basis = [rng.gauss(0.0, 2e-4) for _ in range(24)]
        offsets = [int(basis[i // per_hour] * c) for i, c in enumerate(closes)]
        high, low, close = ([p + off for p, off in zip(column, offsets, strict=True)] for column in prices)
        return high, low, close

    def _funding(self, rng: Random, begins: Ms, day: Day) -> dict[Ms, tuple[FundingRate, ...]]:
        """The day's settlements; they know the trend up to the day's start."""
        if not next(iter(self._instruments.values())).brackets:
            return {}
        settled = {}
        for hour in range(_FUNDING_HOURS, 25, _FUNDING_HOURS):
            at = begins + hour * HOUR
            rates = []
            for name, symbol in zip(self._instruments, day.symbols, strict=True):
                rate = 1e-4 + 2e-3 * symbol.trend + 4e-5 * rng.gauss(0.0, 1.0)
                rate = round(max(-_FUNDING_LIMIT, min(_FUNDING_LIMIT, rate)), 8)
                rates.append(FundingRate(name, at, rate, _FUNDING_HOURS))
            settled[at] = tuple(rates)
        return settled


def _bend(logs: list[float], symbol: SymbolDay, crash: Crash | None) -> int:
    """Work the day's gap and crash into its log closes; the index of the bar that opens beyond the gap."""
    count = len(logs)
    jump = int(symbol.gap_at * count)
    if symbol.gap:
        logs[jump:] = [x + symbol.gap for x in logs[jump:]]
    if crash is not None:
        first = int(crash.begins * count)
        falls = max(1, int(crash.falls * count))
        rises = max(1, int(crash.recovers * count))
        for i in range(first, count):
            down = min(1.0, (i - first + 1) / falls)
            up = min(1.0, max(0.0, (i - first + 1 - falls) / rises))
            logs[i] -= symbol.fall * (down - crash.share * up)
    return jump


@cache
def _tails() -> tuple[float, ...]:
    """Equally likely values of Student's t with 4 degrees of freedom, scaled to variance 1.

    Its quantile function is closed: t = sign(p - 1/2) 2 sqrt(cos(arccos(sqrt a) / 3) / sqrt a - 1) with
    a = 4 p (1 - p) (Shaw 2006).
    """
    values = []
    for i in range(_TABLE):
        p = (i + 0.5) / _TABLE
        root = math.sqrt(4.0 * p * (1.0 - p))
        t = 2.0 * math.sqrt(math.cos(math.acos(root) / 3.0) / root - 1.0)
        values.append(math.copysign(t, p - 0.5))
    norm = math.sqrt(added(t * t for t in values) / _TABLE)
    return tuple(t / norm for t in values)


@cache
def _wicks() -> tuple[float, ...]:
    """Equally likely values of an exponential with mean 0.6: how far beyond open and close a bar reaches."""
    return tuple(-0.6 * math.log(1.0 - (i + 0.5) / 1024) for i in range(1024))


def _day_shape(count: int) -> list[float]:
    """Volatility by the time of day, highest at 15:00 UTC; mean square 1."""
    shape = [1.0 + 0.35 * math.cos(2.0 * math.pi * (i / count - 15 / 24)) for i in range(count)]
    norm = math.sqrt(added(w * w for w in shape) / count)
    return [w / norm for w in shape]
