"""The tables, as steps from one version of the file to the next. A step, once released, is never edited.

Money is TEXT (exact decimals), prices are ticks, quantities steps, times ms UTC. ``seq`` is the journal's.
"""

import re
from typing import Final

APPLICATION_ID: Final = 0x67726964
"""``grid``: tells our file from any other SQLite file."""

_V1: Final = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body BLOB NOT NULL
) STRICT;

-- The engine's snapshot; three slots, the oldest is overwritten.
CREATE TABLE state (
    slot INTEGER PRIMARY KEY, seq INTEGER NOT NULL, at INTEGER NOT NULL, crc INTEGER NOT NULL,
    blob BLOB NOT NULL
) STRICT;

-- One row a client id with its latest state; seq is that of the first intent.
CREATE TABLE orders (
    seq INTEGER PRIMARY KEY, client_id TEXT NOT NULL UNIQUE, symbol TEXT NOT NULL, purpose TEXT NOT NULL,
    body BLOB NOT NULL, state TEXT NOT NULL, open INTEGER NOT NULL, reported INTEGER NOT NULL,
    executed INTEGER NOT NULL,
    exchange_id TEXT NOT NULL, code INTEGER NOT NULL, detail TEXT NOT NULL,
    at INTEGER NOT NULL, updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX orders_symbol ON orders (symbol);
CREATE INDEX orders_open ON orders (seq) WHERE open = 1;

CREATE TABLE fills (
    seq INTEGER PRIMARY KEY, symbol TEXT NOT NULL, trade_id TEXT NOT NULL, client_id TEXT NOT NULL,
    at INTEGER NOT NULL,
    side INTEGER NOT NULL, price INTEGER NOT NULL, steps INTEGER NOT NULL, fee TEXT NOT NULL,
    fee_asset TEXT NOT NULL,
    maker INTEGER NOT NULL, realised TEXT NOT NULL, ours INTEGER NOT NULL, forced TEXT NOT NULL,
    grid_profit TEXT NOT NULL, cycles INTEGER NOT NULL,
    UNIQUE (symbol, trade_id)
) STRICT;
CREATE INDEX fills_symbol ON fills (symbol);
CREATE INDEX fills_at ON fills (at);

-- Where to ask for missed fills from; kept apart so that a start does not read the history.
CREATE TABLE last_trades (
    symbol TEXT PRIMARY KEY, trade_id TEXT NOT NULL, at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE cash (
    seq INTEGER PRIMARY KEY, cash_id TEXT NOT NULL UNIQUE, at INTEGER NOT NULL, kind TEXT NOT NULL,
    asset TEXT NOT NULL,
    amount TEXT NOT NULL, symbol TEXT NOT NULL
) STRICT;
CREATE INDEX cash_at ON cash (at);

CREATE TABLE equity (
    at INTEGER PRIMARY KEY, equity TEXT NOT NULL, wallet TEXT NOT NULL, nav TEXT NOT NULL,
    drawdown REAL NOT NULL,
    tier INTEGER NOT NULL, leverage REAL NOT NULL, residual TEXT NOT NULL
) STRICT;

CREATE TABLE weights (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, up REAL NOT NULL, down REAL NOT NULL, neutral REAL NOT NULL,
    cause TEXT NOT NULL, evidence BLOB NOT NULL
) STRICT;

CREATE TABLE decisions (
    seq INTEGER PRIMARY KEY, at INTEGER NOT NULL, symbol TEXT NOT NULL, code TEXT NOT NULL,
    detail TEXT NOT NULL,
    level TEXT NOT NULL
) STRICT;
CREATE INDEX decisions_symbol ON decisions (symbol);

CREATE TABLE plans (
    seq INTEGER PRIMARY KEY, symbol TEXT NOT NULL, epoch INTEGER NOT NULL, at INTEGER NOT NULL,
    body BLOB NOT NULL
) STRICT;
CREATE INDEX plans_symbol ON plans (symbol);

-- Operating intents that outlive the process (paused, kill, tier latch, ...); a cleared one has no row.
CREATE TABLE modes (
    name TEXT NOT NULL, symbol TEXT NOT NULL, value TEXT NOT NULL, at INTEGER NOT NULL,
    PRIMARY KEY (name, symbol)
) STRICT, WITHOUT ROWID;

CREATE TABLE config_versions (
    version INTEGER PRIMARY KEY, at INTEGER NOT NULL, source TEXT NOT NULL, text TEXT NOT NULL
) STRICT;

CREATE TABLE commands (
    id TEXT PRIMARY KEY, at INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, outcome TEXT
) STRICT;
CREATE INDEX commands_at ON commands (at);
CREATE INDEX commands_open ON commands (at) WHERE outcome IS NULL;

-- Ticks and steps mean nothing without the instrument of their time.
CREATE TABLE instruments (
    symbol TEXT NOT NULL, since INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY (symbol, since)
) STRICT, WITHOUT ROWID;
"""

_V2: Final = """
-- Spot: what the exchange booked in quote where it is not price x quantity.
ALTER TABLE fills ADD COLUMN quote TEXT;
"""

MIGRATIONS: tuple[str, ...] = (_V1, _V2)
"""``MIGRATIONS[n]`` leads from version n to n + 1; version 0 is the empty file."""
TABLES: Final = frozenset(re.findall(r"CREATE TABLE (\w+)", "".join(MIGRATIONS)))
"""What a file of the current version holds, whatever else it does."""


def statements(script: str) -> list[str]:
    """The single statements of a migration (``executescript`` would commit the transaction it runs in)."""
    plain = "\n".join(line.partition("--")[0] for line in script.splitlines())
    return [statement.strip() for statement in plain.split(";") if statement.strip()]
