"""A config change before it is applied: keys, orders, and what follows."""

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.difference import difference_rows
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row


class ChangeDialog(Dialog):
    """The difference of what is desired, as the bot computed it."""

    CANCEL = "Back"
    ANSWERS = (("apply", "Apply", "warn"),)
    CONFIRMED = frozenset({"apply"})
    GRAVE = False

    def __init__(self, picture: Picture, preview: CommandOutcome, version: int) -> None:
        self.preview = preview
        self.version = version
        super().__init__(picture)

    def heading(self) -> str:
        """The title."""
        return f"Config version {self.version} → {self.version + 1}"

    def facts(self, picture: Picture, width: int) -> list[Row]:
        """Keys, then what it does to the orders."""
        return difference_rows(self.preview.detail, width)

    def signature(self, picture: Picture) -> object:
        """The config it was computed against."""
        snapshot = picture.latest()
        return None if snapshot is None else (snapshot.config_version, snapshot.config_text)
