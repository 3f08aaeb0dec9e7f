"""The two places a piece may come from: Binance's public files, and its REST interface."""

import io
import re
import time
import zipfile
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from gridbot_tui.market.kline_csv import NOT_UNPACKED, csv_members
from gridbot_tui.research.history.fetch import Budget, Damaged, FetchFailed, get, get_json
from gridbot_tui.research.history.layout import Kind, Piece
from gridbot_tui.research.history.shelf import sha256
from gridbot_tui.units import Market

if TYPE_CHECKING:
    import polars as pl

CANDLES: Final = ("open_time", "open", "high", "low", "close", "volume")
FUNDING: Final = ("funding_time", "funding_rate")
_CSV_FUNDING: Final = ("calc_time", "funding_interval_hours", "last_funding_rate")
_MICROSECONDS: Final = 100_000_000_000_000
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
PATHS: Final = {
    (Market.FUTURES, Kind.CANDLES): ("/fapi/v1/klines", 1_500),
    (Market.FUTURES, Kind.MARK): ("/fapi/v1/markPriceKlines", 1_500),
    (Market.FUTURES, Kind.FUNDING): ("/fapi/v1/fundingRate", 1_000),
    (Market.SPOT, Kind.CANDLES): ("/api/v3/klines", 1_000),
}
"""REST path and most rows of an answer."""
PAUSE_S: Final = 0.2
"""Between two pages."""
BUDGETS: Final = {Market.FUTURES: Budget(600), Market.SPOT: Budget(1_500)}
"""A quarter of the weight an address may use in a minute: a bot that trades from here needs the rest."""


def column_of_time(kind: Kind) -> str:
    """The column a table of this kind is sorted by."""
    return "funding_time" if kind is Kind.FUNDING else "open_time"


def from_files(base: str, piece: Piece) -> tuple["pl.DataFrame", str, str]:
    """(rows, address, checksum) of a piece's zip, checked against the checksum beside it.

    Raises:
        Missing: the server has no such file.
        Damaged: it is not what its checksum says, or holds something else.
        FetchFailed: it cannot be had.
    """
    url = f"{base.rstrip('/')}/{piece.url_path}"
    told = get(f"{url}.CHECKSUM").decode("ascii", "replace").lower().split()[:1]
    if not told or not _SHA256.fullmatch(told[0]):
        raise FetchFailed(f"{url}.CHECKSUM: this is no checksum; look at what stands at that address")
    body = get(url)
    digest = sha256(body)
    if told[0] != digest:
        raise Damaged(f"{url}: the file does not match its checksum")
    return _cut(unpacked(body, piece.wish.kind, url), piece), url, digest


def unpacked(body: bytes, kind: Kind, name: str) -> "pl.DataFrame":
    """The rows of a zipped CSV, times in ms. Raises Damaged."""
    import polars as pl

    try:
        with zipfile.ZipFile(io.BytesIO(body)) as archive:
            inside = csv_members(archive)
            raw = archive.read(inside[0]) if len(inside) == 1 else b""
    except NOT_UNPACKED as wrong:
        raise Damaged(f"{name}: not a zip ({wrong})") from None
    if not raw.strip():
        raise Damaged(f"{name}: it holds no CSV of its own")
    header = not raw[:1].isdigit()
    try:
        # As text: a column that begins with whole numbers may go on with others.
        frame = pl.read_csv(io.BytesIO(raw), has_header=header, infer_schema=False, truncate_ragged_lines=True)
    except pl.exceptions.PolarsError as wrong:
        raise Damaged(f"{name}: not a CSV ({str(wrong).splitlines()[0]})") from None
    given = _CSV_FUNDING if kind is Kind.FUNDING else CANDLES
    wanted = ("calc_time", "last_funding_rate") if kind is Kind.FUNDING else CANDLES
    if not header:
        frame = frame[:, : len(given)]
        frame.columns = list(given[: frame.width])
    lacking = [one for one in wanted if one not in frame.columns]
    if lacking:
        raise Damaged(f"{name}: it lacks the column {lacking[0]}")
    made = _table(frame.select(wanted), kind)
    if frame.height and not made.height:
        raise Damaged(f"{name}: none of its rows has a time")
    return made


def from_rest(base: str, piece: Piece, sleep: Callable[[float], None] = time.sleep) -> tuple["pl.DataFrame", str, str]:
    """(rows, address, "") of a piece, page by page. Raises FetchFailed."""
    import polars as pl

    wish = piece.wish
    path, most = PATHS[wish.market, wish.kind]
    url = f"{base.rstrip('/')}{path}"
    rows: list[list[Any]] = []
    at = piece.frm
    while at < piece.to:
        params: dict[str, object] = {"symbol": wish.symbol, "startTime": at, "endTime": piece.to - 1, "limit": most}
        if wish.kind is not Kind.FUNDING:
            params["interval"] = wish.interval
        page = get_json(url, params, sleep, BUDGETS[wish.market])
        got = [_row(one, wish.kind) for one in page]
        ended = int(time.time() * 1000) - (0 if wish.kind is Kind.FUNDING else wish.step)
        fresh = [row for row in got if at <= row[0] < piece.to and row[0] <= ended]  # a bar that still runs is none
        if not fresh:
            break
        rows += fresh
        at = fresh[-1][0] + 1
        if len(page) < most:
            break
        sleep(PAUSE_S)
    columns = FUNDING if wish.kind is Kind.FUNDING else CANDLES
    schema: dict[str, Any] = {columns[0]: pl.Int64, **dict.fromkeys(columns[1:], pl.Float64)}
    return pl.DataFrame(rows, schema=schema, orient="row").unique(columns[0]), url, ""


def _row(one: Any, kind: Kind) -> list[Any]:
    """A row of an answer, as the table has it. Raises FetchFailed."""
    try:
        if kind is Kind.FUNDING:
            return [int(one["fundingTime"]), float(one["fundingRate"])]
        return [int(one[0]), *(float(value) for value in one[1:6])]
    except (TypeError, ValueError, KeyError, IndexError) as wrong:
        raise FetchFailed(f"the exchange sent a row that is none: {str(one)[:100]}") from wrong


def _table(frame: "pl.DataFrame", kind: Kind) -> "pl.DataFrame":
    """Columns of text as the store has them. A row without a time is left out, and so a gap; a price that is no number
    is none, which whoever reads the store counts as a bad row."""
    import polars as pl

    names = FUNDING if kind is Kind.FUNDING else CANDLES
    frame.columns = list(names)
    time = pl.col(names[0]).str.strip_chars().cast(pl.Int64, strict=False)
    in_ms = pl.when(time > _MICROSECONDS).then(time // 1000).otherwise(time)
    numbers = (pl.col(one).str.strip_chars().cast(pl.Float64, strict=False) for one in names[1:])
    return frame.select(in_ms.alias(names[0]), *numbers).filter(pl.col(names[0]).is_not_null()).unique(names[0])


def _cut(frame: "pl.DataFrame", piece: Piece) -> "pl.DataFrame":
    """Rows of the piece's own time: a stray one belongs to another file."""
    import polars as pl

    time = pl.col(column_of_time(piece.wish.kind))
    return frame.filter((time >= piece.frm) & (time < piece.to))
