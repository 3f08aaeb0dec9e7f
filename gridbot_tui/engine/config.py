"""Everything the engine is configured with, composed of the rooms' own parameters. No files, no defaults here."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.orders.params import OrderParams
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.units import Asset, Market, Money, Ms, Symbol


class EngineConfig(Struct, frozen=True):
    """One version of the engine's configuration."""

    version: int
    market: Market
    quote: Asset
    bot: str
    """Tag that marks our client ids."""
    account: str
    shares: dict[Symbol, float]
    """Share of the account's equity allotted to each symbol; at most 1 in all."""
    capital: Money | None
    """Capital allotted to the bot, quote; None = the whole quote wallet."""
    strategy: StrategyParams
    ladder: LadderParams
    ladders: dict[Symbol, LadderParams]
    """Ladders that differ from ``ladder``."""
    orders: OrderParams
    risk: RiskParams
    maker_fee: Decimal
    taker_fee: Decimal
    equity_every: Ms
    """Time between two points of the equity curve."""
    stale_after: Ms
    """A quote or mark older than this admits no entry and raises no tier."""
    times_orders: bool = True
    """Whether an order's own news tell how slow the exchange is. False where the shell measures its requests on the
    wire (``Health.trips``): there an order waits in line before it leaves, and that is no fault of the exchange's."""

    def ladder_of(self, symbol: Symbol) -> LadderParams:
        """The ladder parameters of one symbol."""
        return self.ladders.get(symbol, self.ladder)
