"""Commands that make no sense, or not yet: answered at once with a sentence, and nothing is changed."""

import pytest

from gridbot_tui.units import MINUTE
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid
from tests.simulation.rig import Rig


def trading() -> Rig:
    """A grid that stands."""
    rig = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 20)
    rig.run(until=rig.source.start + 3 * MINUTE)
    return rig


@pytest.mark.parametrize(
    ("command", "symbol", "args", "words"),
    [
        ("buy", "", {}, "'buy' is not a command"),
        ("pause", "DOGEUSDT", {}, f"DOGEUSDT is not traded here; traded are {BTC}"),
        ("flatten", "DOGEUSDT", {}, "DOGEUSDT is not traded here"),
        ("reset", "", {"what": "everything"}, "'everything' cannot be reset; drawdown, kill, stop and breakers can"),
        ("learning", "", {"action": "forget"}, "learning has no 'forget'"),
        ("learning", "", {"action": "rollback", "version": "9"}, "learning rollback: "),
        ("learning", "", {"action": "rollback"}, "learning rollback: "),
        ("learning", "", {"action": "set", "up": "0.5", "down": "0.5"}, "learning set: "),
        ("learning", "", {"action": "set", "up": "nan", "down": "0.5", "neutral": "0.5"}, "learning set: "),
        ("learning", "", {"action": "set", "up": "-1", "down": "1", "neutral": "1"}, "learning set: "),
    ],
)
def test_a_command_that_makes_no_sense_is_refused_and_changes_nothing(
    command: str, symbol: str, args: dict[str, str], words: str
) -> None:
    rig = trading()
    state, facts = rig.engine.encode_state(), len(rig.memory.bodies)
    done = rig.outcome(rig.order(command, symbol, **args))
    assert done is not None
    assert (done.ok, done.refused) == (False, "input")
    assert done.text.startswith(words)
    assert (rig.engine.encode_state(), len(rig.memory.bodies)) == (state, facts)


def test_a_drawdown_is_not_measured_anew_from_an_equity_that_nobody_knows() -> None:
    rig = trading()
    ledger = rig.engine.desk.ledger
    assert ledger.position(BTC)
    ledger._unmarked = 1
    done = rig.outcome(rig.order("reset", what="drawdown"))
    assert done is not None
    assert (done.ok, done.refused) == (False, "safety")
    assert "equity is unknown" in done.text


def test_who_lifts_a_kill_of_a_halted_account_is_told_that_it_is_halted_still() -> None:
    rig = trading()
    desk = rig.engine.desk
    rig.order("kill")
    desk.tiers.tier = 3
    done = rig.outcome(rig.order("reset", what="kill"))
    assert done is not None
    assert done.text == "kill latch cleared; still halted by drawdown ('gridbot reset drawdown')"
