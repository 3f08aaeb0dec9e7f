"""Why: ranked reasons with since when and what would clear each; orders that do not rest; the last decisions."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult

from gridbot_tui.control.snapshot import BlockerView, Snapshot
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.panes.blockers import GRAVE, few, together
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, cells, left, width_of, wrapped
from gridbot_tui.ui.screens.page import Page

ASIDE = ("blocked", "unresolved", "crossed", "waiting")
"""States in which no order rests, the most telling first."""


class WhyPane(Pane):
    """The answer to "why is nothing happening?"; never empty."""

    TITLE = "Why"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Blockers, withheld slots, decisions."""
        snapshot = picture.snapshot
        if snapshot is None:
            return [(("nothing is known of the bot: ", "warn"), (picture.line_detail or "no snapshot yet", "text"))]
        rows: list[Row] = []
        if picture.failed:
            rows += [(("■ ", "bad"), (f"nobody trades: {picture.line_detail}", "bad")), ()]
        elif picture.unheard:
            heard = f"nothing is heard of the bot for {words.span(picture.silence())}; below is what it said last"
            rows += [(("? ", "warn"), (heard, "warn")), ()]
        elif not picture.blockers:
            rows += [(("✓ ", "good"), (f"nothing is held back by a rule; the bot is {snapshot.state}", "text")), ()]
        for rank, (one, whom) in enumerate(together(picture), 1):
            rows += blocker_rows(rank, one, whom, picture.now(), width)
        rows += withheld_rows(snapshot)
        rows += decision_rows(snapshot, picture.now(), width)
        return rows

    def status(self, picture: Picture) -> Row:
        """How many reasons."""
        return ((words.plural(len(together(picture)), "reason"), "dim"),)


def blocker_rows(rank: int, one: BlockerView, whom: str, now: int, width: int) -> list[Row]:
    """Two rows a reason: what and since when; what clears it."""
    role = "bad" if one.code in GRAVE else "warn"
    head: Row = (
        (f"{rank:>2}  ", "dim"),
        (("⚠ " if one.code in GRAVE else "○ ") + one.code.replace("_", " "), role),
        (f"  {whom or 'account'}", "strong"),
        (f"  since {words.since(one.since, now)} ({words.span(now - one.since)})", "dim"),
    )
    rows: list[Row] = [head]
    if width_of(head) > width and few(whom) != whom:
        # Since when is not to fall off the edge behind the names of many symbols: they come below.
        rows = [(*head[:2], (f"  {few(whom)}", "strong"), head[3])]
        rows += [(("    ", "text"), *row) for row in wrapped(whom, max(10, width - 4), "strong")]
    rows += [(("    ", "text"), *row) for row in wrapped(one.detail, max(10, width - 4))]
    clears = wrapped(f"clears {one.clears_when or words.UNKNOWN}", max(10, width - 4), "accent")
    return [*rows, *((("    ", "text"), *row) for row in clears), ()]


def withheld_rows(snapshot: Snapshot) -> list[Row]:
    """Slots of every symbol in which no order rests, with the reason."""
    rows: list[Row] = []
    wide = _wide(snapshot.symbols)
    for name, view in snapshot.symbols.items():
        counts: dict[tuple[str, str], int] = {}
        for rung in view.ladder:
            if rung.state in ASIDE:
                key = (rung.state, rung.reason)
                counts[key] = counts.get(key, 0) + 1
        for (state, reason), count in sorted(counts.items(), key=lambda item: ASIDE.index(item[0][0])):
            text = f"{words.plural(count, 'rung')} {state}" + (f": {reason.replace('_', ' ')}" if reason else "")
            rows.append(((f"    {left(name, wide)} ", "strong"), (text, "dim" if state == "waiting" else "warn")))
    return [(("orders that do not rest", "title"),), *rows, ()] if rows else []


def _wide(names: Iterable[str]) -> int:
    """Cells for the names of symbols: none is cut, for two of them would read alike."""
    return max([12, *map(cells, names)])


def decision_rows(snapshot: Snapshot, now: int, width: int) -> list[Row]:
    """The last decision of each symbol."""
    last = {one.symbol: one for one in sorted(snapshot.decisions, key=lambda one: one.at)}
    if not last:
        return []
    rows: list[Row] = [(("last decisions", "title"),)]
    wide = _wide(last)
    for name, one in sorted(last.items()):
        head: Row = ((f"    {left(name, wide)} ", "strong"), (f"{words.since(one.at, now):>5}  ", "dim"))
        said = one.decided + (f"; rule: {one.rule.replace('_', ' ')}" if one.rule else "")
        for at, row in enumerate(wrapped(said, max(10, width - width_of(head)))):
            rows.append((*head, *row) if at == 0 else ((" " * width_of(head), "text"), *row))
    return rows


class WhyPage(Page):
    """One pane."""

    NAME = "why"

    def body(self) -> ComposeResult:
        """The answer."""
        yield WhyPane(id="body")
