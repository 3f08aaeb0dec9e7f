"""How much of a result is luck: block-bootstrap intervals, and the deflated Sharpe ratio."""

from collections.abc import Sequence
from functools import lru_cache
from math import e, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

from msgspec import Struct

from gridbot_tui.research.metrics import YEAR_DAYS, deviation, mean

if TYPE_CHECKING:
    import numpy as np

DRAWS = 2_000
BLOCK = 10
"""Days of a block: longer than volatility clusters matter for a daily mean."""
FEWEST = 3 * BLOCK
"""Days below which an interval would only pretend."""
FEW, MANY = 60, 100
"""Up to so many days an interval is widened for its few blocks, which fades out towards so many."""
SEED = 20260101
EULER = 0.5772156649015329
NORMAL = NormalDist().inv_cdf(0.975)


class Interval(Struct, frozen=True):
    """An estimate with its 95 % bounds."""

    value: float
    low: float
    high: float

    @property
    def certain(self) -> bool:
        """True where zero is outside."""
        return self.low > 0.0 or self.high < 0.0


def mean_interval(returns: Sequence[float]) -> Interval | None:
    """Yearly mean of daily returns (or of differences of two), by circular blocks."""
    if len(returns) < FEWEST:
        return None
    import numpy as np

    sample = _resampled(len(returns))
    means = np.asarray(returns, dtype=np.float64)[sample].mean(axis=1) * YEAR_DAYS
    low, high = np.quantile(means, (0.025, 0.975))
    return _interval(mean(returns) * YEAR_DAYS, float(low), float(high), len(returns))


def sharpe_interval(returns: Sequence[float], other: Sequence[float] | None = None) -> Interval | None:
    """Yearly Sharpe ratio, or its difference to ``other``'s on the same days."""
    if len(returns) < FEWEST or (other is not None and len(other) != len(returns)):
        return None
    import numpy as np

    sample = _resampled(len(returns))

    def ratios(values: Sequence[float]) -> "tuple[float, np.ndarray[tuple[int, ...], np.dtype[np.float64]]]":
        column = np.asarray(values, dtype=np.float64)
        drawn = column[sample]
        spread = drawn.std(axis=1, ddof=1)
        means = drawn.mean(axis=1)
        made = np.divide(means, spread, out=np.zeros_like(means), where=spread > 0) * sqrt(YEAR_DAYS)
        whole = deviation(values)
        return (mean(values) / whole * sqrt(YEAR_DAYS) if whole > 0 else 0.0), made

    value, drawn = ratios(returns)
    if other is not None:
        minus, less = ratios(other)
        value, drawn = value - minus, drawn - less
    low, high = np.quantile(drawn, (0.025, 0.975))
    return _interval(value, float(low), float(high), len(returns))


def _interval(value: float, low: float, high: float, days: int) -> Interval:
    """With the bounds that draws of so many days allow."""
    wider = widening(days)
    return Interval(value, value - (value - low) * wider, value + (high - value) * wider)


def widening(days: int) -> float:
    """How much farther from the value the bounds belong than those of the draws.

    A few blocks vary among themselves less than what they were taken from, and how much they do is itself a guess: of
    30 days without any drift the draws alone call one series in five certain. What mends it is Student's quantile for
    the freedom that overlapping blocks leave, 1.5 for each, and the variance that they lose within one stretch.
    """
    share = min(1.0, max(0.0, (MANY - days) / (MANY - FEW)))
    lost = sqrt(days / (days - BLOCK))
    return 1.0 + share * (lost * student(1.5 * days / BLOCK) / NORMAL - 1.0)


def student(freedom: float) -> float:
    """The 97.5 % quantile of Student's t by Fisher's expansion; within two thousandths from a freedom of 4.5 on."""
    z = NORMAL
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, 1))


@lru_cache(maxsize=1)
def _resampled(days: int) -> "np.ndarray[tuple[int, ...], np.dtype[np.int64]]":
    """Row numbers of each draw: circular blocks, the same draws for every series of one length."""
    import numpy as np

    rng = np.random.default_rng(SEED)
    blocks = -(-days // BLOCK)
    starts = rng.integers(0, days, size=(DRAWS, blocks))
    rows = (starts[:, :, None] + np.arange(BLOCK)[None, None, :]) % days
    return rows.reshape(DRAWS, -1)[:, :days].astype(np.int64)


def deflated_sharpe(returns: Sequence[float], trials: int) -> float | None:
    """Probability that the true Sharpe ratio is above zero after ``trials`` configurations were tried.

    Bailey and López de Prado (2014): the best of N worthless trials is expected at SR0; the variance of
    trials is taken as that of the estimate under no skill, 1/(T-1). Not annualised inside.
    """
    count = len(returns)
    spread = deviation(returns)
    if count < FEWEST or spread <= 0.0:
        return None
    middle = mean(returns)
    sr = middle / spread
    standard = [(r - middle) / spread for r in returns]
    skew = mean([s**3 for s in standard])
    tails = mean([s**4 for s in standard])
    normal = NormalDist()
    hurdle = 0.0
    if trials > 1:
        # The quantile of 1 - 1/N, from its own end: 1 - 1e-17 is 1, of which there is none.
        best = (EULER - 1.0) * normal.inv_cdf(1.0 / trials)
        best -= EULER * normal.inv_cdf(1.0 / (trials * e))
        hurdle = best / sqrt(count - 1)
    noise = 1.0 - skew * sr + (tails - 1.0) / 4.0 * sr * sr
    if noise <= 0.0:
        return None
    return normal.cdf((sr - hurdle) * sqrt(count - 1) / sqrt(noise))
