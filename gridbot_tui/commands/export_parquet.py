"""Rows of an export as Parquet: exact decimals stay exact, times are times."""

import io
import json
from collections.abc import Iterable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import polars as pl

DECIMALS: Final = frozenset({"price", "quantity", "fee", "realised", "grid_profit", "trigger", "filled", "amount"})
"""Columns whose text is a number. Each takes the scale that its longest value needs."""
DIGITS: Final = 38
"""Most digits of Parquet's decimals."""


def as_parquet(rows: Iterable[dict[str, Any]]) -> bytes:
    """The whole file. What is neither number, text nor truth (the body of an audit line) becomes JSON text."""
    import polars as pl

    columns: dict[str, list[Any]] = {"at": [], "time": []}
    for count, row in enumerate(rows):
        for name in row:
            if name not in columns:
                columns[name] = [None] * count
        for name, values in columns.items():
            values.append(row.get(name))
    frame = pl.DataFrame([_column(name, values) for name, values in columns.items()])
    target = io.BytesIO()
    frame.write_parquet(target)
    return target.getvalue()


def _column(name: str, values: list[Any]) -> "pl.Series":
    import polars as pl

    if name == "at":
        return pl.Series(name, values, dtype=pl.Int64)
    if name == "time":
        texts = pl.Series(name, values, dtype=pl.String)
        return texts.str.to_datetime("%Y-%m-%dT%H:%M:%S%.3fZ", time_unit="ms").dt.replace_time_zone("UTC")
    if name in DECIMALS:
        return _decimals(name, values)
    if any(isinstance(value, dict | list) for value in values):
        return pl.Series(name, [None if v is None else json.dumps(v, ensure_ascii=False) for v in values])
    return pl.Series(name, values, dtype=pl.String if all(v is None for v in values) else None)


def _decimals(name: str, values: list[Any]) -> "pl.Series":
    """Exact decimals; as text where they have more digits than Parquet keeps."""
    import polars as pl

    numbers = [None if value is None else Decimal(value) for value in values]
    known = [number for number in numbers if number is not None]
    scale = max((max(0, -int(number.as_tuple().exponent)) for number in known), default=0)
    whole = max((number.adjusted() + 1 for number in known), default=0)
    if whole + scale > DIGITS:
        return pl.Series(name, values, dtype=pl.String)
    return pl.Series(name, numbers, dtype=pl.Decimal(DIGITS, scale))
