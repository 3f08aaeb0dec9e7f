"""Why something is not done: the most severe reasons, each with since when."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import BlockerView
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, justify

GRAVE = frozenset(
    {
        "kill",
        "tier3",
        "absolute_drawdown",
        "stop_triggered",
        "position_unknown",
        "residual",
        "foreign_position",
        "second_bot",
        "unprotected",
        "store_unavailable",
        "link_down",
    }
)
"""Codes that want the operator now; the rest is the bot at work."""


class BlockersPane(Pane):
    """One row a reason."""

    TITLE = "Blockers"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Ranked as the bot ranks them."""
        if picture.snapshot is None:
            return [((words.UNKNOWN, "dim"),)]
        if not picture.blockers:
            return [(("✓ ", "good"), ("nothing is held back", "dim"))]
        return [blocker_row(one, picture, width) for one in picture.blockers]

    def status(self, picture: Picture) -> Row:
        """How many."""
        count = len(picture.blockers)
        return ((f"{count} · w why", "dim"),) if count else ()


def blocker_row(one: BlockerView, picture: Picture, width: int) -> Row:
    """``⚠ stale_mark  ETHUSDT  mark is 7 s old  since 14:03``."""
    grave = one.code in GRAVE
    sign, role = ("⚠ ", "bad") if grave else ("○ ", "warn")
    start: Row = (
        (sign, role),
        (one.code.replace("_", " "), role),
        (f" {one.symbol}" if one.symbol else "", "strong"),
        (f"  {one.detail}", "text"),
    )
    return justify(start, ((f"since {words.since(one.since, picture.now()).strip()}", "dim"),), width)
