"""The control socket of a running bot: a Unix socket that only its own user can open.

``serve`` runs in the service's loop and owns every task of it. Whatever clients do, the bot waits for none:
answers go into bounded queues, snapshots replace each other, and who does not read is dropped.
"""

import asyncio
import errno
import os
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final, Self

from msgspec.structs import replace

from gridbot_tui import __version__
from gridbot_tui.control import codec
from gridbot_tui.control.command import Ack, Command
from gridbot_tui.control.errors import NotRunning, ProtocolError
from gridbot_tui.control.fit import Fitter
from gridbot_tui.control.messages import PROTOCOL, Announcement, Refusal, Role
from gridbot_tui.control.snapshot import Hello
from gridbot_tui.service.operator.control_desk import ControlDesk
from gridbot_tui.service.operator.control_peer import Limits, Peer
from gridbot_tui.service.operator.face import Controlled

MOST_AT_ONCE: Final = 100
"""Connections that wait to be accepted."""


class SocketTaken(Exception):
    """Somebody else listens there, or the path is something else than a socket: one sentence."""


class ControlServer:
    """Serves one bot at one path. ``async with`` it: it listens inside, and has let go of all after."""

    def __init__(
        self,
        bot: Controlled,
        path: Path,
        *,
        limits: Limits | None = None,
        on_error: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.bot = bot
        self.path = path
        self.limits = limits or Limits()
        self.desk = ControlDesk(lambda: list(self._peers), self.limits.ask_expires)
        self._on_error = on_error
        self._peers: set[Peer] = set()
        self._handlers: set[asyncio.Task[None]] = set()
        self._wanted = asyncio.Event()
        self._fitter = Fitter()
        self._server: asyncio.Server | None = None
        self._stream: asyncio.Task[None] | None = None
        self._inode = 0
        self.closed = False
        """True from when it lets go of its connections: who is local to it need not ask again."""

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def start(self) -> None:
        """Listen from now on. Raises SocketTaken."""
        await self._listen(self.path)
        self._stream = asyncio.create_task(self._broadcast(), name="control snapshots")

    async def listen_again(self, path: Path) -> None:
        """Listen at ``path``: the socket's file was taken away. Connections that are open stay. Raises SocketTaken."""
        before = self._server
        await self._listen(path)
        if before is not None:
            before.close()

    async def _listen(self, path: Path) -> None:
        listening = bind(path)
        self.path = path
        self._inode = self.path.stat().st_ino
        # asyncio takes the backlog for how often to accept in a row, too. Without a free descriptor each of those fails
        # and has a retry of its own a second later: those of one look at the bot would grow until they fill the loop.
        self._server = await asyncio.start_unix_server(self._accept, sock=listening, backlog=1)
        listening.listen(MOST_AT_ONCE)

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    @property
    def viewers(self) -> int:
        """Connections that read the stream of snapshots."""
        return sum(1 for peer in self._peers if peer.streams)

    async def local_socket(self) -> socket.socket:
        """A connected socket for a face in this very process, in this thread or another. Raises NotRunning."""
        if self.closed:
            raise NotRunning("the bot has ended")
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        reader, writer = await asyncio.open_unix_connection(sock=ours)
        task = asyncio.create_task(self._handle(reader, writer, None), name="control local")
        self._handlers.add(task)
        task.add_done_callback(self._handlers.discard)
        return theirs

    async def close(self, grace: float = 1.0) -> None:
        """Stop listening, send the last picture, let what is queued be written for up to ``grace`` seconds, hang up."""
        self.closed = True
        if self._server is not None:
            self._server.close()
        if self._stream is not None:
            self._stream.cancel()
        outcomes = [task for peer in self._peers for task in peer.outcomes]
        if outcomes:  # the outcome of a stop is known by now, but not yet in its queue
            await asyncio.wait(outcomes, timeout=grace / 2)
        readers = [peer for peer in self._peers if peer.streams]
        if readers:  # at full speed a replay has gone on for days since the one before
            self._send_snapshot(readers)
        for peer in self._peers:
            peer.outbox.close()
        if self._handlers:
            _, late = await asyncio.wait(self._handlers, timeout=grace)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        self._remove()

    # -- what a connection needs (House) ----------------------------------------------------------------

    def announce(self, sender: Peer, command: Command, ack: Ack) -> None:
        """Tell all faces but the sender what was ordered and what was answered; a mere preview orders nothing."""
        if command.args.get("preview") == "true":
            return
        now = time.time_ns() // 1_000_000
        note = Announcement(now, sender.name, command.id, command.words, ack.ok, ack.text)
        for peer in self._peers:
            if peer is not sender and peer.role is not Role.OPERATE:
                peer.send(note)

    def wants_snapshots(self, peer: Peer) -> None:
        """Wake the stream: somebody reads it."""
        self._wanted.set()

    def failed(self, error: BaseException) -> None:
        """Report to the owner; without one, to the loop."""
        if self._on_error is not None:
            self._on_error(error)
        else:
            asyncio.get_running_loop().call_exception_handler({"message": "control socket", "exception": error})

    # -- inside -----------------------------------------------------------------------------------------

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._handlers.add(task)
        try:
            uid, pid = peer_credentials(writer.get_extra_info("socket"))
            if uid != os.getuid():
                await self._turn_away(writer, Refusal("user", "this bot belongs to another user", True))
            elif len(self._peers) >= self.limits.connections:
                text = f"{len(self._peers)} connections are open, no more are taken: close one"
                await self._turn_away(writer, Refusal("busy", text, True))
            else:
                await self._handle(reader, writer, pid)
        except asyncio.CancelledError:
            pass  # hung up on by close(); asyncio's own callback would report a task that ends cancelled as an error
        finally:
            self._handlers.discard(task)

    async def _handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int | None) -> None:
        peer = Peer(self, reader, writer, pid)
        self._peers.add(peer)
        try:
            now = self.bot.snapshot()
            hello = Hello(PROTOCOL, __version__, now.profile, now.mode, now.state, controller=False)
            peer.send(hello)
            await peer.run()
        except Exception as error:  # noqa: BLE001 - reported; one connection must not end the others
            self.failed(error)
            writer.transport.abort()
        finally:
            self._peers.discard(peer)
            self.desk.release(peer)

    async def _turn_away(self, writer: asyncio.StreamWriter, refusal: Refusal) -> None:
        writer.write(codec.encode_down(refusal))
        try:
            async with asyncio.timeout(1.0):
                await writer.drain()
        except (TimeoutError, ConnectionError):
            pass  # it was told as far as it would listen
        writer.close()

    async def _broadcast(self) -> None:
        """One snapshot for all who read, at most every ``snapshot_every`` seconds; none while nobody does."""
        while True:
            readers = [peer for peer in self._peers if peer.streams]
            if not readers:
                self._wanted.clear()
                await self._wanted.wait()
                continue
            self._send_snapshot(readers)
            await asyncio.sleep(self.limits.snapshot_every)

    def _send_snapshot(self, readers: list[Peer]) -> None:
        try:
            picture = replace(self.bot.snapshot(), controller=self.desk.holder_name, viewers=len(readers))
            frame = self._fitter.frame(picture)
        except ProtocolError as error:
            self.failed(error)
            for peer in readers:
                peer.refuse("size", str(error))
            return
        except Exception as error:  # noqa: BLE001 - reported; the next picture may be made again
            self.failed(error)
            return
        for peer in readers:
            peer.outbox.snapshot(frame)

    def _remove(self) -> None:
        """Take the socket file away, if it is still ours."""
        try:
            if self.path.lstat().st_ino == self._inode:
                self.path.unlink()
        except FileNotFoundError:
            pass  # gone already, as wanted


def bind(path: Path) -> socket.socket:
    """A listening socket at ``path`` with mode 0600; a dead one's file is replaced.

    Raises:
        SocketTaken: somebody answers there, or there is something that is no socket.
    """
    _clear(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)  # from the first moment, not only after a chmod
    try:
        listening.bind(str(path))
    except OSError as error:
        listening.close()
        raise SocketTaken(f"the control socket cannot be made at {path}: {error.strerror or error}") from error
    finally:
        os.umask(before)
    listening.listen(MOST_AT_ONCE)
    listening.setblocking(False)
    return listening


def peer_credentials(connected: socket.socket) -> tuple[int | None, int | None]:
    """User and process id of the other end, as the kernel says; None where it does not."""
    if sys.platform == "linux":
        raw = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
        pid, uid, _ = struct.unpack("3i", raw)
        return uid, pid
    if sys.platform == "darwin":
        raw = connected.getsockopt(0, 1, 76)  # SOL_LOCAL, LOCAL_PEERCRED: struct xucred
        return struct.unpack_from("=Ii", raw)[1], None
    return None, None


def _clear(path: Path) -> None:
    try:
        found = path.lstat()
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise SocketTaken(f"{path} is in the way and is no socket: move it")
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    probe.settimeout(1.0)
    try:
        probe.connect(str(path))
    except (ConnectionRefusedError, FileNotFoundError):
        path.unlink(missing_ok=True)
        return
    except OSError as error:
        # A full queue or no answer in time is a hung process, not a dead one.
        raise SocketTaken(
            f"a bot seems to hang behind {path} ({errno.errorcode.get(error.errno or 0, error)})"
        ) from error
    finally:
        probe.close()
    raise SocketTaken(f"another bot listens at {path}")
