"""Files that somebody has already fetched, taken into the store: checked, cut by month, noted with checksums."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from msgspec import Struct

from gridbot_tui.market.candles import joined, of_one_interval, read_candles, spacing
from gridbot_tui.market.clock import interval_ms, interval_name
from gridbot_tui.market.companions import read_funding
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.paths import Origin, candle_files
from gridbot_tui.research.history.layout import Kind, Wish
from gridbot_tui.research.history.shelf import Shelf, sha256
from gridbot_tui.research.history.sources import FUNDING, column_of_time
from gridbot_tui.units import Market, Symbol


class Taken(Struct):
    """What came into the store."""

    files: int = 0
    rows: int = 0
    """Candles."""
    funding: int = 0
    marks: int = 0
    """Mark price candles."""
    checked: int = 0
    """Sources whose checksum stood beside them and agreed."""
    remarks: list[tuple[str, str]] = []
    """(code, detail) of what was mended, or left."""


Key = tuple[Market, Symbol, Kind]


def take(
    shelf: Shelf,
    paths: Sequence[str],
    market: Market | None,
    symbol: Symbol | None,
    interval: str | None,
    bad_share: float,
) -> Taken:
    """Take files of candles, mark prices and funding in. Raises DataError in one sentence."""
    taken = Taken(remarks=[])
    groups: dict[Key, list[Origin]] = {}
    left = 0
    for one in candle_files(paths, others=True):
        kind = _kind(one)
        if kind is None:
            left += 1
            continue
        name = one.symbol or symbol
        if name is None:
            raise DataError(f"{one.path} does not tell its symbol: name it with --symbol")
        if symbol is not None and name != symbol:
            continue
        place = one.market or market or (None if kind is Kind.CANDLES else Market.FUTURES)
        if place is None:
            raise DataError(f"{one.path} does not tell its market: name it with --market")
        if place is Market.SPOT and kind is not Kind.CANDLES:
            raise DataError(f"{one.path} is of a future, the spot market has neither funding nor mark prices: leave it")
        taken.checked += _checked(one.path)
        groups.setdefault((place, name, kind), []).append(one)
    if left:
        taken.remarks.append(("left", f"{left} files are neither candles, mark prices nor funding, and were left"))
    if not groups:
        raise DataError(f"no candles of {symbol or 'any symbol'} in the files given: change --symbol or the paths")
    for key, files in sorted(groups.items()):
        if key[2] is Kind.FUNDING:
            _take_funding(shelf, key, files, taken)
        else:
            _take_series(shelf, key, files, interval, bad_share, taken)
    return taken


def _kind(one: Origin) -> Kind | None:
    """What a file holds by its place; None for what the store does not keep."""
    other = one.other.lower()
    if other.startswith("funding"):
        return Kind.FUNDING
    if other.startswith("mark"):
        return Kind.MARK
    return None if other else Kind.CANDLES


def _take_series(
    shelf: Shelf, key: Key, files: list[Origin], interval: str | None, share: float, taken: Taken
) -> None:
    market, symbol, kind = key
    candles_too = kind is Kind.CANDLES
    by_interval: dict[str | None, list[Origin]] = {}
    for one in files:
        told = one.interval or (one.other.removeprefix("mark_") if one.other.startswith("mark_") else None)
        by_interval.setdefault(interval or told, []).append(one)
    for told, parts in by_interval.items():
        length = None if told is None else interval_ms(told)
        rows = [read_candles(one.path, length, share, volumes=candles_too) for one in parts]
        of_one_interval(rows, [one.path for one in parts], symbol)
        candles = joined(rows, symbol, share)
        length = spacing(candles, symbol, length)
        taken.remarks += [(code, f"{symbol}: {detail}") for code, detail in candles.remarks]
        opens, highs, lows, closes = candles.prices
        columns = {"open_time": candles.times, "open": opens, "high": highs, "low": lows, "close": closes}
        frame = pl.DataFrame({**columns, "volume": candles.volumes})
        _put(shelf, Wish(market, symbol, kind, interval_name(length)), frame, parts, taken)
        if candles_too:
            taken.rows += frame.height
        else:
            taken.marks += frame.height


def _take_funding(shelf: Shelf, key: Key, files: list[Origin], taken: Taken) -> None:
    read = [read_funding(one.path) for one in files]
    columns = [np.concatenate(parts) for parts in zip(*read, strict=True)]
    whole = pl.DataFrame(dict(zip(FUNDING, columns, strict=True)))
    frame = whole.filter((pl.col(FUNDING[0]) > 0) & pl.col(FUNDING[1]).is_finite()).unique(FUNDING[0], keep="first")
    if not frame.height:
        raise DataError(f"{files[0].path} holds no funding: fetch it again")
    if lost := whole.height - frame.height:
        taken.remarks.append(("funding", f"{key[1]}: {lost} funding rows left out: repeated, or no number"))
    _put(shelf, Wish(key[0], key[1], Kind.FUNDING), frame, files, taken)
    taken.funding += frame.height


def _put(shelf: Shelf, wish: Wish, frame: pl.DataFrame, files: Sequence[Origin], taken: Taken) -> None:
    """Into the months that it holds, beside what the store has of them."""
    column = column_of_time(wish.kind)
    for month, part in _by_month(frame, column).items():
        path = wish.folder / f"{month}.parquet"
        source = ", ".join(one.path.name for one in files)[:200]
        whole, replaced = _merged(shelf, path, part, column)
        if replaced:
            taken.remarks.append(("replaced_row", f"{path}: {replaced} rows had other values, the new ones stand"))
        shelf.put(path, whole, column, source)
        taken.files += 1


def _by_month(frame: pl.DataFrame, column: str) -> dict[str, pl.DataFrame]:
    months = [datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m") for at in frame[column].to_list()]
    named = frame.with_columns(pl.Series("month", months))
    return {str(key[0]): part.drop("month") for key, part in named.group_by("month", maintain_order=True)}


def _merged(shelf: Shelf, path: Path, rows: pl.DataFrame, column: str) -> tuple[pl.DataFrame, int]:
    """With what the store has of that month; a row that both have is the new one. Last how many of these had other
    values. Raises DataError."""
    before = shelf.root / path
    if not before.exists():
        return rows, 0
    try:
        kept = pl.read_parquet(before).select(rows.columns)
        differ = [pl.col(name) != pl.col(f"{name}_new") for name in rows.columns if name != column]
        replaced = kept.join(rows, on=column, suffix="_new").filter(pl.any_horizontal(differ)).height
        return pl.concat([kept, rows]).unique(column, keep="last"), replaced
    except pl.exceptions.PolarsError as wrong:
        raise DataError(f"{before} of the store is damaged: remove it, then import or download again") from wrong


def _checked(path: Path) -> bool:
    """True where a checksum lies beside the file and agrees. Raises DataError where it does not."""
    beside = path.with_name(f"{path.name}.CHECKSUM")
    if not beside.exists():
        return False
    told = beside.read_text(encoding="utf-8", errors="replace").split()
    if not told or told[0].lower() != sha256(path.read_bytes()):
        raise DataError(f"{path} does not match {beside.name}: fetch it again")
    return True
