"""Recorded trades as a market: every print at its own time, price, size and side."""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from gridbot_tui.exchange.server.past import ASSUMED_RATE
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.derive import derive, off_tick
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.kline_csv import brief, unpacked
from gridbot_tui.market.paths import SUFFIXES, Origin, at_home, origin
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.units import HOUR, MINUTE, Market, Ms, Steps, Symbol, Ticks

if TYPE_CHECKING:
    import polars as pl

_FOLDER: Final = re.compile(r"(agg)?trades", re.IGNORECASE)
_NAME: Final = re.compile(r"-(agg)?trades-", re.IGNORECASE)
_COLUMNS: Final = {
    "price": "price", "p": "price", "quantity": "quantity", "qty": "quantity", "q": "quantity", "size": "quantity",
    "time": "time", "transact_time": "time", "timestamp": "time", "is_buyer_maker": "sold", "m": "sold",
    "was_the_buyer_the_maker": "sold",
}  # fmt: skip
_BARE: Final = {7: (1, 2, 5, 6), 8: (1, 2, 5, 6), 6: (1, 2, 4, 5)}
"""Places of price, quantity, time and side in files without a head, by the number of columns: aggregate trades of
futures and of spot, plain trades."""
_OFF: Final = 0.001


class Print(NamedTuple):
    """One recorded trade."""

    at: Ms
    symbol: Symbol
    price: Ticks
    steps: Steps
    taker_buys: bool


def trade_files(paths: Sequence[str]) -> tuple[list[Origin], list[str]]:
    """(files of trades, everything else): what lies in a folder ``aggtrades`` or ``trades``, or is called so.

    Raises:
        DataError: the home of a user who is not there.
    """
    found: list[Origin] = []
    others: list[str] = []
    for text in paths:
        path = at_home(text)
        files = [path] if path.is_file() else sorted(path.rglob("*")) if path.is_dir() else []
        named = [origin(f) for f in files if f.name.endswith(SUFFIXES)]
        trades = [o for o in named if _FOLDER.fullmatch(o.other) or _NAME.search(o.path.name)]
        if trades and (path.is_file() or len(trades) == len([o for o in named if not o.other or o in trades])):
            found += trades
        else:
            others.append(text)
    return found, others


class RecordedTrades:
    """A market source of recorded trades. Its bars are the minutes they make; ``prints`` are the trades themselves."""

    interval = MINUTE

    def __init__(self, files: Sequence[Origin], market: Market, known: dict[Symbol, Instrument] | None = None) -> None:
        """Reads everything.

        Raises:
            DataError: a file that is none, or says no symbol.
        """
        self._market = market
        self.instruments: dict[Symbol, Instrument] = {}
        self._known = {**builtin(market), **(known or {})}
        self._prints: list[Print] = []
        by_symbol: dict[Symbol, list[Path]] = {}
        for item in files:
            if item.symbol is None:
                raise DataError(f"{item.path} does not say its symbol: call it SYMBOL-aggTrades-2025-01-01.parquet")
            by_symbol.setdefault(item.symbol, []).append(item.path)
        for symbol, paths in sorted(by_symbol.items()):
            self._read(symbol, paths)
        self._prints.sort(key=lambda p: p.at)
        if not self._prints:
            raise DataError("the files of trades hold none")
        self._times = [p.at for p in self._prints]

    @property
    def start(self) -> Ms:
        """The minute of the first trade."""
        return self._times[0] // MINUTE * MINUTE

    @property
    def end(self) -> Ms:
        """The end of the last one's."""
        return self._times[-1] // MINUTE * MINUTE + MINUTE

    def prints(self, since: Ms, until: Ms) -> list[Print]:
        """Trades in [since, until)."""
        return self._prints[bisect_left(self._times, since) : bisect_left(self._times, until)]

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Minutes that close after a moment, those without a trade left out; funding every eight hours is assumed."""
        begin = max(self.start, after // MINUTE * MINUTE)
        while begin < self.end:
            close = begin + MINUTE
            bars = self._bars(begin, self.prints(begin, close))
            funding: tuple[FundingRate, ...] = ()
            if self._market is Market.FUTURES and close % (8 * HOUR) == 0:
                funding = tuple(FundingRate(s, close, ASSUMED_RATE, 8) for s in self.instruments)
            if bars or funding:
                yield MarketBatch(close, bars, funding)
            begin = close

    def _bars(self, begin: Ms, prints: list[Print]) -> tuple[tuple[Symbol, Bar], ...]:
        by_symbol: dict[Symbol, list[Print]] = {}
        for one in prints:
            by_symbol.setdefault(one.symbol, []).append(one)
        found = []
        for symbol, rows in sorted(by_symbol.items()):
            prices = [row.price for row in rows]
            volume = sum(row.steps for row in rows) * self.instruments[symbol].step_f
            high, low, close = max(prices), min(prices), prices[-1]
            found.append((symbol, Bar(begin, MINUTE, prices[0], high, low, close, volume, high, low, close)))
        return tuple(found)

    def _read(self, symbol: Symbol, paths: list[Path]) -> None:
        import polars as pl

        table = pl.concat([_table(path) for path in paths])
        prices = table["price"].to_numpy()
        instrument = self._known.get(symbol)
        if instrument is None or off_tick(prices, instrument.tick) > _OFF:
            instrument = derive(symbol, self._market, prices)
        self.instruments[symbol] = instrument
        tick, step = float(instrument.tick), instrument.step_f
        rows = zip(table["time"], table["price"], table["quantity"], table["sold"], strict=True)
        self._prints += [Print(at, symbol, max(1, round(price / tick)), max(1, round(quantity / step)), not sold)
                         for at, price, quantity, sold in rows]  # fmt: skip


def _table(path: Path) -> "pl.DataFrame":
    """price, quantity, time (ms) and sold (the buyer was the maker) of one file."""
    import polars as pl
    from polars.exceptions import PolarsError

    try:
        table = pl.read_parquet(path) if path.suffix == ".parquet" else _csv(path)
        if not {"price", "quantity", "time", "sold"} <= set(table.columns):
            table = _named(table)
        made = table.select(
            pl.col("price").cast(pl.Float64), pl.col("quantity").cast(pl.Float64), pl.col("time").cast(pl.Int64),
            pl.col("sold").cast(pl.String).str.to_lowercase().is_in(["true", "1"]),
        )  # fmt: skip
    except (PolarsError, OSError) as error:
        raise DataError(f"{path} cannot be read as trades: {brief(error)}") from error
    if made.height == 0 or made.null_count().sum_horizontal()[0]:
        raise DataError(f"{path} holds no trades that can be read")
    price, quantity, at = made["price"], made["quantity"], made["time"]
    if not (price.is_finite() & quantity.is_finite() & (price > 0) & (quantity >= 0) & (at > 0)).all():
        raise DataError(f"{path} has a price, a quantity or a time that is none")
    if int(made["time"][0]) > 10**14:  # microseconds, as spot files since 2025
        made = made.with_columns(pl.col("time") // 1000)
    return made.sort("time", maintain_order=True)


def _csv(path: Path) -> "pl.DataFrame":
    import polars as pl

    raw = unpacked(path)
    head = raw[:200].split(b"\n")[0]
    return pl.read_csv(raw, has_header=not head[:1].isdigit(), infer_schema_length=None)


def _named(table: "pl.DataFrame") -> "pl.DataFrame":
    """The columns under our names, by their own or by their place."""
    if "column_1" in table.columns:
        places = _BARE.get(table.width)
        if places is None:
            raise DataError(f"trades of {table.width} columns are of no known kind")
        return table.rename({table.columns[i]: n for i, n in zip(places, ("price", "quantity", "time", "sold"),
                                                                 strict=True)})  # fmt: skip
    names = {column: _COLUMNS[column.lower()] for column in table.columns if column.lower() in _COLUMNS}
    if set(names.values()) != {"price", "quantity", "time", "sold"}:
        raise DataError(f"trades need price, quantity, time and is_buyer_maker; there are {', '.join(table.columns)}")
    return table.rename(names)
