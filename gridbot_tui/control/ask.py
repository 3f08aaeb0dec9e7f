"""One question or one order to a running bot, blocking: what the command line needs, without asyncio."""

import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Self, TypeVar

from gridbot_tui.control import codec
from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.errors import ConnectionLost, NotRunning, ProtocolError, Refused, TimedOut
from gridbot_tui.control.messages import (
    PROTOCOL,
    AskStatus,
    ClientMessage,
    Introduce,
    Refusal,
    Role,
    ServerMessage,
    StatusReply,
)
from gridbot_tui.control.snapshot import Hello, Snapshot

T = TypeVar("T")


def new_id() -> str:
    """A command id never used before."""
    return secrets.token_hex(8)


def ask_status(path: Path, timeout: float) -> dict[str, Any]:
    """The ``status`` document of the bot behind the socket at ``path``. Raises ControlError."""
    with Conversation(path, timeout, Role.OPERATE, "status") as talk:
        talk.send(AskStatus())
        return talk.until(StatusReply).document


def ask_snapshot(path: Path, timeout: float) -> Snapshot:
    """The next whole snapshot. Raises ControlError."""
    with Conversation(path, timeout, Role.VIEW, "view") as talk:
        return talk.until(Snapshot)


def send_command(
    path: Path,
    kind: CommandKind,
    args: dict[str, str] | None = None,
    *,
    timeout: float,
    ack_timeout: float = 5.0,
    on_ack: Callable[[Ack], None] | None = None,
) -> CommandOutcome:
    """Give one order and wait until it has converged.

    Raises:
        Refused: the bot said no; nothing was done.
        TimedOut: no ack within ``ack_timeout`` seconds, or no outcome within ``timeout`` more.
        ControlError: anything else that went wrong on the way.
    """
    command = Command(id=new_id(), kind=kind, args=args or {})
    with Conversation(path, ack_timeout, Role.OPERATE, kind.value) as talk:
        talk.send(command)
        ack = talk.until(Ack, lambda message: message.id == command.id)
        if not ack.ok:
            raise Refused(ack.text or f"the bot refused to {kind.value}")
        if on_ack is not None:
            on_ack(ack)
        talk.give(timeout)
        try:
            return talk.until(CommandOutcome, lambda message: message.id == command.id)
        except TimedOut as late:
            said = f"{kind.value} was taken and is under way, but not done after {timeout:g} s"
            raise TimedOut(f"{said}: 'gridbot why' says what holds it up") from late


class Conversation:
    """A blocking connection with one deadline for all of it. Use as a context manager."""

    def __init__(self, path: Path, timeout: float, role: Role, name: str) -> None:
        self._path = path
        self._role = role
        self._name = name
        self._frames = codec.FrameReader(codec.DOWN_LIMIT)
        self._waiting: list[bytes] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.give(timeout)

    def __enter__(self) -> Self:
        try:
            self._open()
        except BaseException:
            self._socket.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def give(self, timeout: float) -> None:
        """Start the deadline anew: ``timeout`` seconds from now."""
        self._timeout = timeout
        self._deadline = time.monotonic() + timeout

    def send(self, message: ClientMessage) -> None:
        """Send one message."""
        self._guarded(lambda: self._socket.sendall(codec.encode_up(message)))

    def until(self, wanted: type[T], fits: Callable[[T], bool] = lambda _: True) -> T:
        """The next message of this kind; others are skipped, a refusal of the server is raised."""
        while True:
            message = self._next()
            if isinstance(message, wanted) and fits(message):
                return message
            if isinstance(message, Refusal):
                raise Refused(message.text)

    def _open(self) -> None:
        self._socket.settimeout(self._left())
        try:
            self._socket.connect(str(self._path))
        except (FileNotFoundError, ConnectionRefusedError) as error:
            raise NotRunning(f"nobody listens at {self._path}") from error
        except TimeoutError as error:
            raise self._late() from error
        except BlockingIOError as error:  # the queue of a server that no longer accepts is full
            raise self._late() from error
        except OSError as error:
            raise NotRunning(f"{self._path} cannot be opened: {error.strerror or error}") from error
        hello = self.until(Hello)
        if hello.protocol != PROTOCOL:
            raise ProtocolError(
                f"the running bot is gridbot {hello.version} (protocol {hello.protocol}), "
                f"this one speaks protocol {PROTOCOL}: use the same version"
            )
        self.send(Introduce(self._role, self._name))

    def _next(self) -> ServerMessage:
        while not self._waiting:
            data = self._guarded(lambda: self._socket.recv(65536))
            if not data:
                raise ConnectionLost("the bot closed the connection before it answered")
            self._waiting = self._frames.feed(data)
        return codec.decode_down(self._waiting.pop(0))

    def _guarded(self, step: Callable[[], T]) -> T:
        self._socket.settimeout(self._left())
        try:
            return step()
        except TimeoutError as error:
            raise self._late() from error
        except OSError as error:
            raise ConnectionLost(f"the connection to the bot broke: {error.strerror}") from error

    def _left(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise self._late()
        return left

    def _late(self) -> TimedOut:
        return TimedOut(f"no answer within {self._timeout:g} s")
