"""The learner of the weights, compiled: a day's step of ``strategy.learner`` over one row of numbers."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridbot_tui.research.screen.compiled import allocating, compiled
from gridbot_tui.research.screen.numbers import Numbers
from gridbot_tui.research.screen.state import State
from gridbot_tui.strategy import learning, votes
from gridbot_tui.strategy.learner import CERTAIN

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
else:
    Floats = Any

WEIGHT, HEDGE, LEARNED = 0, 3, 6
MASS, VARIANCE, SQUARE, EDGE_DAYS, DAYS, EVIDENCE = 9, 10, 11, 12, 13, 14
DAY_MS: Final = 86_400_000
STALE_DAYS: Final = 2

running_mean, spread_square, edge = learning.running_mean, learning.spread_square, learning.edge
in_deviations, gains, fixed_share = learning.in_deviations, learning.gains, learning.fixed_share
mix, next_mass, trust, towards = learning.mix, learning.next_mass, learning.trust, learning.towards
next_evidence = learning.next_evidence
clip = votes.clip
Triple = tuple[float, float, float]


@allocating
def bounded(weights: Triple, prior: Triple, floor: float, cap: float) -> Triple:
    """``learning.bounded``, whose lists the compiler does not take, over arrays."""
    low, high, part, bends = np.empty(3), np.empty(3), np.empty(3), np.full(6, np.inf)
    for i in range(3):
        low[i], high[i] = min(floor, prior[i]), max(cap, prior[i])
        part[i] = max(weights[i], 1e-9 * prior[i])
        if part[i] > learning.NOTHING:
            bends[i], bends[i + 3] = low[i] / part[i], high[i] / part[i]
    for i in range(1, 6):
        one, at = bends[i], i
        while at > 0 and bends[at - 1] > one:
            bends[at] = bends[at - 1]
            at -= 1
        bends[at] = one
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


@compiled
def begin(b: Floats, prior: Triple) -> None:
    """Weights, hedge and learned weights at the prior; the masses even."""
    for i in range(3):
        b[WEIGHT + i] = prior[i]
    _forget(b, prior)


@compiled
def _forget(b: Floats, prior: Triple) -> None:
    """A belief that knows nothing."""
    for i in range(3):
        b[HEDGE + i] = b[LEARNED + i] = prior[i]
    b[MASS], b[EVIDENCE] = 0.5, 1.0
    b[VARIANCE] = b[SQUARE] = b[EDGE_DAYS] = b[DAYS] = 0.0


@compiled
def day(w: State, n: Numbers, returns: Triple, known: bool) -> None:
    """Close a day: ``strategy.learner.Learner.day``. ``known``: the day has returns."""
    b, prior = w.belief, (n.prior_up, n.prior_down, n.prior_neutral)
    last, w.learn_at = w.learn_at, w.at
    hole, w.hole = w.hole, 0
    if last and w.at - last > STALE_DAYS * DAY_MS and not hole:
        _forget(b, prior)
        w.fallback_until = 0
        _to(b, prior)
        return
    if not known:
        return
    if _learn(b, returns, prior, n):
        w.fallback_until = w.at + n.fallback_days * DAY_MS
        _to(b, prior)
        return
    if w.fallback_until and w.at >= w.fallback_until:
        w.fallback_until = 0
    goal = prior
    if not w.fallback_until and n.learns:
        goal = mix(trust(b[MASS]), (b[LEARNED], b[LEARNED + 1], b[LEARNED + 2]), prior)
    _to(b, towards((b[WEIGHT], b[WEIGHT + 1], b[WEIGHT + 2]), goal, n.change))


@compiled
def _to(b: Floats, goal: Triple) -> None:
    """Take these weights, where they differ at all."""
    widest = max(abs(goal[0] - b[WEIGHT]), abs(goal[1] - b[WEIGHT + 1]), abs(goal[2] - b[WEIGHT + 2]))
    if widest > CERTAIN:
        b[WEIGHT], b[WEIGHT + 1], b[WEIGHT + 2] = goal


@compiled
def _learn(b: Floats, returns: Triple, prior: Triple, n: Numbers) -> bool:
    """One day's step of the belief; True where the second guard has fired."""
    learned = (b[LEARNED], b[LEARNED + 1], b[LEARNED + 2])
    hedge = (b[HEDGE], b[HEDGE + 1], b[HEDGE + 2])
    b[DAYS] += 1.0
    b[VARIANCE] = running_mean(b[VARIANCE], spread_square(returns), b[DAYS])
    raw = edge(learned, prior, returns)
    if learned != prior:
        b[EDGE_DAYS] += 1.0
        b[SQUARE] = running_mean(b[SQUARE], raw * raw, b[EDGE_DAYS])
    deviation = in_deviations(raw, b[SQUARE])
    b[EVIDENCE] = next_evidence(b[EVIDENCE], deviation, n.bet)
    if b[DAYS] > n.skip_days:
        hedge = fixed_share(hedge, gains(returns, b[VARIANCE]), prior, n.rate, n.share_in)
    fired = b[EVIDENCE] >= n.evidence_limit
    if fired:
        hedge, b[EVIDENCE] = prior, 1.0
    learned = bounded(mix(n.shrink, prior, hedge), prior, n.floor, n.cap_weight) if hedge != prior else prior
    b[MASS] = next_mass(b[MASS], deviation, n.trust)
    for i in range(3):
        b[HEDGE + i], b[LEARNED + i] = hedge[i], learned[i]
    return bool(fired)
