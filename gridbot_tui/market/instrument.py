"""An instrument's grid of prices and quantities, its filters and its margin brackets.

This module alone converts between the exchange's decimal strings and the house's whole ticks and steps.
"""

from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_EVEN, Decimal
from functools import cached_property

from msgspec import Struct

from gridbot_tui.units import CENT, Asset, Market, Money, Steps, Symbol, Ticks, cut


class Bracket(Struct, frozen=True):
    """One maintenance-margin bracket of a USD-M symbol (``leverageBracket``)."""

    floor: Money
    """Notional from which the bracket applies, quote."""
    cap: Money
    """Notional up to which it applies, quote."""
    max_leverage: int
    maintenance_ratio: Decimal
    cum: Money
    """Maintenance amount: margin = notional x ratio - cum."""


class Instrument(Struct, frozen=True, dict=True):
    """Everything static about one symbol of one market."""

    symbol: Symbol
    market: Market
    base: Asset
    quote: Asset
    tick: Decimal
    """Price of one tick, quote per base."""
    step: Decimal
    """Quantity of one step, base."""
    min_steps: Steps
    max_steps: Steps
    market_max_steps: Steps
    """Largest quantity of one market order."""
    min_notional: Money
    min_price: Ticks
    max_price: Ticks
    percent_up: Decimal
    """PERCENT_PRICE: a buy limit may be at most this multiple of the reference price."""
    percent_down: Decimal
    """PERCENT_PRICE: a sell limit must be at least this multiple of the reference price."""
    max_orders: int
    brackets: tuple[Bracket, ...] = ()
    """Ascending by floor; empty on spot."""
    funding_interval_hours: int = 8
    derived: bool = False
    """True where tick and step were derived from recorded data because no filter was known."""
    price_every: int = 1
    """Prices of orders are multiples of so many ticks: 1, but where the exchange has made its tick size coarser while
    something was held that was traded in the old one."""

    max_notional: Money | None = None
    """Spot: largest value of one limit order, quote; None where none is set."""
    max_market_notional: Money | None = None
    """Spot: largest value of one market order."""
    max_position: Steps | None = None
    """Spot: most base that the account may hold, with what its open buys would bring; a buy beyond it is refused."""

    # The forms used on the hot path, computed once.

    @cached_property
    def tick_f(self) -> float:
        """``tick`` as a float."""
        return float(self.tick)

    @cached_property
    def step_f(self) -> float:
        """``step`` as a float."""
        return float(self.step)

    @cached_property
    def unit(self) -> Decimal:
        """Value of one step at a price of one tick, quote."""
        return self.tick * self.step

    @cached_property
    def unit_f(self) -> float:
        """``unit`` as a float."""
        return float(self.unit)

    @cached_property
    def cents(self) -> bool:
        """True where price x quantity never has more decimals than an exchange keeps of an asset."""
        return not self.unit % CENT

    @cached_property
    def minimum_f(self) -> float:
        """``min_notional`` in ticks x steps, as a float."""
        return float(self.min_notional) / self.unit_f

    @cached_property
    def least_value(self) -> int:
        """The smallest ticks x steps that reaches ``min_notional``."""
        return int((self.min_notional / self.unit).to_integral_value(ROUND_CEILING))

    @cached_property
    def _most_values(self) -> tuple[int, ...]:
        """Largest ticks x steps of a position at leverage 1, 2 and so on, to the symbol's highest."""
        highest = max((bracket.max_leverage for bracket in self.brackets), default=0)
        caps = [(bracket.max_leverage, int(bracket.cap / self.unit)) for bracket in self.brackets]
        return tuple(max(cap for most, cap in caps if most >= at) for at in range(1, highest + 1))

    def most_value(self, leverage: int) -> int | None:
        """Largest ticks x steps that a position may come to with all that rests on its side, where the exchange's
        leverage is set to ``leverage``, or to the highest of the symbol if that is less; None without brackets."""
        values = self._most_values
        return values[min(leverage, len(values)) - 1] if values else None

    def most_steps(self, price: Ticks) -> Steps:
        """Largest quantity of one limit order at that price."""
        return _worth_at_most(self.max_notional, self.unit, price, self.max_steps)

    def most_market_steps(self, price: Ticks) -> Steps:
        """Largest quantity of one market order while the market is at that price. The exchange goes by an average of
        some minutes: a tenth is left for what the price has moved since."""
        limit = None if self.max_market_notional is None else self.max_market_notional * 9 / 10
        return _worth_at_most(limit, self.unit, price, self.market_max_steps)

    def ticks_down(self, price: float | Decimal) -> Ticks:
        """The highest whole tick at or below ``price``."""
        return _whole(price, self.tick, self.tick_f, ROUND_FLOOR)

    def ticks_up(self, price: float | Decimal) -> Ticks:
        """The lowest whole tick at or above ``price``."""
        return _whole(price, self.tick, self.tick_f, ROUND_CEILING)

    def ticks_near(self, price: float | Decimal) -> Ticks:
        """The nearest whole tick, ties to even."""
        return _whole(price, self.tick, self.tick_f, ROUND_HALF_EVEN)

    def steps_down(self, quantity: float | Decimal) -> Steps:
        """The largest whole number of steps whose size is at most ``|quantity|``, with its sign."""
        whole = _whole(-quantity if quantity < 0 else quantity, self.step, self.step_f, ROUND_FLOOR)
        return -whole if quantity < 0 else whole

    def order_down(self, ticks: Ticks) -> Ticks:
        """The highest price at or below ``ticks`` that an order may have."""
        return ticks - ticks % self.price_every

    def order_up(self, ticks: Ticks) -> Ticks:
        """The lowest price at or above ``ticks`` that an order may have."""
        return ticks + -ticks % self.price_every

    def price(self, ticks: Ticks) -> Decimal:
        """Ticks as an exact decimal price."""
        return self.tick * ticks

    def quantity(self, steps: Steps) -> Decimal:
        """Steps as an exact decimal quantity."""
        return self.step * steps

    def notional(self, ticks: Ticks, steps: Steps) -> Money:
        """Exact value of ``steps`` at ``ticks``, in quote; carries the sign of ``steps``."""
        return self.unit * (ticks * steps)

    def booked(self, ticks: Ticks, steps: Steps) -> Money:
        """``notional`` as a spot exchange books it: 3.558 at 0.000627 is told as 0.00223086."""
        value = self.notional(ticks, steps)
        return value if self.cents else cut(value)


def _worth_at_most(limit: Money | None, unit: Decimal, price: Ticks, most: Steps) -> Steps:
    return most if limit is None or price <= 0 else min(most, int(limit / (unit * price)))


def _whole(value: float | Decimal, size: Decimal, size_f: float, rounding: str) -> int:
    """``value / size`` as an int; a float within 1e-9 of a whole number is that number."""
    if isinstance(value, float):
        ratio = value / size_f
        near = round(ratio)
        if abs(ratio - near) <= 1e-9 * max(1.0, abs(ratio)):
            return near
        return int(Decimal(ratio).to_integral_value(rounding))
    return int((value / size).to_integral_value(rounding))
