"""What each fact does to the tables that queries read. Plain SQL on the writer's open transaction."""

import sqlite3
from collections.abc import Callable
from typing import Any, Final

from gridbot_tui.engine.actions import (
    AdoptFact,
    CancelFact,
    CashFact,
    DecisionFact,
    EquityFact,
    Fact,
    FillFact,
    IntentFact,
    ModeFact,
    OrderFact,
    PlanFact,
    StartFact,
    WeightsFact,
)
from gridbot_tui.orders.model import NewOrder, OrderState
from gridbot_tui.orders.table import TABLE, TERMINAL, meaning
from gridbot_tui.store.codec import compact

# An id proved absent may be posted again; any other second intent of the same id changes nothing here.
_INTENT: Final = """
INSERT INTO orders (seq, client_id, symbol, purpose, body, state, open, reported, executed, exchange_id, code,
                    detail, at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, 0, '', 0, '', ?, ?)
ON CONFLICT (client_id) DO UPDATE SET body = excluded.body, state = excluded.state, open = 1, code = 0,
    detail = '', updated_at = excluded.updated_at WHERE orders.state = 'absent'
"""
# The exchange lists it as open: whatever was believed of it, it stands.
_ADOPT: Final = """
INSERT INTO orders (seq, client_id, symbol, purpose, body, state, open, reported, executed, exchange_id, code,
                    detail, at, updated_at)
VALUES (?, ?, ?, ?, ?, ?, 1, ?, 0, '', 0, '', ?, ?)
ON CONFLICT (client_id) DO UPDATE SET body = excluded.body, state = excluded.state, open = 1, code = 0,
    detail = '', reported = max(orders.reported, excluded.reported), updated_at = excluded.updated_at
"""
_KNOWN: Final = "SELECT state, executed, reported FROM orders WHERE client_id = ?"
_REPORT: Final = """
UPDATE orders SET state = ?, open = ?, reported = max(reported, ?), code = ?, detail = ?, updated_at = ?,
    exchange_id = CASE ? WHEN '' THEN exchange_id ELSE ? END
WHERE client_id = ?
"""
_CANCEL: Final = "UPDATE orders SET state = 'cancelling', updated_at = ? WHERE client_id = ? AND open = 1"
# The fill that completes an order ends it: the report that says so too adds nothing and is not written.
_EXECUTED: Final = """
UPDATE orders SET executed = executed + ?1, updated_at = ?2,
    state = CASE WHEN open = 0 THEN state
                 WHEN executed + ?1 >= json_extract(CAST(body AS TEXT), '$.steps') THEN 'filled'
                 WHEN state IN ('cancelling', 'triggered', 'unresolved') THEN state ELSE 'partly_filled' END,
    open = open AND executed + ?1 < json_extract(CAST(body AS TEXT), '$.steps')
WHERE client_id = ?3
"""
_FILL: Final = """
INSERT INTO fills VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (symbol, trade_id) DO NOTHING
"""
# Ids grow; compared by length first they compare as numbers, whatever the order they arrive in.
_LAST_TRADE: Final = """
INSERT INTO last_trades VALUES (?, ?, ?)
ON CONFLICT (symbol) DO UPDATE SET trade_id = excluded.trade_id, at = excluded.at
WHERE (length(excluded.trade_id), excluded.trade_id) > (length(last_trades.trade_id), last_trades.trade_id)
"""
_CASH: Final = "INSERT INTO cash VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (cash_id) DO NOTHING"
_FILL_KNOWN: Final = "SELECT 1 FROM fills WHERE symbol = ? AND trade_id = ?"
_CASH_KNOWN: Final = "SELECT 1 FROM cash WHERE cash_id = ?"
_EQUITY: Final = "INSERT OR REPLACE INTO equity VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
_WEIGHTS: Final = "INSERT INTO weights VALUES (?, ?, ?, ?, ?, ?, ?)"
_DECISION: Final = "INSERT INTO decisions VALUES (?, ?, ?, ?, ?, ?)"
_PLAN: Final = "INSERT INTO plans VALUES (?, ?, ?, ?, ?)"
_START: Final = "INSERT OR REPLACE INTO meta VALUES ('ledger_start', ?)"
_MODE: Final = "INSERT OR REPLACE INTO modes VALUES (?, ?, ?, ?)"
_MODE_CLEARED: Final = "DELETE FROM modes WHERE name = ? AND symbol = ?"


def project(connection: sqlite3.Connection, seq: int, fact: Fact) -> bool:
    """Bring the tables up to the fact; False where it repeats a fill or cash entry and is to be ignored.

    A kind without a table of its own is in the journal only.
    """
    projection = _PROJECTIONS.get(type(fact))
    return True if projection is None else projection(connection, seq, fact)


def only_new(connection: sqlite3.Connection) -> Callable[[int, Fact], bool]:
    """What ``project`` would say of the facts of one transaction, one after the other, with nothing brought up to them.

    It goes by what the tables show: they must be up to the facts of earlier transactions.
    """
    seen: set[tuple[str, ...]] = set()

    def is_new(_: int, fact: Fact) -> bool:
        known: tuple[str, ...]
        if isinstance(fact, FillFact):
            sql, known = _FILL_KNOWN, (fact.fill.symbol, fact.fill.trade_id)
        elif isinstance(fact, CashFact):
            sql, known = _CASH_KNOWN, (fact.cash.cash_id,)
        else:
            return True
        if known in seen or connection.execute(sql, known).fetchone() is not None:
            return False
        seen.add(known)
        return True

    return is_new


def _row(seq: int, order: NewOrder, state: str, filled: int, at: int) -> tuple[Any, ...]:
    return (seq, order.client_id, order.symbol, order.purpose, compact(order), state, filled, order.created_at, at)


def _intent(connection: sqlite3.Connection, seq: int, fact: IntentFact) -> bool:
    connection.execute(_INTENT, _row(seq, fact.order, OrderState.SENDING, 0, fact.at))
    return True


def _adopt(connection: sqlite3.Connection, seq: int, fact: AdoptFact) -> bool:
    filled = fact.adopted.filled
    state = OrderState.PARTLY_FILLED if filled else OrderState.RESTING
    connection.execute(_ADOPT, _row(seq, fact.adopted.order, state, filled, fact.at))
    return True


def _cancel(connection: sqlite3.Connection, seq: int, fact: CancelFact) -> bool:
    connection.execute(_CANCEL, (fact.at, fact.client_id))
    return True


def _report(connection: sqlite3.Connection, seq: int, fact: OrderFact) -> bool:
    """By the engine's own table: what it takes for standing must be open here, whatever was believed before."""
    report = fact.report
    row = connection.execute(_KNOWN, (report.client_id,)).fetchone()
    if row is None:
        return True
    state, executed, reported = row
    before = OrderState(state)
    trigger = meaning(before, executed, reported, report.outcome, report.filled)
    after = before if trigger is None else TABLE.get((before, trigger), before)
    if after is before and before in TERMINAL:
        return True
    connection.execute(_REPORT, (after, after not in TERMINAL, report.filled, report.code, report.detail, fact.at,
                                 report.exchange_id, report.exchange_id, report.client_id))  # fmt: skip
    return True


def _fill(connection: sqlite3.Connection, seq: int, fact: FillFact) -> bool:
    fill = fact.fill
    row = (
        seq, fill.symbol, fill.trade_id, fill.client_id, fill.at, int(fill.side), fill.price, fill.steps,
        str(fill.fee), fill.fee_asset, fill.maker, str(fill.realised), fill.ours, fill.forced,
        str(fact.grid_profit), fact.cycles, None if fill.quote is None else str(fill.quote),
    )  # fmt: skip
    if connection.execute(_FILL, row).rowcount == 0:
        return False
    connection.execute(_LAST_TRADE, (fill.symbol, fill.trade_id, fill.at))
    if fill.client_id:
        connection.execute(_EXECUTED, (fill.steps, fact.at, fill.client_id))
    return True


def _cash(connection: sqlite3.Connection, seq: int, fact: CashFact) -> bool:
    cash = fact.cash
    row = (seq, cash.cash_id, cash.at, cash.cash_kind, cash.asset, str(cash.amount), cash.symbol)
    return connection.execute(_CASH, row).rowcount != 0


def _equity(connection: sqlite3.Connection, seq: int, fact: EquityFact) -> bool:
    row = (
        fact.at, str(fact.equity), str(fact.wallet), str(fact.nav), fact.drawdown, fact.tier, fact.leverage,
        str(fact.residual),
    )  # fmt: skip
    connection.execute(_EQUITY, row)
    return True


def _weights(connection: sqlite3.Connection, seq: int, fact: WeightsFact) -> bool:
    weights = fact.weights
    row = (seq, fact.at, weights.up, weights.down, weights.neutral, fact.cause, compact(fact.evidence))
    connection.execute(_WEIGHTS, row)
    return True


def _decision(connection: sqlite3.Connection, seq: int, fact: DecisionFact) -> bool:
    connection.execute(_DECISION, (seq, fact.at, fact.symbol, fact.code, fact.detail, fact.level))
    return True


def _plan(connection: sqlite3.Connection, seq: int, fact: PlanFact) -> bool:
    plan = fact.plan
    connection.execute(_PLAN, (seq, plan.symbol, plan.epoch, plan.at, compact(plan)))
    return True


def _start(connection: sqlite3.Connection, seq: int, fact: StartFact) -> bool:
    connection.execute(_START, (compact(fact).decode(),))
    return True


def _mode(connection: sqlite3.Connection, seq: int, fact: ModeFact) -> bool:
    if fact.value:
        connection.execute(_MODE, (fact.name, fact.symbol, fact.value, fact.at))
    else:
        connection.execute(_MODE_CLEARED, (fact.name, fact.symbol))
    return True


_PROJECTIONS: Final[dict[type[Fact], Callable[[sqlite3.Connection, int, Any], bool]]] = {
    IntentFact: _intent,
    AdoptFact: _adopt,
    CancelFact: _cancel,
    OrderFact: _report,
    FillFact: _fill,
    CashFact: _cash,
    EquityFact: _equity,
    WeightsFact: _weights,
    DecisionFact: _decision,
    PlanFact: _plan,
    ModeFact: _mode,
    StartFact: _start,
}
