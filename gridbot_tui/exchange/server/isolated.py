"""Positions with a wallet of their own (isolated margin): what one loses is its own wallet's, and nothing else's.

The account's wallet holds everything; ``pockets`` says how much of it belongs to which isolated position. What opens
brings its initial margin along, what closes takes its part back, and funding is paid from it.
"""

from decimal import Decimal

from gridbot_tui.exchange.simulated.accounts import Fees, Settlement
from gridbot_tui.exchange.simulated.futures import FuturesAccount
from gridbot_tui.exchange.simulated.margin import liquidation_price
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.exchange.simulated.venue import NEVER_HIGH, NEVER_LOW, Venue
from gridbot_tui.units import ZERO, Asset, Money, Steps, Symbol, Ticks, cut


class IsolatedAccount(FuturesAccount):
    """A futures account of which each symbol is margined across, or by itself."""

    def __init__(
        self, quote: Asset, venues: dict[Symbol, Venue], fees: Fees, leverage: int, call_ratio: Decimal
    ) -> None:
        super().__init__(quote, venues, fees, leverage, call_ratio)
        self.isolated: set[Symbol] = set()
        self.pockets: dict[Symbol, Money] = {}
        """Isolated wallet of each isolated position."""

    def alone(self, symbol: Symbol) -> Money | None:
        """The wallet of an isolated symbol; None where the account stands for it."""
        return self.pockets.get(symbol, ZERO) if symbol in self.isolated else None

    def shared(self) -> Money:
        """What no isolated position has for itself."""
        return super().shared() - sum(self.pockets.values(), ZERO)

    def initial(self, symbol: Symbol) -> Money:
        """Initial margin of a position at its mark price."""
        venue = self._venues[symbol]
        notional = abs(venue.instrument.notional(venue.mark, self.position(symbol)))
        return notional / self.leverage_of(symbol)

    def move(self, symbol: Symbol, amount: Money) -> None:
        """Into a position's wallet, or out of it."""
        self.pockets[symbol] += amount
        self.room = None

    # -- what the exchange asks ------------------------------------------------------------------------------

    def settle(self, venue: Venue, order: Order, price: Ticks, steps: Steps, maker: bool) -> Settlement:
        """As across; margin goes along with the position."""
        symbol, before = venue.symbol, self.position(venue.symbol)
        made = super().settle(venue, order, price, steps, maker)
        if symbol in self.isolated:
            self.called_alone.discard(symbol)
            after = self.position(symbol)
            kept = min(before, after, key=abs) if before * after > 0 else 0
            pocket = self.pockets.pop(symbol, ZERO)
            if after:
                opened = abs(venue.instrument.notional(price, after - kept))
                stays = cut(pocket * kept / before) if kept else ZERO
                self.pockets[symbol] = stays + cut(opened / self.leverage_of(symbol))
            self.room = None
        return made

    def margin(self) -> tuple[Money, Money]:
        """Of what is margined across."""
        balance, needed = super().margin()
        for symbol in self.pockets:
            unrealised, upkeep = self.margin_alone(symbol, ZERO)
            balance -= unrealised
            needed -= upkeep
        return balance, needed

    def available(self) -> Money:
        """As across: isolated positions have their margin already, their orders take theirs from what is shared."""
        return super().available() + sum((self.initial(symbol) for symbol in self.pockets), ZERO)

    def _roughly_available(self) -> float:
        return float(self.available()) if self.pockets else super()._roughly_available()

    def liquidation_price_of(self, symbol: Symbol) -> Money | None:
        """Of an isolated position, by its own wallet."""
        pocket, position = self.pockets.get(symbol), self.held.get(symbol)
        if pocket is None or position is None:
            return super().liquidation_price_of(symbol)
        instrument = self._venues[symbol].instrument
        price = liquidation_price(instrument, position.steps, position.cost, pocket)
        return None if price is None else price.quantize(instrument.tick)

    def rebuild_bands(self) -> None:
        """An isolated position's own distance instead of its share of the account's."""
        super().rebuild_bands()
        for symbol, pocket in self.pockets.items():
            venue = self._venues[symbol]
            balance, needed = self.margin_alone(symbol, pocket)
            ratio = 1.0 if symbol in self.called_alone else float(self._call_ratio)
            venue.band_low, venue.band_high = NEVER_LOW, NEVER_HIGH
            self._band(venue, self.position(symbol), ratio * float(balance) - float(needed))
