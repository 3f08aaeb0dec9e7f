"""Plain grids: levels, sides, trailing, sizing, and what is refused."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gridbot_tui.strategy import plain
from gridbot_tui.strategy.adaptive import AccountInputs, SymbolInputs
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.strategy.plan import GridPlan, LadderKind, Weights
from gridbot_tui.units import HOUR, Market
from tests.strategy.support import ACCOUNT, inputs

WEIGHTS = Weights(0.3, 0.1, 0.6)
KINDS: list[LadderKind] = ["arithmetic", "geometric"]


def plan(
    params: PlainParams,
    price: float = 100.0,
    *,
    kind: LadderKind = "arithmetic",
    previous: GridPlan | None = None,
    now: SymbolInputs | None = None,
    account: AccountInputs = ACCOUNT,
    market: Market = Market.FUTURES,
) -> GridPlan:
    now = now or inputs(price, tick=0.01, spread=0.01, min_lot=0.001)
    ladder = LadderParams(kind=kind, plain=params)
    return plain.plan("AAA", HOUR, now, account, WEIGHTS, ladder, market, previous)


def test_arithmetic_levels_have_equal_differences_and_geometric_ones_equal_ratios() -> None:
    assert plain.levels("arithmetic", 90.0, 110.0, 5) == pytest.approx((90, 95, 100, 105, 110))
    assert plain.levels("geometric", 25.0, 400.0, 5) == pytest.approx((25, 50, 100, 200, 400))


@given(st.sampled_from(KINDS), st.floats(0.01, 1e5), st.floats(1.05, 5.0), st.integers(2, 200))
def test_levels_ascend_from_end_to_end(kind: LadderKind, low: float, ratio: float, count: int) -> None:
    grid = plain.levels(kind, low, low * ratio, count)
    assert len(grid) == count
    assert (grid[0], grid[-1]) == (low, low * ratio)
    assert all(a < b for a, b in pairwise(grid))


@pytest.mark.parametrize("side", ["long", "short", "neutral"])
@pytest.mark.parametrize("kind", KINDS)
def test_with_every_level_filled_the_exposure_is_the_leverage(kind: LadderKind, side: str) -> None:
    made = plan(PlainParams.model_validate({"side": side, "levels": 11, "leverage": 0.8}), kind=kind)
    if side == "long":
        filled, lots = made.grid[:-1], made.upper / made.lot
        assert made.lower == 0.0
    elif side == "short":
        filled, lots = made.grid[1:], -made.lower / made.lot
        assert made.upper == 0.0
    else:
        below, above = [p for p in made.grid if p < 99.999], [p for p in made.grid if p > 100.001]
        assert (made.upper, made.lower) == pytest.approx((len(below) * made.lot, -len(above) * made.lot))
        filled, lots = tuple(max(below, above, key=sum)), float(len(max(below, above, key=sum)))
    assert lots == pytest.approx(len(filled))
    assert made.lot * sum(filled) == pytest.approx(0.8 * made.equity)
    assert made.label == {"long": "LONG", "short": "SHORT", "neutral": "NEUTRAL"}[side]
    assert made.unwind is None


def test_levels_closer_than_ten_ticks_or_twelve_fees_are_refused_with_the_number_that_fits() -> None:
    fees = plan(PlainParams(lower=99.0, upper=101.0, levels=20), 100.0)
    assert (fees.lot, fees.grid, fees.unwind) == (0.0, (), 0.0)
    room = int(dict(fees.reasons)["levels_too_close"])
    assert room == int(2.0 / (12 * 2e-4 * 101.0)) + 1
    assert plan(PlainParams(lower=99.0, upper=101.0, levels=room), 100.0).lot > 0.0
    ticks = plan(PlainParams(lower=1.0, upper=2.0, levels=12), 1.5)
    assert dict(ticks.reasons)["levels_too_close"] == 11
    assert plan(PlainParams(lower=1.0, upper=2.0, levels=11), 1.5).lot > 0.0


@given(
    st.sampled_from(KINDS),
    st.floats(0.5, 1e4),
    st.floats(1.01, 4.0),
    st.floats(1e-4, 0.01),
    st.floats(0.0, 2e-3),
)
def test_the_number_that_fits_does_fit(
    kind: LadderKind, low: float, ratio: float, tick: float, fee: float
) -> None:
    high = low * ratio
    most = min(plain.most_levels(kind, low, high, tick, fee), 200)
    if most >= 2:
        assert not plain.too_close(plain.levels(kind, low, high, most), tick, fee)


def test_a_grid_trails_by_whole_levels_within_its_limit() -> None:
    params = PlainParams(lower=90.0, upper=110.0, levels=5, trailing_up=True, trail_up_to=121.0)
    first = plan(params)
    still = plan(params, 114.9, previous=first)
    assert still.grid == first.grid
    assert still.epoch == first.epoch
    moved = plan(params, 115.0, previous=still)
    assert moved.grid == pytest.approx((95, 100, 105, 110, 115))
    assert moved.epoch == first.epoch + 1
    capped = plan(params, 500.0, previous=moved)
    assert capped.grid == pytest.approx((100, 105, 110, 115, 120))
    assert plan(params, 80.0, previous=capped).grid == capped.grid
    assert capped.grid_origin == (90.0, 110.0)


def test_a_geometric_grid_trails_down_and_a_neutral_ones_parting_price_travels_along() -> None:
    params = PlainParams(
        side="neutral", lower=80.0, upper=125.0, levels=5, trailing_down=True, trail_limit=0.5
    )
    first = plan(params, kind="geometric")
    ratio = (125.0 / 80.0) ** 0.25
    moved = plan(params, 80.0 / ratio**2, kind="geometric", previous=first)
    assert moved.grid == pytest.approx(tuple(level / ratio**2 for level in first.grid))
    assert moved.centre == pytest.approx(math.log(100.0 / ratio**2))
    assert moved.upper / moved.lot == pytest.approx(first.upper / first.lot)
    bottom = plan(params, 1e-3, kind="geometric", previous=moved)
    assert bottom.grid[0] >= 40.0


@given(st.lists(st.floats(50, 200), min_size=1, max_size=30))
def test_trailing_keeps_the_number_and_the_order_of_levels(prices: list[float]) -> None:
    params = PlainParams(levels=9, trailing_up=True, trailing_down=True)
    made = plan(params)
    for price in prices:
        made = plan(params, price, previous=made)
        assert len(made.grid) == 9
        assert all(0 < a < b for a, b in pairwise(made.grid))
        assert made.grid[0] >= 90 * 0.5 - 1e-9
        assert made.grid[-1] <= 110 * 1.5 + 1e-9


def test_profit_is_reinvested_only_where_asked_for() -> None:
    rich = inputs(100.0, equity=20_000, tick=0.01)
    for reinvest, factor in ((False, 1.0), (True, 2.0)):
        params = PlainParams(reinvest=reinvest)
        first = plan(params)
        later = plan(params, previous=first, now=rich)
        assert later.lot == pytest.approx(factor * first.lot)
        assert (later.epoch == first.epoch) is (not reinvest)


def test_a_grid_laid_while_nothing_was_left_is_sized_by_what_comes() -> None:
    first = plan(PlainParams(), now=inputs(100.0, equity=0.0, tick=0.01))
    assert first.lot == 0.0
    later = plan(PlainParams(), previous=first, now=inputs(100.0, equity=20_000, tick=0.01))
    assert later.lot > 0.0
    assert plan(PlainParams(), previous=later, now=inputs(100.0, equity=30_000, tick=0.01)).lot == later.lot


def test_a_changed_grid_is_laid_anew() -> None:
    first = plan(PlainParams(levels=10))
    later = plan(PlainParams(levels=12), 150.0, previous=first)
    assert later.grid[0] == pytest.approx(135.0)
    assert later.epoch == first.epoch + 1


def test_the_tier_scales_the_lots_and_a_halt_takes_them() -> None:
    whole = plan(PlainParams())
    assert plan(PlainParams(), account=AccountInputs(0.4, 10_000)).lot == pytest.approx(0.4 * whole.lot)
    halted = plan(PlainParams(), account=AccountInputs(0.0, 10_000))
    assert (halted.lot, halted.unwind) == (0.0, 0.0)


def test_spot_never_borrows() -> None:
    made = plan(PlainParams(leverage=3.0), market=Market.SPOT)
    assert made.leverage == 1.0


def test_initial_inventory_is_asked_for_only_where_configured() -> None:
    assert plan(PlainParams(lower=90, upper=110, levels=5)).target == 0.0
    asked = plan(PlainParams(lower=90, upper=110, levels=5, initial_inventory=True))
    assert asked.target == pytest.approx(2 * asked.lot)
    short = plan(PlainParams(side="short", lower=90, upper=110, levels=5, initial_inventory=True))
    assert short.target == pytest.approx(-2 * short.lot)


@pytest.mark.parametrize("price", [117.7, 333.3, 14_990.0, 15_614.9, 61_234.56])
def test_a_level_at_the_start_itself_is_never_inventory(price: float) -> None:
    for side in ("long", "short"):
        params = PlainParams.model_validate(
            {"side": side, "levels": 25, "range_below": 0.25, "range_above": 0.25, "initial_inventory": True}
        )
        first = plan(params, price)
        again = plan(params, price * 1.01, previous=first)
        assert again.grid == first.grid
        assert abs(first.target) == pytest.approx(12 * first.lot)
        assert again.target == first.target


def test_a_lot_below_the_minimum_names_the_equity_needed() -> None:
    made = plan(PlainParams(), now=inputs(100.0, tick=0.01, min_lot=10.0))
    needed = dict(made.reasons)["lot_below_minimum"]
    enough = plan(PlainParams(), now=inputs(100.0, tick=0.01, min_lot=10.0, equity=needed * 1.0001))
    assert "lot_below_minimum" not in dict(enough.reasons)


def test_exit_prices_stand_on_their_own_side_of_the_range() -> None:
    good = PlainParams(lower=90, upper=110, stop=85, take_profit=120)
    made = plan(good)
    assert (made.stop_price, made.take_profit_price, made.stop_above) == (85, 120, None)
    neutral = plan(PlainParams(side="neutral", lower=90, upper=110, stop=85, stop_above=115))
    assert (neutral.stop_price, neutral.take_profit_price, neutral.stop_above) == (85, None, 115)
    bad: list[dict[str, object]] = [
        {"stop": 95},
        {"take_profit": 100},
        {"side": "short", "stop": 85},
        {"side": "short", "take_profit": 120},
        {"stop_above": 100},
        {"lower": 120},
        {"upper": None},
    ]
    for change in bad:
        with pytest.raises(ValidationError):
            PlainParams.model_validate({"lower": 90.0, "upper": 110.0} | change)
