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
    middle = sum(returns) / 3.0
    return sum((value - middle) ** 2 for value in returns) / 3.0


def gains(returns: Triple, variance: float) -> Triple:
    """g: the day's returns in standard deviations of their spread, clipped."""
    if variance <= 0.0:
        return (0.0, 0.0, 0.0)
    root = math.sqrt(variance)
    up, down, neutral = (clip(value / root, -CLIP, CLIP) for value in returns)
    return up, down, neutral


def fixed_share(mass: Triple, gained: Triple, prior: Triple, rate: float, share: float) -> Triple:
    """One day of Hedge, then a share of the prior mixed back in."""
    raw = [m * math.exp(rate * g) for m, g in zip(mass, gained, strict=True)]
    total = sum(raw)
    up, down, neutral = ((1.0 - share) * r / total + share * p for r, p in zip(raw, prior, strict=True))
    return up, down, neutral


def bounded(weights: Triple, prior: Triple, floor: float, cap: float) -> Triple:
    """The weights scaled by one factor, kept within [floor, cap], so that they sum to 1.

    A prior beyond a bound is its own bound. The sum of the kept weights rises with the factor and is linear
    between the factors at which a weight meets a bound, so the factor is found exactly.
    """
    lows = [min(floor, p) for p in prior]
    highs = [max(cap, p) for p in prior]
    parts = [max(w, 1e-9 * p) for w, p in zip(weights, prior, strict=True)]
    bends = sorted(
        bound / w for bounds in (lows, highs) for bound, w in zip(bounds, parts, strict=True) if w > 0
    )
    below = 0.0
    for bend in bends:
        if sum(clip(bend * w, lo, hi) for w, lo, hi in zip(parts, lows, highs, strict=True)) >= 1.0:
            break
        below = bend
    inside = (below + bend) / 2.0
    free = [lo < inside * w < hi for w, lo, hi in zip(parts, lows, highs, strict=True)]
    kept = [clip(inside * w, lo, hi) for w, lo, hi in zip(parts, lows, highs, strict=True)]
    left = 1.0 - sum(value for value, is_free in zip(kept, free, strict=True) if not is_free)
    share = sum(w for w, is_free in zip(parts, free, strict=True) if is_free)
    up, down, neutral = (
        left * w / share if is_free else value for w, value, is_free in zip(parts, kept, free, strict=True)
    )
    return up, down, neutral


def mix(share: float, first: Triple, second: Triple) -> Triple:
    """``share`` of the first, the rest of the second."""
    up, down, neutral = (share * a + (1.0 - share) * b for a, b in zip(first, second, strict=True))
    return up, down, neutral


def edge(learned: Triple, prior: Triple, returns: Triple) -> float:
    """The day's return of the learned weights beyond that of the prior."""
    return sum((w - p) * r for w, p, r in zip(learned, prior, returns, strict=True))


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
    widest = max(abs(b - a) for a, b in zip(weights, goal, strict=True))
    return goal if widest <= most else mix(most / widest, goal, weights)
