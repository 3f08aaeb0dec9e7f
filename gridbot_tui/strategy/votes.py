"""The votes of the three systems: confidence in [0, 1], from features alone."""

import math

from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.params import VoteParams
from gridbot_tui.strategy.plan import Votes

FUNDING_CROWDED = 1e-4
"""8 h funding (the exchange's base rate) above which longs count as crowded."""
FUNDING_RAMP = 3e-4
"""8 h funding beyond that over which the tilt grows to its full half."""


def clip(value: float, low: float, high: float) -> float:
    """``value`` kept within [low, high]."""
    return low if value < low else high if value > high else value


def up_vote(z168: float, z336: float) -> float:
    """Momentum of 7 to 14 days."""
    return max(0.0, 0.5 * (math.tanh(z168) + math.tanh(z336)))


def down_vote(z24: float, z48: float, z168: float, volr: float, full_volr: float) -> float:
    """Falling over 2 and 7 days, below the day's average, and volatility rising."""
    if z24 >= 0.0:
        return 0.0
    falling = max(0.0, -0.5 * (math.tanh(z48) + math.tanh(z168)))
    return falling * clip(volr / full_volr, 0.0, 1.0)


def neutral_vote(
    sigma_hour: float, z96: float, sigma_from: float, sigma_ramp: float, breakout: float
) -> float:
    """Volatile enough to pay for a grid, and not breaking out."""
    return clip((sigma_hour - sigma_from) / sigma_ramp, 0.0, 1.0) * clip(breakout - abs(z96), 0.0, 1.0)


def crowding_tilts(funding_mean: float) -> tuple[float, float]:
    """Factors in [0.5, 1] on (UP, DOWN): the crowded side pays and is the one that gets squeezed."""
    up = 1.0 - 0.5 * clip((funding_mean - FUNDING_CROWDED) / FUNDING_RAMP, 0.0, 1.0)
    down = 1.0 - 0.5 * clip(-funding_mean / FUNDING_RAMP, 0.0, 1.0)
    return up, down


def vote(row: FeatureRow, params: VoteParams) -> Votes:
    """All three votes of a feature row. Unknown funding tilts nothing."""
    up = up_vote(row.z168, row.z336)
    down = down_vote(row.z24, row.z48, row.z168, row.volr, params.down_volatility)
    if params.funding_tilt and row.funding_mean is not None:
        tilt_up, tilt_down = crowding_tilts(row.funding_mean)
        up *= tilt_up
        down *= tilt_down
    neutral = neutral_vote(
        row.sigma_hour, row.z96, params.neutral_sigma, params.neutral_ramp, params.breakout
    )
    return Votes(up, down, neutral)
