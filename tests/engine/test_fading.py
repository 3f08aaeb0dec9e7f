"""A plan whose lot has almost died away while a position is still held."""

import pytest
from msgspec.structs import replace

from gridbot_tui.engine.view_symbol import symbol_view
from gridbot_tui.risk.tiers import HALT
from gridbot_tui.strategy.params import LeverageParams, StrategyParams
from gridbot_tui.units import DAY, HOUR, MINUTE, Symbol
from tests.simulation.market import RandomMarket
from tests.simulation.rig import Rig


def fading(sign: int, base: float) -> tuple[Rig, Symbol]:
    """A bot that holds a long (a short), before the decision that leaves next to nothing of its leverage."""
    rig = Rig(RandomMarket(3, 2, days=6.0), check=False, seed=3)
    desk = rig.engine.desk
    at = rig.source.start + 14 * DAY
    held: list[Symbol] = []
    while not held and at < rig.source.start + 19 * DAY:
        at += HOUR
        rig.run(until=at + 30 * MINUTE)
        held = [name for name in sorted(desk.symbols) if sign * desk.ledger.position(name) > 0]
    assert held
    rig.bot.reconfigure(
        replace(desk.config, version=2, strategy=StrategyParams(leverage=LeverageParams(base=base)))
    )
    return rig, held[0]


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("base", [1e-9, 1e-6])
def test_a_position_of_a_million_lots_is_worked_down(sign: int, base: float) -> None:
    rig, name = fading(sign, base)
    desk, state = rig.engine.desk, rig.engine.desk.symbols[name]
    while state.plan is None or state.plan.lot * 1e4 > abs(state.plan.position):
        assert rig.step()
    assert state.plan.lot > 0.0
    assert desk.ledger.position(name)
    rig.run(until=rig.world.now + 12 * HOUR)
    assert desk.ledger.position(name) == 0


def test_what_has_been_worked_down_is_not_told_until_the_next_plan() -> None:
    rig, name = fading(1, 0.0)
    desk, state = rig.engine.desk, rig.engine.desk.symbols[name]
    said = False
    while desk.ledger.position(name) or not said:
        assert rig.step()
        if desk.blockers.holds(name, "unwinding"):
            assert symbol_view(desk, state).state == "unwinding"
            said = True
    assert not desk.blockers.holds(name, "unwinding")
    assert symbol_view(desk, state).state == "running"


def test_what_stands_against_all_symbols_is_the_state_of_each() -> None:
    rig, name = fading(1, 0.5)
    desk, state = rig.engine.desk, rig.engine.desk.symbols[name]
    assert symbol_view(desk, state).state == "running"
    rig.order("kill")
    rig.run(until=rig.world.now + 2 * HOUR)
    assert symbol_view(desk, state).state == "halted"
    rig.order("reset", what="kill")
    rig.order("pause")
    assert symbol_view(desk, state).state == "paused"
    desk.tiers.tier = HALT
    assert symbol_view(desk, state).state == "halted"
    rig.checking = False
    rig.run(until=rig.world.now + HOUR)
    assert not desk.blockers.holds(name, "no_votes")  # they do vote; what scales them to nothing is the tier


def test_leverage_that_is_configured_to_nothing_is_not_called_a_lack_of_votes() -> None:
    rig, name = fading(1, 0.0)
    blockers = rig.engine.desk.blockers
    rig.run(until=rig.world.now + HOUR)
    assert blockers.holds(name, "filtered")
    assert not blockers.holds(name, "no_votes")
