"""Recorded candles as a market: one batch for each moment at which something closes or settles."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.quality import gap_note
from gridbot_tui.market.source import FundingRate, MarketBatch, QualityNote
from gridbot_tui.units import Ms, Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
else:
    Integers = Floats = Any

_WINDOW: Final = 1024
"""Bars of a symbol made at a time: a replay holds these, not the whole recording."""

_Pair = tuple[Symbol, Bar]


class Series(Struct):
    """One symbol's bars as columns of ticks, ascending by open time without repeats."""

    instrument: Instrument
    times: Integers
    """Open times, ms."""
    open: Integers
    high: Integers
    low: Integers
    close: Integers
    volume: Floats
    mark: tuple[Integers, Integers, Integers] | None
    """Mark high, low, close of the same bars; ``None`` where no mark candle is known."""
    funding: list[FundingRate]
    notes: list[QualityNote]
    """What loading found; said with the first bar."""

    def bars(self, first: int, last: int, interval: Ms) -> Iterator[Bar]:
        """Bars of rows [first, last)."""
        rows = slice(first, last)
        high, low, close = (column[rows].tolist() for column in (self.high, self.low, self.close))
        mark: Iterable[list[int]] = (high, low, close)
        if self.mark is not None:
            mark = (column[rows].tolist() for column in self.mark)
        return map(
            Bar,
            self.times[rows].tolist(),
            repeat(interval),
            self.open[rows].tolist(),
            high,
            low,
            close,
            self.volume[rows].tolist(),
            *mark,
        )


class _Extra:
    """What goes with a batch besides bars; rare."""

    __slots__ = ("ends", "funding", "notes")

    def __init__(self) -> None:
        self.funding: list[FundingRate] = []
        self.notes: list[QualityNote] = []
        self.ends: list[Symbol] = []


class RecordedMarket:
    """A market source over recorded series that share one base interval.

    A hole up to ``episode_gap`` is an outage: a ``hole`` note with the first bar after it. A longer one
    ends the symbol's episode: it is named in ``episode_ends`` of the batch of its last bar before the hole,
    with an ``episode`` note at the first bar after it. So does a series that ends for good more than
    ``episode_gap`` before the whole; the end of all data ends no episode. Funding settles while a symbol's
    episode lasts, outages included, where the batch then may hold no bar.
    """

    def __init__(
        self,
        series: Sequence[Series],
        interval: Ms,
        episode_gap: Ms,
        absent: Sequence[Symbol] = (),
        passed_over: str = "",
    ) -> None:
        self.absent = tuple(absent)
        """Symbols whose recordings hold nothing of the time asked for."""
        self.passed_over = passed_over
        """What was recorded at other intervals than the one asked for only, in words; else ""."""
        self._series = {
            item.instrument.symbol: item for item in sorted(series, key=lambda s: s.instrument.symbol)
        }
        self._interval = interval
        self._start = min(int(item.times[0]) for item in series)
        self._end = max(int(item.times[-1]) for item in series) + interval
        self._extras: dict[Ms, _Extra] = {}
        for symbol, item in self._series.items():
            self._annotate(symbol, item, episode_gap)
        self._lonely = sorted(at for at in self._extras if not self._has_bar(at))
        found = [note for at in sorted(self._extras) for note in self._extras[at].notes]
        self._notes = tuple(found)

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The recorded symbols' instruments, in name order."""
        return {symbol: item.instrument for symbol, item in self._series.items()}

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """In name order."""
        return tuple(self._series)

    @property
    def interval(self) -> Ms:
        """The base interval of all series."""
        return self._interval

    @property
    def start(self) -> Ms:
        """Open time of the first bar of all."""
        return self._start

    @property
    def end(self) -> Ms:
        """Close time of the last bar of all."""
        return self._end

    @property
    def bars_total(self) -> int:
        """Bars of all symbols."""
        return sum(len(item.times) for item in self._series.values())

    @property
    def notes(self) -> tuple[QualityNote, ...]:
        """Everything that batches will say of the data, in order."""
        return self._notes

    @property
    def series(self) -> dict[Symbol, Series]:
        """The columns, in name order. Read only."""
        return dict(self._series)

    @property
    def moments(self) -> list[Ms]:
        """Times, ascending, at which a batch brings more than bars."""
        return sorted(self._extras)

    def batch(self, at: Ms, bars: tuple[_Pair, ...]) -> MarketBatch:
        """The batch of one moment, with what goes with it besides its bars."""
        extra = self._extras.get(at)
        if extra is None:
            return MarketBatch(at, bars)
        return MarketBatch(at, bars, tuple(extra.funding), tuple(extra.notes), tuple(extra.ends))

    def coverage(self, symbol: Symbol) -> tuple[Ms, Ms, int]:
        """First open time, last close time and number of bars of one symbol."""
        times = self._series[symbol].times
        return int(times[0]), int(times[-1]) + self._interval, len(times)

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Every batch with ``at > after``; reaching the first costs a binary search."""
        interval = self._interval
        at_row = {
            symbol: int(item.times.searchsorted(after - interval, "right"))
            for symbol, item in self._series.items()
        }
        lonely = bisect_right(self._lonely, after)
        while True:
            opens = [
                int(item.times[at_row[s]]) for s, item in self._series.items() if at_row[s] < len(item.times)
            ]
            if lonely < len(self._lonely):
                opens.append(self._lonely[lonely] - interval)
            if not opens:
                return
            until = min(opens) + _WINDOW * interval
            past = bisect_right(self._lonely, until + interval - 1, lonely)
            waiting, lonely = self._lonely[lonely:past], past
            yield from self._window(at_row, until, waiting)

    def _window(self, at_row: dict[Symbol, int], until: Ms, lonely: list[Ms]) -> Iterator[MarketBatch]:
        """Batches of bars that open before ``until``; moves ``at_row`` past them."""
        interval = self._interval
        columns: list[tuple[list[Ms], Iterator[_Pair]]] = []
        for symbol, item in self._series.items():
            first = at_row[symbol]
            last = int(item.times.searchsorted(until, "left"))
            if last > first:
                closes = (item.times[first:last] + interval).tolist()
                columns.append((closes, zip(repeat(symbol), item.bars(first, last, interval), strict=False)))
                at_row[symbol] = last
        if len(columns) == 1 and not lonely:
            closes, pairs = columns[0]
            yield from self._emit(zip(closes, zip(pairs, strict=True), strict=True))
            return
        rows: dict[Ms, list[_Pair]] = {at: [] for at in lonely}
        for closes, pairs in columns:
            for at, pair in zip(closes, pairs, strict=True):
                row = rows.get(at)
                if row is None:
                    rows[at] = [pair]
                else:
                    row.append(pair)
        yield from self._emit((at, tuple(rows[at])) for at in sorted(rows))

    def _emit(self, rows: Iterable[tuple[Ms, tuple[_Pair, ...]]]) -> Iterator[MarketBatch]:
        extras = self._extras
        for at, bars in rows:
            yield self.batch(at, bars) if at in extras else MarketBatch(at, bars)

    def _extra(self, at: Ms) -> _Extra:
        return self._extras.setdefault(at, _Extra())

    def _has_bar(self, at: Ms) -> bool:
        opened = at - self._interval
        for item in self._series.values():
            row = int(item.times.searchsorted(opened))
            if row < len(item.times) and item.times[row] == opened:
                return True
        return False

    def _annotate(self, symbol: Symbol, item: Series, episode_gap: Ms) -> None:
        """Find holes, episodes and settlements of one symbol and file them under their moments."""
        import numpy as np

        interval, times = self._interval, item.times
        if item.notes:
            self._extra(int(times[0]) + interval).notes.extend(item.notes)
        starts = [int(times[0])]
        ends = []
        for row in np.flatnonzero(np.diff(times) != interval).tolist():
            before, after = int(times[row]), int(times[row + 1])
            note = gap_note(symbol, before, after, interval, episode_gap)
            if note is None:
                continue
            self._extra(note.at).notes.append(note)
            if note.code == "episode":
                self._extra(before + interval).ends.append(symbol)
                ends.append(before + interval)
                starts.append(after)
        last = int(times[-1]) + interval
        ends.append(last)
        if self._end - last > episode_gap:
            self._extra(last).ends.append(symbol)
        for rate in item.funding:
            episode = bisect_right(starts, rate.at - 1) - 1  # settles after the episode's first open
            if episode >= 0 and rate.at <= ends[episode]:
                self._extra(rate.at).funding.append(rate)
