"""The profile's own files, taken away from under a bot that runs."""

import asyncio
import threading
import warnings
from pathlib import Path

import pytest

from gridbot_tui.control import ask
from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.service import real_runner
from gridbot_tui.service.books import footing, journal, live_journal
from gridbot_tui.service.books.lock import ProfileLock, is_held
from gridbot_tui.service.books.profile import named
from gridbot_tui.service.operator import kill_file
from gridbot_tui.store.live import LiveStore
from tests.service.real_venue import PRICE, opened, options
from tests.service.test_real import resting, running

PAPER = "paper-futures-main-usdt"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footing, "LOOK_S", 0.02)
    monkeypatch.setattr(kill_file, "LOOK_S", 0.02)
    monkeypatch.setattr(real_runner, "TICK_S", 0.05)
    for module in (journal, live_journal):
        monkeypatch.setattr(module, "TRY_AGAIN_S", 0.05)


async def test_without_its_state_file_a_bot_takes_no_new_risk_says_so_and_goes_on_once_it_is_back(
    tmp_path: Path,
) -> None:
    database = named(tmp_path, PAPER).database
    aside = database.with_name("aside")
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        database.rename(aside)
        await run.until(lambda p: any(e.code == "state_file" and "deleted or replaced" in e.text for e in p.events))
        run.venue.quote(PRICE - 30_000)  # something happens that ought to be written
        await run.until(lambda p: any(b.code == "store_unavailable" for b in p.blockers))
        aside.rename(database)
        await run.until(lambda p: any(e.code == "state_file" and "is back" in e.text for e in p.events))
        await run.until(lambda p: all(b.code != "store_unavailable" for b in p.blockers))


async def test_a_stop_whose_state_file_is_gone_is_no_success_and_nothing_that_is_started_again_to_trade(
    tmp_path: Path,
) -> None:
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        named(tmp_path, PAPER).database.unlink()
        await run.until(lambda p: any(e.code == "state_file" for e in p.events))
        run.parts.session.request_stop("stop", keep_positions=False)
        result = await run.task
    assert result.exit_code == 4  # SETUP's unit starts again what ends with 1
    assert "verified on the exchange; not everything could be written" in result.text


async def test_a_lock_that_was_deleted_is_put_back_and_one_that_another_holds_is_told(tmp_path: Path) -> None:
    lock = named(tmp_path, PAPER).create().lock
    with ProfileLock.acquire(lock, PAPER):
        async with running(tmp_path) as run:
            await run.until(lambda p: p.state == "running")
            lock.unlink()
            await run.until(lambda p: any(e.code == "lock_file" and "there again" in e.text for e in p.events))
            assert is_held(lock)
            lock.unlink()
            with ProfileLock.acquire(lock, PAPER):
                await run.until(lambda p: any(e.code == "lock_file" and "second bot" in e.text for e in p.events))


async def test_a_control_socket_that_was_deleted_is_made_again_and_commands_are_heard(tmp_path: Path) -> None:
    async with running(tmp_path) as run:
        profile = run.parts.profile
        await run.until(lambda p: p.state == "running")
        for _ in range(2):
            profile.socket.unlink()
            await run.until(lambda _: profile.socket.exists())
        assert (await in_thread(lambda: ask.ask_status(profile.found_socket, 5.0)))["state"] == "running"
        await run.until(lambda p: any(e.code == "control_socket" and "listens at" in e.text for e in p.events))
    assert not profile.socket.exists(), "what was made again is taken away again"


async def test_a_control_socket_that_cannot_be_made_again_is_told_once(short: Path) -> None:
    async with running(short) as run:
        profile = run.parts.profile
        await run.until(lambda p: p.state == "running")
        profile.folder.rename(short / "elsewhere")
        told = await run.until(lambda p: any(e.code == "control_socket" for e in p.events))
        await asyncio.sleep(0.2)
        profile_back = short / "elsewhere"
        again = run.parts.session.snapshot()
        assert [e.text for e in told.events if e.code == "control_socket"] == [
            e.text for e in again.events if e.code == "control_socket"
        ]
        status = await in_thread(lambda: ask.ask_status(profile_back / "control.sock", 5.0))
        assert status["state"] == "running", "it listens where it was moved to"
        profile_back.rename(profile.folder)


async def test_a_kill_file_that_cannot_be_renamed_is_obeyed_once_and_the_next_one_too(tmp_path: Path) -> None:
    profile = named(tmp_path, PAPER)
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        (profile.folder / "KILL.done").mkdir()
        profile.kill_file.touch()
        await run.until(lambda p: p.state == "halted" and any(e.code == "kill_file" for e in p.events))
        (profile.folder / "KILL.done").rmdir()
        profile.kill_file.unlink()
        profile.kill_file.touch()
        await run.until(lambda _: not profile.kill_file.exists())
        run.parts.session.request_stop("stop", keep_positions=False)
        assert (await run.task).exit_code == 0


async def test_a_disk_that_hangs_over_the_kill_file_holds_up_no_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free, rename = threading.Event(), Path.rename

    def hangs(path: Path, target: Path) -> Path:
        assert path.name != "KILL" or free.wait(60.0)
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", hangs)
    profile = named(tmp_path, PAPER)
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        profile.kill_file.touch()
        await run.until(lambda p: p.state == "halted" and not p.orders)
        free.set()
        await run.until(lambda _: not profile.kill_file.exists())


async def test_a_control_socket_that_cannot_be_made_is_a_sentence_and_nothing_else(tmp_path: Path) -> None:
    parts, _ = await opened(options(tmp_path))
    parts.profile.socket.write_text("in the way")
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # such as a coroutine that nobody awaited
        result = await parts.run(None, 5.0, None)
    assert (result.exit_code, "is in the way" in result.text) == (4, True)


async def test_facts_that_no_table_took_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LiveStore, "unprojected", 2)
    async with running(tmp_path) as run:
        await run.until(lambda p: any(e.code == "tables" and e.text.startswith("2 facts") for e in p.events))
