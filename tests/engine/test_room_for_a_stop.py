"""A position has a stop, whatever must give way for it: entries first, then the position itself."""

from decimal import Decimal

from gridbot_tui.orders.model import Purpose
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.risk.stop import STOP_BUDGET
from gridbot_tui.units import MINUTE, Market, Side
from tests.engine.tape import BTC, Tape, flat
from tests.engine.test_edges import plain, position, resting
from tests.simulation.rig import Rig, config

TIGHT = RiskParams(
    tier1_enter=0.05,
    tier2_enter=0.08,
    tier3_enter=0.10,
    stop_budget_floor=0.0,
    stop_beyond=0.10,
    gap_unknown=0.2,
    gap_reserve=0.5,
)
"""A stop a tenth beyond the outermost rung may cost a tenth of the equity; a gap may cost more than that."""


def bought_once() -> Rig:
    """A long grid of 44 steps (2,600 of 9,955) at 59,000, with rungs every 5,000 below."""
    tape = Tape(flat(600_000), (600_000, 602_000, 589_000, 590_000), *[flat(590_000)] * 30)
    ladder = plain(lower=30_000.0, upper=65_000.0, levels=8, leverage=1.4, initial_inventory=True)
    rig = Rig(tape, engine=config(Market.FUTURES, (BTC,), ladder=ladder, risk=TIGHT))
    rig.run(until=rig.source.start + 5 * MINUTE)
    assert position(rig) == 44
    return rig


def stop_of(rig: Rig) -> tuple[int, int]:
    """(trigger, steps) of the one stop that stands at the exchange."""
    (stop,) = [one.order for one in rig.engine.desk.orders.live(BTC) if one.order.purpose is Purpose.STOP]
    assert stop.client_id in {one.client_id for one in rig.world.exchange.history.open.values()}
    assert stop.trigger is not None
    return stop.trigger, stop.steps


def test_an_entry_that_leaves_the_stop_no_room_is_withheld_and_said_and_the_nearer_one_stands() -> None:
    rig = bought_once()
    assert resting(rig) == [(Side.SELL, 650_000), (Side.BUY, 550_000)]
    state = rig.engine.desk.symbols[BTC]
    assert state.desired is not None
    withheld = [slot.price for slot in state.desired.resting if slot.reason == STOP_BUDGET]
    assert withheld == [500_000]  # a tenth below it both fills would have lost more than a tenth of the equity
    assert rig.engine.desk.blockers.holds(BTC, STOP_BUDGET)
    trigger, steps = stop_of(rig)
    assert steps == 88  # with the entry that stands
    assert trigger < 550_000 * 0.9
    lost = 44 * (59_000 - trigger / 10) / 1000 + 44 * (55_000 - trigger / 10) / 1000
    assert 0.09 < lost / 9_955.472 <= 0.1
    assert rig.problems == []


def test_a_position_too_large_for_any_stop_is_reduced_at_once_until_it_has_one() -> None:
    rig = bought_once()
    rig.world.owner.withdraw("USDT", Decimal(8_800))
    rig.run(until=rig.world.now + 5_000)
    assert position(rig) == 18  # 1,062 of 1,154: were it a step more, a stop a tenth away would cost too much
    assert rig.engine.desk.symbols[BTC].stop_reduce_to is None
    trigger, steps = stop_of(rig)
    assert steps == 18
    assert 18 * (59_000 - trigger / 10) / 1000 <= 0.1 * 1_155
    assert rig.problems == []
