"""The file itself: opening, refusing, migrating, pruning, a disk that fails."""

import contextlib
import errno
import sqlite3
import stat
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gridbot_tui.engine.actions import StartFact
from gridbot_tui.engine.events import Outcome
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.service.operator.picture import Recent
from gridbot_tui.store import database, projections, schema
from gridbot_tui.store.core import Store, last_of
from gridbot_tui.store.errors import StoreDamaged, StoreForeign, StoreTooNew, StoreUnavailable
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.pending import PendingFacts
from gridbot_tui.store.reader import reading
from gridbot_tui.units import DAY, HOUR, Market, Mode
from tests.store import making as m

NOW = len(schema.MIGRATIONS)
NEXT = """
ALTER TABLE cash ADD COLUMN note TEXT NOT NULL DEFAULT ''; -- a step; with a comment
CREATE TABLE extra (x INTEGER) STRICT
"""


def test_an_older_file_is_migrated_after_a_backup_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = m.store(tmp_path)
    old.append([m.cash(1), m.intent(1)])
    old.close()
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, NEXT))
    new = m.store(tmp_path)
    assert new.connection.execute("SELECT note FROM cash").fetchall() == [("",)]
    assert new.facts_after(0) == [m.cash(1), m.intent(1)]
    new.close()
    saved = tmp_path / f"gridbot.db.v{NOW}.bak"
    assert stat.S_IMODE(saved.stat().st_mode) == 0o600
    backup = sqlite3.connect(saved)
    assert backup.execute("PRAGMA user_version").fetchone() == (NOW,)
    assert backup.execute("SELECT count(*) FROM journal").fetchone() == (2,)
    backup.close()


def test_fills_of_a_file_of_the_first_version_are_worth_price_times_quantity(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known, insert = schema.MIGRATIONS, projections._FILL
    monkeypatch.setattr(schema, "MIGRATIONS", known[:1])
    first = sqlite3.connect(tmp_path / "gridbot.db", isolation_level=None)
    database.migrate(first, tmp_path / "gridbot.db")
    first.execute(insert.replace(", ?)", ")"), (0, "BTCUSDT", "1", "gb-1", m.T0, 1, 600_000, 26, "0.312", "USDT", 1,
                                                "0", 1, "", "1.50", 1))  # fmt: skip
    first.close()
    monkeypatch.setattr(schema, "MIGRATIONS", known)
    store, booked = m.store(tmp_path), m.fill(2)
    store.append([msgspec.structs.replace(booked, fill=msgspec.structs.replace(booked.fill, quote=Decimal("1.1")))])
    assert [(row.trade_id, row.quote) for row in store.fills()] == [("2", Decimal("1.1")), ("1", None)]
    store.close()


def test_a_migration_that_fails_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    m.store(tmp_path).close()
    known = schema.MIGRATIONS
    monkeypatch.setattr(
        schema, "MIGRATIONS", (*known, "CREATE TABLE extra (x INTEGER); CREATE TABLE meta (x INTEGER)")
    )
    with pytest.raises(StoreDamaged, match="table meta already exists"):
        m.store(tmp_path)
    monkeypatch.setattr(schema, "MIGRATIONS", known)
    store = m.store(tmp_path)
    assert database.version_of(store.connection) == NOW
    assert store.connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'extra'").fetchall() == []
    store.close()


def test_a_file_of_a_newer_version_is_refused_and_not_touched(tmp_path: Path) -> None:
    m.store(tmp_path).close()
    path = tmp_path / "gridbot.db"
    raw = sqlite3.connect(path)
    raw.execute("PRAGMA user_version = 99")
    raw.close()
    before = path.read_bytes()
    with pytest.raises(StoreTooNew, match=r"schema 99.*upgrade"):
        m.store(tmp_path)
    with pytest.raises(StoreTooNew), reading(path):
        pass
    assert path.read_bytes() == before


def test_a_file_that_is_not_ours_is_refused(tmp_path: Path) -> None:
    raw = sqlite3.connect(tmp_path / "gridbot.db")
    raw.execute("CREATE TABLE theirs (x)")
    raw.close()
    with pytest.raises(StoreForeign, match="not gridbot's"):
        m.store(tmp_path)


def test_the_state_of_another_profile_is_refused(tmp_path: Path) -> None:
    m.store(tmp_path).close()
    other = Identity(Mode.LIVE, Market.SPOT, "acc2", "USDC")
    with pytest.raises(StoreForeign, match="sim futures acc1 USDT, not of live spot acc2 USDC"):
        Store.open(tmp_path / "gridbot.db", durable=True, identity=other)


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[4096 : 4096 * 6] = b"\xa5" * 4096 * 5
    path.write_bytes(content)


def test_a_damaged_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.fill(number) for number in range(200)])
    store.close()
    spoil(tmp_path / "gridbot.db")
    with pytest.raises(StoreDamaged, match="recovered from the exchange"):
        m.store(tmp_path)


def test_a_page_that_the_disk_fails_to_give_is_no_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = m.store(tmp_path)
    store.append([m.fill(number) for number in range(200)])
    store.close()
    spoil(tmp_path / "gridbot.db")  # SQLite says the same where a read fails
    open_it = Path.open

    def unread(path: Path, *words: Any, **more: Any) -> Any:
        if path.name == "gridbot.db":
            raise OSError(errno.EIO, "Input/output error")
        return open_it(path, *words, **more)

    monkeypatch.setattr(Path, "open", unread)
    with pytest.raises(StoreUnavailable, match=r"^the disk cannot read \S+gridbot.db"):
        m.store(tmp_path)


def test_a_file_without_its_version_is_refused_as_damaged(tmp_path: Path) -> None:
    m.store(tmp_path).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "gridbot.db")) as file:
        file.execute("PRAGMA user_version = 0")
    with pytest.raises(StoreDamaged, match="its schema version is gone"):
        m.store(tmp_path)


def test_a_file_that_is_newer_than_it_says_is_refused_as_damaged(tmp_path: Path) -> None:
    m.store(tmp_path).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "gridbot.db")) as file:
        file.execute(f"PRAGMA user_version = {NOW - 1}")
    with pytest.raises(StoreDamaged, match=rf"not those of schema {NOW - 1}.*recovered from the exchange"):
        m.store(tmp_path)


@pytest.mark.parametrize("table", sorted(schema.TABLES))
def test_a_file_that_lacks_a_table_is_refused_as_damaged_to_write_and_to_read(tmp_path: Path, table: str) -> None:
    m.store(tmp_path).close()
    path = tmp_path / "gridbot.db"
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute(f"DROP TABLE {table}")
    with pytest.raises(StoreDamaged, match=f"it lacks {table}.*recovered from the exchange"):
        m.store(tmp_path)
    with pytest.raises(StoreDamaged, match=f"it lacks {table}"), reading(path):
        pass


def test_what_is_no_database_is_refused_as_damaged(tmp_path: Path) -> None:
    (tmp_path / "gridbot.db").write_bytes(b"not a database at all, but long enough to look like one" * 50)
    with pytest.raises(StoreDamaged):
        m.store(tmp_path)


def test_a_damaged_file_is_set_aside_where_the_caller_says_so(tmp_path: Path) -> None:
    for number in (1, 2):
        store = m.store(tmp_path)
        store.append([m.fill(each) for each in range(200)])
        store.close()
        spoil(tmp_path / "gridbot.db")
        fresh = Store.open(tmp_path / "gridbot.db", durable=False, identity=m.ME, if_damaged="set_aside")
        assert fresh.set_aside == tmp_path / f"gridbot.db.damaged-{number}"
        assert fresh.set_aside.stat().st_size > 4096 * 6
        assert fresh.load() is None
        fresh.close()


def test_only_the_owner_can_read_the_file_and_its_wal(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1)])
    modes = {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    assert modes == {0o600}
    store.close()


def test_another_program_that_looks_into_the_file_does_not_take_the_wal_away(tmp_path: Path) -> None:
    path = tmp_path / "gridbot.db"
    writes, reads = m.store(tmp_path), m.store(tmp_path)  # a real run has two connections
    look = f"import sqlite3; c = sqlite3.connect({str(path)!r}); print(c.execute('SELECT 1 FROM meta').fetchone())"
    subprocess.run([sys.executable, "-S", "-c", look], check=True, stdout=subprocess.DEVNULL)
    assert path.with_name("gridbot.db-wal").exists()
    writes.append([m.intent(1)])
    with reading(path) as reader:
        assert reader.open_orders()
    reads.close()
    writes.close()


def test_a_folder_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="check its folder"):
        m.store(tmp_path / "nowhere")


def test_an_orderly_end_is_told_from_any_other(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    assert store.was_clean
    store.close()
    store = m.store(tmp_path)
    assert store.was_clean
    store.connection.close()  # as if killed
    store = m.store(tmp_path)
    assert not store.was_clean
    store.close()


@pytest.mark.parametrize("durable", [True, False])
def test_durability_is_what_was_asked_for(tmp_path: Path, durable: bool) -> None:
    store = m.store(tmp_path, durable=durable)
    assert store.connection.execute("PRAGMA synchronous").fetchone() == (2 if durable else 1,)
    assert store.connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert store.connection.execute("PRAGMA auto_vacuum").fetchone() == (2,)
    store.close()


def test_a_full_disk_writes_nothing_of_the_transaction_and_it_can_be_tried_again(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1)], state=b"first")
    pages = store.connection.execute("PRAGMA page_count").fetchone()[0]
    store.connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreUnavailable, match="disk is full"):
        store.append([m.intent(2), m.fill(2)], state=bytes(500_000))
    assert store.last_seq == 1
    assert store.fills() == []
    store.connection.execute("PRAGMA max_page_count = 1000000")
    assert store.append([m.intent(2), m.fill(2)], state=b"second") == 3
    restored = store.load()
    assert restored is not None
    assert [state.blob for state in restored.states] == [b"second", b"first"]
    store.close()


def test_a_lock_held_by_another_program_is_unavailable(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.connection.execute("PRAGMA busy_timeout = 20")
    other = sqlite3.connect(tmp_path / "gridbot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable, match=r"locked.*; free space or access is needed\.$"):
        store.append([m.intent(1)])
    other.execute("ROLLBACK")
    assert store.append([m.intent(1)]) == 1
    other.close()
    store.close()


def test_pruning_keeps_the_books_and_what_every_snapshot_needs(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.fill(1), m.report(1, Outcome.FILLED, filled=26), m.cash(1), m.weights(1)])
    store.append(
        [m.intent(2), m.report(2, Outcome.CANCELED), m.intent(3), m.decision(1), m.plan(1), m.plan(2)]
    )
    store.append([m.equity(m.T0 - m.T0 % HOUR + minute * 60_000) for minute in range(180)], state=b"a")
    covered = store.last_seq
    for number in range(10, 13):
        store.append([m.decision(number)], state=b"b")
    assert store.prune(m.T0 + DAY) > 180
    assert store.facts_after(covered + 1) == [m.decision(11), m.decision(12)]
    restored = store.load()
    assert restored is not None
    assert all(isinstance(restored.facts_after(state.seq), list) for state in restored.states)
    assert len(store.fills()) == len(store.cash()) == len(store.weights()) == 1
    assert {row.order.client_id for row in store.orders()} == {"gb-1", "gb-3"}
    assert [row.plan.epoch for row in store.plans()] == [2]
    assert len(store.equity()) == 3
    assert store.decisions() == []
    assert store.prune(m.T0 + DAY) == 0
    store.close()


def test_the_last_facts_are_those_that_were_kept_and_a_hole_among_them_is_damage(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.decision(number) for number in range(6)], state=b"a")
    store.append([m.decision(number) for number in range(6, 9)])
    assert store.facts_until(9, 4) == [m.decision(number) for number in range(5, 9)]
    assert store.facts_until(7, 3) == [m.decision(number) for number in range(4, 7)]
    store.prune(m.T0 + DAY)
    assert store.facts_until(9, 1_500) == [m.decision(number) for number in range(6, 9)]
    assert store.facts_until(6, 1_500) == []
    assert len(Recent.tail(store)) == 3  # an idle bot's start once took what was let go of for damage
    store.connection.execute("DELETE FROM journal WHERE seq = 8")
    with pytest.raises(StoreDamaged, match="8 to 8 are missing"):
        store.facts_until(9, 1_500)
    store.close()


def test_a_start_and_a_screen_read_no_table_from_end_to_end(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.fill(1), m.cash(1), m.plan(1), m.equity(m.T0)], state=b"x")
    asked: list[str] = []
    store.connection.set_trace_callback(asked.append)
    restored = store.load()
    assert restored is not None
    restored.facts_after(restored.states[0].seq)
    for question in (
        store.open_orders, store.last_trades, store.last_cash_at, store.modes, store.orders, store.fills,
        store.cash, store.decisions, store.equity, store.weights, store.configs,
        lambda: store.commands(open_only=True), lambda: store.plan(m.BTC), lambda: store.fills(m.BTC),
        lambda: store.decisions(m.BTC), lambda: store.order("gb-1"), lambda: store.orders(m.BTC),
    ):  # fmt: skip
        question()
    store.connection.set_trace_callback(None)
    assert len(asked) > 17
    for sql in asked:
        plan = [row[3] for row in store.connection.execute(f"EXPLAIN QUERY PLAN {sql}")]
        # A scan in the order of the key stops at its LIMIT; the small tables may be read whole.
        small = ("state", "modes", "last_trades")
        scans = [
            step
            for step in plan
            if step.startswith("SCAN") and "LIMIT" not in sql and "orders_open" not in step
        ]
        assert all(step.removeprefix("SCAN ").split()[0] in small for step in scans), (sql, plan)
        assert not any("TEMP B-TREE" in step and "LIMIT" in sql and "GROUP" not in sql for step in plan), (
            sql,
            plan,
        )
    store.close()


def test_nothing_of_the_journal_is_pruned_before_a_snapshot_covers_it(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.decision(number) for number in range(5)])
    store.prune(m.T0 + DAY)
    assert len(store.facts_after(0)) == 5
    store.close()


def test_sequence_numbers_go_on_after_the_whole_journal_was_pruned(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    for number in range(4):
        store.append([m.decision(number)], state=b"x")
    store.save_state(4, m.T0, b"y")
    store.save_state(4, m.T0, b"z")
    store.prune(m.T0 + DAY)
    store.close()
    store = m.store(tmp_path)
    assert store.append([m.decision(9)]) == 5
    store.close()


def test_a_reader_sees_what_is_committed_while_the_writer_writes(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.fill(1)])
    with reading(tmp_path / "gridbot.db") as reader:
        assert reader.identity == m.ME
        assert len(reader.fills()) == 1
        store.append([m.fill(2)])
        assert len(reader.fills()) == 2
        assert reader.fills()[1].purpose == "grid"
        with pytest.raises(StoreUnavailable, match="cannot be written"):
            reader._all("DELETE FROM fills")
    store.close()
    with reading(tmp_path / "gridbot.db") as reader:
        assert len(reader.fills()) == 2


def test_reading_a_profile_that_never_ran_says_so(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="has not run yet"), reading(tmp_path / "gridbot.db"):
        pass


def instrument(tick: str) -> Instrument:
    one = Decimal(1)
    return Instrument(
        m.BTC, Market.FUTURES, "BTC", "USDT", Decimal(tick), Decimal("0.001"), 1, 10**6, 10**5, Decimal(100),
        1, 10**9, one, one, 200,
    )  # fmt: skip


def test_a_changed_tick_size_is_kept_with_its_time(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    assert store.remember_instruments(10, [instrument("0.10")]) == 1
    assert store.remember_instruments(20, [instrument("0.10")]) == 0
    assert store.remember_instruments(30, [instrument("0.01")]) == 1
    history = store.instruments()
    assert [(since, each.tick) for since, each in history] == [(10, Decimal("0.10")), (30, Decimal("0.01"))]
    assert last_of(history, 29)[m.BTC].tick == Decimal("0.10")
    assert last_of(history, 30)[m.BTC].tick == Decimal("0.01")
    assert last_of(history, 1)[m.BTC].tick == Decimal("0.10")
    store.close()


def test_while_facts_wait_entries_stop_and_protection_goes_out(tmp_path: Path) -> None:
    from gridbot_tui.orders.model import OrderKind, Purpose

    pending = PendingFacts(limit=5)
    assert pending.may_send(m.order(1))
    pending.keep([m.intent(1)])
    assert pending.blocked
    assert not pending.may_send(m.order(2))
    assert pending.may_send(m.order(3, purpose=Purpose.TARGET, reduce_only=True))
    assert pending.may_send(m.order(4, kind=OrderKind.STOP_MARKET, purpose=Purpose.STOP, close_position=True))
    pending.keep([m.equity(1), m.decision(2)])
    pending.keep([m.fill(2), m.fill(3), m.fill(4)])
    assert pending.dropped == 2
    with pytest.raises(StoreUnavailable, match="no more can be kept"):
        pending.keep([m.fill(5), m.fill(6)])
    store = m.store(tmp_path)
    assert pending.write_to(store.append) == 4
    assert not pending.blocked
    assert store.facts_after(0) == [m.intent(1), m.fill(2), m.fill(3), m.fill(4)]
    store.close()


def test_a_failing_store_keeps_what_it_did_not_take() -> None:
    pending = PendingFacts()
    pending.keep([m.decision(number) for number in range(2_500)])
    taken: list[int] = []

    def append(facts: object) -> int:
        if taken:
            raise StoreUnavailable("still full")
        taken.append(1)
        return 0

    with pytest.raises(StoreUnavailable):
        pending.write_to(append)
    assert len(pending) == 1_500
    assert pending.head()[0] == m.decision(1_000)


@pytest.mark.parametrize(
    ("change", "value"),
    [
        ("UPDATE equity SET nav = ?", "1.0\x00x"),
        ("UPDATE equity SET wallet = CAST(? AS TEXT)", b"\xff\xfe"),
        ("UPDATE orders SET body = ?", b"{}"),
        ("UPDATE orders SET state = ?", "unheard of"),
        ("UPDATE meta SET value = ? WHERE key = 'ledger_start'", "{"),
    ],
)
def test_a_row_that_means_nothing_is_damage_and_no_traceback(
    tmp_path: Path, change: str, value: str | bytes
) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.equity(1), StartFact(at=m.T0, balances={}, capital=None)])
    store.connection.execute(change, (value,))
    with pytest.raises(StoreDamaged, match="restore a backup"):
        (store.equity(), store.orders(), store.ledger_start())
    store.close()
