"""The resting stop."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gridbot_tui.risk.liquidation import Margins, liquidation_price
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.risk.stop import STOP_BUDGET, StopPlan, resting_stop, stop_budget
from gridbot_tui.units import Side
from tests.orders.samples import BRACKETS, BTC

RISK = RiskParams()
MARGINS = Margins(BRACKETS)
MARK = 600_000


def plan(position: int, entries: list[tuple[int, int]], budget: float = 1_500.0, equity: float = 10_000.0) -> StopPlan:
    return resting_stop(position, MARK, entries, BTC, budget, equity, MARGINS, RISK)


def test_it_rests_where_the_symbol_with_all_its_entries_would_have_lost_the_budget() -> None:
    found = plan(100, [(590_000, 50), (580_000, 50)])
    assert found.stop is not None
    assert (found.stop.side, found.stop.steps, found.entries) == (Side.SELL, 200, 2)
    price = found.stop.trigger / 10
    loss = 0.1 * (60_000 - price) + 0.05 * (59_000 - price) + 0.05 * (58_000 - price)
    assert loss == pytest.approx(1_500, abs=0.1)
    assert loss <= 1_500  # rounded to the side that fires earlier


def test_a_shorts_stop_is_the_mirror() -> None:
    found = plan(-100, [(610_000, 50)])
    assert found.stop is not None
    price = found.stop.trigger / 10
    assert (found.stop.side, found.stop.steps) == (Side.BUY, 150)
    assert 0.1 * (price - 60_000) + 0.05 * (price - 61_000) == pytest.approx(1_500, abs=0.1)


def test_entries_that_leave_no_room_give_way_farthest_first() -> None:
    found = plan(100, [(590_000, 50), (480_000, 50)], budget=900.0)
    assert found.stop is not None
    assert (found.entries, found.reason) == (1, STOP_BUDGET)
    assert found.stop.trigger < 590_000


def test_where_no_price_exists_the_position_is_to_be_reduced() -> None:
    found = plan(2_000, [], equity=6_000.0)  # 20x: liquidation is 5 % away
    assert found.stop is None
    assert found.reduce_to is not None
    assert 0 < found.reduce_to < 2_000
    assert found.reason == STOP_BUDGET
    again = plan(found.reduce_to, [], equity=6_000.0)
    assert again.stop is not None


def test_flat_there_is_no_stop() -> None:
    assert plan(0, [(590_000, 50)]) == StopPlan(None, 1)


@given(
    position=st.integers(-3_000, 3_000).filter(bool),
    gaps=st.lists(st.tuples(st.integers(500, 30_000), st.integers(1, 300)), max_size=6),
    budget=st.floats(1.0, 5_000.0),
    equity=st.floats(100.0, 50_000.0),
)
def test_a_stop_is_outside_every_rung_and_well_inside_liquidation(
    position: int, gaps: list[tuple[int, int]], budget: float, equity: float
) -> None:
    side = 1 if position > 0 else -1
    entries, price = [], MARK
    for gap, steps in gaps:
        price -= side * gap
        entries.append((price, steps))
    found = plan(position, entries, budget, equity)
    if found.stop is None:
        assert found.reduce_to is not None
        assert 0 <= found.reduce_to * side < abs(position) or found.reduce_to == position
        return
    kept = entries[: found.entries]
    far = kept[-1][0] if kept else MARK
    assert (far - found.stop.trigger) * side > 0
    assert found.stop.steps == abs(position) + sum(steps for _, steps in kept)
    size = position + side * sum(steps for _, steps in kept)
    left = equity + BTC.unit_f * (
        position * (far - MARK) + side * sum(steps * (far - price) for price, steps in kept) * 1.0
    )
    liquidation = liquidation_price(size, far, BTC.unit_f, left, MARGINS)
    if liquidation is not None:
        assert (found.stop.trigger - liquidation) * side >= 0.05 * MARK - 1.0


@given(
    mark=st.integers(2, 150),
    position=st.integers(-3_000, 3_000).filter(bool),
    gaps=st.lists(st.tuples(st.integers(1, 9), st.integers(1, 300)), max_size=4),
    budget=st.floats(1.0, 5_000.0),
)
def test_where_a_tick_is_a_good_part_of_the_price_no_stop_fires_at_once(
    mark: int, position: int, gaps: list[tuple[int, int]], budget: float
) -> None:
    side = 1 if position > 0 else -1
    entries, price = [], mark
    for gap, steps in gaps:
        price -= side * gap
        if price > 0:
            entries.append((price, steps))
    coarse = replace(BTC, tick=Decimal(100))
    found = resting_stop(position, mark, entries, coarse, budget, 10_000.0, MARGINS, RISK)
    if found.stop is None:
        assert found.reduce_to is not None
        return
    far = entries[found.entries - 1][0] if found.entries else mark
    assert (far - found.stop.trigger) * side > 0


def test_the_budget_is_the_symbols_share_of_what_is_left_and_never_below_the_floor() -> None:
    assert stop_budget(10_000.0, 0.15, 2_000.0, 8_000.0, RISK) == pytest.approx(375.0)
    assert stop_budget(10_000.0, 0.01, 2_000.0, 2_000.0, RISK) == pytest.approx(500.0)
    assert stop_budget(10_000.0, 0.15, 0.0, 0.0, RISK) == 0.0
