"""Textual's palette of actions, for keys and clicks that come faster than it is laid out."""

from textual import events
from textual.app import ComposeResult
from textual.command import CommandList, CommandPalette

from gridbot_tui.ui.dialogs.once import Once


class Found(CommandList):
    """As Textual's own, where (8.2.8) a click on a line that the search has just taken away ends the app."""

    def on_click(self, event: events.Click) -> None:
        """What was clicked is there no more: nothing is chosen."""
        if (event.style.meta.get("option") or 0) >= self.option_count:
            event.prevent_default()
            event.stop()


class Palette(CommandPalette, Once):
    """As Textual's own, where (8.2.8) a page key before its list is laid out ends the app."""

    def compose(self) -> ComposeResult:
        """Textual's, with our list."""
        for widget in super().compose():
            yield Found() if isinstance(widget, CommandList) else widget

    def _action_command_list(self, action: str) -> None:
        try:
            super()._action_command_list(action)
        except KeyError:  # no line is laid out yet: there is nothing to move through
            self.log.debug(f"{action} came before the list")
