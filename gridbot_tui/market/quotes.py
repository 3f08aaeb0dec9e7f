"""Points inside a bar, for display at slow speeds."""

from itertools import pairwise

from gridbot_tui.market.bar import Bar
from gridbot_tui.units import Ticks


def path_quotes(bar: Bar, count: int) -> tuple[Ticks, ...]:
    """``count`` prices from just after the open to the close, evenly spaced along the bar's way.

    The way is open, the extreme nearer to the open, the other extreme, close; the last point is the close,
    and the extremes are met where ``count`` >= 3. Nothing is traded on these points.

    Raises:
        ValueError: ``count`` below 1.
    """
    if count < 1:
        raise ValueError(f"{count} points make no path")
    down_first = bar.open - bar.low <= bar.high - bar.open
    first, second = (bar.low, bar.high) if down_first else (bar.high, bar.low)
    if count < 3:
        return (first, bar.close)[-count:]
    corners = (bar.open, first, second, bar.close)
    lengths = [abs(to - frm) for frm, to in pairwise(corners)]
    shares = _shares(lengths, count)
    points: list[Ticks] = []
    for frm, to, share in zip(corners, corners[1:], shares, strict=False):
        points += [frm + round((to - frm) * i / share) for i in range(1, share + 1)]
    return tuple(points)


def _shares(lengths: list[int], count: int) -> list[int]:
    """``count`` points over three legs by length, at least one each."""
    whole = sum(lengths) or 1
    shares = [1 + (count - 3) * length // whole for length in lengths]
    longest = max(range(3), key=lambda leg: lengths[leg])
    shares[longest] += count - sum(shares)
    return shares
