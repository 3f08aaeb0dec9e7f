"""Choosing the symbol that is shown: type to filter, arrows and Enter."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.screen import ModalScreen
from textual.widgets import Input

from gridbot_tui.ui import words
from gridbot_tui.ui.dialogs.once import Once
from gridbot_tui.ui.in_order import Field
from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, left, right


class SymbolList(RowPane):
    """The symbols that match."""

    DEFAULT_CSS = "SymbolList { height: 12; }"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Name, state, price; the chosen one marked."""
        dialog = self.screen
        assert isinstance(dialog, SymbolDialog)
        names = dialog.matching()
        dialog.at = max(0, min(dialog.at, len(names) - 1))
        first = max(0, dialog.at - height + 1)
        dialog.hidden = (first, max(0, len(names) - first - height))
        rows: list[Row] = []
        for at, name in enumerate(names[first : first + height], first):
            view = picture.snapshot.symbols[name] if picture.snapshot else None
            state, price = (view.state, view.price) if view else (words.UNKNOWN, None)
            text = f"{left(name, 16)} {left(state, 11)} {right(words.grouped(price), 16)}"
            rows.append(
                ((left(("› " if at == dialog.at else "  ") + text, width), "select" if at == dialog.at else "text"),)
            )
        return rows or [(("no symbol matches", "dim"),)]


class SymbolDialog(ModalScreen[str], Once):
    """Answers with a symbol, or ""."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("up", "move(-1)", "Up", show=False),
        Binding("down", "move(1)", "Down", show=False),
    ]
    DEFAULT_CSS = """
    SymbolDialog > #box { width: 56; max-width: 100%; height: auto; padding: 0 1; background: $surface; }
    SymbolDialog > #box { border: round $primary; }
    SymbolDialog > #box:ansi { background: ansi_default; }
    SymbolDialog Input { padding: 0; background: $surface; }
    """

    def __init__(self, picture: Picture) -> None:
        super().__init__()
        self.picture = picture
        self.at = 0
        self.hidden = (0, 0)
        """Matching symbols above and below those that are listed."""
        self._wanted = Field(placeholder="type to filter", compact=True)
        self._list = SymbolList()
        self._box = Container(id="box")

    def compose(self) -> ComposeResult:
        """A filter and the list."""
        self._box.border_title = "Symbol"
        with self._box:
            yield self._wanted
            yield self._list

    def matching(self) -> list[str]:
        """Names that contain what was typed."""
        wanted = self._wanted.value.upper()
        names = self.picture.snapshot.symbols if self.picture.snapshot else {}
        return [name for name in names if wanted in name.upper()]

    def flush(self, picture: Picture) -> None:
        """The list as it is now, and how many there are beside it."""
        self._list.flush(picture)
        above, below = self.hidden
        more = [f"▲ {above} more"] if above else []
        more += [f"▼ {below} more"] if below else []
        self._box.border_subtitle = "  ".join(more)  # it may be gone already where the app is being left

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter."""
        self.at = 0
        self.flush(self.picture)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Take the marked one."""
        names = self.matching()
        at = max(0, min(self.at, len(names) - 1))  # fewer may match than when the list was painted
        _ = self.dismiss(names[at] if names else "")

    def action_move(self, count: int) -> None:
        """Move the mark."""
        self.at += count
        self.flush(self.picture)

    def action_cancel(self) -> None:
        """Keep the one that is shown."""
        _ = self.dismiss("")
