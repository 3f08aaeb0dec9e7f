"""The paper grids: their fill model is the pessimistic one."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.strategy.shadow import SLIPPAGE, Ladder, Shadow, ShadowState, nearest, rungs, touches
from tests.strategy.support import walk

TICK = 0.01
STEP = 0.02


def ladder(
    *,
    lot: float = 1.0,
    target: float = 0.0,
    upper: float = 4.0,
    lower: float = -4.0,
    skew: float = 1.0,
    unwind: float | None = None,
) -> Ladder:
    return Ladder(math.log(100.0), STEP, skew, lot, target, upper, lower, 8, unwind)


def shadow(plan: Ladder | None = None, *, position: float = 0.0, fee: float = 0.0) -> Shadow:
    made = Shadow(TICK, fee, 5e-4)
    made.position = position
    made.plan(plan or ladder(), 100.0)
    return made


def at(rung: int) -> float:
    return 100.0 * math.exp(-rung * STEP)


def test_a_bar_that_only_touches_the_limit_fills_nothing() -> None:
    one = shadow()
    one.bar(100.0, at(1), 99.0)
    one.bar(100.0, at(1) - 0.9 * TICK, 99.0)
    assert one.position == 0.0


def test_a_bar_that_trades_through_by_a_tick_fills_at_the_limit_and_never_better() -> None:
    one = shadow()
    one.bar(100.0, at(1) - 1.5 * TICK, 99.0)
    assert one.position == 1.0
    assert one.cash == pytest.approx(-at(1))


def test_a_gap_fills_every_resting_rung_at_its_own_price_up_to_the_bound() -> None:
    one = shadow(ladder(upper=3.0))
    one.bar(99.9, 50.0, 51.0)
    assert one.position == 3.0
    assert one.cash == pytest.approx(-sum(at(j) for j in (1, 2, 3)))


def test_an_exit_born_in_a_bar_waits_for_the_next_one() -> None:
    one = shadow()
    one.bar(101.0, at(1) - 1.0, 99.5)
    assert one.position == 1.0
    one.bar(101.0, 99.0, 100.5)
    assert one.position == 0.0
    assert one.cash == pytest.approx(at(0) - at(1))


def test_what_rested_on_both_sides_at_the_open_may_fill_in_one_bar() -> None:
    one = shadow()
    one.bar(at(-1) + 1.0, at(1) - 1.0, 100.0)
    assert one.position == 0.0
    assert one.cash == pytest.approx(at(-1) - at(1))


def test_rungs_that_would_take_wait_behind_the_one_at_the_touch() -> None:
    below = Ladder(math.log(106.0), STEP, 1.0, 1.0, 0.0, 6.0, -6.0, 8, None)
    orders = rungs(1, below, 0.0, 99.98)
    # 106 is 2.9 spacings above: rungs 1 and 2 would take, so one order is at the touch, then rung 3 on.
    assert orders[0] == (99.98, 1.0)
    assert orders[1][0] == pytest.approx(106.0 * math.exp(-3 * STEP))
    assert len(orders) == 5


def test_a_fill_at_the_touch_lets_the_next_crossed_rung_come_to_it() -> None:
    below = Ladder(math.log(106.0), STEP, 1.0, 1.0, 0.0, 6.0, -6.0, 8, None)
    one = shadow(below)
    one.bar(100.0, 99.9, 99.95)
    assert one.position == 1.0
    one.bar(100.0, 99.85, 99.95)
    assert one.position == 2.0
    assert one.cash == pytest.approx(-100 * (1 - 2e-4) - 99.95 * (1 - 2e-4))


def test_what_is_held_has_an_exit_even_if_it_is_no_whole_lot() -> None:
    orders = rungs(-1, ladder(lower=0.0), 1.4, 100.02)
    assert [quantity for _, quantity in orders] == pytest.approx([1.0, 0.4])
    assert rungs(-1, ladder(lower=0.0), 0.0, 100.02) == []


def test_beyond_a_bound_there_is_no_more_of_that_side() -> None:
    assert rungs(1, ladder(upper=4.0), 4.5, 99.98) == []
    assert rungs(1, ladder(upper=4.0), 3.5, 99.98) == []
    assert len(rungs(-1, ladder(upper=4.0, target=4.5), 4.5, 100.02)) == 8


@given(
    st.sampled_from([1, -1]),
    st.floats(-6.0, 6.0),
    st.floats(80.0, 125.0),
    st.floats(0.0, 1.5),
    st.sampled_from([None, 0.0, 4.0]),
    st.sampled_from([0.0, 0.7, 1.0]),
)
def test_the_nearest_order_is_the_first_of_all_rungs(
    side: int, position: float, touch: float, skew: float, unwind: float | None, lot: float
) -> None:
    plan = ladder(lot=lot, skew=skew, target=0.3, unwind=unwind)
    orders = rungs(side, plan, position, touch)
    assert nearest(side, plan, position, touch) == (orders[0][0] if orders else None)


def test_an_unwind_stands_alone_at_the_touch_and_is_pegged_every_bar() -> None:
    one = shadow(ladder(lot=0.0, upper=0.0, lower=0.0, unwind=0.0), position=2.5)
    assert one.pegging
    one.bar(99.0, 98.0, 98.5)
    one.bar(98.52, 98.0, 98.4)
    assert one.position == 2.5
    one.bar(98.6, 98.0, 98.4)
    assert one.position == 0.0
    assert one.cash == pytest.approx(2.5 * 98.4 * (1 + 2e-4))
    assert not one.pegging


def test_funding_is_paid_by_longs_and_received_by_shorts() -> None:
    long, short = shadow(position=2.0), shadow(position=-2.0)
    long.funding(100.0, 1e-4)
    short.funding(100.0, 1e-4)
    assert long.cash == pytest.approx(-0.02)
    assert short.cash == pytest.approx(0.02)


def test_the_end_of_an_episode_closes_with_taker_fee_and_slippage() -> None:
    one = shadow(position=2.0)
    one.close(100.0)
    assert one.position == 0.0
    assert one.equity(55.0) == pytest.approx(200.0 * (1 - 5e-4 - SLIPPAGE))
    one.bar(500.0, 1.0, 100.0)
    assert one.position == 0.0


def test_a_day_without_a_valid_start_has_no_return() -> None:
    one = shadow()
    assert one.day(100.0, alive=True) is None
    one.position = 1.0
    one.cash = -100.0
    assert one.day(101.0, alive=False) == pytest.approx(1.0)
    assert one.day(102.0, alive=True) is None
    assert one.total == pytest.approx(1.0)


@pytest.mark.parametrize("unwind", [None, 1.0])
def test_at_a_price_of_one_tick_bids_stand_there_and_are_never_passed(unwind: float | None) -> None:
    assert touches(TICK, TICK) == (TICK, 2 * TICK)
    one = Shadow(TICK, 0.0, 5e-4)
    one.plan(ladder(unwind=unwind), TICK)
    one.bar(TICK, TICK, TICK)
    assert (one.position, one.cash) == (0.0, 0.0)
    one.bar(2 * TICK, TICK, 2 * TICK)
    again = Shadow(TICK, 0.0, 5e-4)
    again.restore(one.state())
    assert again.state() == one.state()


@given(st.integers(0, 30), st.floats(0.5, 1.25), st.integers(5, 195))
def test_inventory_stays_in_bounds_and_a_restored_shadow_goes_on_the_same(
    seed: int, skew: float, cut: int
) -> None:
    bars = list(walk(seed, 200, sigma=0.02))
    one = shadow(ladder(upper=3.3, lower=-2.2, skew=skew), fee=2e-4)
    two = one
    for i, (_, high, low, close) in enumerate(bars):
        if i == cut:
            blob = msgspec.json.encode(one.state())
            two = Shadow(TICK, 2e-4, 5e-4)
            two.restore(msgspec.json.decode(blob, type=ShadowState))
        one.bar(high, low, close)
        if two is not one:
            two.bar(high, low, close)
        assert -2.2 - 1e-9 <= one.position <= 3.3 + 1e-9
    assert two.state() == one.state()


@given(st.integers(0, 20))
def test_a_bar_between_the_triggers_changes_nothing(seed: int) -> None:
    one = shadow(fee=2e-4)
    for _, high, low, close in walk(seed, 150, sigma=0.01):
        quiet = not (low < one.buy_below or high > one.sell_above or one.pegging)
        before = one.state()
        one.bar(high, low, close)
        assert not quiet or one.state() == before
