"""Words every room shares: sides, markets, modes, and the names of the numbers.

A price is an ``int`` of ticks and a quantity an ``int`` of lot steps; ``market.instrument`` alone
converts them. Money is ``Decimal``. Time is ``int`` milliseconds of UTC. Strategy is float and never
touches a balance.
"""

from collections.abc import Iterable
from decimal import ROUND_DOWN, Decimal
from enum import IntEnum, StrEnum
from functools import reduce
from operator import add
from typing import Final

Ms = int
"""Milliseconds since the Unix epoch, UTC; also a duration in milliseconds."""
Ticks = int
"""A price as a whole number of the instrument's tick size."""
Steps = int
"""A quantity as a whole number of the instrument's step size; signed where it is a position."""
Money = Decimal
"""An amount of an asset: wallet, fee, funding, PnL. Never float."""
Symbol = str
Asset = str
ClientId = str

MINUTE: Final[Ms] = 60_000
HOUR: Final[Ms] = 3_600_000
DAY: Final[Ms] = 86_400_000

ZERO: Final = Decimal(0)
CENT: Final = Decimal("0.00000001")
"""Binance keeps eight decimals of any asset, and cuts: 0.001715478 is charged as 0.00171547."""


def cut(amount: Money) -> Money:
    """Eight decimals, towards zero."""
    return amount.quantize(CENT, ROUND_DOWN)


def added(values: Iterable[float]) -> float:
    """Floats added one after the other, 0.0 without any.

    From Python 3.12 on ``sum`` carries along what their rounding loses: the same market would make other orders there
    than on 3.11, and others than in compiled code.
    """
    return reduce(add, values, 0.0)


def plain(amount: Decimal) -> str:
    """An amount of money as documents and faces get it: no exponent, no trailing zeros, no minus zero."""
    text = format(amount, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


class Side(IntEnum):
    """Direction of an order or fill; the value is the sign it gives to a position."""

    BUY = 1
    SELL = -1

    @property
    def opposite(self) -> "Side":
        """The other side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class Market(StrEnum):
    """Which Binance market a profile trades."""

    SPOT = "spot"
    FUTURES = "futures"


class Mode(StrEnum):
    """Where prices come from and where orders go."""

    SIM = "sim"
    REPLAY = "replay"
    PAPER = "paper"
    TESTNET = "testnet"
    LIVE = "live"

    @property
    def virtual(self) -> bool:
        """True where the simulated World owns the clock."""
        return self in (Mode.SIM, Mode.REPLAY)
