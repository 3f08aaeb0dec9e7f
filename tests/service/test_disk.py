"""A disk that takes no writes, and files that must not be written to."""

import sqlite3
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.orders.model import Purpose
from gridbot_tui.service.books import journal
from gridbot_tui.service.books.profile import named
from gridbot_tui.store.errors import StoreUnavailable
from gridbot_tui.units import DAY
from tests.service.living import NAME, Living, books, contradictions, ended, live_once, options


def full(*_: object, **__: object) -> Any:
    raise StoreUnavailable("gridbot.db: the disk is full; free space or access is needed.")


class Disk:
    """The store's writes, which can be made to fail."""

    def __init__(self, bot: Living) -> None:
        self._store = bot.parts.store
        self._whole: dict[str, Callable[..., Any]] = {
            name: getattr(self._store, name)
            for name in ("append", "save_state", "remember_command", "finish_command", "add_config", "prune")
        }

    def fail(self) -> None:
        for name in self._whole:
            setattr(self._store, name, full)

    def heal(self) -> None:
        for name, whole in self._whole.items():
            setattr(self._store, name, whole)


def codes(bot: Living) -> set[str]:
    return {blocker.code for blocker in bot.parts.picture.snapshot().blockers}


@pytest.fixture(autouse=True)
def tried_always(monkeypatch: pytest.MonkeyPatch) -> None:
    """Virtual days pass in no time: the disk is tried at every commit."""
    monkeypatch.setattr(journal, "TRY_AGAIN_S", 0.0)


def test_while_the_disk_fails_entries_stop_and_what_waited_is_written_later(home: Path) -> None:
    async def go(bot: Living) -> None:
        disk = Disk(bot)
        known = {order.client_id for order in books(home).open_orders}
        disk.fail()
        await bot.days(0.5)
        assert "store_unavailable" in codes(bot)
        assert bot.parts.journal.failing
        for order in books(home).open_orders:
            purpose = bot.parts.engine.desk.orders.get(order.client_id)
            assert order.client_id in known or (purpose and purpose.order.purpose is not Purpose.GRID)
        events = bot.parts.feed.lines()
        assert any(event.code == "store_unavailable" for event in events)
        assert contradictions(home)  # nothing was written meanwhile
        disk.heal()
        await bot.days(0.25)
        assert "store_unavailable" not in codes(bot)
        assert contradictions(home) == []
        views = bot.parts.picture.snapshot().symbols.values()
        assert any(rung.entry and rung.state == "resting" for view in views for rung in view.ladder)

    live_once(options(home), go)
    live_once(options(home), lambda bot: bot.days(0.1))
    assert contradictions(home) == []


def test_a_disk_that_fails_for_another_reason_than_at_first_says_that_one(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def locked(*_: object, **__: object) -> Any:
        raise StoreUnavailable("it is locked by another program: gridbot.db.")

    async def go(bot: Living) -> None:
        disk = Disk(bot)
        disk.fail()
        await bot.days(0.1)
        monkeypatch.setattr(bot.parts.store, "append", locked)
        await bot.days(0.1)
        held = {(one.code, one.symbol): one.detail for one in bot.parts.picture.snapshot().blockers}
        assert held["store_unavailable", ""] == "it is locked by another program: gridbot.db."
        disk.heal()

    live_once(options(home), go)


def test_an_entry_whose_intent_is_not_on_disk_never_leaves(home: Path) -> None:
    async def go(bot: Living) -> None:
        Disk(bot).fail()
        before = {trade.trade_id for trade in books(home).trades}
        sent: list[str] = []
        place = bot.parts.world.send

        def watched(request: Any) -> None:
            order = getattr(request, "order", None)
            if order is not None and order.purpose is Purpose.GRID:
                sent.append(order.client_id)
            place(request)

        bot.parts.world.send = watched  # type: ignore[method-assign]
        await bot.days(1)
        assert sent == []
        assert before <= {trade.trade_id for trade in books(home).trades}
        bot.crash()

    live_once(options(home), go)
    live_once(options(home), lambda bot: bot.days(0.1))
    assert contradictions(home) == []


def test_the_operator_can_flatten_and_kill_without_a_disk_but_not_add_risk(home: Path) -> None:
    async def go(bot: Living) -> None:
        Disk(bot).fail()
        session = bot.parts.session
        no = session.submit(Command("1", CommandKind.RESUME), "test")
        assert not no.ok
        assert "disk is full" in no.text
        assert session.submit(Command("2", CommandKind.KILL), "test").ok
        await bot.days(0.05)
        assert "a start before it does would not know of this" in (await session.outcome("2")).text
        assert bot.parts.engine.open_positions() == {}
        assert books(home).positions == {}
        bot.crash()

    live_once(options(home), go)


def test_a_shutdown_without_a_disk_is_carried_out_and_says_what_is_not_written(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def go(bot: Living) -> None:
        Disk(bot).fail()
        bot.parts.session.request_stop("stop", keep_positions=False)
        await bot.days(0.05)
        assert bot.parts.bot.report is not None
        assert bot.parts.bot.report.exit_code == 0
        assert "disk is full" in bot.parts.close_now(clean=True)
        bot.crashed = True

    live_once(options(home), go)
    assert (books(home).open_orders, books(home).positions) == ((), {})
    live_once(options(home), lambda bot: bot.settle())
    assert contradictions(home) == []


def test_a_damaged_database_is_refused_in_a_sentence_and_left_as_it_is(home: Path) -> None:
    path = named(home, NAME).database
    path.write_bytes(b"SQLite format 3\0" + bytes(4_096))
    before = path.read_bytes()
    result = ended(options(home))
    assert (result.exit_code, result.status) == (4, None)
    assert str(path) in result.text
    assert path.read_bytes() == before


def test_a_database_of_a_newer_gridbot_is_refused_and_left_as_it_is(home: Path) -> None:
    path = named(home, NAME).database
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 999")
    db.close()
    before = path.read_bytes()
    result = ended(options(home))
    assert (result.exit_code, result.status) == (4, None)
    assert "newer gridbot" in result.text
    assert path.read_bytes() == before


@pytest.mark.parametrize("wrote", ["snapshots", "facts"])
def test_a_database_with_words_of_another_gridbot_is_refused_as_that(home: Path, wrote: str) -> None:
    """Its schema is the same: it is neither damaged nor to be moved away."""
    path = named(home, NAME).database
    with sqlite3.connect(path) as db:
        if wrote == "snapshots":
            blob = b"\x80"
            db.execute("UPDATE state SET blob = ?, crc = ?", (blob, zlib.crc32(blob)))
            db.execute("DELETE FROM journal WHERE seq <= (SELECT min(seq) FROM state)")
        else:
            body = b'{"type":"DreamFact","at":1}'
            db.execute("UPDATE journal SET kind = 'DreamFact', body = ? WHERE seq = (SELECT max(seq) FROM journal)",
                       (body,))
    db.close()
    result = ended(options(home))
    assert (result.exit_code, result.status) == (4, None)
    assert "another version of gridbot" in result.text
    assert "damaged" not in result.text


def test_a_journal_that_contradicts_itself_is_refused_as_damaged(home: Path) -> None:
    """A byte that a disk has turned: the row can be read, SQLite sees nothing, and no order has that name."""
    path = named(home, NAME).database
    with sqlite3.connect(path) as db:
        turned = b'{"type":"CancelFact","at":1,"symbol":"BTCUSDT","client_id":"gb-none"}'
        db.execute("INSERT INTO journal SELECT max(seq) + 1, 1, 'CancelFact', ? FROM state", (turned,))
    db.close()
    result = ended(options(home))
    assert (result.exit_code, result.status) == (4, None)
    assert "damaged (journal entry" in result.text
    assert "gb-none" in result.text


def test_damaged_books_of_the_exchange_are_refused_in_a_sentence(home: Path) -> None:
    path = named(home, NAME).exchange_database
    path.write_bytes(b"nothing of the kind" * 100)
    result = ended(options(home))
    assert (result.exit_code, result.status) == (4, None)
    assert str(path) in result.text


def test_an_audit_trail_that_was_tampered_with_is_told(home: Path) -> None:
    path = named(home, NAME).audit
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(lines[:-3]))

    def look(bot: Living) -> None:
        told = [event for event in bot.parts.feed.lines() if event.code == "audit"]
        assert len(told) == 1
        assert "missing" in told[0].text

    live_once(options(home), look)


def test_what_only_explains_is_let_go_of_once_a_day(home: Path) -> None:
    async def go(bot: Living) -> None:
        asked: list[int] = []
        prune = bot.parts.store.prune

        def counted(before: int) -> int:
            asked.append(before)
            return prune(before)

        bot.parts.store.prune = counted  # type: ignore[method-assign]
        await bot.days(2.1)
        assert len(asked) == 3  # an hour after the start, then once a day
        assert all(abs(bot.parts.engine.now - before - 7 * DAY) < 2.1 * DAY for before in asked)
        assert bot.parts.store.plans(limit=10_000)[-1].plan.at >= asked[-1] - DAY

    live_once(options(home, ("store.retention_days", "7")), go)
    live_once(options(home), lambda bot: bot.days(0.1))
    assert contradictions(home) == []
