"""Commands are journalled beside the loop, and a disk that answers too late is still heard out."""

import asyncio
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.service.operator import command_log
from gridbot_tui.service.operator.command_log import InlineCommands, LiveCommands
from gridbot_tui.store.errors import StoreDamaged, StoreUnavailable
from gridbot_tui.store.live import LiveStore
from tests.store.making import ME, store


class Disk:
    """Answers when it is let, with what it is told to."""

    def __init__(self, ends_with: Exception | None = None) -> None:
        self.free = asyncio.Event()
        self.ends_with = ends_with
        self.ended = False

    async def run(self, work: Callable[..., object]) -> object:
        await self.free.wait()
        self.ended = True
        if self.ends_with is not None:
            raise self.ends_with
        return True


def _commands(disk: Disk) -> LiveCommands:
    return LiveCommands(disk, None)  # type: ignore[arg-type]


async def _passed(told: list[str]) -> None:
    """Until the command was given up."""
    async with asyncio.timeout(30.0):
        while not told:  # noqa: ASYNC110
            await asyncio.sleep(0)


async def test_what_the_disk_took_too_late_is_waited_for_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command_log, "WAIT_S", 0.0)
    disk, told = Disk(), list[str]()
    commands = _commands(disk)
    commands.end("c1", "done", told.append)
    await _passed(told)
    assert "not answered" in told[0]
    ending = asyncio.create_task(commands.drain(60.0))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not ending.done(), "the write is still under way"
    disk.free.set()
    await ending
    assert disk.ended


async def test_a_disk_that_fails_after_it_was_given_up_leaves_no_error_that_nobody_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(command_log, "WAIT_S", 0.0)
    unheard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: unheard.append(context))
    disk, told = Disk(StoreUnavailable("the disk is full")), list[str]()
    commands = _commands(disk)
    commands.end("c1", "done", told.append)
    await _passed(told)
    disk.free.set()
    await commands.drain(60.0)
    await asyncio.sleep(0)
    gc.collect()
    assert (len(told), unheard) == (1, [])


@pytest.mark.parametrize("error", [StoreUnavailable("the disk is full"), StoreDamaged("the file is damaged")])
async def test_a_command_that_cannot_be_written_is_not_carried_out_and_says_why(error: Exception) -> None:
    disk, told, done = Disk(error), list[str](), list[bool]()
    disk.free.set()
    commands = _commands(disk)
    commands.begin("c1", 1, "resume", "{}", lambda: done.append(True), told.append, urgent=False)
    await commands.drain(60.0)
    assert (told, done) == ([str(error)], [])


async def test_what_becomes_of_an_urgent_command_at_once_is_written_behind_the_command(tmp_path: Path) -> None:
    live = await LiveStore.open(tmp_path / "gridbot.db", durable=False, identity=ME)
    reads = store(tmp_path)
    commands = LiveCommands(live, reads)

    def refused() -> None:
        commands.end("c1", "refused", pytest.fail)

    commands.begin("c1", 1, "pause", "{}", refused, pytest.fail, urgent=True)
    await commands.drain(10.0)
    assert commands.known("c1")
    assert reads.commands(open_only=True) == [], "else it is unfinished for ever"
    reads.close()
    await live.close()


def test_in_virtual_time_a_file_that_cannot_be_read_keeps_nobody_from_leaving() -> None:
    told, done = list[str](), list[str]()

    class Damaged:
        def command(self, command_id: str) -> None:
            raise StoreDamaged("the file is damaged")

        remember_command = finish_command = lambda self, *_: self.command("")

    commands = InlineCommands(Damaged())  # type: ignore[arg-type]
    assert not commands.known("c1")
    commands.begin("c1", 1, "detach", "{}", lambda: done.append("c1"), told.append, urgent=True)
    commands.begin("c2", 1, "resume", "{}", lambda: done.append("c2"), told.append, urgent=False)
    commands.end("c1", "left", told.append)
    assert (done, told) == (["c1"], ["the file is damaged", "the file is damaged"])
