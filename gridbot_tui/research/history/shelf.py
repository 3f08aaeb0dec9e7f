"""The local store: Parquet files by market, symbol and interval, and a manifest with the checksum of each."""

import contextlib
import fcntl
import hashlib
import os
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec import Struct

from gridbot_tui.units import Ms

if TYPE_CHECKING:
    import polars as pl

MANIFEST: Final = "manifest.json"


class Entry(Struct, frozen=True, omit_defaults=True):
    """One file of the store."""

    source: str
    """Where it came from: an address, or a file's name."""
    sha256: str
    """Of the Parquet file."""
    rows: int
    first: Ms
    last: Ms
    """Times of the first and the last row; 0 where there is none."""
    source_sha256: str = ""
    """As the source said, and as was checked; empty where it said none."""
    asked_until: Ms = 0
    """Up to when an exchange could tell of it: its end, or the moment it was asked; 0 where nobody knows."""


class ShelfFailed(Exception):
    """The store cannot be used; the message is one sentence."""


class Shelf:
    """A store's folder. Every change is written whole: a crash leaves the file before or the file after. Several
    processes may add to one at the same time."""

    def __init__(self, root: Path) -> None:
        """Raises ShelfFailed for a manifest that is damaged."""
        self.root = root
        self._entries: dict[str, Entry] = {}
        self._read()

    @property
    def entries(self) -> dict[str, Entry]:
        """Path below the root -> entry, in path order."""
        return dict(sorted(self._entries.items()))

    def entry(self, path: Path) -> Entry | None:
        """What is known of a file that is there; None where it is missing."""
        found = self._entries.get(path.as_posix())
        return found if found is not None and (self.root / path).exists() else None

    def put(
        self,
        path: Path,
        frame: "pl.DataFrame",
        time: str,
        source: str,
        source_sha256: str = "",
        *,
        asked_until: Ms = 0,
    ) -> Entry:
        """Write a table, sorted by its column ``time``, and note it. Raises OSError."""
        whole = self.root / path
        whole.parent.mkdir(parents=True, exist_ok=True)
        part = whole.with_suffix(f".{os.getpid()}.part")
        frame = frame.sort(time)
        packed = BytesIO()
        frame.write_parquet(packed, compression="zstd")
        digest = sha256(packed.getvalue())
        _write_whole(part, packed.getvalue())
        part.replace(whole)
        times = frame[time]
        first, last = (int(times[0]), int(times[-1])) if frame.height else (0, 0)
        made = Entry(source, digest, frame.height, first, last, source_sha256, asked_until)
        self._note(path, made)
        return made

    def damaged(self) -> list[str]:
        """Files that are gone or no longer what was written."""
        wrong = []
        for name, entry in self.entries.items():
            path = self.root / name
            if not path.exists():
                wrong.append(f"{name} is gone")
            elif sha256(path.read_bytes()) != entry.sha256:
                wrong.append(f"{name} is not what was written: remove it and download again")
        return wrong

    def drop(self, path: Path) -> None:
        """Forget a file: a better one stands in its place."""
        (self.root / path).unlink(missing_ok=True)
        self._note(path, None)

    def _note(self, path: Path, entry: Entry | None) -> None:
        """Change one entry, None = without it; those of others, who may have written since, stay."""
        with _alone(self.root):
            self._read()
            if entry is None:
                self._entries.pop(path.as_posix(), None)
            else:
                self._entries[path.as_posix()] = entry
            self._write()

    def _read(self) -> None:
        """What the manifest says now. Raises ShelfFailed."""
        path = self.root / MANIFEST
        if path.exists():
            try:
                self._entries = msgspec.json.decode(path.read_bytes(), type=dict[str, Entry])
            except (msgspec.DecodeError, OSError) as wrong:
                raise ShelfFailed(f"{path} is damaged ({wrong}): remove it, then download again") from wrong

    def _write(self) -> None:
        path = self.root / MANIFEST
        part = path.with_suffix(f".{os.getpid()}.part")
        _write_whole(part, msgspec.json.format(msgspec.json.encode(self.entries), indent=1))
        part.replace(path)


@contextlib.contextmanager
def _alone(root: Path) -> Iterator[None]:
    """While this lasts no other process changes the manifest."""
    folder = os.open(root, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _write_whole(path: Path, data: bytes) -> None:
    """The file, or none. Raises OSError with its name, which a full disk does not tell."""
    try:
        path.write_bytes(data)
    except OSError as wrong:
        with contextlib.suppress(OSError):
            path.unlink()
        raise OSError(wrong.errno, wrong.strerror, str(path)) from wrong


def sha256(data: bytes) -> str:
    """Hex digest."""
    return hashlib.sha256(data).hexdigest()
