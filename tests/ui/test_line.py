"""The app over the real control socket: attach, orders, control, loss and return."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import CommandKind
from gridbot_tui.control.messages import Role
from gridbot_tui.control.snapshot import ShutdownView
from gridbot_tui.service.operator.control_server import ControlServer
from gridbot_tui.ui.app import Ended, GridApp
from gridbot_tui.ui.dialogs.control import ControlDialog
from gridbot_tui.ui.link import Door
from gridbot_tui.ui.picture import Line
from tests.ui import fixtures
from tests.ui.demo import DemoBot, serving
from tests.ui.running import press, screen_text, settled


def door_to(path: Path) -> Door:
    async def door() -> ControlClient:
        return await ControlClient.connect(path, role=Role.FACE, name="terminal")

    return door


async def until(pilot: Pilot[Ended], true: Callable[[], bool], within: float = 60.0) -> None:
    async with asyncio.timeout(within):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.02)
    await settled(pilot)


async def test_attaching_shows_the_bot_and_takes_free_control(short: Path) -> None:
    bot = DemoBot(fixtures.normal())
    async with serving(bot, short / "s"):
        app = GridApp(door_to(short / "s"))
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.picture.controls)
            assert "10 214.31" in screen_text(app)
            await pilot.press("p")
            await until(pilot, lambda: bool(bot.orders))
            assert bot.orders[0].kind is CommandKind.PAUSE
            await until(pilot, lambda: app.picture.snapshot is not None and app.picture.snapshot.state == "paused")
            assert "PAUSED" in screen_text(app)


def in_this_process(server: ControlServer) -> GridApp:
    """The app of a bot of its own process."""

    async def door() -> ControlClient:
        return await ControlClient.over(await server.local_socket(), name="terminal")

    return GridApp(door, attached=False)


async def test_the_app_in_one_process_uses_the_same_code_over_a_socket_pair(short: Path) -> None:
    bot = DemoBot(fixtures.normal())
    async with serving(bot, short / "s") as server:
        app = in_this_process(server)
        async with app.run_test(size=(80, 24)) as pilot:
            await until(pilot, lambda: app.picture.controls)
            assert "BTCUSDT" in screen_text(app)


async def test_a_second_terminal_reads_asks_and_takes_over_while_the_first_is_told(short: Path) -> None:
    bot = DemoBot(fixtures.normal())
    async with serving(bot, short / "s"):
        first = GridApp(door_to(short / "s"))
        async with first.run_test(size=(120, 40)) as one:
            await until(one, lambda: first.picture.controls)
            second = GridApp(door_to(short / "s"))
            async with second.run_test(size=(120, 40)) as two:
                await until(two, lambda: second.picture.snapshot is not None)
                assert not second.picture.controls
                await two.press("t")
                await until(two, lambda: isinstance(second.screen, ControlDialog))
                await until(one, lambda: any("asks for control" in note.text for note in first.picture.notes))
                await two.press("tab", "enter")
                await until(two, lambda: second.picture.controls)
                await until(one, lambda: not first.picture.controls)
                assert any("only reads" in note.text for note in first.picture.notes)


async def test_a_bot_that_goes_leaves_the_last_picture_and_one_that_returns_is_found(short: Path) -> None:
    path = short / "s"
    app = GridApp(door_to(path))
    server = ControlServer(DemoBot(fixtures.normal()), path)
    await server.start()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.picture.snapshot is not None)
        await server.close()
        await until(pilot, lambda: app.picture.line is Line.LOST)
        assert "DISCONNECTED" in screen_text(app)
        assert "10 214.31" in screen_text(app)
        async with serving(DemoBot(fixtures.paused()), path):
            await until(pilot, lambda: app.picture.line is Line.UP and "PAUSED" in screen_text(app))
            assert "DISCONNECTED" not in screen_text(app)


async def test_a_bot_of_this_process_that_ended_leaves_its_last_picture_on_the_screen(short: Path) -> None:
    bot = DemoBot(fixtures.normal())
    server = ControlServer(bot, short / "s")
    await server.start()
    app = in_this_process(server)
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.picture.snapshot is not None)
        await server.close()
        await until(pilot, lambda: app.picture.gone)
        assert app.is_running
        said = screen_text(app).splitlines()
        assert "■ ENDED" in said[0]
        assert "■ BOT ENDED" in said[1]
        assert "nobody trades" in said[1]
        await press(pilot, "w")
        assert "nobody trades: " in screen_text(app)
        assert "nothing is held back" not in screen_text(app)
        await press(pilot, "ctrl+q")
        assert "the bot has ended, and nobody trades" in " ".join(screen_text(app).split())
        assert "takes over" not in screen_text(app)
        await press(pilot, "right", "enter")
    assert app.return_value is not None
    assert app.return_value.how == "detached"


async def test_a_bot_of_this_process_that_dropped_an_app_that_stood_still_is_connected_again(short: Path) -> None:
    bot = DemoBot(fixtures.normal())
    async with serving(bot, short / "s") as server:
        app = in_this_process(server)
        async with app.run_test(size=(120, 40)) as pilot:
            await until(pilot, lambda: app.picture.controls)
            for handler in list(server._handlers):
                handler.cancel()  # as where nothing was read for ten seconds
            await until(pilot, lambda: not app.picture.controls)
            await until(pilot, lambda: app.picture.line is Line.UP and app.picture.controls)
            assert "DISCONNECTED" not in screen_text(app)


@pytest.mark.parametrize(("end", "how"), [("stop", "over"), ("die", "unheard"), ("", "detached")])
async def test_who_leaves_the_screen_of_another_process_is_told_whether_it_trades_as_far_as_is_known(
    short: Path, end: str, how: str
) -> None:
    done = ShutdownView("report", ("report",), "0 orders left", 0, ok=True)
    stopped = replace(fixtures.normal(), state="stopped", shutdown=done)
    path = short / "s"
    app = GridApp(door_to(path))
    server = ControlServer(DemoBot(stopped if end == "stop" else fixtures.normal()), path)
    await server.start()
    async with app.run_test(size=(120, 40)) as pilot:
        await until(pilot, lambda: app.picture.snapshot is not None)
        if end:
            await server.close()
            await until(pilot, lambda: app.picture.line is Line.LOST or app.picture.stopped is not None)
        await press(pilot, "ctrl+q")
        await press(pilot, "right", "enter")
    await server.close()
    assert app.return_value is not None
    assert app.return_value.how == how


async def test_without_a_bot_the_app_says_why_and_keeps_trying(short: Path) -> None:
    app = GridApp(door_to(short / "none"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(pilot, lambda: app.picture.line is Line.LOST)
        assert "nobody listens" in screen_text(app)
