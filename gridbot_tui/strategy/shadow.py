"""A paper grid of one system alone: the credit signal of the learning.

Unit equity, never compounded: cash and position are per 1 quote of equity, so a day's change of equity is
its return. Orders are set at the close of a decision bar and fill from the next bar on, where the bar
trades through them; at their limit, never better; an order born in a bar waits for the next.
"""

import math

from msgspec import Struct

from gridbot_tui.units import Side

THROUGH = 1e-4
"""A bar must trade this fraction of price (at least a tick) beyond a limit to fill it: the queue's proxy."""
TOUCH = 2e-4
"""A post-only order stands at least this fraction of price (at least a tick) from the last close."""
SLIPPAGE = 2e-4
"""Cost beyond the taker fee when a position is closed at once."""
DUST = 1e-9
"""Share of a lot that is rounding, not inventory."""

Order = tuple[float, float]
"""(price, base quantity > 0)."""


class Ladder(Struct, frozen=True, gc=False):
    """What a shadow is told at a decision: base quantities per unit of equity, log prices."""

    centre: float
    spacing: float
    skew: float
    lot: float
    target: float
    upper: float
    lower: float
    levels: int
    unwind: float | None


class ShadowState(Struct, frozen=True):
    """Everything of one shadow grid."""

    cash: float
    position: float
    touch: float
    ladder: Ladder | None
    day_equity: float | None
    total: float
    fees: float


def touches(close: float, tick: float) -> tuple[float, float]:
    """(bid, ask) nearest to the market as of ``close``.

    At the lowest price there is, one tick, no bid has room below: it stands there itself, where no bar can trade
    through it.
    """
    gap = max(tick, TOUCH * close)
    return close - gap if close > gap else close, close + gap


def rungs(side: int, ladder: Ladder, position: float, touch: float) -> list[Order]:
    """The orders that rest on one side, nearest first.

    Whole lots while the bound has room, then what is left of an exit. Of the rungs that would take, the
    one nearest the market rests at ``touch`` and the others wait for its fill. While an unwind is under
    way, it alone stands on its side.
    """
    if ladder.unwind is not None:
        excess = side * (ladder.unwind - position)
        if excess > DUST * max(ladder.lot, abs(position)):
            return [(touch, excess)]
    lot = ladder.lot
    room = (ladder.upper - position) if side > 0 else (position - ladder.lower)
    if lot <= 0.0 or room <= DUST * lot:
        return []
    whole = min(int(room / lot + 1e-6), ladder.levels)
    rest = min(room, -side * position) - whole * lot if whole < ladder.levels else 0.0
    count = whole + 1 if rest > 1e-6 * lot else whole
    step = side * ladder.spacing
    reserve = ladder.centre - ladder.skew * ladder.spacing * (position - ladder.target) / lot
    # Rung j takes while its price is beyond the touch: j < (reserve - ln touch) / step.
    crossing = min(max(math.ceil((reserve - math.log(touch)) / step) - 1, 0), count)
    found: list[Order] = []
    for j in range(max(crossing, 1), count + 1):
        quantity = lot if j <= whole else rest
        found.append((touch if j <= crossing else _held(math.exp(reserve - j * step), touch, side), quantity))
    return found


def nearest(side: int, ladder: Ladder, position: float, touch: float) -> float | None:
    """The price of the first order of ``rungs``, None where there is none: all that a quiet bar compares with."""
    if ladder.unwind is not None and side * (ladder.unwind - position) > DUST * max(ladder.lot, abs(position)):
        return touch
    lot = ladder.lot
    room = (ladder.upper - position) if side > 0 else (position - ladder.lower)
    if lot <= 0.0 or room <= DUST * lot:
        return None
    whole = min(int(room / lot + 1e-6), ladder.levels)
    rest = min(room, -side * position) - whole * lot if whole < ladder.levels else 0.0
    if not whole and rest <= 1e-6 * lot:
        return None
    step = side * ladder.spacing
    reserve = ladder.centre - ladder.skew * ladder.spacing * (position - ladder.target) / lot
    if (reserve - math.log(touch)) / step > 1.0:
        return touch
    return _held(math.exp(reserve - step), touch, side)


def _held(price: float, touch: float, side: int) -> float:
    """``price``, or the touch where rounding put it beyond."""
    return min(price, touch) if side > 0 else max(price, touch)


class Shadow:
    """One system's paper grid on one symbol."""

    __slots__ = (
        "_buy_touch",
        "_close",
        "_margin",
        "_sell_touch",
        "_tick",
        "buy_below",
        "cash",
        "day_equity",
        "fees",
        "ladder",
        "maker_fee",
        "pegging",
        "position",
        "sell_above",
        "taker_fee",
        "total",
    )

    def __init__(self, tick: float, maker_fee: float, taker_fee: float) -> None:
        self._tick = tick
        self.maker_fee = maker_fee
        self.taker_fee = taker_fee
        self.cash = 0.0
        self.position = 0.0
        self.fees = 0.0
        """Fees and slippage paid so far."""
        self.total = 0.0
        """Sum of the daily returns so far."""
        self.day_equity: float | None = None
        """Equity at the start of the day; None where the day has no valid start."""
        self.ladder: Ladder | None = None
        self._close = 0.0
        self._disarm()

    def plan(self, ladder: Ladder, close: float) -> None:
        """Take a decision made at ``close``; it acts from the next bar on."""
        self.ladder = ladder
        self._arm(close)

    def bar(self, high: float, low: float, close: float) -> None:
        """Fill what rested at the open, then set what stands next. Needed only where a trigger was passed."""
        ladder = self.ladder
        if ladder is None:
            return
        if low < self.buy_below or high > self.sell_above:
            buys = rungs(1, ladder, self.position, self._buy_touch)
            sells = rungs(-1, ladder, self.position, self._sell_touch)
            for price, quantity in buys:
                if low > price - self._beyond(price):
                    break
                self._trade(Side.BUY, price, quantity, self.maker_fee)
            for price, quantity in sells:
                if high < price + self._beyond(price):
                    break
                self._trade(Side.SELL, price, quantity, self.maker_fee)
            self._arm(close)
        elif self.pegging:
            self._arm(close)

    def funding(self, price: float, rate: float) -> None:
        """Settle funding: a long pays a positive rate, a short receives it."""
        self.cash -= self.position * price * rate

    def close(self, price: float) -> None:
        """End of an episode: out at once, with taker fee and slippage; nothing rests afterwards."""
        if self.position:
            side = Side.SELL if self.position > 0 else Side.BUY
            self._trade(side, price, abs(self.position), self.taker_fee + SLIPPAGE)
        self.position = 0.0
        self.ladder = None
        self._disarm()

    def equity(self, price: float) -> float:
        """Profit so far at ``price``, per unit of equity."""
        return self.cash + self.position * price

    def day(self, price: float, alive: bool) -> float | None:
        """Return of the finished day, None where it had no valid start; begins the next if ``alive``."""
        now = self.equity(price)
        made = None if self.day_equity is None else now - self.day_equity
        self.day_equity = now if alive else None
        if made is not None:
            self.total += made
        return made

    def state(self) -> ShadowState:
        """A copy of everything."""
        return ShadowState(
            self.cash, self.position, self._close, self.ladder, self.day_equity, self.total, self.fees
        )

    def restore(self, state: ShadowState) -> None:
        """Go on from a copy."""
        self.cash, self.position, self.fees = state.cash, state.position, state.fees
        self.day_equity, self.total, self.ladder = state.day_equity, state.total, state.ladder
        self._disarm()
        if state.ladder is not None:
            self._arm(state.touch)

    def _trade(self, side: Side, price: float, quantity: float, fee: float) -> None:
        cost = price * quantity * fee
        self.cash -= side * price * quantity + cost
        self.fees += cost
        self.position += side * quantity
        ladder = self.ladder
        if ladder is not None and abs(self.position) < 1e-6 * ladder.lot:
            self.position = 0.0

    def _beyond(self, price: float) -> float:
        return max(self._tick, THROUGH * price)

    def _arm(self, close: float) -> None:
        """Set the touches as of ``close`` and the prices beyond which something fills."""
        ladder = self.ladder
        assert ladder is not None
        self._close = close
        self._buy_touch, self._sell_touch = touches(close, self._tick)
        buy = nearest(1, ladder, self.position, self._buy_touch)
        sell = nearest(-1, ladder, self.position, self._sell_touch)
        # The slow path decides with <=, so that these two may be a little wide.
        self.buy_below = -math.inf if buy is None else (buy - self._beyond(buy)) * (1 + 1e-12)
        self.sell_above = math.inf if sell is None else (sell + self._beyond(sell)) * (1 - 1e-12)
        unwind = ladder.unwind
        self.pegging = unwind is not None and abs(self.position - unwind) > DUST * max(
            ladder.lot, abs(self.position)
        )

    def _disarm(self) -> None:
        self._buy_touch = self._sell_touch = 0.0
        self.buy_below, self.sell_above = -math.inf, math.inf
        self.pegging = False
