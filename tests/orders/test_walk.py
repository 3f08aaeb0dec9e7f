"""The walk through the house, as far as orders go."""

from gridbot_tui.orders.desired import desired
from gridbot_tui.orders.model import SlotState
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import Side
from tests.orders.samples import AT_60000, BTC, PARAMS, Desk, prices, walk_plan


def test_flat_below_target_the_first_rung_rests_at_the_touch_and_one_sell_stands_above() -> None:
    want = desired(walk_plan(), BTC, 0, AT_60000, PARAMS)
    assert prices(want.resting, Side.BUY)[:3] == [60_000.0, 58_735.5, 57_090.8]
    assert prices(want.resting, Side.SELL) == [63_959.2]
    assert {slot.steps for slot in want.resting} == {26}
    assert {slot.state for slot in want.resting} == {SlotState.RESTING}
    assert want.target is None


def test_after_the_first_fill_its_exit_appears_and_the_next_bid_is_kept_as_it_stands() -> None:
    desk = Desk()
    assert desk.converge(desired(walk_plan(), BTC, 0, AT_60000, PARAMS)) == 1
    by_price = {one.order.price: one.order.client_id for one in desk.book.live("BTCUSDT")}
    kept = by_price[587_355]
    desk.fill(by_price[600_000], 26)
    convergence = desk.compare(desired(walk_plan(), BTC, desk.position, Touch(600_000, 600_000), PARAMS))
    assert convergence.cancels == ()
    (exit_order,) = convergence.creates
    assert exit_order.side is Side.SELL
    assert exit_order.price == 621_683  # 62,168.3: one spacing above rung 1's own price
    assert exit_order.steps == 26
    assert not exit_order.reduce_only
    assert exit_order.post_only
    assert kept in {live.order.client_id for live, _ in convergence.kept}


def test_while_a_rung_fills_its_rest_keeps_resting_and_the_exit_grows_with_it() -> None:
    desk = Desk()
    desk.converge(desired(walk_plan(), BTC, 0, AT_60000, PARAMS))
    first = next(one for one in desk.book.live("BTCUSDT") if one.order.price == 600_000)
    desk.fill(first.order.client_id, 10)
    want = desired(walk_plan(), BTC, 10, AT_60000, PARAMS)
    convergence = desk.compare(want)
    assert convergence.cancels == ()
    assert [(order.side, order.steps) for order in convergence.creates] == [(Side.SELL, 10)]
    assert (first.remaining, first.state.value) == (16, "partly_filled")
