"""A spot account: free and locked balances, fees from what is received, nothing sold that is not held."""

from gridbot_tui.exchange.simulated import refusals as no
from gridbot_tui.exchange.simulated.accounts import BNB, Fees, Settlement
from gridbot_tui.exchange.simulated.records import BalanceView, Order, PositionView
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import ZERO, Asset, Money, Side, Steps, Symbol, Ticks


class SpotAccount:
    """Totals per asset and how much of each open orders hold."""

    def __init__(self, venues: dict[Symbol, Venue], fees: Fees) -> None:
        self.totals: dict[Asset, Money] = {}
        self.locked: dict[Asset, Money] = {}
        self._venues = venues
        self._fees = fees

    def admit(self, venue: Venue, order: Order, price: Ticks) -> Refusal | None:
        """-2010 for what is not free; what rests or waits is locked, a market order must be affordable."""
        asset, need = _needs(venue.instrument, order, price, order.steps)
        if self.spendable(asset) < need:
            return no.SPOT_BALANCE
        if order.kind is not OrderKind.MARKET:
            order.locked = need
            self.locked[asset] = self.locked.get(asset, ZERO) + need
        return None

    def release(self, order: Order) -> None:
        """Free what an ended order still holds."""
        if order.locked:
            instrument = self._venues[order.symbol].instrument
            asset = instrument.quote if order.side is Side.BUY else instrument.base
            self.locked[asset] -= order.locked
            order.locked = ZERO

    def settle(self, venue: Venue, order: Order, price: Ticks, steps: Steps, maker: bool) -> Settlement:
        """Swap the assets; the fee comes from the asset received, or from BNB."""
        instrument = venue.instrument
        quote, base = instrument.booked(price, steps), instrument.quantity(steps)
        if order.locked:
            limit = order.price if order.price is not None else (order.trigger or price)
            asset, held = _needs(instrument, order, limit, steps)
            held = min(held, order.locked)
            order.locked -= held
            self.locked[asset] -= held
        if order.side is Side.BUY:
            self.credit(instrument.quote, -quote)
            self.credit(instrument.base, base)
        else:
            self.credit(instrument.base, -base)
            self.credit(instrument.quote, quote)
        spare = self.spendable(BNB)
        in_bnb = self._fees.in_bnb(venue, quote, maker, spare) if spare > 0 else None
        if in_bnb is not None:
            fee, fee_asset = in_bnb, BNB
        else:
            fee, fee_asset = self._fees.of(venue, order.side, quote, steps, maker, spot=True)
        self.credit(fee_asset, -fee)
        return Settlement(quote, fee, fee_asset, ZERO)

    def affordable(self, venue: Venue, order: Order, price: Ticks) -> bool:
        """Whether free funds and the order's own lock pay for what is left of it."""
        asset, need = _needs(venue.instrument, order, price, order.left)
        return self.spendable(asset) + order.locked >= need

    def position(self, symbol: Symbol) -> Steps:
        """Spot has balances, no positions."""
        return 0

    def credit(self, asset: Asset, amount: Money) -> None:
        """Add a signed amount to a balance."""
        self.totals[asset] = self.totals.get(asset, ZERO) + amount

    def spendable(self, asset: Asset) -> Money:
        """What is free."""
        return self.totals.get(asset, ZERO) - self.locked.get(asset, ZERO)

    def balances(self) -> list[BalanceView]:
        """Every asset ever held."""
        return [BalanceView(asset, total, self.locked.get(asset, ZERO)) for asset, total in sorted(self.totals.items())]

    def positions(self) -> list[PositionView]:
        """Spot has none."""
        return []


def _needs(instrument: Instrument, order: Order, price: Ticks, steps: Steps) -> tuple[Asset, Money]:
    """What ``steps`` of an order cost: quote at ``price`` for a buy, base for a sell."""
    if order.side is Side.BUY:
        return instrument.quote, instrument.booked(price, steps)
    return instrument.base, instrument.quantity(steps)
