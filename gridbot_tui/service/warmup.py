"""The past of a new sim profile: lived through at full speed, and lived again where a crash cut it short.

While it lasts the exchange's books are committed a day at a time and the bot's once in a while, so the two
files of a process that dies meanwhile do not fit together. A marker in the profile says so; nothing of such
a past is worth repairing, the seed brings it back.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from gridbot_tui.service.assemble import write_whole
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.units import Ms


class _Marker(Struct, frozen=True):
    until: Ms
    """Virtual time at which the past ends."""
    whole: bool
    """True where the last process left both files as of one moment."""


class Warmup:
    """The marker file of one sim profile. Other modes have none."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._path = profile.folder / "warming"
        self._marker = _read(self._path)

    @property
    def until(self) -> Ms | None:
        """Where an unfinished past ends; None where there is none."""
        return None if self._marker is None else self._marker.until

    def discard_broken(self) -> bool:
        """Before any file of the profile is opened: remove what a crash left half-lived; True where it did."""
        if self._marker is None or self._marker.whole:
            return False
        for database in (self._profile.database, self._profile.exchange_database):
            for suffix in ("", "-wal", "-shm"):
                database.with_name(database.name + suffix).unlink(missing_ok=True)
        for trail in self._profile.folder.glob(f"{self._profile.audit.stem}*{self._profile.audit.suffix}"):
            trail.unlink()
        self._profile.market_file.unlink(missing_ok=True)
        self._path.unlink()  # last, so that a crash in here begins again
        self._marker = None
        return True

    def begin(self, until: Ms) -> None:
        """From here on the two files do not fit together."""
        self._write(_Marker(until, whole=False))

    def interrupted(self) -> None:
        """Both files are of one moment again, before the past was over: the next start goes on with it."""
        if self._marker is not None:
            self._write(_Marker(self._marker.until, whole=True))

    def over(self) -> None:
        """The past is lived through."""
        self._path.unlink(missing_ok=True)
        self._marker = None

    def _write(self, marker: _Marker) -> None:
        write_whole(self._path, msgspec.json.encode(marker))
        self._marker = marker


def _read(path: Path) -> _Marker | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Marker)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError:
        return _Marker(0, whole=False)
