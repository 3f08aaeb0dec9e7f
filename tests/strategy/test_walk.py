"""The walk through the house, as far as the strategy goes."""

import math

import pytest

from gridbot_tui.strategy import adaptive
from gridbot_tui.strategy.ensemble import shape_of
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.strategy.plan import GridPlan, Votes
from gridbot_tui.strategy.portfolio import scales
from gridbot_tui.units import HOUR, Market
from tests.strategy.support import ACCOUNT, inputs, row

WEIGHTS = (0.30, 0.10, 0.60)
VOTES = Votes(up=0.50, down=0.0, neutral=1.0 / 3.0)


@pytest.fixture(scope="module")
def plan() -> GridPlan:
    params, ladder = StrategyParams(), LadderParams()
    now = inputs()
    shape = shape_of(params.ensemble, Market.FUTURES)
    made = adaptive.draft(row(), VOTES, WEIGHTS, shape, now, 1.0, params)
    scale = scales({"BTCUSDT": adaptive.exposure(made, now, ACCOUNT.equity)}, (), params.portfolio)["BTCUSDT"]
    return adaptive.plan("BTCUSDT", HOUR, made, scale, now, WEIGHTS, ladder, Market.FUTURES, None)


def test_the_ensemble_asks_for_what_the_walk_says(plan: GridPlan) -> None:
    unit = plan.leverage * plan.equity / plan.price
    assert plan.bias == pytest.approx(0.45)
    assert plan.upper / unit == pytest.approx(1.50)
    assert plan.lower / unit == pytest.approx(-0.60)
    assert plan.lot / unit == pytest.approx(0.36)
    assert plan.label == "LONG"


def test_leverage_target_and_lot_are_the_walks(plan: GridPlan) -> None:
    assert plan.leverage == pytest.approx(0.44, abs=0.005)
    assert plan.target * plan.price == pytest.approx(1977, abs=1)
    assert plan.lot == pytest.approx(0.0264, abs=0.00005)
    assert plan.spacing == pytest.approx(0.0284, abs=0.00001)
    assert plan.neutral_share == pytest.approx(0.25)
    assert plan.levels == 6


def test_flat_is_a_lot_and_a_quarter_below_the_target_so_the_reservation_price_is_above(
    plan: GridPlan,
) -> None:
    assert plan.anchor is not None
    assert plan.spacing is not None
    assert plan.anchor == pytest.approx(math.log(60_000) + 1.25 * plan.spacing)
    assert [int(math.exp(plan.anchor - j * plan.spacing)) for j in (1, 2, 3)] == [60_427, 58_735, 57_090]
    assert int(math.exp(plan.anchor + plan.spacing)) == 63_959
    assert math.exp(plan.anchor) == pytest.approx(62_190, abs=30)


def test_the_gap_budget_is_not_exceeded_and_nothing_bound(plan: GridPlan) -> None:
    assert plan.gap == pytest.approx(0.31, abs=0.005)
    assert plan.upper * plan.price / plan.equity * plan.gap == pytest.approx(0.21, abs=0.005)
    assert plan.reasons == ()
    assert plan.unwind is None
