"""What is let go of, so that years of trading stay a file of some ten megabytes.

Kept for good: fills, cash, weights, config versions, instruments, orders that filled: the books.
Let go once older than asked: journal entries that every kept snapshot covers, orders that never filled,
decisions, plans but the latest of each symbol, finished commands; equity is thinned to a point an hour.
"""

import sqlite3
from typing import Final

from gridbot_tui.units import HOUR, Ms

VACUUM_PAGES: Final = 2_000
"""Pages given back a call (8 MB): bounds the time of one ``prune``."""
MAX_DECISIONS: Final = 200_000
MAX_PLANS: Final = 50_000
MAX_CONFIGS: Final = 1_000

_EQUITY: Final = f"""
DELETE FROM equity WHERE at < ?1 AND at NOT IN (SELECT max(at) FROM equity WHERE at < ?1 GROUP BY at / {HOUR})
"""
_ORDERS: Final = "DELETE FROM orders WHERE open = 0 AND updated_at < ? AND executed = 0 AND reported = 0"
_DECISIONS: Final = "DELETE FROM decisions WHERE at < ?"
_PLANS: Final = "DELETE FROM plans WHERE at < ? AND seq NOT IN (SELECT max(seq) FROM plans GROUP BY symbol)"
_COMMANDS: Final = "DELETE FROM commands WHERE at < ? AND outcome IS NOT NULL"


def prune(connection: sqlite3.Connection, before: Ms) -> int:
    """Delete in the open transaction; how many rows."""
    deleted = _prune_journal(connection, before)
    for sql in (_EQUITY, _ORDERS, _DECISIONS, _PLANS, _COMMANDS):
        deleted += connection.execute(sql, (before,)).rowcount
    for table, key, most in (
        ("decisions", "seq", MAX_DECISIONS),
        ("plans", "seq", MAX_PLANS),
        ("config_versions", "version", MAX_CONFIGS),
    ):
        oldest = f"SELECT {key} FROM {table} ORDER BY {key} DESC LIMIT 1 OFFSET {most - 1}"
        deleted += connection.execute(f"DELETE FROM {table} WHERE {key} < ({oldest})").rowcount
    return deleted


def _prune_journal(connection: sqlite3.Connection, before: Ms) -> int:
    """Delete what is old and covered by the oldest snapshot too (the newer ones may fail to decode)."""
    covered = connection.execute("SELECT min(seq) FROM state").fetchone()[0]
    if covered is None:
        return 0
    # Read in order of seq, this stops at the first entry to be kept: no index on time is needed.
    young = connection.execute(
        "SELECT seq FROM journal WHERE at >= ? ORDER BY seq LIMIT 1", (before,)
    ).fetchone()
    last = covered if young is None else min(covered, young[0] - 1)
    return connection.execute("DELETE FROM journal WHERE seq <= ?", (last,)).rowcount
