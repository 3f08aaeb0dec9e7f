"""Futures: what the open position costs in the exchange's own books, from its own realised figures; its rounding."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.units import ZERO, Money, Steps


class CarryState(Struct, frozen=True):
    """Cost of the open position, the exchange's realised PnL, its rounding so far, and what waits; quote."""

    cost: Money = ZERO
    realised: Money = ZERO
    rounding: Money = ZERO
    waiting: Money = ZERO


class Carry:
    """The exchange's side of a position: ``cost = signed value traded + realised``.

    The cost is that of the exchange's average entry price without knowing how it rounds, so
    ``wallet + position x mark - cost`` is equity under its figures. When the position passes through zero
    the cost ought to be zero; what is left is the exchange's rounding of realised PnL to eight digits. It
    is in the wallet, so it is booked as ``rounding`` and not lost.

    More than that is a fill that is still to come: one whose news was lost is booked after later ones, and
    the exchange's figures are of its own order. It stays in the cost, where the late fill takes it away; booked
    as rounding it would make equity wrong until the position is flat again.

    On spot there is rounding alone: what the quote amounts of fills are beside price x quantity.
    """

    __slots__ = ("cost", "realised", "rounding", "waiting")

    def __init__(self, state: CarryState | None = None) -> None:
        state = state or CarryState()
        self.cost = state.cost
        self.realised = state.realised
        self.rounding = state.rounding
        self.waiting = state.waiting
        """What was too much for rounding when the position last passed through zero."""

    def fill(self, before: Steps, after: Steps, value: Money, unit: Decimal, opened: Money, realised: Money) -> None:
        """Book a fill of signed ``value`` that took the position from ``before`` to ``after``.

        ``unit`` is the value of one tick x step, ``opened`` that of ``after`` at the fill's price.
        """
        self.realised += realised
        self.cost += value + realised
        if before and (after == 0 or (before > 0) != (after > 0)):
            self._settle(self.cost - opened, opened, unit * abs(before))

    def _settle(self, left: Money, opened: Money, most: Money) -> None:
        """Rounding is less than a tick of the average entry price. What waits longer than until the position
        passes through zero once more is not explained by any fill, and is in the wallet as well."""
        if abs(left) > most and abs(left - self.waiting) > most:
            self.waiting = left
            return
        self.rounding += left
        self.cost, self.waiting = opened, ZERO

    def state(self) -> CarryState:
        """Everything it is."""
        return CarryState(self.cost, self.realised, self.rounding, self.waiting)
