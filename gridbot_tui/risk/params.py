"""Parameters of the risk room. Ratios are of equity unless said otherwise."""

from math import ceil
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class RiskParams(BaseModel):
    """Limits of leverage and drawdown, and the distances kept from liquidation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    leverage_cap: float = Field(
        5.0,
        ge=0.1,
        le=6.0,
        description="worst-case exposure over equity up to which entries are admitted. 5.0 leaves room to "
        "the trim level, so that admitted entries can never cause trimming at their own "
        "prices; on spot 1 at most",
    )
    leverage_trim: float = Field(
        5.5,
        ge=0.1,
        le=6.0,
        description="observed exposure over equity above which positions are trimmed to leverage_cap by market; on "
        "spot nothing is trimmed",
    )
    leverage_hard: float = Field(
        6.0,
        ge=0.1,
        le=6.0,
        description="worst-case exposure over equity above which an order is refused whatever else holds; "
        "also, rounded up, the leverage set on the exchange as a ceiling. 6.0 is the survival limit of the "
        "strategy",
    )
    tier1_enter: float = Field(
        0.05,
        ge=0.005,
        le=0.5,
        description="drawdown from which risk is reduced (tier 1): 5 %, a normal bad week",
    )
    tier1_leave: float = Field(
        0.025,
        ge=0.0,
        le=0.5,
        description="drawdown below which tier 1 ends: half of its entry, against flapping",
    )
    tier2_enter: float = Field(
        0.10, ge=0.01, le=0.6, description="drawdown from which the bot is defensive (tier 2): 10 %"
    )
    tier2_leave: float = Field(
        0.07, ge=0.0, le=0.6, description="drawdown below which tier 2 becomes tier 1 again: 7 %"
    )
    tier3_enter: float = Field(
        0.15,
        ge=0.02,
        le=0.9,
        description="raw drawdown that flattens and halts (tier 3): 15 %, the account's stop",
    )
    tier1_scale: float = Field(0.7, ge=0.0, le=1.0, description="multiplier of all leverage in tier 1")
    tier2_scale: float = Field(0.4, ge=0.0, le=1.0, description="multiplier of all leverage in tier 2")
    drawdown_ema_minutes: float = Field(
        15.0,
        ge=1.0,
        le=240.0,
        description="minutes of the average beside the raw drawdown in tiers 1 and 2: one wick trips nothing",
    )
    absolute_halt: float = Field(
        0.25,
        ge=0.05,
        le=0.95,
        description="fall from the highest unit value ever that latches for manual reset only: 25 %, "
        "survives the re-basing of an automatic re-arm",
    )
    auto_rearm: bool = Field(
        False,
        description="re-arm by itself some days after a halt, in tier 2. Off: a halt is the operator's to lift",
    )
    auto_rearm_days: float = Field(
        7.0, ge=1.0, le=90.0, description="days of halt before an automatic re-arm: lets a crash settle"
    )
    auto_rearm_drawdown: float = Field(
        0.09,
        ge=0.0,
        le=0.14,
        description="drawdown the peak is re-based to at an automatic re-arm: inside tier 2",
    )
    gap_reserve: float = Field(
        0.10,
        ge=0.0,
        le=0.5,
        description="equity that a stress gap may cost beyond the tier-3 budget: 10 %, so 25 % in all at "
        "no drawdown, the absolute latch",
    )
    gap_unknown: float = Field(
        0.70,
        ge=0.2,
        le=1.0,
        description="stress gap assumed where no plan gives one: the strategy's largest, 70 %",
    )
    stop_budget_floor: float = Field(
        0.05,
        ge=0.0,
        le=0.15,
        description="least loss a resting stop is placed for, however little is left to tier 3: a stop "
        "inside the noise would sell what the tiers are already reducing",
    )
    stop_beyond: float = Field(
        0.005,
        ge=0.0005,
        le=0.1,
        description="fraction of price the resting stop stays outside the outermost rung",
    )
    liquidation_clearance: float = Field(
        0.05, ge=0.01, le=0.5, description="fraction of price the resting stop stays inside liquidation: 5 %"
    )
    liquidation_warn: float = Field(
        0.20,
        ge=0.02,
        le=0.9,
        description="fraction of price to liquidation below which no entries are admitted",
    )
    liquidation_reduce: float = Field(
        0.10,
        ge=0.01,
        le=0.9,
        description="fraction of price to liquidation below which the position is reduced until "
        "liquidation_warn is kept again. 10 %: a bad hour of a liquid symbol",
    )

    breaker_loop_lag_ms: int = Field(
        3_000,
        ge=200,
        le=60_000,
        description="milliseconds the process stood still after which it takes no new risk for half a minute: its "
        "prices were old and it did not know. 3 s: most of a quote's allowed age",
    )
    breaker_clock_ms: int = Field(
        5_000,
        ge=500,
        le=600_000,
        description="milliseconds the clock may be behind what it or the exchange has told before. 5 s: the "
        "exchange itself refuses requests that are further off",
    )
    breaker_latency_ms: int = Field(
        4_000,
        ge=200,
        le=60_000,
        description="milliseconds of an answer that count as slow; where half of a minute's answers are, no new risk "
        "is taken. 4 s: a quote is stale by the time the order stands",
    )
    breaker_loss: float = Field(
        0.08,
        ge=0.01,
        le=0.9,
        description="fall of the unit value from one closed hour to the next after which no new risk is taken until an "
        "hour without such a fall has passed: 8 %, between tiers 1 and 2; a grid buys all the way down otherwise. "
        "What falls between two looks is for the tiers and the gap budget, which look at every mark",
    )
    breaker_rejects: int = Field(
        12,
        ge=3,
        le=1_000,
        description="definite refusals of a symbol's orders within ten minutes (post-only ones do not count) after "
        "which it takes no new risk for ten minutes: four times what opens a circuit",
    )

    @property
    def exchange_leverage(self) -> int:
        """The exchange's own ceiling, a whole number: never below what the gate admits."""
        return max(1, ceil(self.leverage_hard))

    @property
    def tier_limits(self) -> tuple[float, float, float]:
        """Drawdowns at which tiers 1 to 3 begin."""
        return self.tier1_enter, self.tier2_enter, self.tier3_enter

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        """Thresholds that must not cross: entry below trim (else they fight), leaving below entering."""
        if not self.leverage_cap <= self.leverage_trim <= self.leverage_hard:
            raise ValueError("leverage_cap <= leverage_trim <= leverage_hard must hold")
        if not self.tier1_enter < self.tier2_enter < self.tier3_enter:
            raise ValueError("tier1_enter < tier2_enter < tier3_enter must hold")
        if not (self.tier1_leave < self.tier1_enter and self.tier1_leave < self.tier2_leave < self.tier2_enter):
            raise ValueError("tier1_leave < tier1_enter and tier1_leave < tier2_leave < tier2_enter must hold")
        if not self.liquidation_reduce < self.liquidation_warn:
            raise ValueError("liquidation_reduce < liquidation_warn must hold")
        return self
