"""Printing: one JSON document, or aligned lines for a person; what is unknown is ``-``, never 0."""

import json
import shutil
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from textwrap import wrap
from typing import Any, TextIO

from gridbot_tui.ui import environ
from gridbot_tui.units import Ms

UNKNOWN = "-"
_LONG, _LONGEST = 10_000.0, 1e12
"""A fraction and a number from which on digits tell nobody anything: a year at the rate of two good weeks may have
thirty."""


def document(value: Any) -> None:
    """One JSON document on stdout; in one line unless a person looks on."""
    indent = 2 if sys.stdout.isatty() else None
    print(json.dumps(value, indent=indent, ensure_ascii=False, allow_nan=False), flush=True)


def say(text: str) -> None:
    """A line for a person, beside the result: stderr."""
    wiped()
    print(text, file=sys.stderr, flush=True)


_passing = False
"""True while a line stands on the terminal that the next one replaces."""
SELDOM_S = 10.0


def pass_on(text: str) -> None:
    """How far something is: on a terminal in the place of what was said last, else a line of its own."""
    global _passing
    if sys.stderr.isatty():
        _passing = True
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
    else:
        print(text, file=sys.stderr, flush=True)


def wiped() -> None:
    """Take back what ``pass_on`` left on the terminal."""
    global _passing
    if _passing:
        _passing = False
        print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def pass_every() -> float:
    """Seconds between two such lines: a terminal may be told often, a log not."""
    return 0.5 if sys.stderr.isatty() else SELDOM_S


def encoding(out: TextIO) -> str | None:
    """What may be drawn there: a terminal shows braille by its locale, whatever Python would write to it."""
    return "ascii" if out.isatty() and environ.symbols() == "ascii" else out.encoding


def columns() -> int | None:
    """How wide the terminal is that stdout goes to; None for a pipe or a file, which take lines of any length."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None


def stacked(head: Sequence[str], rows: Sequence[Sequence[Any]], width: int | None) -> list[str]:
    """A table whose columns go on below, under the first one again, where they do not fit: a terminal that breaks a
    line breaks it in the middle of a number."""
    cells = [list(head), *([shown(value) for value in row] for row in rows)]
    wide = [max(len(line[column]) for line in cells) for column in range(len(head))]
    parts = [[0]]
    for column in range(1, len(head)):
        full = width is not None and sum(wide[one] + 2 for one in parts[-1]) + wide[column] > width
        if full and len(parts[-1]) > 1:
            parts.append([0])
        parts[-1].append(column)
    told = list[str]()
    for part in parts:
        told += [""] if told else []
        told += table([head[one] for one in part], [[row[one] for one in part] for row in rows])
    return told


def table(head: Sequence[str], rows: Sequence[Sequence[Any]], *, left: int = 1) -> list[str]:
    """Aligned lines under a head; the first ``left`` columns to the left, the others to the right."""
    cells = [list(head), *([shown(value) for value in row] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(head))]
    return [
        "  ".join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in cells
    ]


def pairs(items: Sequence[tuple[str, Any]]) -> list[str]:
    """``name  value`` lines."""
    width = max((len(name) for name, _ in items), default=0)
    return [f"{name.ljust(width)}  {shown(value)}" for name, value in items]


def shown(value: Any) -> str:
    """A value as a person reads it."""
    if value is None or value == "":
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        if abs(value) >= _LONGEST:
            return f"{value:.1e}"
        return f"{round(value, 2) + 0.0:.2f}"  # + 0.0: a minus without a number behind it says nothing
    return str(value)


def percent(value: float | None, digits: int = 2) -> str:
    """A fraction as a percentage."""
    if value is None:
        return UNKNOWN
    if abs(value) >= _LONG:
        return f"{value * 100:.1e} %"
    return f"{round(value * 100, digits) or 0.0:.{digits}f} %"


def interval(found: dict[str, float] | None, digits: int = 2) -> str:
    """A figure of the kind that ``percent`` shows, with its 95 % interval: ``value``, ``low`` and ``high``."""
    if found is None:
        return "too few days"
    value, low, high = (percent(found[name], digits) for name in ("value", "low", "high"))
    return f"{value} [{low}, {high}]"


def wrapped(text: str, width: int = 80, hang: int = 0) -> list[str]:
    """A sentence in lines of at most ``width``; a number keeps its per cent sign."""
    lines = wrap(text.replace(" %", "\u00a0%"), width, subsequent_indent=" " * hang, break_on_hyphens=False)
    return [line.replace("\u00a0", " ") for line in lines]


def moment(at: Ms | None) -> str:
    """A time, UTC; 0 is a time that nobody noted."""
    if not at:
        return UNKNOWN
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")


def span(seconds: float) -> str:
    """A duration: ``3 d 04:05`` or ``04:05:06``."""
    days, rest = divmod(int(seconds), 86_400)
    hours, rest = divmod(rest, 3_600)
    minutes, left = divmod(rest, 60)
    return f"{days} d {hours:02}:{minutes:02}" if days else f"{hours:02}:{minutes:02}:{left:02}"


def three(values: dict[str, float] | None) -> str:
    """Votes or weights as ``up/down/neutral``."""
    if values is None:
        return UNKNOWN
    return "/".join(f"{values[name]:.2f}" for name in ("up", "down", "neutral"))
