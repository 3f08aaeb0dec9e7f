"""Taking control from another terminal."""

from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, wrapped


class ControlDialog(Dialog):
    """Both terminals see it."""

    ANSWERS = (("take", "Take control", "warn"),)
    GRAVE = False

    def __init__(self, picture: Picture, holder: str) -> None:
        self._holder = holder
        super().__init__(picture)

    def heading(self) -> str:
        """The title."""
        return "Take control"

    def facts(self, picture: Picture, width: int) -> list[Row]:
        """Who has it."""
        text = f"{self._holder} controls the bot and has been told that you ask. From then on it only reads."
        return wrapped(text, width)
