"""Symbols that move together, by 90 days of daily returns."""

import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from operator import mul

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


class Moves:
    """A symbol's daily returns, with what every correlation asks of them."""

    __slots__ = ("by_day", "centred", "days", "square")

    def __init__(self, closes: Daily) -> None:
        self.by_day = daily_returns(closes)
        self.days = tuple(self.by_day)
        self.centred = _centred(list(self.by_day.values()))
        self.square = sum(map(mul, self.centred, self.centred))


def _centred(returns: list[float]) -> list[float]:
    mean = sum(returns) / max(len(returns), 1)
    return [one - mean for one in returns]


def correlation(first: Moves, second: Moves) -> float | None:
    """Pearson's over the common days; None where they are too few or one side never moved."""
    if first.days == second.days:  # mostly so: at midnight that is asked of every two of all symbols
        n, a, b, aa, bb = len(first.days), first.centred, second.centred, first.square, second.square
    else:
        days = [day for day in first.by_day if day in second.by_day]
        n, a, b = len(days), _centred([first.by_day[d] for d in days]), _centred([second.by_day[d] for d in days])
        aa, bb = sum(map(mul, a, a)), sum(map(mul, b, b))
    if n < LEAST_DAYS:
        return None
    # The built-in ``sum``, twice as quick as ``units.added``: how it rounds decides nothing: this meets a limit.
    return sum(map(mul, a, b)) / math.sqrt(aa * bb) if aa > 0.0 and bb > 0.0 else None


def clusters(closes: Mapping[Symbol, Daily], limit: float) -> tuple[tuple[Symbol, ...], ...]:
    """Groups of two or more symbols joined by |correlation| above ``limit``, directly or through others."""
    names = sorted(closes)
    moves = {name: Moves(closes[name]) for name in names}
    return joined(names, lambda a, b: correlation(moves[a], moves[b]), limit)


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
