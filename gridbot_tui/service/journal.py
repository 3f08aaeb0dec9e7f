"""From facts to everything that remembers them: the store first, then audit trail, feed and log.

``commit(facts, then)`` calls ``then`` once the facts are durable; orders leave the house only inside it.
In virtual time that is at once; a live journal calls back from its own group commit, in order.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.engine.actions import (
    DecisionFact,
    EquityFact,
    Fact,
    ModeFact,
    OrderFact,
    PlanFact,
    StartFact,
    WeightsFact,
)
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.audit import AuditTrail, audit_of
from gridbot_tui.ops.feed import Feed, line
from gridbot_tui.ops.log import Logger
from gridbot_tui.store.core import Store
from gridbot_tui.units import Ms, Symbol

SNAPSHOT_AFTER = (ModeFact, StartFact, WeightsFact)
"""Facts after which the engine's state is saved at once: rare, and cheaper to save than to explain."""


HELD = (OrderFact, EquityFact)
"""Facts that may wait for the next commit: the exchange's own lists say the same again after a crash."""
MOST_HELD = 256


class Journal(Protocol):
    """Where facts go."""

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Make the facts durable, in order, then call ``then``."""
        ...

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did."""
        ...

    def flush(self) -> None:
        """Write what waits."""
        ...


class InlineJournal:
    """The journal of virtual time: one commit a decision, in line; see ``Journal``."""

    def __init__(
        self,
        store: Store,
        audit: AuditTrail,
        feed: Feed,
        recent: Callable[[Sequence[Fact]], None],
        log: Logger,
        instruments: Mapping[Symbol, Instrument],
        encode_state: Callable[[], bytes],
        state_every: Ms,
    ) -> None:
        self._store = store
        self._audit = audit
        self._feed = feed
        self._recent = recent
        self._log = log
        self._instruments = dict(instruments)
        self._encode_state = encode_state
        self._state_every = state_every
        self._state_at: Ms | None = None
        self._held: list[Fact] = []

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Write the facts, with a snapshot of the engine where one is due, then call ``then``."""
        if facts:
            self._held.extend(facts)
            urgent = not all(isinstance(fact, HELD) for fact in facts)
            if urgent or len(self._held) >= MOST_HELD:
                self.flush()
            self._tell(facts)
        then()

    def flush(self) -> None:
        """Write what waits, with a snapshot of the engine where one is due."""
        if not self._held:
            return
        facts, at = self._held, self._held[-1].at
        if self._snapshot_due(facts, at):
            anchor = {"audit_head": str(self._audit.anchor)}
            self._store.append(facts, state=self._encode_state(), at=at, meta=anchor)
            self._state_at = at
        else:
            self._store.append(facts)
        self._held = []

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did; on disk before the command is carried out."""
        self._audit.write(kind, at, dict(body))

    def save_now(self, at: Ms) -> None:
        """Snapshot the engine now, for a quick and exact restart."""
        self.flush()
        self._store.save_state(self._store.last_seq, at, self._encode_state())
        self._state_at = at

    def _snapshot_due(self, facts: Sequence[Fact], at: Ms) -> bool:
        if self._state_at is None or at - self._state_at >= self._state_every:
            return any(isinstance(fact, PlanFact | EquityFact | StartFact) for fact in facts)
        return any(isinstance(fact, SNAPSHOT_AFTER) for fact in facts)

    def _tell(self, facts: Sequence[Fact]) -> None:
        self._feed.take(facts, self._instruments)
        self._recent(facts)
        for fact in facts:
            audited = audit_of(fact)
            if audited is not None:
                kind, body = audited
                self._audit.write(kind, fact.at, body)
            if isinstance(fact, PlanFact | EquityFact):
                continue
            said = line(fact, self._instruments)
            if said is not None:
                self._say(said, isinstance(fact, DecisionFact))

    def _say(self, said: EventView, decision: bool) -> None:
        level = said.level if decision or said.level in ("warning", "error") else "debug"
        getattr(self._log, level)(said.code, symbol=said.symbol, text=said.text, at=said.at)
