"""Frames of the control socket: 4 bytes of length (big endian), then one JSON message.

What a client sends is hostile until decoded: whatever arrives becomes exactly one known message or a
ProtocolError with one sentence, never a guess.
"""

import re
from typing import Final

import msgspec

from gridbot_tui.control.command import Command
from gridbot_tui.control.errors import ProtocolError
from gridbot_tui.control.messages import ClientMessage, ServerMessage

UP_LIMIT: Final = 64 * 1024
"""Bytes of the longest message a client may send."""
DOWN_LIMIT: Final = 8 * 1024 * 1024
"""Bytes of the longest message the server sends: sixty symbols with every rung a plain grid may have are 2.5 MB, and a
config may be 1 MB."""
HEADER: Final = 4

_COMMAND_ID: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")
_MAX_ARGS: Final = 16

_encoder: Final = msgspec.json.Encoder()
_from_client: Final[msgspec.json.Decoder[ClientMessage]] = msgspec.json.Decoder(ClientMessage)
_from_server: Final[msgspec.json.Decoder[ServerMessage]] = msgspec.json.Decoder(ServerMessage)


def encode_up(message: ClientMessage) -> bytes:
    """A client's message as a frame. Raises ProtocolError where it is longer than a server accepts."""
    return _frame(_encoder.encode(message), UP_LIMIT)


def encode_down(message: ServerMessage) -> bytes:
    """A server's message as a frame. Raises ProtocolError where it is longer than a client accepts."""
    return _frame(_encoder.encode(message), DOWN_LIMIT)


def decode_up(payload: bytes) -> ClientMessage:
    """One message of a client, without its header. Raises ProtocolError."""
    try:
        message = _from_client.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(_sentence(error)) from error
    if isinstance(message, Command):
        _check(message)
    return message


def decode_down(payload: bytes) -> ServerMessage:
    """One message of the server, without its header. Raises ProtocolError."""
    try:
        return _from_server.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ProtocolError(_sentence(error)) from error


def length_of(header: bytes | bytearray, limit: int) -> int:
    """Bytes that follow a 4-byte header. Raises ProtocolError where they are none or too many."""
    length = int.from_bytes(header, "big")
    if not 0 < length <= limit:
        raise ProtocolError(f"a message of {length} bytes is outside 1 to {limit}")
    return length


class FrameReader:
    """Cuts a byte stream into payloads. Holds at most one unfinished message plus what was fed last."""

    __slots__ = ("_buffer", "_limit")

    def __init__(self, limit: int) -> None:
        self._buffer = bytearray()
        self._limit = limit

    def feed(self, data: bytes) -> list[bytes]:
        """The payloads completed by ``data``, in order. Raises ProtocolError; the stream is lost then."""
        self._buffer += data
        found = []
        while len(self._buffer) >= HEADER:
            end = HEADER + length_of(self._buffer[:HEADER], self._limit)
            if len(self._buffer) < end:
                break
            found.append(bytes(self._buffer[HEADER:end]))
            del self._buffer[:end]
        return found

    @property
    def unfinished(self) -> bool:
        """True where the stream stands in the middle of a message."""
        return bool(self._buffer)


def _frame(payload: bytes, limit: int) -> bytes:
    if len(payload) > limit:
        raise ProtocolError(f"a message of {len(payload)} bytes is longer than the allowed {limit}")
    return len(payload).to_bytes(HEADER, "big") + payload


def _check(command: Command) -> None:
    if _COMMAND_ID.fullmatch(command.id) is None:
        raise ProtocolError("a command id is 1 to 64 letters, digits or any of . : _ -")
    if len(command.args) > _MAX_ARGS:
        raise ProtocolError(f"a command has at most {_MAX_ARGS} arguments")


def _sentence(error: Exception) -> str:
    """What was wrong, without quoting what was sent."""
    if isinstance(error, RecursionError):
        return "not a message of this protocol: nested too deeply"
    if isinstance(error, UnicodeDecodeError):
        return "not a message of this protocol: text that is not UTF-8"
    return "not a message of this protocol: " + " ".join(str(error).split())[:200]
