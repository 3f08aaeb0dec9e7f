"""The tables of the exchange's books."""

from typing import Final

VERSION: Final = 1

TABLES: Final = """
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS orders (
    exchange_id INTEGER PRIMARY KEY, symbol TEXT NOT NULL, client_id TEXT NOT NULL, side INTEGER NOT NULL,
    kind TEXT NOT NULL, steps INTEGER NOT NULL, price INTEGER, trigger_price INTEGER,
    post_only INTEGER NOT NULL, reduce_only INTEGER NOT NULL, close_position INTEGER NOT NULL,
    manual INTEGER NOT NULL,
    created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, status TEXT NOT NULL, filled INTEGER NOT NULL,
    quote TEXT NOT NULL, locked TEXT NOT NULL, resting INTEGER NOT NULL, triggered_at INTEGER NOT NULL,
    forced TEXT NOT NULL, reason TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS orders_by_status ON orders (status, updated_at);
CREATE TABLE IF NOT EXISTS trades (
    trade_id INTEGER PRIMARY KEY, at INTEGER NOT NULL, symbol TEXT NOT NULL, exchange_id INTEGER NOT NULL,
    client_id TEXT NOT NULL, side INTEGER NOT NULL, price INTEGER NOT NULL, steps INTEGER NOT NULL,
    quote TEXT NOT NULL, fee TEXT NOT NULL, fee_asset TEXT NOT NULL, maker INTEGER NOT NULL,
    realised TEXT NOT NULL, manual INTEGER NOT NULL, forced TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS cash (
    cash_id INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, asset TEXT NOT NULL,
    amount TEXT NOT NULL, symbol TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS balances (
    asset TEXT PRIMARY KEY, wallet TEXT NOT NULL, locked TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS positions (
    symbol TEXT PRIMARY KEY, steps INTEGER NOT NULL, cost TEXT NOT NULL, realised TEXT NOT NULL)
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leverage (symbol TEXT PRIMARY KEY, leverage INTEGER NOT NULL) WITHOUT ROWID;
"""

ORDER_COLUMNS: Final = (
    "exchange_id, symbol, client_id, side, kind, steps, price, trigger_price, post_only, reduce_only,"
    " close_position, manual, created_at, updated_at, status, filled, quote, locked, resting, triggered_at,"
    " forced, reason"
)
TRADE_COLUMNS: Final = (
    "trade_id, at, symbol, exchange_id, client_id, side, price, steps, quote, fee, fee_asset, maker,"
    " realised, manual, forced"
)
CASH_COLUMNS: Final = "cash_id, at, kind, asset, amount, symbol"
