"""The control socket of a bot that trades: watched twice, read slowly, and never too much to say."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from msgspec.structs import replace

from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.codec import encode_down
from gridbot_tui.control.command import CommandKind
from gridbot_tui.control.errors import ConnectionLost
from gridbot_tui.control.fit import ROOM
from gridbot_tui.control.messages import Role
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.app import run
from gridbot_tui.service.books.profile import named
from gridbot_tui.service.operator.control_server import ControlServer
from gridbot_tui.service.operator.session import Session
from tests.control.scene import PATIENCE_S, Raw
from tests.service.living import NAME, Living, copied, live_once, options


async def next_of(client: ControlClient) -> Snapshot:
    async with asyncio.timeout(PATIENCE_S):
        async for snapshot in client.snapshots():
            return snapshot
    raise AssertionError("the stream has ended")


@asynccontextmanager
async def trading(warmed: Path) -> AsyncIterator[tuple[Session, Path]]:
    """A whole run in this loop, at speed, and its socket."""
    ready: asyncio.Future[Session] = asyncio.get_running_loop().create_future()

    def listens(session: Session, _: ControlServer) -> None:
        ready.set_result(session)

    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        home = copied(warmed, Path(folder) / "h")
        life = asyncio.create_task(run(options(home, speed="3000"), on_ready=listens, screen=True))
        session = await asyncio.wait_for(ready, PATIENCE_S)
        yield session, named(home, NAME).socket
        session.request_stop("end", keep_positions=False)
        assert (await asyncio.wait_for(life, PATIENCE_S)).exit_code == 0


async def test_two_watch_the_same_bot_and_a_slow_one_holds_up_nobody(warmed: Path) -> None:
    async with trading(warmed) as (session, path):
        one = await ControlClient.connect(path, role=Role.VIEW, name="one")
        other = await ControlClient.connect(path, role=Role.VIEW, name="other")
        slow = await Raw.connect(path)  # it never reads
        begin = session.snapshot().at
        seen = [await next_of(client) for client in (one, other)]
        for _ in range(3):
            seen.append(await next_of(one))
        assert all(snapshot.viewers >= 2 for snapshot in seen[1:])
        times = [snapshot.at for snapshot in seen[2:]]
        assert times == sorted(set(times))
        assert session.snapshot().at > begin + 60_000
        slow.writer.close()
        for client in (one, other):
            await client.close()


async def test_an_operator_orders_over_the_socket_while_others_watch(warmed: Path) -> None:
    async with trading(warmed) as (_, path):
        face = await ControlClient.connect(path, role=Role.VIEW)
        hand = await ControlClient.connect(path, role=Role.OPERATE)
        done = await asyncio.wait_for(hand.command(CommandKind.PAUSE), PATIENCE_S)
        assert done.ok
        async with asyncio.timeout(PATIENCE_S):
            while (await next_of(face)).state != "paused":
                pass
        for client in (face, hand):
            await client.close()


def test_a_picture_of_twenty_symbols_fits_into_a_frame(warmed: Path, tmp_path: Path) -> None:
    def look(bot: Living) -> None:
        picture = bot.parts.picture.snapshot()
        views = list(picture.symbols.values())
        twenty = replace(picture, symbols={f"S{index}USDT": views[index % len(views)] for index in range(20)})
        assert len(encode_down(twenty)) < ROOM

    live_once(options(copied(warmed, tmp_path / "home")), look)


async def test_the_last_picture_of_a_bot_that_is_stopped_says_how_it_ended(warmed: Path) -> None:
    async with trading(warmed) as (session, path):
        client = await ControlClient.connect(path, role=Role.VIEW)
        last = await next_of(client)
        session.request_stop("asked", keep_positions=False)
        with suppress(ConnectionLost):
            async with asyncio.timeout(PATIENCE_S):
                async for picture in client.snapshots():
                    last = picture
        await client.close()
    assert last.state == "stopped"
    assert last.shutdown is not None
    assert last.shutdown.ok
    assert last.shutdown.detail == "0 orders left; 0 positions left; verified on the exchange"
