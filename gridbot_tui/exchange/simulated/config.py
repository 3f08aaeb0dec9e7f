"""What a simulated account starts with."""

from dataclasses import dataclass, field

from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.units import Asset, Market, Money


@dataclass(frozen=True, slots=True)
class AccountConfig:
    """One account on one market. ``balances`` count only where no books exist yet."""

    market: Market
    balances: dict[Asset, Money]
    params: ExchangeParams = field(default_factory=ExchangeParams)
