"""Futures: what the open position costs in the exchange's own books, from its own realised figures."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.units import ZERO, Money, Steps


class CarryState(Struct, frozen=True):
    """Cost of the open position, the exchange's realised PnL and its rounding so far; quote."""

    cost: Money = ZERO
    realised: Money = ZERO
    rounding: Money = ZERO


class Carry:
    """The exchange's side of a position: ``cost = signed value traded + realised``.

    The cost is that of the exchange's average entry price without knowing how it rounds, so
    ``wallet + position x mark - cost`` is equity under its figures. When the position passes through zero
    the cost ought to be zero; what is left is the exchange's rounding of realised PnL to eight digits. It
    is in the wallet, so it is booked as ``rounding`` and not lost.
    """

    __slots__ = ("cost", "realised", "rounding")

    def __init__(self, state: CarryState | None = None) -> None:
        state = state or CarryState()
        self.cost = state.cost
        self.realised = state.realised
        self.rounding = state.rounding

    def fill(self, before: Steps, after: Steps, value: Money, step_value: Decimal, realised: Money) -> None:
        """Book a fill of signed ``value`` that took the position from ``before`` to ``after``.

        ``step_value`` is the value of one step at the fill's price.
        """
        self.realised += realised
        self.cost += value + realised
        if before and (after == 0 or (before > 0) != (after > 0)):
            opened = step_value * after
            self.rounding += self.cost - opened
            self.cost = opened

    def state(self) -> CarryState:
        """Everything it is."""
        return CarryState(self.cost, self.realised, self.rounding)
