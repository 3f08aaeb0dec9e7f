"""The widget under everything: rows of styled text, of which only the changed stretches are painted again.

Textual repaints a whole widget for one changed cell. A ``RowPane`` compares its rows with those on the
screen and names the regions that differ; a quiet pane writes not one byte. Subclasses answer ``build``.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.strip import Strip
from textual.widget import Widget

from gridbot_tui.ui import glyphs, theme, words
from gridbot_tui.ui.glyphs import Symbols
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import BLANK, Row, cells, fit, fitted, width_of
from gridbot_tui.units import Ms

WHEEL = 3
"""Rows that one click of the wheel moves."""
STRIPS_KEPT = 160
"""Painted rows remembered by a pane: a screenful or two. A strip of Textual's takes two kilobytes."""


class RowPane(Widget):
    """Rows without a frame. ``build`` is asked at every flush while the pane can be seen."""

    DEFAULT_CSS = "RowPane { width: 1fr; height: 1fr; }"

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._rows: list[Row] = []
        self._strips: dict[tuple[Row, int], Strip] = {}
        self._palette = theme.palette("dark")
        self._ascii = False
        self._wide = 0
        """Cells of a row as last built: Textual works out a widget's size anew each time it is asked."""

    # -- what a pane answers --------------------------------------------------------------------------------

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """All rows to be shown now, for this size."""
        raise NotImplementedError

    def rows_for(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The rows as painted, decoration and all."""
        return self.build(picture, width, height)

    # -- painting -------------------------------------------------------------------------------------------

    @property
    def symbols(self) -> Symbols:
        """The symbol set in force."""
        found: Symbols = getattr(self.app, "symbols", "braille")
        return found

    def flush(self, picture: Picture) -> None:
        """Build anew and mark what differs; nothing where the pane is out of sight."""
        if not self.display or not self.is_attached or self.size.area == 0:
            return
        width, height = self.size
        self._wide = width
        self._replace(self.rows_to_fit(picture, width, height))

    def rows_to_fit(self, picture: Picture, width: int, height: int) -> list[Row]:
        """The rows, none too many and none too wide."""
        return [fit(row, width) for row in list(self.rows_for(picture, width, height))[:height]]

    def repaint(self) -> None:
        """Paint everything anew: the palette or the symbols have changed."""
        self._strips.clear()
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One row, from the palette in force."""
        row = self._rows[y] if y < len(self._rows) else BLANK
        if not self._wide:
            self._wide = self.size.width  # painted before it was ever built
        key = (row, self._wide)
        strip = self._strips.get(key)
        if strip is None:
            if len(self._strips) > STRIPS_KEPT:
                self._strips.clear()
            strip = self._strips[key] = self._strip(row)
        return strip

    def plain(self) -> list[str]:
        """The rows as plain text, for tests and copies."""
        return ["".join(text for text, _ in row).rstrip() for row in self._rows]

    def _strip(self, row: Row) -> Strip:
        convert = glyphs.to_ascii if self._ascii else str
        segments = [Segment(convert(text), self._style(role)) for text, role in row]
        return Strip(segments).adjust_cell_length(self._wide, self._palette["text"])

    def _style(self, role: str | Style) -> Style:
        return role if isinstance(role, Style) else self._palette[role]

    def _replace(self, rows: list[Row]) -> None:
        before, self._rows = self._rows, rows
        width = self._wide
        regions = []
        for y in range(max(len(before), len(rows))):
            old = before[y] if y < len(before) else BLANK
            new = rows[y] if y < len(rows) else BLANK
            if old != new:
                start, end = differing(old, new, width)
                regions.append(Region(start, y, end - start, 1))
        if regions:
            self.refresh(*regions)

    # -- life -----------------------------------------------------------------------------------------------

    def on_mount(self) -> None:
        """Take the app's look, and follow it."""
        self.look_again()
        self.app.theme_changed_signal.subscribe(self, lambda _: self.look_again())

    def on_unmount(self) -> None:
        """Let go of the look: the signal keeps whom it tells alive, and every page that was ever opened with them."""
        self.app.theme_changed_signal.unsubscribe(self)

    def look_again(self) -> None:
        """Take the app's palette and symbols again."""
        self._palette = theme.palette(getattr(self.app, "palette_name", "dark"))
        self._ascii = self.symbols == "ascii"
        self.repaint()

    def on_resize(self, event: events.Resize) -> None:
        """A new size is a new picture."""
        self._wide = self.size.width
        self._strips.clear()
        self._again()

    def on_show(self) -> None:
        """Seen again: what was missed while hidden is drawn at once."""
        self._again()

    def on_focus(self) -> None:
        """What can have the focus shows it."""
        self._again()

    def on_blur(self) -> None:
        """See ``on_focus``."""
        self._again()

    def _again(self) -> None:
        picture = getattr(self.app, "picture", None)
        if isinstance(picture, Picture):
            self.flush(picture)


class Pane(RowPane, can_focus=True):
    """A framed pane: title and age in the top line, own scrolling, focus shown by the frame."""

    DEFAULT_CSS = "Pane { width: 1fr; height: 1fr; }"
    TITLE = ""
    PINNED = 0
    """Rows of the content that stay at the top while the rest scrolls."""

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.top = 0
        """First row of the content that is shown."""
        self._length = 0
        self._room = 1

    # -- what a pane answers --------------------------------------------------------------------------------

    def title(self, picture: Picture) -> Row:
        """What the frame says at the left."""
        return ((self.TITLE, "title"),)

    def status(self, picture: Picture) -> Row:
        """What the frame says at the right, before the age: a count, a state."""
        return BLANK

    def age(self, picture: Picture) -> Ms | None:
        """How old what is shown is; by default the picture itself. None: nothing was ever heard."""
        return picture.shown_for()

    def old(self, picture: Picture) -> bool:
        """True where what is shown is too old for what it is."""
        return picture.stale

    def centre_on(self, length: int, height: int) -> int | None:
        """Where the view wants to be while the operator has not scrolled; None: the top."""
        return None

    # -- painting -------------------------------------------------------------------------------------------

    def rows_to_fit(self, picture: Picture, width: int, height: int) -> list[Row]:
        """Frame and content, which fit as they are made."""
        if width < 8 or height < 3:
            return super().rows_to_fit(picture, width, height)
        return self._in_frame(picture, width, height)

    def _in_frame(self, picture: Picture, width: int, height: int) -> list[Row]:
        inner, room = width - 4, height - 2
        content = list(self.build(picture, inner, room))
        pinned, content = content[: self.PINNED], content[self.PINNED :]
        room -= len(pinned)
        self._length, self._room = len(content), max(1, room)
        at = self._first(len(content), room)
        shown = pinned + content[at : at + room]
        shown += [BLANK] * (height - 2 - len(shown))
        edge = "focus" if self.has_focus else "frame"
        left = ("│ ", edge)
        rows: list[Row] = [self._top_line(picture, width, edge)]
        for row in shown:
            cropped, free = fitted(row, inner)
            rows.append((left, *cropped, (" " * free + " │", edge)))
        rows.append(self._bottom_line(width, edge, at, len(content) - at - room))
        return rows

    def _first(self, length: int, room: int) -> int:
        last = max(0, length - room)
        if self.top == 0:
            wanted = self.centre_on(length, room)
            return 0 if wanted is None else min(max(0, wanted), last)
        self.top = min(self.top, last + 1)
        return self.top - 1

    def _top_line(self, picture: Picture, width: int, edge: str) -> Row:
        aged = (words.span(self.age(picture)), "bad" if self.old(picture) else "dim")
        title = self.title(picture)
        # The title stays whole, then comes the age; what else there is to say takes what they leave.
        said = fit(self.status(picture), max(0, width - width_of(title) - cells(aged[0]) - 12))
        status: Row = (*said, (" · ", "dim"), aged) if width_of(said) else (aged,)
        tail: Row = ((" ", edge), *status, (" ─╮", edge)) if width > 24 else (("─╮", edge),)
        room = width - width_of(tail) - 4
        name = fit(title, max(0, room))
        gap = width - width_of(tail) - width_of(name) - 4
        return (("╭─ ", edge), *name, (" " + "─" * max(0, gap), edge), *tail)

    def _bottom_line(self, width: int, edge: str, above: int, below: int) -> Row:
        words = []
        if above > 0:
            words.append(f"▲ {above} more")
        if below > 0:
            words.append(f"▼ {below} more")
        if not words:
            return (("╰" + "─" * (width - 2) + "╯", edge),)
        text = cut_words(words, width - 6)
        return (("╰" + "─" * (width - 5 - cells(text)), edge), (f" {text} ", "dim"), ("─╯", edge))

    # -- scrolling ------------------------------------------------------------------------------------------

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "scroll_rows(-1)", "Up", show=False, id="pane.up"),
        Binding("down,j", "scroll_rows(1)", "Down", show=False, id="pane.down"),
        Binding("pageup", "scroll_rows(-10)", "Page up", show=False, id="pane.page_up"),
        Binding("pagedown", "scroll_rows(10)", "Page down", show=False, id="pane.page_down"),
        Binding("home", "scroll_home_rows", "Follow again", show=False, id="pane.home"),
    ]

    def action_scroll_rows(self, count: int) -> None:
        """Move the view; it stays there until ``home``."""
        room = self._room
        if self.top == 0:
            wanted = self.centre_on(self._length, room)
            self.top = 1 + (0 if wanted is None else max(0, min(wanted, self._length - room)))
        self.top = max(1, min(self.top + count, max(1, self._length - room + 1)))
        self._again()

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel, where the app takes the mouse."""
        event.stop()
        self.wheel(1)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The other way."""
        event.stop()
        self.wheel(-1)

    def wheel(self, step: int) -> None:
        """Look further down, or up."""
        self.action_scroll_rows(WHEEL * step)

    def action_scroll_home_rows(self) -> None:
        """Let the view follow again."""
        self.top = 0
        self._again()


def cut_words(words: list[str], width: int) -> str:
    """The words with a space between, or only the last one where there is no room."""
    text = "  ".join(words)
    return text if cells(text) <= width else words[-1][: max(0, width)]


def differing(old: Row, new: Row, width: int) -> tuple[int, int]:
    """The stretch of columns in which two rows of one pane differ."""
    start = 0
    for before, after in zip(old, new, strict=False):
        if before != after:
            break
        start += cells(after[0])
    end = width
    if width_of(old) == width_of(new) == width:
        for before, after in zip(reversed(old), reversed(new), strict=False):
            if before != after:
                break
            end -= cells(after[0])
    return min(start, width - 1), max(end, min(start, width - 1) + 1)
