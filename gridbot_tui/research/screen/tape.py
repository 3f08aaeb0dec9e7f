"""A recorded symbol as the columns that the screen runs over, made once for any number of sets."""

import math
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from msgspec import Struct

from gridbot_tui.engine.on_market import LATE_BAR_GRACE
from gridbot_tui.market.aggregate import Hour, HourBuilder
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.recorded import Series
from gridbot_tui.research.request import Prepared
from gridbot_tui.strategy.features import FeatureRow, Features
from gridbot_tui.strategy.shadow import touches
from gridbot_tui.strategy.votes import down_vote, up_vote
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms

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
``fixed_votes``, and the logs of both touches as of that close."""
_KNOWN = attrgetter(*NAMES)

MOST_SYMBOLS: Final = 50
MOST_BARS: Final = 20_000_000
"""Of all symbols: their columns take 80 bytes each beside the market's own."""
MOST_LEVELS: Final = 60
MOST_COINS: Final = 2e10
"""A base is counted in parts of a hundred-millionth, in 63 bits; a run may multiply its capital before it buys."""
ROOMY: Final = 100
"""So many times what a run begins with an order may be worth at the least: none ever comes to it."""
STOPS: Final = 4
"""Stops of a symbol for which the exchange must have room: a stop is replaced before it is cancelled, and once more
where another fill comes in between."""
BLOCK: Final = 8
"""Bars of a stretch that share a row of ``Tape.blocks``."""
RANGES: Final = ((2, True), (1, False), (5, True), (4, False))
MARKS: Final = ((6, True), (6, False))
"""Columns of the bars whose lowest (True) or highest is looked for: of price and mark, and of the closing mark."""


class Tape(Struct):
    """Everything that does not depend on the set. A moment is whenever something closes, settles or ends."""

    bars: Integers
    """Rows of (open, high, low, close, mark high, mark low, mark, 1), ticks; 0 at the end where there is no bar. A
    column lies in one piece: it is columns that are run through."""
    times: Integers
    """Of every moment."""
    volume: Floats
    funding: Floats
    """Rate that settles; nan = none."""
    features: Floats
    stretch: Integers
    """Plain bars between two moments at which more happens: (first, end, lowest, highest, and of the mark its
    lowest, highest, lowest close, highest close; when the first closes, when the last, and the last's close and
    mark; its first row of ``blocks``)."""
    ends: Integers
    """What follows each stretch: its row of ``bars``, and beside it (time, first row of ``features``, how many,
    decides, a UTC day ends, an episode ends, hourly sample). At any other moment nothing of that happens."""
    rates: Floats
    """And its volume and funding."""
    blocks: Integers
    """Of every ``BLOCK`` bars of each stretch, its last ones as many as there are, the (lowest, highest, lowest mark,
    highest mark), ticks: bars are read where these do not do."""
    sampled: Integers
    """Times of the hourly curve."""
    start: Ms

    def last_rows(self, _symbol: int, times: Integers) -> Integers:
        """Row of the last bar at each of these times; -1 before the first."""
        there = np.flatnonzero(self.bars[:, 7])
        rows: Integers = there[np.searchsorted(self.times[there], times, side="right") - 1]
        return np.where(times < self.times[there[0]], -1, rows)

    def averaged(self, pull: float) -> Floats:
        """Of each stretch, the marks as a running average with this pull has them at its end, the first value left
        out: the sum of pull (1 - pull)^k mark over its bars, the last one's k being 0."""
        marks, found = self.bars[:, 6].astype(np.float64), np.zeros(len(self.stretch))
        first, length = self.stretch[:, 0], self.stretch[:, 1] - self.stretch[:, 0]
        for many in np.unique(length[length > 0]).tolist():  # nearly all are as long as an hour's are
            alike = np.flatnonzero(length == many)
            parts = marks[first[alike, None] + np.arange(many)]
            found[alike] = (pull * (1.0 - pull) ** np.arange(many - 1, -1, -1) * parts).sum(axis=1)
        return found


def fits(prepared: Prepared) -> str:
    """Why a market cannot be screened, or an empty string."""
    settings = prepared.settings
    if settings.ladders():
        return "a symbol has a ladder of its own"
    if settings.ladder.kind != "adaptive" and (why := _plain(prepared)):
        return why
    if settings.simulation.exchange.partial_probability:
        return "partial fills by chance"
    if settings.simulation.exchange.bnb_fees:
        return "fees paid in BNB"
    if settings.market.episode_gap_minutes * MINUTE >= 2 * HOUR:
        return "outages of hours that end no episode"
    if HOUR % prepared.market.interval:
        return "bars that do not divide an hour"
    if any(one.step * 100_000_000 % 1 for one in prepared.market.instruments.values()):
        return "a step finer than eight decimals"
    if not all(one.cents or one.market is Market.FUTURES for one in prepared.market.instruments.values()):
        return "a tick times step finer than eight decimals on spot"
    if any(one.max_position is not None for one in prepared.market.instruments.values()):
        return "a limit on what the account may hold"
    least = min((one.max_notional for one in prepared.market.instruments.values() if one.max_notional), default=None)
    if least is not None and float(least) < ROOMY * _money(prepared):
        return "a limit on an order's value that the capital could come to"
    if settings.simulation.exchange.max_stops < STOPS * len(prepared.market.symbols):
        return "a limit on open stops that they could come to"
    if len(prepared.market.symbols) > MOST_SYMBOLS:
        return f"more than {MOST_SYMBOLS} symbols on one account"
    if prepared.market.bars_total > MOST_BARS:
        return f"more than {MOST_BARS / 1e6:.0f} million bars, whose columns would take too much memory"
    if _coins(prepared) > MOST_COINS:
        return "a coin so cheap that the capital buys more of it than is counted exactly"
    return ""


def _coins(prepared: Prepared) -> float:
    """How many the capital buys at the lowest price; a base is counted on spot alone."""
    series = list(prepared.market.series.values())
    if series[0].instrument.market is not Market.SPOT:
        return 0.0
    money = _money(prepared)
    return max(money / max(float(one.low.min()) * one.instrument.tick_f, 1e-300) for one in series)


def _money(prepared: Prepared) -> float:
    """What a run begins with, quote."""
    config = prepared.engine_config()
    return float(prepared.account(config).balances[config.quote])


def _plain(prepared: Prepared) -> str:
    """Why a plain grid cannot be screened, or an empty string."""
    p = prepared.settings.ladder.plain
    instruments = list(prepared.market.instruments.values())
    if instruments[0].market is Market.SPOT:
        return "a plain grid on spot"
    if p.side == "neutral":
        return "a plain grid of two sides"
    if p.trailing_up or p.trailing_down:
        return "a plain grid that trails"
    if p.stop is not None or p.stop_above is not None or p.take_profit is not None:
        return "a plain grid with a stop or take-profit"
    if p.levels > MOST_LEVELS:
        return f"a plain grid of more than {MOST_LEVELS} levels"
    if not all(one.cents for one in instruments):
        return "a tick times step finer than eight decimals"
    return ""


def tape_of(prepared: Prepared) -> Tape:
    """The columns of the only symbol. Features and decision bars are the strategy's own."""
    market = prepared.market
    (symbol,) = market.symbols
    series = market.series[symbol]
    closes, extra = series.times + market.interval, np.array(market.moments, dtype=np.int64)
    times, row = closes, np.arange(len(closes))
    _, here = found(closes, extra)
    if not here.all():  # moments without a bar
        times = np.sort(np.concatenate((closes, extra[~here])))
        row = np.searchsorted(times, closes)
    bars, volume = _columns(series, len(times), row)
    return Events(prepared, series, times).tape(bars, volume, row)


def found(times: Integers, asked: Integers) -> "tuple[Integers, npt.NDArray[np.bool_]]":
    """Places of times among others, both ascending, and whether they are there."""
    places = np.searchsorted(times, asked)
    return places, times[np.minimum(places, len(times) - 1)] == asked


def write_bars(bars: Integers, there: Any, series: Series) -> None:
    """The bars of a symbol, into the rows ``there``."""
    high, low, close = (series.high, series.low, series.close) if series.mark is None else series.mark
    columns = (series.open, series.high, series.low, series.close, high, low, close)
    for column, values in enumerate(columns):
        bars[there, column] = values
    bars[there, 7] = 1


def _columns(series: Series, moments: int, row: Integers) -> tuple[Integers, Floats]:
    """Bars and volumes at their moments; zeros elsewhere."""
    whole = len(row) == moments  # a bar at every moment
    bars = (np.empty if whole else np.zeros)((moments, 8), dtype=np.int64, order="F")
    there: Any = slice(None) if whole else row
    write_bars(bars, there, series)
    if whole:
        return bars, np.array(series.volume, dtype=np.float64)
    volume = np.zeros(moments)
    volume[row] = series.volume
    return bars, volume


class Events:
    """One pass over the moments, as the engine would hear of them."""

    def __init__(self, prepared: Prepared, series: Series, times: Integers, late: tuple[Ms, ...] = ()) -> None:
        """``late``: moments of other symbols at which an hour of this one is closed without its last bars."""
        self._market = prepared.market
        self._series = series
        self._symbol = series.instrument.symbol
        self._times = times
        self._extra = sorted({*prepared.market.moments, *late})
        self.closes: list[tuple[Ms, float]] = []
        """Decision bars: (when it was heard of, log close); nan where an episode ends."""
        self._at: Ms = 0
        self._features = Features()
        self._builder = HourBuilder()
        self._rows: list[list[float]] = []
        self._heard: list[tuple[int, int, int, int]] = []
        """(moment, rows of features that close with it, whether that asks for a plan, whether an episode ends)."""
        self._funding = np.full(len(times), np.nan)

    def tape(self, bars: Integers, volume: Floats, row: Integers) -> Tape:
        """Go through all of it."""
        times, rows = self._times, self._played(row)
        days, whole = np.append(False, np.diff(times // DAY) > 0), times % HOUR == 0
        plain = ~whole & ~days & np.isnan(self._funding) & (bars[:, 7] == 1)
        plain[self._busy()] = False
        stretches = self._stretches(bars, plain)
        stretches, blocks = _blocks(bars, stretches)
        after = np.minimum(stretches[:, 1], len(bars) - 1)
        first, told = self._told(after)
        plan = (times[after], first, *told[:2], days[after], told[2], np.where(whole, np.cumsum(whole) - 1, -1)[after])
        ends = np.ascontiguousarray(np.column_stack((bars[after], *plan)))
        rates = np.column_stack((volume[after], self._funding[after]))
        beside = (stretches, ends, rates, blocks, times[whole])
        return Tape(bars, times, volume, self._funding, rows, *beside, self._market.start)

    def happenings(self, row: Integers) -> tuple[Integers, Floats, Floats]:
        """What happens beside bars, as ``several`` reads it, the rates that settle then, and the features."""
        rows = self._played(row)
        there = np.union1d(self._busy(), np.flatnonzero(~np.isnan(self._funding)))
        first, told = self._told(there)
        return np.column_stack((self._times[there], first, *told)), self._funding[there], rows

    def _busy(self) -> Integers:
        """Moments at which anything beside a bar is heard of."""
        heard = np.array(self._heard, dtype=np.int64).reshape(-1, 4)
        busy: Integers = heard[(heard[:, 1:] != 0).any(axis=1), 0]
        return busy

    def _told(self, moments: Integers) -> tuple[Integers, Integers]:
        """Of ascending moments the first row of features, and (how many, decides, an episode ends)."""
        heard = np.array(self._heard, dtype=np.int64).reshape(-1, 4)
        before = np.append(0, np.cumsum(heard[:, 1]))
        places = np.searchsorted(heard[:, 0], moments)
        here = np.append(heard[:, 0], -1)[places] == moments
        return before[places], np.where(here, np.vstack((heard[:, 1:], [0, 0, 0]))[places].T, 0)

    def _played(self, row: Integers) -> Floats:
        """Go through all of it; the rows of features."""
        self._go_through(row)
        return np.array(self._rows) if self._rows else np.zeros((1, len(NAMES) + 8))

    def _go_through(self, row: Integers) -> None:
        """Hours, funding and ends of episodes, in order. Bars that only lie within their hour are fed in one piece: not
        the one that closes it, nor one with anything else at its moment."""
        opened, interval = self._series.times, self._market.interval
        hour, closes = opened // HOUR, opened + interval
        ending = closes % HOUR == 0
        alone = ending.copy()
        alone[1:] |= (hour[1:] != hour[:-1]) & ~ending[:-1]  # it also closes the hour before, which lacks its end
        extra = np.array(self._extra, dtype=np.int64)
        bars, here = found(closes, extra)
        alone[bars[here]] = True
        places, _ = found(self._times, extra)
        single, lonely = np.flatnonzero(alone), places[~here]
        moments = np.concatenate((row[single], lonely))
        order = np.argsort(moments)
        behind = np.concatenate((single, np.searchsorted(row, lonely)))[order].tolist()
        barred = np.concatenate((np.ones(len(single)), np.zeros(len(lonely))))[order].tolist()
        known, fed = set(self._extra), 0
        for moment, index, bar in zip(moments[order].tolist(), behind, barred, strict=True):
            self._feed_between(fed, index)
            fed = index + 1 if bar else index
            at = int(self._times[moment])
            self._moment(moment, at, index if bar else -1, at in known)

    def _feed_between(self, first: int, end: int) -> None:
        """Feed plain bars of one hour that follow each other in the columns; only its close is asked for."""
        if first < end:
            close = int(self._series.close[end - 1])
            self._builder.feed_quiet(int(self._series.times[first]), close, close, close, close, (), end - first)

    def _moment(self, moment: int, at: Ms, index: int, known: bool) -> None:
        """One moment by itself: what settles, its bar, the hours that close, the end of an episode."""
        self._at = at
        batch = self._market.batch(at, ()) if known else None
        if batch is not None:
            for rate in batch.funding:
                if rate.symbol != self._symbol:
                    continue
                self._funding[moment] = rate.rate
                self._features.funding(rate.at, rate.rate, rate.interval_hours)
        before = len(self._rows)
        hours: list[Hour] = []
        if index >= 0:
            hours.extend(self._builder.feed(self._bar(index)))
        late = self._builder.due(at - LATE_BAR_GRACE)
        if late is not None:
            hours.append(late)
        for hour in hours:
            self._hour(hour)
        over = batch is not None and self._symbol in batch.episode_ends
        if over:
            self._features.restart()
            self.closes.append((at, math.nan))
        self._heard.append((moment, len(self._rows) - before, bool(hours), over))

    def _bar(self, index: int) -> Bar:
        """A bar of which only time and close are looked at."""
        close = int(self._series.close[index])
        opened, interval = int(self._series.times[index]), self._market.interval
        return Bar(opened, interval, close, close, close, close, 0.0, close, close, close)

    def _stretches(self, bars: Integers, plain: "npt.NDArray[np.bool_]") -> Integers:
        """Runs of plain moments that follow each other without a hole, each up to the next that is not plain."""
        joined = np.diff(self._times, prepend=self._times[0]) == self._market.interval
        closes = np.append(~plain, True)
        for moment in np.flatnonzero(plain & ~joined).tolist():  # behind a hole; in order: one leans on the last
            closes[moment] = moment > 0 and not closes[moment - 1]
        end = np.flatnonzero(closes)
        first = np.append(0, end[:-1] + 1)
        known = len(plain) - 1
        last = np.minimum(np.maximum(first, end - 1), known)
        times = self._times[np.minimum(first, known)], self._times[last]
        extremes = _extremes(bars, first, end, (*RANGES, *MARKS))
        return np.column_stack((first, end, extremes, *times, bars[last][:, [3, 6]]))

    def _hour(self, hour: Hour) -> None:
        close = hour.close * self._series.instrument.tick_f
        if not self._features.hour(hour.close_at, close):
            return
        self.closes.append((self._at, self._features.x))
        if self._features.row is None:
            return
        one = self._features.row
        known = _KNOWN(one)
        mean = np.nan if one.funding_mean is None else one.funding_mean
        day = np.nan if one.funding_day is None else one.funding_day
        beside = (float(self._features.hours), close, *fixed_votes(one), *self._touches(close))
        self._rows.append([*known, mean, day, *beside])

    def _touches(self, close: float) -> tuple[float, float]:
        """Logs of the paper grids' touches: ``shadows.touches``, by the same library's logarithm."""
        below, above = touches(close, self._series.instrument.tick_f)
        return math.log(below), math.log(above)


def fixed_votes(row: FeatureRow) -> tuple[float, float]:
    """UP's vote, and DOWN's where volatility speaks fully: both before funding tilts them."""
    return up_vote(row.z168, row.z336), down_vote(row.z24, row.z48, row.z168, 1.0, 1.0)


def _blocks(bars: Integers, stretches: Integers) -> tuple[Integers, Integers]:
    """The stretches with the first row of each among the blocks, and those: see ``Tape.blocks``."""
    first, end = stretches[:, 0], stretches[:, 1]
    many = (end - first + BLOCK - 1) // BLOCK
    before = np.cumsum(many) - many
    start = np.repeat(first - BLOCK * before, many) + BLOCK * np.arange(many.sum())
    stop = np.minimum(start + BLOCK, np.repeat(end, many))
    return np.column_stack((stretches, before)), _extremes(bars, start, stop, RANGES)


def _extremes(bars: Integers, first: Integers, end: Integers, wanted: tuple[tuple[int, bool], ...]) -> Integers:
    """Of each piece [first, end) the lowest (True) or highest of each column ``wanted``; zeros without bars."""
    found = np.zeros((len(first), len(wanted)), dtype=np.int64)
    filled = first < end
    cuts = np.column_stack((first[filled], end[filled])).ravel()
    if not len(cuts):
        return found
    cuts = cuts[:-1] if cuts[-1] == len(bars) else cuts  # the last piece goes on to the end by itself
    for place, (column, least) in enumerate(wanted):
        reduce = np.minimum if least else np.maximum
        found[filled, place] = reduce.reduceat(bars[:, column], cuts)[::2]
    return found
