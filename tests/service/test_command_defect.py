"""A command that fails in the middle ends the run, as an event does: nothing is traded on with what is half done."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.engine.actions import Action, CommandDone
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import Event, Operator
from gridbot_tui.service.operator import kill_file, session
from gridbot_tui.service.options import RunOptions
from gridbot_tui.units import Mode
from tests.service.living import Living
from tests.service.test_real import Run, resting, running


@pytest.fixture
def defect(monkeypatch: pytest.MonkeyPatch) -> None:
    """The engine fails over any command."""
    handle = Engine.handle

    def fails(engine: Engine, event: Event) -> list[Action]:
        if isinstance(event, Operator):
            raise ZeroDivisionError("of the test")
        return handle(engine, event)

    monkeypatch.setattr(Engine, "handle", fails)


async def _by_socket(run: Run) -> None:
    assert not await run.command(CommandKind.FLATTEN), "whoever gave it is told"


async def _by_file(run: Run) -> None:
    run.parts.profile.kill_file.touch()


async def _by_signal(run: Run) -> None:
    run.parts.signalled("SIGTERM")


@pytest.mark.usefixtures("defect")
@pytest.mark.parametrize("give", [_by_socket, _by_file, _by_signal])
async def test_a_command_that_fails_in_the_middle_ends_the_run(
    give: Callable[[Run], Awaitable[None]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kill_file, "LOOK_S", 0.02)
    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        await give(run)
        result = await asyncio.wait_for(run.task, 60.0)
    assert result.exit_code == 1
    assert "a defect of gridbot ended the run (ZeroDivisionError: of the test)" in result.text
    assert "Traceback" in run.parts.profile.log.read_text(), "else nobody finds it"


@pytest.mark.parametrize(("cause", "said"), [
    (KeyError("of the test"), "a defect of gridbot ended the run (KeyError: 'of the test'); see "),
    (MemoryError(), "this machine, or a limit set on the process, has no memory left, and that ended the run; see "),
])  # fmt: skip
async def test_whoever_reads_the_end_is_told_what_it_was_and_not_that_tasks_have_ended_together(
    cause: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(engine: Engine, event: Event) -> list[Action]:
        raise ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("the same", [cause])])

    async with running(tmp_path) as run:
        await run.until(lambda p: p.state == "running" and resting(p) > 4)
        monkeypatch.setattr(Engine, "handle", fails)
        result = await asyncio.wait_for(run.task, 60.0)
    assert result.exit_code == 1
    assert said in result.text


@pytest.mark.usefixtures("defect")
async def test_so_it_does_in_virtual_time(tmp_path: Path) -> None:
    bot = Living(RunOptions(mode=Mode.SIM, home=tmp_path, overrides=(("simulation.warmup_days", "0"),), json=True))
    task = asyncio.create_task(bot.parts.run(None, 5.0, None))
    while not bot.parts.bot.recovered:  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    assert bot.parts.session.submit(Command("c1", CommandKind.PAUSE), "test").ok
    assert not (await bot.parts.session.outcome("c1")).ok
    assert (await asyncio.wait_for(task, 60.0)).exit_code == 1


async def test_of_many_commands_the_one_that_is_still_under_way_keeps_those_who_wait_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "OUTCOMES_KEPT", 4)
    monkeypatch.setattr(Engine, "handle", lambda engine, event: [])  # what is asked for takes long
    parts = Living(RunOptions(mode=Mode.SIM, home=tmp_path, json=True)).parts
    parts.session.submit(Command("first", CommandKind.FLATTEN), "test")
    first = asyncio.ensure_future(parts.session.outcome("first"))
    for number in range(10):
        parts.session.submit(Command(f"speed {number}", CommandKind.SPEED, {"speed": "2"}), "test")
    parts.session.command_done(CommandDone("first", ok=True, text="flat"))
    assert (await asyncio.wait_for(first, 60.0)).text == "flat"
    assert len(parts.session._outcomes) <= 5
    parts.close_now(clean=False)


async def test_of_more_commands_under_way_than_are_kept_the_oldest_is_told_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "OUTCOMES_KEPT", 4)
    monkeypatch.setattr(Engine, "handle", lambda engine, event: [])  # what is asked for takes long
    parts = Living(RunOptions(mode=Mode.SIM, home=tmp_path, json=True)).parts
    parts.session.submit(Command("first", CommandKind.FLATTEN), "test")
    first = asyncio.ensure_future(parts.session.outcome("first"))
    await asyncio.sleep(0)
    for number in range(10):
        parts.session.submit(Command(f"flatten {number}", CommandKind.FLATTEN), "test")
    assert (await asyncio.wait_for(first, 60.0)).text == session.FORGOTTEN
    assert len(parts.session._outcomes) == 4
    parts.close_now(clean=False)
