"""The whole config: the rooms' own parameters and the bot's, in the order an operator reads them."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.market.params import DataParams
from gridbot_tui.ops.params import AlertParams, MetricsParams
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.settings.sections import (
    VIRTUAL_CAPITAL,
    BotParams,
    LogParams,
    SafetyParams,
    Section,
    ServiceParams,
    SimulationParams,
    StoreParams,
    SymbolName,
    UiParams,
)
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.units import Mode, Symbol


class SymbolParams(Section):
    """What one symbol does otherwise than the rest."""

    capital_share: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Share of the capital allotted to the symbol. Not set: an equal share of what the set "
        "ones leave. Equal, because no weighting of symbols was found to beat it.",
        json_schema_extra={"unit": "fraction"},
    )
    ladder: LadderParams | None = Field(
        None,
        description="Any key of [ladder]; what is not named here is as there. Not set: [ladder] as it is.",
    )


class Settings(BaseModel):
    """The config of one bot. Frozen; every key has a default, so an empty file is a valid config."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="gridbot config")

    bot: BotParams = Field(default_factory=BotParams, description="Who the bot is and what it trades.")
    ladder: LadderParams = Field(default_factory=LadderParams, description="How a plan becomes rungs.")
    strategy: StrategyParams = Field(
        default_factory=StrategyParams, description="Votes, weights, bounds, learning."
    )
    risk: RiskParams = Field(default_factory=RiskParams, description="Limits of leverage and drawdown.")
    symbols: dict[SymbolName, SymbolParams] = Field(
        default_factory=dict, description="What single symbols do otherwise, as [symbols.BTCUSDT]."
    )
    orders: OrderParams = Field(
        default_factory=OrderParams, description="How many orders rest, and which stay."
    )
    market: DataParams = Field(default_factory=DataParams, description="How bars are judged.")
    exchange: BinanceParams = Field(
        default_factory=BinanceParams, description="How Binance is reached and asked: paper, testnet and live."
    )
    safety: SafetyParams = Field(
        default_factory=SafetyParams, description="What real money asks for: testnet and live."
    )
    simulation: SimulationParams = Field(default_factory=SimulationParams, description="The mode sim.")
    store: StoreParams = Field(default_factory=StoreParams, description="What the database keeps.")
    logs: LogParams = Field(
        default_factory=LogParams, description="The log file and the lines on the terminal."
    )
    alerts: AlertParams = Field(
        default_factory=AlertParams, description="What is told to people who do not look at the screen."
    )
    metrics: MetricsParams = Field(
        default_factory=MetricsParams, description="What is told to programs that watch the bot."
    )
    ui: UiParams = Field(default_factory=UiParams, description="The terminal.")
    service: ServiceParams = Field(
        default_factory=ServiceParams, description="Pace and patience of the bot's shell."
    )

    @model_validator(mode="before")
    @classmethod
    def _inherit_ladder(cls, data: Any) -> Any:
        """Fill a symbol's ladder with the keys of [ladder] that it does not name itself."""
        if not isinstance(data, dict) or not isinstance(data.get("symbols"), dict):
            return data
        common = data.get("ladder")
        if not isinstance(common, dict):
            return data
        symbols = dict(data["symbols"])
        for name, symbol in symbols.items():
            if isinstance(symbol, dict) and isinstance(symbol.get("ladder"), dict):
                symbols[name] = {**symbol, "ladder": _over(common, symbol["ladder"])}
        return {**data, "symbols": symbols}

    @model_validator(mode="after")
    def _shares_fit(self) -> "Settings":
        total = sum(symbol.capital_share or 0.0 for symbol in self.symbols.values())
        if total > 1.0 + 1e-9:
            raise ValueError(f"the capital shares of [symbols] sum to {total:g}, at most 1 is there")
        return self

    def traded(self, mode: Mode) -> tuple[Symbol, ...]:
        """The symbols a mode trades unless the command line names others; none for replay, its files say."""
        if mode is Mode.SIM:
            return self.simulation.symbols
        return () if mode is Mode.REPLAY else self.bot.symbols

    def capital(self, mode: Mode) -> Decimal | None:
        """Quote the bot may size by; None on a real account: the whole wallet in the quote asset."""
        if self.bot.capital is not None:
            return self.bot.capital
        return None if mode in (Mode.TESTNET, Mode.LIVE) else VIRTUAL_CAPITAL

    def shares(self, symbols: Sequence[Symbol]) -> dict[Symbol, float]:
        """Each symbol's share of the capital: its own, or an equal part of what is left; 1 at most in all."""
        own = {name: self.symbols[name].capital_share for name in symbols if name in self.symbols}
        fixed = {name: share for name, share in own.items() if share is not None}
        rest = [name for name in symbols if name not in fixed]
        left = max(0.0, 1.0 - sum(fixed.values()))
        return {name: fixed[name] if name in fixed else left / len(rest) for name in symbols}

    def plain(self, symbol: Symbol) -> bool:
        """True where the symbol's grid goes by no vote and needs no warm-up."""
        return self.ladders().get(symbol, self.ladder).kind != "adaptive"

    def ladders(self) -> dict[Symbol, LadderParams]:
        """The ladders that differ from the common one, by symbol."""
        return {name: symbol.ladder for name, symbol in self.symbols.items() if symbol.ladder is not None}


def _over(base: dict[str, Any], top: dict[str, Any]) -> dict[str, Any]:
    """``top`` over ``base``, tables within tables likewise."""
    result = dict(base)
    for name, value in top.items():
        below = result.get(name)
        result[name] = _over(below, value) if isinstance(below, dict) and isinstance(value, dict) else value
    return result
