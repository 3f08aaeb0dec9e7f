"""The store in real time: off the event loop, and one commit for all who wait.

A transaction begins in the moment it is asked for, in aiosqlite's thread, unless one is under way; later callers
queue up, and the next transaction takes them all, so that a hundred waiting creates cost one fsync. Order is kept.
Nothing but the thread stands between a caller and the disk: each turn of the event loop would be one more wait
for an order whose intent must be durable first. Nor does it wait for the tables that queries read: they follow with
the next transaction, or ``TABLES_S`` later, and are up to date for every query asked here.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Literal, Self, TypeVar

import aiosqlite

from gridbot_tui.engine.actions import Fact
from gridbot_tui.store.codec import Batch, batch
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError, StoreUnavailable
from gridbot_tui.store.identity import Identity
from gridbot_tui.units import Ms

T = TypeVar("T")
_Then = Callable[[], None]
_Asked = tuple[Batch, "asyncio.Future[int]", _Then | None]

TABLES_S = 0.004
"""So much after a transaction the tables follow it: its orders have left by then."""
MAX_WAITING = 10_000
"""Batches that may wait for one commit; more means that the disk has stopped."""


class Hop(aiosqlite.Connection):
    """A connection that runs a whole function in its thread; aiosqlite offers only single statements."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True  # a process that dies of an error must not hang on its store

    async def run(self, work: Callable[[], T]) -> T:
        result: T = await self._execute(work)  # type: ignore[no-untyped-call]
        return result

    def soon(self, work: Callable[[], None]) -> None:
        """Have ``work`` run in the thread, after what was asked for before; it tells of its end itself.

        Raises:
            ValueError: the connection is closed.
        """
        if not self._running or not self._connection:
            raise ValueError("Connection closed")
        self._tx.put_nowait((None, work))


class LiveStore:
    """A ``Store`` in its own thread; every method resolves when its work is durable."""

    def __init__(self, hop: Hop, store: Store) -> None:
        """Use ``await LiveStore.open(...)``."""
        self._hop = hop
        self._store = store
        self._waiting: list[_Asked] = []
        self._writing: list[_Asked] = []
        """What the transaction under way writes."""
        self._word: _Word | None = None
        """Where its end is told."""
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed = False
        self._task: asyncio.Task[None] | None = None
        self._following: asyncio.TimerHandle | None = None
        self._defect: Exception | None = None
        """What made it impossible to bring the tables up to a fact."""
        self.commits = 0
        """Transactions of facts so far (fewer than batches where commits were shared)."""

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        durable: bool,
        identity: Identity,
        if_damaged: Literal["refuse", "set_aside"] = "refuse",
    ) -> Self:
        """As ``Store.open``, in the store's thread."""
        opened: list[Store | Exception] = []

        def connector() -> sqlite3.Connection:
            # An error here would leave aiosqlite's thread to end after the loop has closed: it is kept, the
            # thread is ended in order with a stand-in, and the error raised then.
            try:
                store = Store.open(path, durable=durable, identity=identity, if_damaged=if_damaged, lags=True)
            except Exception as error:  # noqa: BLE001 - raised again below
                opened.append(error)
                return sqlite3.connect(":memory:")
            opened.append(store)
            return store.connection

        hop = await Hop(connector)
        assert isinstance(hop, Hop)
        (found,) = opened
        if isinstance(found, Exception):
            await hop.close()
            raise found
        return cls(hop, found)

    @property
    def was_clean(self) -> bool:
        """False where the last run ended without ``close``."""
        return self._store.was_clean

    @property
    def unprojected(self) -> int:
        """Facts of the journal that the tables could not take when the file was opened."""
        return self._store.unprojected

    @property
    def last_seq(self) -> int:
        """Sequence number of the latest fact that is durable."""
        return self._store.last_seq

    async def append(
        self,
        facts: Sequence[Fact],
        *,
        state: bytes | None = None,
        at: Ms | None = None,
        meta: dict[str, str] | None = None,
    ) -> int:
        """As ``Store.append``; returns when the batch is durable. Batches are written in order of the calls.

        A cancelled caller stops waiting; its facts are written all the same.

        Raises:
            StoreUnavailable: none of these facts is written; keep them and try again.
            UnwritableFact: raised at once, nothing is queued.
        """
        return await self.put(facts, state=state, at=at, meta=meta)

    def put(
        self,
        facts: Sequence[Fact],
        *,
        state: bytes | None = None,
        at: Ms | None = None,
        meta: dict[str, str] | None = None,
        then: _Then | None = None,
    ) -> "asyncio.Future[int]":
        """``append`` for those who do not wait: what it would return or raise comes with the future.

        ``then`` is called once that is done, in the turn in which the thread tells of it: a callback of the future
        would be a turn later, and an order waits for this.

        Raises:
            UnwritableFact: nothing is queued.
        """
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        if self._closed:
            done.set_exception(StoreUnavailable("The store is closed; nothing more can be written."))
        elif self._defect is not None:
            done.set_exception(self._defect)
        elif len(self._waiting) + len(self._writing) >= MAX_WAITING:
            why = f"{self._store.path}: {MAX_WAITING} batches wait for the disk already."
            done.set_exception(StoreUnavailable(why))
        else:
            self._waiting.append((batch(facts, state, at, meta), done, then))
            if not self._writing:
                self._begin()
            return done
        if then is not None:
            asyncio.get_running_loop().call_soon(then)
        return done

    def _begin(self) -> None:
        """One transaction for all who wait."""
        self._writing, self._waiting = self._waiting, []
        self._idle.clear()
        loop, word = asyncio.get_running_loop(), _Word()
        self._word = word

        def told() -> None:
            loop.call_soon_threadsafe(self._ended, word)

        try:
            self._hop.soon(partial(_write, self._store, [each for each, _, _ in self._writing], word, told))
        except ValueError as error:  # the thread has ended: nobody else will tell
            word.error = StoreUnavailable(f"The store's thread has ended ({error}).")
            self._ended(word)

    def wait(self, most_s: float) -> bool:
        """Wait up to so long for the transaction under way, in the loop's own thread: nothing else is done meanwhile.

        True: it is over, and those it was for were told. The thread has the interpreter to itself until then, and
        no turn of the loop is between the disk and an order.
        """
        word = self._word
        if word is None or not word.over.acquire(timeout=most_s):
            return False
        self._ended(word)
        return True

    def _ended(self, word: "_Word") -> None:
        """A transaction is over: tell those it was for, and go on with those who came meanwhile."""
        if word is not self._word:
            return  # it was waited for
        self._word = None
        seqs, error = word.seqs, word.error
        group, self._writing = self._writing, []
        if seqs is None and len(group) > 1 and not isinstance(error, StoreError):
            # A defect in one batch must not take its neighbours along: each is tried alone, before what came later.
            self._writing = group
            self._task = asyncio.create_task(self._one_by_one(group), name="store: one by one")
            return
        self.commits += seqs is not None
        try:
            for number, (_, done, then) in enumerate(group):
                _tell(done, None if seqs is None else seqs[number], error, then)
        finally:  # whoever was told may raise: those who wait are written all the same
            self._go_on()
            if seqs is not None:
                self._follow()

    async def _one_by_one(self, group: list[_Asked]) -> None:
        try:
            for each, done, then in group:
                try:
                    (seq,) = await self._hop.run(partial(self._store.write, [each]))
                except (StoreError, sqlite3.Error, ValueError, OverflowError) as error:
                    _tell(done, None, error, then)
                else:
                    self.commits += 1
                    _tell(done, seq, None, then)
        finally:
            for _, done, then in group:  # only where this was stopped in the middle
                if not done.done():
                    _tell(done, None, StoreUnavailable("The store's writer was stopped in mid-write."), then)
            self._writing = []
            self._go_on()

    def _go_on(self) -> None:
        if self._writing:
            return  # whoever was told has asked for the next one already
        if self._waiting:
            self._begin()
        else:
            self._idle.set()

    # -- tables ----------------------------------------------------------------------------------------

    def _follow(self) -> None:
        if self._following is None and not self._closed:
            self._following = asyncio.get_running_loop().call_later(TABLES_S, self._catch_up)

    def _catch_up(self) -> None:
        """Bring the tables up to what was written, behind whatever the thread does now."""
        self._following = None
        loop = asyncio.get_running_loop()

        def failed(defect: Exception) -> None:
            loop.call_soon_threadsafe(self._failed, defect)

        try:
            self._hop.soon(partial(_catch_up, self._store, failed))
        except ValueError:
            return  # closed meanwhile, and by that brought up

    def _failed(self, defect: Exception) -> None:
        """Tables that cannot follow the journal are a defect of ours: nothing more is taken."""
        self._defect = defect

    async def run(self, work: Callable[[Store], T]) -> T:
        """Anything else a Store can do, in its thread: ``await live.run(lambda s: s.fills(limit=20))``."""
        return await self._hop.run(partial(_caught_up, self._store, work))

    async def close(self) -> None:
        """Write what waits, note the orderly end, close the file and end the thread."""
        if self._closed:
            return
        self._closed = True
        await self._idle.wait()
        if self._following is not None:
            self._following.cancel()
        try:
            await self._hop.run(self._store.mark_closed)
        finally:
            await self._hop.close()


class _Word:
    """What became of a transaction."""

    __slots__ = ("error", "over", "seqs")

    def __init__(self) -> None:
        self.seqs: list[int] | None = None
        self.error: BaseException | None = None
        self.over = Lock()
        """Held until it is told."""
        self.over.acquire()


def _write(store: Store, batches: list[Batch], word: _Word, told: Callable[[], object]) -> None:
    """In the store's thread: one transaction, and word of it to the loop."""
    try:
        word.seqs = store.journal(batches)
    except BaseException as error:  # noqa: BLE001 - whoever waits gets it, whatever it is
        word.error = error
    word.over.release()
    told()


def _catch_up(store: Store, failed: Callable[[Exception], object]) -> None:
    """In the store's thread: the tables, where no transaction has taken them along."""
    try:
        store.catch_up()
    except StoreError:
        return  # the next transaction begins with it, and tells of a disk that fails
    except Exception as error:  # noqa: BLE001 - raised by whoever writes next
        failed(error)


def _caught_up(store: Store, work: Callable[[Store], T]) -> T:
    """In the store's thread: a query must find what was written before it was asked."""
    try:
        store.catch_up()
    except StoreError:
        pass  # it reads what there is; whoever writes next is told of the disk
    return work(store)


def _tell(done: "asyncio.Future[int]", seq: int | None, error: BaseException | None, then: _Then | None) -> None:
    """What became of a batch; its future is left as it is where nobody waits any more."""
    if done.done():
        pass
    elif seq is not None:
        done.set_result(seq)
    else:
        done.set_exception(error if error is not None else StoreUnavailable("Nothing was written."))
    if then is not None:
        then()
