"""Orders over the control socket, and who may give them."""

import asyncio
from pathlib import Path

import pytest

from gridbot_tui.control import codec
from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.errors import ConnectionLost, Refused, TimedOut
from gridbot_tui.control.messages import (
    Announcement,
    ControlAsked,
    ControlChanged,
    Introduce,
    Ping,
    Pong,
    Refusal,
    Role,
)
from gridbot_tui.service.operator.control_peer import Limits
from gridbot_tui.service.operator.control_server import ControlServer
from tests.control.fake_bot import FakeBot
from tests.control.scene import FAST, Raw, until

# Orders


async def test_an_order_is_acknowledged_at_once_and_its_outcome_comes_later(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    bot.hold = True
    raw = await Raw.connect(path)
    raw.writer.write(codec.encode_up(Introduce(Role.OPERATE, "cli")))
    order = Command("x1", CommandKind.FLATTEN)
    raw.writer.write(codec.encode_up(order))
    assert await raw.until(Ack) == Ack("x1", True)
    raw.writer.write(codec.encode_up(Ping(5)))
    assert await raw.until(Pong) == Pong(5)
    bot.finish(order)
    assert await raw.until(CommandOutcome) == CommandOutcome("x1", True, "flatten done")


async def test_the_same_order_twice_is_done_once_and_answered_twice(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    client = await ControlClient.connect(path, role=Role.OPERATE)
    one = await client.command(CommandKind.FLATTEN, command_id="same")
    await client.close()
    again = await ControlClient.connect(path, role=Role.OPERATE)
    two = await again.command(CommandKind.FLATTEN, command_id="same")
    assert one == two
    assert len(bot.commands) == 1
    await again.close()


async def test_an_order_of_the_command_line_is_told_to_those_who_look(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    viewer = await ControlClient.connect(path, role=Role.VIEW)
    cli = await ControlClient.connect(path, role=Role.OPERATE, name="flatten")
    await cli.command(CommandKind.RELOAD, {"preview": "true"})  # changes nothing: nobody needs to hear of it
    await cli.command(CommandKind.FLATTEN, {"symbol": "BTCUSDT"})
    note = await anext(viewer.news())
    assert isinstance(note, Announcement)
    assert (note.kind, note.ok) == ("flatten BTCUSDT", True)
    assert note.peer.startswith("flatten (process ")
    assert bot.commands[1][1] == note.peer
    await viewer.close()
    await cli.close()


async def test_a_refused_order_says_why(bot: FakeBot, server: ControlServer, path: Path) -> None:
    bot.refuse = "the shutdown is under way"
    client = await ControlClient.connect(path, role=Role.OPERATE)
    with pytest.raises(Refused, match="the shutdown is under way"):
        await client.command(CommandKind.PAUSE)
    await client.close()


async def test_an_outcome_that_does_not_come_is_a_timeout_not_a_no(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    bot.hold = True
    client = await ControlClient.connect(path, role=Role.OPERATE)
    with pytest.raises(TimedOut):
        await client.command(CommandKind.FLATTEN, within=0.1)
    await client.close()


async def test_the_last_outcome_reaches_its_client_before_the_server_goes(bot: FakeBot, path: Path) -> None:
    bot.hold = True
    async with ControlServer(bot, path, limits=FAST):
        client = await ControlClient.connect(path, role=Role.OPERATE)
        waiting = asyncio.create_task(client.command(CommandKind.STOP))
        await until(lambda: bot.commands)
        bot.finish(bot.commands[0][0])
    assert (await waiting).text == "stop done"
    with pytest.raises(ConnectionLost):
        async for _ in client.snapshots():
            pass
    await client.close()


async def test_whoever_waits_hears_that_the_bot_is_gone(bot: FakeBot, path: Path) -> None:
    bot.hold = True
    async with ControlServer(bot, path, limits=FAST):
        client = await ControlClient.connect(path, role=Role.OPERATE)
        waiting = asyncio.create_task(client.command(CommandKind.FLATTEN))
        await until(lambda: bot.commands)
    with pytest.raises(ConnectionLost):
        await waiting
    await client.close()


# Control


async def test_who_only_reads_gives_no_orders(bot: FakeBot, server: ControlServer, path: Path) -> None:
    viewer = await ControlClient.connect(path, role=Role.VIEW)
    with pytest.raises(Refused, match="only reads"):
        await viewer.command(CommandKind.STOP)
    await viewer.ask_control()
    answer = await anext(viewer.news())
    assert isinstance(answer, Refusal)
    assert answer.code == "role"
    assert bot.commands == []
    await viewer.close()


async def test_a_face_takes_control_before_it_gives_orders(bot: FakeBot, server: ControlServer, path: Path) -> None:
    face = await ControlClient.connect(path)
    with pytest.raises(Refused, match="take control first"):
        await face.command(CommandKind.PAUSE)
    await face.ask_control()
    assert isinstance(await anext(face.news()), ControlChanged)
    assert face.controls
    assert (await face.command(CommandKind.PAUSE)).ok
    await face.close()


async def test_a_second_face_takes_over_with_a_confirmation_that_both_see(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    left = await ControlClient.connect(path, name="left")
    right = await ControlClient.connect(path, name="right")
    await left.ask_control()
    assert await anext(left.news()) == ControlChanged(server.desk.holder_name, yours=True)
    changed = await anext(right.news())
    assert isinstance(changed, ControlChanged)
    assert not changed.yours

    await right.take_control()
    refused = await anext(right.news())
    assert isinstance(refused, Refusal), "without asking first"

    await right.ask_control()
    for client, yours in ((left, False), (right, True)):
        asked = await anext(client.news())
        assert isinstance(asked, ControlAsked)
        assert asked.yours is yours
        assert asked.holder.startswith("left")
        assert asked.asker.startswith("right")
    await right.take_control()
    for client, yours in ((left, False), (right, True)):
        after = await anext(client.news())
        assert isinstance(after, ControlChanged)
        assert after.yours is yours
    with pytest.raises(Refused, match=r"right .* holds control"):
        await left.command(CommandKind.PAUSE)
    await left.close()
    await right.close()


async def test_control_can_be_taken_by_a_command_as_well(server: ControlServer, path: Path) -> None:
    left, right = await ControlClient.connect(path), await ControlClient.connect(path)
    assert (await left.command(CommandKind.TAKE_CONTROL)).ok
    asked = await right.command(CommandKind.TAKE_CONTROL)
    assert not asked.ok
    assert "confirm within" in asked.text
    assert (await right.command(CommandKind.TAKE_CONTROL, {"confirm": "true"})).text == "you control"
    await left.close()
    await right.close()


async def test_an_old_wish_for_control_is_no_longer_valid(bot: FakeBot, path: Path) -> None:
    async with ControlServer(bot, path, limits=Limits(ask_expires=0.05)):
        left, right = await ControlClient.connect(path), await ControlClient.connect(path)
        await left.command(CommandKind.TAKE_CONTROL)
        await right.command(CommandKind.TAKE_CONTROL)
        await asyncio.sleep(0.1)
        assert not (await right.command(CommandKind.TAKE_CONTROL, {"confirm": "true"})).ok
        await left.close()
        await right.close()


async def test_who_leaves_gives_control_back(server: ControlServer, path: Path) -> None:
    left, right = await ControlClient.connect(path), await ControlClient.connect(path)
    await left.command(CommandKind.TAKE_CONTROL)
    await left.close()
    await until(lambda: server.desk.holder is None)
    assert (await right.command(CommandKind.TAKE_CONTROL)).ok
    await right.close()


async def test_a_connection_cannot_change_what_it_is(server: ControlServer, path: Path) -> None:
    raw = await Raw.connect(path)
    for role in (Role.VIEW, Role.OPERATE):
        raw.writer.write(codec.encode_up(Introduce(role)))
    refusal = await raw.until(Refusal)
    assert isinstance(refusal, Refusal)
    assert refusal.code == "role"


async def test_a_face_in_this_process_is_a_client_like_any_other(bot: FakeBot, server: ControlServer) -> None:
    face = await ControlClient.over(await server.local_socket(), name="here")
    await face.command(CommandKind.TAKE_CONTROL)
    assert (await face.command(CommandKind.PAUSE)).ok
    assert (await anext(face.snapshots())).profile == "sim-futures-main-usdt"
    assert bot.commands[0][1] == "here (the bot's process)", "other terminals read it, too"
    await face.close()
