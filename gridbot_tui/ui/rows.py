"""Rows of styled text: what every pane paints. Pure; knows nothing of Textual.

A span is (text, role); a role is a name of the palette (``theme.py``), never a colour. A row is a tuple of
spans. Two equal rows are painted once.
"""

import re
from collections.abc import Iterable, Sequence

from rich.cells import cell_len, set_cell_size
from rich.style import Style

Role = str | Style
Span = tuple[str, Role]
Row = tuple[Span, ...]

BLANK: Row = ()
_BREAKS = re.compile(r"(?<!\d)\s+|\s+(?!\d{3}(?!\d))")
"""Where a line may end: not between the thousands of a number, half of which is another number."""


def cells(text: str) -> int:
    """Terminal cells a text takes (a wide character takes two)."""
    return len(text) if text.isascii() else cell_len(text)


def width_of(row: Iterable[Span]) -> int:
    """Cells of a row."""
    return sum(cells(text) for text, _ in row)


def left(text: str, width: int) -> str:
    """Exactly ``width`` cells, flush left; too long ends in ``…``."""
    size = cells(text)
    if size <= width:
        return text + " " * (width - size)
    return cut(text, width)


def right(text: str, width: int) -> str:
    """Exactly ``width`` cells, flush right; too long ends in ``…``, so that no number looks like another."""
    size = cells(text)
    if size <= width:
        return " " * (width - size) + text
    return cut(text, width)


def cut(text: str, width: int) -> str:
    """At most ``width`` cells."""
    if cells(text) <= width:
        return text
    if width <= 0:
        return ""
    return set_cell_size(text, width - 1) + "…"


def fit(row: Iterable[Span], width: int) -> Row:
    """At most ``width`` cells of a row."""
    return fitted(row, width)[0]


def fitted(row: Iterable[Span], width: int) -> tuple[Row, int]:
    """At most ``width`` cells of a row, and how many are left free."""
    found: list[Span] = []
    room = width
    for span in row:
        text = span[0]
        size = len(text) if text.isascii() else cell_len(text)
        if size > room:
            if room > 0:
                found.append((cut(text, room), span[1]))
            return tuple(found), 0
        if text:
            found.append(span)
            room -= size
    return tuple(found), room


def justify(start: Iterable[Span], end: Iterable[Span], width: int) -> Row:
    """``start`` at the left edge, ``end`` at the right; the end wins where there is no room."""
    tail = fit(end, width)
    head = fit(start, max(0, width - width_of(tail) - (1 if tail else 0)))
    gap = width - width_of(head) - width_of(tail)
    return (*head, (" " * gap, "text"), *tail)


def centred(row: Row, width: int) -> Row:
    """The row in the middle."""
    space = max(0, width - width_of(row)) // 2
    return ((" " * space, "text"), *row)


def joined(parts: Sequence[Row], between: str = "  ") -> Row:
    """Rows side by side."""
    found: list[Span] = []
    for part in parts:
        if found and part:
            found.append((between, "text"))
        found.extend(part)
    return tuple(found)


def as_many(parts: Sequence[Row], width: int, between: str = "  ") -> Row:
    """The first parts that fit side by side: what is left out is left out whole."""
    kept = list(parts)
    while len(kept) > 1 and width_of(joined(kept, between)) > width:
        kept.pop()
    return joined(kept, between)


def wrapped(text: str, width: int, role: Role = "text") -> list[Row]:
    """Plain text over as many rows as it needs."""
    rows: list[Row] = []
    line = ""
    for word in filter(None, _BREAKS.split(text)):
        while cells(word) > max(1, width):
            if line:
                rows.append(((line, role),))
                line = ""
            taken = 1
            while taken < len(word) and cells(word[: taken + 1]) <= width:
                taken += 1
            rows.append(((word[:taken], role),))
            word = word[taken:]
        if line and cells(line) + 1 + cells(word) > width:
            rows.append(((line, role),))
            line = word
        else:
            line = f"{line} {word}" if line else word
    if line:
        rows.append(((line, role),))
    return rows


def told(label: Span, text: str, width: int, role: Role = "text") -> list[Row]:
    """Text behind a label, over as many rows as it needs, each beginning where the first one does."""
    indent = cells(label[0])
    lines = wrapped(text, max(8, width - indent), role)
    return [(label if at == 0 else (" " * indent, "text"), *line) for at, line in enumerate(lines)]


def text_of(row: Iterable[Span]) -> str:
    """The row without its roles."""
    return "".join(text for text, _ in row)
