"""The writer: one synchronous connection, one transaction a call.

Virtual time runs it in line; real time runs it in aiosqlite's thread (``store.live``). There the journal is written
first and the tables that queries read follow in a transaction of their own: an order waits for the one only. The file
remembers how far its tables have come, and whoever opens it brings them up to its journal.
"""

import sqlite3
import zlib
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, Self, TypeVar

import msgspec

from gridbot_tui.engine.actions import Fact
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.store import database, retention
from gridbot_tui.store.codec import KIND_NAMES, Batch, batch, compact, decode
from gridbot_tui.store.errors import StoreDamaged, StoreForeign, StoreUnavailable, classed, damaged, other_version
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.projections import only_new, project
from gridbot_tui.store.queries import TABLES_AT, Queries
from gridbot_tui.store.rows import SavedState
from gridbot_tui.units import Ms, Symbol

STATES_KEPT = 3
"""Snapshots kept: two to fall back on if the newest cannot be decoded."""
_JOURNAL = "INSERT INTO journal VALUES (?, ?, ?, ?)"
_STATE = "INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?)"
_META = "INSERT OR REPLACE INTO meta VALUES (?, ?)"
_CONFIG = "INSERT INTO config_versions VALUES (?, ?, ?, ?) ON CONFLICT (version) DO NOTHING"
_COMMAND = "INSERT INTO commands VALUES (?, ?, ?, ?, NULL) ON CONFLICT (id) DO NOTHING"
_INSTRUMENT_NOW = "SELECT body FROM instruments WHERE symbol = ? ORDER BY since DESC LIMIT 1"

T = TypeVar("T")
_Numbered = list[tuple[int, Fact]]


class Restored:
    """What a start is built from: snapshots, newest first, and the facts since any of them."""

    __slots__ = ("_facts", "last_seq", "states")

    def __init__(
        self, states: tuple[SavedState, ...], last_seq: int, facts: Callable[[int], list[Fact]]
    ) -> None:
        """Made by ``Store.load``."""
        self.states = states
        """Newest first; those whose checksum fails are left out. Empty before the first snapshot."""
        self.last_seq = last_seq
        self._facts = facts

    def facts_after(self, seq: int) -> list[Fact]:
        """The facts after a snapshot's ``seq`` (0 = all), in order.

        Raises:
            StoreDamaged: an entry cannot be read.
        """
        return self._facts(seq)


class Store(Queries):
    """The state file of one profile, open for writing. One at a time: the profile's lock sees to that."""

    def __init__(self, connection: sqlite3.Connection, path: Path, identity: Identity) -> None:
        """Use ``Store.open``."""
        super().__init__(connection, path)
        self.identity = identity
        self.last_seq = 0
        """Sequence number of the latest fact written."""
        self.was_clean = True
        """False where the last run ended without ``close``."""
        self.set_aside: Path | None = None
        """Where a damaged file was moved to by this ``open``."""
        self.duplicates: deque[Fact] = deque(maxlen=100)
        """Latest fills and cash entries that were already written, hence ignored."""
        self.duplicate_count = 0
        self.unprojected = 0
        """Facts of the journal that the tables could not take when the file was opened."""
        self._slots: deque[int] = deque(maxlen=STATES_KEPT)
        self._behind: _Numbered = []
        """Journalled facts that the tables do not show yet, with their numbers."""
        self._lags = False

    @classmethod
    def open(
        cls,
        path: Path,
        *,
        durable: bool,
        identity: Identity,
        if_damaged: Literal["refuse", "set_aside"] = "refuse",
        lags: bool = False,
    ) -> Self:
        """Open or create the file, checked, migrated and recognised as this profile's.

        Args:
            path: the file; its folder must exist.
            durable: every commit survives power loss (testnet, live); otherwise it survives the process.
            identity: whose state it must be.
            if_damaged: ``set_aside`` renames a damaged file and starts an empty one.
            lags: ``journal`` will be used.

        Raises:
            StoreUnavailable: it cannot be opened now.
            StoreDamaged, StoreTooNew, StoreForeign: it must not be used.
        """
        aside: Path | None = None
        try:
            store = cls(database.connect(path, durable=durable), path, identity)
        except StoreDamaged:
            if if_damaged != "set_aside":
                raise
            aside = database.set_aside(path)
            store = cls(database.connect(path, durable=durable), path, identity)
        store.set_aside = aside
        store._lags = lags
        try:
            store._begin()
        except BaseException:
            store._connection.close()
            raise
        return store

    def _begin(self) -> None:
        """Recognise the profile, find the end of the journal, and mark the file as in use."""
        there = self.whose()
        if there is not None and there != self.identity:
            raise StoreForeign(
                f"{self.path}: this state is that of {there}, not of {self.identity}; "
                f"choose the profile with --profile or --home."
            )
        end = self._one("SELECT max(seq) FROM journal")
        newest = self._one("SELECT max(seq) FROM state")
        self.last_seq = max((row[0] or 0) for row in (end, newest) if row)
        for (slot,) in self._all("SELECT slot FROM state ORDER BY seq, slot"):
            self._slots.append(slot)
        self.was_clean = self.get_meta("in_use") != "1"
        self._transact(self._put_all, (("identity", compact(self.identity).decode()), ("in_use", "1")))
        self._bring_up()

    def _bring_up(self) -> None:
        """Bring the tables up to the journal, where the last run died between the two."""
        known = self.tables_at()
        if known is not None:
            self._lags = True
            self._behind = list(enumerate(self.facts_after(known), start=known + 1))
        elif self._lags:
            self.put_meta(TABLES_AT, str(self.last_seq))
        try:
            self.catch_up()
        except (sqlite3.Error, ValueError, TypeError, OverflowError):
            self._catch_up_singly()

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection, for the thread that runs this store."""
        return self._connection

    # -- writing ---------------------------------------------------------------------------------------

    def append(
        self,
        facts: Sequence[Fact],
        *,
        state: bytes | None = None,
        at: Ms | None = None,
        meta: dict[str, str] | None = None,
    ) -> int:
        """Write facts, and with them the engine's snapshot after them and small values, in one transaction.

        A fill or cash entry that was written before is left out and counted in ``duplicates``.

        Returns:
            The sequence number of the latest fact.

        Raises:
            StoreUnavailable: nothing was written; keep the facts and try again.
            UnwritableFact: a fact holds what cannot be read back; nothing was written.
        """
        return self.write((batch(facts, state, at, meta),))[0]

    def write(self, batches: Sequence[Batch]) -> list[int]:
        """Write several batches in order in one transaction; the last sequence number of each."""
        return self.journal(batches, tables=True)

    def journal(self, batches: Sequence[Batch], *, tables: bool = False) -> list[int]:
        """As ``write``, but without ``tables`` these show the facts only with the next transaction, or ``catch_up``."""
        before = self.last_seq
        try:
            seqs, behind, ignored = self._transact(self._write, batches, tables)
        except BaseException:
            self.last_seq = before
            raise
        self._behind = behind
        self.duplicates.extend(ignored)
        self.duplicate_count += len(ignored)
        return seqs

    def _write(self, batches: Sequence[Batch], tables: bool) -> tuple[list[int], _Numbered, list[Fact]]:
        """Numbers, the facts that the tables do not show yet, and those that were written before."""
        connection, seq = self._connection, self.last_seq
        self._project_behind()
        is_new = partial(project, connection) if tables else only_new(connection)
        behind: _Numbered = []
        ignored: list[Fact] = []
        seqs: list[int] = []
        for each in batches:
            entries: list[tuple[int, Ms, str, bytes]] = []
            for fact, body in each.facts:
                if is_new(seq + 1, fact):
                    seq += 1
                    entries.append((seq, fact.at, type(fact).__name__, body))
                    behind.append((seq, fact))
                else:
                    ignored.append(fact)
            connection.executemany(_JOURNAL, entries)
            if each.state is not None:
                self._write_state(seq, each.state_at, each.state)
            if each.meta:
                self._put_all(each.meta)
            seqs.append(seq)
        if tables:
            behind = []
            self._note_tables(seq)
        self.last_seq = seq
        return seqs, behind, ignored

    def catch_up(self) -> None:
        """Bring the tables up to the journal.

        Raises:
            StoreUnavailable: not now; the next transaction does it.
        """
        if self._behind:
            self._transact(self._project_behind)
            self._behind = []

    def _project_behind(self) -> None:
        if self._behind:
            for seq, fact in self._behind:
                project(self._connection, seq, fact)
            self._note_tables(self._behind[-1][0])

    def _note_tables(self, seq: int) -> None:
        if self._lags:
            self._put_all(((TABLES_AT, str(seq)),))

    def _catch_up_singly(self) -> None:
        """A fact that the tables cannot take must not keep a bot from starting: the journal has it, and counts."""
        behind, self._behind = self._behind, []
        for each in behind:
            self._behind = [each]
            try:
                self.catch_up()
            except (sqlite3.Error, ValueError, TypeError, OverflowError):
                self.unprojected += 1
        self._behind = []
        self._transact(self._note_tables, self.last_seq)

    def _write_state(self, seq: int, at: Ms, blob: bytes) -> None:
        """Overwrite the oldest of the slots."""
        slot = len(self._slots) if len(self._slots) < STATES_KEPT else self._slots[0]
        self._connection.execute(_STATE, (slot, seq, at, zlib.crc32(blob), blob))
        self._slots.append(slot)

    def save_state(self, seq: int, at: Ms, blob: bytes) -> None:
        """Keep the engine's snapshot as of journal entry ``seq``; the latest three are kept."""
        self._transact(self._write_state, seq, at, blob)

    def put_meta(self, key: str, value: str) -> None:
        """Keep a small value by name."""
        self._transact(self._put_all, ((key, value),))

    def _put_all(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._connection.executemany(_META, pairs)

    def add_config(self, version: int, at: Ms, text: str, source: str) -> None:
        """Remember a config version; one that is known keeps its first text."""
        self._transact(self._connection.execute, _CONFIG, (version, at, source, text))

    def remember_command(self, command_id: str, at: Ms, kind: str, body: str) -> bool:
        """Journal a command before it is carried out; False where its id is known already."""
        done = self._transact(self._connection.execute, _COMMAND, (command_id, at, kind, body))
        return done.rowcount != 0

    def finish_command(self, command_id: str, outcome: str) -> None:
        """Keep what became of a command."""
        sql = "UPDATE commands SET outcome = ? WHERE id = ?"
        self._transact(self._connection.execute, sql, (outcome, command_id))

    def remember_instruments(self, at: Ms, instruments: Iterable[Instrument]) -> int:
        """Keep each instrument that differs from what is known of its symbol; how many did."""
        return self._transact(self._remember_instruments, at, tuple(instruments))

    def _remember_instruments(self, at: Ms, instruments: tuple[Instrument, ...]) -> int:
        changed = 0
        for instrument in instruments:
            body = compact(instrument)
            if self._one(_INSTRUMENT_NOW, (instrument.symbol,)) != (body,):
                row = (instrument.symbol, at, body)
                self._connection.execute("INSERT OR REPLACE INTO instruments VALUES (?, ?, ?)", row)
                changed += 1
        return changed

    # -- start, upkeep, end ----------------------------------------------------------------------------

    def load(self) -> Restored | None:
        """What to start from; None where nothing was ever written. Cost does not grow with history."""
        if self.last_seq == 0 and not self._slots:
            return None
        found = self._all("SELECT seq, at, crc, blob FROM state ORDER BY seq DESC, at DESC")
        states = tuple(SavedState(seq, at, blob) for seq, at, crc, blob in found if zlib.crc32(blob) == crc)
        if found and not states:
            raise damaged(self.path, "no snapshot of the engine has its checksum")
        return Restored(states, self.last_seq, self.facts_after)

    def facts_after(self, seq: int) -> list[Fact]:
        """The journal after ``seq``, in order.

        Raises:
            StoreDamaged: one of them is missing or cannot be read.
            StoreTooNew: one is of a kind that this version does not know.
        """
        return self._facts(seq, self._all("SELECT seq, kind, body FROM journal WHERE seq > ? ORDER BY seq", (seq,)))

    def facts_until(self, seq: int, most: int) -> list[Fact]:
        """The journal up to ``seq``, in order: the last ``most`` entries, or as many as were not let go of yet.

        Raises:
            StoreDamaged: one between them is missing or cannot be read.
            StoreTooNew: one is of a kind that this version does not know.
        """
        sql = "SELECT seq, kind, body FROM journal WHERE seq > ? AND seq <= ? ORDER BY seq"
        found = self._all(sql, (max(0, seq - most), seq))
        return self._facts(found[0][0] - 1 if found else seq, found)

    def _facts(self, expected: int, found: Iterable[tuple[int, str, bytes]]) -> list[Fact]:
        facts: list[Fact] = []
        for number, kind, body in found:
            expected += 1
            if number != expected:
                raise damaged(self.path, f"journal entries {expected} to {number - 1} are missing")
            try:
                facts.append(decode(body))
            except msgspec.MsgspecError as error:
                if kind not in KIND_NAMES:
                    unknown = f"journal entry {number} is a {kind}, which is unknown here"
                    raise other_version(self.path, unknown) from error
                raise damaged(self.path, f"journal entry {number} cannot be read: {error}") from error
        return facts

    def prune(self, before: Ms) -> int:
        """Let go of what is older than ``before`` and not needed; rows deleted. See ``store.retention``."""
        self.catch_up()
        deleted = self._transact(retention.prune, self._connection, before)
        try:
            self._connection.execute(f"PRAGMA incremental_vacuum({retention.VACUUM_PAGES})").fetchall()
        except sqlite3.Error as error:
            raise classed(error, self.path) from error
        return deleted

    def backup(self, target: Path) -> Path:
        """A whole consistent copy at ``target``, on disk."""
        self.catch_up()
        try:
            return database.backup(self._connection, target)
        except (sqlite3.Error, OSError) as error:
            raise StoreUnavailable(f"{target}: the backup could not be written ({error}).") from error

    def mark_closed(self) -> None:
        """Note that this run ended in order."""
        self.catch_up()
        self.put_meta("in_use", "0")

    def close(self) -> None:
        """Note the orderly end and close. Errors of a failing disk are raised after the file is closed."""
        try:
            self.mark_closed()
        finally:
            self._connection.close()

    def _transact(self, work: Callable[..., T], *args: object) -> T:
        """Run ``work`` in one transaction; on any error nothing of it stays."""
        connection = self._connection
        slots = tuple(self._slots)
        try:
            connection.execute("BEGIN IMMEDIATE")
            result = work(*args)
            connection.execute("COMMIT")
        except BaseException as error:
            self._slots = deque(slots, maxlen=STATES_KEPT)
            self._roll_back()
            if isinstance(error, sqlite3.Error):
                raise classed(error, self.path) from error
            raise
        return result

    def _roll_back(self) -> None:
        if self._connection.in_transaction:
            try:
                self._connection.execute("ROLLBACK")
            except sqlite3.Error:
                pass  # the first error is the one to report; SQLite has rolled back by itself


def last_of(instruments: Iterable[tuple[Ms, Instrument]], at: Ms | None = None) -> dict[Symbol, Instrument]:
    """The instruments in force at ``at``, or the newest, of the history that ``Queries.instruments`` gives."""
    found: dict[Symbol, Instrument] = {}
    for since, instrument in instruments:
        if at is None or since <= at or instrument.symbol not in found:
            found[instrument.symbol] = instrument
    return found
