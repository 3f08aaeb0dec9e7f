"""The strategy's own functions, made callable from compiled code: the same source, compiled where it is called."""

from collections.abc import Callable
from typing import Any

from numba.extending import register_jitable

from gridbot_tui.strategy import ensemble, ladder, learning, leverage, votes

OWN: tuple[Callable[..., Any], ...] = (
    votes.clip,
    votes.up_vote,
    votes.down_vote,
    votes.neutral_vote,
    votes.crowding_tilts,
    ensemble.combine,
    ensemble.confidence,
    ladder.centre_price,
    ladder.spacing_floor,
    ladder.spacing_of,
    ladder.level_count,
    leverage.base_leverage,
    leverage.volatility_filter,
    leverage.stress_gap,
    leverage.survival_long,
    leverage.survival_short,
    learning.running_mean,
    learning.spread_square,
    learning.gains,
    learning.fixed_share,
    learning.mix,
    learning.edge,
    learning.in_deviations,
    learning.next_mass,
    learning.trust,
    learning.towards,
)
for _function in OWN:
    register_jitable(_function)
