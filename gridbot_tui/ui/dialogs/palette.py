"""Textual's palette of actions, for keys that come faster than it is laid out."""

from textual.command import CommandPalette

from gridbot_tui.ui.dialogs.once import Once


class Palette(CommandPalette, Once):
    """As Textual's own, where (8.2.8) a page key before its list is laid out ends the app."""

    def _action_command_list(self, action: str) -> None:
        try:
            super()._action_command_list(action)
        except KeyError:  # no line is laid out yet: there is nothing to move through
            self.log.debug(f"{action} came before the list")
