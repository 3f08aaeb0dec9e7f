"""Facts before orders in real time: durable first, in order, and never behind a disk that fails or hangs."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import AsyncMock

import pytest

from gridbot_tui.engine.actions import Fact
from gridbot_tui.engine.events import Outcome
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import get_logger
from gridbot_tui.orders.model import Purpose
from gridbot_tui.service.books import live_journal
from gridbot_tui.service.books.live_journal import LiveJournal
from gridbot_tui.service.books.telling import Telling
from gridbot_tui.store.errors import StoreDamaged, StoreUnavailable
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import DAY, HOUR
from tests.store import making as m

ENTRY = m.order(1)
EXIT = m.order(2, purpose=Purpose.TARGET, reduce_only=True)


class Disk:
    """A live store whose transactions may be made to fail, or to wait."""

    def __init__(self, live: LiveStore) -> None:
        self.live = live
        self.trouble: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()
        self.groups: list[int] = []
        self.instant = False

    def put(self, facts: Sequence[Fact], then: Any = None, **more: Any) -> asyncio.Future[int]:
        putting = asyncio.ensure_future(self._put(facts, **more))
        if then is not None:
            putting.add_done_callback(lambda _: then())
        return putting

    async def _put(self, facts: Sequence[Fact], **more: Any) -> int:
        await self.gate.wait()
        if self.trouble is not None:
            raise self.trouble
        self.groups.append(len(facts))
        if self.instant:
            return 1
        return await self.live.append(facts, **more)

    async def run(self, work: Any) -> Any:
        return await self.live.run(work)


class Desk:
    """A journal at work, and what it let leave."""

    def __init__(self, journal: LiveJournal, disk: Disk, writer: asyncio.Task[None], told: list[Fact]) -> None:
        self.journal = journal
        self.disk = disk
        self.writer = writer
        self.told = told
        self.sent: list[int] = []

    def decide(self, number: int) -> None:
        """One decision: an intent, and the order once it may leave."""
        self.journal.commit([m.intent(number)], lambda: self.sent.append(number))

    async def settle(self) -> None:
        await asyncio.wait_for(self.journal.drain(), 60)

    async def on_disk(self) -> list[Fact]:
        return await self.disk.live.run(lambda store: store.facts_after(0))


@contextlib.asynccontextmanager
async def at_work(folder: Path, clock: Callable[[], float] = time.monotonic) -> AsyncIterator[Desk]:
    live = await LiveStore.open(folder / "gridbot.db", durable=True, identity=m.ME)
    audit = AuditTrail(folder / "audit.jsonl", at=m.T0, durable=False)
    told: list[Fact] = []
    telling = Telling(audit, Feed(), told.extend, get_logger("test"), {})
    disk = Disk(live)
    journal = LiveJournal(disk, telling, lambda: b"state", HOUR, clock)  # type: ignore[arg-type]
    writer = asyncio.create_task(journal.run())
    try:
        yield Desk(journal, disk, writer, told)
    finally:
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
        disk.gate.set()
        audit.close()
        await live.close()


async def test_no_order_leaves_before_its_intent_is_durable(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.disk.gate.clear()
        desk.decide(1)
        await asyncio.sleep(0.01)
        assert desk.sent == []
        desk.disk.gate.set()
        await desk.settle()
        assert desk.sent == [1]
        assert await desk.on_disk() == [m.intent(1)]


async def test_decisions_that_wait_share_a_transaction_and_leave_in_order(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        for number in range(100):
            desk.decide(number)
        await desk.settle()
        assert desk.sent == list(range(100))
        assert desk.disk.groups == [1, 99], "the first begins at once, the rest wait for it together"
        assert await desk.on_disk() == [m.intent(number) for number in range(100)]


async def test_an_action_without_facts_does_not_overtake_one_that_waits_for_the_disk(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.decide(1)
        desk.journal.commit([], lambda: desk.sent.append(2))
        desk.journal.commit([m.report(1, Outcome.ACCEPTED)], lambda: desk.sent.append(3))
        assert desk.sent == []
        await desk.settle()
        assert desk.sent == [1, 2, 3]


async def test_news_that_the_exchange_would_say_again_hold_up_nobody(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.journal.commit([m.report(1, Outcome.ACCEPTED)], lambda: desk.sent.append(1))
        assert desk.sent == [1]
        desk.decide(2)
        await desk.settle()
        facts = await desk.on_disk()
        assert [type(fact).__name__ for fact in facts] == ["OrderFact", "IntentFact"]


async def test_what_may_wait_is_written_before_the_next_order_needs_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "HELD_S", 0.01)
    async with at_work(tmp_path) as desk:
        for number in (1, 2):
            desk.journal.commit([m.report(number, Outcome.ACCEPTED)], lambda: None)
        assert desk.disk.groups == []
        await asyncio.sleep(0.05)
        assert desk.disk.groups == [2]
        desk.decide(3)
        await desk.settle()
        assert desk.disk.groups == [2, 1]


async def test_what_may_wait_does_not_press_a_disk_that_fails(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "HELD_S", 0.01)
    async with at_work(tmp_path) as desk:
        desk.journal.commit([m.report(1, Outcome.ACCEPTED)], lambda: None)
        desk.disk.trouble = StoreUnavailable("full")
        desk.decide(2)
        await desk.settle()
        desk.disk.trouble = None
        await asyncio.sleep(0.03)
        assert desk.disk.groups == [], "the journal tries such a disk when it is time to"


async def test_when_the_disk_fails_what_waits_leaves_and_only_reductions_may(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.disk.trouble = StoreUnavailable("the disk is full")
        desk.decide(1)
        await asyncio.sleep(0)
        desk.decide(2)
        await desk.settle()
        assert desk.sent == [1, 2]
        assert desk.journal.failing == "the disk is full"
        assert not desk.journal.may_send(ENTRY)
        assert desk.journal.may_send(EXIT)
        desk.decide(3)
        assert desk.sent == [1, 2, 3]  # at once: there is nothing to wait for


async def test_a_file_found_damaged_is_left_alone_and_only_reductions_leave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "TRY_AGAIN_S", 0.0)
    async with at_work(tmp_path) as desk:
        desk.disk.trouble = StoreDamaged("the file is damaged")
        desk.decide(1)
        await desk.settle()
        assert desk.sent == [1]
        assert not desk.journal.may_send(ENTRY)
        assert desk.journal.may_send(EXIT)
        desk.disk.trouble = None
        desk.journal.flush()
        await desk.settle()
        assert (desk.journal.failing, desk.disk.groups) == ("the file is damaged", []), "it must not be written to"
        assert not desk.writer.done()


async def test_once_the_disk_is_back_everything_is_written_in_the_order_in_which_it_happened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "TRY_AGAIN_S", 0.0)
    async with at_work(tmp_path) as desk:
        desk.disk.trouble = StoreUnavailable("the disk is full")
        for number in range(3):
            desk.decide(number)
            await desk.settle()
        desk.disk.trouble = None
        desk.journal.flush()
        await desk.settle()
        assert desk.journal.failing == ""
        desk.decide(3)
        await desk.settle()
        assert await desk.on_disk() == [m.intent(number) for number in range(4)]


async def test_orders_leave_in_line_where_the_disk_is_quick_and_a_slow_one_is_left_alone_for_a_while(
    tmp_path: Path,
) -> None:
    now = [10.0]
    async with at_work(tmp_path, clock=lambda: now[0]) as desk:
        live, waits, quick = desk.disk.live, [], [True]

        def wait(_: float) -> bool:
            waits.append(quick[0])
            return quick[0] and live.wait(30)

        vars(desk.disk).update(put=live.put, wait=wait)
        assert not desk.journal.hurry(), "nothing is under way"
        desk.decide(1)
        assert desk.sent == []
        assert desk.journal.hurry()
        assert desk.sent == [1], "no turn of the loop was needed"
        quick[0] = False
        desk.decide(2)
        assert not desk.journal.hurry()
        assert not desk.journal.hurry()
        assert waits == [True, False]
        await desk.settle()
        assert desk.sent == [1, 2]
        quick[0] = True
        now[0] += live_journal.SLOW_S
        desk.decide(3)
        assert desk.journal.hurry()
        assert desk.sent == [1, 2, 3]
        desk.journal.commit([m.fill(1)], lambda: desk.sent.append(0))
        assert not desk.journal.hurry(), "no order waits for it"
        await desk.settle()


async def test_a_disk_that_hangs_counts_as_failing_and_loses_nothing_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "HANGS_S", 0.02)
    monkeypatch.setattr(live_journal, "TRY_AGAIN_S", 0.0)
    async with at_work(tmp_path) as desk:
        desk.disk.gate.clear()
        desk.decide(1)
        await desk.settle()
        assert desk.sent == [1]
        assert "not answered" in desk.journal.failing
        assert not desk.journal.may_send(ENTRY)
        desk.decide(2)
        desk.disk.gate.set()
        while desk.journal.failing:
            desk.journal.flush()
            await desk.settle()
        assert await desk.on_disk() == [m.intent(1), m.intent(2)]


async def test_facts_of_a_transaction_that_hung_and_then_failed_come_before_later_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_journal, "HANGS_S", 0.02)
    monkeypatch.setattr(live_journal, "TRY_AGAIN_S", 0.0)
    async with at_work(tmp_path) as desk:
        desk.disk.gate.clear()
        desk.disk.trouble = StoreUnavailable("an error of the device")
        desk.decide(1)
        await desk.settle()
        desk.decide(2)
        desk.disk.gate.set()
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        desk.disk.trouble = None
        while desk.journal.failing:
            desk.journal.flush()
            await desk.settle()
        assert await desk.on_disk() == [m.intent(1), m.intent(2)]


async def test_the_engine_is_saved_with_the_facts_that_made_it_so(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.journal.saving.snapshot_facts = 2
        desk.decide(1)
        await desk.settle()
        desk.decide(2)
        await desk.settle()
        restored = await desk.disk.live.run(lambda store: store.load())
        assert restored is not None
        assert [(state.seq, state.blob) for state in restored.states] == [(2, b"state")]


@pytest.mark.parametrize("turns", range(12))
async def test_a_journal_told_to_end_ends_at_whatever_turn_of_a_transaction(tmp_path: Path, turns: int) -> None:
    async with at_work(tmp_path) as desk:
        desk.disk.instant = True  # nothing but turns of the loop pass
        desk.disk.gate.clear()
        desk.decide(1)
        await asyncio.sleep(0)
        desk.disk.gate.set()
        for _ in range(turns):
            await asyncio.sleep(0)
        desk.writer.cancel()
        await asyncio.wait([desk.writer], timeout=30)
        assert desk.writer.cancelled()


async def test_a_defect_ends_the_journal_and_nothing_leaves_after_it(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.disk.trouble = ValueError("no disk says that")
        desk.decide(1)
        await asyncio.wait([desk.writer], timeout=30)
        assert isinstance(desk.writer.exception(), ValueError)
        desk.disk.trouble = None
        desk.decide(2)
        await asyncio.sleep(0.01)
        assert desk.sent == []


async def test_what_fails_on_the_way_out_of_a_commit_ends_the_journal_too(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.journal.commit([m.intent(1)], lambda: 1 // 0)  # type: ignore[arg-type]
        await asyncio.wait([desk.writer], timeout=30)
        assert isinstance(desk.writer.exception(), ZeroDivisionError)


async def test_facts_are_told_in_their_order_whether_an_order_waits_for_them_or_not(tmp_path: Path) -> None:
    async with at_work(tmp_path) as desk:
        desk.decide(1)
        assert desk.told == [], "the order on its way out goes first"
        desk.journal.commit([m.report(1, Outcome.ACCEPTED)], lambda: None)
        desk.journal.report(m.T0, "info", "x", "a word in between")
        assert desk.told == [m.intent(1), m.report(1, Outcome.ACCEPTED)]
        desk.decide(2)
        desk.journal.tell_all()
        assert desk.told[2:] == [m.intent(2)]
        desk.decide(3)
        await desk.settle()
        assert desk.told[3:] == [m.intent(3)], "what is drained is told"
        desk.decide(4)
        async with asyncio.timeout(60):
            while len(desk.told) < 5:  # noqa: ASYNC110
                await asyncio.sleep(0.001)


async def test_an_hour_after_the_start_and_once_a_day_what_only_explains_goes_when_it_is_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with at_work(tmp_path) as desk:
        start = m.T0 + 91 * DAY
        desk.journal.commit([m.decision(1)], lambda: None)
        await desk.settle()

        async def left() -> int:
            return len(await desk.disk.live.run(lambda store: store.decisions()))

        for at in (start, start + HOUR - 1):
            await desk.journal.prune(at)
            assert await left() == 1
        failing = AsyncMock(side_effect=StoreUnavailable("the disk is full"))
        with monkeypatch.context() as patched:
            patched.setattr(desk.disk, "run", failing)
            await desk.journal.prune(start + HOUR)  # said, and no end of anything
        assert failing.await_count == 1
        await desk.journal.prune(start + 2 * HOUR)
        assert await left() == 1
        await desk.journal.prune(start + HOUR + DAY)
        assert await left() == 0
