"""One symbol on the exchange: its resting orders as a sorted ladder, and what a quiet bar compares with."""

from bisect import bisect_left, insort
from collections import deque
from typing import Final

from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Side, Steps, Symbol, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY, _SELL = Side.BUY, Side.SELL

NEVER_LOW: Final = -1
"""No price is below this: nothing waits for a fall."""
NEVER_HIGH: Final = 1 << 62
"""No price is above this: nothing waits for a rise."""
BARS_KEPT: Final = 3_000


def _bid_key(order: Order) -> tuple[int, int]:
    return (order.price or 0, -order.exchange_id)


def _ask_key(order: Order) -> tuple[int, int]:
    return (-(order.price or 0), -order.exchange_id)


class Venue:
    """The resting orders of one symbol. The best order of each side stands last in its list.

    A bar that stays above ``next_buy`` and ``mark_low_watch`` and below ``next_sell`` and
    ``mark_high_watch`` cannot concern anything here.
    """

    __slots__ = (
        "asks",
        "band_high",
        "band_low",
        "bars",
        "bids",
        "buy_exposure",
        "instrument",
        "last",
        "mark",
        "mark_high_watch",
        "mark_low_watch",
        "next_buy",
        "next_sell",
        "reduce_only",
        "sell_exposure",
        "stops",
        "symbol",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.symbol: Symbol = instrument.symbol
        self.bids: list[Order] = []
        self.asks: list[Order] = []
        self.stops: list[Order] = []
        self.bars: deque[Bar] = deque(maxlen=BARS_KEPT)
        self.last: Ticks = 0
        """Last price; 0 before the first bar, when nothing can be traded."""
        self.mark: Ticks = 0
        self.next_buy: Ticks = NEVER_LOW
        self.next_sell: Ticks = NEVER_HIGH
        self.band_low: Ticks = NEVER_LOW
        """Mark price down to which the account's margin cannot matter."""
        self.band_high: Ticks = NEVER_HIGH
        self.mark_low_watch: Ticks = NEVER_LOW
        self.mark_high_watch: Ticks = NEVER_HIGH
        self.buy_exposure = 0
        """Resting buys that are not reduce-only: sum of ticks x steps."""
        self.sell_exposure = 0
        self.reduce_only = 0
        """How many resting limit orders are reduce-only."""

    def add(self, order: Order) -> None:
        """Rest a limit order."""
        order.resting = True
        if order.side is _BUY:
            insort(self.bids, order, key=_bid_key)
        else:
            insort(self.asks, order, key=_ask_key)
        if order.reduce_only:
            self.reduce_only += 1
        else:
            self._expose(order, order.left)
        self._heads()

    def remove(self, order: Order) -> None:
        """Take a resting limit order off the ladder."""
        order.resting = False
        if order.side is _BUY:
            self.bids.pop(bisect_left(self.bids, _bid_key(order), key=_bid_key))
        else:
            self.asks.pop(bisect_left(self.asks, _ask_key(order), key=_ask_key))
        if order.reduce_only:
            self.reduce_only -= 1
        else:
            self._expose(order, -order.left)
        self._heads()

    def filled(self, order: Order, steps: Steps) -> None:
        """A resting order was filled in part or whole; the caller removes it when nothing is left."""
        if not order.reduce_only:
            self._expose(order, -steps)

    def add_stop(self, order: Order) -> None:
        """Watch a conditional order."""
        self.stops.append(order)
        self.watch()

    def remove_stop(self, order: Order) -> None:
        """Forget a conditional order."""
        self.stops.remove(order)
        self.watch()

    def watch(self) -> None:
        """Recompute the mark prices at which a stop fires or the margin must be looked at."""
        low, high = self.band_low, self.band_high
        for stop in self.stops:
            trigger = stop.trigger or 0
            if stop.side is _SELL:
                low = max(low, trigger)
            else:
                high = min(high, trigger)
        self.mark_low_watch, self.mark_high_watch = low, high

    def hit_stops(self, side: Side, low: Ticks, high: Ticks) -> list[Order]:
        """Stops on ``side`` that the mark range touches, the first to be reached first."""
        if side is _SELL:
            hit = [s for s in self.stops if s.side is _SELL and (s.trigger or 0) >= low]
            return sorted(hit, key=lambda s: (-(s.trigger or 0), s.exchange_id))
        hit = [s for s in self.stops if s.side is _BUY and (s.trigger or 0) <= high]
        return sorted(hit, key=lambda s: (s.trigger or 0, s.exchange_id))

    def resting(self, side: Side) -> list[Order]:
        """Limit orders of one side, the best first."""
        return (self.bids if side is _BUY else self.asks)[::-1]

    def _expose(self, order: Order, steps: Steps) -> None:
        if order.side is _BUY:
            self.buy_exposure += (order.price or 0) * steps
        else:
            self.sell_exposure += (order.price or 0) * steps

    def _heads(self) -> None:
        self.next_buy = (self.bids[-1].price or 0) if self.bids else NEVER_LOW
        self.next_sell = (self.asks[-1].price or 0) if self.asks else NEVER_HIGH
