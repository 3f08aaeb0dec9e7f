"""What was told lately, and what could not be, in a small file of the profile. Called in a thread: a disk may hang."""

import os
import time
from pathlib import Path

import msgspec
from msgspec import Struct

from gridbot_tui.ops.alerts import Message, Remembered

NAME = "alerts.json"

Waiting = dict[str, tuple[tuple[float, Message], ...]]
"""By address: messages that it has not taken, and for how many seconds they have waited, oldest first."""


class _Kept(Struct, frozen=True):
    wall: float
    remembered: Remembered
    waiting: Waiting = {}


def keep(folder: Path, remembered: Remembered, waiting: Waiting) -> str:
    """Write it, whole or not at all; why not, in words, "" where it was written."""
    path, young = folder / NAME, folder / f".{NAME}.new"
    try:
        with open(os.open(young, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(msgspec.json.encode(_Kept(time.time(), remembered, waiting)))
        young.replace(path)
    except OSError as error:
        return error.strerror or type(error).__name__
    return ""


def recall(folder: Path) -> tuple[Remembered, Waiting, float] | None:
    """What the last process kept and how many seconds ago; None where there is nothing to go by."""
    try:
        kept = msgspec.json.decode((folder / NAME).read_bytes(), type=_Kept)
    except (OSError, msgspec.DecodeError):
        return None  # told once too often is better than never
    ago = time.time() - kept.wall
    if ago < 0.0:  # the clock was set back: nobody knows when it was told, and what was not is to be told all the same
        return Remembered((), (), kept.remembered.lines), kept.waiting, 0.0
    return kept.remembered, kept.waiting, ago
