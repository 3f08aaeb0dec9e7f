"""The dialog under all dialogs: facts that stay current, a word to type on live money, cancel focused."""

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.message import Message
from textual.screen import ModalScreen
from textual.widgets import Input

from gridbot_tui.ui.dialogs.once import Once
from gridbot_tui.ui.in_order import Field
from gridbot_tui.ui.pane import WHEEL, RowPane
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.rows import Row, wrapped

WIDEST = 72
"""Cells of the box where the terminal has them; the style sheet says the same."""
CHANGED = "it has changed since this was opened: look again, then confirm again"


class Answer(RowPane, can_focus=True):
    """A button of one line: ``‹ Cancel ›``."""

    class Given(Message):
        """This answer was chosen."""

        def __init__(self, answer: "Answer") -> None:
            self.answer = answer
            super().__init__()

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter,space", "give", "Choose", show=False)]

    def __init__(self, name: str, label: str, role: str = "text") -> None:
        super().__init__(id=f"answer-{name}")
        self.value = name
        self.label = label
        self.role = role
        self.styles.width = len(label) + 4

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The label, marked by sign and colour where it has the focus."""
        if self.has_focus:
            return [((f"‹ {self.label} ›", "select"),)]
        return [((f"  {self.label}  ", self.role),)]

    def action_give(self) -> None:
        """Choose it."""
        self.post_message(self.Given(self))

    def on_click(self, event: events.Click) -> None:
        """Choose it by the left button: the others paste or open a menu elsewhere.

        The second click of two in a breath was for what stood there before the dialog came.
        """
        if event.button == 1 and event.chain == 1:
            self.action_give()


class Facts(RowPane):
    """The dialog's text. Where the terminal has too few rows for it the answers stay, and ↑ ↓ look through it."""

    DEFAULT_CSS = "Facts { height: auto; width: 1fr; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._top = 0

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """What the dialog has to say now."""
        rows = self._shown(width)
        if len(rows) != height:
            self.refresh(layout=True)
        return rows

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many rows as there are facts, and as there is room for."""
        return len(self._shown(width))

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        """The wheel, where the app takes the mouse."""
        self.look(WHEEL)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        """The other way."""
        self.look(-WHEEL)

    def look(self, rows: int) -> None:
        """Look further down, or up."""
        self._top += rows
        self._again()

    def _shown(self, width: int) -> list[Row]:
        dialog = self.screen
        assert isinstance(dialog, Dialog)
        body, tail = dialog.facts_now(dialog.picture, width)
        room = max(3, dialog.room() - len(tail))
        if len(body) <= room:
            self._top = 0
            return body + tail
        self._top = min(max(self._top, 0), len(body) - (room - 1))
        above, below = self._top, len(body) - (room - 1) - self._top
        words = ", ".join(f"{rows} more {way}" for rows, way in ((above, "above"), (below, "below")) if rows)
        return [*body[self._top : self._top + room - 1], ((f"{words}: ↑ ↓", "accent"),), *tail]


class Dialog(ModalScreen[str], Once):
    """Asks once; answers with the chosen name, or "" for cancel."""

    GRAVE = True
    CANCEL = "Cancel"
    ANSWERS: Sequence[tuple[str, str, str]] = ()
    """(name, label, role) beside cancel."""
    CONFIRMED = frozenset[str]()
    """Answers that need the typed word and the second look."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Cancel", show=False),
        Binding("left", "app.focus_previous", "Previous", show=False),
        Binding("right", "app.focus_next", "Next", show=False),
        Binding("up", "look(-1)", "Up", show=False),
        Binding("down", "look(1)", "Down", show=False),
        Binding("pageup", "look(-10)", "Page up", show=False),
        Binding("pagedown", "look(10)", "Page down", show=False),
    ]
    FRAME = 4
    """Rows of the box that are no facts: its border, a row of answers, a row before them."""
    SIDES = 4
    """Cells of the box beside what stands in it."""
    MIDDLE = 0
    """Rows of the widgets between facts and answers."""

    def __init__(self, picture: Picture, word: str = "") -> None:
        super().__init__()
        self.picture = picture
        self._word = word
        """What must be typed; "" = nothing."""
        self._seen = self.signature(picture)
        self._hint = ""
        self._cancel = Answer("", self.CANCEL, "text")

    # -- what a dialog answers --------------------------------------------------------------------------------

    def heading(self) -> str:
        """The title of the box."""
        raise NotImplementedError

    def facts(self, picture: Picture, width: int) -> list[Row]:
        """The effect in numbers, from the newest picture."""
        raise NotImplementedError

    def signature(self, picture: Picture) -> object:
        """What must not change between opening and confirming."""
        return None

    def refusal(self, picture: Picture) -> str:
        """Why it can't be done now; "" where it can."""
        if picture.line is not Line.UP or picture.stale:
            return "there is no current picture of the bot: nothing was sent"
        if not picture.controls:
            return "this terminal does not control the bot: nothing was sent"
        return ""

    def reason_to_type(self) -> str:
        """Why a word must be typed."""
        return f"on live money: type {self._word} to go on"

    # -- inside -----------------------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """Facts, the word, the answers."""
        self.set_class(self.GRAVE, "-grave")
        box = Container(id="box")
        box.border_title = self.heading()
        with box:
            yield Facts(id="facts")
            yield from self.middle()
            if self._word:
                words = f"type {self._word} to go on"
                yield Field(placeholder=words, id="word", compact=True, select_on_focus=False)
            with Container(id="answers"):
                yield self._cancel
                for name, label, role in self.ANSWERS:
                    yield Answer(name, label, role)

    def middle(self) -> ComposeResult:
        """Widgets between facts and answers."""
        return iter(())

    def on_mount(self) -> None:
        """Cancel has the focus."""
        self._cancel.focus()

    def facts_now(self, picture: Picture, width: int) -> tuple[list[Row], list[Row]]:
        """Facts, and what is never out of sight: why a word is to be typed, and the hint."""
        tail: list[Row] = [((self.reason_to_type(), "warn"),)] if self._word else []
        return [(), *self.facts(picture, width)], tail + (wrapped(self._hint, width, "bad") if self._hint else [])

    def room(self) -> int:
        """Rows there are for facts."""
        answers = len(self.ANSWERS) if self._stacked else 0
        return self.size.height - self.FRAME - answers - self.MIDDLE - (1 if self._word else 0)

    @property
    def _stacked(self) -> bool:
        """True where the answers have no room side by side: a cut one would look like another."""
        labels = (self.CANCEL, *(label for _, label, _ in self.ANSWERS))
        return sum(len(label) + 6 for label in labels) > min(WIDEST, self.size.width) - self.SIDES

    def action_look(self, rows: int) -> None:
        """Look through facts that do not fit."""
        self.query_one("#facts", Facts).look(rows)

    def flush(self, picture: Picture) -> None:
        """The facts as they are now."""
        for pane in self.query(RowPane):
            pane.flush(picture)

    def on_answer_given(self, event: Answer.Given) -> None:
        """Look again before it is taken."""
        self.answer(event.answer.value)

    def on_key(self, event: events.Key) -> None:
        """A letter is of the word that is asked for, wherever the focus is: beside Cancel it went nowhere."""
        if self._word and event.is_printable and event.character and event.key != "space":  # which gives an answer
            field = self.query_one("#word", Field)
            self.set_focus(field)
            field.insert_text_at_cursor(event.character)
            event.stop()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter in the word field goes on to the answers."""
        self.focus_next()

    def answer(self, name: str) -> None:
        """Take an answer, unless the world has moved under it."""
        if name in self.CONFIRMED:
            hint = self._objection()
            if hint:
                self._hint = hint
                self.flush(self.picture)
                return
        _ = self.dismiss(name)

    def _objection(self) -> str:
        refusal = self.refusal(self.picture)
        if refusal:
            return refusal
        if self._word and self.query_one("#word", Input).value.strip() != self._word:
            return f"type {self._word} first"
        now = self.signature(self.picture)
        if now != self._seen:
            self._seen = now
            return CHANGED
        return ""

    def action_cancel(self) -> None:
        """Nothing happens."""
        _ = self.dismiss("")

    def on_resize(self, event: events.Resize) -> None:
        """Fit anew."""
        self.query_one("#answers").set_class(self._stacked, "-stacked")
        self.flush(self.picture)
