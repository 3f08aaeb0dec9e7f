"""When the engine's whole state is saved along with its facts, and when old rows are let go."""

from collections.abc import Sequence

from gridbot_tui.engine.actions import EquityFact, Fact, ModeFact, PlanFact, StartFact, WeightsFact
from gridbot_tui.units import DAY, HOUR, Ms

SNAPSHOT_AFTER = (ModeFact, StartFact, WeightsFact)
"""Facts after which the engine's state is saved at once: rare, and cheaper to save than to explain."""


class Saving:
    """Counts facts and hours for one journal."""

    def __init__(self, state_every: Ms) -> None:
        self._state_every = state_every
        self._state_at: Ms | None = None
        self._facts_since = 0
        self._pruned_at: Ms | None = None
        self.owed = False
        """True where the next facts must bring the state along."""
        self.snapshot_facts = 1000
        """Facts after which the engine's state is saved anew."""
        self.retention: Ms = 90 * DAY
        """Age at which the store lets go of what only explains."""

    def due(self, facts: Sequence[Fact]) -> bool:
        """Whether the state is to be saved with these facts, which are counted."""
        self._facts_since += len(facts)
        if self.owed or self._facts_since >= self.snapshot_facts:
            return True
        if self._state_at is None or facts[-1].at - self._state_at >= self._state_every:
            return any(isinstance(fact, PlanFact | EquityFact | StartFact) for fact in facts)
        return any(isinstance(fact, SNAPSHOT_AFTER) for fact in facts)

    def count(self, facts: int) -> None:
        """Facts were written without a look at whether the state is due."""
        self._facts_since += facts

    def saved(self, at: Ms) -> None:
        """The state is on disk as of now."""
        self._state_at = at
        self._facts_since = 0
        self.owed = False

    def prune_before(self, at: Ms) -> Ms | None:
        """Once a day, the time before which rows may go; None otherwise. A process that is started anew every day
        must let go too: the first time is an hour after its start."""
        if self._pruned_at is None:
            self._pruned_at = at - DAY + HOUR
        elif at - self._pruned_at >= DAY:
            self._pruned_at = at
            return at - self.retention
        return None
