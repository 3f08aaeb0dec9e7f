"""The formulas of the learning: Fixed-Share Hedge, shrinkage, and two guards against its own failure.

Fixed-Share after Herbster and Warmuth (1998); guard 1 is (A,B)-Prod of Sani, Neu and Lazaric (2014),
whose regret to the benchmark (the prior) is constant; guard 2 is a one-sided e-process, whose false alarm
rate is at most 1 / limit at any time (Ville). All on daily returns pooled over the symbols.
"""

import math

from gridbot_tui.strategy.ensemble import Triple
from gridbot_tui.strategy.votes import clip

SPREAD_RATE = 0.02
"""Rate of the running second moments, a day: about 50 days of memory; the first 50 are a plain mean."""
CLIP = 3.0
"""Standard deviations beyond which a day counts no more."""
BENCHMARK_MASS = 0.5
TRUST_LEAST, TRUST_MOST = 1e-3, 1.0


def running_mean(previous: float, value: float, count: int) -> float:
    """A second moment after its ``count``-th value (from 1)."""
    return previous + max(SPREAD_RATE, 1.0 / count) * (value - previous)


def spread_square(returns: Triple) -> float:
    """Mean squared distance of the three returns from their mean."""
    up, down, neutral = returns
    middle = (up + down + neutral) / 3.0
    return ((up - middle) ** 2 + (down - middle) ** 2 + (neutral - middle) ** 2) / 3.0


def gains(returns: Triple, variance: float) -> Triple:
    """g: the day's returns in standard deviations of their spread, clipped."""
    if variance <= 0.0:
        return (0.0, 0.0, 0.0)
    root = math.sqrt(variance)
    up, down, neutral = returns
    return clip(up / root, -CLIP, CLIP), clip(down / root, -CLIP, CLIP), clip(neutral / root, -CLIP, CLIP)


def fixed_share(mass: Triple, gained: Triple, prior: Triple, rate: float, share: float) -> Triple:
    """One day of Hedge, then a share of the prior mixed back in."""
    up = mass[0] * math.exp(rate * gained[0])
    down = mass[1] * math.exp(rate * gained[1])
    neutral = mass[2] * math.exp(rate * gained[2])
    total = up + down + neutral
    return mix(share, prior, (up / total, down / total, neutral / total))


NOTHING = 1e-290
"""A weight up to this is none: a factor that brought it to a bound would be no finite number."""


def bounded(weights: Triple, prior: Triple, floor: float, cap: float) -> Triple:
    """The weights scaled by one factor, kept within [floor, cap], so that they sum to 1.

    A prior beyond a bound is its own bound. The sum of the kept weights rises with the factor and is linear
    between the factors at which a weight meets a bound, so the factor is found exactly.
    """
    lows = [min(floor, p) for p in prior]
    highs = [max(cap, p) for p in prior]
    parts = [max(weights[i], 1e-9 * prior[i]) for i in range(3)]
    bends = sorted([b[i] / parts[i] for b in (lows, highs) for i in range(3) if parts[i] > NOTHING])
    below, bend = 0.0, 0.0
    for bend in bends:
        met = [clip(bend * parts[i], lows[i], highs[i]) for i in range(3)]
        if met[0] + met[1] + met[2] >= 1.0:  # written out, for compiled code: see ``units.added``
            break
        below = bend
    inside = (below + bend) / 2.0
    kept = [clip(inside * parts[i], lows[i], highs[i]) for i in range(3)]
    free = [i for i in range(3) if lows[i] < inside * parts[i] < highs[i]]
    held = share = 0.0
    for i in range(3):
        if i in free:
            share += parts[i]
        else:
            held += kept[i]
    for i in free:
        kept[i] = (1.0 - held) * parts[i] / share
    return kept[0], kept[1], kept[2]


def mix(share: float, first: Triple, second: Triple) -> Triple:
    """``share`` of the first, the rest of the second."""
    rest = 1.0 - share
    return (
        share * first[0] + rest * second[0],
        share * first[1] + rest * second[1],
        share * first[2] + rest * second[2],
    )


def edge(learned: Triple, prior: Triple, returns: Triple) -> float:
    """The day's return of the learned weights beyond that of the prior."""
    up, down, neutral = returns
    return (learned[0] - prior[0]) * up + (learned[1] - prior[1]) * down + (learned[2] - prior[2]) * neutral


def in_deviations(value: float, square: float) -> float:
    """``value`` in root mean squares, clipped; 0 while nothing was measured."""
    return clip(value / math.sqrt(square), -CLIP, CLIP) if square > 0.0 else 0.0


def next_mass(mass: float, deviation: float, rate: float) -> float:
    """Guard 1: q, the learner's mass against the benchmark's."""
    return clip(mass * (1.0 + rate * deviation), TRUST_LEAST, TRUST_MOST)


def trust(mass: float) -> float:
    """p: share of the learned weights against the prior."""
    return mass / (mass + BENCHMARK_MASS)


def next_evidence(evidence: float, deviation: float, bet: float) -> float:
    """Guard 2: M, the wealth of a bet that the learner underperforms the prior."""
    return evidence * (1.0 - bet * deviation)


def towards(weights: Triple, goal: Triple, most: float) -> Triple:
    """A step from ``weights`` to ``goal`` in which no weight changes by more than ``most``."""
    widest = max(abs(goal[0] - weights[0]), abs(goal[1] - weights[1]), abs(goal[2] - weights[2]))
    return goal if widest <= most else mix(most / widest, goal, weights)
