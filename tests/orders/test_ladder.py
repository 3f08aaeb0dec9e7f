"""The adaptive ladder."""

from decimal import Decimal
from math import exp, floor, log

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.desired import desired
from gridbot_tui.orders.ladder import ladder
from gridbot_tui.orders.model import Slot, SlotState
from gridbot_tui.orders.rungs import Rungs, Touch, smallest_order
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Side
from tests.orders.samples import AT_60000, BTC, PARAMS, SPOT, prices, walk_plan


@st.composite
def plans(draw: st.DrawFn) -> GridPlan:
    """Plans of any shape: lots from dust to large, positions off the lot grid, any bounds."""
    lot = draw(st.floats(0.0005, 0.5))
    return walk_plan(
        lot=lot,
        position=draw(st.integers(-2_000, 2_000)) / 1_000,
        upper=lot * draw(st.floats(0.0, 8.0)),
        lower=-lot * draw(st.floats(0.0, 8.0)),
        levels=draw(st.integers(1, 8)),
        spacing=draw(st.floats(0.004, 0.1)),
        anchor=log(60_000.0) + draw(st.floats(-0.3, 0.3)),
        skew=draw(st.sampled_from([1.0, 1.0, 0.5, 1.25])),
    )


positions = st.integers(-3_000, 3_000)
touches = st.builds(lambda bid, spread: Touch(bid, bid + spread), st.integers(500_000, 700_000), st.integers(0, 50))
instruments = st.sampled_from([BTC, SPOT])


def side(slots: tuple[Slot, ...], which: Side, *states: SlotState) -> list[Slot]:
    return [slot for slot in slots if slot.side is which and (not states or slot.state in states)]


@given(plans(), positions, touches, instruments)
def test_entries_never_pass_the_bounds_of_the_plan(
    plan: GridPlan, position: int, touch: Touch, instrument: Instrument
) -> None:
    slots = ladder(plan, instrument, position, touch, depth=8)
    bought = position + sum(slot.steps for slot in side(slots, Side.BUY))
    sold = position - sum(slot.steps for slot in side(slots, Side.SELL))
    upper, lower = instrument.steps_down(plan.upper), instrument.steps_down(plan.lower)
    assert bought <= max(upper, 0, position)
    assert sold >= min(0, position, lower if instrument is BTC else 0)


@given(plans(), positions, touches, instruments, st.booleans())
def test_inventory_always_has_its_whole_exit_unless_it_is_dust(
    plan: GridPlan, position: int, touch: Touch, instrument: Instrument, entries: bool
) -> None:
    if instrument.steps_down(plan.lot) == 0:
        return
    slots = ladder(plan, instrument, position, touch, depth=8, buy_entries=entries, sell_entries=entries)
    closing = side(slots, Side.SELL if position > 0 else Side.BUY)
    exits = sum(slot.exit_steps for slot in closing)
    if closing or abs(position) >= smallest_order(instrument, touch.bid) * 2:
        assert exits == abs(position) or sum(slot.steps for slot in closing) >= abs(position)
    if not entries:
        assert all(not slot.entry and slot.exit_steps == slot.steps for slot in slots)
        assert sum(slot.steps for slot in slots) in (0, abs(position))


@given(plans(), positions, touches, instruments)
def test_every_slot_is_large_enough_and_rounded_to_the_safe_side_of_its_rung(
    plan: GridPlan, position: int, touch: Touch, instrument: Instrument
) -> None:
    for slot in ladder(plan, instrument, position, touch, depth=8):
        if slot.state is SlotState.CROSSED:
            continue  # it goes to the touch when its turn comes
        assert slot.steps >= smallest_order(instrument, slot.price)
        assert slot.price <= touch.bid if slot.side is Side.BUY else slot.price >= touch.ask
        if plan.skew == 1.0 and slot.price not in (touch.bid, touch.ask):
            assert plan.anchor is not None
            assert plan.spacing is not None
            exact = exp(plan.anchor - slot.rung * plan.spacing) / instrument.tick_f
            if exact > 2**53:
                continue  # no float tells such a price from the next
            if slot.exit_steps and slot.steps < smallest_order(instrument, max(1, floor(exact))):
                continue  # too small at its rung: an exit stands where the exchange takes it
            assert -1.0 < (slot.price - exact) * -slot.side <= 1e-3 or abs(slot.price - exact) < 1.001
            assert (slot.price - exact) * slot.side <= 1e-6 * exact


@given(plans(), positions, touches, instruments)
def test_prices_move_away_from_the_market_and_no_rung_appears_twice(
    plan: GridPlan, position: int, touch: Touch, instrument: Instrument
) -> None:
    slots = ladder(plan, instrument, position, touch, depth=8)
    for which in Side:
        resting = [slot.price for slot in side(slots, which, SlotState.RESTING, SlotState.WAITING)]
        assert resting == sorted(resting, reverse=which is Side.BUY)
        rungs = [slot.rung for slot in side(slots, which)]
        assert len(rungs) == len(set(rungs))
        assert len(side(slots, which, SlotState.RESTING)) <= 8


@given(plans(), positions, touches, instruments)
def test_the_same_inputs_give_the_same_ladder(
    plan: GridPlan, position: int, touch: Touch, instrument: Instrument
) -> None:
    once = desired(plan, instrument, position, touch, PARAMS)
    assert once == desired(msgspec.structs.replace(plan), instrument, position, touch, PARAMS)


@given(plans(), st.lists(st.tuples(st.integers(-60, 60), touches, st.booleans()), max_size=8), instruments)
def test_rungs_kept_from_earlier_calls_give_the_same_ladder_as_fresh_ones(
    plan: GridPlan, asked: list[tuple[int, Touch, bool]], instrument: Instrument
) -> None:
    kept = Rungs(plan, instrument)
    for position, touch, entries in asked * 2:
        again = ladder(plan, instrument, position, touch, depth=4, buy_entries=entries, rungs=kept)
        assert again == ladder(plan, instrument, position, touch, depth=4, buy_entries=entries)


@given(st.integers(-30, 140))
def test_rungs_are_absolute_at_skew_one(position: int) -> None:
    plan, high = walk_plan(levels=8, upper=0.2), Touch(10**6, 10**6 + 1)  # above all rungs: no bid is clamped
    flat = {slot.rung: slot.price for slot in side(ladder(plan, BTC, 0, high, depth=8), Side.BUY)}
    later = {slot.rung: slot.price for slot in side(ladder(plan, BTC, position, high, depth=8), Side.BUY)}
    both = flat.keys() & later.keys()
    assert len(both) >= 2
    assert all(flat[rung] == later[rung] for rung in both)


def test_of_several_rungs_that_would_take_one_rests_at_the_touch_and_the_others_are_crossed() -> None:
    slots = ladder(walk_plan(), BTC, 0, Touch(580_000, 580_001), depth=8)
    bids = [(slot.rung, slot.price, slot.state.value) for slot in side(slots, Side.BUY)]
    assert bids[:3] == [(1, 580_000, "resting"), (2, 587_355, "crossed"), (3, 570_908, "resting")]


def test_a_rung_inside_the_spread_rests_at_the_touch() -> None:
    slots = ladder(walk_plan(), BTC, 0, Touch(587_000, 605_000), depth=8)
    assert side(slots, Side.BUY)[0].price == 587_000


def test_farther_than_the_depth_a_rung_waits() -> None:
    slots = ladder(walk_plan(), BTC, 0, AT_60000, depth=2)
    assert [slot.state.value for slot in side(slots, Side.BUY)] == [
        "resting",
        "resting",
        "waiting",
        "waiting",
    ]


def test_a_pause_keeps_exits_and_withdraws_entries() -> None:
    slots = ladder(walk_plan(), BTC, 40, AT_60000, depth=8, buy_entries=False, sell_entries=False)
    assert [(slot.side, slot.rung, slot.steps) for slot in slots] == [(Side.SELL, 1, 14), (Side.SELL, 0, 26)]


def test_when_the_symbol_goes_flat_the_exits_of_the_old_side_are_gone_or_are_entries_within_the_bound() -> None:
    plan = walk_plan(position=0.052, lower=0.0)
    held = ladder(plan, BTC, 52, AT_60000, depth=8)
    assert sum(slot.steps for slot in side(held, Side.SELL)) == 52
    assert side(ladder(plan, BTC, 0, AT_60000, depth=8), Side.SELL) == []


def test_spot_never_sells_more_than_is_held() -> None:
    slots = ladder(walk_plan(lower=-1.0), SPOT, 40, AT_60000, depth=8)
    assert sum(slot.steps for slot in side(slots, Side.SELL)) == 40
    assert side(ladder(walk_plan(lower=-1.0), SPOT, 0, AT_60000, depth=8), Side.SELL) == []


def test_a_remainder_below_the_minimum_joins_the_next_rung() -> None:
    large = msgspec.structs.replace(BTC, min_notional=Decimal(300))
    slots = ladder(walk_plan(), large, 3, AT_60000, depth=8)  # 0.003 BTC = 180 USDT
    assert [(slot.rung, slot.steps) for slot in side(slots, Side.SELL)] == [(-1, 29)]
    assert side(slots, Side.SELL)[0].exit_steps == 3
    slots = ladder(walk_plan(), large, 23, AT_60000, depth=8)
    first = side(slots, Side.BUY)[0]
    assert (first.rung, first.steps) == (2, 29)


def test_a_lot_below_the_minimum_places_no_entries_and_names_the_equity_needed() -> None:
    want = desired(walk_plan(lot=0.0005), BTC, 0, AT_60000, PARAMS)
    assert want.resting == ()
    ((code, detail),) = want.notes
    assert code == "lot_below_minimum"
    assert detail == "a lot of the least size needs 20000.00 USDT"
    held = desired(walk_plan(lot=0.0005, position=0.05), BTC, 50, AT_60000, PARAMS)
    assert sum(slot.steps for slot in held.resting) == 50


def test_a_lot_that_is_large_enough_at_the_market_alone_names_what_its_rungs_need() -> None:
    large = msgspec.structs.replace(SPOT, min_notional=Decimal(1530))
    plan = walk_plan(lower=0.0, upper=0.04, anchor=log(60_000.0))
    want = desired(plan, large, 0, AT_60000, PARAMS)
    assert want.resting == ()
    ((code, detail),) = want.notes
    assert code == "lot_below_minimum"
    assert detail.startswith("a lot of the least size at its rungs needs 10")
    assert desired(plan, large, 0, AT_60000, PARAMS, buy_entries=False, sell_entries=False).notes == ()


def test_bounds_narrower_than_a_lot_are_named() -> None:
    want = desired(walk_plan(lower=-0.01, upper=0.02), BTC, 0, AT_60000, PARAMS)
    assert [code for code, _ in want.notes] == ["no_room"]


def test_dust_has_no_exit_and_says_so() -> None:
    want = desired(walk_plan(lower=0.0, upper=0.0), msgspec.structs.replace(SPOT, min_steps=5), 2, AT_60000, PARAMS)
    assert want.resting == ()
    assert [code for code, _ in want.notes] == ["dust"]


def test_a_lot_of_one_step_stands_where_the_exchange_takes_one() -> None:
    want = desired(walk_plan(lot=0.001, target=0.0), BTC, 0, AT_60000, PARAMS)
    assert {slot.steps for slot in want.resting} == {1}
    assert want.notes == ()
    two = msgspec.structs.replace(BTC, min_steps=2)
    assert [code for code, _ in desired(walk_plan(lot=0.001, target=0.0), two, 0, AT_60000, PARAMS).notes] == [
        "lot_below_minimum"
    ]


@pytest.mark.parametrize("position", [26, -26])
def test_what_has_its_exit_is_no_dust_long_or_short(position: int) -> None:
    want = desired(walk_plan(), BTC, position, AT_60000, PARAMS)
    assert sum(slot.exit_steps for slot in want.resting) == abs(position)
    assert want.notes == ()


def test_a_range_that_price_has_left_says_that_its_levels_wait() -> None:
    levels = tuple(57_000.0 + 1_000.0 * number for number in range(7))
    plan = walk_plan(kind="arithmetic", grid=levels, grid_side="long", lot=0.01, target=0.0, upper=0.06, lower=0.0)
    below = desired(plan, BTC, 0, Touch(560_000, 560_001), PARAMS)
    assert {slot.state for slot in below.resting} == {SlotState.CROSSED}
    waits = "the levels, 57000.0 to 63000.0: what rests waits for it to return"
    assert below.notes == (("out_of_range", f"price is below {waits}"),)
    bought = [(level, Side.BUY, 10) for level in range(6)]
    full = desired(plan, BTC, 60, Touch(560_000, 560_001), PARAMS, lots=bought)
    assert {(slot.side, slot.state) for slot in full.resting} == {(Side.SELL, SlotState.RESTING)}
    assert full.notes == below.notes, "all is bought, and its sales wait"
    sold = desired(plan, BTC, 0, Touch(640_000, 640_001), PARAMS)
    assert sold.notes == (("out_of_range", f"price is above {waits}"),)
    for price in (570_000, 600_000, 630_000):
        assert desired(plan, BTC, 0, Touch(price, price), PARAMS).notes == ()


def test_without_a_lot_there_are_no_rungs() -> None:
    assert ladder(walk_plan(lot=0.0, anchor=None, spacing=None), BTC, 10, AT_60000, depth=8) == ()


@pytest.mark.parametrize("position", [0, 26, -10])
def test_a_skew_beside_one_moves_the_other_rungs_with_every_lot(position: int) -> None:
    plan = walk_plan(skew=1.25, upper=0.2)
    slots = ladder(plan, BTC, position, Touch(10**7, 10**7), depth=8)
    lots = position // 26
    expected = [60_000 * exp(0.0284 * (1.25 - (lots + j) - 0.25 * lots)) for j in (1, 2, 3)]
    assert prices(slots, Side.BUY)[:3] == pytest.approx(expected, abs=0.1)
