"""A recorded symbol as the columns that the screen runs over, made once for any number of sets."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct

from gridbot_tui.engine.on_market import LATE_BAR_GRACE
from gridbot_tui.market.aggregate import Hour, HourBuilder
from gridbot_tui.market.recorded import Series
from gridbot_tui.research.request import Prepared
from gridbot_tui.strategy.features import FeatureRow, Features
from gridbot_tui.strategy.votes import down_vote, up_vote
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
else:
    Floats = Integers = Any

NAMES = (
    "x", "ema12", "ema24", "sigma_hour", "sigma_fast", "sigma_year", "sigma_month",
    "z24", "z48", "z96", "z168", "z336", "volr",
)  # fmt: skip
"""Columns of the features, then funding_mean, funding_day (nan = unknown), the hours seen, the close in quote,
and ``fixed_votes``."""

BLOCK: Final = 8
"""Moments that share a row of ``Tape.blocks``."""


class Tape(Struct):
    """Everything that does not depend on the set. A moment is whenever something closes, settles or ends."""

    bars: Integers
    """Rows of (open, high, low, close, mark high, mark low, mark, 1), ticks; 0 at the end where there is no bar. A
    column lies in one piece: it is columns that are run through."""
    plan: Integers
    """Rows of (time, first row of ``features``, how many, decides, a UTC day ends, an episode ends, hourly sample)."""
    volume: Floats
    funding: Floats
    """Rate that settles; nan = none."""
    features: Floats
    stretch: Integers
    """Plain bars between two moments at which more happens: (first, end, lowest, highest, and of the mark its
    lowest, highest, lowest close, highest close; when the first closes, when the last, and the last's close and
    mark)."""
    ends: Integers
    """What follows each stretch: its row of ``bars`` and that of ``plan``, side by side."""
    rates: Floats
    """And its volume and funding."""
    blocks: Integers
    """Of every ``BLOCK`` moments the (lowest, highest, lowest mark, highest mark), ticks: bars are read where these
    do not do. Zeros are low where a bar is missing."""
    sampled: Integers
    """Times of the hourly curve."""
    start: Ms

    def averaged(self, pull: float) -> Floats:
        """Of each stretch, the marks as a running average with this pull has them at its end, the first value left
        out: the sum of pull (1 - pull)^k mark over its bars, the last one's k being 0."""
        marks, found = self.bars[:, 6].astype(np.float64), np.zeros(len(self.stretch))
        for s, (first, end) in enumerate(self.stretch[:, :2].tolist()):
            part = marks[first:end]
            found[s] = float((pull * (1.0 - pull) ** np.arange(len(part) - 1, -1, -1) * part).sum())
        return found


def fits(prepared: Prepared) -> str:
    """Why a market cannot be screened, or an empty string."""
    if len(prepared.market.symbols) != 1:
        return "several symbols share one account"
    settings = prepared.settings
    if settings.ladders() or settings.ladder.kind != "adaptive":
        return "a ladder that is not the adaptive one"
    if settings.simulation.exchange.partial_probability:
        return "partial fills by chance"
    if settings.simulation.exchange.bnb_fees:
        return "fees paid in BNB"
    if settings.market.episode_gap_minutes * MINUTE >= 2 * HOUR:
        return "outages of hours that end no episode"
    if HOUR % prepared.market.interval:
        return "bars that do not divide an hour"
    return ""


def tape_of(prepared: Prepared) -> Tape:
    """The columns of the only symbol. Features and decision bars are the strategy's own."""
    market = prepared.market
    (symbol,) = market.symbols
    series = market.series[symbol]
    times = np.union1d(series.times + market.interval, np.array(market.moments, dtype=np.int64))
    row = np.searchsorted(times, series.times + market.interval)
    bars, volume = _columns(series, len(times), row)
    return _Events(prepared, series, times).tape(bars, volume, row)


def _columns(series: Series, moments: int, row: Integers) -> tuple[Integers, Floats]:
    """Bars and volumes at their moments; zeros elsewhere."""
    high, low, close = (series.high, series.low, series.close) if series.mark is None else series.mark
    bars = np.zeros((moments, 8), dtype=np.int64)
    for column, values in enumerate((series.open, series.high, series.low, series.close, high, low, close)):
        bars[row, column] = values
    bars[row, 7] = 1
    volume = np.zeros(moments)
    volume[row] = series.volume
    return bars, volume


class _Events:
    """One pass over the moments, as the engine would hear of them."""

    def __init__(self, prepared: Prepared, series: Series, times: Integers) -> None:
        self._market = prepared.market
        self._series = series
        self._times = times
        self._features = Features()
        self._builder = HourBuilder()
        self._rows: list[list[float]] = []
        self._plan = np.zeros((len(times), 7), dtype=np.int64)
        self._funding = np.full(len(times), np.nan)

    def tape(self, bars: Integers, volume: Floats, row: Integers) -> Tape:
        """Go through all of it."""
        market, plan = self._market, self._plan
        plan[:, 0] = self._times
        plan[1:, 4] = np.diff(self._times // DAY) > 0
        made = market.series[self._series.instrument.symbol].bars(0, len(row), market.interval)
        whole = {int(at): bar for at, bar in zip(self._times[row], made, strict=True)}
        extra = set(market.moments)
        for moment, at in enumerate(self._times.tolist()):
            plan[moment, 1] = len(self._rows)
            batch = market.batch(at, ()) if at in extra else None
            if batch is not None:
                for rate in batch.funding:
                    self._funding[moment] = rate.rate
                    self._features.funding(rate.at, rate.rate, rate.interval_hours)
            bar = whole.get(at)
            hours: list[Hour] = list(self._builder.feed(bar)) if bar is not None else []
            late = self._builder.due(at - LATE_BAR_GRACE)
            for hour in (*hours, *((late,) if late is not None else ())):
                self._hour(hour)
                plan[moment, 3] = 1
            plan[moment, 2] = len(self._rows) - plan[moment, 1]
            if batch is not None and batch.episode_ends:
                self._features.restart()
                plan[moment, 5] = 1
        rows = np.array(self._rows) if self._rows else np.zeros((1, len(NAMES) + 6))
        whole_hours = self._times % HOUR == 0
        plan[:, 6] = np.where(whole_hours, np.cumsum(whole_hours) - 1, -1)
        plain = ~whole_hours & (plan[:, 2:6] == 0).all(axis=1) & np.isnan(self._funding) & (bars[:, 7] == 1)
        stretches, sampled = self._stretches(bars, plain), plan[whole_hours, 0]
        after = np.minimum(stretches[:, 1], len(bars) - 1)
        ends, rates = np.hstack((bars[after], plan[after])), np.column_stack((volume[after], self._funding[after]))
        beside = (stretches, ends, rates, _blocks(bars), sampled)
        return Tape(np.asfortranarray(bars), plan, volume, self._funding, rows, *beside, market.start)

    def _stretches(self, bars: Integers, plain: "npt.NDArray[np.bool_]") -> Integers:
        """Runs of plain moments that follow each other without a hole, each up to the next that is not plain."""
        joined = np.diff(self._times, prepend=self._times[0]) == self._market.interval
        found: list[tuple[int, ...]] = []
        first = 0
        for moment in range(len(plain) + 1):
            ends = moment == len(plain) or not plain[moment]
            if not ends and (joined[moment] or moment == first):
                continue
            last = max(first, moment - 1)
            times = self._times[min(first, len(plain) - 1)], self._times[min(last, len(plain) - 1)]
            closes = bars[min(last, len(plain) - 1)][[3, 6]].tolist()
            found.append((first, moment, *_extremes(bars[first:moment]), *times, *closes))
            first = moment + 1
        return np.array(found, dtype=np.int64)

    def _hour(self, hour: Hour) -> None:
        close = hour.close * self._series.instrument.tick_f
        if not self._features.hour(hour.close_at, close) or self._features.row is None:
            return
        one = self._features.row
        known = [float(getattr(one, name)) for name in NAMES]
        mean = np.nan if one.funding_mean is None else one.funding_mean
        day = np.nan if one.funding_day is None else one.funding_day
        self._rows.append([*known, mean, day, float(self._features.hours), close, *fixed_votes(one)])


def fixed_votes(row: FeatureRow) -> tuple[float, float]:
    """UP's vote, and DOWN's where volatility speaks fully: both before funding tilts them."""
    return up_vote(row.z168, row.z336), down_vote(row.z24, row.z48, row.z168, 1.0, 1.0)


def _blocks(bars: Integers) -> Integers:
    """Extremes of every ``BLOCK`` moments, the last ones as many as there are."""
    starts = np.arange(0, len(bars), BLOCK)
    low, high = np.minimum.reduceat(bars, starts, axis=0), np.maximum.reduceat(bars, starts, axis=0)
    return np.column_stack((low[:, 2], high[:, 1], low[:, 5], high[:, 4]))


def _extremes(bars: Integers) -> tuple[int, ...]:
    """Lowest, highest, and of the mark its lowest, highest, lowest close, highest close; zeros without bars."""
    if not len(bars):
        return (0,) * 6
    low, high = bars.min(axis=0).tolist(), bars.max(axis=0).tolist()
    return low[2], high[1], low[5], high[4], low[6], high[6]
