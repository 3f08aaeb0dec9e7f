"""The control socket end to end, over real Unix sockets."""

import asyncio
import os
import socket
import stat
import struct
import tempfile
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from gridbot_tui.control import codec
from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.errors import ConnectionLost, NotRunning, Refused, TimedOut
from gridbot_tui.control.messages import (
    Announcement,
    ControlAsked,
    ControlChanged,
    Introduce,
    Ping,
    Pong,
    Refusal,
    Role,
    ServerMessage,
)
from gridbot_tui.control.snapshot import Hello, Snapshot
from gridbot_tui.service import control_server
from gridbot_tui.service.control_peer import Bucket, Limits, Outbox
from gridbot_tui.service.control_server import ControlServer, SocketTaken
from tests.control.fake_bot import FakeBot, picture, symbol_view

FAST = Limits(snapshot_every=0.02, quiet_start=0.01, stalled=0.3)


@pytest.fixture
def path() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        yield Path(folder) / "control.sock"


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
async def server(bot: FakeBot, path: Path) -> AsyncIterator[ControlServer]:
    async with ControlServer(bot, path, limits=FAST) as one:
        yield one


class Raw:
    """A client that can misbehave."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def connect(cls, path: Path) -> "Raw":
        return cls(*await asyncio.open_unix_connection(str(path)))

    async def next(self) -> ServerMessage:
        async with asyncio.timeout(3):
            header = await self.reader.readexactly(4)
            return codec.decode_down(await self.reader.readexactly(int.from_bytes(header, "big")))

    async def until(self, kind: type) -> ServerMessage:
        while not isinstance(message := await self.next(), kind):
            pass
        return message

    async def is_closed(self) -> bool:
        async with asyncio.timeout(3):
            try:
                while await self.reader.read(65536):
                    pass
            except ConnectionError:
                pass
        return True


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


async def settle() -> None:
    await asyncio.sleep(0.05)


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
        client = await ControlClient.connect(path)
        loop = asyncio.get_running_loop()
        times = []
        async for _ in client.snapshots():
            times.append(loop.time())
            if len(times) == 4:
                break
        assert times[-1] - times[0] > 0.25
        await client.close()


async def test_nobody_reading_means_no_pictures_made(bot: FakeBot, server: ControlServer) -> None:
    await settle()
    assert bot.made == 0


async def test_a_question_of_the_command_line_costs_no_picture_stream(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
    client = await ControlClient.connect(path, role=Role.OPERATE)
    assert (await client.status())["profile"] == "sim-futures-main-usdt"
    await settle()
    assert client.latest is None
    assert server.viewers == 0
    await client.close()


async def test_a_face_that_is_slow_to_look_sees_the_latest_picture(server: ControlServer, path: Path) -> None:
    client = await ControlClient.connect(path)
    first = await anext(client.snapshots())
    await asyncio.sleep(0.2)
    second = await anext(client.snapshots())
    assert second.wall_at > first.wall_at + 3
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
        await settle()
        bot.broken = None
        await settle()
        await anext(client.snapshots())
        await anext(client.snapshots())
        assert isinstance(errors[0], ZeroDivisionError)
        await client.close()


async def test_a_slow_reader_holds_up_nobody_and_is_dropped(bot: FakeBot, path: Path) -> None:
    bars = symbol_view().bars * 2000
    bot.base = picture(symbols={"BTCUSDT": symbol_view(bars=bars)})  # about half a MB a frame
    async with ControlServer(bot, path, limits=FAST) as server:
        slow = await Raw.connect(path)
        good = await ControlClient.connect(path)
        seen = 0
        async with asyncio.timeout(5):
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
    async with ControlServer(bot, path, limits=Limits(connections=2)):
        held = [await ControlClient.connect(path) for _ in range(2)]
        with pytest.raises(Refused, match="2 connections are open"):
            await ControlClient.connect(path)
        await held.pop().close()
        await settle()
        held.append(await ControlClient.connect(path))
        for client in held:
            await client.close()


async def test_too_many_orders_at_once_are_refused_and_not_done(
    bot: FakeBot, server: ControlServer, path: Path
) -> None:
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
    await cli.command(CommandKind.FLATTEN, {"symbol": "BTCUSDT"})
    note = await anext(viewer.news())
    assert isinstance(note, Announcement)
    assert (note.kind, note.ok) == ("flatten", True)
    assert note.peer.startswith("flatten (process ")
    assert bot.commands[0][1] == note.peer
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
        await settle()
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
        await settle()
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
    await settle()
    assert server.desk.holder is None
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
    assert bot.commands[0][1] == "here (this process)"
    await face.close()


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
