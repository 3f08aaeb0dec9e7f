"""From facts to everything that remembers them: the store first, then audit trail, feed and log.

``commit(facts, then)`` calls ``then`` once the facts are durable; orders leave the house only inside it.
In virtual time that is at once; a live journal calls back from its own group commit, in order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec

from gridbot_tui.engine.actions import (
    CancelFact,
    DecisionFact,
    EquityFact,
    Fact,
    FillFact,
    IntentFact,
    ModeFact,
    OrderFact,
    PlanFact,
    WeightsFact,
)
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.feed import EventFeed
from gridbot_tui.ops.log import Logger
from gridbot_tui.store.core import Store
from gridbot_tui.units import Ms, Symbol

AUDITED = (IntentFact, CancelFact, OrderFact, FillFact, PlanFact, WeightsFact, ModeFact, DecisionFact)


class StateSource(Protocol):
    """Gives the engine's snapshot when one is due."""

    def encode_state(self) -> bytes:
        """The engine's whole state, encoded."""
        ...


class Journal(Protocol):
    """Where facts go."""

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Make the facts durable, in order, then call ``then``."""
        ...

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did."""
        ...


class InlineJournal:
    """The journal of virtual time: one commit a decision, in line; see ``Journal``."""

    def __init__(
        self,
        store: Store,
        audit: AuditTrail,
        feed: EventFeed,
        log: Logger,
        instruments: Mapping[Symbol, Instrument],
        engine: StateSource,
        state_every: Ms,
    ) -> None:
        self._store = store
        self._audit = audit
        self._feed = feed
        self._log = log
        self._instruments = instruments
        self._engine = engine
        self._state_every = state_every
        self._state_at: Ms | None = None

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Write the facts, with a snapshot of the engine where one is due, then call ``then``."""
        if facts:
            seq = self._store.append(facts)
            if self._snapshot_due(facts):
                at = facts[-1].at
                self._store.save_state(seq, at, self._engine.encode_state())
                self._state_at = at
            self._tell(facts)
        then()

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did; on disk before the command is carried out."""
        self._audit.write(kind, at, dict(body))

    def save_now(self, at: Ms) -> None:
        """Snapshot the engine now, for a quick and exact restart."""
        self._store.save_state(self._store.last_seq, at, self._engine.encode_state())
        self._state_at = at

    def _snapshot_due(self, facts: Sequence[Fact]) -> bool:
        if self._state_at is None:
            return True
        if any(isinstance(fact, ModeFact) for fact in facts):
            return True
        return facts[-1].at - self._state_at >= self._state_every and any(
            isinstance(fact, PlanFact | EquityFact) for fact in facts
        )

    def _tell(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            if isinstance(fact, AUDITED):
                self._audit.write(type(fact).__name__, fact.at, msgspec.to_builtins(fact, str_keys=True))
            line = self._feed.add(fact, self._instruments)
            if line is not None:
                self._log.line(line)
