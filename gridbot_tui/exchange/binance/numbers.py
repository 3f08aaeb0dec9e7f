"""The exchange's decimal strings as whole ticks and steps, exactly or not at all; made for many a second."""

from decimal import Decimal, InvalidOperation
from typing import Final

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Money, Steps, Ticks

_LONGEST: Final = 40


class BadNumber(ValueError):
    """A text that is no number, or one that does not lie on the instrument's grid."""


class Grid:
    """Reads multiples of one size (a tick or a step) without going through Decimal."""

    __slots__ = ("_places", "_size", "_unit")

    def __init__(self, size: Decimal) -> None:
        exponent = size.normalize().as_tuple().exponent
        assert isinstance(exponent, int)
        self._size = size
        self._places = max(0, -exponent)
        self._unit = int(size.scaleb(self._places))

    def read(self, text: str) -> int:
        """``text`` (not negative) as a whole number of sizes.

        Raises:
            BadNumber: no plain decimal number, or not a whole multiple.
        """
        whole, _, fraction = text.partition(".")
        places = self._places
        if len(fraction) > places:
            if fraction[places:].strip("0"):
                raise BadNumber(f"{text[:_LONGEST]!r} is no multiple of {self._size}")
            fraction = fraction[:places]
        digits = whole + fraction.ljust(places, "0")
        if not (digits.isascii() and digits.isdigit() and whole and len(digits) <= _LONGEST):
            raise BadNumber(f"{text[:_LONGEST]!r} is no number")
        number, rest = divmod(int(digits), self._unit)
        if rest:
            raise BadNumber(f"{text[:_LONGEST]!r} is no multiple of {self._size}")
        return number


class Scale:
    """Prices and quantities of one instrument as the exchange writes them."""

    __slots__ = ("instrument", "price", "steps")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.price = Grid(instrument.tick).read
        """A price as Ticks; raises BadNumber."""
        self.steps = Grid(instrument.step).read
        """A quantity as Steps; raises BadNumber."""

    def near(self, text: str) -> Ticks:
        """A price that need not lie on the grid (a mark price) as the nearest tick; raises BadNumber."""
        price = money(text)
        if price <= 0:
            raise BadNumber(f"{text[:_LONGEST]!r} is no price")
        return self.instrument.ticks_near(price)

    def some_price(self, text: str) -> Ticks:
        """A price that must be above zero; raises BadNumber."""
        ticks: Ticks = self.price(text)
        if ticks <= 0:
            raise BadNumber(f"{text[:_LONGEST]!r} is no price")
        return ticks

    def some_steps(self, text: str) -> Steps:
        """A quantity that must be above zero; raises BadNumber."""
        steps: Steps = self.steps(text)
        if steps <= 0:
            raise BadNumber(f"{text[:_LONGEST]!r} is no quantity")
        return steps


def money(text: str) -> Money:
    """An amount, signed; raises BadNumber."""
    try:
        amount = Decimal(text)
    except InvalidOperation:
        raise BadNumber(f"{text[:_LONGEST]!r} is no amount") from None
    if not amount.is_finite() or len(text) > _LONGEST:
        raise BadNumber(f"{text[:_LONGEST]!r} is no amount")
    return amount
