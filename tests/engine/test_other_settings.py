"""Other settings of orders and risk are in force at once, as the classes of their keys say, and told as they are."""

from msgspec.structs import replace

from gridbot_tui.orders.model import Purpose
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.units import HOUR, Side
from tests.simulation.market import RandomMarket
from tests.simulation.rig import Rig


def plain_grids() -> Rig:
    """A bot with grids of many levels, two hours old."""
    rig = Rig(RandomMarket(3, 2, days=1.0), check=False, seed=3)
    plain = LadderParams(kind="arithmetic", plain=PlainParams(side="neutral", levels=10))
    rig.bot.reconfigure(replace(rig.engine.desk.config, ladder=plain))
    rig.run(until=rig.source.start + 2 * HOUR)
    return rig


def test_how_many_orders_rest_and_when_they_are_held_back_changes_before_the_next_decision() -> None:
    rig = plain_grids()
    desk = rig.engine.desk

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


def test_what_the_cap_withholds_names_the_cap_that_was_set() -> None:
    rig = plain_grids()
    desk = rig.engine.desk
    rig.bot.reconfigure(replace(desk.config, risk=RiskParams(leverage_cap=0.1)))
    rig.settle()
    (clears,) = {one.clears_when for one in desk.blockers.ranked() if one.code == "leverage_cap"}
    assert clears == "when the worst case falls below 0.1x (risk.leverage_cap)"
