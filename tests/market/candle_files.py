"""Small recorded files for the tests of this room."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from gridbot_tui.units import MINUTE

T0 = 1_746_316_800_000  # 2025-05-04 00:00 UTC

Row = tuple[int, float, float, float, float, float]


def rows(count: int, *, start: int = T0, interval: int = MINUTE, price: float = 100.0) -> list[Row]:
    """A gentle saw-tooth, every row possible."""
    result = []
    for i in range(count):
        o, c = price + (i % 7) * 0.1, price + ((i + 1) % 7) * 0.1
        high, low = round(max(o, c) + 0.2, 4), round(min(o, c) - 0.2, 4)
        result.append((start + i * interval, round(o, 4), high, low, round(c, 4), 1.5 + i))
    return result


def frame(data: Sequence[Row]) -> pl.DataFrame:
    names = ["open_time", "open", "high", "low", "close", "volume"]
    schema = {name: pl.Float64 if i else pl.Int64 for i, name in enumerate(names)}
    return pl.DataFrame(list(data), schema=schema, orient="row")


def parquet(root: Path, data: Sequence[Row], where: str = "um/SOLUSDT/1m", name: str = "a.parquet") -> Path:
    folder = root / where
    folder.mkdir(parents=True, exist_ok=True)
    frame(data).write_parquet(folder / name)
    return folder / name


def funding(root: Path, data: Sequence[tuple[int, float]], symbol: str = "SOLUSDT") -> None:
    folder = root / "um" / symbol / "funding"
    folder.mkdir(parents=True, exist_ok=True)
    schema = {"funding_time": pl.Int64, "funding_rate": pl.Float64}
    pl.DataFrame(list(data), schema=schema, orient="row").write_parquet(folder / "f.parquet")


def csv_text(data: Sequence[Row], *, header: bool, micro: bool) -> str:
    scale = 1000 if micro else 1
    lines = []
    if header:
        lines.append(
            "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
            "taker_buy_volume,taker_buy_quote_volume,ignore"
        )
    for at, o, h, low, c, v in data:
        lines.append(f"{at * scale},{o},{h},{low},{c},{v},{(at + MINUTE) * scale - 1},0,1,0,0,0")
    return "\n".join(lines) + "\n"
