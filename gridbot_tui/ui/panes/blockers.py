"""Why something is not done: the most severe reasons, each with since when."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec.structs import replace

from gridbot_tui.control.snapshot import BlockerView
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, cells, justify, width_of

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
        "liquidation_near",
        "store_unavailable",
        "link_down",
    }
)
"""Codes that want the operator now; the rest is the bot at work."""
_COUNTED: Final = re.compile(r"\d+ orders? withheld$")
TELLING: Final = 24
"""Cells of a detail from which it says something; less than this of it is not cut off for since when."""


class BlockersPane(Pane):
    """One row a reason."""

    TITLE = "Blockers"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Ranked as the bot ranks them."""
        if picture.snapshot is None:
            return [((words.UNKNOWN, "dim"),)]
        if not picture.blockers:
            return [(("✓ ", "good"), ("nothing is held back", "dim"))]
        return [blocker_row(one, whom, picture, width) for one, whom in together(picture)]

    def status(self, picture: Picture) -> Row:
        """How many."""
        count = len(together(picture))
        return ((f"{count} · w why", "dim"),) if count else ()


def together(picture: Picture) -> list[tuple[BlockerView, str]]:
    """Each reason once, with whom it concerns: the same one for several symbols is one line, at its highest rank.

    Since when is since the first of them.
    """
    found: dict[tuple[str, str, str], list[BlockerView]] = {}
    for one in picture.blockers:
        found.setdefault((one.code, one.detail, one.clears_when), []).append(one)
    everyone = len(picture.snapshot.symbols) if picture.snapshot else 0
    return [(_as_one(same), _whom([one.symbol for one in same], everyone)) for same in found.values()]


def _as_one(same: Sequence[BlockerView]) -> BlockerView:
    """The same reason of several: a count in it is that of each of them, not of all."""
    detail = same[0].detail
    if len(same) > 1 and _COUNTED.match(detail):
        detail += " each"
    return replace(same[0], since=min(one.since for one in same), detail=detail)


def _whom(symbols: Sequence[str], everyone: int) -> str:
    named = [name for name in symbols if name]
    if len(named) == everyone > 1:
        return "all symbols"
    return " ".join(named)


def few(whom: str) -> str:
    """The first of several symbols and how many more, where there is no room for their names."""
    names = whom.split()
    return whom if len(names) < 3 else f"{names[0]} and {len(names) - 1} more"


def blocker_row(one: BlockerView, whom: str, picture: Picture, width: int) -> Row:
    """``⚠ stale_mark  ETHUSDT  mark is 7 s old  since 14:03``; no since when where it costs the detail."""
    grave = one.code in GRAVE
    sign, role = ("⚠ ", "bad") if grave else ("○ ", "warn")
    head: Row = (
        (sign, role),
        (one.code.replace("_", " "), role),
        (f"  {whom}" if whom else "", "strong"),
    )
    detail, since = f"  {one.detail}", f"since {words.since(one.since, picture.now()).strip()}"
    if whom and width_of(head) + cells(detail) > width:
        head = (*head[:2], (f"  {few(whom)}", "strong"))
    room = width - width_of(head) - cells(since) - 1
    if room < min(cells(detail), TELLING) or room < cells(detail) <= width - width_of(head):
        since = ""
    return justify((*head, (detail, "text")), ((since, "dim"),) if since else (), width)
