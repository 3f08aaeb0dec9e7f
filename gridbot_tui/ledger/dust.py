"""Spot: the fraction of a step that a fee in base leaves behind, with what it cost."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Money, Steps, Ticks


class DustState(Struct, frozen=True):
    """Quantity in base, cost in quote."""

    quantity: Decimal = ZERO
    cost: Money = ZERO


class Dust:
    """Base that is ours and in no lot; less than one step whenever a fill is booked.

    The cost is what makes lots and dust together worth exactly what was paid. Whole steps move between
    dust and a lot at the lot's price, so the cost may well be a little below zero.
    """

    __slots__ = ("_instrument", "cost", "quantity")

    def __init__(self, instrument: Instrument, state: DustState | None = None) -> None:
        state = state or DustState()
        self._instrument = instrument
        self.quantity = state.quantity
        self.cost = state.cost

    def add(self, quantity: Decimal, price: Ticks) -> None:
        """Base that arrived (or left, negative) at ``price``."""
        self.quantity += quantity
        self.cost += quantity * self._instrument.price(price)

    def lose(self, quantity: Decimal, worth: Money) -> None:
        """Base that left otherwise than by a sale, counted at ``worth`` where it went."""
        self.quantity -= quantity
        self.cost -= worth

    def take_whole(self, price: Ticks) -> Steps:
        """Give up every whole step to a lot at ``price``; how many there were."""
        steps = int(self.quantity // self._instrument.step)
        if steps > 0:
            self.add(-self._instrument.quantity(steps), price)
            return steps
        return 0

    def missing(self) -> Steps:
        """Steps that lots must give so that the dust is no debt."""
        if self.quantity >= 0:
            return 0
        whole, rest = divmod(-self.quantity, self._instrument.step)
        return int(whole) + (1 if rest else 0)

    def value(self, price: Ticks) -> Money:
        """What it is worth at ``price``, quote."""
        return self.quantity * self._instrument.price(price)

    def profit(self, price: Ticks) -> Money:
        """Worth at ``price`` less its cost, quote."""
        return self.value(price) - self.cost

    def state(self) -> DustState:
        """Everything it is."""
        return DustState(self.quantity, self.cost)
