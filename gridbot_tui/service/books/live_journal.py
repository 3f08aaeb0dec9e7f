"""The journal of real time: facts go to the disk off the loop, and orders leave once they are there.

A transaction begins within ``commit``, in the same turn of the loop. Later decisions queue up while it is under way;
the next one takes them all, so that a hundred creates cost one fsync. One transaction at a time, so order is kept:
facts in the file, requests on the wire. What an order waits for is told (audit, feed, log) a moment later: the
store's thread needs the interpreter first, then the order on its way out.

A disk that fails, or has not answered for ``HANGS_S``, holds back entries only: what waited is released, facts
wait in memory in order, and ``may_send`` says which orders leave. The queue is bounded by that: it takes what
``HANGS_S`` brings, then the bounded ``PendingFacts``. A state file found damaged is such a disk, not tried again:
orders must not be left to nobody for it, and it must not be written to.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial

from gridbot_tui.engine.actions import Fact, IntentFact
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.service.books.journal import HELD, MOST_HELD, TRY_AGAIN_S
from gridbot_tui.service.books.saving import Saving
from gridbot_tui.service.books.telling import Level, Telling
from gridbot_tui.store.errors import StoreError, StoreUnavailable, StoreUnusable
from gridbot_tui.store.live import LiveStore
from gridbot_tui.store.pending import PendingFacts, reduces
from gridbot_tui.units import Ms

HANGS_S = 2.0
"""A transaction that takes longer is a disk that fails: exits and stops must not wait for it."""

TELL_S = 0.004
"""So much later facts are told: by then a quick disk has taken them, and their orders have left."""
MOST_UNTOLD = 256
HELD_S = 0.05
"""Facts that may wait for the next commit wait so long: the orders of a fill must not be held up by the answers to
the orders before them."""
QUICK_S = 0.002
"""So long at most the loop itself waits for a commit that holds up orders."""
SLOW_S = 1.0
"""A disk that took longer is left alone for so long."""

Then = Callable[[], None]


class _Transaction:
    """Facts on their way to the disk, and who goes on once they are there."""

    __slots__ = ("began", "facts", "thens", "writing")

    def __init__(self, facts: list[Fact], thens: list[Then]) -> None:
        self.facts = facts
        self.thens = thens
        self.writing: asyncio.Future[int]
        self.began = asyncio.get_running_loop().time()


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
        self._keeper: asyncio.TimerHandle | None = None
        self._untold: list[Fact] = []
        self._teller: asyncio.TimerHandle | None = None
        self._queue: deque[tuple[Sequence[Fact], Then]] = deque()
        self._pending = PendingFacts()
        self._doing: _Transaction | None = None
        self._hung: _Transaction | None = None
        """A transaction that does not end; its facts are older than those pending."""
        self._guard: asyncio.TimerHandle | None = None
        """Looks whether the transaction under way hangs."""
        self._defect: Exception | None = None
        self._tried_at = 0.0
        self._unusable = False
        """The state file must not be written to any more."""
        self._no_hurry = 0.0
        """Until then nothing waits for the disk in line."""
        self._wake = asyncio.Event()
        self._quiet = asyncio.Event()
        self._quiet.set()
        self.failing = ""
        """Why facts wait for the disk; "" while they do not."""

    # -- Journal ------------------------------------------------------------------------------------------------

    def commit(self, facts: Sequence[Fact], then: Then) -> None:
        """Queue facts for the next transaction and call ``then`` when it is durable, in order of the calls."""
        if self._blocked:
            self._tell(facts)
            self._pending.keep(facts)
            then()
        elif self._queue or self._doing or not all(isinstance(fact, HELD) for fact in facts):
            self._queue.append((facts, then))
            self._begin()
            self._tell_later(facts)
        else:
            self._tell(facts)
            self._held.extend(facts)
            if len(self._held) >= MOST_HELD:
                self._begin()
            elif self._keeper is None:
                self._keeper = asyncio.get_running_loop().call_later(HELD_S, self._keep_held)
            then()

    def _keep_held(self) -> None:
        """Write what was held, unless a commit has taken it along."""
        self._keeper = None
        try:
            self._begin()
        except Exception as defect:  # noqa: BLE001 - raised by run
            self._broken(defect)

    def _tell_later(self, facts: Sequence[Fact]) -> None:
        self._untold.extend(facts)
        if len(self._untold) >= MOST_UNTOLD:
            self.tell_all()
        elif self._untold and self._teller is None:
            self._teller = asyncio.get_running_loop().call_later(TELL_S, self.tell_all)

    def _tell(self, facts: Sequence[Fact]) -> None:
        self._untold.extend(facts)
        self.tell_all()

    def tell_all(self) -> None:
        """Tell what has happened and is not told yet, in order."""
        if self._teller is not None:
            self._teller.cancel()
            self._teller = None
        if self._untold:
            facts, self._untold = self._untold, []
            self._telling.tell(facts)

    @property
    def kept(self) -> bool:
        """See ``Journal``; of what the exchange says again after a crash some may wait for the next transaction."""
        return self._quiet.is_set() and not self.failing

    def may_send(self, order: NewOrder) -> bool:
        """Any order while nothing waits for the disk, else only one that protects or reduces."""
        return not self._blocked or reduces(order)

    def hurry(self) -> bool:
        """Wait a moment for the disk where orders wait for it; True where they have left.

        To be called where nothing is more urgent. The store's thread then has the interpreter to itself. A disk
        that takes longer is not waited for again for ``SLOW_S``.
        """
        doing = self._doing
        if doing is None or self._clock() < self._no_hurry or not any(type(fact) is IntentFact for fact in doing.facts):
            return False
        if self._live.wait(QUICK_S):
            return True
        self._no_hurry = self._clock() + SLOW_S
        return False

    def flush(self) -> None:
        """Have what waits written soon; where the disk fails, have it tried again once a second."""
        if self._blocked:
            self._stir()
        elif self._held:
            self._begin()

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Audit what an operator did; on disk before the command is carried out."""
        self.tell_all()
        self._telling.operator(at, kind, body)

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Show and log what comes from no fact: trouble of the service's own."""
        self.tell_all()
        self._telling.report(at, level, code, text)

    # -- the writer -----------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Try a disk that failed again whenever that is asked for, for ever.

        Raises:
            Exception: whatever made a transaction impossible, where that is no trouble of the disk.
        """
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self._defect is not None:
                raise self._defect
            if self._blocked:
                await self._try_again()
            self._settle()

    async def drain(self) -> None:
        """Until everything committed so far is told, and durable or known to be held up; ``run`` must be running."""
        self.tell_all()
        if self._blocked:
            self._stir()
        else:
            self._begin()
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
        except StoreError as error:
            self._telling.log.warning("prune_failed", text=str(error))

    @property
    def _blocked(self) -> bool:
        return self._hung is not None or self._pending.blocked

    def _stir(self) -> None:
        self._quiet.clear()
        self._wake.set()

    def _settle(self) -> None:
        if self._doing is None and not self._wake.is_set():
            self._quiet.set()

    def _begin(self) -> None:
        """One transaction for all that waits, with a snapshot of the engine where one is due; none while one is
        under way, or where the disk fails."""
        while self._doing is None and self._defect is None and not self._blocked and (self._queue or self._held):
            facts, thens = self._taken()
            if not facts:
                _go_on(thens)
                continue
            self._quiet.clear()
            doing = _Transaction(facts, thens)
            doing.writing = self._put(facts, partial(self._written, doing))
            self._doing = doing
            if self._guard is None:
                self._guard = asyncio.get_running_loop().call_later(HANGS_S, self._mind_disk)

    def _taken(self) -> tuple[list[Fact], list[Then]]:
        facts, self._held = self._held, []
        thens = []
        while self._queue:
            more, then = self._queue.popleft()
            facts.extend(more)
            thens.append(then)
        return facts, thens

    def _put(self, facts: list[Fact], then: Then) -> "asyncio.Future[int]":
        # The engine has handled exactly the events of these facts: every decision is committed before the next.
        if not self.saving.due(facts):
            return self._live.put(facts, then=then)
        at = facts[-1].at
        state = self._encode_state()
        writing = self._live.put(facts, state=state, at=at, meta=self._telling.anchor, then=then)
        self.saving.saved(at)
        return writing

    def _written(self, doing: _Transaction) -> None:
        """A transaction has ended; one that hung is seen to when the disk is tried again."""
        if doing is not self._doing:
            return
        error = StoreUnavailable("it was stopped") if doing.writing.cancelled() else doing.writing.exception()
        try:
            if isinstance(error, StoreError):
                self._pending.keep(doing.facts)
                self._failed(error)
            elif error is not None:
                raise error
            self._release(doing)
        except Exception as defect:  # noqa: BLE001 - raised by run
            self._broken(defect)

    def _mind_disk(self) -> None:
        """Look whether a transaction hangs; one timer for all of them, as long as there are any."""
        self._guard, doing = None, self._doing
        if doing is None:
            return
        loop = asyncio.get_running_loop()
        left = doing.began + HANGS_S - loop.time()
        if left > 0:
            self._guard = loop.call_later(left, self._mind_disk)
        else:
            self._hangs(doing)

    def _hangs(self, doing: _Transaction) -> None:
        """A transaction has not ended in time: nobody waits for it any longer."""
        self._hung = doing
        self._failed(StoreUnavailable(f"the disk has not answered for {HANGS_S:g} s"))
        try:
            self._release(doing)
        except Exception as defect:  # noqa: BLE001 - raised by run
            self._broken(defect)

    def _broken(self, defect: Exception) -> None:
        """Nothing leaves after a defect, be it of the file or of what follows a commit: ``run`` raises it."""
        self._defect = defect
        self._stir()

    def _release(self, doing: _Transaction) -> None:
        """Those who waited go on; where the disk fails all, as far as ``may_send`` lets them."""
        thens = doing.thens
        self._doing = None
        if self._blocked:
            more, behind = self._taken()
            self._pending.keep(more)
            thens = thens + behind
        _go_on(thens)
        self._begin()
        self._settle()

    # -- a disk that fails ------------------------------------------------------------------------------------------

    async def _try_again(self) -> None:
        self._pending.keep(self._held)
        self._held = []
        if self._unusable or self._clock() - self._tried_at < TRY_AGAIN_S:
            return
        if self._hung is not None and not self._hung_ended(self._hung):
            return
        try:
            while facts := self._pending.head():
                await self._live.put(facts)
                self._pending.written(len(facts))
                self.saving.count(len(facts))
        except StoreError as error:
            self._failed(error)
            return
        self.failing = ""
        self.saving.owed = True  # some of what waited is explained by a snapshot only
        self._telling.log.warning("store_back", text="the state file takes writes again; what waited is written")

    def _hung_ended(self, hung: _Transaction) -> bool:
        """Whether the transaction that hung has ended; what it did not write goes first."""
        if not hung.writing.done():
            self._tried_at = self._clock()
            return False
        self._hung = None
        if hung.writing.cancelled() or hung.writing.exception() is not None:
            self._pending.put_back(hung.facts)
        return True

    def _failed(self, error: StoreError) -> None:
        self._tried_at = self._clock()
        unusable = isinstance(error, StoreUnusable)
        if not self.failing or (unusable and not self._unusable):
            self._telling.log.error("store_unavailable", text=str(error))
        self._unusable = self._unusable or unusable
        self.failing = str(error)


def _go_on(thens: Sequence[Then]) -> None:
    for then in thens:
        then()
