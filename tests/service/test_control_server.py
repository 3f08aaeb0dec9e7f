"""The control socket end to end, over real Unix sockets."""

import asyncio
import errno
import os
import socket
import stat
import struct
from pathlib import Path

import pytest
from msgspec.structs import replace

from gridbot_tui.control import codec
from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import CommandKind
from gridbot_tui.control.errors import NotRunning, Refused
from gridbot_tui.control.messages import (
    Refusal,
    Role,
)
from gridbot_tui.control.snapshot import Hello, Snapshot
from gridbot_tui.service.operator import control_server
from gridbot_tui.service.operator.control_peer import Bucket, Limits, Outbox
from gridbot_tui.service.operator.control_server import ControlServer, SocketTaken
from tests.control.fake_bot import FakeBot, picture, symbol_view
from tests.control.scene import FAST, PATIENCE_S, Raw, settle, until


async def pause_often(client: ControlClient) -> None:
    for _ in range(30):
        await client.command(CommandKind.PAUSE)


def mode_of(path: Path) -> int | None:
    return path.lstat().st_mode if path.exists() else None


def put(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    path.write_text(text)


def text_at(path: Path) -> str:
    return path.read_text()


# Greeting and pictures


async def test_the_first_frame_is_hello_and_pictures_follow(server: ControlServer, path: Path) -> None:
    raw = await Raw.connect(path)
    hello = await raw.next()
    assert isinstance(hello, Hello)
    assert (hello.protocol, hello.profile, hello.state) == (1, "sim-futures-main-usdt", "running")
    assert not hello.controller
    assert isinstance(await raw.next(), Snapshot)


async def test_pictures_come_no_more_often_than_allowed(bot: FakeBot, path: Path) -> None:
    async with ControlServer(bot, path, limits=Limits(snapshot_every=0.1, quiet_start=0.0)):
        began = asyncio.get_running_loop().time()
        client = await ControlClient.connect(path)
        seen = 0
        async for _ in client.snapshots():
            seen += 1
            if seen == 4:
                break
        assert asyncio.get_running_loop().time() - began > 0.25, "a busy machine makes them fewer, never more"
        await client.close()


async def test_nobody_reading_means_no_pictures_made(bot: FakeBot, server: ControlServer) -> None:
    await settle()
    assert bot.made == 0


async def test_a_question_of_the_command_line_costs_no_picture_stream(bot: FakeBot, path: Path) -> None:
    patient = replace(FAST, quiet_start=30.0)  # however slow the machine is, the question is over by then
    async with ControlServer(bot, path, limits=patient) as server:
        client = await ControlClient.connect(path, role=Role.OPERATE)
        assert (await client.status())["profile"] == "sim-futures-main-usdt"
        await settle()
        assert client.latest is None
        assert server.viewers == 0
        await client.close()


async def test_a_face_that_is_slow_to_look_sees_the_latest_picture(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    client = await ControlClient.connect(path)
    first = await anext(client.snapshots())
    await until(lambda: client.latest is not None and client.latest.wall_at > first.wall_at + 5)
    second = await anext(client.snapshots())
    assert second.wall_at > first.wall_at + 5, "those in between are passed over"
    await client.close()


async def test_the_picture_names_who_controls_and_how_many_look(server: ControlServer, path: Path) -> None:
    client = await ControlClient.connect(path, name="left")
    await client.ask_control()
    async for snapshot in client.snapshots():
        if snapshot.controller:
            assert snapshot.controller.startswith("left")
            assert snapshot.viewers == 1
            break
    await client.close()


async def test_a_picture_that_cannot_be_made_is_reported_and_the_next_one_comes(bot: FakeBot, path: Path) -> None:
    errors: list[BaseException] = []
    async with ControlServer(bot, path, limits=FAST, on_error=errors.append):
        client = await ControlClient.connect(path)
        await anext(client.snapshots())
        bot.broken = ZeroDivisionError()
        await until(lambda: errors)
        bot.broken = None
        await anext(client.snapshots())
        await anext(client.snapshots())
        assert isinstance(errors[0], ZeroDivisionError)
        await client.close()


async def test_a_slow_reader_holds_up_nobody_and_is_dropped(bot: FakeBot, path: Path) -> None:
    bars = symbol_view().bars * 2000
    bot.base = picture(symbols={"BTCUSDT": symbol_view(bars=bars)})  # about half a MB a frame
    async with ControlServer(bot, path, limits=replace(FAST, stalled=0.5)) as server:
        slow = await Raw.connect(path)
        good = await ControlClient.connect(path)
        seen = 0
        async with asyncio.timeout(PATIENCE_S):
            async for _ in good.snapshots():
                seen += 1
                if seen > 3 and server.viewers == 1:
                    break
        assert await slow.is_closed()
        await good.close()


async def test_what_waits_for_a_slow_reader_is_bounded_and_never_older() -> None:
    box = Outbox(bound=2)
    for number in range(100):
        box.snapshot(str(number).encode())
    box.reply(b"reply")
    assert await box.next() == b"reply"
    assert await box.next() == b"99"
    for _ in range(3):
        box.reply(b"more")
    assert await box.next() is None, "a queue that overflows ends the connection"


async def test_a_reader_gets_the_last_picture_before_the_server_hangs_up(bot: FakeBot, path: Path) -> None:
    server = ControlServer(bot, path, limits=replace(Limits(), snapshot_every=60.0))
    await server.start()
    client = await ControlClient.connect(path)
    snapshots = client.snapshots()
    async with asyncio.timeout(PATIENCE_S):
        first = await anext(snapshots)
        bot.base = replace(bot.base, equity="4711")
        closing = asyncio.create_task(server.close(PATIENCE_S))
        assert (await anext(snapshots)).equity == "4711" != first.equity
        await closing
    await client.close()


# Hostile input


@pytest.mark.parametrize(
    "data",
    [
        b"GET / HTTP/1.1\r\n\r\n",
        (2**32 - 1).to_bytes(4, "big"),
        (0).to_bytes(4, "big"),
        (codec.UP_LIMIT + 1).to_bytes(4, "big") + b"x" * 100,
        struct.pack(">I", 5) + b"hello",
        struct.pack(">I", 40) + b'{"type":"command","id":"a","kind":"stop",',
    ],
)
async def test_nonsense_gets_one_sentence_and_is_hung_up_on(
    data: bytes, bot: FakeBot, server: ControlServer, path: Path
) -> None:
    raw = await Raw.connect(path)
    raw.writer.write(data)
    if len(data) == 45:
        raw.writer.write_eof()
        assert await raw.is_closed()
    else:
        refusal = await raw.until(Refusal)
        assert isinstance(refusal, Refusal)
        assert refusal.code == "protocol"
        assert refusal.closing
        assert await raw.is_closed()
    assert bot.commands == []
    other = await ControlClient.connect(path)
    await anext(other.snapshots())
    await other.close()


async def test_another_user_is_turned_away(
    bot: FakeBot, server: ControlServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(control_server, "peer_credentials", lambda _: (os.getuid() + 1, 1))
    with pytest.raises(Refused, match="another user"):
        await ControlClient.connect(path)
    monkeypatch.setattr(control_server, "peer_credentials", lambda _: (None, None))
    with pytest.raises(Refused, match="another user"):
        await ControlClient.connect(path)


async def test_the_kernel_says_who_is_there(server: ControlServer, path: Path) -> None:
    one, two = socket.socketpair(socket.AF_UNIX)
    with one, two:
        assert control_server.peer_credentials(one)[0] == os.getuid()


async def test_only_so_many_connections_are_taken(bot: FakeBot, path: Path) -> None:
    async with ControlServer(bot, path, limits=Limits(connections=2)) as server:
        held = [await ControlClient.connect(path) for _ in range(2)]
        with pytest.raises(Refused, match="2 connections are open"):
            await ControlClient.connect(path)
        await held.pop().close()
        await until(lambda: len(server._peers) == 1)
        held.append(await ControlClient.connect(path))
        for client in held:
            await client.close()


async def test_a_look_at_a_bot_without_a_free_descriptor_is_tried_once_and_not_a_hundred_times(
    server: ControlServer, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[int] = []

    def none_free(listening: socket.socket) -> None:
        tried.append(listening.fileno())
        raise OSError(errno.EMFILE, "Too many open files")

    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with monkeypatch.context() as patched:
        patched.setattr(socket.socket, "accept", none_free)
        client = await Raw.connect(path)
        await until(lambda: tried)
        await settle()
    assert len(tried) == 1, "each try has another a second later"
    assert isinstance(await client.next(), Hello)


async def test_too_many_orders_at_once_are_refused_and_not_done(bot: FakeBot, path: Path) -> None:
    slowly = replace(FAST, commands_per_s=0.001)  # however long a busy machine takes over them, they come at once
    async with ControlServer(bot, path, limits=slowly) as server:
        client = await ControlClient.connect(path, role=Role.OPERATE)
        with pytest.raises(Refused, match="too many orders"):
            await pause_often(client)
        assert len(bot.commands) == server.limits.commands_burst
        assert (await client.command(CommandKind.KILL)).ok, "a kill is never held back"
        await client.close()


def test_a_bucket_gives_what_has_flowed_in_and_no_more() -> None:
    now = 0.0
    bucket = Bucket(2.0, 3, lambda: now)
    assert [bucket.take() for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    now = 0.5
    assert bucket.take() == 0.0
    assert bucket.take() > 0.0


# The socket file


async def test_the_socket_is_for_its_user_only_and_goes_with_the_server(bot: FakeBot, path: Path) -> None:
    async with ControlServer(bot, path):
        mode = mode_of(path)
        assert mode is not None
        assert stat.S_ISSOCK(mode)
        assert stat.S_IMODE(mode) == 0o600
    assert mode_of(path) is None
    with pytest.raises(NotRunning):
        await ControlClient.connect(path)


async def test_the_file_of_a_dead_server_is_replaced(bot: FakeBot, path: Path) -> None:
    dead = socket.socket(socket.AF_UNIX)
    dead.bind(str(path))
    dead.close()
    async with ControlServer(bot, path):
        client = await ControlClient.connect(path)
        await client.close()


async def test_a_living_server_is_not_pushed_aside(bot: FakeBot, server: ControlServer, path: Path) -> None:
    with pytest.raises(SocketTaken, match="another bot listens"):
        await ControlServer(FakeBot(), path).start()
    client = await ControlClient.connect(path)
    await client.close()


async def test_something_else_at_the_path_is_left_alone(bot: FakeBot, path: Path) -> None:
    put(path, "precious")
    with pytest.raises(SocketTaken, match="no socket"):
        await ControlServer(bot, path).start()
    assert text_at(path) == "precious"


async def test_a_file_that_another_has_put_there_meanwhile_is_not_removed(bot: FakeBot, path: Path) -> None:
    async with ControlServer(bot, path):
        put(path, "another's")
    assert text_at(path) == "another's"
