"""Orders, trades and cash as rows of the books, and back."""

from decimal import Decimal
from typing import Any

from gridbot_tui.engine.events import CashKind
from gridbot_tui.exchange.simulated.records import CashRecord, Order, Status, Trade
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import Side

Row = tuple[Any, ...]


def order_row(o: Order) -> Row:
    """In the order of ``schema.ORDER_COLUMNS``."""
    return (
        o.exchange_id, o.symbol, o.client_id, int(o.side), o.kind.value, o.steps, o.price, o.trigger,
        o.post_only, o.reduce_only, o.close_position, o.manual, o.created_at, o.updated_at, o.status.value,
        o.filled, str(o.quote), str(o.locked), o.resting, o.triggered_at, o.forced, o.reason,
    )  # fmt: skip


def order_of(r: Row) -> Order:
    """The order of a row."""
    return Order(
        r[0], r[1], r[2], Side(r[3]), OrderKind(r[4]), r[5], r[6], r[7], bool(r[8]), bool(r[9]), bool(r[10]),
        bool(r[11]), r[12], r[13], Status(r[14]), r[15], Decimal(r[16]), Decimal(r[17]), bool(r[18]), r[19],
        r[20], r[21],
    )  # fmt: skip


def trade_row(t: Trade) -> Row:
    """In the order of ``schema.TRADE_COLUMNS``."""
    return (
        t.trade_id, t.at, t.symbol, t.exchange_id, t.client_id, int(t.side), t.price, t.steps, str(t.quote),
        str(t.fee), t.fee_asset, t.maker, str(t.realised), t.manual, t.forced,
    )  # fmt: skip


def trade_of(r: Row) -> Trade:
    """The trade of a row."""
    return Trade(
        r[0], r[1], r[2], r[3], r[4], Side(r[5]), r[6], r[7], Decimal(r[8]), Decimal(r[9]), r[10],
        bool(r[11]), Decimal(r[12]), bool(r[13]), r[14],
    )  # fmt: skip


def cash_row(c: CashRecord) -> Row:
    """In the order of ``schema.CASH_COLUMNS``."""
    return (c.cash_id, c.at, c.kind.value, c.asset, str(c.amount), c.symbol)


def cash_of(r: Row) -> CashRecord:
    """The cash line of a row."""
    return CashRecord(r[0], r[1], CashKind(r[2]), r[3], Decimal(r[4]), r[5])
