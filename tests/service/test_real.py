"""A run in real time from its start to its end, on an exchange of this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.orders.ids import parse
from gridbot_tui.service import real, real_runner
from gridbot_tui.service.options import RunResult
from gridbot_tui.service.real import RealParts
from gridbot_tui.service.venues import dead_man
from gridbot_tui.units import DAY
from tests.service.real_venue import PRICE, SYMBOL, PaperVenue, opened, options

PATIENCE_S = 60.0


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_runner, "TICK_S", 0.05)
    monkeypatch.setattr(dead_man, "SOON_S", 0.05)


class Run:
    """One run, alive."""

    def __init__(self, parts: RealParts, venue: PaperVenue, task: "asyncio.Task[RunResult]") -> None:
        self.parts = parts
        self.venue = venue
        self.task = task

    async def until(self, true: Callable[[Snapshot], bool]) -> Snapshot:
        async with asyncio.timeout(PATIENCE_S):
            while True:
                assert not self.task.done(), self.task.result()
                picture = self.parts.session.snapshot()
                if true(picture):
                    return picture
                await asyncio.sleep(0.01)

    async def command(self, kind: CommandKind, **args: str) -> bool:
        self.parts.session.submit(Command(f"{kind}-{id(args)}", kind, args), "test")
        async with asyncio.timeout(PATIENCE_S):
            return (await self.parts.session.outcome(f"{kind}-{id(args)}")).ok


@contextlib.asynccontextmanager
async def running(home: Path, *sets: tuple[str, str]) -> AsyncIterator[Run]:
    parts, venue = await opened(options(home, *sets))
    task = asyncio.create_task(parts.run(None, 5.0, None))
    try:
        yield Run(parts, venue, task)
    finally:
        if not task.done():
            parts.runner.leaving = True
            parts.runner.wake()
            await asyncio.wait_for(task, PATIENCE_S)


def resting(picture: Snapshot) -> int:
    return sum(order.state == "resting" and order.purpose == "grid" for order in picture.orders)


def grid_of(picture: Snapshot) -> set[str]:
    """Our orders but the stop, which may be moved: it was laid before the quote behind its fill was heard."""
    return {order.client_id for order in picture.orders if order.purpose == "grid"}


def all_rest(picture: Snapshot) -> bool:
    return all(order.state == "resting" for order in picture.orders)


async def test_it_trades_takes_another_config_and_stops_flat(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        before = await run.until(lambda p: p.state == "running" and resting(p) > 4)
        assert before.speed == "1"
        generations = [parts.generation for order in before.orders if (parts := parse(order.client_id)) is not None]
        assert min(generations) > 200_000_000, "ids of a profile that was thrown away are not given out again"
        run.venue.quote(PRICE - 30_000)
        await run.until(lambda p: p.symbols[SYMBOL].fills > 0 and any(o.purpose == "stop" for o in p.orders))
        assert await run.command(CommandKind.APPLY, text="[orders]\ndepth = 2\n")
        await run.until(lambda _: bool(run.venue.countdowns))
        after = await run.until(lambda p: p.config_version == before.config_version + 1 and resting(p) <= 4)
        assert after.residual == "0"
        assert not await run.command(CommandKind.SPEED, speed="60"), "a real market goes at its own speed"
        run.parts.session.request_stop("stop", keep_positions=False)
        result = await asyncio.wait_for(run.task, PATIENCE_S)
    assert result.exit_code == 0, result
    assert "verified" in result.text
    sent = {ms for _, ms in run.venue.countdowns}
    assert sent == {0, 120_000}, "armed while it traded, disarmed after a verified stop"


async def test_a_config_that_is_applied_while_a_start_still_listens_is_the_one_it_goes_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with running(tmp_path) as run:
        assert await run.command(CommandKind.APPLY, text="[orders]\ndepth = 2\n")
        before = run.parts.reloader.version
    heard = asyncio.Event()
    account = real.RealParts._listen_first

    async def listen(parts: RealParts, tasks: list["asyncio.Task[None]"]) -> None:
        await heard.wait()
        await account(parts, tasks)

    monkeypatch.setattr(real.RealParts, "_listen_first", listen)
    async with running(tmp_path) as run:
        await run.until(lambda p: p.config_version == before)
        assert await run.command(CommandKind.APPLY, text="[service]\nreconcile_s = 77.0\nsnapshot_facts = 500\n")
        assert run.parts.reloader.version == before + 1
        heard.set()
        await run.until(lambda p: p.state == "running")
        assert run.parts.bot._reconcile_every == 77_000
        assert run.parts.journal.saving.snapshot_facts == 500
        assert run.parts.reloader.version == before + 1


async def test_one_process_leaves_and_the_next_goes_on_with_the_same_orders(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        run.venue.quote(PRICE - 30_000)
        await run.until(lambda p: p.symbols[SYMBOL].fills > 0)
        await run.until(all_rest)
        assert await run.command(CommandKind.DETACH)
        await asyncio.wait_for(run.task, PATIENCE_S)
        first = run.parts.session.snapshot()
    async with running(tmp_path) as run:
        run.venue.price = PRICE - 30_000
        second = await run.until(lambda p: p.state == "running" and bool(p.orders) and all_rest(p))
    assert grid_of(second) == grid_of(first)
    assert [order.purpose for order in second.orders].count("stop") == 1
    assert second.symbols[SYMBOL].fills == first.symbols[SYMBOL].fills
    assert [lot.price for lot in second.symbols[SYMBOL].lots] == [lot.price for lot in first.symbols[SYMBOL].lots]
    assert second.wallet == first.wallet


async def test_a_start_on_an_older_copy_of_the_state_file_gives_no_id_out_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked about by its id, an order would be answered with the fate of one that was sent after the copy was made."""
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        assert await run.command(CommandKind.DETACH)
        await asyncio.wait_for(run.task, PATIENCE_S)
        copied = run.parts.engine.desk.ids.state().next_generation
    monkeypatch.setattr(real, "IDS_SINCE", real.IDS_SINCE - DAY)  # what was sent in a day is in no copy of before
    async with running(tmp_path) as run:
        assert run.parts.engine.desk.ids.state().next_generation > copied + 80_000


async def test_a_state_file_that_holds_nothing_of_a_profile_that_has_traded_is_told(tmp_path: Path) -> None:
    """A copy of gridbot.db alone, made beside a running bot, is such a file: all of it stood in the log next to it."""
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        profile = run.parts.profile
        assert await run.command(CommandKind.DETACH)
        await asyncio.wait_for(run.task, PATIENCE_S)
    assert "holds nothing" not in profile.log.read_text()
    profile.database.write_bytes(b"")
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running")
        told = [event for event in run.parts.session.snapshot().events if event.code == "state_file"]
    assert len(told) == 1
    assert "holds nothing, though this profile has traded" in told[0].text
