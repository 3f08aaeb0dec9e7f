"""A new config on trial: each step is first gone on a copy of the engine, and what breaks there is not done.

The copy is made as a restart makes one (state out, state in), so the engine itself is never touched by a
rehearsal, and there is nothing to be put back after a bad one. Used when a config is about to be applied and
for the first decision after it; at no other time does it cost anything.
"""

from gridbot_tui.engine.actions import Action, PlanFact
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import BarsClosed
from gridbot_tui.engine.invariants import Violation, of_actions, violations
from gridbot_tui.units import HOUR, Ms


def objection_to(engine: Engine, config: EngineConfig) -> str:
    """What putting this config in force would break at once; "" where nothing.

    Raises:
        ValueError: the config does not fit the engine.
    """
    copy = twin(engine)
    before = _known(copy.desk)
    return _first_new(copy.desk, copy.reconfigure(config), before)


class Trial:
    """Waits for the first decision after a config was applied, and rehearses it."""

    def __init__(self, engine: Engine, now: Ms) -> None:
        self._engine = engine
        self._due = (now // HOUR + 1) * HOUR
        self.over = False
        """True once the decision has been rehearsed."""

    def objection(self, event: BarsClosed) -> str:
        """What the decision made on these bars would break; "" where nothing, or where none is made."""
        if event.at < self._due:
            return ""
        try:
            copy = twin(self._engine)
            before = _known(copy.desk)
            actions = copy.handle(event)
        except Exception as error:  # noqa: BLE001 - whatever it is: this config cannot decide, the one before could
            self.over = True
            return f"the decision fails ({type(error).__name__}: {error})"
        broken = _first_new(copy.desk, actions, before)
        self.over = bool(broken) or any(isinstance(action, PlanFact) for action in actions)
        return broken


def twin(engine: Engine) -> Engine:
    """A copy of the engine that has converged: what it does next is what the engine would do."""
    own = engine.desk
    copy = Engine(own.config, own.instruments)
    copy.restore(engine.encode_state())
    desk = copy.desk
    desk.phase, desk.started_at, desk.truth_at = own.phase, own.started_at, own.truth_at
    desk.links, desk.foreign_orders = dict(own.links), dict(own.foreign_orders)
    copy.reconfigure(own.config)
    return copy


def _known(desk: Desk) -> set[str]:
    """Names of what does not hold already, and so is no fault of the new config."""
    return {one.name for one in violations(desk)}


def _first_new(desk: Desk, actions: list[Action], before: set[str]) -> str:
    found: list[Violation] = [*of_actions(desk, actions), *violations(desk)]
    new = [one for one in found if one.name not in before]
    if not new:
        return ""
    more = f", and {len(new) - 1} more" if len(new) > 1 else ""
    return f"{new[0].name.replace('_', ' ')}: {new[0].detail}{more}"
