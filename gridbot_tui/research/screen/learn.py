"""The learner of the weights, compiled: a day's step of ``strategy.learner`` over one row of numbers."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numba import njit

import gridbot_tui.research.screen.compiled as _own  # noqa: F401  makes the strategy's functions callable
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.strategy import learning, votes

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
else:
    Floats = Any

WEIGHT, HEDGE, LEARNED = 0, 3, 6
MASS, VARIANCE, SQUARE, EDGE_DAYS, DAYS = 9, 10, 11, 12, 13
WIDTH: Final = 14

running_mean, spread_square, edge = learning.running_mean, learning.spread_square, learning.edge
in_deviations, gains, fixed_share = learning.in_deviations, learning.gains, learning.fixed_share
mix, next_mass, trust, towards = learning.mix, learning.next_mass, learning.trust, learning.towards
clip = votes.clip
Triple = tuple[float, float, float]


@njit(cache=True)
def bounded(weights: Triple, prior: Triple, floor: float, cap: float) -> Triple:
    """``learning.bounded``, whose lists the compiler does not take, over arrays."""
    low, high, part, bends = np.empty(3), np.empty(3), np.empty(3), np.full(6, np.inf)
    for i in range(3):
        low[i], high[i] = min(floor, prior[i]), max(cap, prior[i])
        part[i] = max(weights[i], 1e-9 * prior[i])
        if part[i] > 0.0:
            bends[i], bends[i + 3] = low[i] / part[i], high[i] / part[i]
    bends.sort()
    below = bend = 0.0
    for k in range(6):
        if bends[k] == np.inf:
            break
        bend = bends[k]
        whole = 0.0
        for i in range(3):
            whole += clip(bend * part[i], low[i], high[i])
        if whole >= 1.0:
            break
        below = bend
    inside = (below + bend) / 2.0
    kept, left, share = np.empty(3), 1.0, 0.0
    for i in range(3):
        kept[i] = clip(inside * part[i], low[i], high[i])
        if low[i] < inside * part[i] < high[i]:
            share += part[i]
        else:
            left -= kept[i]
    for i in range(3):
        if low[i] < inside * part[i] < high[i]:
            kept[i] = left * part[i] / share
    return kept[0], kept[1], kept[2]


@njit(cache=True)
def begin(b: Floats, prior: tuple[float, float, float]) -> None:
    """Weights, hedge and learned weights at the prior; the masses even."""
    for i in range(3):
        b[WEIGHT + i] = b[HEDGE + i] = b[LEARNED + i] = prior[i]
    b[MASS] = 0.5


@njit(cache=True)
def step(b: Floats, returns: tuple[float, float, float], prior: tuple[float, float, float], n: Numbers) -> None:
    """Learn from one day. The second guard (a fallback that never fired in the research) is left out."""
    learned = (b[LEARNED], b[LEARNED + 1], b[LEARNED + 2])
    hedge = (b[HEDGE], b[HEDGE + 1], b[HEDGE + 2])
    b[DAYS] += 1.0
    b[VARIANCE] = running_mean(b[VARIANCE], spread_square(returns), b[DAYS])
    raw = edge(learned, prior, returns)
    if learned != prior:
        b[EDGE_DAYS] += 1.0
        b[SQUARE] = running_mean(b[SQUARE], raw * raw, b[EDGE_DAYS])
    deviation = in_deviations(raw, b[SQUARE])
    if b[DAYS] > n.skip:
        hedge = fixed_share(hedge, gains(returns, b[VARIANCE]), prior, n.rate, n.share)
        learned = bounded(mix(n.shrink, prior, hedge), prior, n.floor, n.cap) if hedge != prior else prior
    b[MASS] = next_mass(b[MASS], deviation, n.trust)
    goal = mix(trust(b[MASS]), learned, prior) if n.enabled else prior
    moved = towards((b[WEIGHT], b[WEIGHT + 1], b[WEIGHT + 2]), goal, n.change)
    for i in range(3):
        b[WEIGHT + i], b[HEDGE + i], b[LEARNED + i] = moved[i], hedge[i], learned[i]
