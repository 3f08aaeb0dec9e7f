"""The exchange's own durable books (``exchange.db``): what it would still know after the bot was killed.

What a step of the exchange changed is committed before anybody hears of it. Rows are written one by one
as they change; nothing is ever dumped whole.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from msgspec import Struct, json

from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.futures import Position
from gridbot_tui.exchange.simulated.history import FILLED_KEPT, TRADES_KEPT, UNFILLED_KEPT
from gridbot_tui.exchange.simulated.records import (
    AccountUpdate,
    CashRecord,
    LeverageChanged,
    Order,
    OrderUpdate,
    Trade,
    Update,
)
from gridbot_tui.exchange.simulated.rows import cash_of, cash_row, order_of, order_row, trade_of, trade_row
from gridbot_tui.exchange.simulated.schema import CASH_COLUMNS, ORDER_COLUMNS, TABLES, TRADE_COLUMNS, VERSION
from gridbot_tui.units import Asset, Money, Ms, Steps, Symbol, Ticks

_OPEN = "('NEW', 'PARTIALLY_FILLED', 'TRIGGERED')"


class _Clock(Struct):
    """Where market and counters stand: one small row, rewritten with every step."""

    at: Ms
    bar_at: Ms
    next_order_id: int
    next_trade_id: int
    next_cash_id: int
    liquidations: int
    called: bool
    prices: list[tuple[Symbol, Ticks, Ticks]]


class BooksFile:
    """One sqlite3 file, written by one World, readable by anybody meanwhile (WAL)."""

    def __init__(self, path: Path | str) -> None:
        """Open or create the file; WAL and NORMAL: a committed step survives the death of the process."""
        self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.executescript(TABLES)
        self._bulk = False
        self._last: tuple[Exchange, Ms] | None = None

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    @property
    def in_bulk(self) -> bool:
        """True inside ``bulk``: nothing of what is written now survives by itself."""
        return self._bulk

    @contextmanager
    def bulk(self) -> Iterator[None]:
        """One commit for everything inside: for long stretches that may be lost as a whole."""
        self._db.execute("BEGIN IMMEDIATE")
        self._bulk = True
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        else:
            if self._last is not None:
                self._write_clock(*self._last)
            self._db.execute("COMMIT")
        finally:
            self._bulk = False

    def open(self, exchange: Exchange, start: Ms) -> Ms:
        """Restore the exchange from the file, or enter its opening balances; returns how far the market got.

        Raises:
            ValueError: the file is of another version or market.
        """
        market = self._meta("market")
        if market is None:
            self._db.execute("BEGIN IMMEDIATE")
            rows = [("version", str(VERSION)), ("market", exchange.market.value)]
            self._db.executemany("INSERT INTO meta VALUES (?, ?)", rows)
            self._write_accounts(exchange, [])
            self._write_clock(exchange, start)
            self._db.execute("COMMIT")
            return start
        if self._meta("version") != str(VERSION) or market != exchange.market.value:
            raise ValueError(f"these books are of version {self._meta('version')}, market {market}")
        return self._restore(exchange)

    def write(self, exchange: Exchange, updates: list[Update], bar_at: Ms) -> None:
        """Commit one step: what ``updates`` tell of, and the time."""
        if not self._bulk:
            self._db.execute("BEGIN IMMEDIATE")
        if updates:
            self._write_updates(exchange, updates)
        if self._bulk:
            self._last = (exchange, bar_at)
            return
        self._write_clock(exchange, bar_at)
        self._db.execute("COMMIT")

    # -- writing ------------------------------------------------------------------------------------------

    def _write_updates(self, exchange: Exchange, updates: list[Update]) -> None:
        orders: dict[int, Order] = {}
        trades: list[Trade] = []
        cash: list[CashRecord] = []
        symbols: dict[Symbol, None] = {}
        for update in updates:
            if isinstance(update, OrderUpdate):
                orders[update.order.exchange_id] = update.order
                if update.trade is not None:
                    trades.append(update.trade)
                    symbols[update.order.symbol] = None
            elif isinstance(update, AccountUpdate):
                if update.cash is not None:
                    cash.append(update.cash)
            elif isinstance(update, LeverageChanged):
                row = (update.symbol, update.leverage)
                self._db.execute("INSERT OR REPLACE INTO leverage VALUES (?, ?)", row)
        self._insert("orders", ORDER_COLUMNS, [order_row(self._current(exchange, o)) for o in orders.values()])
        self._insert("trades", TRADE_COLUMNS, [trade_row(t) for t in trades])
        self._insert("cash", CASH_COLUMNS, [cash_row(c) for c in cash])
        self._write_accounts(exchange, list(symbols))

    @staticmethod
    def _current(exchange: Exchange, told: Order) -> Order:
        """The living order behind a told copy: news are told before an order is put on the ladder."""
        live = exchange.history.open.get(exchange.key(told.symbol, told.client_id, told.conditional))
        return live if live is not None and live.exchange_id == told.exchange_id else told

    def _insert(self, table: str, columns: str, rows: list[tuple[Any, ...]]) -> None:
        if rows:
            marks = ", ".join("?" * (columns.count(",") + 1))
            self._db.executemany(f"INSERT OR REPLACE INTO {table} ({columns}) VALUES ({marks})", rows)

    def _write_accounts(self, exchange: Exchange, symbols: list[Symbol]) -> None:
        rows = [(b.asset, str(b.wallet), str(b.locked)) for b in exchange.account.balances()]
        self._db.executemany("INSERT OR REPLACE INTO balances VALUES (?, ?, ?)", rows)
        if exchange.futures is not None:
            held = [(symbol, exchange.futures.held[symbol]) for symbol in symbols]
            changed = [(symbol, p.steps, str(p.cost), str(p.realised)) for symbol, p in held]
            self._db.executemany("INSERT OR REPLACE INTO positions VALUES (?, ?, ?, ?)", changed)

    def _write_clock(self, exchange: Exchange, bar_at: Ms) -> None:
        futures = exchange.futures
        clock = _Clock(
            exchange.now, bar_at, exchange.next_order_id, exchange.next_trade_id, exchange.next_cash_id,
            exchange.liquidations, futures is not None and futures.called,
            [(v.symbol, v.last, v.mark) for v in exchange.venues.values()],
        )  # fmt: skip
        text = json.encode(clock).decode()
        self._db.execute("INSERT OR REPLACE INTO meta VALUES ('clock', ?)", (text,))

    # -- reading ------------------------------------------------------------------------------------------

    def _meta(self, key: str) -> str | None:
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else str(row[0])

    def _restore(self, exchange: Exchange) -> Ms:
        clock = json.decode(self._meta("clock") or "", type=_Clock)
        exchange.now = clock.at
        exchange.next_order_id = clock.next_order_id
        exchange.next_trade_id = clock.next_trade_id
        exchange.next_cash_id = clock.next_cash_id
        exchange.liquidations = clock.liquidations
        for symbol, last, mark in clock.prices:
            if symbol in exchange.venues:
                exchange.venues[symbol].last, exchange.venues[symbol].mark = last, mark
        self._restore_account(exchange, clock.called)
        for order in _orders(self._db, f"status IN {_OPEN}"):
            exchange.reopen(order)
        for order in _orders(self._db, _remembered(clock.at), "updated_at, exchange_id"):
            exchange.history.end(exchange.key(order.symbol, order.client_id, order.conditional), order)
        newest = f"SELECT {TRADE_COLUMNS} FROM trades ORDER BY trade_id DESC LIMIT {TRADES_KEPT}"
        for row in reversed(self._db.execute(newest).fetchall()):
            exchange.history.add_trade(trade_of(row))
        for row in self._db.execute(f"SELECT {CASH_COLUMNS} FROM cash ORDER BY cash_id"):
            exchange.history.cash.append(cash_of(row))
        return clock.bar_at

    def _restore_account(self, exchange: Exchange, called: bool) -> None:
        balances = self._db.execute("SELECT asset, wallet, locked FROM balances").fetchall()
        if exchange.futures is not None:
            futures = exchange.futures
            futures.wallets = {asset: Decimal(wallet) for asset, wallet, _ in balances}
            futures.called = called
            for symbol, steps, cost, realised in self._db.execute("SELECT * FROM positions"):
                futures.held[symbol] = Position(steps, Decimal(cost), Decimal(realised))
            futures.leverage = {s: int(n) for s, n in self._db.execute("SELECT * FROM leverage")}
        elif exchange.spot is not None:
            exchange.spot.totals = {asset: Decimal(wallet) for asset, wallet, _ in balances}
            exchange.spot.locked = {asset: Decimal(locked) for asset, _, locked in balances}


class BooksView(Struct, frozen=True):
    """The books as an outside auditor reads them."""

    at: Ms
    open_orders: tuple[Order, ...]
    positions: dict[Symbol, tuple[Steps, Money]]
    """Signed steps and signed entry value; flat symbols are left out."""
    balances: dict[Asset, tuple[Money, Money]]
    """Wallet (spot: free + locked) and locked."""
    trades: tuple[Trade, ...]
    cash: tuple[CashRecord, ...]


def read_books(path: Path | str) -> BooksView:
    """Read the books of a running or dead exchange, without touching them.

    Raises:
        sqlite3.OperationalError: there is no such file.
        ValueError: the file holds no books.
    """
    with closing(sqlite3.connect(f"{Path(path).resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)) as db:
        db.execute("BEGIN")  # one consistent view over all the tables
        row = db.execute("SELECT value FROM meta WHERE key = 'clock'").fetchone()
        if row is None:
            raise ValueError(f"{path} holds no books")
        positions = db.execute("SELECT symbol, steps, cost FROM positions WHERE steps <> 0 ORDER BY symbol")
        balances = db.execute("SELECT asset, wallet, locked FROM balances ORDER BY asset")
        return BooksView(
            json.decode(row[0], type=_Clock).at,
            tuple(_orders(db, f"status IN {_OPEN}")),
            {symbol: (steps, Decimal(cost)) for symbol, steps, cost in positions},
            {asset: (Decimal(wallet), Decimal(locked)) for asset, wallet, locked in balances},
            tuple(trade_of(r) for r in db.execute(f"SELECT {TRADE_COLUMNS} FROM trades ORDER BY trade_id")),
            tuple(cash_of(r) for r in db.execute(f"SELECT {CASH_COLUMNS} FROM cash ORDER BY cash_id")),
        )


def _remembered(now: Ms) -> str:
    """Ended orders that a query still finds."""
    return (
        f"status NOT IN {_OPEN} AND (updated_at >= {now - UNFILLED_KEPT}"
        f" OR (filled > 0 AND updated_at >= {now - FILLED_KEPT}))"
    )


def _orders(db: sqlite3.Connection, where: str, by: str = "exchange_id") -> list[Order]:
    return [order_of(r) for r in db.execute(f"SELECT {ORDER_COLUMNS} FROM orders WHERE {where} ORDER BY {by}")]
