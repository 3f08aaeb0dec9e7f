"""The walk through the house, by the engine itself on the simulated exchange, to the last number stated."""

import math

import pytest

from gridbot_tui.engine.view_symbol import symbol_view
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import MINUTE, Side
from tests.engine.tape import BTC, START, Tape, flat, lived_through
from tests.simulation.rig import Rig

FALLS = (600_000, 600_000, 599_990, 599_995)
"""A minute that trades one tick beyond 60,000 and no more."""


def walked(*minutes: tuple[int, int, int, int]) -> Rig:
    rig = Rig(Tape(flat(600_000), *minutes))
    lived_through(rig.engine, 60_000.0, 0.008, 0.5)
    rig.run(until=START + MINUTE)
    return rig


def resting(rig: Rig, side: Side) -> dict[int, tuple[str, int]]:
    """Price to (client id, steps) of what stands on the exchange's own books."""
    return {
        order.price or 0: (order.client_id, order.left)
        for order in rig.world.exchange.history.open.values()
        if order.side is side and order.kind is OrderKind.LIMIT
    }


def test_the_plan_has_the_numbers_of_the_walk() -> None:
    rig = walked()
    plan = rig.engine.desk.symbols[BTC].plan
    assert plan is not None
    assert plan.votes.up == pytest.approx(0.5)
    assert plan.votes.down == 0.0
    assert plan.votes.neutral == pytest.approx(1 / 3)
    assert (plan.weights.up, plan.weights.down, plan.weights.neutral) == (0.30, 0.10, 0.60)
    unit = plan.leverage * plan.equity / plan.price
    assert plan.bias == pytest.approx(0.45)
    assert plan.upper / unit == pytest.approx(1.5)
    assert plan.lower / unit == pytest.approx(-0.6)
    assert plan.lot / unit == pytest.approx(0.36)
    assert plan.spacing == pytest.approx(0.0284, abs=1e-5)
    assert plan.leverage == pytest.approx(0.44, abs=0.005)
    assert plan.target * 60_000 == pytest.approx(1977, abs=2)


def test_rung_one_rests_at_the_touch_and_one_sell_stands_above() -> None:
    rig = walked()
    buys, sells = resting(rig, Side.BUY), resting(rig, Side.SELL)
    assert sorted(buys, reverse=True)[:3] == [600_000, 587_355, 570_908]
    assert list(sells) == [639_592]
    assert {steps for _, steps in (*buys.values(), *sells.values())} == {26}
    assert rig.problems == []


def test_after_the_fill_the_exit_stands_one_spacing_above_and_the_next_bid_is_kept() -> None:
    rig = walked(FALLS, flat(600_000))
    kept = resting(rig, Side.BUY)[587_355]
    rig.run()
    assert rig.problems == []
    (trade,) = rig.world.exchange.history.trades[BTC]
    assert (trade.price, trade.steps, trade.maker) == (600_000, 26, True)
    sells = sorted(resting(rig, Side.SELL))
    assert sells[0] / 10 == pytest.approx(62_190, rel=0.001)
    assert math.log(sells[0] / 604_270) == pytest.approx(0.0284, abs=1e-4)
    assert resting(rig, Side.SELL)[sells[0]][1] == 26
    assert resting(rig, Side.BUY)[587_355] == kept
    assert 600_000 not in resting(rig, Side.BUY)


def test_the_snapshot_shows_the_lot_its_exit_the_fee_and_residual_zero() -> None:
    rig = walked(FALLS, flat(600_000))
    rig.run()
    desk = rig.engine.desk
    view = symbol_view(desk, desk.symbols[BTC])
    (lot,) = view.lots
    assert (lot.side, lot.quantity, lot.price) == ("long", "0.026", "60000.0")
    assert lot.exit_price is not None
    assert float(lot.exit_price) == pytest.approx(62_190, rel=0.001)
    assert float(view.fees) == pytest.approx(60_000 * 0.026 * 0.0002)
    assert view.position == "0.026"
    assert view.stop is not None
    assert desk.ledger.account.residual() == 0


def test_the_gate_counts_everything_filling_far_below_the_cap() -> None:
    rig = walked()
    assert 0.5 < rig.engine.desk.max_worst < 1.0
    assert [slot for slot in rig.engine.desk.symbols[BTC].desired.resting if slot.reason] == []  # type: ignore[union-attr]
