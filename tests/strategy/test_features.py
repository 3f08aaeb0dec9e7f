import math
from itertools import pairwise

import numpy as np
import pytest
import talib
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.strategy.features import CLOSE_ALPHAS, CLOSE_TAUS, SIGMA_FLOOR, Features, averaged, zscores
from gridbot_tui.strategy.params import ROOT_YEAR
from gridbot_tui.units import HOUR
from tests.strategy.support import walk

CLOSES = [candle[3] for candle in walk(5, 1500)]


def fed(closes: list[float]) -> Features:
    features = Features()
    for i, close in enumerate(closes):
        features.hour((i + 1) * HOUR, close)
    return features


@pytest.mark.parametrize("period", [7, 24, 49])
def test_an_average_is_ta_libs_where_the_rates_are_equal(period: int) -> None:
    tau = -1.0 / math.log(1.0 - 2.0 / (period + 1))
    alpha = 1.0 - math.exp(-1.0 / tau)
    assert alpha == pytest.approx(2.0 / (period + 1))
    value = 0.0
    ours = []
    for count, close in enumerate(CLOSES, 1):
        (value,) = averaged((value,), (alpha,), close, count)
        ours.append(value)
    theirs = talib.EMA(np.array(CLOSES), timeperiod=period)
    # Both forget how they began; after 20 periods nothing of it is left.
    assert ours[40 * period :] == pytest.approx(theirs[40 * period :].tolist(), rel=1e-12)


def test_an_average_begins_as_ta_libs_plain_mean() -> None:
    value = 0.0
    for count, close in enumerate(CLOSES[:24], 1):
        (value,) = averaged((value,), (1.0 / 24.0,), close, count)
    assert value == pytest.approx(talib.SMA(np.array(CLOSES), timeperiod=24)[23], rel=1e-12)


@pytest.mark.parametrize(("name", "index"), [("ema12", 0), ("ema24", 1)])
def test_an_average_is_the_sum_of_its_exponential_weights(name: str, index: int) -> None:
    alpha = CLOSE_ALPHAS[index]
    logs = [math.log(close) for close in reversed(CLOSES)]
    direct = sum(alpha * (1.0 - alpha) ** k * x for k, x in enumerate(logs))
    assert getattr(fed(CLOSES).row, name) == pytest.approx(direct, rel=1e-9)


def test_volatility_is_the_root_of_the_averaged_squares_and_scores_are_in_its_deviations() -> None:
    row = fed(CLOSES).row
    assert row is not None
    alpha = 1.0 - math.exp(-1.0 / 72.0)
    squares = [math.log(b / a) ** 2 for a, b in pairwise(CLOSES)][::-1]
    sigma = math.sqrt(sum(alpha * (1.0 - alpha) ** k * s for k, s in enumerate(squares))) + SIGMA_FLOOR
    assert row.sigma_hour == pytest.approx(sigma, rel=1e-6)
    assert row.sigma_year == pytest.approx(sigma * math.sqrt(8760.0), rel=1e-6)
    assert row.z24 == pytest.approx((row.x - row.ema24) / (row.sigma_hour * math.sqrt(12.0)), rel=1e-12)
    assert row.volr == pytest.approx(0.0, abs=0.5)


def test_fast_volatility_is_ta_libs_deviation_of_a_steady_zigzag() -> None:
    closes = [100.0 * math.exp(0.004 * (i % 2)) for i in range(400)]
    row = fed(closes).row
    assert row is not None
    returns = np.diff(np.log(closes))
    deviation = talib.STDDEV(returns, timeperiod=24)[-1]
    assert row.sigma_fast - SIGMA_FLOOR == pytest.approx(deviation, rel=1e-9)
    assert row.volr == pytest.approx(0.0, abs=1e-9)


def test_a_score_has_unit_spread_on_a_random_walk() -> None:
    scores = []
    for seed in range(60):
        made = fed([candle[3] for candle in walk(seed, 700)]).row
        assert made is not None
        scores.append(made.z48)
    assert math.sqrt(sum(s * s for s in scores) / len(scores)) == pytest.approx(1.0, abs=0.25)
    expected = [0.02 / (0.01 * math.sqrt(tau / 2.0)) for tau in CLOSE_TAUS]
    assert zscores(1.02, [1.0] * len(CLOSE_TAUS), 0.01) == pytest.approx(expected)


def test_a_flat_market_has_scores_of_nothing_and_the_least_volatility() -> None:
    row = fed([50.0] * 400).row
    assert row is not None
    assert row.sigma_hour == SIGMA_FLOOR
    assert row.sigma_month == SIGMA_FLOOR * ROOT_YEAR
    assert row.z336 == pytest.approx(0.0, abs=1e-9)
    assert row.volr == 0.0


@given(st.integers(1, 398))
def test_features_are_bit_identical_recomputed_and_in_pieces(cut: int) -> None:
    whole = fed(CLOSES[:400])
    first = fed(CLOSES[:cut])
    second = Features()
    second.restore(first.state())
    for i, close in enumerate(CLOSES[cut:400], cut):
        second.hour((i + 1) * HOUR, close)
    assert second.row == whole.row
    assert second.state() == whole.state()


def test_a_bar_not_later_than_the_last_changes_nothing() -> None:
    features = fed(CLOSES[:50])
    before = features.state()
    assert not features.hour(50 * HOUR, 1.0)
    assert features.state() == before


def test_an_unknown_funding_is_none_and_never_zero() -> None:
    row = fed(CLOSES[:10]).row
    assert row is not None
    assert row.funding_mean is None
    assert row.funding_day is None


def test_funding_is_the_eight_hour_equivalent_of_seventy_two_hours_at_any_interval() -> None:
    for interval in (1, 4, 8):
        features = Features()
        for i in range(1, 201):
            features.hour(i * HOUR, 100.0)
            if i % interval == 0:
                features.funding(i * HOUR + 7, 1e-4 * interval / 8, interval)
        row = features.row
        assert row is not None
        assert row.funding_mean == pytest.approx(1e-4)
        assert row.funding_day == pytest.approx(3e-4, rel=0.35)
        assert len(features.state().funding) <= 72 // interval + 1


def test_funding_shows_only_from_the_next_decision_bar_on_and_ages_out() -> None:
    features = fed(CLOSES[:100])
    features.funding(100 * HOUR + 3, 5e-4, 8)
    assert features.row is not None
    assert features.row.funding_mean is None
    features.hour(101 * HOUR, 100.0)
    assert features.row.funding_mean == pytest.approx(5e-4)
    for i in range(102, 174):
        features.hour(i * HOUR, 100.0)
    assert features.row.funding_mean is None


def test_a_new_episode_warms_up_anew() -> None:
    features = fed(CLOSES[:500])
    features.restart()
    assert features.hours == 0
    assert features.row is None
    features.hour(600 * HOUR, 7.0)
    features.hour(601 * HOUR, 7.0)
    assert features.row is not None
    assert features.row.ema12 == pytest.approx(math.log(7.0))
    assert len(CLOSE_TAUS) == 6
