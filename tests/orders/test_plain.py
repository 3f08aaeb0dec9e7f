"""Plain grids, whose levels own their lots."""

from math import log
from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.orders.model import SlotState, TargetStyle
from gridbot_tui.orders.plain import plain_ladder, plan_exit
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Side
from tests.orders.samples import AT_60000, BTC, walk_plan

LEVELS = tuple(57_000.0 + 1_000.0 * number for number in range(7))  # 57,000 .. 63,000


def plain(side: str = "long", **changes: Any) -> GridPlan:
    given = {
        "target": 0.0,
        "kind": "arithmetic",
        "grid": LEVELS,
        "grid_side": side,
        "lot": 0.01,
        "upper": 0.06,
        "lower": -0.06,
    }
    return walk_plan(**(given | changes))


def shape(
    plan: GridPlan, lots: list[tuple[int, Side, int]], touch: Touch = AT_60000
) -> list[tuple[str, int, float, int, str]]:
    position = sum(side * steps for _, side, steps in lots)
    slots = plain_ladder(plan, BTC, position, touch, lots, depth=8)
    return [(s.side.name, s.rung, s.price / 10, s.steps, s.state.value) for s in slots]


def test_levels_the_price_has_passed_are_crossed() -> None:
    slots = shape(plain(), [], Touch(600_000, 600_005))
    assert [state for _, rung, _, _, state in slots if rung >= 4] == ["crossed", "crossed"]
    assert {state for _, rung, _, _, state in slots if rung < 4} == {"resting"}


def test_a_plan_that_asks_for_inventory_takes_it_at_the_touch_one_level_at_a_time() -> None:
    assert shape(plain(target=0.02), [], Touch(600_000, 600_005)) == [
        ("BUY", 5, 62_000.0, 10, "crossed"),
        ("BUY", 4, 60_000.0, 10, "resting"),  # level 61,000, nearest to the market, at the touch
        ("BUY", 3, 60_000.0, 10, "resting"),
        ("BUY", 2, 59_000.0, 10, "resting"),
        ("BUY", 1, 58_000.0, 10, "resting"),
        ("BUY", 0, 57_000.0, 10, "resting"),
    ]


def test_a_level_the_price_has_passed_is_left_out_where_its_lot_is_too_small_at_the_touch() -> None:
    low = Touch(40_000, 40_000)  # 4,000: a lot of 0.01 is worth 40, the exchange takes 50
    assert shape(plain(target=0.02), [], low) == []
    assert [state for *_, state in shape(plain(target=0.02, lot=0.02), [], low)].count("resting") == 1


def test_a_buy_filled_at_a_level_rests_as_a_sell_one_level_up_until_sold() -> None:
    slots = shape(plain(upper=0.04), [(2, Side.BUY, 10)])
    assert ("SELL", 2, 60_000.0, 10, "resting") in slots
    assert not any(side == "BUY" and rung == 2 for side, rung, *_ in slots)
    partly = shape(plain(), [(2, Side.BUY, 4)])
    assert ("SELL", 2, 60_000.0, 4, "resting") in partly
    assert ("BUY", 2, 59_000.0, 6, "resting") in partly


def test_a_short_grid_is_the_mirror() -> None:
    slots = shape(plain("short"), [(4, Side.SELL, 10)])
    assert ("BUY", 4, 60_000.0, 10, "resting") in slots
    assert ("SELL", 5, 62_000.0, 10, "resting") in slots


def test_a_neutral_grid_buys_below_where_it_was_armed_and_sells_above() -> None:
    slots = shape(plain("neutral", price=1.0, centre=log(60_500.0)), [])
    assert {rung for side, rung, *_ in slots if side == "BUY"} == {0, 1, 2, 3}
    assert {rung for side, rung, *_ in slots if side == "SELL"} == {4, 5, 6}


def test_a_lot_of_an_earlier_grid_leaves_at_the_next_level_beyond_the_touch() -> None:
    slots = shape(plain(), [(40, Side.BUY, 10)])
    assert ("SELL", 40, 61_000.0, 10, "resting") in slots


def test_stop_and_take_profit_prices_leave_the_whole_position() -> None:
    plan = plain(stop_price=56_000.0, take_profit_price=64_000.0)
    assert plan_exit(plan, 60_000.0, 10) is None
    assert plan_exit(plan, 50_000.0, 0) is None
    low, high = plan_exit(plan, 56_000.0, 10), plan_exit(plan, 64_500.0, 10)
    assert low is not None
    assert high is not None
    assert (low.position, low.style, low.reason) == (0, TargetStyle.TAKER, "stop_price")
    assert high.reason == "take_profit_price"
    neutral = plain("neutral", stop_price=56_000.0, stop_above=64_000.0)
    assert plan_exit(neutral, 60_000.0, 10) is None
    assert plan_exit(neutral, 64_000.0, 10) is not None
    assert plan_exit(neutral, 55_000.0, -10) is not None
    short = plain("short", stop_price=64_000.0)
    stopped = plan_exit(short, 64_000.0, -10)
    assert stopped is not None


def test_a_level_keeps_its_number_and_its_lot_when_the_range_trails() -> None:
    moved = tuple(price + 2_000.0 for price in LEVELS)
    plan = plain(grid=moved, grid_origin=(57_000.0, 63_000.0))
    slots = shape(plan, [(2, Side.BUY, 10)], Touch(610_000, 610_001))
    assert ("SELL", 2, 61_000.1, 10, "resting") in slots  # its level's exit, 60,000, is passed: at the touch
    assert {rung for side, rung, *_ in slots if side == "BUY"} == {3, 4, 5, 6, 7}


@given(
    held=st.dictionaries(st.integers(0, 5), st.integers(1, 10), max_size=6),
    bid=st.integers(560_000, 640_000),
    upper=st.floats(0.0, 0.06),
    entries=st.booleans(),
    least=st.sampled_from((1, 3)),
)
def test_levels_neither_lose_a_lot_nor_pass_the_bound(
    held: dict[int, int], bid: int, upper: float, entries: bool, least: int
) -> None:
    instrument = msgspec.structs.replace(BTC, min_steps=least)
    lots = [(level, Side.BUY, steps) for level, steps in held.items()]
    position = sum(held.values())
    plan = plain(upper=upper)
    slots = plain_ladder(
        plan, instrument, position, Touch(bid, bid + 1), lots, depth=8, buy_entries=entries, sell_entries=entries
    )
    sold = [slot.steps for slot in slots if slot.side is Side.SELL]
    assert sum(sold) == (position if position >= least else 0), "what is too small for an order joins another"
    assert all(steps >= least for steps in sold)
    assert all(slot.exit_steps == slot.steps for slot in slots if slot.side is Side.SELL), "nor is withheld as an entry"
    bought = sum(slot.steps for slot in slots if slot.side is Side.BUY)
    assert bought == 0 or position + bought <= BTC.steps_down(upper)
    assert entries or bought == 0
    resting = [slot for slot in slots if slot.state is SlotState.RESTING]
    for slot in resting:
        assert slot.price <= bid if slot.side is Side.BUY else slot.price > bid
    keys = [(slot.rung, slot.side) for slot in slots]
    assert len(keys) == len(set(keys))
