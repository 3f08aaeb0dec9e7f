"""Questions to the projections, the same for the writer and for a read-only reader.

Lists are newest first and bounded by ``limit``; ``each_...`` walk a range oldest first without holding it.
"""

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TypeVar

import msgspec

from gridbot_tui.engine.actions import StartFact
from gridbot_tui.engine.events import CashKind
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import NewOrder, OrderState
from gridbot_tui.store import rows
from gridbot_tui.store.errors import classed, damaged
from gridbot_tui.store.identity import Identity
from gridbot_tui.strategy.plan import GridPlan, Weights
from gridbot_tui.units import ClientId, Ms, Side, Symbol

AUDIT_HEAD: Final = "audit_head"
"""Name of the small value that says where the audit trail ended when it was last written, as ``number:hash``."""
TABLES_AT: Final = "tables_at"
"""Name of the small value that says up to which journal entry the tables are; none where they never lag behind."""
_NUMBERED: Final = ("orders", "fills", "cash", "weights", "decisions", "plans")
_SHOWN: Final = "SELECT max(seq) FROM (SELECT min(seq) - 1 AS seq FROM journal UNION ALL {})".format(
    " UNION ALL ".join(f"SELECT max(seq) FROM {table}" for table in _NUMBERED)
)
"""The last journal entry that is in a table or was let go of: entries before it are in the tables, too."""
_FOREVER: Final = 1 << 62
_PAGE: Final = 1_000
_order_of: Final = msgspec.json.Decoder(NewOrder).decode
_plan_of: Final = msgspec.json.Decoder(GridPlan).decode
_evidence_of: Final = msgspec.json.Decoder(tuple[tuple[str, float], ...]).decode
_instrument_of: Final = msgspec.json.Decoder(Instrument).decode
_start_of: Final = msgspec.json.Decoder(StartFact).decode
_identity_of: Final = msgspec.json.Decoder(Identity).decode
_UNREADABLE: Final = (msgspec.MsgspecError, ArithmeticError, ValueError, TypeError)
T = TypeVar("T")
R = TypeVar("R")

_ORDER: Final = """SELECT seq, body, state, open, max(reported, executed), exchange_id, code, detail,
    updated_at
    FROM orders"""
_FILL: Final = """SELECT f.seq, f.at, f.symbol, f.client_id, f.trade_id, f.side, f.price, f.steps, f.fee,
    f.fee_asset, f.maker, f.realised, f.ours, f.forced, f.grid_profit, f.cycles, coalesce(o.purpose, ''), f.quote
    FROM fills f LEFT JOIN orders o ON o.client_id = f.client_id"""
_CASH: Final = "SELECT seq, at, cash_id, kind, asset, amount, symbol FROM cash"
_EQUITY: Final = "SELECT at, equity, wallet, nav, drawdown, tier, leverage, residual FROM equity"


class Queries:
    """Read access; ``Store`` and ``Reader`` are this with a connection."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        """Ask ``connection``, an open file of the current version at ``path``."""
        self._connection = connection
        self.path = path

    def _all(self, sql: str, values: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
        try:
            return self._connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise classed(error, self.path) from error

    def _one(self, sql: str, values: tuple[Any, ...] = ()) -> tuple[Any, ...] | None:
        found = self._all(sql, values)
        return found[0] if found else None

    def _latest(self, select: str, key: str, symbol: Symbol | None, limit: int) -> list[tuple[Any, ...]]:
        """Newest rows first, of one symbol or of all."""
        if symbol is None:
            return self._all(f"{select} ORDER BY {key} DESC LIMIT ?", (limit,))
        where = key.replace("seq", "symbol")
        return self._all(f"{select} WHERE {where} = ? ORDER BY {key} DESC LIMIT ?", (symbol, limit))

    def _made(self, make: Callable[[R], T], found: Iterable[R]) -> Iterator[T]:
        """What rows mean; one that means nothing is damage that SQLite cannot see."""
        for row in found:
            try:
                made = make(row)
            except _UNREADABLE as error:
                raise damaged(self.path, f"a row cannot be read: {error or type(error).__name__}") from error
            yield made

    def _pages(
        self, select: str, key: str, at: str, since: Ms, until: Ms | None
    ) -> Iterator[tuple[Any, ...]]:
        """Rows with ``since <= at < until`` in the order they were written, a page at a time."""
        last = -1
        end = _FOREVER if until is None else until
        sql = f"{select} WHERE {key} > ? AND {at} >= ? AND {at} < ? ORDER BY {key} LIMIT {_PAGE}"
        while page := self._all(sql, (last, since, end)):
            yield from page
            last = page[-1][0]

    def _pages_in_time(
        self, select: str, key: str, at: str, since: Ms, until: Ms | None
    ) -> Iterator[tuple[Any, ...]]:
        """As ``_pages``, in order of time: a start books what it has missed a symbol after the other. ``at`` has an
        index, and is the second column of ``select``."""
        last = (since, -1)
        end = _FOREVER if until is None else until
        sql = f"{select} WHERE ({at}, {key}) > (?, ?) AND {at} < ? ORDER BY {at}, {key} LIMIT {_PAGE}"
        while page := self._all(sql, (*last, end)):
            yield from page
            last = (page[-1][1], page[-1][0])

    # -- orders and fills ------------------------------------------------------------------------------

    def orders(self, symbol: Symbol | None = None, *, limit: int = 200) -> list[rows.OrderRow]:
        """Our orders, newest first."""
        return list(self._made(_order_row, self._latest(_ORDER, "seq", symbol, limit)))

    def order(self, client_id: ClientId) -> rows.OrderRow | None:
        """One order of ours."""
        row = self._one(f"{_ORDER} WHERE client_id = ?", (client_id,))
        return None if row is None else next(self._made(_order_row, [row]))

    def open_orders(self) -> list[rows.OrderRow]:
        """Every order that may still stand, in the order they were intended."""
        return list(self._made(_order_row, self._all(f"{_ORDER} WHERE open = 1 ORDER BY seq")))

    def each_order(self, since: Ms = 0, until: Ms | None = None) -> Iterator[rows.OrderRow]:
        """Orders intended in a range of time, oldest first."""
        return self._made(_order_row, self._pages(_ORDER, "seq", "at", since, until))

    def fills(self, symbol: Symbol | None = None, *, limit: int = 200) -> list[rows.FillRow]:
        """Fills, newest first."""
        return list(self._made(_fill_row, self._latest(_FILL, "f.seq", symbol, limit)))

    def each_fill(self, since: Ms = 0, until: Ms | None = None) -> Iterator[rows.FillRow]:
        """Fills of a range of time, oldest first."""
        return self._made(_fill_row, self._pages_in_time(_FILL, "f.seq", "f.at", since, until))

    def last_trades(self) -> dict[Symbol, tuple[str, Ms]]:
        """The highest trade id booked of each symbol, however long ago, and when it was traded."""
        found = self._all("SELECT symbol, trade_id, at FROM last_trades ORDER BY symbol")
        return {symbol: (trade_id, at) for symbol, trade_id, at in found}

    # -- money -----------------------------------------------------------------------------------------

    def cash(self, *, limit: int = 200) -> list[rows.CashRow]:
        """Wallet changes other than fills, newest first."""
        return list(self._made(_cash_row, self._latest(_CASH, "seq", None, limit)))

    def each_cash(self, since: Ms = 0, until: Ms | None = None) -> Iterator[rows.CashRow]:
        """Wallet changes of a range of time, oldest first."""
        return self._made(_cash_row, self._pages_in_time(_CASH, "seq", "at", since, until))

    def last_cash_at(self) -> Ms | None:
        """Time of the latest wallet change booked; None where there was none."""
        row = self._one("SELECT max(at) FROM cash")
        return None if row is None else row[0]

    def equity(self, since: Ms = 0, max_points: int = 500) -> list[rows.EquityRow]:
        """The equity curve from ``since`` on, oldest first, thinned to the last point of equal stretches."""
        span = self._one("SELECT min(at), max(at) FROM equity WHERE at >= ?", (since,))
        if span is None or span[0] is None:
            return []
        first, last = span
        width = (last - first) // max(1, max_points) + 1
        # SQLite takes the bare columns from the row of max(at): the last of its stretch.
        thinned = _EQUITY.replace("SELECT at", "SELECT max(at)")
        found = self._all(f"{thinned} WHERE at >= ? GROUP BY (at - ?) / ? ORDER BY 1", (since, first, width))
        return list(self._made(_equity_row, found))

    # -- what was decided ------------------------------------------------------------------------------

    def weights(self, *, limit: int = 200) -> list[rows.WeightsRow]:
        """Changes of the weights, newest first."""
        sql = "SELECT seq, at, up, down, neutral, cause, evidence FROM weights ORDER BY seq DESC LIMIT ?"
        return list(self._made(_weights_row, self._all(sql, (limit,))))

    def decisions(self, symbol: Symbol | None = None, *, limit: int = 200) -> list[rows.DecisionRow]:
        """Decisions and refusals, newest first."""
        select = "SELECT seq, at, symbol, code, detail, level FROM decisions"
        return [rows.DecisionRow(*row) for row in self._latest(select, "seq", symbol, limit)]

    def plans(self, symbol: Symbol | None = None, *, limit: int = 50) -> list[rows.PlanRow]:
        """Plans, newest first."""
        found = self._latest("SELECT seq, body FROM plans", "seq", symbol, limit)
        return list(self._made(_plan_row, found))

    def plan(self, symbol: Symbol) -> GridPlan | None:
        """The latest plan of a symbol."""
        found = self.plans(symbol, limit=1)
        return found[0].plan if found else None

    def modes(self) -> list[rows.ModeRow]:
        """Operating intents in force: pauses, latches, a shutdown under way."""
        found = self._all("SELECT name, symbol, value, at FROM modes ORDER BY name, symbol")
        return [rows.ModeRow(*row) for row in found]

    # -- settings, commands, instruments ---------------------------------------------------------------

    def get_meta(self, key: str) -> str | None:
        """A small value kept by name."""
        row = self._one("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else row[0]

    def meta_as(self, key: str, make: Callable[[str], T]) -> T | None:
        """What a small value kept by name means; None where there is none.

        Raises:
            StoreDamaged: it means nothing to ``make``.
        """
        known = self.get_meta(key)
        return None if known is None else next(self._made(make, [known]))

    def whose(self) -> Identity | None:
        """Whose state it is; None where nobody has said so yet."""
        return self.meta_as("identity", _identity_of)

    def tables_at(self) -> int | None:
        """The journal entry up to which the tables are; None where they never lag behind.

        An older gridbot wrote both at once and noted nothing: after one that went on with the file they are further.
        """
        known, shown = self.meta_as(TABLES_AT, int), self._one(_SHOWN)
        return known if known is None or shown is None or shown[0] is None else max(known, shown[0])

    def behind(self) -> int:
        """Journal entries that the tables do not show yet."""
        known, row = self.tables_at(), self._one("SELECT max(seq) FROM journal")
        return 0 if known is None or row is None or row[0] is None else max(0, row[0] - known)

    def is_whole(self) -> bool:
        """True while the journal begins with its first entry: none was let go of yet."""
        return self._one("SELECT min(seq) FROM journal") == (1,)

    def ledger_start(self) -> StartFact | None:
        """When and with what the ledger of this profile began."""
        return self.meta_as("ledger_start", _start_of)

    def configs(self, *, limit: int = 50) -> list[rows.ConfigRow]:
        """Config versions, newest first."""
        sql = "SELECT version, at, source, text FROM config_versions ORDER BY version DESC LIMIT ?"
        return [rows.ConfigRow(*row) for row in self._all(sql, (limit,))]

    def command(self, command_id: str) -> rows.CommandRow | None:
        """A command received before, with its outcome."""
        row = self._one("SELECT id, at, kind, body, outcome FROM commands WHERE id = ?", (command_id,))
        return None if row is None else rows.CommandRow(*row)

    def commands(self, *, open_only: bool = False, limit: int = 50) -> list[rows.CommandRow]:
        """Commands received, newest first; ``open_only``: those that have not converged."""
        where = "WHERE outcome IS NULL" if open_only else ""
        sql = f"SELECT id, at, kind, body, outcome FROM commands {where} ORDER BY at DESC, rowid DESC LIMIT ?"
        return [rows.CommandRow(*row) for row in self._all(sql, (limit,))]

    def instruments(self) -> list[tuple[Ms, Instrument]]:
        """Every instrument as it was, with since when; by symbol, then oldest first."""
        found = self._all("SELECT symbol, since, body FROM instruments ORDER BY symbol, since")
        return list(self._made(lambda row: (row[1], _instrument_of(row[2])), found))

    def size(self) -> int:
        """Bytes of the file itself, without its WAL."""
        pages = self._one("PRAGMA page_count")
        page = self._one("PRAGMA page_size")
        return int(pages[0]) * int(page[0]) if pages and page else 0

    def check(self) -> None:
        """Read the whole file; raise StoreDamaged where SQLite finds it inconsistent (for ``doctor``)."""
        found = [row[0] for row in self._all("PRAGMA quick_check(3)")]
        if found != ["ok"]:
            raise damaged(self.path, "; ".join(found))


def _weights_row(row: tuple[Any, ...]) -> rows.WeightsRow:
    seq, at, up, down, neutral, cause, evidence = row
    return rows.WeightsRow(seq, at, Weights(up, down, neutral), cause, _evidence_of(evidence))


def _plan_row(row: tuple[Any, ...]) -> rows.PlanRow:
    seq, body = row
    return rows.PlanRow(seq, _plan_of(body))


def _order_row(row: tuple[Any, ...]) -> rows.OrderRow:
    seq, body, state, is_open, filled, exchange_id, code, detail, updated_at = row
    order = _order_of(body)
    return rows.OrderRow(
        seq, order, OrderState(state), bool(is_open), filled, exchange_id, code, detail, updated_at
    )


def _fill_row(row: tuple[Any, ...]) -> rows.FillRow:
    (
        seq,
        at,
        symbol,
        client_id,
        trade_id,
        side,
        price,
        steps,
        fee,
        fee_asset,
        maker,
        realised,
        ours,
        forced,
    ) = row[:14]
    profit, cycles, purpose, quote = row[14:]
    return rows.FillRow(
        seq, at, symbol, client_id, trade_id, Side(side), price, steps, Decimal(fee), fee_asset, bool(maker),
        Decimal(realised), bool(ours), forced, Decimal(profit), cycles, purpose,
        None if quote is None else Decimal(quote),
    )  # fmt: skip


def _cash_row(row: tuple[Any, ...]) -> rows.CashRow:
    seq, at, cash_id, kind, asset, amount, symbol = row
    return rows.CashRow(seq, at, cash_id, CashKind(kind), asset, Decimal(amount), symbol)


def _equity_row(row: tuple[Any, ...]) -> rows.EquityRow:
    at, equity, wallet, nav, drawdown, tier, leverage, residual = row
    return rows.EquityRow(
        at, Decimal(equity), Decimal(wallet), Decimal(nav), drawdown, tier, leverage, Decimal(residual)
    )
