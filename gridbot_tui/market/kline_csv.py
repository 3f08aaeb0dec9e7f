"""Binance's public kline CSVs: with or without a header, plain, gzipped or zipped."""

import gzip
import io
import zipfile
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Final

from gridbot_tui.market.errors import DataError

if TYPE_CHECKING:
    import polars as pl

KLINE_COLUMNS: Final = (
    "open_time",
    "open",
    "high",
    "low",
    "close",
    "volume",
    "close_time",
    "quote_volume",
    "count",
    "taker_buy_volume",
    "taker_buy_quote_volume",
    "ignore",
)


_SEPARATORS: Final = (",", ";", "\t")
NOT_UNPACKED: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError)
"""What unpacking raises of a damaged file; RuntimeError: a password, or a method that is not known."""


def read_csv(path: Path, columns: tuple[str, ...] = KLINE_COLUMNS) -> "pl.DataFrame":
    """The rows of a CSV as text columns; ``columns`` name them where the file has no header.

    Raises:
        DataError: the file cannot be read as CSV.
    """
    import polars as pl

    raw = unpacked(path)
    if raw[:1] in (b"\n", b"\r"):
        raw = raw.lstrip(b"\r\n")
    first = raw.partition(b"\n")[0].strip()
    if not first:
        raise DataError(f"{path} is empty: remove it or fetch it again")
    if b"\0" in first:
        raise DataError(f"{path} is not a CSV of candles: fetch it again or give another file")
    line = first.decode("utf-8-sig", "replace")
    separator = max(_SEPARATORS, key=line.count)
    fields = line.split(separator)
    # The second field: the first may be a date.
    header = not _number(fields[min(1, len(fields) - 1)].strip('" '))
    try:
        frame = pl.read_csv(
            io.BytesIO(raw),
            has_header=header,
            separator=separator,
            infer_schema=False,
            truncate_ragged_lines=True,
        )
    except (pl.exceptions.PolarsError, UnicodeDecodeError) as error:
        raise DataError(f"{path} is not a CSV of candles ({brief(error)}): fetch it again") from error
    if not header:
        names = columns[: frame.width]
        frame = frame[:, : len(names)]
        frame.columns = list(names)
    return frame


def unpacked(path: Path) -> bytes:
    """The text of a CSV, plain, gzipped or zipped.

    Raises:
        DataError: damaged, or not one CSV.
    """
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as packed:
                return packed.read()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                names = csv_members(archive)
                if len(names) != 1:
                    raise DataError(
                        f"{path} holds {len(names)} CSV files where one is expected: unpack it first"
                    )
                return archive.read(names[0])
        return path.read_bytes()
    except NOT_UNPACKED as error:
        raise DataError(f"{path} cannot be read ({brief(error)}): fetch it again") from error


def csv_members(archive: zipfile.ZipFile) -> list[str]:
    """The CSV files in an archive; what a Mac adds beside each is none."""
    return [name for name in archive.namelist() if name.lower().endswith(".csv") and "__MACOSX" not in name]


def _number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def brief(error: Exception) -> str:
    """The first line of what an error says."""
    lines = str(error).strip().splitlines()
    return lines[0][:120] if lines else type(error).__name__
