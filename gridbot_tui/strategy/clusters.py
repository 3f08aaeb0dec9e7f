"""Symbols that move together, by 90 days of daily returns."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise

from gridbot_tui.units import Symbol

DAYS = 90
LEAST_DAYS = 30
"""Common returns below which a correlation is not known and joins nobody."""

Daily = Sequence[tuple[int, float]]
"""(day number, log close), ascending."""


def daily_returns(closes: Daily) -> dict[int, float]:
    """Log returns of consecutive days, by day number."""
    found: dict[int, float] = {}
    for (before, x0), (day, x1) in pairwise(closes):
        if day == before + 1:
            found[day] = x1 - x0
    return found


def correlation(first: Mapping[int, float], second: Mapping[int, float]) -> float | None:
    """Pearson's over the common days; None where they are too few or one side never moved."""
    days = [day for day in first if day in second]
    n = len(days)
    if n < LEAST_DAYS:
        return None
    mean_a = sum(first[d] for d in days) / n
    mean_b = sum(second[d] for d in days) / n
    ab = aa = bb = 0.0
    for d in days:
        a, b = first[d] - mean_a, second[d] - mean_b
        ab += a * b
        aa += a * a
        bb += b * b
    return ab / math.sqrt(aa * bb) if aa > 0.0 and bb > 0.0 else None


def clusters(closes: Mapping[Symbol, Daily], limit: float) -> tuple[tuple[Symbol, ...], ...]:
    """Groups of two or more symbols joined by |correlation| above ``limit``, directly or through others."""
    names = sorted(closes)
    returns = {name: daily_returns(closes[name]) for name in names}
    return joined(names, lambda a, b: correlation(returns[a], returns[b]), limit)


def joined(
    names: Sequence[Symbol], related: Callable[[Symbol, Symbol], float | None], limit: float
) -> tuple[tuple[Symbol, ...], ...]:
    """``clusters`` of names in order, where ``related`` knows the correlation of two."""
    group = {name: i for i, name in enumerate(names)}
    for i, a in enumerate(names):
        for b in names[i + 1 :]:
            rho = related(a, b)
            if rho is not None and abs(rho) > limit and group[a] != group[b]:
                gone, kept = group[b], group[a]
                group = {name: kept if g == gone else g for name, g in group.items()}
    grouped: dict[int, list[Symbol]] = {}
    for name in names:
        grouped.setdefault(group[name], []).append(name)
    return tuple(tuple(members) for members in grouped.values() if len(members) > 1)
