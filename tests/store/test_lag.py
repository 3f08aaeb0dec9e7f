"""Tables that follow the journal: whoever asks finds the same, whatever a run died of in between."""

import asyncio
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gridbot_tui.engine.actions import Fact
from gridbot_tui.engine.events import Outcome
from gridbot_tui.store import core, projections
from gridbot_tui.store import live as live_module
from gridbot_tui.store.codec import batch
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreDamaged, StoreUnavailable, UnwritableFact
from gridbot_tui.store.live import LiveStore
from gridbot_tui.store.reader import reading
from tests.store import making as m

_OWN = ("meta", "sqlite_sequence")
LIFE = [
    m.intent(1), m.intent(2), m.report(1, Outcome.ACCEPTED, exchange_id="e1"), m.fill(1, 10), m.fill(1, 16, trade=7),
    m.cash(1), m.report(2, Outcome.CANCELED), m.decision(1), m.plan(1), m.weights(1), m.equity(m.T0), m.fill(1, 10),
    m.cash(1), m.fill(3, trade=9),
]  # fmt: skip


def lagging(folder: Path) -> Store:
    return Store.open(folder / "gridbot.db", durable=False, identity=m.ME, lags=True)


def tables(store: Store) -> dict[str, list[tuple[object, ...]]]:
    names = [name for (name,) in store.connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: store.connection.execute(f"SELECT * FROM {name}").fetchall() for name in names if name not in _OWN}


def die(store: Store) -> None:
    """As a process does that is killed: what is on disk stays, and nothing more is done."""
    store.connection.close()


@pytest.fixture(scope="module")
def at_once(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[tuple[object, ...]]]:
    store = m.store(tmp_path_factory.mktemp("once"))
    store.append(LIFE)
    found = tables(store)
    store.close()
    return found


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.sampled_from(["go on", "die", "catch up", "with tables"]), min_size=len(LIFE), max_size=len(LIFE)))
def test_wherever_it_dies_and_catches_up_the_tables_are_those_of_one_transaction(
    tmp_path_factory: pytest.TempPathFactory, at_once: dict[str, list[tuple[object, ...]]], what: Sequence[str]
) -> None:
    folder = tmp_path_factory.mktemp("lag")
    store = lagging(folder)
    for fact, then in zip(LIFE, what, strict=True):
        if then == "with tables":
            store.append([fact])
        else:
            store.journal([batch([fact])])
        if then == "die":
            die(store)
            store = lagging(folder)
        elif then == "catch up":
            store.catch_up()
    store.catch_up()
    assert tables(store) == at_once
    assert store.behind() == 0
    store.close()


def test_the_tables_follow_with_the_next_transaction(tmp_path: Path) -> None:
    store = lagging(tmp_path)
    store.journal([batch([m.intent(1), m.fill(1)])])
    assert (store.fills(), store.behind()) == ([], 2)
    store.journal([batch([m.cash(1)])])
    assert [row.trade_id for row in store.fills()] == ["1"]
    assert store.behind() == 1
    store.close()
    assert m.store(tmp_path).behind() == 0


def test_a_fill_told_twice_before_the_tables_show_it_is_written_once(tmp_path: Path) -> None:
    store = lagging(tmp_path)
    store.journal([batch([m.fill(1)]), batch([m.fill(1), m.cash(1), m.cash(1)])])
    store.journal([batch([m.fill(1), m.cash(1)])])
    assert store.duplicate_count == 4
    assert store.facts_after(0) == [m.fill(1), m.cash(1)]


def test_tables_that_cannot_follow_now_are_taken_along_later(tmp_path: Path) -> None:
    store = lagging(tmp_path)
    store.connection.execute("PRAGMA busy_timeout = 10")
    store.journal([batch([m.fill(1)])])
    other = sqlite3.connect(tmp_path / "gridbot.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreUnavailable):
        store.catch_up()
    with pytest.raises(StoreUnavailable):
        store.journal([batch([m.fill(2)])])
    other.execute("ROLLBACK")
    other.close()
    store.append([m.fill(2)])
    assert [row.trade_id for row in store.fills()] == ["2", "1"]
    assert store.facts_after(0) == [m.fill(1), m.fill(2)]


def test_a_fact_that_no_table_takes_keeps_nobody_from_starting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = lagging(tmp_path)
    store.journal([batch([m.fill(1), m.cash(1), m.fill(2)])])
    die(store)
    project = projections.project

    def fails(connection: sqlite3.Connection, seq: int, fact: Fact) -> bool:
        if fact == m.cash(1):
            raise OverflowError
        return project(connection, seq, fact)

    monkeypatch.setattr(core, "project", fails)
    store = lagging(tmp_path)
    assert (store.unprojected, store.behind()) == (1, 0)
    assert [row.trade_id for row in store.fills()] == ["2", "1"]
    assert len(store.facts_after(0)) == 3


def test_a_whole_number_that_no_table_takes_is_refused_before_it_is_journalled(tmp_path: Path) -> None:
    store = lagging(tmp_path)
    with pytest.raises(UnwritableFact, match="64 bits"):
        store.journal([batch([m.fill(1, steps=2**63)])])
    store.journal([batch([m.fill(1, steps=2**63 - 1)])])
    store.catch_up()
    assert store.fills()[0].steps == 2**63 - 1


def test_a_reader_is_told_how_far_the_tables_of_a_dead_bot_lag(tmp_path: Path) -> None:
    store = lagging(tmp_path)
    store.journal([batch([m.intent(1), m.fill(1)])])
    die(store)
    with reading(tmp_path / "gridbot.db") as reader:
        assert reader.behind() == 2
    lagging(tmp_path).close()
    with reading(tmp_path / "gridbot.db") as reader:
        assert reader.behind() == 0
        assert len(reader.fills()) == 1


@pytest.mark.parametrize("pruned", [False, True])
def test_after_an_older_version_that_wrote_both_at_once_the_tables_are_not_written_again(
    tmp_path: Path, at_once: dict[str, list[tuple[object, ...]]], pruned: bool
) -> None:
    store = lagging(tmp_path)
    store.append(LIFE[:4])
    store.close()
    older = m.store(tmp_path)  # it knows nothing of what the file notes
    older._lags = False
    older.append(LIFE[4:])
    if pruned:
        older.connection.execute("DELETE FROM journal WHERE seq <= (SELECT max(seq) - 2 FROM journal)")
    older.close()
    with reading(tmp_path / "gridbot.db") as reader:
        assert reader.behind() <= 1
    store = lagging(tmp_path)
    assert store.unprojected == 0
    found = tables(store)
    assert {name: rows for name, rows in found.items() if name != "journal"} == {
        name: rows for name, rows in at_once.items() if name != "journal"
    }
    store.append([m.fill(2, trade=11)])
    assert store.behind() == 0
    store.close()


def test_a_count_that_is_none_is_told_as_damage(tmp_path: Path) -> None:
    store = lagging(tmp_path)
    store.put_meta("tables_at", "many")
    die(store)
    with pytest.raises(StoreDamaged, match="cannot be read"):
        lagging(tmp_path)


async def test_a_query_of_the_live_store_finds_what_was_written_before_it(tmp_path: Path) -> None:
    store = await LiveStore.open(tmp_path / "gridbot.db", durable=False, identity=m.ME)
    writing = store.put([m.fill(1)])
    rows = await store.run(lambda s: s.fills())
    assert [row.trade_id for row in rows] == ["1"]
    await writing
    await store.close()


async def test_the_live_tables_follow_without_being_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "TABLES_S", 0.0)
    store = await LiveStore.open(tmp_path / "gridbot.db", durable=False, identity=m.ME)
    await store.append([m.fill(1)])
    with reading(tmp_path / "gridbot.db") as reader:
        async with asyncio.timeout(60):
            while not reader.fills():  # noqa: ASYNC110 - another connection tells nobody
                await asyncio.sleep(0.001)
    await store.close()


async def test_tables_that_fail_for_a_defect_are_told_to_the_next_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> bool:
        raise OverflowError("a defect")

    store = await LiveStore.open(tmp_path / "gridbot.db", durable=False, identity=m.ME)
    monkeypatch.setattr(core, "project", fails)
    await store.append([m.fill(1)])
    store._catch_up()
    with pytest.raises(OverflowError, match="a defect"):
        await store.append([m.fill(2)])
    monkeypatch.undo()
    await store.close()
