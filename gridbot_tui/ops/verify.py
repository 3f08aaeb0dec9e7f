"""Checking an audit trail: that no line was changed, taken out, put in, or cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from gridbot_tui.ops import chain
from gridbot_tui.ops.chain import Head

REACH: Final = 1 << 20
"""Bytes of a file's end that are looked at."""


class Verification(Struct, frozen=True):
    """What was found."""

    ok: bool
    lines: int
    """Lines that are in order, up to the first bad one."""
    first_bad: int | None
    """Number of the first line that is wrong or missing."""
    detail: str
    """One sentence."""
    head: Head
    """The last line in order."""


def files_of(path: Path) -> list[Path]:
    """The files of the trail whose current one is ``path``, oldest first."""
    full = sorted(path.parent.glob(f"{path.stem}.{'[0-9]' * 12}{path.suffix}"))
    return [*full, path] if path.exists() else full


def last_line(path: Path) -> chain.Line | None:
    """The last whole line of a file, read from its end; None where there is none or it was changed."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        reach = min(size, REACH)
        file.seek(size - reach)
        whole = file.read(reach).rpartition(b"\n")[0]
    return chain.read(whole.rpartition(b"\n")[2]) if whole else None


def last_lines(path: Path) -> list[chain.Line]:
    """The last lines of the trail whose current file is ``path``, oldest first: some hundred, or all there are."""
    for file in reversed(files_of(path)):
        with file.open("rb") as opened:
            size = opened.seek(0, 2)
            opened.seek(max(0, size - REACH))
            whole = opened.read().splitlines()
        lines = [line for raw in (whole if size <= REACH else whole[1:]) if (line := chain.read(raw)) is not None]
        if lines:
            return lines
    return []


def verify(path: Path, anchor: Head | None = None) -> Verification:
    """Read the whole trail in order.

    An unfinished last line (a crash, or a writer at work) is no offence. ``anchor`` is what the state file
    keeps; without it, whole lines taken off the end cannot be seen.
    """
    head = Head(0, chain.START)
    lines = 0
    begin: Head | None = None
    pruned: list[Head] = []
    unfinished = 0
    anchored = anchor is None or anchor.seq == 0

    def bad(detail: str) -> Verification:
        return Verification(False, lines, head.seq + 1, detail, head)

    for raw in _lines(path):
        if not raw.endswith(b"\n"):
            unfinished = len(raw)
            continue
        line = chain.read(raw[:-1])
        if line is None or unfinished:
            return bad(f"Line {head.seq + 1} was changed.")
        if begin is None:
            begin = Head(line.seq - 1, line.prev)
            head = begin
        if line.seq != head.seq + 1 or line.prev != head.hash:
            return bad(f"Line {head.seq + 1} is missing or was put in: line {line.seq} does not follow it.")
        head = Head(line.seq, line.hash)
        lines += 1
        if line.kind == "pruned":
            pruned.append(Head(line.body.get("last_seq", 0), line.body.get("last_hash", "")))
        if anchor is not None and line.seq == anchor.seq:
            if line.hash != anchor.hash:
                return bad(
                    f"Line {line.seq} is not the one that the state file knows: the trail was rewritten."
                )
            anchored = True
    if begin is not None and begin != Head(0, chain.START) and begin not in pruned:
        return Verification(
            False, lines, 1, f"The trail begins at line {begin.seq + 1}; what was before is missing.", head
        )
    if anchor is not None and not anchored and anchor.seq > head.seq:
        return bad(f"The trail ends at line {head.seq}; the state file knows of {anchor.seq} lines.")
    tail = f"; an unfinished line of {unfinished} bytes follows" if unfinished else ""
    return Verification(True, lines, None, f"{lines} lines in order{tail}.", head)


def _lines(path: Path) -> Iterator[bytes]:
    for file in files_of(path):
        with file.open("rb") as opened:
            yield from opened
