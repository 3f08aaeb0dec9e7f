"""Whoever lifts one latch is told of those that stay."""

from msgspec.structs import replace

from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.units import DAY, MINUTE
from tests.engine.tape import BTC
from tests.simulation.market import RandomMarket
from tests.simulation.rig import Rig


def told(rig: Rig, command: str, symbol: str = "", **args: str) -> str:
    done = rig.outcome(rig.order(command, symbol, **args))
    assert done is not None
    assert done.ok
    return done.text


def test_a_latch_that_is_lifted_names_those_that_stay() -> None:
    rig = Rig(RandomMarket(3, 2, days=1.0), check=False, seed=3)
    desk = rig.engine.desk
    names = ", ".join(sorted(desk.symbols))
    rig.run(until=rig.source.start)
    rig.settle()
    rig.order("pause")
    rig.order("kill")
    rig.settle()
    assert told(rig, "reset", what="kill") == f"kill latch cleared; still paused ('gridbot resume'): {names}"
    desk.latch("stopped", BTC, "stop")
    other = next(name for name in desk.symbols if name != BTC)
    latched = f"still latched by the stop ('gridbot reset stop --symbol S'): {BTC}"
    assert told(rig, "resume") == f"running: {other}; {latched}"
    assert told(rig, "resume", BTC) == latched
    rig.order("pause", BTC)
    assert told(rig, "reset", what="stop") == f"stop latch cleared; still paused ('gridbot resume'): {BTC}"
    assert told(rig, "resume", BTC) == f"running: {BTC}"
    rig.order("kill")
    rig.settle()
    assert told(rig, "reset", what="kill") == "kill latch cleared; trading goes on"


def test_a_grid_of_another_kind_is_planned_as_soon_as_it_is_in_force() -> None:
    rig = Rig(RandomMarket(3, 2, days=16.0), check=False, seed=3)
    desk = rig.engine.desk
    rig.run(until=rig.source.start + 15 * DAY + 10 * MINUTE)
    rig.order("flatten")
    rig.settle()
    rig.run(until=rig.world.now + 2 * MINUTE)
    assert not rig.engine.open_positions()
    rig.bot.reconfigure(replace(desk.config, version=2, ladder=LadderParams(kind="geometric")))
    rig.order("resume")
    rig.run(until=rig.world.now + 2 * MINUTE)
    for name, state in desk.symbols.items():
        assert state.plan is not None
        assert state.plan.kind == "geometric"
        assert {live.order.price for live in desk.orders.live(name)} <= {
            price for level in state.rungs_of(state.plan).grid for price in level
        }


def test_a_kill_by_nobody_in_particular_is_a_kill_all_the_same() -> None:
    rig = Rig(RandomMarket(3, 2, days=1.0), check=False, seed=3)
    rig.order("kill")
    rig.order("kill", by="")
    assert rig.engine.desk.latches.kill, "an empty name would have lifted it"
