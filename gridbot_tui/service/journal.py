"""From facts to everything that remembers them: the store first, then audit trail, feed and log.

``commit(facts, then)`` calls ``then`` once the facts are durable; orders leave the house only inside it.
In virtual time that is at once; a live journal calls back from its own group commit, in order.

A disk that takes no writes stops nothing but entries: facts wait in memory, in order, ``failing`` says
why and ``may_send`` which orders leave all the same; the store is tried again once a second.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Protocol

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
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import Logger
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.store.pending import PendingFacts
from gridbot_tui.units import DAY, Ms, Symbol

SNAPSHOT_AFTER = (ModeFact, StartFact, WeightsFact)
"""Facts after which the engine's state is saved at once: rare, and cheaper to save than to explain."""


Level = Literal["debug", "info", "warning", "error"]

HELD = (OrderFact, EquityFact)
"""Facts that may wait for the next commit: the exchange's own lists say the same again after a crash."""
MOST_HELD = 256
TRY_AGAIN_S = 1.0
"""Pause between two tries of a disk that takes no writes: a locked file costs up to two seconds a try."""


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

    @property
    def failing(self) -> str:
        """Why facts wait for the disk; "" while they do not."""
        ...

    def may_send(self, order: NewOrder) -> bool:
        """Whether an order may leave now: what adds risk needs its intent on disk."""
        ...

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Show and log what comes from no fact."""
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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock = clock
        self._store = store
        self._audit = audit
        self._feed = feed
        self._recent = recent
        self._log = log
        self._instruments = dict(instruments)
        self._encode_state = encode_state
        self._state_every = state_every
        self._state_at: Ms | None = None
        self._facts_since = 0
        self._pruned_at: Ms | None = None
        self._held: list[Fact] = []
        self._pending = PendingFacts()
        self._tried_at = 0.0
        self._audit_trouble = ""
        self.failing = ""
        """Why facts wait for the disk; "" while they do not."""
        self.snapshot_facts = 1000
        """Facts after which the engine's state is saved anew."""
        self.retention: Ms = 90 * DAY
        """Age at which the store lets go of what only explains."""
        self.grouped = False
        """True while many decisions may share a commit: in a past or a profile that no restart goes on with."""

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Write the facts, with a snapshot of the engine where one is due, then call ``then``."""
        if facts:
            self._held.extend(facts)
            urgent = not self.grouped and not all(isinstance(fact, HELD) for fact in facts)
            if urgent or len(self._held) >= MOST_HELD:
                self.flush()
            self._tell(facts)
        then()

    def may_send(self, order: NewOrder) -> bool:
        """Any order while nothing waits for the disk, else only one that protects or reduces."""
        return self._pending.may_send(order)

    def flush(self) -> None:
        """Write what waits, with a snapshot of the engine where one is due.

        Raises:
            StoreUnavailable: the disk has failed for so long that no more facts can be kept.
        """
        if self._pending.blocked:
            self._pending.keep(self._held)
            self._held = []
            if self._clock() - self._tried_at >= TRY_AGAIN_S:
                self._write_pending()
        elif self._held:
            try:
                self._write(self._held)
            except StoreUnavailable as error:
                self._pending.keep(self._held)
                self._failed(error)
            else:
                self._prune(self._held[-1].at)
            self._held = []

    def _write(self, facts: list[Fact]) -> None:
        at = facts[-1].at
        self._facts_since += len(facts)
        if self._snapshot_due(facts, at):
            anchor = {"audit_head": str(self._audit.anchor)}
            self._store.append(facts, state=self._encode_state(), at=at, meta=anchor)
            self._saved(at)
        else:
            self._store.append(facts)

    def _prune(self, at: Ms) -> None:
        """Once a day, let go of what is older than the store is told to keep."""
        if self._pruned_at is None:
            self._pruned_at = at
        elif at - self._pruned_at >= DAY:
            self._pruned_at = at
            try:
                self._store.prune(at - self.retention)
            except StoreUnavailable as error:
                self._log.warning("prune_failed", text=str(error))

    def _write_pending(self) -> None:
        """The disk may be back: everything that waits, in order, or as much of it as it takes."""
        try:
            self._facts_since += self._pending.write_to(self._store.append)
        except StoreUnavailable as error:
            self._failed(error)
            return
        self.failing = ""
        self._log.warning("store_back", text="the state file takes writes again; what waited is written")

    def _failed(self, error: StoreUnavailable) -> None:
        self._tried_at = self._clock()
        if not self.failing:
            self._log.error("store_unavailable", text=str(error))
        self.failing = str(error)

    def _saved(self, at: Ms) -> None:
        self._state_at = at
        self._facts_since = 0

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did; on disk before the command is carried out."""
        self._audit.write(kind, at, dict(body))

    def save_now(self, at: Ms) -> None:
        """Snapshot the engine now, for a quick and exact restart; not while facts wait for the disk."""
        self.flush()
        if not self._pending.blocked:
            self._store.save_state(self._store.last_seq, at, self._encode_state())
            self._saved(at)

    def _snapshot_due(self, facts: Sequence[Fact], at: Ms) -> bool:
        if self._facts_since >= self.snapshot_facts:
            return True
        if self._state_at is None or at - self._state_at >= self._state_every:
            return any(isinstance(fact, PlanFact | EquityFact | StartFact) for fact in facts)
        return any(isinstance(fact, SNAPSHOT_AFTER) for fact in facts)

    def _tell(self, facts: Sequence[Fact]) -> None:
        self._recent(facts)
        for fact in facts:
            audited = audit_of(fact)
            if audited is not None:
                kind, body = audited
                self._audit.write(kind, fact.at, body)
            said = self._feed.add(fact, self._instruments)
            if said is not None and not isinstance(fact, PlanFact):
                self._say(said, isinstance(fact, DecisionFact))
        if self._audit.failing != self._audit_trouble:
            self._audit_changed(facts[-1].at)

    def _audit_changed(self, at: Ms) -> None:
        """Say, once, that the audit trail cannot be written, or can again."""
        before, self._audit_trouble = self._audit_trouble, self._audit.failing
        if self._audit_trouble and not before:
            self.report(at, "error", "audit", self._audit_trouble)
        elif before and not self._audit_trouble:
            self.report(at, "info", "audit", "the audit trail takes lines again; what waited is written")

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Show and log what comes from no fact: trouble of the service's own."""
        self._feed.say(EventView(at, level, code, "", text))
        getattr(self._log, level)(code, text=text, at=at)

    def _say(self, said: EventView, decision: bool) -> None:
        level = said.level if decision or said.level in ("warning", "error") else "debug"
        getattr(self._log, level)(said.code, symbol=said.symbol, text=said.text, at=said.at)
