"""The parts of a support bundle, each bounded, none of them with a secret of its own."""

import json
import os
import platform
import sqlite3
import sys
from collections.abc import Callable, Mapping
from importlib import metadata
from itertools import islice
from pathlib import Path
from typing import Any, Final

import msgspec

from gridbot_tui import __version__
from gridbot_tui.commands import export_rows
from gridbot_tui.control import ask
from gridbot_tui.control.errors import ControlError
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.control.status import status_document
from gridbot_tui.ops.verify import files_of
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.reader import Reader, reading

TAIL_BYTES: Final = 4 << 20
"""Of log and audit trail each: some ten thousand lines."""
ROWS: Final = 2_000
"""Latest rows of a table."""
ANSWER_S: Final = 5.0
SESSION: Final = "session.jsonl"
STEPS: Final = 48
"""Pictures of a session."""
_TERMINAL: Final = ("TERM", "COLORTERM", "LANG", "LC_ALL", "LC_CTYPE", "NO_COLOR", "TMUX", "SSH_TTY")

Source = Callable[[], str]


def add(parts: dict[str, str], trouble: list[str], sources: Mapping[str, Source]) -> None:
    """Add what can be had; a sentence for what cannot."""
    for name, source in sources.items():
        try:
            parts[name] = source()
        except (OSError, ValueError, StoreError, ControlError, sqlite3.Error) as error:
            trouble.append(f"{name} is left out: {error}")


def text(value: Any) -> str:
    """One JSON document."""
    return json.dumps(value, ensure_ascii=False)


def versions() -> str:
    """Of gridbot, Python, the system and everything gridbot stands on; how the terminal calls itself."""
    found: dict[str, str | None] = {}
    for requirement in metadata.requires("gridbot") or []:
        name = requirement.replace("[", " ").replace(";", " ").split()[0].split("=")[0].split("<")[0].split(">")[0]
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            found[name] = None
    return text(
        {
            "gridbot": __version__,
            "python": sys.version,
            "platform": platform.platform(),
            "sqlite": sqlite3.sqlite_version,
            "packages": found,
            "terminal": {name: os.environ.get(name) for name in _TERMINAL},
        }
    )


def file_text(path: Path | None) -> str:
    """A whole text file."""
    return "" if path is None else path.read_bytes().decode("utf-8", "replace")


def log_tail(profile: Profile) -> str:
    """The latest lines of the log, over the file before this one too."""
    return _tail([profile.log.with_name(f"{profile.log.name}.1"), profile.log])


def audit_tail(profile: Profile) -> str:
    """The latest lines of the audit trail, with their hashes."""
    return _tail(files_of(profile.audit)[-2:])


def account_of(profile: Profile) -> str | None:
    """The account tag of a profile; None where its state file does not say."""
    try:
        with reading(profile.database) as reader:
            identity = reader.identity
    except (StoreError, sqlite3.Error, msgspec.MsgspecError):
        return None
    return identity.account if identity is not None and identity.account else None


def add_database(parts: dict[str, str], trouble: list[str], profile: Profile) -> None:
    """Excerpts of the state file: the latest rows of what explains a decision or a balance."""
    try:
        with reading(profile.database) as reader:
            add(parts, trouble, _excerpts(reader))
    except (StoreError, sqlite3.Error) as error:
        trouble.append(f"the database is left out: {error}")


def add_picture(parts: dict[str, str], trouble: list[str], profile: Profile) -> None:
    """The picture of the bot: as it tells it where it runs, else as its state file has it."""
    try:
        if profile.running:
            snapshot = ask.ask_snapshot(profile.found_socket, ANSWER_S)
        else:
            from gridbot_tui.service.operator.still import still_picture

            snapshot = still_picture(profile)
    except (OSError, ValueError, StoreError, ControlError, sqlite3.Error) as error:
        trouble.append(f"snapshot.json is left out: {error}")
        return
    parts["snapshot.json"] = msgspec.json.encode(snapshot).decode()
    parts["status.json"] = text(status_document(snapshot))


def add_session(parts: dict[str, str], trouble: list[str], profile: Profile) -> None:
    """What the bot lived through last, replayed from its journal, picture by picture, for ``gridbot view``."""
    from gridbot_tui.service.operator.still import still_session

    try:
        session = still_session(profile, STEPS)
    except (OSError, ValueError, StoreError, sqlite3.Error) as error:
        trouble.append(f"{SESSION} is left out: {error}")
        return
    parts[SESSION] = "".join(f"{msgspec.json.encode(one).decode()}\n" for one in session)


def session_of(found: Mapping[str, str]) -> list[Snapshot]:
    """The pictures of a session, oldest first; none where the bundle has none.

    Raises:
        ValueError: another version of gridbot wrote them.
    """
    return [snapshot_of(line) for line in found.get(SESSION, "").splitlines() if line]


def snapshot_of(part: str) -> Snapshot:
    """A snapshot as a bundle has it.

    Raises:
        ValueError: another version of gridbot wrote it.
    """
    try:
        return msgspec.json.decode(part, type=Snapshot)
    except msgspec.MsgspecError as error:
        raise ValueError(f"the picture was made by another version of gridbot ({error})") from error


def _excerpts(reader: Reader) -> dict[str, Source]:
    def latest(rows: Any) -> str:
        return text(msgspec.to_builtins(rows, enc_hook=str))

    def exported(rows: Any, total: int) -> str:
        return text(list(islice(rows, max(0, total - ROWS), None)))

    return {
        "config.toml": lambda: _config(reader),
        "config_versions.json": lambda: text([_version(row) for row in reader.configs()]),
        "orders.json": lambda: exported(export_rows.orders(reader), _count(export_rows.orders(reader))),
        "trades.json": lambda: exported(export_rows.trades(reader), _count(export_rows.trades(reader))),
        "ledger.json": lambda: exported(export_rows.ledger(reader), _count(export_rows.ledger(reader))),
        "decisions.json": lambda: latest(reader.decisions(limit=ROWS)),
        "plans.json": lambda: latest(reader.plans(limit=200)),
        "weights.json": lambda: latest(reader.weights(limit=ROWS)),
        "equity.json": lambda: latest(reader.equity(max_points=ROWS)),
        "modes.json": lambda: latest(reader.modes()),
        "commands.json": lambda: latest(reader.commands(limit=200)),
        "instruments.json": lambda: latest(reader.instruments()),
    }


def _count(rows: Any) -> int:
    return sum(1 for _ in rows)


def _config(reader: Reader) -> str:
    known = reader.configs(limit=1)
    return known[0].text if known else ""


def _version(row: Any) -> dict[str, Any]:
    return {"version": row.version, "at": row.at, "source": row.source, "bytes": len(row.text)}


def _tail(files: list[Path]) -> str:
    """The last whole lines, at most ``TAIL_BYTES``."""
    found, left = b"", TAIL_BYTES
    for path in reversed([path for path in files if path.exists()]):
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - left))
            piece = file.read(left)
        if size > left:
            piece = piece.partition(b"\n")[2]  # the first line is cut
        found, left = piece + found, left - len(piece)
        if size > left or left <= 0:
            break
    return found.decode("utf-8", "replace")
