"""Help: every key, from the bindings in force (a keymap of the operator's included)."""

import inspect
from collections.abc import Sequence
from importlib import import_module
from typing import Final

from textual.app import ComposeResult
from textual.binding import Binding
from textual.dom import DOMNode

from gridbot_tui.ui.actions import ACTIONS, APP, LOOK, TRADE
from gridbot_tui.ui.pages import PAGES, PageSpec
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, left
from gridbot_tui.ui.screens.page import Page

MOVES: Final = frozenset({"up", "down", "pageup", "pagedown", "home", "end", "escape"})
"""Keys that do in every list what they say."""


def keys_of_page(page: PageSpec) -> list[Binding]:
    """The keys that a page and its panes have of their own, once each."""
    found: dict[str, Binding] = {}
    for kind in vars(import_module(page.where.partition(":")[0])).values():
        if not (inspect.isclass(kind) and issubclass(kind, DOMNode) and kind.__module__.startswith("gridbot_tui.")):
            continue
        for one in vars(kind).get("BINDINGS", ()):
            if isinstance(one, Binding) and one.key.partition(",")[0] not in MOVES:
                found[one.key] = one
    return list(found.values())


class HelpPane(Pane):
    """Made from the table of actions and the keys they have now."""

    TITLE = "Help"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._pages = [(page.label, own) for page in PAGES if (own := keys_of_page(page))]

    def title(self, picture: Picture) -> Row:
        """What holds of every page: where there is little room, no header has the clock that says so."""
        return (("Help ", "title"), ("all times are UTC", "dim"))

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """By group: key, name, what it does."""
        rows: list[Row] = []
        for group in (TRADE, LOOK, APP):
            rows.append(((group, "title"),))
            for one in ACTIONS:
                if one.group != group or (one.action.startswith("jump") and one.id != "pane_1"):
                    continue
                key = self.app.get_key_display(one.binding) if one.key else ""
                text = one.help
                if one.id == "pane_1":
                    key, text = "1-8", "Go to a pane; on a small terminal it is the one that is shown"
                rows.append(((f"  {left(key, 7)}", "key"), (left(one.label, 16), "strong"), (text, "text")))
            rows.append(())
        for page, own in self._pages:
            rows.append(((f"On the page {page}", "title"),))
            rows += [((f"  {left(self.app.get_key_display(one), 7)}", "key"), (one.description, "text")) for one in own]
            rows.append(())
        rows += [
            (("In a pane", "title"),),
            (
                ("  tab    ", "key"),
                (left("next pane", 16), "strong"),
                ("arrows, page up and down scroll; home follows again", "text"),
            ),
            (),
            (("Without a key: ", "dim"), ("^p opens every action by name.", "text")),
        ]
        return rows


class HelpPage(Page):
    """One pane."""

    NAME = "help"

    def body(self) -> ComposeResult:
        """All keys."""
        yield HelpPane(id="body")
