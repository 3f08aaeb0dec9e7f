"""Columns of times as milliseconds: whole or broken numbers since 1970 in s, ms, us or ns, dates, and dates as text."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridbot_tui.market.errors import DataError
from gridbot_tui.units import DAY

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import polars as pl

    Times = npt.NDArray[np.int64]
else:
    Times = Any

UNKNOWN: Final = -1
_EARLIEST: Final = 14_000 * DAY
_LATEST: Final = 50_000 * DAY
"""2008 to 2106: within it the four units are a thousand times apart and cannot be taken for one another."""
_SECONDS: Final = 10_000_000_000
_MICROSECONDS: Final = 100_000_000_000_000
_NANOSECONDS: Final = 100_000_000_000_000_000
_SHAPES: Final = ("%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M")
_UTC: Final = r"(?:Z|\s*UTC|[+-]00:?00)$"


def times_ms(column: "pl.Series", path: Path) -> Times:
    """A column of times as ms; unreadable ones become -1.

    Raises:
        DataError: a column without a single time, or numbers that are of no unit since 1970.
    """
    import numpy as np
    import polars as pl

    if column.dtype in (pl.Time, pl.Duration):
        raise DataError(f"{path} has times of day in {column.name}, and no date with them: convert it")
    if not (column.dtype.is_numeric() or column.dtype.is_temporal() or column.dtype in (pl.String, pl.Null)):
        raise DataError(f"{path} has {column.name} of type {column.dtype}, neither numbers, dates nor text: convert it")
    if column.dtype.is_temporal():
        column = (
            column.dt.epoch("ms")
            if column.dtype != pl.Date
            else column.cast(pl.Datetime("ms")).dt.epoch("ms")
        )
    times: Times = _whole(column).fill_null(UNKNOWN).to_numpy().astype(np.int64)
    if len(times) and (times == UNKNOWN).all():
        raise DataError(
            f"{path} has {column.name} {column[0]!r}, neither a number since 1970 nor a date in UTC such as "
            "2025-01-31 08:00:00: convert it"
        )
    times = np.where((times >= 0) & (times < _SECONDS), times * 1_000, times)
    times = np.where(times > _NANOSECONDS, times // 1_000_000, times)
    times = np.where(times > _MICROSECONDS, times // 1_000, times)
    known = times[times != UNKNOWN]
    if len(known) and (known.min() <= _EARLIEST or known.max() >= _LATEST):
        odd = int(known.min()) if known.min() <= _EARLIEST else int(known.max())
        raise DataError(
            f"{path} has {column.name} {odd}, neither seconds, milliseconds, microseconds nor nanoseconds since "
            "1970: convert it"
        )
    return times


def _whole(column: "pl.Series") -> "pl.Series":
    """Whole numbers; text may be numbers, broken ones too, or dates. Null where it is none of them."""
    import polars as pl

    numbers = column.cast(pl.Int64, strict=False) if not column.dtype.is_float() else _rounded(column)
    if column.dtype != pl.String or not numbers.null_count():
        return numbers
    text = column.str.strip_chars()
    for read in (_rounded(text.cast(pl.Float64, strict=False)), *_dates(text)):
        numbers = numbers.fill_null(read)
    return numbers


def _rounded(column: "pl.Series") -> "pl.Series":
    import polars as pl

    return column.fill_nan(None).round().cast(pl.Int64, strict=False)


def _dates(text: "pl.Series") -> "list[pl.Series]":
    """Dates with a time of day, UTC, as ms; a moment of another zone is not guessed at."""
    plain = text.str.replace(_UTC, "").str.replace("T", " ", literal=True)
    return [plain.str.to_datetime(shape, time_unit="ms", strict=False).dt.epoch("ms") for shape in _SHAPES]
