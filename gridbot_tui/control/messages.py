"""The messages of the control socket beside Command, Ack, CommandOutcome and Snapshot."""

from enum import StrEnum
from typing import Any

from msgspec import Struct

from gridbot_tui.control.command import Ack, Command, CommandOutcome
from gridbot_tui.control.snapshot import Hello, Snapshot
from gridbot_tui.units import Ms

PROTOCOL = 1
"""Rises when an old client could misunderstand a new server, or the other way round."""


class Role(StrEnum):
    """What a connection is there for."""

    VIEW = "view"
    """Reads only, can never take control. What a connection is until it says otherwise."""
    FACE = "face"
    """A terminal: reads, and may take control."""
    OPERATE = "operate"
    """One question or one order of the command line: needs no control, its orders are announced to all."""


# -- client to server -----------------------------------------------------------------------------------


class Introduce(Struct, frozen=True, tag="introduce", forbid_unknown_fields=True):
    """Says who is there; may be sent once, before any order."""

    role: Role
    name: str = ""
    """Shown to the others beside the process id."""


class AskControl(Struct, frozen=True, tag="ask_control", forbid_unknown_fields=True):
    """Wants to control: granted at once if nobody does, else both sides get ControlAsked."""

    if_free: bool = False
    """Only where nobody holds it: then no take-over is begun."""


class TakeControl(Struct, frozen=True, tag="take_control", forbid_unknown_fields=True):
    """Confirms the take-over that AskControl announced."""


class AskStatus(Struct, frozen=True, tag="ask_status", forbid_unknown_fields=True):
    """Wants one StatusReply."""


class Ping(Struct, frozen=True, tag="ping", forbid_unknown_fields=True):
    """Wants one Pong."""

    nonce: int = 0


# -- server to client -----------------------------------------------------------------------------------


class StatusReply(Struct, frozen=True, tag="status"):
    """The ``status`` document of the command line."""

    document: dict[str, Any]


class Pong(Struct, frozen=True, tag="pong"):
    """Answer to Ping."""

    nonce: int = 0


class ControlAsked(Struct, frozen=True, tag="control_asked"):
    """Somebody wants control. The asker may confirm with TakeControl until ``expires_s`` are over."""

    asker: str
    holder: str
    yours: bool
    """True for the asker itself."""
    expires_s: float


class ControlChanged(Struct, frozen=True, tag="control_changed"):
    """Who controls from now on; ``controller`` is empty where nobody does."""

    controller: str
    yours: bool


class Announcement(Struct, frozen=True, tag="announcement"):
    """An order somebody else gave, so that no screen is surprised."""

    at: Ms
    """Clock time, ms UTC."""
    peer: str
    command_id: str
    kind: str
    """What was ordered, and of what: ``flatten BTCUSDT``."""
    ok: bool
    text: str


class Refusal(Struct, frozen=True, tag="refused"):
    """The server will not. ``closing``: and hangs up."""

    code: str
    """busy, user, protocol, role, control, rate or size."""
    text: str
    closing: bool = False


ClientMessage = Command | Introduce | AskControl | TakeControl | AskStatus | Ping
ServerMessage = (
    Hello
    | Snapshot
    | Ack
    | CommandOutcome
    | StatusReply
    | Pong
    | ControlAsked
    | ControlChanged
    | Announcement
    | Refusal
)
