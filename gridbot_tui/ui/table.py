"""Columns of fixed width for lists: the last ones give way where there is no room. Pure."""

from collections.abc import Callable, Sequence
from typing import Generic, NamedTuple, TypeVar

from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Role, Row, Span, cells, left, right

T = TypeVar("T")
Cell = tuple[str, Role]


class Column(NamedTuple, Generic[T]):
    """One column: heading, width in cells (0: whatever is left), what stands in it."""

    name: str
    width: int
    cell: Callable[[T, Picture], Cell]
    flush_left: bool = False
    most: int = 0
    """Cells it grows to where what stands in it needs them; 0: it does not grow."""


def grown(columns: Sequence[Column[T]], items: Sequence[T], picture: Picture) -> list[Column[T]]:
    """The columns, those that may grow as wide as what stands in them: two names that are cut read alike."""
    return [
        column._replace(
            width=min(column.most, max([column.width, *(cells(column.cell(item, picture)[0]) for item in items)]))
        )
        if column.most
        else column
        for column in columns
    ]


def fitting(columns: Sequence[Column[T]], width: int) -> list[Column[T]]:
    """The columns that fit, the first ones first; the one of width 0 takes what they leave."""
    found: list[Column[T]] = []
    room = width
    for column in columns:
        room -= max(column.width, 8 if column.width == 0 else 0) + 1
        if room < -1:  # the last one has no space behind it
            break
        found.append(column)
    rest = width - sum(column.width + 1 for column in found if column.width)  # it is the last one
    return [column if column.width else column._replace(width=max(1, rest)) for column in found] or list(columns[:1])


def heading(columns: Sequence[Column[T]]) -> Row:
    """The names over the columns."""
    return _spaced([(_placed(column.name, column), "dim") for column in columns])


def line(columns: Sequence[Column[T]], item: T, picture: Picture, role: Role | None = None) -> Row:
    """One item; all in one role where it is given (the marked one)."""
    row: list[Span] = []
    for column in columns:
        text, own = column.cell(item, picture)
        row.append((_placed(text, column), own if role is None else role))
    return _spaced(row)


def _spaced(spans: Sequence[Span]) -> Row:
    """A space behind each but the last."""
    return (*((text + " ", role) for text, role in spans[:-1]), *spans[-1:])


def _placed(text: str, column: Column[T]) -> str:
    return (left if column.flush_left else right)(text, column.width)
