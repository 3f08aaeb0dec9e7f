"""The exchange's decimal strings as whole ticks and steps, exactly or not at all; made for many a second."""

from decimal import Decimal, InvalidOperation
from typing import Final

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Money, Steps, Ticks

_LONGEST: Final = 40
_LARGEST: Final = 24
"""Digits before the point of anything that is money or a quantity."""
NAN: Final = Decimal("NaN")
_PLAIN: Final = frozenset("0123456789.+-eE")


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
            BadNumber: no decimal number, or not a whole multiple.
        """
        whole, _, fraction = text.partition(".")
        places = self._places
        if len(fraction) > places:
            if fraction[places:].strip("0"):
                return self._exact(text)
            fraction = fraction[:places]
        digits = whole + fraction.ljust(places, "0")
        if not (digits.isascii() and digits.isdigit() and whole and len(digits) <= _LONGEST):
            return self._exact(text)
        number, rest = divmod(int(digits), self._unit)
        if rest:
            raise BadNumber(f"{text!r} is no multiple of {self._size}")
        return number

    def _exact(self, text: str) -> int:
        """What is not written plainly: an exponent, or nonsense."""
        amount = money(text)
        try:
            if amount >= 0 and not amount % self._size:
                return int(amount / self._size)
        except InvalidOperation:
            pass  # more digits than any price or quantity has
        raise BadNumber(f"{text!r} is no multiple of {self._size}")


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

    def shown(self, text: str) -> Ticks:
        """A price of the market, above zero, as the nearest tick; raises BadNumber.

        The market's own may be finer than ours since this morning: it is not to fall silent for that.
        """
        try:
            return self.some_price(text)
        except BadNumber:
            return self.near(text)

    def best(self, bid: str, ask: str) -> tuple[Ticks, Ticks]:
        """Best prices, rounded away from each other, 0 for an empty side; raises BadNumber."""
        try:
            return self.price(bid), self.price(ask)
        except BadNumber:
            low, high = money(bid), money(ask)
            if low < 0 or high < 0 or (high and low > high):
                raise
            return self.instrument.ticks_down(low), self.instrument.ticks_up(high)

    def booked(self, price: Ticks, steps: Steps, told: str | None) -> Money | None:
        """The quote amount of a spot trade, by the exchange's own word for it where there is one; None where that is
        price x quantity. Raises BadNumber."""
        amount = self.instrument.booked(price, steps) if told is None else money(told)
        return None if amount == self.instrument.notional(price, steps) else amount

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
        amount = Decimal(text) if len(text) <= _LONGEST and _PLAIN.issuperset(text) else NAN
    except InvalidOperation:
        amount = NAN
    if not amount.is_finite() or (amount and not -_LONGEST < amount.adjusted() < _LARGEST):
        raise BadNumber(f"{text[:_LONGEST]!r} is no amount")
    return amount


def digits(number: int | Decimal) -> str:
    """A number as the exchange would have written it, a whole one without a point; raises BadNumber."""
    amount = Decimal(number)
    if not amount.is_finite() or (amount and not -_LONGEST < amount.adjusted() < _LARGEST):
        raise BadNumber("it is no amount")
    whole = amount.to_integral_value()
    return format(whole if whole == amount else amount, "f")
