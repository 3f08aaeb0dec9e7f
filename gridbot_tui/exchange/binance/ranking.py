"""How urgent an order is: what protects, what enters, and what only moves what stood a moment ago."""

from collections import OrderedDict
from typing import Final

from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import ClientId, Side, Symbol

_KEPT: Final = 2_000
_Rung = tuple[Symbol, Side, int]


class Ranking:
    """Remembers the rungs whose orders we cancelled ourselves: what comes next at one of them re-prices it."""

    __slots__ = ("_moved", "_rungs")

    def __init__(self) -> None:
        self._rungs: OrderedDict[ClientId, _Rung] = OrderedDict()
        self._moved: OrderedDict[_Rung, None] = OrderedDict()

    def of(self, order: NewOrder) -> Rank:
        """The rank of an order that is about to be put in line."""
        if protects(order):
            return Rank.PROTECT
        if order.purpose is Purpose.GRID and self._moved.pop(_rung(order), self) is None:
            return Rank.REPRICE
        return Rank.ENTRY

    def placed(self, order: NewOrder) -> None:
        """It was taken."""
        if order.purpose is Purpose.GRID:
            self._rungs[order.client_id] = _rung(order)
            if len(self._rungs) > _KEPT:
                self._rungs.popitem(last=False)

    def cancelled(self, client_id: ClientId) -> None:
        """We are about to cancel it."""
        rung = self._rungs.pop(client_id, None)
        if rung is not None:
            self._moved[rung] = None
            if len(self._moved) > _KEPT:
                self._moved.popitem(last=False)


def protects(order: NewOrder) -> bool:
    """What reduces or protects, and what works a target (it leaves risk, whatever its flags)."""
    target = order.purpose is Purpose.TARGET
    return target or order.reduce_only or order.close_position or order.kind is OrderKind.STOP_MARKET


def _rung(order: NewOrder) -> _Rung:
    return order.symbol, order.side, order.rung
