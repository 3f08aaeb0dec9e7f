"""The order book of one symbol as the public sees it: what the market offers, and the orders of the accounts in it."""

from typing import Final

from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Side, Steps, Ticks

LEVELS: Final = 40
"""Price levels a side that the market itself offers."""
_LEVEL_WORTH: Final = 20_000.0
"""About how much quote stands at one level."""
Levels = dict[Ticks, Steps]


class Book:
    """Levels a side, the best first. They are replaced, never changed, so holding them is enough to compare."""

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.update_id = 50_000_000
        self.venues: list[Venue] = []
        """Where the accounts' orders of the symbol rest."""
        self.liquidity: Steps | None = None
        """Steps at each level where it was set by hand."""
        self._offered: tuple[Levels, Levels] = ({}, {})
        self._shown: tuple[Levels, Levels] = ({}, {})
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
        self._current()
        return self.update_id

    def offered(self, taker: Side) -> list[tuple[Ticks, Steps]]:
        """What a taker of a side meets, the best first; no account trades with another, or with itself."""
        return list(self._offered[taker is Side.BUY].items())

    def rebuild(self, last: Ticks) -> None:
        """Levels around a price: the best one tick away, the others on a coarser grid."""
        gap = max(1, round(last * 0.00002))
        self.update_id += 2
        turn = self.update_id // 2
        size = max(1, int(_LEVEL_WORTH / (self._instrument.unit_f * last)))
        below, above = last - 1, last + 1
        bids: Levels = {}
        asks: Levels = {}
        if below >= 1:
            bids[below] = self._size(below, size, turn)
        asks[above] = self._size(above, size, turn)
        low, high = (below - 1) // gap * gap, -(-(above + 1) // gap) * gap
        for _ in range(LEVELS - 1):
            if low >= 1:
                bids[low] = self._size(low, size, turn)
            asks[high] = self._size(high, size, turn)
            low -= gap
            high += gap
        self._offered = bids, asks
        self._shown = self._merged()
        self._stale = False

    def _size(self, price: Ticks, size: Steps, turn: int) -> Steps:
        """How much stands at a price: its own, and changing every few turns."""
        if self.liquidity is not None:
            return self.liquidity
        return max(1, size * (20 + (price * 2_654_435_761 + (turn + price) // 16 * 40_503) % 97) // 60)

    def _current(self) -> tuple[Levels, Levels]:
        if self._stale:
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
        for venue in self.venues:
            for order in venue.bids if side is Side.BUY else venue.asks:
                price = order.price or 0
                found[price] = found.get(price, 0) + order.left
        return found
