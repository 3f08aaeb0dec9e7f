"""Arithmetic on money that loses nothing: how a fee is divided, and where a quotient may be rounded.

Sums and products of money stay exact in the default decimal context (28 digits: ten and more before the
point beside Binance's eight to sixteen behind it). Only a division can round, and it happens here alone,
in contexts of its own.
"""

from decimal import ROUND_HALF_EVEN, Context, Decimal

from gridbot_tui.units import ZERO, Money

CENT = Decimal("1e-12")
"""The finest piece into which a fee is divided; the remainder stays with the rest, so nothing is lost."""
_WIDE = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SHOWN = Context(prec=28, rounding=ROUND_HALF_EVEN)


def share(amount: Money, part: int, whole: int) -> Money:
    """About ``amount x part / whole``, rounded to 1e-12; exactly ``amount`` where part = whole.

    Divide by taking shares off the remainder: the shares then sum to the amount, to the last digit.
    """
    if part == whole:
        return amount
    if not amount:
        return ZERO
    return quantised(_WIDE.divide(amount * part, Decimal(whole)))


def quantised(amount: Decimal) -> Money:
    """``amount`` rounded to 1e-12: for values that are estimates by nature, such as a fee at a price."""
    return amount.quantize(CENT, context=_WIDE)


def quotient(dividend: Decimal | int, divisor: Decimal | int) -> Decimal:
    """``dividend / divisor`` to 28 digits, for averages that are shown and never booked."""
    return _SHOWN.divide(Decimal(dividend), Decimal(divisor))


def product(left: Decimal, right: Decimal) -> Decimal:
    """``left x right`` to 28 digits, for ratios."""
    return _SHOWN.multiply(left, right)
