"""What the exchange needs of an account, whichever market it is on, and the fees both charge."""

from decimal import Decimal
from typing import Protocol

from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.records import BalanceView, Order, PositionView
from gridbot_tui.exchange.simulated.refusals import Refusal
from gridbot_tui.exchange.simulated.venue import Venue
from gridbot_tui.units import Asset, Market, Money, Side, Steps, Symbol, Ticks, cut

BNB = "BNB"


class Settlement:
    """What one execution did to the account."""

    __slots__ = ("fee", "fee_asset", "quote", "realised")

    def __init__(self, quote: Money, fee: Money, fee_asset: Asset, realised: Money) -> None:
        self.quote = quote
        """What it was worth, as the account has booked it."""
        self.fee = fee
        self.fee_asset = fee_asset
        self.realised = realised


class Account(Protocol):
    """The books of one account."""

    def admit(self, venue: Venue, order: Order, price: Ticks) -> Refusal | None:
        """Whether the funds suffice for an order at ``price``; a resting spot order locks them."""
        ...

    def release(self, order: Order) -> None:
        """Give back what an order that ended still holds."""
        ...

    def settle(self, venue: Venue, order: Order, price: Ticks, steps: Steps, maker: bool) -> Settlement:
        """Book one execution."""
        ...

    def position(self, symbol: Symbol) -> Steps:
        """The signed futures position; 0 on spot."""
        ...

    def credit(self, asset: Asset, amount: Money) -> None:
        """Add a signed amount to a wallet."""
        ...

    def spendable(self, asset: Asset) -> Money:
        """How much of an asset could be withdrawn."""
        ...

    def balances(self) -> list[BalanceView]:
        """Every asset ever held, in name order."""
        ...

    def positions(self) -> list[PositionView]:
        """Every symbol ever traded on futures, in name order."""
        ...


class Fees:
    """The fee schedule, and when it is paid in BNB."""

    def __init__(self, config: AccountConfig, venues: dict[Symbol, Venue]) -> None:
        p = config.params
        futures = config.market is Market.FUTURES
        self.maker: Decimal = p.futures_maker if futures else p.spot_maker
        self.taker: Decimal = p.futures_taker if futures else p.spot_taker
        self._keep = 1 - (p.futures_bnb_discount if futures else p.spot_bnb_discount)
        self._bnb = p.bnb_fees
        self._price = p.bnb_price
        self._venues = [v for _, v in sorted(venues.items()) if v.instrument.base == BNB]

    def charge(self, maker: Decimal, taker: Decimal) -> None:
        """Another VIP tier, from the next execution on."""
        self.maker, self.taker = maker, taker

    @property
    def bnb(self) -> bool:
        """Whether fees are paid in BNB, where enough of it is held."""
        return self._bnb

    def pay_in_bnb(self, on: bool) -> None:
        """The account's owner decides it."""
        self._bnb = on

    def of(self, venue: Venue, side: Side, quote: Money, steps: Steps, maker: bool, spot: bool) -> tuple[Money, Asset]:
        """Fee and asset of an execution: quote on futures, the received asset on spot."""
        rate = self.maker if maker else self.taker
        instrument = venue.instrument
        if spot and side is Side.BUY:
            return cut(instrument.quantity(steps) * rate), instrument.base
        return cut(quote * rate), instrument.quote

    def in_bnb(self, venue: Venue, quote: Money, maker: bool, held: Money) -> Money | None:
        """The discounted fee in BNB, or None where BNB is not used or not enough of it is held."""
        if not self._bnb:
            return None
        rate = self.maker if maker else self.taker
        fee = cut(quote * rate * self._keep / self.bnb_price(venue.instrument.quote))
        return fee if held >= fee else None

    def bnb_price(self, quote: Asset) -> Money:
        """Quote per BNB: the played market's last price, else the configured one."""
        for venue in self._venues:
            if venue.instrument.quote == quote and venue.last:
                return venue.instrument.price(venue.last)
        return self._price
