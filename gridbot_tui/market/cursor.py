"""Recorded candles read with a movable cursor: batch by batch where something happens, else a run at a time."""

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.market.run import Run
from gridbot_tui.market.source import MarketBatch
from gridbot_tui.units import Ms, Symbol

_CHUNK: Final = 8192
"""Rows of a symbol held as Python lists at a time: memory stays flat beyond the columns themselves."""


class _Reader:
    """One symbol's rows."""

    __slots__ = ("_base", "_chunk", "_end", "_ends", "_series", "_times", "row", "rows", "symbol")

    def __init__(self, series: Series, interval: Ms) -> None:
        import numpy as np

        self.symbol = series.instrument.symbol
        self._series = series
        self._times: list[Ms] = []
        self.rows = len(series.times)
        self.row = 0
        """Row of the next bar that ``batches`` reads."""
        breaks = np.flatnonzero(np.diff(series.times) != interval) + 1
        self._ends: list[int] = [*breaks.tolist(), self.rows]
        """One past the last row of each unbroken run."""
        self._base = self._end = 0
        self._chunk = Run([], [], [], [], [], None)

    def seek(self, after: Ms, interval: Ms) -> None:
        """Next comes the first bar that closes after ``after``."""
        self.row = int(self._series.times.searchsorted(after - interval, "right"))

    def opens(self, row: int) -> Ms:
        """Open time of a row."""
        if not self._base <= row < self._end:
            self._load(row)
        return self._times[row - self._base]

    def bar(self, row: int, interval: Ms) -> Bar:
        """One row as a bar."""
        opened = self.opens(row)
        i, c = row - self._base, self._chunk
        return Bar(
            opened,
            interval,
            c.open[i],
            c.high[i],
            c.low[i],
            c.close[i],
            c.volume[i],
            c.mark_high[i],
            c.mark_low[i],
            c.mark[i],
        )

    def unbroken(self, row: int) -> int:
        """How many rows from here follow each other without a hole, as far as they are loaded."""
        return min(self._ends[bisect_right(self._ends, row)], self._end) - row

    def run(self, row: int, count: int) -> Run:
        """``count`` loaded rows."""
        return self._chunk.slice(row - self._base, row - self._base + count)

    def _load(self, row: int) -> None:
        self._base, self._end = row, min(row + _CHUNK, self.rows)
        rows, s = slice(self._base, self._end), self._series
        self._times = s.times[rows].tolist()
        marks = None
        if s.mark is not None:
            high, low, close = (column[rows].tolist() for column in s.mark)
            marks = (high, low, close)
        self._chunk = Run(
            s.open[rows].tolist(),
            s.high[rows].tolist(),
            s.low[rows].tolist(),
            s.close[rows].tolist(),
            s.volume[rows].tolist(),
            marks,
        )


class Cursor:
    """A market source over a recording; ``seek`` moves the batches that are still to come.

    One reader at a time: the batches of one ``batches`` call follow the one cursor.
    """

    def __init__(self, market: RecordedMarket) -> None:
        self._market = market
        self._interval = market.interval
        self._readers = [_Reader(one, market.interval) for one in market.series.values()]
        self._extras = market.moments
        self._extra = 0

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """The recorded symbols' instruments, in name order."""
        return self._market.instruments

    @property
    def interval(self) -> Ms:
        """The base interval of all series."""
        return self._interval

    @property
    def start(self) -> Ms:
        """Open time of the first bar of all."""
        return self._market.start

    def seek(self, at: Ms) -> None:
        """The next batch is the first one after ``at``."""
        for reader in self._readers:
            reader.seek(at, self._interval)
        self._extra = bisect_right(self._extras, at)

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Every batch with ``at > after``, or after where ``seek`` has moved to since."""
        interval, extras = self._interval, self._extras
        self.seek(after)
        while True:
            opens = [r.opens(r.row) for r in self._readers if r.row < r.rows]
            at = min(opens) + interval if opens else None
            if self._extra < len(extras) and (at is None or extras[self._extra] <= at):
                at = extras[self._extra]
                self._extra += 1
            if at is None:
                return
            bars = []
            for reader in self._readers:
                if reader.row < reader.rows and reader.opens(reader.row) + interval == at:
                    bars.append((reader.symbol, reader.bar(reader.row, interval)))
                    reader.row += 1
            yield self._market.batch(at, tuple(bars))

    def ahead(self, at: Ms, until: Ms) -> tuple[int, dict[Symbol, Run]]:
        """(n, runs): the next n moments after ``at`` bring exactly these bars, and nothing but bars.

        n is 0 where the very next moment is not that plain. The runs are of the symbols that have bars.
        """
        extra = bisect_right(self._extras, at)
        if extra < len(self._extras):
            until = min(until, self._extras[extra] - 1)
        count = (until - at) // self._interval
        found: list[tuple[_Reader, int]] = []
        for reader in self._readers:
            row = reader.row
            while row > 0 and reader.opens(row - 1) >= at:
                row -= 1  # read already, by whoever looks one batch ahead
            if row >= reader.rows:
                continue
            opened = reader.opens(row)
            if opened > at:
                count = min(count, (opened - at) // self._interval)
                continue
            count = min(count, reader.unbroken(row))
            found.append((reader, row))
        if count <= 0 or not found:
            return 0, {}
        return count, {reader.symbol: reader.run(row, count) for reader, row in found}
