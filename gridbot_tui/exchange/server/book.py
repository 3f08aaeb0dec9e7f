"""The order book of one symbol as the public sees it: what the market offers, and the orders of the accounts in it."""

from collections.abc import Callable
from typing import Final

from gridbot_tui.exchange.server.coins import worth_of
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Side, Steps, Ticks

LEVELS: Final = 40
"""Price levels a side that the market itself offers."""
_LEVEL_WORTH: Final = 20_000.0
"""About how much stands at one level, USDT."""
_OWN: Final = 2_654_435_761
_TURN: Final = 40_503
Levels = dict[Ticks, Steps]


class Book:
    """Levels a side, the best first. They are replaced, never changed, so holding them is enough to compare."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.update_id = 50_000_000
        self.venues: list[tuple[Venue, Callable[[Order], Steps]]] = []
        """Where the accounts' orders of the symbol rest, and what the public sees of one."""
        self._worth = _LEVEL_WORTH / (worth_of(instrument.quote) or 1.0)
        self.liquidity: Steps | None = None
        """Steps at each level where it was set by hand; 0 = nobody offers anything."""
        self._offered: tuple[Levels, Levels] = ({}, {})
        self._shown: tuple[Levels, Levels] = ({}, {})
        self._last: Ticks = 0
        self._unmade = False
        self._stale = False

    @property
    def bids(self) -> Levels:
        """What stands to buy."""
        return self._current()[0]

    @property
    def asks(self) -> Levels:
        """What stands to sell."""
        return self._current()[1]

    def touch(self) -> None:
        """An account's order came, changed or went."""
        self._stale = True

    def settle(self) -> int:
        """The number of the book as it stands now."""
        if self._stale:
            self._current()
        return self.update_id

    def offered(self, taker: Side) -> list[tuple[Ticks, Steps]]:
        """What a taker of a side meets, the best first; no account trades with another, or with itself."""
        self._current()
        return list(self._offered[taker is Side.BUY].items())

    def rebuild(self, last: Ticks) -> None:
        """The book is another, around a price; it is made when somebody looks at it."""
        self.update_id += 2
        self._last, self._unmade = last, True

    def _make(self) -> tuple[Levels, Levels]:
        """Levels around the last price: the best one tick away, the others on a coarser grid.

        How much stands at a price is its own, and changes every few turns.
        """
        last, turn, liquidity = self._last, self.update_id // 2, self.liquidity
        gap = max(1, round(last * 0.00002))
        size = max(1, int(self._worth / (self._instrument.unit_f * last)))
        below, above = last - 1, last + 1
        low, high = (below - 1) // gap * gap, -(-(above + 1) // gap) * gap
        buys = [below, *range(low, low - gap * (LEVELS - 1), -gap)]
        sells = [above, *range(high, high + gap * (LEVELS - 1), gap)]
        if liquidity == 0:
            return {}, {}
        if liquidity is not None:
            return dict.fromkeys((p for p in buys if p >= 1), liquidity), dict.fromkeys(sells, liquidity)
        bids = {p: size * (20 + (p * _OWN + (turn + p) // 16 * _TURN) % 97) // 60 or 1 for p in buys if p >= 1}
        asks = {p: size * (20 + (p * _OWN + (turn + p) // 16 * _TURN) % 97) // 60 or 1 for p in sells}
        return bids, asks

    def _current(self) -> tuple[Levels, Levels]:
        if self._unmade:
            self._unmade = self._stale = False
            self._offered = self._make()
            self._shown = self._merged()
        elif self._stale:
            self._stale = False
            merged = self._merged()
            if merged != self._shown:
                self.update_id += 1
                self._shown = merged
        return self._shown

    def _merged(self) -> tuple[Levels, Levels]:
        """The market's levels and the accounts' orders; a level that would cross an account's order has gone."""
        bids, asks = self._offered
        own_bids, own_asks = self._own(Side.BUY), self._own(Side.SELL)
        if not own_bids and not own_asks:
            return bids, asks
        top = max(own_bids, default=0)
        bottom = min((price for price in own_asks if price > top), default=None)
        asks = {price: steps for price, steps in asks.items() if price > top}
        if bottom is not None:
            bids = {price: steps for price, steps in bids.items() if price < bottom}
        for price, steps in own_bids.items():
            bids = {**bids, price: bids.get(price, 0) + steps}
        for price, steps in own_asks.items():
            if price > top:
                asks = {**asks, price: asks.get(price, 0) + steps}
        return dict(sorted(bids.items(), reverse=True)), dict(sorted(asks.items()))

    def _own(self, side: Side) -> Levels:
        found: Levels = {}
        for venue, shown in self.venues:
            for order in venue.bids if side is Side.BUY else venue.asks:
                price = order.price or 0
                found[price] = found.get(price, 0) + shown(order)
        return found
