"""Other settings of orders are in force at once, as the classes of their keys say."""

from msgspec.structs import replace

from gridbot_tui.orders.model import Purpose
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.units import HOUR, Side
from tests.simulation.market import RandomMarket
from tests.simulation.rig import Rig


def test_how_many_orders_rest_and_when_they_are_held_back_changes_before_the_next_decision() -> None:
    rig = Rig(RandomMarket(3, 2, days=1.0), check=False, seed=3)
    desk = rig.engine.desk
    plain = LadderParams(kind="arithmetic", plain=PlainParams(side="neutral", levels=10))
    rig.bot.reconfigure(replace(desk.config, ladder=plain))
    rig.run(until=rig.source.start + 2 * HOUR)

    def resting(side: Side) -> list[int]:
        orders = [[live.order for live in desk.orders.live(name)] for name in desk.symbols]
        return [sum(one.side is side and one.purpose is Purpose.GRID for one in of) for of in orders]

    assert max(resting(Side.BUY)) > 2
    rig.bot.reconfigure(replace(desk.config, orders=OrderParams(depth=1, refusals=7, churn_creates=9)))
    rig.settle()
    assert max(resting(Side.BUY)) <= 1
    assert max(resting(Side.SELL)) <= 1
    assert desk.reconciler.circuits.params.refusals == 7
    assert desk.reconciler.churn.params.churn_creates == 9
