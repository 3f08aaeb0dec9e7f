"""Where commands are journalled: known by their id, written before they act, and with what became of them."""

import asyncio
import sqlite3
from collections.abc import Callable
from typing import Any, Final, Protocol

from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import Ms

WAIT_S: Final = 2.0
"""A disk that has not taken a command by then does not answer."""

TWICE: Final = "a command of this id was received before"

Then = Callable[[], None]
Told = Callable[[str], None]
"""Hears why something was not written."""


class CommandLog(Protocol):
    """Journals commands. Nothing of it blocks for long."""

    def known(self, command_id: str) -> bool:
        """Whether a command of this id was journalled before."""
        ...

    def begin(
        self, command_id: str, at: Ms, kind: str, body: str, then: Then, failed: Told, *, urgent: bool
    ) -> None:
        """Write a command, then call ``then``; ``failed`` instead where it cannot be written.

        ``urgent``: where writing takes time, ``then`` is called at once, and ``failed`` never.
        """
        ...

    def end(self, command_id: str, outcome: str, failed: Told) -> None:
        """Write what became of a command."""
        ...


class InlineCommands:
    """In virtual time: written in line."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def known(self, command_id: str) -> bool:
        """See ``CommandLog``."""
        return _known(self._store, command_id)

    def begin(
        self, command_id: str, at: Ms, kind: str, body: str, then: Then, failed: Told, *, urgent: bool
    ) -> None:
        """See ``CommandLog``."""
        try:
            new = self._store.remember_command(command_id, at, kind, body)
        except (StoreError, sqlite3.Error) as error:
            if not urgent:
                failed(str(error))
                return
            new = True
        if new:
            then()
        else:
            failed(TWICE)

    def end(self, command_id: str, outcome: str, failed: Told) -> None:
        """See ``CommandLog``."""
        try:
            self._store.finish_command(command_id, outcome)
        except (StoreError, sqlite3.Error) as error:
            failed(str(error))


class LiveCommands:
    """In real time: written by the store's thread, while the loop goes on."""

    def __init__(self, live: LiveStore, reads: Store) -> None:
        """``reads``: a connection of the loop's own; readers wait for no writer."""
        self._live = live
        self._reads = reads
        self._tasks: set[asyncio.Future[Any]] = set()
        """Commands that are being written, and writes that the disk still owes an answer."""

    def known(self, command_id: str) -> bool:
        """See ``CommandLog``."""
        return _known(self._reads, command_id)

    def begin(
        self, command_id: str, at: Ms, kind: str, body: str, then: Then, failed: Told, *, urgent: bool
    ) -> None:
        """See ``CommandLog``."""
        def work(store: Store) -> bool:
            return store.remember_command(command_id, at, kind, body)

        if urgent:
            self._later(work, _nothing, _unheard)  # it has its place in line: what comes of it may be known at once
            then()
        else:
            self._later(work, then, failed)

    def end(self, command_id: str, outcome: str, failed: Told) -> None:
        """See ``CommandLog``."""
        self._later(lambda store: store.finish_command(command_id, outcome), _nothing, failed)

    async def drain(self, seconds: float) -> None:
        """Until everything is written, or for so long."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    def _later(self, work: Callable[[Store], object], then: Then, failed: Told) -> None:
        task = asyncio.create_task(self._write(work, then, failed), name="command journal")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _heard_out(self, writing: asyncio.Future[object]) -> None:
        """A write has ended, be it long after somebody waited for it."""
        self._tasks.discard(writing)
        if not writing.cancelled():
            writing.exception()  # ``_write`` has told of it, or that the disk did not answer in time

    async def _write(self, work: Callable[[Store], object], then: Then, failed: Told) -> None:
        writing = asyncio.ensure_future(self._live.run(work))
        self._tasks.add(writing)
        writing.add_done_callback(self._heard_out)
        try:
            async with asyncio.timeout(WAIT_S):
                done = await asyncio.shield(writing)
        except TimeoutError:
            failed(f"the disk has not answered for {WAIT_S:g} s")
        except (StoreError, sqlite3.Error, ValueError) as error:  # ValueError: the store was closed meanwhile
            failed(str(error))
        else:
            if done is False:
                failed(TWICE)
            else:
                then()


def _known(store: Store, command_id: str) -> bool:
    try:
        return store.command(command_id) is not None
    except (StoreError, sqlite3.Error):
        return False  # not known to be: writing it will tell


def _nothing() -> None:
    """Nothing follows."""


def _unheard(text: str) -> None:
    """What lowers risk is carried out all the same; that the disk fails is told by the journal."""
