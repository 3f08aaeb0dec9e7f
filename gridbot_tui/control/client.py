"""A face's connection to a running bot. Light: nothing of ours but control and units.

One reading task owns the socket. The latest snapshot replaces one that nobody took, so a slow face sees
fewer, never older; news (control, orders of others) wait in a queue of bounded length. Every ``within``
is in seconds.
"""

import asyncio
import socket
from collections import deque
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from gridbot_tui.control import codec
from gridbot_tui.control.ask import new_id
from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.errors import (
    ConnectionLost,
    ControlError,
    NotRunning,
    ProtocolError,
    Refused,
    TimedOut,
)
from gridbot_tui.control.messages import (
    PROTOCOL,
    Announcement,
    AskControl,
    AskStatus,
    ClientMessage,
    ControlAsked,
    ControlChanged,
    Introduce,
    Refusal,
    Role,
    ServerMessage,
    StatusReply,
    TakeControl,
)
from gridbot_tui.control.snapshot import Hello, Snapshot

News = ControlAsked | ControlChanged | Announcement | Refusal
_NEWS_KEPT = 100


class ControlClient:
    """One connection. Make it with ``connect`` or ``over``; connecting again is the caller's decision."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, hello: Hello) -> None:
        self.hello = hello
        self.controls = hello.controller
        """True while this connection holds control."""
        self._reader = reader
        self._writer = writer
        self._snapshot: Snapshot | None = None
        self._news: deque[News] = deque(maxlen=_NEWS_KEPT)
        self._changed = asyncio.Condition()
        self._lost: ControlError | None = None
        self._acks: dict[str, asyncio.Future[Ack]] = {}
        self._outcomes: dict[str, asyncio.Future[CommandOutcome]] = {}
        self._statuses: deque[asyncio.Future[dict[str, Any]]] = deque()
        self._task = asyncio.create_task(self._read(), name="control client")

    @classmethod
    async def connect(
        cls, path: Path, *, role: Role = Role.FACE, name: str = "", within: float = 5.0
    ) -> "ControlClient":
        """Connect to the socket at ``path`` and exchange greetings. Raises ControlError."""
        try:
            async with asyncio.timeout(within):
                return await cls._greet(*await asyncio.open_unix_connection(str(path)), role, name)
        except TimeoutError as error:
            raise TimedOut(f"no answer from {path} within {within:g} s") from error
        except OSError as error:
            raise NotRunning(f"nobody listens at {path}") from error

    @classmethod
    async def over(
        cls, end: socket.socket, *, role: Role = Role.FACE, name: str = "", within: float = 5.0
    ) -> "ControlClient":
        """The same over a connected socket: how a face in the bot's own process talks to it."""
        try:
            async with asyncio.timeout(within):
                return await cls._greet(*await asyncio.open_unix_connection(sock=end), role, name)
        except TimeoutError as error:
            raise TimedOut(f"no answer within {within:g} s") from error

    async def close(self) -> None:
        """Hang up."""
        self._task.cancel()
        await asyncio.wait([self._task])
        self._writer.close()

    @property
    def latest(self) -> Snapshot | None:
        """The latest snapshot not yet taken by ``snapshots``."""
        return self._snapshot

    async def snapshots(self) -> AsyncIterator[Snapshot]:
        """Each snapshot once, the latest first; ends by raising ConnectionLost or ProtocolError."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: self._snapshot is not None or self._lost is not None)
                snapshot, self._snapshot = self._snapshot, None
            if snapshot is None:
                raise self._why_lost()
            yield snapshot

    async def news(self) -> AsyncIterator[News]:
        """Who controls, who asks to, and what others ordered; ends as ``snapshots`` does."""
        while True:
            async with self._changed:
                await self._changed.wait_for(lambda: bool(self._news) or self._lost is not None)
                item = self._news.popleft() if self._news else None
            if item is None:
                raise self._why_lost()
            yield item

    async def command(
        self,
        kind: CommandKind,
        args: dict[str, str] | None = None,
        *,
        base_version: int | None = None,
        command_id: str = "",
        within: float = 60.0,
    ) -> CommandOutcome:
        """Give an order and wait until it has converged. Repeat it safely with the same ``command_id``.

        Raises Refused (nothing was done), TimedOut (it may still happen) or ConnectionLost (likewise).
        """
        command = Command(command_id or new_id(), kind, args or {}, base_version)
        loop = asyncio.get_running_loop()
        ack = self._acks.setdefault(command.id, loop.create_future())
        outcome = self._outcomes.setdefault(command.id, loop.create_future())
        try:
            async with asyncio.timeout(within):
                await self._send(command)
                answer = await asyncio.shield(ack)
                if not answer.ok:
                    raise Refused(answer.text)
                return await asyncio.shield(outcome)
        except TimeoutError as error:
            raise TimedOut(f"{kind.value}: no outcome within {within:g} s") from error
        finally:
            self._acks.pop(command.id, None)
            self._outcomes.pop(command.id, None)

    async def status(self, within: float = 5.0) -> dict[str, Any]:
        """The ``status`` document."""
        future: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._statuses.append(future)
        try:
            async with asyncio.timeout(within):
                await self._send(AskStatus())
                return await asyncio.shield(future)
        except TimeoutError as error:
            raise TimedOut(f"no status within {within:g} s") from error

    async def ask_control(self, *, if_free: bool = False) -> None:
        """Ask for control, or only where nobody holds it; what becomes of it comes as news."""
        await self._send(AskControl(if_free))

    async def take_control(self) -> None:
        """Confirm a take-over that was asked for."""
        await self._send(TakeControl())

    @classmethod
    async def _greet(
        cls, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, role: Role, name: str
    ) -> "ControlClient":
        try:
            hello = codec.decode_down(await _payload(reader))
            if isinstance(hello, Refusal):
                raise Refused(hello.text)
            if not isinstance(hello, Hello):
                raise ProtocolError("the other end did not say hello")
            if hello.protocol != PROTOCOL:
                raise ProtocolError(
                    f"the running bot is gridbot {hello.version} (protocol {hello.protocol}), "
                    f"this one speaks protocol {PROTOCOL}: use the same version"
                )
            writer.write(codec.encode_up(Introduce(role, name)))
        except BaseException:
            writer.close()
            raise
        return cls(reader, writer, hello)

    async def _send(self, message: ClientMessage) -> None:
        if self._lost is not None:
            raise self._why_lost()
        try:
            self._writer.write(codec.encode_up(message))
            await self._writer.drain()
        except OSError as error:
            raise ConnectionLost("the bot is gone") from error

    async def _read(self) -> None:
        """Until the connection ends; then everybody who waits is told why."""
        lost: ControlError = ConnectionLost("the connection was closed")
        try:
            while True:
                await self._take(codec.decode_down(await _payload(self._reader)))
        except ControlError as error:
            lost = error
        finally:
            self._lost = lost
            waiting: list[asyncio.Future[Any]] = [*self._acks.values(), *self._outcomes.values()]
            for future in [*waiting, *self._statuses]:
                if not future.done():
                    future.set_exception(lost)
                    future.exception()  # looked at: nobody may be waiting for this one any more
            await self._notify()

    async def _take(self, message: ServerMessage) -> None:
        if isinstance(message, Ack):
            _resolve(self._acks.get(message.id), message)
        elif isinstance(message, CommandOutcome):
            _resolve(self._outcomes.get(message.id), message)
        elif isinstance(message, StatusReply):
            _resolve(self._statuses.popleft() if self._statuses else None, message.document)
        elif isinstance(message, Snapshot):
            self._snapshot = message
            await self._notify()
        elif isinstance(message, ControlAsked | ControlChanged | Announcement | Refusal):
            if isinstance(message, ControlChanged):
                self.controls = message.yours
            self._news.append(message)
            await self._notify()

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()

    def _why_lost(self) -> ControlError:
        return self._lost or ConnectionLost("the connection was closed")


def _resolve(future: asyncio.Future[Any] | None, value: object) -> None:
    if future is not None and not future.done():
        future.set_result(value)


async def _payload(reader: asyncio.StreamReader) -> bytes:
    try:
        header = await reader.readexactly(codec.HEADER)
        return await reader.readexactly(codec.length_of(header, codec.DOWN_LIMIT))
    except (asyncio.IncompleteReadError, OSError) as error:
        raise ConnectionLost("the bot closed the connection") from error
