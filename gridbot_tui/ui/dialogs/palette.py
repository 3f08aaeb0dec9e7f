"""Textual's palette of actions, for keys and clicks that come faster than it is laid out."""

from typing import Any

from textual import events
from textual.app import ComposeResult
from textual.command import CommandList, CommandPalette
from textual.css.query import NoMatches
from textual.worker import Worker, WorkerState

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

    def run_worker(self, *args: Any, **options: Any) -> Worker[Any]:
        """As any; but a search that finds its list not yet there, or gone, ends alone and not the app with it."""
        return super().run_worker(*args, **{**options, "exit_on_error": False})

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say what else goes wrong with a search."""
        error = event.worker.error
        if event.state is WorkerState.ERROR and not isinstance(error, NoMatches):
            self.notify(f"the palette failed: {type(error).__name__}: {error}", severity="error", markup=False)

    def _action_command_list(self, action: str) -> None:
        try:
            super()._action_command_list(action)
        except KeyError:  # no line is laid out yet: there is nothing to move through
            self.log.debug(f"{action} came before the list")
