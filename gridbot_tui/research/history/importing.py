"""Files that somebody has already fetched, taken into the store: checked, cut by month, noted with checksums."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
from msgspec import Struct

from gridbot_tui.market.candles import joined, of_one_interval, read_candles, spacing
from gridbot_tui.market.clock import interval_ms, interval_name
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.paths import Origin, candle_files
from gridbot_tui.research.history.layout import FOLDERS
from gridbot_tui.research.history.shelf import Shelf, sha256
from gridbot_tui.units import Market, Symbol


class Taken(Struct):
    """What came into the store."""

    files: int = 0
    rows: int = 0
    checked: int = 0
    """Sources whose checksum stood beside them and agreed."""
    remarks: list[tuple[str, str]] = []
    """(code, detail) of what was mended."""


def take(
    shelf: Shelf,
    paths: Sequence[str],
    market: Market | None,
    symbol: Symbol | None,
    interval: str | None,
    bad_share: float,
) -> Taken:
    """Take candle files in. Raises DataError in one sentence."""
    taken = Taken(remarks=[])
    groups: dict[tuple[Market, Symbol], list[Origin]] = {}
    for one in candle_files(paths):
        name = one.symbol or symbol
        if name is None:
            raise DataError(f"{one.path} does not tell its symbol: name it with --symbol")
        if symbol is not None and name != symbol:
            continue
        place = one.market or market
        if place is None:
            raise DataError(f"{one.path} does not tell its market: name it with --market")
        taken.checked += _checked(one.path)
        groups.setdefault((place, name), []).append(one)
    if not groups:
        raise DataError(f"no candles of {symbol} in the files given: change --symbol or the paths")
    for (place, name), files in sorted(groups.items()):
        _take_series(shelf, place, name, files, interval, bad_share, taken)
    return taken


def _take_series(
    shelf: Shelf, market: Market, symbol: Symbol, files: list[Origin], interval: str | None, share: float, taken: Taken
) -> None:
    by_interval: dict[str | None, list[Origin]] = {}
    for one in files:
        by_interval.setdefault(interval or one.interval, []).append(one)
    for told, parts in by_interval.items():
        length = None if told is None else interval_ms(told)
        rows = [read_candles(one.path, length, share) for one in parts]
        of_one_interval(rows, [one.path for one in parts], symbol)
        candles = joined(rows, symbol, share)
        length = spacing(candles, symbol, length)
        taken.remarks += candles.remarks
        opens, highs, lows, closes = candles.prices
        columns = {"open_time": candles.times, "open": opens, "high": highs, "low": lows, "close": closes}
        frame = pl.DataFrame({**columns, "volume": candles.volumes})
        folder = Path(FOLDERS[market], symbol, interval_name(length))
        for month, part in _by_month(frame).items():
            path = folder / f"{month}.parquet"
            whole = _merged(shelf, path, part)
            shelf.put(path, whole, "open_time", ", ".join(one.path.name for one in parts)[:200])
            taken.files += 1
            taken.rows += part.height


def _by_month(frame: pl.DataFrame) -> dict[str, pl.DataFrame]:
    months = [datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m") for at in frame["open_time"].to_list()]
    named = frame.with_columns(pl.Series("month", months))
    return {str(key[0]): part.drop("month") for key, part in named.group_by("month", maintain_order=True)}


def _merged(shelf: Shelf, path: Path, rows: pl.DataFrame) -> pl.DataFrame:
    """With what the store has of that month; a row that both have is the new one."""
    before = shelf.root / path
    if not before.exists():
        return rows
    return pl.concat([pl.read_parquet(before).select(rows.columns), rows]).unique("open_time", keep="last")


def _checked(path: Path) -> bool:
    """True where a checksum lies beside the file and agrees. Raises DataError where it does not."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if not beside.exists():
        return False
    told = beside.read_text(encoding="utf-8", errors="replace").split()
    if not told or told[0].lower() != sha256(path.read_bytes()):
        raise DataError(f"{path} does not match {beside.name}: fetch it again")
    return True
