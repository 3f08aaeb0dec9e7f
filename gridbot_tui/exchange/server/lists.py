"""Spot order lists of two legs of which one cancels the other (OCO)."""

from collections import deque
from typing import TYPE_CHECKING, Final

from msgspec import Struct

from gridbot_tui.exchange.server.codes import raise_for
from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.records import Execution, Order, Status
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import ZERO, Asset, Money, Ms, Side, Symbol

if TYPE_CHECKING:
    from gridbot_tui.exchange.server.desk import Desk, Terms

KEPT: Final = 1_000
"""Lists that can still be asked for."""


class OrderList:
    """Two orders of which at most one executes. ``done``: neither is open."""

    __slots__ = ("at", "client_id", "done", "legs", "list_id", "symbol")

    def __init__(self, list_id: int, client_id: str, symbol: Symbol, at: Ms) -> None:
        self.list_id = list_id
        self.client_id = client_id
        self.symbol = symbol
        self.at = at
        self.legs: list[Order] = []
        self.done = False


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
        self._by_order: dict[int, OrderList] = {}
        self._next = 1

    def place(self, legs: "tuple[tuple[NewOrder, Terms], tuple[NewOrder, Terms]]", client_id: str) -> OrderList:
        """Place both legs; funds are held back once, for the dearer one.

        Raises:
            Denied: neither exists and never did.
        """
        desk = self._desk
        (first, _), (second, _) = legs
        if first.client_id == second.client_id or any(not x.done and x.client_id == client_id for x in self.kept):
            raise_for(no.SPOT_DUPLICATE)
        asset = self._asset(first)
        for new, terms in legs:
            raise_for(desk._check(desk.venues[new.symbol], new))
            if desk.account.spendable(asset) < self._need(new, terms):
                raise_for(no.SPOT_BALANCE)
        if desk.standing(desk.venues[first.symbol]) + len(legs) > desk.tapes[first.symbol].instrument.max_orders:
            raise_for(no.filter_failure("MAX_NUM_ORDERS"))
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

    def _asset(self, new: NewOrder) -> Asset:
        instrument = self._desk.tapes[new.symbol].instrument
        return instrument.quote if new.side is Side.BUY else instrument.base

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
        if found is None:
            return
        for other in found.legs:
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
        """A leg has ended; with the last one the list has."""
        found = self._by_order.get(order.exchange_id)
        if found is None or len(found.legs) < 2 or any(leg.open for leg in found.legs):
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
        """End both legs at their owner's wish."""
        for leg in found.legs:
            if leg.open:
                self._desk.cancel_order(leg, cancel_id)
