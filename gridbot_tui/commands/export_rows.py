"""The rows of an export, as one stream: exact decimals, times in ms and ISO, one row a thing."""

import csv
import io
import json
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from heapq import merge
from pathlib import Path
from typing import Any

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.chain import Head
from gridbot_tui.ops.verify import files_of
from gridbot_tui.store.errors import StoreDamaged, StoreUnavailable
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.store.reader import Reader, reading
from gridbot_tui.store.rows import CashRow, FillRow
from gridbot_tui.units import Market, Ms, Side, Symbol, plain

Row = dict[str, Any]


class Instruments:
    """Instruments by symbol and time: ticks mean nothing without the filter of their time."""

    def __init__(self, history: Iterable[tuple[Ms, Instrument]]) -> None:
        self._by: dict[Symbol, tuple[list[Ms], list[Instrument]]] = {}
        for since, instrument in sorted(history, key=lambda item: item[0]):
            times, found = self._by.setdefault(instrument.symbol, ([], []))
            times.append(since)
            found.append(instrument)

    def at(self, symbol: Symbol, at: Ms) -> Instrument:
        """The one in force; the first one for what was before it."""
        if symbol not in self._by:
            raise StoreDamaged(f"the state file holds no instrument for {symbol}: its prices cannot be told")
        times, found = self._by[symbol]
        return found[max(0, bisect_right(times, at) - 1)]


def trades(reader: Reader) -> Iterator[Row]:
    """A row a fill."""
    instruments = Instruments(reader.instruments())
    for fill in reader.each_fill():
        instrument = instruments.at(fill.symbol, fill.at)
        yield {
            **_time(fill.at),
            "symbol": fill.symbol,
            "side": fill.side.name.lower(),
            "price": plain(instrument.price(fill.price)),
            "quantity": plain(instrument.quantity(fill.steps)),
            "fee": plain(fill.fee),
            "fee_asset": fill.fee_asset,
            "maker": fill.maker,
            # The exchange's own figure, and on spot it has none: 0 would contradict what the lots earned.
            "realised": None if instrument.market is Market.SPOT else plain(fill.realised),
            "grid_profit": plain(fill.grid_profit),
            "cycles": fill.cycles,
            "purpose": fill.purpose,
            "ours": fill.ours,
            "forced": fill.forced,
            "client_id": fill.client_id,
            "trade_id": fill.trade_id,
        }


def orders(reader: Reader) -> Iterator[Row]:
    """A row an order."""
    instruments = Instruments(reader.instruments())
    for row in reader.each_order():
        order = row.order
        instrument = instruments.at(order.symbol, order.created_at)
        yield {
            **_time(order.created_at),
            "symbol": order.symbol,
            "client_id": order.client_id,
            "side": order.side.name.lower(),
            "kind": order.kind.value,
            "price": None if order.price is None else plain(instrument.price(order.price)),
            "trigger": None if order.trigger is None else plain(instrument.price(order.trigger)),
            "quantity": plain(instrument.quantity(order.steps)),
            "filled": plain(instrument.quantity(row.filled)),
            "state": row.state.value,
            "purpose": order.purpose.value,
            "post_only": order.post_only,
            "reduce_only": order.reduce_only,
            "exchange_id": row.exchange_id,
            "code": row.code,
            "detail": row.detail,
            "updated_at": row.updated_at,
        }


def ledger(reader: Reader) -> Iterator[Row]:
    """The opening balances, then a row a change of a balance, fills and cash in order of time."""
    instruments = Instruments(reader.instruments())
    start = reader.ledger_start()
    if start is not None:
        about = {"symbol": "", "id": ""}
        for asset, amount in sorted(start.balances.items()):
            if amount:
                yield _change(start.at, asset, "start", amount, about)
    fills = (change for fill in reader.each_fill() for change in _of_fill(fill, instruments))
    cash = (_of_cash(row) for row in reader.each_cash())
    yield from merge(fills, cash, key=lambda row: row["at"])


def audit(path: Path) -> Iterator[Row]:
    """A row a line of the trail, oldest first, as it stands there."""
    for file in files_of(path):
        with file.open("rb") as opened:
            for raw in opened:
                if raw.endswith(b"\n"):
                    yield _audited(raw, file)


def _audited(raw: bytes, file: Path) -> Row:
    try:
        line = json.loads(raw)
        return {**_time(line["at"]), **{key: line[key] for key in line if key != "at"}}
    except (ValueError, LookupError, TypeError, OverflowError) as error:
        text = f"{file}: a line is none of the trail's; 'gridbot export audit --verify' says which was changed"
        raise CommandFailed(text, Exit.FAILED) from error


def audit_anchor(database: Path) -> Head | None:
    """What the state file knows of the trail's end; None where there is no state file or it knows nothing."""
    try:
        with reading(database) as reader:
            return reader.meta_as(AUDIT_HEAD, Head.parse)
    except StoreUnavailable:
        return None


def as_csv(rows: Iterable[Row]) -> Iterator[str]:
    """Lines of CSV under a head; nothing at all where there are no rows."""
    names: list[str] = []
    for row in rows:
        if not names:
            names = list(row)
            yield _csv_line(names)
        yield _csv_line([_cell(row.get(name)) for name in names])


def as_json(rows: Iterable[Row]) -> Iterator[str]:
    """One JSON array, a row a line."""
    yield "["
    for number, row in enumerate(rows):
        yield ("," if number else "") + "\n" + json.dumps(row, ensure_ascii=False)
    yield "\n]\n"


def _of_fill(fill: FillRow, instruments: Instruments) -> Iterator[Row]:
    instrument = instruments.at(fill.symbol, fill.at)
    about = {"symbol": fill.symbol, "id": fill.trade_id}
    if instrument.market is Market.SPOT:
        sign = 1 if fill.side is Side.BUY else -1
        quantity = instrument.quantity(fill.steps)
        value = instrument.notional(fill.price, fill.steps) if fill.quote is None else fill.quote
        yield _change(fill.at, instrument.base, "trade", sign * abs(quantity), about)
        yield _change(fill.at, instrument.quote, "trade", -sign * abs(value), about)
    elif fill.realised:
        yield _change(fill.at, instrument.quote, "realised", fill.realised, about)
    if fill.fee:
        yield _change(fill.at, fill.fee_asset, "fee", -fill.fee, about)


def _of_cash(row: CashRow) -> Row:
    return _change(row.at, row.asset, row.kind.value, row.amount, {"symbol": row.symbol, "id": row.cash_id})


def _change(at: Ms, asset: str, kind: str, amount: Decimal, about: Row) -> Row:
    return {**_time(at), "asset": asset, "kind": kind, "amount": plain(amount), **about}


def _time(at: Ms) -> Row:
    iso = datetime.fromtimestamp(at / 1000, UTC).isoformat(timespec="milliseconds")
    return {"at": at, "time": iso.replace("+00:00", "Z")}


def _csv_line(cells: list[str]) -> str:
    line = io.StringIO()
    csv.writer(line).writerow(cells)
    return line.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    text = str(value)
    # A spreadsheet runs a cell that begins like a formula; a number is none.
    return "'" + text if text[:1] in ("=", "+", "@") else text
