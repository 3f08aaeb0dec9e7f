"""The journal of real time: facts go to the disk off the loop, and orders leave once they are there.

While one transaction is under way, later decisions queue up; the next one takes them all, so that a hundred
creates cost one fsync. One transaction at a time, so order is kept: facts in the file, requests on the wire.

A disk that fails, or has not answered for ``HANGS_S``, holds back entries only: what waited is released, facts
wait in memory in order, and ``may_send`` says which orders leave. The queue is bounded by that: it takes what
``HANGS_S`` brings, then the bounded ``PendingFacts``.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence

from gridbot_tui.engine.actions import Fact
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.service.journal import HELD, MOST_HELD, TRY_AGAIN_S
from gridbot_tui.service.saving import Saving
from gridbot_tui.service.telling import Level, Telling
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.store.live import LiveStore
from gridbot_tui.store.pending import PendingFacts, reduces
from gridbot_tui.units import Ms

HANGS_S = 2.0
"""A transaction that takes longer is a disk that fails: exits and stops must not wait for it."""

Then = Callable[[], None]


class LiveJournal:
    """See ``Journal``. ``run`` must be running; it ends by being cancelled, after ``drain``."""

    def __init__(
        self,
        live: LiveStore,
        telling: Telling,
        encode_state: Callable[[], bytes],
        state_every: Ms,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.saving = Saving(state_every)
        self._live = live
        self._telling = telling
        self._encode_state = encode_state
        self._clock = clock
        self._held: list[Fact] = []
        self._queue: deque[tuple[Sequence[Fact], Then]] = deque()
        self._pending = PendingFacts()
        self._hung: tuple[asyncio.Future[int], list[Fact]] | None = None
        """A transaction that does not end, and its facts: older than those pending."""
        self._writing = False
        self._tried_at = 0.0
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.failing = ""
        """Why facts wait for the disk; "" while they do not."""

    # -- Journal ------------------------------------------------------------------------------------------------

    def commit(self, facts: Sequence[Fact], then: Then) -> None:
        """Queue facts for the next transaction and call ``then`` when it is durable, in order of the calls."""
        if facts:
            self._telling.tell(facts)
        if self._blocked:
            self._pending.keep(facts)
            then()
        elif self._queue or self._writing or not all(isinstance(fact, HELD) for fact in facts):
            self._queue.append((facts, then))
            self._stir()
        else:
            self._held.extend(facts)
            if len(self._held) >= MOST_HELD:
                self._stir()
            then()

    def may_send(self, order: NewOrder) -> bool:
        """Any order while nothing waits for the disk, else only one that protects or reduces."""
        return not self._blocked or reduces(order)

    def flush(self) -> None:
        """Have what waits written soon; where the disk fails, have it tried again once a second."""
        if self._held or self._blocked:
            self._stir()

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did; on disk before the command is carried out."""
        self._telling.operator(at, kind, body)

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Show and log what comes from no fact: trouble of the service's own."""
        self._telling.report(at, level, code, text)

    # -- the writer -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Write whatever is committed, for ever."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._write_all()
            self._quiet.set()

    async def drain(self) -> None:
        """Until everything committed so far is durable or known to be held up; ``run`` must be running."""
        self._stir()
        await self._quiet.wait()

    async def save_now(self, at: Ms) -> None:
        """Snapshot the engine now, for a quick and exact restart; not while facts wait for the disk."""
        await self.drain()
        if not self._blocked:
            state = self._encode_state()
            await self._live.run(lambda store: store.save_state(store.last_seq, at, state))
            self.saving.saved(at)

    async def prune(self, at: Ms) -> None:
        """Once a day, let go of old rows; called now and then."""
        before = self.saving.prune_before(at)
        if before is None or self._blocked:
            return
        try:
            await self._live.run(lambda store: store.prune(before))
        except StoreUnavailable as error:
            self._telling.log.warning("prune_failed", text=str(error))

    @property
    def _blocked(self) -> bool:
        return self._hung is not None or self._pending.blocked

    def _stir(self) -> None:
        self._quiet.clear()
        self._wake.set()

    async def _write_all(self) -> None:
        if self._blocked:
            await self._try_again()
            return
        while (self._queue or self._held) and not self._blocked:
            await self._write_group()

    async def _write_group(self) -> None:
        """One transaction for all that waits, with a snapshot of the engine where one is due."""
        facts, thens = self._taken()
        if facts:
            self._writing = True
            try:
                await self._put(facts)
            finally:
                self._writing = False
        if self._blocked:  # what waited behind may leave as far as ``may_send`` lets it
            more, behind = self._taken()
            self._pending.keep(more)
            thens += behind
        for then in thens:
            then()

    def _taken(self) -> tuple[list[Fact], list[Then]]:
        facts, self._held = self._held, []
        thens = []
        while self._queue:
            more, then = self._queue.popleft()
            facts.extend(more)
            thens.append(then)
        return facts, thens

    async def _put(self, facts: list[Fact]) -> None:
        # The engine has handled exactly the events of these facts: nothing was awaited since the last of them.
        at = facts[-1].at
        due = self.saving.due(facts)
        if due:
            job = self._live.append(facts, state=self._encode_state(), at=at, meta=self._telling.anchor)
            self.saving.saved(at)
        else:
            job = self._live.append(facts)
        task = asyncio.ensure_future(job)
        try:
            await asyncio.wait_for(asyncio.shield(task), HANGS_S)
        except TimeoutError:
            self._hung = task, facts
            self._failed(f"the disk has not answered for {HANGS_S:g} s")
        except StoreUnavailable as error:
            self._pending.keep(facts)
            self._failed(str(error))

    # -- a disk that fails ------------------------------------------------------------------------------------------

    async def _try_again(self) -> None:
        self._pending.keep(self._held)
        self._held = []
        if self._clock() - self._tried_at < TRY_AGAIN_S:
            return
        if self._hung is not None and not self._hung_ended(*self._hung):
            return
        try:
            while facts := self._pending.head():
                await self._live.append(facts)
                self._pending.written(len(facts))
                self.saving.count(len(facts))
        except StoreUnavailable as error:
            self._failed(str(error))
            return
        self.failing = ""
        self.saving.owed = True  # some of what waited is explained by a snapshot only
        self._telling.log.warning("store_back", text="the state file takes writes again; what waited is written")

    def _hung_ended(self, hung: "asyncio.Future[int]", facts: list[Fact]) -> bool:
        """Whether the transaction that hung has ended; what it did not write goes first."""
        if not hung.done():
            self._failed(self.failing)
            return False
        self._hung = None
        if hung.exception() is not None:
            self._pending.put_back(facts)
        return True

    def _failed(self, text: str) -> None:
        self._tried_at = self._clock()
        if not self.failing:
            self._telling.log.error("store_unavailable", text=text)
        self.failing = text
