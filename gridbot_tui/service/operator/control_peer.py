"""One connection of the control socket: what it may do, what waits to be written to it."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol

from msgspec import Struct

from gridbot_tui.control import codec
from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.errors import ProtocolError
from gridbot_tui.control.messages import (
    AskControl,
    AskStatus,
    ClientMessage,
    Introduce,
    Ping,
    Pong,
    Refusal,
    Role,
    ServerMessage,
    StatusReply,
    TakeControl,
)
from gridbot_tui.service.operator.control_desk import ControlDesk
from gridbot_tui.service.operator.face import Controlled


class Limits(Struct, frozen=True):
    """What one server grants. Seconds, and counts a connection."""

    connections: int = 16
    snapshot_every: float = 0.25
    """At most 4 snapshots a second: as often as an eye reads numbers."""
    quiet_start: float = 0.1
    """Time to introduce oneself before snapshots begin; a question of the command line is over by then."""
    stalled: float = 10.0
    """A client that reads nothing for so long is dropped."""
    queue: int = 256
    """Messages that may wait for a client, beside the one snapshot."""
    commands_per_s: float = 5.0
    commands_burst: int = 10
    frames_per_s: float = 50.0
    """Beyond this the connection is read more slowly."""
    frames_burst: int = 100
    outcomes: int = 32
    """Orders whose outcome one connection may be waiting for."""
    ask_expires: float = 30.0


class Bucket:
    """A token bucket on the monotonic clock."""

    __slots__ = ("_at", "_burst", "_clock", "_rate", "_tokens")

    def __init__(self, rate: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._tokens = float(burst)
        self._clock = clock
        self._at = clock()

    def take(self) -> float:
        """0 where a token was there and is taken; else the seconds until there is one, and none is taken."""
        now = self._clock()
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._rate)
        self._at = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate


class Outbox:
    """Frames for one client: a bounded queue of replies, and the latest snapshot."""

    def __init__(self, bound: int) -> None:
        self._replies: deque[bytes] = deque()
        self._snapshot: bytes | None = None
        self._bound = bound
        self._ready = asyncio.Event()
        self.closing = False
        self.overflown = False

    def reply(self, frame: bytes) -> None:
        """Queue a frame; too many mean a client that does not read, and end the connection."""
        if len(self._replies) >= self._bound:
            self.overflown = True
        elif not self.closing:
            self._replies.append(frame)
        self._ready.set()

    def snapshot(self, frame: bytes) -> None:
        """Replace the snapshot that waits, if any: the latest wins."""
        self._snapshot = frame
        self._ready.set()

    def close(self) -> None:
        """Write what is queued, the last snapshot with it, and no more."""
        self.closing = True
        self._ready.set()

    async def next(self) -> bytes | None:
        """The next frame, replies first; None once closed and empty, or overflown."""
        while True:
            if self.overflown:
                return None
            if self._replies:
                return self._replies.popleft()
            if self._snapshot is not None:
                frame, self._snapshot = self._snapshot, None
                return frame
            if self.closing:
                return None
            self._ready.clear()
            await self._ready.wait()


class House(Protocol):
    """What a connection needs of its server."""

    bot: Controlled
    limits: Limits
    desk: ControlDesk

    def announce(self, sender: "Peer", command: Command, ack: Ack) -> None:
        """Tell the others what was ordered."""
        ...

    def wants_snapshots(self, peer: "Peer") -> None:
        """From now on this one reads the stream."""
        ...

    def failed(self, error: BaseException) -> None:
        """Something went wrong inside; the owner of the server hears of it."""
        ...


class Peer:
    """One client. Owned by the server's handler, which awaits ``run``; all its tasks end with it."""

    def __init__(
        self, house: House, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pid: int | None
    ) -> None:
        self.role = Role.VIEW
        self.streams = False
        self.name = f"process {pid}" if pid else "the bot's process"
        self.outbox = Outbox(house.limits.queue)
        self._house = house
        self._reader = reader
        self._writer = writer
        self._introduced = False
        self._commands = Bucket(house.limits.commands_per_s, house.limits.commands_burst)
        self._frames = Bucket(house.limits.frames_per_s, house.limits.frames_burst)
        self._outcomes: dict[str, asyncio.Task[None]] = {}

    def send(self, message: ServerMessage) -> None:
        """Queue one message."""
        self.outbox.reply(codec.encode_down(message))

    def refuse(self, code: str, text: str, *, closing: bool = False) -> None:
        """Say no; ``closing`` ends the connection once that is written."""
        self.send(Refusal(code, text, closing))
        if closing:
            self.outbox.close()

    async def run(self) -> None:
        """Serve this client until it leaves, stalls or misbehaves."""
        loop = asyncio.get_running_loop()
        start = loop.call_later(self._house.limits.quiet_start, self._start_stream)
        writing = asyncio.create_task(self._write(), name=f"control write {self.name}")
        reading = asyncio.create_task(self._read(), name=f"control read {self.name}")
        try:
            await asyncio.wait([writing, reading], return_when=asyncio.FIRST_COMPLETED)
            if self.outbox.closing:
                await asyncio.wait([writing], timeout=self._house.limits.stalled)
        finally:
            start.cancel()
            tasks = [writing, reading, *self._outcomes.values()]
            for task in tasks:
                task.cancel()
            results = await asyncio.gather(*tasks, return_exceptions=True)
            self._writer.transport.abort()
            for result in results:
                if isinstance(result, Exception) and not isinstance(result, OSError):
                    self._house.failed(result)

    async def _write(self) -> None:
        # Nothing is held back in the transport: what is not yet written can still be replaced.
        self._writer.transport.set_write_buffer_limits(high=0)
        while (frame := await self.outbox.next()) is not None:
            self._writer.write(frame)
            try:
                async with asyncio.timeout(self._house.limits.stalled):
                    await self._writer.drain()
            except TimeoutError:
                return

    async def _read(self) -> None:
        try:
            while True:
                message = await self._receive()
                if message is None:
                    return
                self._handle(message)
                if (wait := self._frames.take()) > 0:
                    await asyncio.sleep(wait)
        except ProtocolError as error:
            self.refuse("protocol", str(error), closing=True)

    async def _receive(self) -> ClientMessage | None:
        try:
            header = await self._reader.readexactly(codec.HEADER)
            return codec.decode_up(await self._reader.readexactly(codec.length_of(header, codec.UP_LIMIT)))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def _handle(self, message: ClientMessage) -> None:
        if isinstance(message, Command):
            self._command(message)
        elif isinstance(message, Introduce):
            self._introduce(message)
        elif isinstance(message, AskStatus):
            self.send(StatusReply(self._house.bot.status()))
        elif isinstance(message, Ping):
            self.send(Pong(message.nonce))
        elif self.role is not Role.FACE:
            self.refuse("role", "only a terminal that introduced itself can hold control")
        elif isinstance(message, AskControl):
            if not message.if_free or self._house.desk.holder is None:
                self._house.desk.ask(self)
        elif isinstance(message, TakeControl):
            self._house.desk.take(self)

    def _introduce(self, message: Introduce) -> None:
        if self._introduced:
            self.refuse("role", "a connection introduces itself once")
            return
        self._introduced = True
        self.role = message.role
        printable = "".join(char for char in message.name if char.isprintable()).strip()[:40]
        if printable:
            self.name = f"{printable} ({self.name})"
        if self.role is not Role.OPERATE:
            self._start_stream()

    def _start_stream(self) -> None:
        if self.role is not Role.OPERATE and not self.streams:
            self.streams = True
            self._house.wants_snapshots(self)

    # -- orders -----------------------------------------------------------------------------------------

    def _command(self, command: Command) -> None:
        no = self._why_not(command)
        if no:
            self.send(Ack(command.id, False, no))
            return
        if command.kind is CommandKind.TAKE_CONTROL:
            text = self._house.desk.order(self, confirmed=command.args.get("confirm") == "true")
            self.send(Ack(command.id, True))
            self.send(CommandOutcome(command.id, self._house.desk.holder is self, text))
            return
        ack = self._house.bot.submit(command, self.name)
        self.send(ack)
        self._house.announce(self, command, ack)
        if ack.ok and command.id not in self._outcomes:
            task = asyncio.create_task(self._outcome(command.id), name=f"outcome {command.id}")
            self._outcomes[command.id] = task

    def _why_not(self, command: Command) -> str:
        """Why this connection may not give this order now; empty where it may."""
        if self.role is Role.VIEW:
            return "this connection only reads"
        takes = command.kind is CommandKind.TAKE_CONTROL
        if takes and self.role is not Role.FACE:
            return "only a terminal can hold control"
        if self.role is Role.FACE and not takes and self._house.desk.holder is not self:
            holder = self._house.desk.holder_name
            return f"{holder} holds control: take it first" if holder else "take control first"
        if command.kind is CommandKind.KILL:
            return ""  # never held back: it is idempotent, and late is worse than often
        if self._commands.take() > 0:
            return f"too many orders: at most {self._house.limits.commands_per_s:g} a second, nothing was done"
        if len(self._outcomes) >= self._house.limits.outcomes:
            return f"{len(self._outcomes)} orders are still under way: wait for one of them"
        return ""

    @property
    def outcomes(self) -> list[asyncio.Task[None]]:
        """The tasks that wait for an outcome."""
        return list(self._outcomes.values())

    async def _outcome(self, command_id: str) -> None:
        try:
            self.send(await self._house.bot.outcome(command_id))
        finally:
            self._outcomes.pop(command_id, None)
