"""The service that holds the conditional orders of a futures account and gives birth to plain ones."""

from collections import deque
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from msgspec import Struct

from gridbot_tui.exchange.server.codes import Denied
from gridbot_tui.exchange.server.desk import Desk, Terms
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import Ms, Side, Steps, Symbol, Ticks

MOST: Final = 200
"""Open conditional orders of an account."""
KEPT: Final = 5_000
TRIGGER_PROTECT: Final = 0.05
"""How far last and mark price may lie apart when a protected order triggers; as exchangeInfo tells."""
_NEVER: Final = 1 << 62


class AlgoOrder(Struct):
    """One conditional order. ``status``: NEW TRIGGERING TRIGGERED FINISHED CANCELED REJECTED EXPIRED."""

    algo_id: int
    client_id: str
    symbol: Symbol
    side: Side
    kind: str
    steps: Steps
    price: Ticks | None
    trigger: Ticks
    """Moves with the market for a trailing stop that is active."""
    tif: str
    working_type: str
    close_position: bool
    reduce_only: bool
    price_protect: bool
    price_match: str
    stp: str
    good_till: Ms
    activate: Ticks | None
    callback: Decimal | None
    """Percent."""
    created_at: Ms
    updated_at: Ms
    status: str = "NEW"
    triggered_at: Ms = 0
    active: bool = True
    """False: a trailing stop whose activation price has not been reached."""
    best: Ticks = 0
    order: Order | None = None
    reason: str = ""

    @property
    def rising(self) -> bool:
        """Whether the trigger is reached from below."""
        stop = self.kind in ("STOP", "STOP_MARKET", "TRAILING_STOP_MARKET")
        return (self.side is Side.BUY) is stop


class AlgoService:
    """Conditional orders of one account. ``tell`` hears of every change, at the moment it happens."""

    def __init__(self, desk: Desk, tell: Callable[[AlgoOrder], None]) -> None:
        self._desk = desk
        self._tell = tell
        self.open: dict[int, AlgoOrder] = {}
        self.by_symbol: dict[Symbol, list[AlgoOrder]] = {}
        self.ended: deque[AlgoOrder] = deque(maxlen=KEPT)
        self._fired: list[AlgoOrder] = []
        """Triggered orders whose plain order is open."""
        self._next = 2_000_001
        self._next_date: Ms = _NEVER

    def next_id(self) -> int:
        """A number for a new order."""
        self._next += 1
        return self._next

    def place(self, order: AlgoOrder) -> None:
        """Accept an order that does not trigger at once.

        Raises:
            Denied: -2021, -4045, -4116, -4130.
        """
        desk = self._desk
        venue = desk.venues[order.symbol]
        if len(self.open) >= MOST:
            raise Denied(-4045)
        if any(o.client_id == order.client_id and o.symbol == order.symbol for o in self.open.values()):
            raise Denied(-4116)
        if order.close_position and any(o.close_position and o.side is order.side and o.kind == order.kind
                                        for o in self.by_symbol.get(order.symbol, ())):  # fmt: skip
            raise Denied(-4130)
        now = venue.mark if order.working_type == "MARK_PRICE" else venue.last
        if order.kind == "TRAILING_STOP_MARKET":
            if order.activate is not None and (order.activate - now) * order.side >= 0:
                raise Denied(-2021, msg="Order would immediately trigger.")  # it is to begin on the winning side
            order.active = order.activate is None
            order.best = now
            order.trigger = self._trail(order)
        elif (now >= order.trigger) if order.rising else (now <= order.trigger):
            raise Denied(-2021, msg="Order would immediately trigger.")
        self.open[order.algo_id] = order
        if order.good_till:
            self._next_date = min(self._next_date, order.good_till)
        self.by_symbol.setdefault(order.symbol, []).append(order)
        self._tell(order)

    def find(self, algo_id: int | None, client_id: str | None) -> AlgoOrder | None:
        """An order by number, else by client id, the open ones first."""
        for order in (*self.open.values(), *reversed(self.ended)):
            if order.algo_id == algo_id or (algo_id is None and order.client_id == client_id):
                return order
        return None

    def end(self, order: AlgoOrder, status: str, reason: str = "") -> None:
        """Take an order off the list."""
        self._leave(order)
        order.status, order.reason, order.updated_at = status, reason, self._desk.now
        self._tell(order)

    def _leave(self, order: AlgoOrder) -> None:
        if self.open.pop(order.algo_id, None) is not None:
            self.by_symbol[order.symbol].remove(order)
            self.ended.append(order)

    def watch(self, symbol: Symbol, last: Ticks, mark: Ticks) -> None:
        """The market of a symbol is at a new price: trigger what it reaches."""
        for order in list(self.by_symbol.get(symbol, ())):
            price = mark if order.working_type == "MARK_PRICE" else last
            if order.kind == "TRAILING_STOP_MARKET" and not self._follow(order, price):
                continue
            if (price >= order.trigger) if order.rising else (price <= order.trigger):
                if order.price_protect and abs(last - mark) > TRIGGER_PROTECT * mark:
                    self.end(order, "EXPIRED", "price protection")
                else:
                    self._fire(order)

    def expire(self, now: Ms) -> None:
        """End the orders whose date has come."""
        if now < self._next_date:
            return
        self._desk.now = max(self._desk.now, now)
        for order in [o for o in self.open.values() if o.good_till and o.good_till <= now]:
            self.end(order, "EXPIRED", "good till date")
        self._next_date = min((o.good_till for o in self.open.values() if o.good_till), default=_NEVER)

    def finish(self, symbol: Symbol) -> None:
        """An order whose plain order has ended is finished; one that closes a position goes with it."""
        for order in [o for o in self._fired if o.order is not None and not o.order.open]:
            self._fired.remove(order)
            order.status, order.updated_at = "FINISHED", self._desk.now
            self._tell(order)

    def expire_closers(self, symbol: Symbol) -> None:
        """A position is gone: what was to close it expires."""
        for order in list(self.by_symbol.get(symbol, ())):
            if order.close_position:
                self.end(order, "EXPIRED", "position closed")

    def expire_all(self, symbol: Symbol, why: str) -> None:
        """A symbol is no longer traded."""
        for order in list(self.by_symbol.get(symbol, ())):
            self.end(order, "EXPIRED", why)

    def _follow(self, order: AlgoOrder, price: Ticks) -> bool:
        """Move a trailing stop; False while it is not active."""
        selling = order.side is Side.SELL
        if not order.active:
            at = order.activate or 0
            order.active = price >= at if selling else price <= at
            order.best = price
            if not order.active:
                return False
        order.best = max(order.best, price) if selling else min(order.best, price)
        order.trigger = self._trail(order)
        return True

    def _trail(self, order: AlgoOrder) -> Ticks:
        share = float(order.callback or 0) / 100
        return max(1, round(order.best * (1 - share if order.side is Side.SELL else 1 + share)))

    def _fire(self, order: AlgoOrder) -> None:
        desk = self._desk
        order.status, order.triggered_at = "TRIGGERING", desk.now
        order.updated_at = desk.now
        self._tell(order)
        steps = order.steps
        reduce_only = order.reduce_only or order.close_position
        if order.close_position:
            position = desk.account.position(order.symbol)
            steps = abs(position) if position * order.side < 0 else 0
            if not steps:
                self.end(order, "EXPIRED", "no position to close")
                return
        limit = order.kind in ("STOP", "TAKE_PROFIT")
        kind = OrderKind.LIMIT if limit else OrderKind.MARKET
        new = NewOrder(order.client_id, order.symbol, order.side, kind, steps, order.price if limit else None,
                       Purpose.STOP, desk.now, order.tif == "GTX", reduce_only)  # fmt: skip
        terms = Terms("LIMIT" if limit else "MARKET", order.tif if limit else "GTC", original_kind=order.kind,
                      working_type=order.working_type, price_protect=order.price_protect, stp=order.stp,
                      good_till=order.good_till)  # fmt: skip
        try:
            order.order = desk.submit(new, terms)
        except Denied as why:
            self.end(order, "REJECTED", why.msg)
            return
        self._leave(order)
        self._fired.append(order)
        order.status, order.updated_at = "TRIGGERED", desk.now
        self._tell(order)
