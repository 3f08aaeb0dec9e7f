"""How far one run is ahead of another on the days that both have, with its interval."""

from gridbot_tui.research import intervals
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.metrics import Daily


def aligned(a: Daily, b: Daily) -> tuple[list[float], list[float]]:
    """Returns of the days that both have."""
    other = dict(zip(b.days, b.returns, strict=True))
    both = [(r, other[d]) for d, r in zip(a.days, a.returns, strict=True) if d in other]
    return [x for x, _ in both], [y for _, y in both]


def advantage(a: Daily, b: Daily) -> Interval | None:
    """Yearly mean return of ``a`` less that of ``b``; None where the common days are too few."""
    ours, theirs = aligned(a, b)
    return intervals.mean_interval([x - y for x, y in zip(ours, theirs, strict=True)])
