"""The store in real time: order, shared commits, failures that reach those they concern."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from gridbot_tui.store import live as live_module
from gridbot_tui.store.errors import StoreForeign, StoreUnavailable, UnwritableFact
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import Market, Mode
from tests.store import making as m


@contextlib.asynccontextmanager
async def living(folder: Path) -> AsyncIterator[LiveStore]:
    store = await LiveStore.open(folder / "gridbot.db", durable=True, identity=m.ME)
    try:
        yield store
    finally:
        await store.close()


async def test_waiting_batches_share_a_commit_and_keep_their_order(tmp_path: Path) -> None:
    async with living(tmp_path) as store:
        seqs = await asyncio.gather(*(store.append([m.intent(number)]) for number in range(200)))
        assert seqs == list(range(1, 201))
        assert store.commits <= 3
        facts = await store.run(lambda s: s.facts_after(0))
        assert facts == [m.intent(number) for number in range(200)]


async def test_a_batch_is_in_the_file_when_its_caller_goes_on(tmp_path: Path) -> None:
    async with living(tmp_path) as store:
        await store.append([m.intent(1)], state=b"s", meta={"k": "v"})
        other = sqlite3.connect(tmp_path / "gridbot.db")
        assert other.execute("SELECT count(*) FROM journal").fetchone() == (1,)
        other.close()


async def test_whoever_follows_a_commit_finds_it_done_and_may_ask_for_the_next(tmp_path: Path) -> None:
    followed: list[int] = []
    both = asyncio.Event()
    async with living(tmp_path) as store:

        def end() -> None:
            followed.append(waiting[1].result())
            both.set()

        def go_on() -> None:
            followed.append(waiting[0].result())
            waiting.append(store.put([m.intent(2)], then=end))

        waiting = [store.put([m.intent(1)], then=go_on)]
        await asyncio.wait_for(both.wait(), 30)
    assert followed == [1, 2]
    refused = store.put([m.intent(3)], then=lambda: followed.append(0))
    assert followed == [1, 2], "not before the caller has what it is called about"
    with pytest.raises(StoreUnavailable):
        await refused
    await asyncio.sleep(0)
    assert followed == [1, 2, 0]


async def test_a_commit_may_be_waited_for_without_a_turn_of_the_loop_and_is_told_once(tmp_path: Path) -> None:
    told: list[int] = []
    async with living(tmp_path) as store:
        assert not store.wait(30), "nothing is under way"
        waiting = store.put([m.intent(1)], then=lambda: told.append(1))
        assert not told
        assert store.wait(30)
        assert told == [1]
        assert waiting.result() == 1
        assert not store.wait(30)
        for _ in range(10):
            await asyncio.sleep(0.001)  # the thread's own word comes, and finds it told
        assert told == [1]
        assert store.commits == 1
        assert await store.append([m.intent(2)]) == 2


async def test_a_commit_that_takes_longer_is_not_waited_for(tmp_path: Path) -> None:
    told: list[int] = []
    held = threading.Event()
    async with living(tmp_path) as store:
        busy = asyncio.create_task(store.run(lambda _: held.wait(30)))
        await asyncio.sleep(0)
        waiting = store.put([m.intent(1)], then=lambda: told.append(1))
        assert not store.wait(0.001)
        assert not told
        held.set()
        assert await asyncio.wait_for(waiting, 30) == 1
        assert await busy
        assert told == [1]


async def test_whoever_raises_when_told_holds_nobody_up(tmp_path: Path) -> None:
    troubles: list[str] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: troubles.append(str(told["exception"])))

    def refuse() -> None:
        raise RuntimeError("not now")

    async with living(tmp_path) as store:
        _ = store.put([m.intent(1)], then=refuse)
        assert await asyncio.wait_for(store.append([m.intent(2)]), 30) == 2
    assert troubles == ["not now"]


async def test_a_cancelled_caller_loses_nothing(tmp_path: Path) -> None:
    async with living(tmp_path) as store:
        task = asyncio.create_task(store.append([m.intent(1)]))
        await asyncio.sleep(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        assert await store.append([m.intent(2)]) == 2


async def test_a_defect_in_one_batch_does_not_take_its_neighbours_along(tmp_path: Path) -> None:
    async with living(tmp_path) as store:
        with pytest.raises(UnwritableFact):
            await store.append([msgspec.structs.replace(m.equity(1), leverage=float("nan"))])
        told: list[int] = []
        first = store.put([m.intent(1)], then=lambda: told.append(1))
        before = store.put([m.intent(2)], then=lambda: told.append(2))
        bad = store.put([m.intent(3)], state=b"x", at=2**63, then=lambda: told.append(3))  # SQLite has no such number
        after = store.put([m.intent(4)], then=lambda: told.append(4))
        assert await first == 1
        later = store.put([m.intent(5)], then=lambda: told.append(5))  # waits for those that are tried alone
        tried = asyncio.gather(before, bad, after, later, return_exceptions=True)
        results = list(await asyncio.wait_for(tried, 30))
        assert isinstance(results.pop(1), OverflowError)
        assert results == [2, 3, 4]
        assert told == [1, 2, 3, 4, 5]
        assert await store.append([m.intent(6)]) == 5
        written = await store.run(lambda s: s.facts_after(0))
        assert written == [m.intent(number) for number in (1, 2, 4, 5, 6)]


async def test_a_disk_that_fails_reaches_every_waiting_caller_and_later_ones_succeed(tmp_path: Path) -> None:
    async with living(tmp_path) as store:
        await store.run(lambda s: s.connection.execute("PRAGMA busy_timeout = 20"))
        other = sqlite3.connect(tmp_path / "gridbot.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        waiting = [store.append([m.intent(number)]) for number in range(5)]
        results = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(result, StoreUnavailable) for result in results)
        other.execute("ROLLBACK")
        other.close()
        assert await store.append([m.intent(9)]) == 1


async def test_closing_writes_what_waits_and_then_refuses(tmp_path: Path) -> None:
    async with living(tmp_path) as store:
        task = asyncio.create_task(store.append([m.intent(1)]))
        await asyncio.sleep(0)
        await store.close()
        assert await task == 1
        with pytest.raises(StoreUnavailable, match="closed"):
            await store.append([m.intent(2)])
    async with living(tmp_path) as store:
        assert store.was_clean
        assert store.last_seq == 1


async def test_too_many_waiting_batches_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_module, "MAX_WAITING", 3)
    async with living(tmp_path) as store:
        results = await asyncio.gather(
            *(store.append([m.intent(n)]) for n in range(9)), return_exceptions=True
        )
        assert sum(isinstance(result, StoreUnavailable) for result in results) == 6


async def test_a_file_that_must_not_be_used_is_refused_here_too(tmp_path: Path) -> None:
    async with living(tmp_path):
        pass
    with pytest.raises(StoreForeign):
        await LiveStore.open(
            tmp_path / "gridbot.db", durable=True, identity=Identity(Mode.LIVE, Market.SPOT, "x", "USDT")
        )
