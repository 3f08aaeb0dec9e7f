"""The last events in a few lines without a frame, for small terminals."""

from collections.abc import Sequence

from gridbot_tui.ui.pane import RowPane
from gridbot_tui.ui.panes.events import event_rows
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row


class Tail(RowPane):
    """A rule, then the newest events."""

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Newest first."""
        return [(("─" * width, "frame"),), *event_rows(picture, height - 1)]
