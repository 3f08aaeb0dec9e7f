"""Edits of a config text that keep its comments and order, and a write that a crash can't leave half done."""

import errno
import os
import re
import tempfile
import tomllib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any, Final

import tomlkit
from tomlkit.exceptions import TOMLKitError

from gridbot_tui.settings.fields import shown
from gridbot_tui.settings.lines import spans

BACKUPS: Final = 5
"""Earlier texts kept beside the file: name.bak1 is the newest.

Five outlast a bad evening and clutter nothing.
"""


class EditError(Exception):
    """The edit can't be made without changing something else; the text is as it was."""


def set_value(text: str, path: str, value: Any) -> str:
    """``text`` with the key at dotted ``path`` set; everything else, comments included, as it was.

    :raises EditError: if ``text`` is no TOML, or the key can't be set by an edit of its own
    """
    names = path.split(".")
    literal = shown(value)
    want = _parsed(text)
    at = want
    for name in names[:-1]:
        inner = at.setdefault(name, {})
        if not isinstance(inner, dict):
            raise EditError(f"{path} can't be set: {name} is a value, not a section")
        at = inner
    makers = (_replaced, _put) if names[-1] in at else (_uncommented, _added, _appended, _put)
    try:
        at[names[-1]] = tomllib.loads(f"value = {literal}")["value"]
    except tomllib.TOMLDecodeError as error:
        raise EditError(f"{path} can't hold this value") from error
    return _first(text, want, path, (partial(make, text, names, literal) for make in makers))


def apply_text(path: Path, text: str) -> Path | None:
    """Put ``text`` into the file at once: after a crash it is the old text or the new one, never a part.

    The former text goes to ``<name>.bak1``, older ones one further; returns that path, None if there was no
    file.

    :raises OSError: if the folder can't be written, or something is there that is no file (``/dev/null``, which root
        would replace for the whole machine); all is then as it was
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        code = errno.EISDIR if path.is_dir() else errno.EINVAL
        raise OSError(code, os.strerror(code) if path.is_dir() else "it is no regular file", str(path))
    data = text.encode()
    backup = None
    mode = 0o600
    if path.exists():
        mode = path.stat().st_mode & 0o777
        former = path.read_bytes()
        backup = path.with_name(f"{path.name}.bak1")
        for number in range(BACKUPS, 1, -1):
            older = path.with_name(f"{path.name}.bak{number - 1}")
            if older.exists():
                older.replace(path.with_name(f"{path.name}.bak{number}"))
        _replace(backup, former, mode)
    _replace(path, data, mode)
    return backup


def _replace(path: Path, data: bytes, mode: int) -> None:
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _parsed(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        raise EditError(f"the text is not valid TOML: {error}") from error


def _first(text: str, want: dict[str, Any], path: str, tries: Iterable[Callable[[], str]]) -> str:
    """The first try that means exactly ``want``: no way of editing is trusted, each is read back."""
    for make in tries:
        try:
            made = make()
            if tomllib.loads(made) == want:
                return made
        except (LookupError, StopIteration, TypeError, ValueError, TOMLKitError):
            continue
    raise EditError(f"{path} can't be edited without changing something else; edit the file by hand")


def _replaced(text: str, names: list[str], literal: str) -> str:
    """The value of a key that is there, exchanged; the comment behind it stays. Only its own lines are taken apart."""
    lines = text.splitlines(keepends=True)
    span = spans(text)[tuple(names)]
    document = tomlkit.parse("".join(lines[span.first - 1 : span.last]))
    written = next(names[at:] for at in range(len(names)) if names[at] in document)  # without the section's header
    table: Any = document
    for name in written[:-1]:
        table = table[name]
    table[written[-1]] = tomlkit.value(literal)
    return "".join([*lines[: span.first - 1], tomlkit.dumps(document), *lines[span.last :]])


def _uncommented(text: str, names: list[str], literal: str) -> str:
    """The commented line that shows the key in its section, made real."""
    lines, header, following = _section(text, names)
    shape = re.compile(rf"#[ \t]?{re.escape(_name(names[-1]))}[ \t]*=[ \t]*\S+\s*$")
    at = next(number for number in range(header, following - 1) if shape.match(lines[number]))
    return _with_line([*lines[:at], *lines[at + 1 :]], at, f"{_name(names[-1])} = {literal}")


def _added(text: str, names: list[str], literal: str) -> str:
    """A line behind the last key of a section that has a header, so that no comment changes its place."""
    lines, header, following = _section(text, names)
    last = max(
        (span.last for span in spans(text).values() if header < span.first < following), default=header
    )
    return _with_line(lines, last, f"{_name(names[-1])} = {literal}")


def _section(text: str, names: list[str]) -> tuple[list[str], int, int]:
    """The lines of ``text``, the line of the key's section header (0: the top) and of the header after it."""
    lines = text.splitlines(keepends=True)
    found = spans(text)
    header = found[tuple(names[:-1])].first if len(names) > 1 else 0
    headers = {span.first for span in found.values() if lines[span.first - 1].lstrip().startswith("[")}
    return lines, header, min((line for line in headers if line > header), default=len(lines) + 1)


def _appended(text: str, names: list[str], literal: str) -> str:
    """A new section at the end."""
    if len(names) == 1:
        raise KeyError(names[0])
    lines = text.splitlines(keepends=True)
    for line in ("", f"[{'.'.join(map(_name, names[:-1]))}]", f"{_name(names[-1])} = {literal}"):
        if line or lines:
            lines = _with_line(lines, len(lines), line).splitlines(keepends=True)
    return "".join(lines)


def _put(text: str, names: list[str], literal: str) -> str:
    """Whatever tomlkit makes of the whole: for inline tables and dotted keys."""
    document = tomlkit.parse(text)
    table: Any = document
    for name in names[:-1]:
        if name not in table:
            table[name] = tomlkit.inline_table()
        table = table[name]
    table[names[-1]] = tomlkit.value(literal)
    return tomlkit.dumps(document)


def _with_line(lines: list[str], at: int, line: str) -> str:
    ending = "\r\n" if lines and lines[0].endswith("\r\n") else "\n"
    before = [*lines[:at]]
    if before and not before[-1].endswith("\n"):
        before[-1] += ending
    return "".join([*before, line + ending, *lines[at:]])


def _name(name: str) -> str:
    bare = name.replace("-", "").replace("_", "")
    return name if bare.isascii() and bare.isalnum() else shown(name)
