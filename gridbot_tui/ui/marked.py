"""A list with a mark: the mark stays on its item when others come, or follows the first until it is moved."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, Generic

from textual.binding import Binding, BindingType

from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row
from gridbot_tui.ui.table import Column, T, fitting, grown, heading, line


class MarkedPane(Pane, Generic[T]):
    """Subclasses answer ``items``, ``identity``, ``COLUMNS`` and perhaps ``expanded``."""

    PINNED = 1
    COLUMNS: Sequence[Column[T]] = ()
    EMPTY = "nothing yet"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="list.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="list.down"),
        Binding("pageup", "move(-10)", "Page up", show=False, id="list.page_up"),
        Binding("pagedown", "move(10)", "Page down", show=False, id="list.page_down"),
        Binding("home", "follow", "Follow the newest", show=False, id="list.home"),
        Binding("end", "move(100000)", "Last", show=False, id="list.end"),
    ]

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._mark: Hashable | None = None
        self._shown: list[T] = []
        self._at = 0

    # -- what a list answers ----------------------------------------------------------------------------------

    def items(self, picture: Picture) -> Sequence[T]:
        """What is listed, the newest first."""
        raise NotImplementedError

    def identity(self, item: T) -> Hashable:
        """What tells an item from the others for as long as it is listed."""
        raise NotImplementedError

    def expanded(self, item: T, picture: Picture, width: int) -> Sequence[Row]:
        """Rows under the marked item."""
        return ()

    def empty(self, picture: Picture) -> str:
        """What is said where nothing is listed."""
        return self.EMPTY

    def wheel(self, step: int) -> None:
        """The mark moves, as by keys."""
        self.action_move(step)

    # -- painting ---------------------------------------------------------------------------------------------

    @property
    def marked(self) -> T | None:
        """The item under the mark; None where nothing is listed."""
        return self._shown[self._at] if self._at < len(self._shown) else None

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Heading, one row an item, more under the marked one."""
        self._take(picture)
        columns = fitting(grown(self.COLUMNS, self._shown, picture), width - 2)
        rows: list[Row] = [(("  ", "dim"), *heading(columns))]
        for at, item in enumerate(self._shown):
            here = at == self._at
            role = "select" if here and self.has_focus else None
            rows.append((("› " if here else "  ", "select" if here else "text"), *line(columns, item, picture, role)))
            if here:
                rows += self.expanded(item, picture, width)
        if not self._shown:
            rows.append((("  " + self.empty(picture), "dim"),))
        return rows

    def status(self, picture: Picture) -> Row:
        """How many."""
        return ((str(len(self.items(picture))), "dim"),)

    def centre_on(self, length: int, height: int) -> int | None:
        """The marked row stays in sight, with what is under it."""
        under = length - len(self._shown)
        return max(0, self._at + under + 1 - height)

    def _take(self, picture: Picture) -> None:
        self._shown = list(self.items(picture))
        if self._mark is None:
            self._at = 0
            return
        for at, item in enumerate(self._shown):
            if self.identity(item) == self._mark:
                self._at = at
                return
        self._at = max(0, min(self._at, len(self._shown) - 1))

    # -- moving -----------------------------------------------------------------------------------------------

    def action_move(self, count: int) -> None:
        """Move the mark; from then on it stays on its item."""
        if not self._shown:
            return
        self._at = max(0, min(self._at + count, len(self._shown) - 1))
        self._mark = self.identity(self._shown[self._at])
        self._again()

    def action_follow(self) -> None:
        """Back to the first, and follow it."""
        self._mark = None
        self._again()
