"""Figures of curves, intervals and the deflated Sharpe ratio, by hand and by their own laws."""

import math
import random

import pytest

from gridbot_tui.research import intervals, metrics
from gridbot_tui.research.outcome import extreme
from gridbot_tui.units import DAY, HOUR


def noise(days: int, drift: float = 0.0, seed: int = 1) -> list[float]:
    rng = random.Random(seed)
    return [rng.gauss(drift, 0.01) for _ in range(days)]


def test_daily_returns_are_taken_at_midnight_and_at_the_end() -> None:
    at = [HOUR * h for h in range(1, 61)]
    equity = [100.0 + h for h in range(1, 61)]
    found = metrics.daily(at, equity, 100.0)
    assert found.days == (0, 1, 2)
    assert found.returns == pytest.approx((0.24, 24 / 124, 12 / 148))


def test_days_before_the_start_do_not_count() -> None:
    at = [HOUR * h for h in range(1, 49)]
    equity = [100.0 + h for h in range(1, 49)]
    found = metrics.daily(at, equity, 100.0, since=DAY)
    assert found.returns == pytest.approx((24 / 124,))


def test_a_fall_that_lies_between_two_digits_is_told_alike_whichever_sum_found_it() -> None:
    """From 10,000 to 9,113.6079655, as the engine's exact books have it and as compiled code adds it up."""
    exact, summed = -0.08863920344999998, -0.08863920345000009
    assert round(exact, 10) != round(summed, 10)
    assert extreme(exact) == extreme(summed) == -0.0886392034
    assert extreme(-exact) == extreme(-summed)
    assert str(extreme(-0.0)) == "0.0"


def test_a_year_of_one_per_cent_a_day_has_no_sharpe_ratio() -> None:
    assert metrics.sharpe([0.01] * 300) is None


def test_sharpe_is_mean_over_deviation_times_root_of_the_year() -> None:
    assert metrics.sharpe([0.01, -0.01, 0.02, 0.0, 0.03]) == pytest.approx(0.01 / math.sqrt(0.00025) * math.sqrt(365))


def test_growth_over_a_year_is_growth_a_year() -> None:
    assert metrics.cagr(100.0, 120.0, 365.0) == pytest.approx(0.2)
    assert metrics.cagr(100.0, 120.0, 3.0) is None


def test_the_deepest_fall_is_from_the_peak() -> None:
    assert metrics.max_drawdown([110.0, 99.0, 120.0, 90.0, 130.0], 100.0) == pytest.approx(-0.25)
    assert min(metrics.drawdowns([110.0, 99.0, 120.0, 90.0, 130.0], 100.0)) == pytest.approx(-0.25)


def test_too_few_days_get_no_interval() -> None:
    assert intervals.mean_interval(noise(29)) is None
    assert intervals.sharpe_interval(noise(29)) is None
    assert intervals.deflated_sharpe(noise(29), 1) is None


def test_an_interval_holds_its_value_and_is_the_same_every_time() -> None:
    found = intervals.mean_interval(noise(400, 0.001))
    assert found is not None
    assert found.low < found.value < found.high
    assert found == intervals.mean_interval(noise(400, 0.001))


def test_noise_is_rarely_called_certain() -> None:
    found = [intervals.mean_interval(noise(250, seed=seed)) for seed in range(40)]
    assert sum(one is not None and one.certain for one in found) <= 6


@pytest.mark.parametrize("days", [30, 36, 60])
def test_of_few_days_noise_is_no_more_often_called_certain(days: int) -> None:
    found = [intervals.mean_interval(noise(days, seed=seed)) for seed in range(300)]
    assert sum(one is not None and one.certain for one in found) <= 24


def test_intervals_are_widened_the_more_the_fewer_days_and_of_many_not_at_all() -> None:
    wider = [intervals.widening(days) for days in range(intervals.FEWEST, 120)]
    assert wider == sorted(wider, reverse=True)
    assert wider[0] == pytest.approx(1.66, abs=0.01)
    assert set(wider[intervals.MANY - intervals.FEWEST :]) == {1.0}
    assert [intervals.student(one) for one in (5.0, 10.0)] == pytest.approx([2.571, 2.228], rel=2e-3)


def test_a_strong_drift_is_certain() -> None:
    found = intervals.mean_interval(noise(400, 0.004))
    assert found is not None
    assert found.certain


def test_a_series_has_no_advantage_over_itself() -> None:
    values = noise(100, 0.001)
    found = intervals.sharpe_interval(values, values)
    assert found is not None
    assert (found.value, found.low, found.high) == (0.0, 0.0, 0.0)


def test_more_trials_deflate_more() -> None:
    values = noise(400, 0.001)
    one, many, most = (intervals.deflated_sharpe(values, trials) for trials in (1, 180, 10**17))
    assert one is not None
    assert many is not None
    assert most is not None, "one less one of so many is one to a float"
    assert 0.0 < most < many < one < 1.0
