"""A config as the arrays that the compiled loop takes."""

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.strategy.ensemble import Shape, shape_of

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
else:
    Floats = Any


class Numbers(NamedTuple):
    """What one run needs to know. Order and types are part of what is compiled."""

    # votes
    neutral_sigma: float
    neutral_ramp: float
    breakout: float
    down_volatility: float
    tilt: bool
    # leverage and portfolio
    base: float
    reference: float
    closed_at: float
    funding_limit: float
    survival: float
    gross: float
    net: float
    crash: float
    # ladder
    skew: float
    trend: float
    neutral: float
    least: float
    levels: int
    recentre: float
    excess: float
    depth: int
    near: float
    quantity: float
    # learning
    enabled: bool
    rate: float
    share: float
    shrink: float
    floor: float
    cap: float
    skip: int
    change: float
    trust: float
    # tiers
    enter1: float
    leave1: float
    enter2: float
    leave2: float
    enter3: float
    scale1: float
    scale2: float
    average_minutes: float
    # gate
    limit: float
    reserve: float
    # instrument, costs, account
    tick: float
    step: float
    min_steps: int
    min_notional: float
    maker: float
    taker: float
    slippage: float
    volume_share: float
    capital: float


def numbers(config: EngineConfig, instrument: Instrument, capital: float, slippage: float, share: float) -> Numbers:
    """The numbers of an engine's config."""
    s, ladder, orders, risk = config.strategy, config.ladder, config.orders, config.risk
    trend, neutral, least = ladder.spacings_of(config.market)
    return Numbers(
        s.votes.neutral_sigma, s.votes.neutral_ramp, s.votes.breakout, s.votes.down_volatility, s.votes.funding_tilt,
        s.leverage.base, s.leverage.reference_volatility, s.leverage.filter_volatility, s.leverage.funding_limit,
        s.leverage.survival, s.portfolio.gross, s.portfolio.net, s.portfolio.crash,
        ladder.skew, trend, neutral, least, ladder.max_levels, ladder.recentre, ladder.unwind_excess, orders.depth,
        orders.price_tolerance, orders.quantity_tolerance,
        s.learning.enabled, s.learning.rate, s.learning.share, s.learning.shrink, s.learning.floor, s.learning.cap,
        s.learning.skip_days, s.learning.max_change, s.learning.trust_rate,
        risk.tier1_enter, risk.tier1_leave, risk.tier2_enter, risk.tier2_leave, risk.tier3_enter,
        risk.tier1_scale, risk.tier2_scale, risk.drawdown_ema_minutes,
        risk.leverage_cap, risk.gap_reserve,
        instrument.tick_f, instrument.step_f, instrument.min_steps, float(instrument.min_notional),
        float(config.maker_fee), float(config.taker_fee), slippage, share, capital,
    )  # fmt: skip


def shape_and_prior(config: EngineConfig) -> tuple[Shape, tuple[float, float, float]]:
    """The ensemble's constants and its prior weights."""
    return shape_of(config.strategy.ensemble, config.market), config.strategy.ensemble.prior_of(config.market).triple
