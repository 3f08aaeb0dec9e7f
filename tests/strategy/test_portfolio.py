import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.strategy.clusters import Moves, clusters, correlation, daily_returns
from gridbot_tui.strategy.params import PortfolioParams
from gridbot_tui.strategy.portfolio import Exposure, scales

PARAMS = PortfolioParams()


def exposure(largest: float, bias: float = 0.0, crash: float = 0.0, position: float = 0.0) -> Exposure:
    return Exposure(largest, bias, crash, position)


def test_within_all_caps_nothing_is_scaled() -> None:
    got = scales({"A": exposure(0.6, 0.4, 0.1, 0.4), "B": exposure(0.5, 0.4, 0.1, 0.4)}, (), PARAMS)
    assert all(scale == (1.0, ()) for scale in got.values())


@pytest.mark.parametrize(
    ("item", "code", "factor"),
    [
        (exposure(2.5), "gross_cap", 0.8),
        (exposure(1.0, bias=-1.25), "net_cap", 0.8),
        (exposure(1.0, position=2.0), "net_cap", 0.5),
        (exposure(1.0, crash=0.5), "crash_budget", 0.5),
    ],
)
def test_a_cap_scales_everybody_in_proportion_and_names_itself(
    item: Exposure, code: str, factor: float
) -> None:
    got = scales({"A": item, "B": exposure(0.0)}, (), PARAMS)
    assert dict(got["A"].reasons) == pytest.approx({code: factor})
    assert got["B"].factor == pytest.approx(factor)


def test_longs_and_shorts_offset_in_the_net_cap_and_not_in_the_gross() -> None:
    got = scales({"A": exposure(0.9, 0.9, 0, 0.9), "B": exposure(0.9, -0.9, 0, -0.9)}, (), PARAMS)
    assert got["A"].reasons == ()


def test_a_cluster_shares_a_third_of_the_gross_cap_and_one_alone_is_none() -> None:
    items = {"A": exposure(0.7), "B": exposure(0.7), "C": exposure(0.6)}
    got = scales(items, (("A", "B"),), PARAMS)
    assert got["A"].factor == pytest.approx(0.5)
    assert dict(got["A"].reasons) == pytest.approx({"cluster_cap": 0.5})
    assert got["C"].factor == 1.0
    assert scales(items, (("A", "X"),), PARAMS)["A"].factor == 1.0


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(-1, 1), st.floats(0, 1)), min_size=1, max_size=9))
def test_no_cap_is_exceeded_after_scaling(parts: list[tuple[float, float, float]]) -> None:
    items = {f"S{i}": exposure(big, big * lean, big * crash) for i, (big, lean, crash) in enumerate(parts)}
    got = scales(items, (("S0", "S1"),), PARAMS)
    assert sum(got[n].factor * e.largest for n, e in items.items()) <= 2.0 + 1e-9
    assert abs(sum(got[n].factor * e.bias for n, e in items.items())) <= 1.0 + 1e-9
    assert sum(got[n].factor * e.crash for n, e in items.items()) <= 0.25 + 1e-9
    assert all(0.0 <= scale.factor <= 1.0 for scale in got.values())


def series(seed: int, days: int, like: list[tuple[int, float]] | None = None) -> list[tuple[int, float]]:
    rng = random.Random(seed)
    x, made = 0.0, []
    for day in range(days):
        step = rng.gauss(0, 0.03)
        if like is not None and day:
            step = 0.3 * step + like[day][1] - like[day - 1][1]
        x += step
        made.append((day, x))
    return made


def test_symbols_that_move_together_are_one_cluster_also_through_a_third() -> None:
    a = series(1, 91)
    found = clusters({"A": a, "B": series(2, 91, a), "C": series(3, 91)}, 0.7)
    assert found == (("A", "B"),)
    inverse = [(day, -x) for day, x in a]
    assert clusters({"A": a, "B": inverse}, 0.7) == (("A", "B"),)


def test_too_few_common_days_or_a_price_that_never_moved_join_nobody() -> None:
    a = series(1, 30)
    assert correlation(Moves(a), Moves(a)) is None
    flat = [(day, 1.0) for day in range(91)]
    assert clusters({"A": flat, "B": flat}, 0.7) == ()
    assert clusters({}, 0.7) == ()


def test_a_return_over_a_hole_is_no_daily_return() -> None:
    assert daily_returns([(1, 0.0), (2, 0.1), (5, 0.4), (6, 0.5)]) == {2: 0.1, 6: pytest.approx(0.1)}


@pytest.mark.parametrize("later", [0, 25])
def test_correlation_is_pearsons_over_the_common_days(later: int) -> None:
    first, second = Moves(series(4, 80)), Moves(series(5, 80)[later:])
    a, b = first.by_day, second.by_day
    days = [day for day in a if day in b]
    assert len(days) == 79 - later
    ma, mb = sum(a[d] for d in days) / len(days), sum(b[d] for d in days) / len(days)
    cov = sum((a[d] - ma) * (b[d] - mb) for d in days)
    spread = math.sqrt(sum((a[d] - ma) ** 2 for d in days) * sum((b[d] - mb) ** 2 for d in days))
    assert correlation(first, second) == pytest.approx(cov / spread)
    assert correlation(second, first) == pytest.approx(cov / spread)
