"""Every parameter of the strategy and of the ladder, with its unit, range, default and reason."""

import math
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.strategy.plan import LadderKind
from gridbot_tui.units import Market


class _Params(BaseModel):
    """What all groups share: frozen, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Prior(_Params):
    """Heuristic weights of the systems: where learning starts from and what bounds it. They sum to 1."""

    up: float = Field(
        0.30, ge=0, le=1, description="Weight of UP, share of 1. Best of seven sets on the early years only."
    )
    down: float = Field(
        0.10, ge=0, le=1, description="Weight of DOWN, share of 1. Small: a mirrored short grid lost money."
    )
    neutral: float = Field(
        0.60,
        ge=0,
        le=1,
        description="Weight of NEUTRAL, share of 1. Its volatility gate has the best evidence.",
    )

    @model_validator(mode="after")
    def _sums_to_one(self) -> Self:
        total = self.up + self.down + self.neutral
        if abs(total - 1.0) > 1e-9:
            raise ValueError(f"the prior weights sum to {total:g}, they must sum to 1")
        return self

    @property
    def triple(self) -> tuple[float, float, float]:
        """(up, down, neutral)."""
        return (self.up, self.down, self.neutral)


class VoteParams(_Params):
    """When each system speaks up."""

    neutral_sigma: float = Field(
        0.006,
        ge=0.001,
        le=0.03,
        description="Hourly volatility (log) where NEUTRAL starts to vote. 0.6 % = 56 % a year: below it a "
        "neutral grid lost in every set.",
    )
    neutral_ramp: float = Field(
        0.006,
        ge=0.0005,
        le=0.03,
        description="Hourly volatility (log) above neutral_sigma over which NEUTRAL's vote rises to 1.",
    )
    breakout: float = Field(
        3.0,
        ge=1.0,
        le=6.0,
        description="|z96| in standard deviations at which NEUTRAL is silent; it is full one earlier. "
        "Breakouts cost a neutral grid 4 to 29 bp a day.",
    )
    down_volatility: float = Field(
        0.3,
        ge=0.05,
        le=2.0,
        description="Log ratio of fast to slow volatility at which DOWN speaks fully; silent below 0.",
    )
    funding_tilt: bool = Field(
        True,
        description="Halve UP or DOWN where funding is crowded on its side. No proven gain "
        "(+0.05 [-0.22, 0.31]), lower drawdown.",
    )


class EnsembleParams(_Params):
    """How votes and weights become bounds, bias and lot."""

    prior: Prior = Field(default_factory=Prior, description="Heuristic weights on futures.")
    spot_prior: Prior = Field(
        default_factory=lambda: Prior(up=0.35, down=0.0, neutral=0.65),
        description="Heuristic weights on spot, where DOWN can only lower the bias.",
    )
    gain: float = Field(
        3.0,
        ge=0.5,
        le=4.0,
        description="K: exposure of weight times vote, multiples of L x equity. 3 systems = 1 each.",
    )
    swing: float = Field(
        0.5, ge=0.0, le=1.0, description="g: room around the bias of a trend system, multiples of L x equity."
    )
    ramp: float = Field(
        0.3, ge=0.05, le=1.0, description="Vote at which a trend system's grid has its full lots."
    )
    lot_trend: float = Field(
        0.30, ge=0.05, le=1.0, description="Lot of UP and DOWN, multiples of K x weight x L x equity."
    )
    lot_neutral: float = Field(
        0.15, ge=0.02, le=1.0, description="Lot of NEUTRAL, multiples of K x weight x vote x L x equity."
    )
    spot_lot_trend: float = Field(
        0.5, ge=0.05, le=1.0, description="Lot of UP on spot: larger, because fees force wide spacing."
    )
    spot_lot_neutral: float = Field(0.3, ge=0.02, le=1.0, description="Lot of NEUTRAL on spot, likewise.")

    def prior_of(self, market: Market) -> Prior:
        """The heuristic weights that hold on a market."""
        return self.spot_prior if market is Market.SPOT else self.prior


class LeverageParams(_Params):
    """How much of the symbol's equity the ensemble's unit is."""

    base: float = Field(
        0.5,
        ge=0.0,
        le=1.0,
        description="L0: leverage at reference volatility. A quarter-Kelly reading of the evidence.",
    )
    reference_volatility: float = Field(
        0.80, ge=0.2, le=3.0, description="Yearly volatility at which L = L0; L falls with its square root."
    )
    filter_volatility: float = Field(
        3.5,
        ge=1.0,
        le=10.0,
        description="Yearly volatility from which a symbol gets no leverage; full 0.5 below it.",
    )
    young_days: float = Field(
        30.0,
        ge=0.0,
        le=365.0,
        description="Days since listing before a symbol is traded: first weeks are no sample.",
    )
    funding_limit: float = Field(
        0.01,
        ge=0.001,
        le=0.1,
        description="|funding| of the last 24 h, fraction, above which a symbol is left alone.",
    )
    survival: float = Field(
        6.0, ge=1.0, le=6.0, description="Leverage that must still hold after the stress gap against us."
    )
    stop_drawdown: float = Field(
        0.15,
        ge=0.05,
        le=0.5,
        description="Drawdown of a symbol's allotment that stops it, fraction; only with stop_volatility, "
        "since a general symbol stop cost 0.71 of Sharpe.",
    )
    stop_volatility: float = Field(
        2.0, ge=1.0, le=10.0, description="Yearly volatility of 30 days above which stop_drawdown counts."
    )


class PortfolioParams(_Params):
    """Caps over all symbols; prudential numbers, not back-tested. Exceeding one scales leverage down."""

    gross: float = Field(
        2.0,
        ge=0.1,
        le=5.0,
        description="Sum of the symbols' largest planned exposures, multiples of account equity.",
    )
    net: float = Field(
        1.0, ge=0.1, le=5.0, description="|Sum of positions or of bias targets|, multiples of account equity."
    )
    crash: float = Field(
        0.25,
        ge=0.02,
        le=0.5,
        description="Loss if every long bound is full and all symbols gap at once, fraction of equity.",
    )
    cluster: float = Field(
        0.35,
        ge=0.1,
        le=1.0,
        description="Share of the gross cap that two or more closely correlated symbols may use together.",
    )
    correlation: float = Field(
        0.7,
        ge=0.3,
        le=1.0,
        description="|Correlation| of 90 days of daily returns that makes symbols one cluster.",
    )


class LearningParams(_Params):
    """Slow, shrunken, guarded: insurance against a wrong prior, not a source of profit."""

    enabled: bool = Field(
        True, description="False keeps the prior; learning did not beat it (-0.02 [-0.18, 0.17])."
    )
    rate: float = Field(
        0.03,
        ge=0.0,
        le=0.1,
        description="Hedge rate a day. 0.1 insures faster; faster still lost 0.5 of Sharpe.",
    )
    share: float = Field(
        0.01, ge=0.0, le=0.1, description="Share of the prior mixed in a day: about 100 days of memory."
    )
    shrink: float = Field(0.5, ge=0.0, le=1.0, description="Share of the prior in the learned weights.")
    floor: float = Field(
        0.05, ge=0.0, le=0.3, description="Smallest learned weight; a lower prior is its own floor."
    )
    cap: float = Field(
        0.80, ge=0.4, le=1.0, description="Largest learned weight; a higher prior is its own cap."
    )
    skip_days: int = Field(
        20, ge=5, le=200, description="First days that only measure the spread of returns."
    )
    max_change: float = Field(
        0.05,
        ge=0.001,
        le=0.5,
        description="Largest change of a weight by one day's learning; a fallback is immediate.",
    )
    trust_rate: float = Field(
        0.1, ge=0.0, le=0.3, description="Step of the trust in the learner against the prior."
    )
    bet: float = Field(
        0.15, ge=0.01, le=0.3, description="Bet of the test that the learner underperforms the prior."
    )
    evidence_limit: float = Field(
        20.0,
        ge=5.0,
        le=1000.0,
        description="Evidence that sends the weights back to the prior: 20 = 5 % at any time.",
    )
    fallback_days: int = Field(30, ge=1, le=365, description="Days the prior holds after the test has fired.")


class StrategyParams(_Params):
    """The [strategy] section. The decision bar is one hour and is no parameter: all evidence is hourly."""

    warmup_hours: int = Field(
        336,
        ge=336,
        le=5000,
        description="Closed decision bars before any plan: the slowest average spans 336 h.",
    )
    votes: VoteParams = Field(default_factory=VoteParams, description="The three systems' votes.")
    ensemble: EnsembleParams = Field(
        default_factory=EnsembleParams, description="Prior weights, bounds and lots."
    )
    leverage: LeverageParams = Field(default_factory=LeverageParams, description="Leverage of one symbol.")
    portfolio: PortfolioParams = Field(default_factory=PortfolioParams, description="Caps over all symbols.")
    learning: LearningParams = Field(default_factory=LearningParams, description="Learning of the weights.")


class LadderParams(_Params):
    """The [ladder] section: how a plan becomes rungs."""

    kind: LadderKind = Field(
        "adaptive",
        description="adaptive follows votes and volatility; arithmetic and geometric are plain grids.",
    )
    skew: float = Field(
        1.0,
        ge=0.5,
        le=1.25,
        description="eta: spacings the ladder moves per lot of inventory. A round trip earns s(2 - eta): "
        "near 2 it churns for nothing, near 0 inventory is never unwound (61 % drawdown).",
    )
    spacing_trend: float = Field(
        4.0, ge=1.0, le=20.0, description="Spacing of a trend ladder, hourly sigmas."
    )
    spacing_neutral: float = Field(
        2.2, ge=0.5, le=20.0, description="Spacing of a neutral ladder, hourly sigmas."
    )
    spot_spacing_trend: float = Field(
        8.0, ge=1.0, le=40.0, description="As spacing_trend, on spot: fees are 5x."
    )
    spot_spacing_neutral: float = Field(5.0, ge=0.5, le=40.0, description="As spacing_neutral, on spot.")
    spacing_floor: float = Field(
        0.004, ge=0.0005, le=0.1, description="Least spacing on futures, fraction of price."
    )
    spot_spacing_floor: float = Field(
        0.02, ge=0.002, le=0.2, description="Least spacing on spot, fraction of price."
    )
    max_levels: int = Field(8, ge=1, le=50, description="Rungs a side at most; 4 to 7 are typical.")
    recentre: float = Field(
        0.25,
        ge=0.0,
        le=2.0,
        description="Move of the centre, in spacings, that is followed; less keeps the orders.",
    )
    unwind_excess: float = Field(
        0.25,
        ge=0.0,
        le=2.0,
        description="Excess over a shrunken bound, share of the whole range, that is unwound at the touch.",
    )
    plain: PlainParams = Field(
        default_factory=PlainParams, description="Plain grids; used where kind is not adaptive."
    )

    def spacings_of(self, market: Market) -> tuple[float, float, float]:
        """(trend, neutral, floor) of a market: hourly sigmas, hourly sigmas, log distance."""
        if market is Market.SPOT:
            return self.spot_spacing_trend, self.spot_spacing_neutral, self.spot_spacing_floor
        return self.spacing_trend, self.spacing_neutral, self.spacing_floor


SHADOW_VOLATILITY = 0.40
"""Yearly volatility a shadow grid's exposure is scaled to; a constant, as the learning was tried with it."""
HOURS_A_YEAR = 8760.0
ROOT_YEAR = math.sqrt(HOURS_A_YEAR)
