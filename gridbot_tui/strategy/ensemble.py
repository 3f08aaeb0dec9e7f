"""Votes and weights become a bias, bounds and a lot, all in multiples of leverage x equity.

The combination is linear in the weights: the combined inventory is, up to clipping, the weighted mix of
the three systems' own inventories, which is what the learner's regret bounds assume.
"""

from typing import NamedTuple

from gridbot_tui.strategy.params import EnsembleParams
from gridbot_tui.strategy.plan import Label
from gridbot_tui.strategy.votes import clip
from gridbot_tui.units import Market

Triple = tuple[float, float, float]
"""One number a system: (up, down, neutral)."""

LABEL_SHARE = 0.15
"""|bias| beyond this share of the whole range makes the label LONG or SHORT."""


class Shape(NamedTuple):
    """The constants of the combination on one market."""

    gain: float
    swing: float
    ramp: float
    lot_trend: float
    lot_neutral: float
    spot: bool


class Mix(NamedTuple):
    """What the ensemble asks for, in multiples of leverage x equity."""

    bias: float
    upper: float
    lower: float
    lot: float
    neutral_share: float
    """phi: share of the ladder owned by NEUTRAL; 0 where there is no lot."""


def shape_of(params: EnsembleParams, market: Market) -> Shape:
    """The constants that hold on a market."""
    spot = market is Market.SPOT
    return Shape(
        gain=params.gain,
        swing=params.swing,
        ramp=params.ramp,
        lot_trend=params.spot_lot_trend if spot else params.lot_trend,
        lot_neutral=params.spot_lot_neutral if spot else params.lot_neutral,
        spot=spot,
    )


def combine(weights: Triple, votes: Triple, shape: Shape) -> Mix:
    """Bias target e, bounds hi and lo, lot u, and NEUTRAL's share of it.

    On spot nothing goes below zero: DOWN lowers the bias and has neither lot nor room.
    """
    (w_up, w_down, w_neutral), (up, down, neutral) = weights, votes
    gain, swing, ramp, lot_trend, lot_neutral, spot = shape
    a_up = min(up / ramp, 1.0)
    a_down = min(down / ramp, 1.0)
    bias = gain * (w_up * up - w_down * down)
    upper = gain * (w_up * (up + swing * a_up) + w_neutral * neutral)
    lot_of_neutral = gain * lot_neutral * w_neutral * neutral
    lot = gain * lot_trend * w_up * a_up + lot_of_neutral
    if spot:
        bias, lower = max(bias, 0.0), 0.0
    else:
        lower = -gain * (w_down * (down + swing * a_down) + w_neutral * neutral)
        lot += gain * lot_trend * w_down * a_down
    return Mix(bias, upper, lower, lot, lot_of_neutral / lot if lot > 0.0 else 0.0)


def label(bias: float, upper: float, lower: float) -> Label:
    """The direction shown to the operator."""
    edge = LABEL_SHARE * (upper - lower)
    if bias > edge:
        return "LONG"
    return "SHORT" if bias < -edge else "NEUTRAL"


def confidence(weights: Triple, votes: Triple) -> float:
    """Leverage factor in [0.5, 1.5]: more when the systems that count speak up."""
    said = weights[0] * votes[0] + weights[1] * votes[1] + weights[2] * votes[2]
    return clip(0.5 + said, 0.5, 1.5)
