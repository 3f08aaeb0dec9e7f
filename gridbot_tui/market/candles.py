"""Candles of one file or series as checked columns: what cannot be used is refused or dropped with a note."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from gridbot_tui.market.clock import BASE_INTERVALS, interval_name, moment
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.kline_csv import read_csv
from gridbot_tui.market.times import times_ms
from gridbot_tui.units import Ms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Times = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
else:
    Times = Floats = Mask = Any

CANDLE_COLUMNS: Final = ("open_time", "open", "high", "low", "close", "volume")
_NAMELESS: Final = ("__index_level_0__", "unnamed:_0", "")
"""An index without a name, as pandas writes it."""
_ALIASES: Final = {
    "open_time": ("opentime", "timestamp", "time", "datetime", "date", "unix", "ts", "t", *_NAMELESS),
    "open": ("o",),
    "high": ("h",),
    "low": ("l",),
    "close": ("c",),
    "volume": ("vol", "v"),
}
"""What others call the same columns."""
_SYMBOL: Final = ("symbol", "pair", "ticker", "instrument")
"""What they call the column of a table that holds several symbols."""
_TOLD: Final = 5
"""Symbols that a sentence names."""
_TELLING: Final = 10
"""Rows of a file from which their commonest distance is its interval."""


class Candles(Struct):
    """Columns of one series, equally long; prices in quote as the file has them."""

    times: Times
    """Open times, ms."""
    prices: tuple[Floats, Floats, Floats, Floats]
    """Open, high, low, close."""
    volumes: Floats
    remarks: list[tuple[str, str]]
    """(code, detail) of what was mended."""

    def take(self, rows: "Mask | Times | slice") -> "Candles":
        """The chosen rows with the same remarks."""
        opens, highs, lows, closes = self.prices
        prices = (opens[rows], highs[rows], lows[rows], closes[rows])
        return Candles(self.times[rows], prices, self.volumes[rows], self.remarks)


def read_table(path: Path) -> "pl.DataFrame":
    """A Parquet or CSV file as it is.

    Raises:
        DataError: empty, cut off, or another format than its name says.
    """
    import polars as pl

    try:
        size = path.stat().st_size
        if size == 0:
            raise DataError(f"{path} is empty: remove it or fetch it again")
        if path.suffix != ".parquet":
            return read_csv(path)
        with path.open("rb") as file:
            head = file.read(4)
            file.seek(max(0, size - 4))
            tail = file.read(4)
    except OSError as error:
        raise DataError(
            f"{path} cannot be read ({error.strerror}): check the path and its permissions"
        ) from error
    if head != b"PAR1":
        raise DataError(f"{path} is not a Parquet file: fetch it again or give it the name of what it is")
    if tail != b"PAR1":
        raise DataError(f"{path} is cut off (no Parquet footer): fetch it again")
    try:
        return pl.read_parquet(path)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError) as error:
        raise DataError(f"{path} is damaged and cannot be read as Parquet: fetch it again") from error


def read_candles(path: Path, interval: Ms | None, bad_share: float, *, volumes: bool = True) -> Candles:
    """The usable rows of one file, in file order, times in ms.

    ``interval`` puts the rows on its grid where it is known. Without ``volumes`` (mark prices have none)
    they are neither needed nor read.

    Raises:
        DataError: unreadable, lacking columns, empty, of several symbols, or more than ``bad_share`` of its rows
            unusable.
    """
    import numpy as np

    table = read_table(path)
    of_one_symbol(table, path)
    frame, remarks = _named(table, path)
    needed = CANDLE_COLUMNS if volumes else CANDLE_COLUMNS[:-1]
    lacking = [name for name in needed if name not in frame.columns]
    if lacking:
        raise DataError(
            f"{path} lacks the column{'s'[: len(lacking) > 1]} {', '.join(lacking)}: it holds no candles"
        )
    if frame.height == 0:
        raise DataError(f"{path} has no rows: remove it or fetch it again")
    candles = Candles(
        times_ms(frame["open_time"], path),
        (
            floats(frame["open"], path),
            floats(frame["high"], path),
            floats(frame["low"], path),
            floats(frame["close"], path),
        ),
        floats(frame["volume"], path) if volumes else np.zeros(frame.height),
        remarks,
    )
    return _without_bad(candles, path, interval, bad_share)


def of_one_symbol(table: "pl.DataFrame", path: Path) -> None:
    """Refuse a table that names several symbols: theirs are rows of one series only for who does not look.

    Raises:
        DataError: it holds several symbols.
    """
    import polars as pl

    for name in table.columns:
        if name.strip().lower() not in _SYMBOL:
            continue
        told = table[name].cast(pl.String, strict=False).drop_nulls().str.strip_chars()
        # A file put together of several has the header among its rows.
        found = sorted(set(told.unique()) - {"", name.strip()})
        if len(found) > 1:
            named = ", ".join(found[:_TOLD]) + (f" and {len(found) - _TOLD} more" if len(found) > _TOLD else "")
            raise DataError(f"{path} holds several symbols ({named}): give each a file of its own")


def _named(frame: "pl.DataFrame", path: Path) -> "tuple[pl.DataFrame, list[tuple[str, str]]]":
    """The columns under our names, however they are spelt, and what was taken for the open time."""
    there = {name.strip().lower().replace(" ", "_"): name for name in reversed(frame.columns)}
    taken = {
        name: next((there[one] for one in (name, *others) if one in there), name) for name, others in _ALIASES.items()
    }
    renamed = {old: new for new, old in taken.items() if old != new and new not in frame.columns}
    remarks = []
    if (old := taken["open_time"]) in renamed and old.strip().lower().replace(" ", "_") != "open_time":
        remarks.append(("named_column", f"{path.name}: column {old or 'without a name'} is taken for the open time"))
    return frame.rename(renamed, strict=False), remarks


def floats(column: "pl.Series", path: Path) -> Floats:
    """A column of numbers; what is missing or no number becomes NaN.

    Raises:
        DataError: a column that holds something else than numbers.
    """
    import numpy as np
    import polars as pl

    if not (column.dtype.is_numeric() or column.dtype == pl.String):
        raise DataError(f"{path} has no numbers in column {column.name}: it holds no candles")
    if column.dtype == pl.String:  # a comma and a space between columns
        column = column.str.strip_chars()
    if column.dtype == pl.Float32:  # the number that was meant has the fewest digits: 189.26, not 189.2599945
        column = column.cast(pl.String)
    values: Floats = column.cast(pl.Float64, strict=False).to_numpy().astype(np.float64, copy=False)
    return values


def impossible(candles: Candles) -> Mask:
    """Which rows no market can have made."""
    import numpy as np

    opens, highs, lows, closes = candles.prices
    fine: Mask = (lows > 0) & (highs < np.inf) & (candles.volumes >= 0) & (candles.volumes < np.inf)
    fine &= (lows <= opens) & (lows <= closes) & (opens <= highs) & (closes <= highs)
    fine &= candles.times > 0
    bad: Mask = ~fine
    return bad


def _without_bad(candles: Candles, path: Path, interval: Ms | None, bad_share: float) -> Candles:
    import numpy as np

    checks = [
        (
            "impossible_row",
            "impossible (NaN, not above zero, or outside its high and low)",
            impossible(candles),
        )
    ]
    if interval is not None:
        off = (candles.times % interval != 0) & ~checks[0][2]
        checks.append(("off_grid", f"off the {interval_name(interval)} grid", off))
    good = np.ones(len(candles.times), dtype=np.bool_)
    for code, words, bad in checks:
        count = int(bad.sum())
        if count == 0:
            continue
        row = int(np.argmax(bad)) + 1
        if count > bad_share * len(bad):
            raise DataError(
                f"{path}: {count} of {len(bad)} rows are {words}, the first is row {row}: fetch it again"
            )
        candles.remarks.append(
            (code, f"{path.name}: {count} of {len(bad)} rows dropped, {words}; first row {row}")
        )
        good &= ~bad
    return candles if good.all() else candles.take(good)


def joined(parts: list[Candles], symbol: str, bad_share: float) -> Candles:
    """Files of one series as one: sorted, each open time once.

    Of rows with the same open time and different values the first is kept: the earlier file, or the
    earlier row, is what was published first.

    Raises:
        DataError: more than ``bad_share`` of the rows contradict others.
    """
    import numpy as np

    series = parts[0]
    if len(parts) > 1:
        series = Candles(
            np.concatenate([part.times for part in parts]),
            (
                np.concatenate([part.prices[0] for part in parts]),
                np.concatenate([part.prices[1] for part in parts]),
                np.concatenate([part.prices[2] for part in parts]),
                np.concatenate([part.prices[3] for part in parts]),
            ),
            np.concatenate([part.volumes for part in parts]),
            [remark for part in parts for remark in part.remarks],
        )
    # Files may be named in any order; only rows out of order within one deserve a note.
    unsorted = sum(int((np.diff(part.times) < 0).sum()) for part in parts)
    if unsorted:
        series.remarks.append(
            ("unsorted", f"rows were out of order in {unsorted} places and have been sorted")
        )
    if (np.diff(series.times) < 0).any():
        series = series.take(np.argsort(series.times, kind="stable"))
    return _each_once(series, symbol, bad_share)


def _each_once(series: Candles, symbol: str, bad_share: float) -> Candles:
    import numpy as np

    first = np.ones(len(series.times), dtype=np.bool_)
    first[1:] = series.times[1:] != series.times[:-1]
    repeated = np.flatnonzero(~first)
    if not len(repeated):
        return series
    kept = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))[repeated]
    differs = series.volumes[repeated] != series.volumes[kept]
    for column in series.prices:
        differs |= column[repeated] != column[kept]
    conflicts = int(differs.sum())
    when = moment(int(series.times[repeated[0]]))
    if conflicts > bad_share * len(first):
        raise DataError(
            f"{symbol}: {conflicts} rows contradict another of the same open time, first {when}: give one set"
        )
    if conflicts < len(repeated):
        same = len(repeated) - conflicts
        series.remarks.append(("duplicate_row", f"{same} repeated rows dropped, first {when}"))
    if conflicts:
        series.remarks.append(
            ("conflicting_row", f"{conflicts} rows contradict one before them, the first was kept")
        )
    return series.take(first)


def of_one_interval(parts: Sequence[Candles], paths: Sequence[Path], symbol: str) -> None:
    """Refuse files of one series whose rows lie differently far apart: joined, the farther ones would look like holes.

    Raises:
        DataError: the files are of several intervals.
    """
    import numpy as np

    found: dict[Ms, Path] = {}
    for part, path in zip(parts, paths, strict=True) if len(parts) > 1 else ():
        times = np.unique(part.times)
        if len(times) >= _TELLING:
            found.setdefault(_commonest(np.diff(times)), path)
    if len(found) > 1:
        told = " and ".join(f"{path.name} every {interval_name(length)}" for length, path in sorted(found.items()))
        raise DataError(f"{symbol} has files of several intervals, {told}: give those of one")


def _commonest(steps: Times) -> Ms:
    import numpy as np

    lengths, counts = np.unique(steps, return_counts=True)
    return int(lengths[np.argmax(counts)])


def spacing(series: Candles, symbol: str, said: Ms | None) -> Ms:
    """The series' interval: the commonest distance of its rows, which must be what was said of it.

    Raises:
        DataError: no base interval, or another than the path or --interval said.
    """
    if len(series.times) < 2:
        if said is None:
            raise DataError(f"{symbol} has a single row, so its interval is unknown: name it with --interval")
        return said
    length = _commonest(series.times[1:] - series.times[:-1])
    if said is not None and length != said:
        raise DataError(
            f"{symbol} is said to be {interval_name(said)} but its rows are {interval_name(length)} apart: "
            "name the right interval with --interval"
        )
    if length not in BASE_INTERVALS.values():
        raise DataError(
            f"{symbol}'s rows are {interval_name(length)} apart, which builds no decision hour: "
            f"give candles of {', '.join(BASE_INTERVALS)}"
        )
    return length
