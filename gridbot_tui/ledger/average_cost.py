"""The realised PnL that Binance states: against the average entry price, rounded to eight digits a fill."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Money, Side, Steps, Ticks

DIGITS = Decimal("1e-8")
_WIDE = Context(prec=60)


class AverageCost:
    """A one-way futures position with its average entry price, exact as a fraction.

    Adding averages the entry, reducing leaves it, passing through zero starts anew at the fill's price.
    """

    __slots__ = ("_cost", "_instrument", "position")

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self._cost = Fraction(0)
        """Signed ticks x steps at the entry price."""
        self.position: Steps = 0

    def fill(self, side: Side, price: Ticks, steps: Steps) -> Money:
        """Book a fill; its realised PnL in quote, before fees."""
        before = self.position
        if before * side >= 0:
            self.position += steps * side
            self._cost += price * steps * side
            return self._money(Fraction(0))
        closed = min(steps, abs(before))
        entry = self._cost / before
        realised = (price - entry) * closed * -side
        self.position += steps * side
        self._cost = entry * self.position if self.position * before > 0 else Fraction(price * self.position)
        return self._money(realised)

    @property
    def entry_price(self) -> Decimal | None:
        """Average entry price, rounded to eight digits; None when flat."""
        if not self.position:
            return None
        entry = self._cost / self.position
        return _rounded(entry, self._instrument.tick)

    def _money(self, ticks_steps: Fraction) -> Money:
        return _rounded(ticks_steps, self._instrument.unit)


def _rounded(number: Fraction, size: Decimal) -> Decimal:
    """``number`` x ``size``, rounded half to even at eight digits."""
    exact = _WIDE.divide(Decimal(number.numerator) * size, Decimal(number.denominator))
    return exact.quantize(DIGITS, ROUND_HALF_EVEN, _WIDE)
