"""Whoever lifts one latch is told of those that stay."""

from tests.engine.tape import BTC
from tests.simulation.market import RandomMarket
from tests.simulation.rig import Rig


def told(rig: Rig, command: str, symbol: str = "", **args: str) -> str:
    done = rig.outcome(rig.order(command, symbol, **args))
    assert done is not None
    assert done.ok
    return done.text


def test_a_latch_that_is_lifted_names_those_that_stay() -> None:
    rig = Rig(RandomMarket(3, 2, days=1.0), seed=3)
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
    assert told(rig, "resume") == f"running: {other}; still latched by the stop ('gridbot reset stop'): {BTC}"
    assert told(rig, "resume", BTC) == f"still latched by the stop ('gridbot reset stop'): {BTC}"
    rig.order("pause", BTC)
    assert told(rig, "reset", what="stop") == f"stop latch cleared; still paused ('gridbot resume'): {BTC}"
    assert told(rig, "resume", BTC) == f"running: {BTC}"
    rig.order("kill")
    rig.settle()
    assert told(rig, "reset", what="kill") == "kill latch cleared; trading goes on with the next decision"
