"""The store in real time: off the event loop, and one commit for all who wait.

Each transaction is one hop into aiosqlite's thread. While one is under way, later callers queue up; the
next transaction takes them all, so that a hundred waiting creates cost one fsync. Order is kept.
"""

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Self, TypeVar

import aiosqlite

from gridbot_tui.engine.actions import Fact
from gridbot_tui.store.codec import Batch, batch
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError, StoreUnavailable
from gridbot_tui.store.identity import Identity
from gridbot_tui.units import Ms

T = TypeVar("T")

MAX_WAITING = 10_000
"""Batches that may wait for one commit; more means that the disk has stopped."""


class _Hop(aiosqlite.Connection):
    """A connection that runs a whole function in its thread; aiosqlite offers only single statements."""

    def __init__(self, connector: Callable[[], sqlite3.Connection]) -> None:
        super().__init__(connector, iter_chunk_size=64)
        self._thread.daemon = True  # a process that dies of an error must not hang on its store

    async def run(self, work: Callable[[], T]) -> T:
        result: T = await self._execute(work)  # type: ignore[no-untyped-call]
        return result


class LiveStore:
    """A ``Store`` in its own thread; every method resolves when its work is durable."""

    def __init__(self, hop: _Hop, store: Store) -> None:
        """Use ``await LiveStore.open(...)``."""
        self._hop = hop
        self._store = store
        self._waiting: list[tuple[Batch, asyncio.Future[int]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._closed = False
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
                store = Store.open(path, durable=durable, identity=identity, if_damaged=if_damaged)
            except Exception as error:  # noqa: BLE001 - raised again below
                opened.append(error)
                return sqlite3.connect(":memory:")
            opened.append(store)
            return store.connection

        hop = await _Hop(connector)
        assert isinstance(hop, _Hop)
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
        if self._closed:
            raise StoreUnavailable("The store is closed; nothing more can be written.")
        if len(self._waiting) >= MAX_WAITING:
            raise StoreUnavailable(f"{self._store.path}: {MAX_WAITING} batches wait for the disk already.")
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self._waiting.append((batch(facts, state, at, meta), done))
        if self._writer is None:
            self._writer = asyncio.create_task(self._write_waiting(), name="store writer")
        return await done

    async def _write_waiting(self) -> None:
        """Write until nobody waits."""
        try:
            while self._waiting:
                group, self._waiting = self._waiting, []
                await self._write_group(group)
        finally:
            self._writer = None
            for _, done in self._waiting:  # only when this task was cancelled
                if not done.done():
                    done.set_exception(
                        StoreUnavailable("The store's writer was stopped; nothing was written.")
                    )

    async def _write_group(self, group: list[tuple[Batch, "asyncio.Future[int]"]]) -> None:
        try:
            seqs = await self._hop.run(partial(self._store.write, [each for each, _ in group]))
        except (StoreError, sqlite3.Error, ValueError, OverflowError) as error:
            if len(group) > 1 and not isinstance(error, StoreError):
                # A defect in one batch must not take its neighbours along.
                for each in group:
                    await self._write_group([each])
                return
            for _, done in group:
                if not done.done():
                    done.set_exception(error)
            return
        except BaseException as error:
            for _, done in group:
                if not done.done():
                    done.set_exception(
                        StoreUnavailable(f"The store's writer was stopped in mid-write ({error!r}).")
                    )
            raise
        self.commits += 1
        for (_, done), seq in zip(group, seqs, strict=True):
            if not done.done():
                done.set_result(seq)

    async def run(self, work: Callable[[Store], T]) -> T:
        """Anything else a Store can do, in its thread: ``await live.run(lambda s: s.fills(limit=20))``."""
        return await self._hop.run(partial(work, self._store))

    async def close(self) -> None:
        """Write what waits, note the orderly end, close the file and end the thread."""
        if self._closed:
            return
        self._closed = True
        if self._writer is not None:
            await asyncio.wait([self._writer])
        try:
            await self._hop.run(self._store.mark_closed)
        finally:
            await self._hop.close()
