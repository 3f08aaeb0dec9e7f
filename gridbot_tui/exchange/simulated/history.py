"""What the exchange remembers of orders, trades and cash, and for how long."""

from bisect import bisect_left, bisect_right
from collections import deque
from typing import Final

from gridbot_tui.exchange.simulated.records import CashRecord, Order, Trade
from gridbot_tui.units import DAY, ClientId, Ms, Symbol

UNFILLED_KEPT: Final = 3 * DAY
"""Binance forgets an order that ended without a fill after three days ..."""
FILLED_KEPT: Final = 90 * DAY
"""... and every other after ninety."""
TRADES_KEPT: Final = 200_000
"""Trades kept in memory a symbol; the books keep all."""

OrderKey = tuple[Symbol, ClientId, bool]


class History:
    """Orders by client id, trades by symbol, cash, each ascending."""

    def __init__(self) -> None:
        self.open: dict[OrderKey, Order] = {}
        self.trades: dict[Symbol, list[Trade]] = {}
        self.cash: list[CashRecord] = []
        self._ended: dict[OrderKey, Order] = {}
        self._unfilled: deque[tuple[Ms, OrderKey, int]] = deque()
        self._filled: deque[tuple[Ms, OrderKey, int]] = deque()

    def end(self, key: OrderKey, order: Order) -> None:
        """An order of the open ones has ended at its ``updated_at``."""
        self.open.pop(key, None)
        self._ended[key] = order
        queue = self._filled if order.filled else self._unfilled
        queue.append((order.updated_at, key, order.exchange_id))

    def find(self, key: OrderKey) -> Order | None:
        """The open order with a client id, else the latest ended one that is still remembered."""
        return self.open.get(key) or self._ended.get(key)

    def forget(self, now: Ms) -> None:
        """Drop ended orders that are past their time."""
        for queue, kept in ((self._unfilled, UNFILLED_KEPT), (self._filled, FILLED_KEPT)):
            while queue and queue[0][0] < now - kept:
                _, key, exchange_id = queue.popleft()
                order = self._ended.get(key)
                if order is not None and order.exchange_id == exchange_id:
                    del self._ended[key]

    def add_trade(self, trade: Trade) -> None:
        """Remember one execution."""
        trades = self.trades.setdefault(trade.symbol, [])
        trades.append(trade)
        if len(trades) > TRADES_KEPT * 5 // 4:
            del trades[: len(trades) - TRADES_KEPT]

    def trades_after(self, symbol: Symbol, trade_id: int | None, since: Ms) -> list[Trade]:
        """Trades of a symbol after an id, or at or after a time where there is no id."""
        trades = self.trades.get(symbol, [])
        if trade_id is not None:
            return trades[bisect_right(trades, trade_id, key=lambda t: t.trade_id) :]
        return trades[bisect_left(trades, since, key=lambda t: t.at) :]

    def cash_since(self, since: Ms) -> list[CashRecord]:
        """Cash lines at or after a time."""
        return self.cash[bisect_left(self.cash, since, key=lambda c: c.at) :]
