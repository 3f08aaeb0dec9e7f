"""The log: everything this app has heard, newest at the bottom; filter by level, search, follow."""

import re
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from gridbot_tui.control.snapshot import EventView
from gridbot_tui.ui import words
from gridbot_tui.ui.in_order import Field
from gridbot_tui.ui.pane import WHEEL, Pane
from gridbot_tui.ui.panes.events import LEVELS
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Role, Row, Span, fit, left, width_of
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.units import DAY, Ms

FILTERS: Final = (("all", 0), ("info", 1), ("warnings", 2), ("errors", 3))
_SEVERITY: Final = {"debug": 0, "info": 1, "warning": 2, "error": 3, "critical": 3}
_SIGNS: Final = {"warning": "▲", "error": "✗", "critical": "✗"}


def pattern(text: str) -> re.Pattern[str] | None:
    """What was typed, as an expression; plain text where it is none; None for nothing."""
    if not text:
        return None
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error:
        return re.compile(re.escape(text), re.IGNORECASE)


class LogPane(Pane):
    """A cursor line that follows the newest until it is moved."""

    TITLE = "Log"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="log.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="log.down"),
        Binding("pageup", "move(-20)", "Page up", show=False, id="log.page_up"),
        Binding("pagedown", "move(20)", "Page down", show=False, id="log.page_down"),
        Binding("home", "move(-1000000)", "Oldest", show=False, id="log.home"),
        Binding("end,G", "follow", "Follow the newest", show=False, id="log.end"),
        Binding("F", "toggle_follow", "follow", id="log.follow"),
        Binding("v", "level", "level", id="log.level"),
        Binding("slash", "search", "search", id="log.search"),
        Binding("n", "find(1)", "next", id="log.next"),
        Binding("N", "find(-1)", "previous", show=False, id="log.previous"),
    ]

    def __init__(self) -> None:
        super().__init__(id="body")
        self.level = 0
        self.search: re.Pattern[str] | None = None
        self.said = ""
        """What the last search came to."""
        self._at: EventView | None = None
        """The line of the cursor; None: it follows the newest."""
        self._kept: list[EventView] = []
        self._made_of: tuple[int, int, int] = (-1, -1, -1)

    @property
    def follows(self) -> bool:
        """True while the cursor stays on the newest line."""
        return self._at is None

    def wheel(self, step: int) -> None:
        """The cursor moves, as by keys."""
        self.action_move(WHEEL * step)

    # -- painting ---------------------------------------------------------------------------------------------

    def _in_frame(self, picture: Picture, width: int, height: int) -> list[Row]:
        """Only the lines in sight are made into rows: there may be thousands."""
        kept = self._lines(picture)
        room = max(1, height - 2)
        at = self._index()
        first = max(0, min(at - room // 2 if self._at is not None else len(kept), len(kept) - room))
        edge = "focus" if self.has_focus else "frame"
        rows: list[Row] = [self._top_line(picture, width, edge)]
        now = picture.now()
        for place in range(first, min(len(kept), first + room)):
            body = self._row(kept[place], place == at and self._at is not None, now)
            rows.append(self._framed(body, width, edge))
        if not kept:
            rows.append(self._framed((("nothing was said yet", "dim"),), width, edge))
        rows += [self._framed((), width, edge)] * (height - 1 - len(rows))
        return [*rows, self._bottom_line(width, edge, first, max(0, len(kept) - first - room))]

    def status(self, picture: Picture) -> Row:
        """Level, search, whether it follows, how much is gone."""
        parts = ["UTC", f"{len(self._kept)} lines", f"level {FILTERS[self.level][0]}"]
        if self.search is not None:
            parts.append(f"/{self.search.pattern}" + (f" {self.said}" if self.said else ""))
        parts.append("follows" if self.follows else "held: F follows")
        if picture.log.dropped:
            parts.append(f"{picture.log.dropped} older forgotten")
        if picture.log.missed:
            parts.append("with gaps")
        return ((" · ".join(parts), "dim"),)

    def age(self, picture: Picture) -> Ms | None:
        """The log goes on while the display is held."""
        return picture.silence()

    def _row(self, event: EventView, here: bool, now: int) -> Row:
        role: Role = LEVELS.get(event.level, "text")
        sign = _SIGNS.get(event.level, " ")
        head = f"{words.since(event.at, now) if now - event.at >= DAY else words.clock(event.at):>12} "
        if here:
            return ((left(head + sign + " " + text_of(event), 400), "select"),)
        found: list[Span] = [(head, "dim"), (f"{sign} ", role)]
        return (*found, *self._marked(text_of(event), role))

    def _marked(self, text: str, role: Role) -> list[Span]:
        if self.search is None:
            return [(text, role)]
        found: list[Span] = []
        last = 0
        for match in self.search.finditer(text):
            if match.end() > match.start():
                found += [(text[last : match.start()], role), (text[match.start() : match.end()], "banner")]
                last = match.end()
        return [*found, (text[last:], role)]

    def _framed(self, row: Row, width: int, edge: str) -> Row:
        cropped = fit(row, width - 4)
        return (("│ ", edge), *cropped, (" " * (width - 4 - width_of(cropped)) + " │", edge))

    def _lines(self, picture: Picture) -> list[EventView]:
        made_of = (picture.log.version, len(picture.notes) and picture.notes[-1].at + len(picture.notes), self.level)
        if made_of != self._made_of:
            self._made_of = made_of
            least = FILTERS[self.level][1]
            found = [one for one in (*picture.log.lines, *picture.notes) if _SEVERITY.get(one.level, 1) >= least]
            self._kept = sorted(found, key=lambda event: event.at)
        return self._kept

    def _index(self) -> int:
        last = len(self._kept) - 1
        if self._at is None:
            return last
        for at in range(last, -1, -1):
            if self._kept[at] is self._at or self._kept[at] == self._at:
                return at
        # The line of the cursor was filtered out or forgotten: the next one in time.
        return next((at for at, one in enumerate(self._kept) if one.at >= self._at.at), last)

    # -- keys -------------------------------------------------------------------------------------------------

    def action_move(self, count: int) -> None:
        """Move the cursor; it stays on its line from then on."""
        if self._kept:
            self._at = self._kept[max(0, min(self._index() + count, len(self._kept) - 1))]
        self._again()

    def action_follow(self) -> None:
        """The newest line, and whatever comes after it."""
        self._at = None
        self._again()

    def action_toggle_follow(self) -> None:
        """Hold, or follow."""
        if self._at is None:
            self.action_move(0)
        else:
            self.action_follow()

    def action_level(self) -> None:
        """The next level filter."""
        self.level = (self.level + 1) % len(FILTERS)
        self._again()

    def action_search(self) -> None:
        """Type what is sought."""
        field = self.screen.query_one("#search", Input)
        field.display = True
        field.focus()

    def action_find(self, step: int) -> None:
        """The next line downwards (n), or upwards (N), that has it; round the end."""
        if self.search is None or not self._kept:
            self.said = ""
            return
        count, start = len(self._kept), self._index()
        for distance in range(1, count + 1):
            at = (start + step * distance) % count
            if self.search.search(full_text(self._kept[at])):
                self._at = self._kept[at]
                self.said = f"line {at + 1}"
                break
        else:
            self.said = "not found"
        self._again()

    def seek(self, text: str) -> None:
        """Look for this, from the newest line upwards."""
        self.search, self.said = pattern(text), ""
        if self.search is not None:
            if self._kept and not self.search.search(full_text(self._kept[self._index()])):
                self.action_find(-1)
            elif self._kept:
                self.action_move(0)
        self._again()


def text_of(event: EventView) -> str:
    """Code, symbol, words."""
    return " ".join(part for part in (f"{event.code:<8}", event.symbol, event.text) if part)


def full_text(event: EventView) -> str:
    """What is searched: time of day and level belong to it."""
    return f"{words.moment(event.at)} {words.clock(event.at)} {event.level} {text_of(event)}"


class LogPage(Page):
    """The log and its search field."""

    NAME = "log"
    AUTO_FOCUS: ClassVar[str | None] = "LogPane"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", show=False, id="log.back")]
    DEFAULT_CSS = "LogPage #search { display: none; dock: bottom; margin-bottom: 1; background: $surface; }"

    def body(self) -> ComposeResult:
        """Log, search."""
        yield LogPane()
        yield Field(placeholder="text or expression; 14:03 finds a time; enter seeks", id="search", compact=True)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Seek, and go back to the log."""
        event.input.display = False
        pane = self.query_one(LogPane)
        pane.focus()
        pane.seek(event.value)

    def action_back(self) -> None:
        """Close the search first; the page only without one."""
        field, pane = self.query_one("#search", Input), self.query_one(LogPane)
        if not (field.has_focus or pane.search is not None):
            self.app.call_later(self.app.run_action, "app.home")
            return
        field.value = ""
        field.display = False
        pane.focus()
        pane.seek("")
