"""The profile's lock: ``flock`` on a file, held for life by the one process that trades the profile.

The kernel lets go of it however the process dies, so a lock that is held is a process that lives. What is
written in the file only names that process.
"""

import fcntl
import os
import time
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct

from gridbot_tui.units import Ms

_RETRIES = 10
_RETRY_S = 0.05
"""Whoever only looks at a lock holds it for an instant (shared); a start tries for half a second."""


class Holder(Struct, frozen=True):
    """Who holds a lock."""

    pid: int
    started: Ms
    """Clock time, ms UTC."""
    profile: str


class LockHeld(Exception):
    """Another process trades this profile: one sentence."""

    def __init__(self, profile: str, holder: Holder | None) -> None:
        self.holder = holder
        who = f"process {holder.pid}" if holder is not None else "another process"
        super().__init__(f"profile {profile} is already traded by {who}; stop it first or name another profile")


class ProfileLock:
    """The held lock. ``release`` (or the end of the process) lets go of it."""

    def __init__(self, handle: int, path: Path) -> None:
        self._handle: int | None = handle
        self.path = path

    @classmethod
    def acquire(cls, path: Path, profile: str) -> "ProfileLock":
        """Take the lock or raise LockHeld. The folder must be there."""
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for attempt in range(_RETRIES):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt + 1 == _RETRIES:
                    os.close(handle)
                    raise LockHeld(profile, _read(path)) from None
                time.sleep(_RETRY_S)
        holder = Holder(os.getpid(), time.time_ns() // 1_000_000, profile)
        os.ftruncate(handle, 0)
        os.pwrite(handle, msgspec.json.encode(holder) + b"\n", 0)
        return cls(handle, path)

    def release(self) -> None:
        """Let go; the file stays, so that nobody can lock a file that another is about to remove."""
        if self._handle is not None:
            os.ftruncate(self._handle, 0)
            os.close(self._handle)
            self._handle = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def is_held(path: Path) -> bool:
    """True while a process holds the lock."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def holder_of(path: Path) -> Holder | None:
    """Who holds the lock; None where nobody does or the file does not say."""
    return _read(path) if is_held(path) else None


def _read(path: Path) -> Holder | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=Holder)
    except (OSError, msgspec.MsgspecError):
        return None
