"""The plan of one symbol: spacing, leverage, caps, corners."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.strategy import adaptive
from gridbot_tui.strategy import leverage as lev
from gridbot_tui.strategy.adaptive import SymbolInputs
from gridbot_tui.strategy.ensemble import shape_of
from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.ladder import recentred, spacing_floor, unwind_to
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.strategy.plan import GridPlan, Votes
from gridbot_tui.strategy.portfolio import Scale
from gridbot_tui.units import HOUR, Market
from tests.strategy.support import inputs, row

UNSCALED = Scale(1.0, ())
LIVELY = Votes(0.5, 0.0, 1.0)


def made(
    features: FeatureRow | None = None,
    votes: Votes = LIVELY,
    now: SymbolInputs | None = None,
    *,
    m_dd: float = 1.0,
    market: Market = Market.FUTURES,
    previous: GridPlan | None = None,
    params: StrategyParams | None = None,
    scale: Scale = UNSCALED,
) -> GridPlan:
    params = params or StrategyParams()
    now = now or inputs()
    prior = params.ensemble.prior_of(market).triple
    shape = shape_of(params.ensemble, market)
    one = adaptive.draft(features or row(), votes, prior, shape, now, m_dd, params)
    return adaptive.plan("AAA", HOUR, one, scale, now, prior, LadderParams(), market, previous)


def codes(plan: GridPlan) -> dict[str, float]:
    return dict(plan.reasons)


def test_no_vote_means_no_rungs_and_leaving_passively() -> None:
    plan = made(votes=Votes(0, 0, 0), now=inputs(position=0.3))
    assert (plan.lot, plan.target, plan.upper, plan.lower, plan.levels) == (0, 0, 0, 0, 0)
    assert (plan.centre, plan.spacing, plan.anchor, plan.neutral_share) == (None, None, None, None)
    assert plan.unwind == 0.0


@pytest.mark.parametrize(
    ("features", "now", "code"),
    [
        (row(sigma=0.04), inputs(), "volatility_filter"),
        (row(), inputs(listed_days=29.9), "young_listing"),
        (row(funding_day=-0.0101), inputs(), "funding_filter"),
        (row(month=2.1), inputs(drawdown=0.15), "symbol_stop"),
    ],
)
def test_a_filter_takes_all_leverage_names_itself_and_unwinds(
    features: FeatureRow, now: SymbolInputs, code: str
) -> None:
    plan = made(features, now=now)
    assert code in codes(plan)
    assert plan.lot == 0.0
    assert plan.unwind == 0.0


def test_a_symbols_drawdown_alone_does_not_stop_it() -> None:
    assert made(row(month=1.9), now=inputs(drawdown=0.4)).reasons == ()


def test_the_volatility_filter_closes_over_half_a_point() -> None:
    assert [lev.volatility_filter(s, 3.5) for s in (2.9, 3.0, 3.25, 3.5, 9.0)] == [1, 1, 0.5, 0, 0]


def test_the_drawdown_multiplier_scales_bounds_lots_and_target() -> None:
    whole, less = made(), made(m_dd=0.7)
    for name in ("lot", "target", "upper", "lower", "leverage"):
        assert getattr(less, name) == pytest.approx(0.7 * getattr(whole, name))
    assert codes(less) == {"drawdown_multiplier": 0.7}
    halted = made(m_dd=0.0, now=inputs(position=1.0))
    assert halted.lot == 0.0
    assert halted.unwind == 0.0


@given(st.floats(0.0003, 0.08), st.floats(0.0003, 0.08), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1))
def test_full_bounds_are_within_six_times_even_after_the_gap(
    sigma: float, fast: float, up: float, down: float, neutral: float
) -> None:
    plan = made(row(sigma=sigma, fast=fast), Votes(up, down, neutral))
    long, short = plan.upper * plan.price / plan.equity, -plan.lower * plan.price / plan.equity
    x = plan.gap
    assert long * (1 - x) <= 6.0 * (1 - long * x) + 1e-9
    assert short * (1 + x) <= 6.0 * (1 - short * x) + 1e-9


def test_survival_caps_are_the_papers_numbers() -> None:
    assert lev.survival_long(6.0, 0.20) == pytest.approx(3.0)
    assert lev.survival_short(6.0, 0.20) == pytest.approx(2.5)
    assert lev.survival_long(6.0, 0.70) == pytest.approx(1.33, abs=0.01)
    assert lev.survival_short(6.0, 0.70) == pytest.approx(1.02, abs=0.01)


def test_a_survival_cap_names_itself() -> None:
    plan = made(row(sigma=0.0003), Votes(1.0, 0.0, 1.0))
    assert codes(plan)["survival_cap_long"] == pytest.approx(3.0)
    assert plan.upper * plan.price / plan.equity == pytest.approx(3.0)


def test_on_spot_the_bounds_are_zero_and_the_equity() -> None:
    plan = made(row(sigma=0.001), Votes(1.0, 1.0, 1.0), market=Market.SPOT)
    assert plan.lower == 0.0
    assert plan.upper * plan.price == pytest.approx(plan.equity)
    assert plan.target >= 0.0
    assert "spot_cap" in codes(plan)
    assert plan.spacing == pytest.approx(0.02)


@pytest.mark.parametrize(
    ("args", "floor"),
    [
        ((0.004, 2e-4, 0.1, 0.1, 60_000.0), 0.004),
        ((0.004, 1e-3, 0.1, 0.1, 60_000.0), 0.012),
        ((0.004, 2e-4, 0.001, 0.001, 1.0), 0.01),
        ((0.004, 2e-4, 0.1, 300.0, 60_000.0), 0.02),
    ],
)
def test_the_spacing_floor_is_the_largest_of_least_fees_ticks_and_spread(
    args: tuple[float, float, float, float, float], floor: float
) -> None:
    assert spacing_floor(*args) == pytest.approx(floor)


def test_a_floor_that_binds_is_named() -> None:
    plan = made(row(sigma=0.0005))
    assert plan.spacing == 0.004
    assert codes(plan)["spacing_floor"] == 0.004


def test_the_centre_stays_within_a_quarter_spacing() -> None:
    assert recentred(1.009, 1.0, 0.04, 0.25) == 1.0
    assert recentred(1.011, 1.0, 0.04, 0.25) == 1.011
    assert recentred(1.0, None, 0.04, 0.25) == 1.0
    first = made()
    assert first.spacing is not None
    near = made(row(60_000.0 * math.exp(0.2 * first.spacing)), previous=first)
    far = made(row(60_000.0 * math.exp(0.3 * first.spacing)), previous=first)
    assert near.centre == first.centre
    assert far.centre != first.centre
    assert near.epoch == first.epoch + 1


def test_a_position_a_quarter_of_the_range_beyond_a_shrunken_bound_goes_back_to_the_bound() -> None:
    assert unwind_to(1.49, 1.0, -1.0, 0.25) is None
    assert unwind_to(1.51, 1.0, -1.0, 0.25) == 1.0
    assert unwind_to(-1.51, 1.0, -1.0, 0.25) == -1.0
    assert unwind_to(0.0, 0.0, 0.0, 0.25) is None


def test_a_lot_below_the_minimum_names_the_equity_needed_and_keeps_the_exits() -> None:
    plenty = made()
    plan = made(now=inputs(min_lot=4 * plenty.lot, position=0.01))
    assert codes(plan)["lot_below_minimum"] == pytest.approx(40_000.0)
    assert plan.lot == pytest.approx(plenty.lot)
    assert plan.anchor is not None
    assert plan.unwind is None
    enough = made(now=inputs(equity=40_001.0, min_lot=4 * plenty.lot))
    assert "lot_below_minimum" not in codes(enough)


def test_an_account_without_equity_gets_no_lot() -> None:
    for equity in (0.0, -50.0):
        plan = made(now=inputs(equity=equity, position=1.0))
        assert plan.lot == 0.0
        assert plan.unwind == 0.0


@given(st.floats(-0.5, 0.5), st.floats(0, 1), st.floats(0, 1), st.floats(0, 1), st.floats(0.001, 0.03))
def test_the_reservation_price_moves_one_spacing_a_lot(
    position: float, up: float, down: float, neutral: float, sigma: float
) -> None:
    plan = made(row(sigma=sigma), Votes(up, down, neutral), inputs(position=position))
    if plan.lot == 0.0:
        return
    assert plan.anchor is not None
    assert plan.centre is not None
    assert plan.spacing is not None
    k = (position - plan.target) / plan.lot
    assert plan.anchor == pytest.approx(plan.centre - plan.spacing * k)
    assert 1 <= plan.levels <= 8
