"""Decisions: what was known, what was decided, and which rule decided; never only the outcome."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container

from gridbot_tui.control.snapshot import DecisionView
from gridbot_tui.ui import words
from gridbot_tui.ui.marked import MarkedPane
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, left, wrapped
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.table import Column


class DecisionsPane(MarkedPane[DecisionView]):
    """All decisions that the bot still tells, newest first."""

    TITLE = "Decisions"
    EMPTY = "nothing was decided yet: the features are warming up, or no decision bar has closed"
    COLUMNS = (
        Column("when UTC", 12, lambda d, p: (words.since(d.at, p.now()), "dim")),
        Column("symbol", 12, lambda d, p: (d.symbol, "strong"), True, 20),
        Column("rule", 12, lambda d, p: ((d.rule or words.UNKNOWN).replace("_", " "), "accent"), True, 20),
        Column("decided", 0, lambda d, p: (d.decided, "text"), True),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "only_shown", "shown symbol only", id="decisions.only_shown"),
    ]
    only_shown = False

    def items(self, picture: Picture) -> Sequence[DecisionView]:
        """Newest first."""
        found = picture.snapshot.decisions if picture.snapshot else ()
        kept = [one for one in found if not self.only_shown or one.symbol == picture.symbol]
        kept.sort(key=lambda one: one.at)
        return kept[::-1]

    def identity(self, item: DecisionView) -> Hashable:
        """A symbol decides once at a time."""
        return item.at, item.symbol

    def status(self, picture: Picture) -> Row:
        """How many, of which symbols, how long ago the last."""
        found = self.items(picture)
        last = f" · last {words.span(picture.now() - found[0].at)} ago" if found else ""
        return ((f"{len(found)} · {picture.symbol if self.only_shown else 'all symbols'}{last}", "dim"),)

    def action_only_shown(self) -> None:
        """Every symbol, or only the shown one."""
        self.only_shown = not self.only_shown
        self._again()
        self.screen.query_one(ReasonPane).flush_again()

    def action_move(self, count: int) -> None:
        """Move the mark; the reasons follow it at once."""
        super().action_move(count)
        self.screen.query_one(ReasonPane).flush_again()

    def action_follow(self) -> None:
        """The newest decision, and its reasons."""
        super().action_follow()
        self.screen.query_one(ReasonPane).flush_again()


class ReasonPane(Pane):
    """The marked decision in full."""

    TITLE = "Why"

    def title(self, picture: Picture) -> Row:
        """Which decision."""
        one = self._decision()
        if one is None:
            return (("Why", "title"),)
        return (("Why ", "title"), (f"{one.symbol} {words.moment(one.at)}", "strong"))

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Known, decided, rule."""
        one = self._decision()
        if one is None:
            return [(("no decision is marked", "dim"),)]
        rows: list[Row] = [(("decided", "title"),)]
        rows += [(("  ", "text"), *row) for row in wrapped(one.decided or words.UNKNOWN, max(8, width - 2), "strong")]
        rows += [
            (("rule", "title"),),
            (("  ", "text"), (one.rule or words.UNKNOWN, "accent"), (f"   plan epoch {one.epoch}", "dim")),
            (("known then", "title"),),
        ]
        size = max((len(name) for name, _ in one.known), default=0)
        for name, value in one.known:
            parts = wrapped(value or words.UNKNOWN, max(8, width - size - 4)) or [((words.UNKNOWN, "dim"),)]
            rows.append(((f"  {left(name, size)}  ", "dim"), *parts[0]))
            rows += [((" " * (size + 4), "text"), *part) for part in parts[1:]]
        return rows if one.known else [*rows, (("  nothing was noted", "dim"),)]

    def flush_again(self) -> None:
        """The mark has moved."""
        self.top = 0
        self._again()

    def _decision(self) -> DecisionView | None:
        return self.screen.query_one(DecisionsPane).marked


class DecisionsPage(Page):
    """The list, and the marked one in full."""

    NAME = "decisions"
    PANES = (DecisionsPane, ReasonPane)
    AUTO_FOCUS: ClassVar[str | None] = "DecisionsPane"
    DEFAULT_CSS = """
    DecisionsPage #body { layout: horizontal; }
    DecisionsPage DecisionsPane { width: 3fr; }
    DecisionsPage ReasonPane { width: 2fr; }
    DecisionsPage.-narrow #body { layout: vertical; }
    DecisionsPage.-narrow DecisionsPane, DecisionsPage.-narrow ReasonPane { width: 1fr; height: 1fr; }
    """

    def body(self) -> ComposeResult:
        """List and reasons."""
        with Container(id="body"):
            yield DecisionsPane(id="decisions")
            yield ReasonPane(id="reason")
