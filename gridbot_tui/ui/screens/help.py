"""Help: every key, from the bindings in force (a keymap of the operator's included)."""

from collections.abc import Sequence

from textual.app import ComposeResult

from gridbot_tui.ui.actions import ACTIONS, APP, LOOK, TRADE
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, left
from gridbot_tui.ui.screens.page import Page


class HelpPane(Pane):
    """Made from the table of actions and the keys they have now."""

    TITLE = "Help"

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
