"""What lies beside recorded candles: funding settlements and mark prices."""

from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from gridbot_tui.market.candles import floats, joined, of_one_symbol, read_candles, read_table
from gridbot_tui.market.clock import interval_name
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.kline_csv import read_csv
from gridbot_tui.market.paths import SUFFIXES
from gridbot_tui.market.source import FundingRate
from gridbot_tui.market.times import times_ms
from gridbot_tui.units import HOUR, MINUTE, Ms, Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]
else:
    Times = Floats = Any

_FUNDING_CSV: Final = ("calc_time", "funding_interval_hours", "last_funding_rate")
_FUNDING_NAMES: Final = (("fundingtime", "fundingrate"), ("calctime", "lastfundingrate"), ("timestamp", "fundingrate"))
"""Ours and those of the exchange's REST interface, its public files, and ccxt; case and underlines apart."""
_SCHEDULES: Final = (1, 2, 4, 8)
_PUBLIC: Final = ("klines", "fundingRate", "markPriceKlines")
"""Folders of Binance's public files that hold candles, funding and mark prices of all symbols, each by its own."""
_SPANS: Final = ("monthly", "daily")
_SLACK: Final = 5 * MINUTE
"""Settlements are stamped a few ms after the hour they belong to; more than this is no settlement."""
_HIGHEST: Final = 0.1
"""No settlement charges more, either way: Binance caps rates at a few per cent. A larger number is another column, or
another unit."""

Remarks = list[tuple[str, str]]


def funding_rates(folder: Path, symbol: Symbol, remarks: Remarks) -> list[FundingRate]:
    """Settlements recorded beside the candles of ``folder``, at the whole hour nearest to their stamp, ascending.

    Raises:
        DataError: a funding file that cannot be read or lacks its columns.
    """
    import numpy as np

    parts = [read_funding(path) for path in _funding_files(folder, symbol)]
    if not parts:
        return []
    stamps = np.concatenate([times for times, _ in parts])
    rates = np.concatenate([values for _, values in parts])
    at = (stamps + HOUR // 2) // HOUR * HOUR
    fine = (np.abs(stamps - at) <= _SLACK) & (np.abs(rates) <= _HIGHEST) & (stamps > 0)
    if not fine.all():
        words = f"no number, beyond {100 * _HIGHEST:g} % or not on an hour"
        remarks.append(("bad_funding", f"{int((~fine).sum())} funding rows left out: {words}"))
    times, first = np.unique(at[fine], return_index=True)
    return _scheduled(symbol, times.tolist(), rates[fine][first].tolist())


def _scheduled(symbol: Symbol, times: list[Ms], rates: list[float]) -> list[FundingRate]:
    """Rates with the schedule they belong to: hours since the one before, or the schedule so far."""
    hours = [(later - sooner) // HOUR for sooner, later in pairwise(times)]
    current = next((gap for gap in hours if gap in _SCHEDULES), 8)
    result = []
    for index, (at, rate) in enumerate(zip(times, rates, strict=True)):
        if index and hours[index - 1] in _SCHEDULES:
            current = hours[index - 1]
        result.append(FundingRate(symbol, at, rate, current))
    return result


def read_funding(path: Path) -> tuple[Times, Floats]:
    """Stamps, ms, and rates of one file as they stand there; unknown stamps are -1, unknown rates NaN.

    Raises:
        DataError: unreadable, without the columns of funding, or of several symbols.
    """
    frame = read_table(path) if path.suffix == ".parquet" else read_csv(path, _FUNDING_CSV)
    of_one_symbol(frame, path)
    there = {name.strip().lower().replace("_", "").replace(" ", ""): name for name in reversed(frame.columns)}
    for time, rate in _FUNDING_NAMES:
        if time in there and rate in there:
            return times_ms(frame[there[time]], path), floats(frame[there[rate]], path)
    raise DataError(f"{path} lacks the columns funding_time and funding_rate: it holds no funding")


def mark_prices(
    folder: Path, symbol: Symbol, interval: Ms, bad_share: float
) -> tuple[Times, Floats, Floats, Floats] | None:
    """Open times, highs, lows and closes of the mark candles beside the candles of ``folder``, if any."""
    name = interval_name(interval)
    files = [*_files(folder / f"mark_{name}"), *_published(folder, _PUBLIC[2], name)]
    if not files:
        return None
    parts = [read_candles(path, interval, bad_share, volumes=False) for path in files]
    series = joined(parts, f"{symbol} mark", bad_share)
    _, highs, lows, closes = series.prices
    return series.times, highs, lows, closes


def _funding_files(folder: Path, symbol: Symbol) -> list[Path]:
    """A folder of the symbol's own, Binance's public tree, or files that lie among the candles and tell by their
    names."""
    among = [path for path in _files(folder) if path.name.startswith(f"{symbol}-{_PUBLIC[1]}-")]
    return [*_files(folder / "funding"), *_published(folder, _PUBLIC[1]), *among]


def _published(folder: Path, kind: str, interval: str = "") -> list[Path]:
    """Files of a kind where Binance's public files have them, for candles in ``.../monthly/klines/SYMBOL``."""
    if folder.parent.name != _PUBLIC[0]:
        return []
    span = folder.parent.parent
    spans = [span.parent / name for name in _SPANS] if span.name in _SPANS else [span]
    return [path for one in spans for path in _files(one / kind / folder.name / interval)]


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [
        path
        for path in sorted(folder.iterdir())
        if path.name.endswith(SUFFIXES) and not path.name.startswith(".")
    ]
