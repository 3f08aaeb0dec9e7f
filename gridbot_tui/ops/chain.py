"""Lines of the audit trail: each holds the hash of the one before, so none can be changed unseen."""

import hashlib
from typing import Any, Final

import msgspec

from gridbot_tui.units import Ms

START: Final = "0" * 64
"""``prev`` of the first line."""
_TAIL: Final = len(',"hash":""}') + 64

_encode: Final = msgspec.json.Encoder(order="sorted", enc_hook=str).encode


class Head(msgspec.Struct, frozen=True):
    """A line by number and hash; kept elsewhere, it proves that nothing up to it was cut off."""

    seq: int
    hash: str

    def __str__(self) -> str:
        """``12:9f86d0...``, as ``parse`` reads it."""
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> "Head":
        """The head that was written as text.

        Raises:
            ValueError: it is none.
        """
        seq, _, digest = text.partition(":")
        if len(digest) != len(START):
            raise ValueError(f"no head of an audit trail: {text!r}")
        return cls(int(seq), digest)


class Line(msgspec.Struct, frozen=True):
    """One line as it is read back."""

    at: Ms
    body: dict[str, Any]
    kind: str
    prev: str
    seq: int
    hash: str


_decode: Final = msgspec.json.Decoder(Line).decode


def forge(seq: int, at: Ms, kind: str, body: dict[str, Any], prev: str) -> tuple[bytes, str]:
    """The line with its newline, and its hash.

    The hash is SHA-256 of the line's JSON without ``hash``: keys sorted, no blanks, UTF-8.
    """
    plain = _encode({"at": at, "body": body, "kind": kind, "prev": prev, "seq": seq})
    digest = hashlib.sha256(plain).hexdigest()
    return plain[:-1] + b',"hash":"' + digest.encode() + b'"}\n', digest


def read(raw: bytes) -> Line | None:
    """The line without its newline, or None where it is not what was written."""
    try:
        line = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    digest = hashlib.sha256(raw[:-_TAIL] + b"}").hexdigest()
    whole = raw[-_TAIL:] == b',"hash":"' + digest.encode() + b'"}'
    return line if whole and line.hash == digest else None
