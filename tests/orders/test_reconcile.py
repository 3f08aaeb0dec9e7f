"""What stands against what ought to stand."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.churn import LET_GO, STALE_TOUCH
from gridbot_tui.orders.desired import desired, strongest
from gridbot_tui.orders.model import (
    Desired,
    OrderKind,
    OrderState,
    Purpose,
    Slot,
    SlotState,
    StopOrder,
    Target,
    TargetStyle,
)
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.orders.reconcile import CANCEL_FIRST, CHURN
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import Side
from tests.orders.samples import AT_60000, BTC, PARAMS, SPOT, Desk, walk_plan


def slot(rung: int, price: int, steps: int = 26, side: Side = Side.BUY, **changes: Any) -> Slot:
    made = Slot("BTCUSDT", 1, rung, side, price, steps, entry=True, state=SlotState.RESTING)
    return msgspec.structs.replace(made, **changes)


def want(*slots: Slot, **changes: Any) -> Desired:
    return msgspec.structs.replace(Desired("BTCUSDT", 1, slots, spacing=0.0284), **changes)


@st.composite
def wishes(draw: st.DrawFn) -> Desired:
    plan = walk_plan(
        epoch=draw(st.integers(1, 3)),
        position=draw(st.integers(-60, 60)) / 1_000,
        lot=draw(st.floats(0.01, 0.05)),
        upper=draw(st.floats(0.0, 0.2)),
        lower=-draw(st.floats(0.0, 0.2)),
        spacing=draw(st.floats(0.01, 0.05)),
        anchor=walk_plan().anchor + draw(st.floats(-0.1, 0.1)),  # type: ignore[operator]
    )
    touch = Touch(*(draw(st.integers(550_000, 650_000)),) * 2)
    return desired(plan, BTC, draw(st.integers(-60, 60)), touch, PARAMS)


@settings(max_examples=80)
@given(st.lists(wishes(), min_size=1, max_size=4))
def test_each_wish_is_reached_in_one_round_of_cancels_and_one_of_creates_and_then_nothing_moves(
    wanted: list[Desired],
) -> None:
    desk = Desk()
    for wish in wanted:
        desk.now += PARAMS.churn_window_ms  # so much change in so little time would be churn
        assert desk.converge(wish) <= 2
        resting = [one for one in wish.resting if one.state is SlotState.RESTING]
        live = list(desk.book.live("BTCUSDT"))
        assert len(live) == len(resting)
        served = {(one.epoch, one.rung, one.order.side) for one in live}
        assert served == {(one.epoch, one.rung, one.side) for one in resting}
        for order in live:
            near = [
                one
                for one in resting
                if one.side is order.order.side
                and order.order.price is not None
                and abs(one.price - order.order.price) <= 0.15 * wish.spacing * one.price + 1
                and abs(one.steps - order.remaining) <= 0.2 * one.steps
            ]
            assert near
        closing = [one for one in resting if not one.entry]
        for side in Side:
            if all(not one.entry for one in wish.resting if one.side is side):
                held = sum(one.steps for one in wish.resting if one.side is side)
                assert sum(one.remaining for one in live if one.order.side is side) <= held
        assert len(closing) <= len(resting)


words = st.sampled_from(["accepted", "unresolved", "canceled", "refused", "absent", "cancel_refused", ""])


@settings(max_examples=80)
@given(st.lists(st.tuples(wishes(), st.lists(words, min_size=12, max_size=12)), min_size=1, max_size=6))
def test_no_slot_ever_has_two_orders_whatever_the_exchange_answers(
    story: list[tuple[Desired, list[str]]],
) -> None:
    desk = Desk()
    for wish, answers in story:
        convergence = desk.compare(wish)
        desk.send(convergence)
        places = [
            (one.epoch, one.rung, one.order.side)
            for one in desk.book.live("BTCUSDT")
            if one.state is not OrderState.CANCELLING and one.epoch == wish.epoch
        ]
        born = {(order.epoch, order.rung, order.side) for order in convergence.creates}
        for place in born:
            assert places.count(place) == 1
        ids = [one.order.client_id for one in desk.book.live("BTCUSDT")]
        assert len(ids) == len(set(ids))
        for one, word in zip(list(desk.book.live("BTCUSDT")), answers, strict=False):
            possible = {
                OrderState.SENDING: ("accepted", "unresolved", "refused", "absent"),
                OrderState.CANCELLING: ("canceled", "cancel_refused", "accepted", "unresolved"),
                OrderState.UNRESOLVED: ("accepted", "absent", "canceled"),
                OrderState.RESTING: ("canceled",),
            }.get(one.state, ())
            if word in possible:
                desk.report(one.order.client_id, word)


def test_an_order_within_the_hysteresis_stays_and_serves_the_slot_nearest_in_price() -> None:
    desk = Desk()
    desk.converge(want(slot(1, 600_000), slot(2, 583_000)))
    before = desk.standing()
    moved = want(slot(1, 601_500, 28, epoch=2), slot(2, 584_000, 28, epoch=2), epoch=2)
    assert desk.converge(moved) == 0
    assert desk.standing() == before
    assert {(one.epoch, one.rung) for one in desk.book.live("BTCUSDT")} == {(2, 1), (2, 2)}


def test_beyond_the_hysteresis_an_order_is_cancelled_first_and_its_successor_waits() -> None:
    desk = Desk()
    desk.converge(want(slot(1, 600_000), slot(2, 583_000)))
    moved = want(slot(1, 596_000), slot(2, 583_000), slot(-1, 640_000, side=Side.SELL))
    convergence = desk.compare(moved)
    assert len(convergence.cancels) == 1
    assert [(order.side, order.price) for order in convergence.creates] == [(Side.SELL, 640_000)]
    assert [(held.rung, reason) for held, reason in convergence.held] == [(1, CANCEL_FIRST)]
    desk.send(convergence)
    assert desk.compare(moved).cancels == ()  # the cancel is on its way: wait
    assert [order.side for order in desk.compare(moved).creates] == []
    desk.answer(convergence)
    assert [order.price for order in desk.compare(moved).creates] == [596_000]


def test_an_order_of_unknown_fate_keeps_its_slot_and_is_neither_sent_again_nor_cancelled() -> None:
    desk = Desk()
    convergence = desk.compare(want(slot(1, 600_000)))
    desk.send(convergence)
    desk.report(convergence.creates[0].client_id, "unresolved")
    assert desk.compare(want(slot(1, 600_000))).done
    assert desk.compare(want(slot(1, 604_000, epoch=2), epoch=2)).done
    desk.report(convergence.creates[0].client_id, "absent")
    (again,) = desk.compare(want(slot(1, 600_000))).creates
    assert again.client_id != convergence.creates[0].client_id


def test_a_filled_order_whose_trades_are_not_here_yet_holds_its_side_back() -> None:
    desk = Desk()
    desk.converge(want(slot(1, 600_000), slot(2, 583_000)))
    first = next(one for one in desk.book.live("BTCUSDT") if one.order.price == 600_000)
    desk.report(first.order.client_id, "filled", 26)
    assert desk.compare(want(slot(1, 600_000), slot(2, 583_000))).creates == ()
    desk.fill(first.order.client_id, 26)
    assert len(desk.compare(want(slot(2, 583_000), slot(3, 570_000))).creates) == 1


def test_an_order_deleted_by_hand_is_put_back() -> None:
    desk = Desk()
    desk.converge(want(slot(1, 600_000)))
    (one,) = desk.book.live("BTCUSDT")
    desk.report(one.order.client_id, "canceled")
    (again,) = desk.compare(want(slot(1, 600_000))).creates
    assert (again.price, again.steps) == (600_000, 26)


def test_when_a_symbol_goes_flat_the_exits_of_its_old_side_are_cancelled_in_the_same_round() -> None:
    desk = Desk()
    plan = walk_plan(position=0.052, lower=0.0)
    desk.position = 52
    desk.converge(desired(plan, BTC, 52, AT_60000, PARAMS))
    exits = {one.order.client_id for one in desk.book.live("BTCUSDT") if one.order.side is Side.SELL}
    assert exits
    assert exits <= set(desk.compare(desired(plan, BTC, 0, AT_60000, PARAMS)).cancels)


def test_hysteresis_never_leaves_more_exits_than_inventory() -> None:
    desk = Desk()
    desk.position = 20
    close: dict[str, Any] = {"side": Side.SELL, "entry": False}
    desk.converge(want(slot(0, 620_000, 12, **close), slot(-1, 640_000, 8, **close)))
    less = want(slot(0, 620_000, 10, exit_steps=10, **close), slot(-1, 640_000, 8, exit_steps=8, **close))
    desk.position = 18
    assert desk.converge(less) == 2
    assert sum(one.remaining for one in desk.book.live("BTCUSDT")) <= 18


# Targets


def flatten(position: int = 0, style: TargetStyle = TargetStyle.TAKER, reason: str = "flatten") -> Desired:
    return want(target=Target(position, style, reason))


def test_a_taker_target_goes_out_at_once_beside_the_cancels_of_the_ladder() -> None:
    desk = Desk()
    desk.position = 40
    desk.converge(want(slot(1, 600_000), slot(-1, 640_000, side=Side.SELL)))
    convergence = desk.compare(flatten())
    assert len(convergence.cancels) == 2
    (order,) = convergence.creates
    assert (order.kind, order.side, order.steps) == (OrderKind.MARKET, Side.SELL, 40)
    assert order.reduce_only
    desk.send(convergence)
    assert desk.compare(flatten()).done  # one order at a time


def test_a_large_target_is_worked_in_pieces_of_the_largest_market_order() -> None:
    desk = Desk(msgspec.structs.replace(BTC, market_max_steps=30))
    desk.position = -70
    sizes = []
    for _ in range(5):
        convergence = desk.compare(flatten())
        desk.send(convergence)
        for order in convergence.creates:
            sizes.append(order.steps)
            desk.report(order.client_id, "filled", order.steps)
            desk.fill(order.client_id, order.steps)
    assert sizes == [30, 30, 10]
    assert desk.position == 0


def test_on_spot_a_target_waits_for_the_sells_that_hold_the_coins() -> None:
    desk = Desk(SPOT)
    desk.position = 40
    desk.converge(want(slot(-1, 640_000, 40, side=Side.SELL, entry=False)))
    convergence = desk.compare(flatten())
    assert (len(convergence.cancels), convergence.creates) == (1, ())
    desk.send(convergence)
    desk.answer(convergence)
    (order,) = desk.compare(flatten()).creates
    assert (order.steps, order.reduce_only) == (40, False)


def test_a_passive_target_rests_at_the_touch_and_follows_it_once_a_bar() -> None:
    desk = Desk()
    desk.position = 40
    unwind = flatten(10, TargetStyle.PASSIVE, "unwind")
    desk.converge(unwind)
    ((side, price, steps),) = desk.standing()
    assert (side, price, steps) == (Side.SELL, 600_000, 30)
    lower = Touch(590_000, 590_005)
    assert desk.compare(unwind, lower, repeg=False).done
    assert len(desk.compare(unwind, lower).cancels) == 1
    assert desk.converge(unwind, lower) == 2
    assert desk.standing() == [(Side.SELL, 590_005, 30)]


def test_a_resting_reduce_only_order_is_cancelled_before_a_taker_target() -> None:
    desk = Desk()
    desk.position = 40
    desk.converge(flatten(10, TargetStyle.PASSIVE, "unwind"))
    convergence = desk.compare(flatten(0))
    assert (len(convergence.cancels), convergence.creates) == (1, ())
    assert desk.converge(flatten(0)) >= 2


@pytest.mark.parametrize(("side", "price"), [(Side.SELL, 573_000), (Side.BUY, 627_000)])
def test_a_target_that_no_market_order_reaches_rests_near_the_worst_price_of_one(side: Side, price: int) -> None:
    """In a book so thin that the best price lies too far from the mark, the exchange refuses market orders."""
    desk = Desk()
    desk.position, desk.mark = -40 * side, 600_000
    first = desk.compare(flatten())
    (order,) = first.creates
    assert order.kind is OrderKind.MARKET
    desk.send(first)
    desk.report(order.client_id, "refused")
    desk.reconciler.circuits.refused(order, -4131, desk.now)
    rests = desk.compare(flatten())
    (order,) = rests.creates
    assert (order.kind, order.side, order.price, order.steps) == (OrderKind.LIMIT, side, price, 40)
    assert (order.reduce_only, order.post_only) == (True, False)
    desk.send(rests)
    desk.answer(rests)
    desk.reconciler.circuits.accepted(order)
    assert desk.compare(flatten(), repeg=False).done
    assert desk.compare(flatten()).cancels == (order.client_id,), "once a bar the market is tried again"
    desk.converge(flatten())
    assert [one.order.kind for one in desk.book.live("BTCUSDT")] == [OrderKind.MARKET]


def test_where_that_is_refused_as_well_the_next_waits_as_after_any_refusals() -> None:
    desk = Desk()
    desk.position, desk.mark = 40, 600_000
    for code in (-4131, -4024, -4131):
        (order,) = desk.compare(flatten()).creates
        desk.reconciler.circuits.refused(order, code, desk.now)
    assert desk.compare(flatten()).done
    desk.now += PARAMS.refusal_probe_protective_ms
    (order,) = desk.compare(flatten()).creates
    assert order.kind is OrderKind.LIMIT


def test_on_bars_alone_there_is_no_book_to_be_thin() -> None:
    desk = Desk()
    desk.position = 40
    (order,) = desk.compare(flatten()).creates
    desk.reconciler.circuits.refused(order, -4131, desk.now)
    (order,) = desk.compare(flatten()).creates
    assert order.kind is OrderKind.MARKET


def test_a_target_never_grows_or_turns_a_position() -> None:
    desk = Desk()
    for position, target in ((40, 50), (0, 10), (-40, -50)):
        desk.position = position
        assert desk.compare(flatten(target)).done
    desk.position = 40
    (order,) = desk.compare(flatten(-10)).creates
    assert order.steps == 40


def test_nothing_rests_while_a_position_is_flattened() -> None:
    wish = desired(walk_plan(), BTC, 26, AT_60000, PARAMS, targets=[Target(0, TargetStyle.TAKER, "flatten")])
    assert wish.resting == ()
    wish = desired(walk_plan(unwind=0.01), BTC, 26, AT_60000, PARAMS)
    assert {one.side for one in wish.resting} == {Side.BUY}
    assert wish.target == Target(10, TargetStyle.PASSIVE, "unwind")


def test_the_strongest_target_rules() -> None:
    reasons = ["unwind", "cap", "tier3", "flatten", "shutdown", "kill"]
    for weaker, stronger in pairwise(reasons):
        pair = [Target(5, TargetStyle.TAKER, weaker), Target(9, TargetStyle.TAKER, stronger)]
        rule = desired(walk_plan(), BTC, 26, AT_60000, PARAMS, targets=pair).target
        assert rule is not None
        assert rule.reason == stronger


def test_of_demands_that_only_trim_the_one_that_asks_most_rules_and_a_met_one_asks_nothing() -> None:
    cap, stop = Target(5, TargetStyle.TAKER, "cap"), Target(20, TargetStyle.TAKER, "stop_budget")
    met = Target(2457, TargetStyle.TAKER, "stop_budget")
    unwind = Target(0, TargetStyle.PASSIVE, "unwind")
    assert strongest([stop, cap], 26) == strongest([cap, stop], 26) == cap
    assert strongest([met, unwind], 26) == unwind
    assert strongest([met], 26) is None


# The resting stop


def stop_at(trigger: int, steps: int = 40) -> Desired:
    return want(stop=StopOrder(Side.SELL, trigger, steps))


def test_a_new_stop_is_placed_before_the_old_one_is_cancelled() -> None:
    desk = Desk()
    desk.converge(stop_at(500_000))
    convergence = desk.compare(stop_at(520_000))
    assert (len(convergence.creates), convergence.cancels) == (1, ())
    desk.send(convergence)
    assert desk.compare(stop_at(520_000)).done  # not confirmed: both stay
    desk.answer(convergence)
    convergence = desk.compare(stop_at(520_000))
    assert (convergence.creates, len(convergence.cancels)) == ((), 1)
    desk.send(convergence)
    desk.answer(convergence)
    (one,) = desk.book.live("BTCUSDT")
    assert one.order.trigger == 520_000
    assert one.order.reduce_only


def test_a_stop_within_half_a_percent_stays_unless_its_quantity_differs() -> None:
    desk = Desk()
    desk.converge(stop_at(500_000))
    assert desk.compare(stop_at(502_400)).done
    assert len(desk.compare(stop_at(500_000, 41)).creates) == 1


def test_a_close_position_stop_makes_room_first_because_the_venue_allows_one() -> None:
    desk = Desk()
    desk.converge(stop_at(500_000, 0))
    convergence = desk.compare(stop_at(520_000, 0))
    assert (convergence.creates, len(convergence.cancels)) == ((), 1)
    assert desk.converge(stop_at(520_000, 0)) >= 1
    (one,) = desk.book.live("BTCUSDT")
    assert (one.order.trigger, one.order.close_position) == (520_000, True)


def test_of_two_slots_within_the_hysteresis_the_nearer_one_keeps_the_order() -> None:
    desk = Desk()
    desk.converge(want(slot(1, 600_000)))
    desk.converge(want(slot(1, 601_500, epoch=2), slot(2, 600_300, epoch=2), epoch=2))
    assert [price for _, price, _ in desk.standing()] == [600_000, 601_500], "600,300 is served by what stands"


def test_without_a_position_the_stop_goes() -> None:
    desk = Desk()
    desk.converge(stop_at(500_000))
    assert len(desk.compare(want()).cancels) == 1


# Churn and refusals


def test_only_a_far_entry_that_is_created_again_and_again_is_deferred() -> None:
    desk = Desk(params=OrderParams(churn_creates=4))
    far, near = slot(5, 500_000), slot(1, 599_000)
    for round_ in range(8):
        convergence = desk.compare(want(far, near))
        desk.send(convergence)
        desk.answer(convergence)
        held = [(one.rung, reason) for one, reason in convergence.held]
        assert held == ([] if round_ < 3 else [(5, CHURN)])
        for one in list(desk.book.live("BTCUSDT")):
            desk.report(one.order.client_id, "canceled")
    exit_slot = slot(5, 700_000, side=Side.SELL, entry=False)
    desk.position = 26
    assert len(desk.compare(want(exit_slot)).creates) == 1
    desk.now += 600_001
    assert len(desk.compare(want(far, near)).creates) == 2


def refuse(desk: Desk, wish: Desired, code: int, detail: str = "", *, passing: bool = False) -> int:
    convergence = desk.compare(wish)
    desk.send(convergence)
    for order in convergence.creates:
        desk.report(order.client_id, "refused")
        desk.reconciler.circuits.refused(order, code, desk.now, detail, passing=passing)
    return len(convergence.creates)


def test_an_exchange_that_is_away_or_too_busy_is_probed_soon_and_then_ever_more_seldom() -> None:
    desk = Desk()
    wish = want(slot(1, 599_000), slot(2, 583_000))
    assert [refuse(desk, want(slot(1, 599_000)), -1008, passing=True) for _ in range(3)] == [1, 1, 1]
    for wait in (5_000, 10_000, 20_000, 40_000, 60_000, 60_000):
        assert refuse(desk, wish, -1008, passing=True) == 0
        desk.now += wait
        assert refuse(desk, wish, -1008, passing=True) == 1
    desk.now += 60_000
    (probe,) = desk.compare(wish).creates
    desk.reconciler.circuits.accepted(probe)
    assert len(desk.compare(wish).creates) == 2


def test_three_identical_refusals_open_a_circuit_that_lets_one_probe_pass_a_minute() -> None:
    desk = Desk()
    wish = want(slot(1, 599_000), slot(2, 583_000))
    assert [refuse(desk, want(slot(1, 599_000)), -2019) for _ in range(3)] == [1, 1, 1]
    assert refuse(desk, wish, -2019) == 0
    assert [reason for _, reason in desk.compare(wish).held] == ["refused:-2019"] * 2
    assert len(desk.compare(want(slot(-1, 640_000, side=Side.SELL))).creates) == 1
    desk.now += 60_000
    assert refuse(desk, wish, -2019) == 1  # the probe
    assert refuse(desk, wish, -2019) == 0
    desk.now += 60_000
    convergence = desk.compare(wish)
    desk.send(convergence)
    desk.reconciler.circuits.accepted(convergence.creates[0])
    assert len(desk.compare(wish).creates) == 1


def test_other_limits_of_refusals_hold_for_what_is_held_back_already() -> None:
    desk = Desk()
    wish = want(slot(1, 599_000))
    assert [refuse(desk, wish, -2019) for _ in range(4)] == [1, 1, 1, 0]
    desk.reconciler.obey(OrderParams(refusals=4))
    assert [refuse(desk, wish, -2019) for _ in range(2)] == [1, 0]


def test_other_limits_of_churn_hold_for_what_was_created_already() -> None:
    desk = Desk()
    wish = want(slot(5, 500_000))
    for _ in range(4):
        convergence = desk.compare(wish)
        desk.send(convergence)
        desk.answer(convergence)
        (one,) = desk.book.live("BTCUSDT")
        desk.report(one.order.client_id, "canceled")
    desk.reconciler.obey(OrderParams(churn_creates=3))
    assert [reason for _, reason in desk.compare(wish).held] == [CHURN]


@pytest.mark.parametrize(("code", "detail"), [(-5022, ""), (-2010, "Order would immediately match and take.")])
def test_post_only_refusals_are_normal_and_never_open_a_circuit(code: int, detail: str) -> None:
    desk = Desk()
    sent = []
    for _ in range(10):
        sent.append(refuse(desk, want(slot(1, 599_000)), code, detail))
        desk.now += STALE_TOUCH
    assert sent == [1] * 10


def test_a_price_refused_twice_as_taking_waits_for_a_newer_touch_and_others_do_not() -> None:
    desk = Desk()
    refusals = [refuse(desk, want(slot(1, 599_000)), -5022, "") for _ in range(5)]
    assert refusals == [1, 1, 0, 0, 0], "priced anew at once, but not again and again at the same price"
    assert len(desk.compare(want(slot(1, 598_999))).creates) == 1, "farther from the market it may rest"
    assert desk.reconciler.circuits.due(desk.now) == set()
    desk.now += STALE_TOUCH
    assert desk.reconciler.circuits.due(desk.now) == {BTC.symbol}, "looked at again when its wait is over"
    assert refuse(desk, want(slot(1, 599_000)), -5022, "") == 1


def test_two_rungs_that_are_refused_as_taking_by_turns_wait_as_well() -> None:
    desk = Desk()
    first, second = want(slot(1, 599_000)), want(slot(2, 598_000))
    sent = [refuse(desk, wish, -5022, "") for _ in range(50) for wish in (first, second)]
    assert sum(sent) <= 4, "else as fast as the exchange answers, until its order limit is used up"
    desk.now += STALE_TOUCH
    assert desk.reconciler.circuits.due(desk.now) == {BTC.symbol}
    assert not desk.reconciler.circuits.waiting
    assert refuse(desk, first, -5022, "") == 1


def test_orders_that_are_taken_and_let_go_of_at_once_are_held_back_for_a_minute_after_the_third() -> None:
    desk = Desk()
    wish, circuits = want(slot(1, 599_000)), desk.reconciler.circuits
    sent = []
    for _ in range(10):
        convergence = desk.compare(wish)
        desk.send(convergence)
        for order in convergence.creates:
            circuits.accepted(order)
            desk.report(order.client_id, "expired")
            circuits.let_go(order, desk.now)
        sent.append(len(convergence.creates))
    assert sum(sent) == 3
    assert [reason for _, reason in desk.compare(wish).held] == [f"refused:{LET_GO}"]
    assert len(desk.compare(want(slot(-1, 640_000, side=Side.SELL))).creates) == 1, "the other side goes on"
    assert circuits.waiting
    assert circuits.due(desk.now) == set()
    desk.now += 60_000
    assert circuits.due(desk.now) == {BTC.symbol}
    assert not circuits.waiting
    assert len(desk.compare(wish).creates) == 1


def test_the_exchanges_order_limit_keeps_room_for_target_and_stop() -> None:
    desk = Desk(msgspec.structs.replace(BTC, max_orders=6))
    wish = want(*(slot(rung, 600_000 - 10_000 * rung) for rung in range(1, 6)), stop=StopOrder(Side.SELL, 1, 5))
    assert sorted(order.kind for order in desk.compare(wish).creates) == ["limit", "limit", "stop_market"]


def test_no_order_is_worth_more_than_the_exchange_takes_and_one_that_is_is_kept() -> None:
    most = BTC.notional(600_000, 20)
    desk = Desk(msgspec.structs.replace(BTC, max_notional=most))
    wish = want(slot(1, 600_000, steps=26), slot(2, 590_000, steps=20))
    sent = desk.compare(wish).creates
    assert [(order.price, order.steps) for order in sent] == [(600_000, 20), (590_000, 20)]
    desk.converge(wish)
    assert desk.compare(wish).done


@pytest.mark.parametrize("instrument", [BTC, SPOT])
def test_comparing_changes_nothing(instrument: Instrument) -> None:
    desk = Desk(instrument)
    wish = desired(walk_plan(), instrument, 0, AT_60000, PARAMS)
    first, second = desk.compare(wish), desk.compare(wish)
    strip = [msgspec.structs.replace(order, created_at=0) for order in first.creates]
    assert strip == [msgspec.structs.replace(order, created_at=0) for order in second.creates]


def test_a_stop_that_is_taken_ends_what_was_refused_of_the_stop_of_a_position_that_has_turned_over() -> None:
    desk = Desk()
    circuits = desk.reconciler.circuits
    (entry,) = desk.compare(want(slot(1, 599_000))).creates
    buys, sells = (msgspec.structs.replace(entry, purpose=Purpose.STOP, side=side) for side in (Side.BUY, Side.SELL))
    for stop in (buys, sells):
        assert [circuits.refused(stop, -2015, desk.now) for _ in range(3)] == [False, False, True]
    assert circuits.accepted(sells)
    assert circuits.refused_of("BTCUSDT") == set()
    for _ in range(3):
        circuits.refused(buys, -2015, desk.now)
    assert circuits.accepted(sells), "its reason goes, though nothing was refused of this side"
    assert circuits.refused_of("BTCUSDT") == set()
