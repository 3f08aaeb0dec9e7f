"""Facts as JSON and back, exactly."""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final, Union

import msgspec

from gridbot_tui.engine.actions import Fact
from gridbot_tui.store.errors import UnwritableFact

KINDS: Final = tuple(sorted(Fact.__subclasses__(), key=lambda kind: kind.__name__))
"""Every kind of fact there is; a new one is journalled without a word here."""
KIND_NAMES: Final = frozenset(kind.__name__ for kind in KINDS)
"""As the journal names them."""

_LONG: Final = re.compile(rb"[0-9]{19}").search
_MOST: Final = 2**63
_encode: Final = msgspec.json.Encoder().encode
_decode: Final[Callable[[bytes], Fact]] = msgspec.json.Decoder(Union[KINDS]).decode  # noqa: UP007


def encode(fact: Fact) -> bytes:
    """The fact as tagged JSON.

    NaN and infinity become ``null`` in JSON and would make the journal unreadable, or a number unknown,
    at the next start; so whatever holds a ``null`` is read back and compared before it is written. A whole number
    beyond 64 bits fits no table.

    Raises:
        UnwritableFact: the fact would not come back as it is.
    """
    try:
        body = _encode(fact)
        if b"null" in body and _decode(body) != fact:
            raise UnwritableFact(f"{type(fact).__name__} holds a number that is none: {fact}")
        if _LONG(body) and _too_large(msgspec.to_builtins(fact)):
            raise UnwritableFact(f"{type(fact).__name__} holds a whole number beyond 64 bits: {fact}")
    except (msgspec.MsgspecError, OverflowError, UnicodeEncodeError, TypeError) as error:
        raise UnwritableFact(f"{type(fact).__name__} cannot be written: {error}") from error
    return body


def _too_large(value: object) -> bool:
    if isinstance(value, dict):
        return any(map(_too_large, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_too_large, value))
    return isinstance(value, int) and not -_MOST <= value < _MOST


def decode(body: bytes) -> Fact:
    """The fact that ``encode`` wrote.

    Raises:
        msgspec.MsgspecError: the body is none of ours.
    """
    try:
        return _decode(body)
    except UnicodeDecodeError as error:  # Python's own: msgspec passes it on
        raise msgspec.DecodeError(str(error)) from error


def compact(value: Any) -> bytes:
    """Any stored Struct or tuple as JSON."""
    return _encode(value)


class Batch(msgspec.Struct, frozen=True):
    """What goes into one transaction together, already encoded."""

    facts: tuple[tuple[Fact, bytes], ...]
    state: bytes | None = None
    """Engine snapshot after these facts."""
    state_at: int = 0
    meta: tuple[tuple[str, str], ...] = ()


def batch(
    facts: Sequence[Fact],
    state: bytes | None = None,
    at: int | None = None,
    meta: dict[str, str] | None = None,
) -> Batch:
    """Encode facts for writing. ``at`` is the time of the state; without it, that of the last fact."""
    when = at if at is not None else (facts[-1].at if facts else 0)
    return Batch(tuple((fact, encode(fact)) for fact in facts), state, when, tuple((meta or {}).items()))
