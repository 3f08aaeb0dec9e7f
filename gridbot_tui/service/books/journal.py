"""From facts to everything that remembers them: the store first, then audit trail, feed and log.

``commit(facts, then)`` calls ``then`` once the facts are durable; orders leave the house only inside it.
In virtual time that is at once; a live journal calls back from its own group commit, in order.

A disk that takes no writes stops nothing but entries: facts wait in memory, in order, ``failing`` says
why and ``may_send`` which orders leave all the same; the store is tried again once a second.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from gridbot_tui.engine.actions import EquityFact, Fact, OrderFact
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import Logger
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.service.books.saving import Saving
from gridbot_tui.service.books.telling import Level, Telling
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.store.pending import PendingFacts
from gridbot_tui.units import Ms, Symbol

HELD = (OrderFact, EquityFact)
"""Facts that may wait for the next commit: the exchange's own lists say the same again after a crash."""
MOST_HELD = 256
MOST_GROUPED = 8192
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

    @property
    def kept(self) -> bool:
        """Whether a process that died now would leave behind all that was decided."""
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
        self._telling = Telling(audit, feed, recent, log, instruments)
        self.saving = Saving(state_every)
        self._log = log
        self._encode_state = encode_state
        self._held: list[Fact] = []
        self._pending = PendingFacts()
        self._tried_at = 0.0
        self.failing = ""
        """Why facts wait for the disk; "" while they do not."""
        self._grouped = False

    @property
    def grouped(self) -> bool:
        """True while many decisions may share a commit: in a past or a profile that no restart goes on with."""
        return self._grouped

    @grouped.setter
    def grouped(self, grouped: bool) -> None:
        self._grouped = self._audit.gathering = grouped

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Write the facts, with a snapshot of the engine where one is due, then call ``then``."""
        if facts:
            self._held.extend(facts)
            urgent = not self.grouped and not all(isinstance(fact, HELD) for fact in facts)
            if urgent or len(self._held) >= (MOST_GROUPED if self.grouped else MOST_HELD):
                self.flush()
            self._telling.tell(facts)
        then()

    @property
    def kept(self) -> bool:
        """See ``Journal``."""
        return not self.failing

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
        if self.saving.due(facts):
            self._store.append(facts, state=self._encode_state(), at=at, meta=self._telling.anchor)
            self.saving.saved(at)
        else:
            self._store.append(facts)

    def _prune(self, at: Ms) -> None:
        before = self.saving.prune_before(at)
        if before is not None:
            try:
                self._store.prune(before)
            except StoreUnavailable as error:
                self._log.warning("prune_failed", text=str(error))

    def _write_pending(self) -> None:
        """The disk may be back: everything that waits, in order, or as much of it as it takes.

        Then the engine's state, once: some of what waited is explained by a snapshot only.
        """
        at = self._pending.last_at
        try:
            self.saving.count(self._pending.write_to(self._store.append))
        except StoreUnavailable as error:
            self._failed(error)
            return
        self.failing = ""
        self._log.warning("store_back", text="the state file takes writes again; what waited is written")
        self.saving.owed = True
        try:
            self._store.save_state(self._store.last_seq, at, self._encode_state())
        except StoreUnavailable:
            return  # with the next facts, then
        self.saving.saved(at)

    def _failed(self, error: StoreUnavailable) -> None:
        self._tried_at = self._clock()
        if not self.failing:
            self._log.error("store_unavailable", text=str(error))
        self.failing = str(error)

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did; on disk before the command is carried out."""
        self._telling.operator(at, kind, body)

    def save_now(self, at: Ms) -> None:
        """Snapshot the engine now, for a quick and exact restart; not while facts wait for the disk."""
        self.flush()
        if not self._pending.blocked:
            self._store.save_state(self._store.last_seq, at, self._encode_state())
            self.saving.saved(at)

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Show and log what comes from no fact: trouble of the service's own."""
        self._telling.report(at, level, code, text)
