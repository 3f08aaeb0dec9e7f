"""A decision with nothing to do is cheap."""

from timeit import repeat

from gridbot_tui.orders.desired import desired
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.orders.rungs import Rungs
from tests.orders.samples import AT_60000, BTC, Desk, walk_plan


def test_forty_slots_with_nothing_to_do_take_far_less_than_a_millisecond() -> None:
    plan = walk_plan(lot=0.00264, levels=20, upper=0.055, lower=-0.055, spacing=0.01, anchor=walk_plan().centre)
    params = OrderParams(depth=20)
    desk = Desk(params=params)
    rungs = Rungs(plan, BTC)
    wish = desired(plan, BTC, 0, AT_60000, params, rungs=rungs)
    assert len(wish.resting) == 40
    desk.converge(wish)

    def decide() -> None:
        assert desk.compare(desired(plan, BTC, 0, AT_60000, params, rungs=rungs)).done

    # About 20 us on one core of a small server; ten times that is a regression, not a busy machine.
    assert min(repeat(decide, number=50, repeat=5)) / 50 < 300e-6
