"""Spot order lists: two legs of which one cancels the other (OCO), and orders that are placed once another has filled
(OTO): one, or two of which one cancels the other (OTOCO)."""

from collections import deque
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from gridbot_tui.exchange.server.codes import Denied, raise_for
from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.filters import check_client_id, check_spot
from gridbot_tui.exchange.simulated.records import Execution, Order, Status
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import ZERO, Asset, Market, Money, Ms, Side, Symbol

if TYPE_CHECKING:
    from gridbot_tui.exchange.server.desk import Desk, Terms

KEPT: Final = 1_000
"""Lists that can still be asked for."""


class OrderList:
    """Orders that hang together. ``done``: none is open. ``kind``: OCO or OTO, of which the first leg is the one that
    is to fill before the others are placed."""

    __slots__ = ("at", "client_id", "done", "kind", "legs", "list_id", "symbol")

    def __init__(self, list_id: int, client_id: str, symbol: Symbol, at: Ms, kind: str = "OCO") -> None:
        self.list_id = list_id
        self.client_id = client_id
        self.symbol = symbol
        self.at = at
        self.kind = kind
        self.legs: list[Order] = []
        self.done = False

    @property
    def pair(self) -> list[Order]:
        """The legs of which at most one executes; of an OTO those that follow, be it one."""
        return self.legs[1:] if self.kind == "OTO" else self.legs


class ListNews(Struct, frozen=True):
    """A list began, ended, or has a leg of another id (listStatus)."""

    at: Ms
    found: OrderList
    kind: str
    """``EXEC_STARTED``, ``UPDATED`` or ``ALL_DONE``."""


class Lists:
    """The order lists of one account."""

    def __init__(self, desk: "Desk") -> None:
        self._desk = desk
        self.kept: deque[OrderList] = deque(maxlen=KEPT)
        self.due: deque[OrderList] = deque()
        """Lists whose first order has filled and whose others are to be placed."""
        self._by_order: dict[int, OrderList] = {}
        self._next = 1

    def place(self, legs: "tuple[tuple[NewOrder, Terms], tuple[NewOrder, Terms]]", client_id: str) -> OrderList:
        """Place both legs; funds are held back once, for the dearer one.

        Raises:
            Denied: neither exists and never did.
        """
        desk = self._desk
        (first, _), (second, _) = legs
        self._names_are_free((first, second), client_id)
        asset = self._asset(first.symbol, first.side)
        for new, terms in legs:
            raise_for(desk._check(desk.venues[new.symbol], new))
            if desk.account.spendable(asset) < self._need(new, terms):
                raise_for(no.SPOT_BALANCE)
        self._room_for(first.symbol, len(legs))
        found = OrderList(self._next, client_id, first.symbol, desk.now)
        self._next += 1
        desk.updates.append(ListNews(desk.now, found, "EXEC_STARTED"))  # type: ignore[arg-type]  # told as the others are
        for new, terms in legs:
            terms.list_id = found.list_id
            found.legs.append(desk.submit(new, terms))
            self._by_order[found.legs[-1].exchange_id] = found
            if len(found.legs) == 1:
                self._lend(asset, found.legs[0].locked)
        self._share(asset, *found.legs)
        self.kept.append(found)
        return found

    def place_first(
        self, working: "tuple[NewOrder, Terms]", pending: "list[tuple[NewOrder, Terms]]", client_id: str
    ) -> OrderList:
        """Place the first order of an OTO; the others, which hold no funds, are placed once it has filled.

        Raises:
            Denied: none exists and never did.
        """
        desk, symbol = self._desk, working[0].symbol
        self._names_are_free([working[0], *(new for new, _ in pending)], client_id)
        for new, _ in pending:
            raise_for(check_client_id(Market.SPOT, new.client_id))
            raise_for(check_spot(desk.venues[symbol].instrument, new, desk.venues[symbol].last))
            if desk.key(symbol, new.client_id, False) in desk.history.open:
                raise_for(no.SPOT_DUPLICATE)
        self._room_for(symbol, 1 + len(pending))
        found = OrderList(self._next, client_id, symbol, desk.now, "OTO")
        told = len(desk.updates)
        working[1].list_id = found.list_id
        found.legs.append(desk.submit(*working))
        desk.updates.insert(told, ListNews(desk.now, found, "EXEC_STARTED"))  # type: ignore[arg-type]
        self._next += 1
        for new, terms in pending:
            terms.list_id = found.list_id
            found.legs.append(desk.pend(new, terms))
        for leg in found.legs:
            self._by_order[leg.exchange_id] = found
        self.kept.append(found)
        if not found.legs[0].open:
            self.ended(found.legs[0])
        return found

    def _names_are_free(self, orders: Sequence[NewOrder], client_id: str) -> None:
        names = {new.client_id for new in orders}
        if len(names) < len(orders) or any(not x.done and x.client_id == client_id for x in self.kept):
            raise_for(no.SPOT_DUPLICATE)

    def _room_for(self, symbol: Symbol, many: int) -> None:
        desk = self._desk
        if desk.standing(desk.venues[symbol]) + many > desk.tapes[symbol].instrument.max_orders:
            raise_for(no.filter_failure("MAX_NUM_ORDERS"))

    def release(self) -> None:
        """Place what was waiting for an order that has filled; what may not be placed now expires."""
        while self.due:
            pending = [leg for leg in self.due.popleft().legs if leg.status is Status.PENDING]
            try:
                self._place_pending(pending)
            except Denied:
                for order in pending:
                    if order.open:
                        self._desk.end(order, Status.EXPIRED, Execution.EXPIRED, "list")

    def _place_pending(self, pending: list[Order]) -> None:
        desk = self._desk
        for order in pending:
            desk.judge_pending(order)
        if len(pending) == 1:
            desk.place_pending(pending[0])
            return
        first, second = pending
        asset = self._asset(first.symbol, first.side)
        if desk.account.spendable(asset) < max(self.holds(first), self.holds(second)):
            raise_for(no.SPOT_BALANCE)
        desk.place_pending(first)
        self._lend(asset, first.locked)
        desk.place_pending(second)
        self._share(asset, first, second)

    def _asset(self, symbol: Symbol, side: Side) -> Asset:
        instrument = self._desk.tapes[symbol].instrument
        return instrument.quote if side is Side.BUY else instrument.base

    def _need(self, new: NewOrder, terms: "Terms") -> Money:
        instrument = self._desk.tapes[new.symbol].instrument
        if new.side is Side.SELL:
            return instrument.quantity(new.steps)
        starts_at = self._desk.starts_at(new.symbol, new.side, terms)
        return instrument.booked(new.price or starts_at or 0, new.steps)

    def _lend(self, asset: Asset, amount: Money) -> None:
        """What the first leg holds is free for a moment, so that the second can be placed."""
        assert self._desk.spot is not None
        self._desk.spot.locked[asset] -= amount

    def _share(self, asset: Asset, first: Order, second: Order) -> None:
        """The first leg holds its own need, the second what it needs beyond that."""
        spot = self._desk.spot
        assert spot is not None
        beyond = max(ZERO, second.locked - first.locked)
        spot.locked[asset] += first.locked + beyond - second.locked
        second.locked = beyond
        venue = self._desk.venues[first.symbol]
        self._desk._tell_account(venue, venue.instrument.quote)

    def of(self, order: Order) -> OrderList | None:
        """The list that an order is a leg of, while a leg is open."""
        return self._by_order.get(order.exchange_id)

    def claim(self, order: Order) -> None:
        """An order is about to execute: the other leg expires and leaves it the funds that it needs."""
        found = self._by_order.get(order.exchange_id)
        if found is None or order not in found.pair:
            return
        for other in found.pair:
            if other is not order and other.open:
                left = min(other.locked, max(ZERO, self.holds(order) - order.locked))
                order.locked += left
                other.locked -= left
                self._desk.end(other, Status.EXPIRED, Execution.EXPIRED, "list")

    def holds(self, order: Order) -> Money:
        """What is to be held back for what is left of an order that rests or waits."""
        instrument = self._desk.tapes[order.symbol].instrument
        if order.side is Side.SELL:
            return instrument.quantity(order.left)
        return instrument.booked(order.price or order.trigger or 0, order.left)

    def ended(self, order: Order) -> None:
        """A leg has ended; with the last one the list has. With the first of an OTO the others' time has come, or
        they end with it."""
        found = self._by_order.get(order.exchange_id)
        if found is None or len(found.legs) < 2:
            return
        if order not in found.pair:
            if order.status is Status.FILLED:
                self.due.append(found)
                return
            for other in found.pair:
                if other.open:
                    self._desk.end(other, order.status, Execution(order.status.value), order.reason)
        if found.done or any(leg.open for leg in found.legs):
            return
        found.done = True
        found.at = self._desk.now
        for leg in found.legs:
            self._by_order.pop(leg.exchange_id, None)
        self._desk.updates.append(ListNews(self._desk.now, found, "ALL_DONE"))  # type: ignore[arg-type]

    def renamed(self, found: OrderList) -> None:
        """An amendment gave a leg another client id."""
        self._desk.updates.append(ListNews(self._desk.now, found, "UPDATED"))  # type: ignore[arg-type]

    def cancel(self, found: OrderList, cancel_id: str) -> None:
        """End all legs at their owner's wish."""
        for leg in reversed(found.legs):  # those that would end with the first one have their owner's word, too
            if leg.open:
                self._desk.cancel_order(leg, cancel_id)
