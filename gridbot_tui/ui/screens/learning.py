"""Learning: the weights over time, the evidence for and against them, every version; freeze, reset, roll back."""

from collections.abc import Hashable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical

from gridbot_tui.control.command import CommandKind
from gridbot_tui.control.snapshot import LearningView
from gridbot_tui.ui import lines, words
from gridbot_tui.ui.dialogs.learning import FREEZE, RESET, ROLLBACK, THAW, LearningDialog, Version
from gridbot_tui.ui.marked import MarkedPane
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.panes.systems import SYSTEMS
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, left, right, wrapped
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.table import Column
from gridbot_tui.units import Ms

FALLS_BACK = 20.0
"""Evidence against the learner at which it goes back to the prior (Ville's inequality: 5 %)."""


def learner(picture: Picture) -> LearningView | None:
    """What the learner says of itself; None where nothing is known."""
    return None if picture.snapshot is None else picture.snapshot.learning


class WeightsPane(Pane):
    """The timeline of the three weights."""

    TITLE = "Weights"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Each system: weight, prior, shadow result, its line over time."""
        view = learner(picture)
        if view is None:
            return [((words.UNKNOWN, "dim"),)]
        bar = max(0, width - 51)
        rows: list[Row] = [
            (
                (left("system", 11), "dim"),
                (right("weight", 7), "dim"),
                (right("prior", 7), "dim"),
                (right("moved", 8), "dim"),
                (right("shadow", 10), "dim"),
                ("   over time" if bar else "", "dim"),
            )
        ]
        for at, (sign, name, role) in enumerate(SYSTEMS, 1):
            weight, prior, shadow = (getattr(one, role) for one in (view.weights, view.prior, view.shadow))
            rows.append(
                (
                    (left(f"{sign} {name}", 11), role),
                    (right(words.ratio(weight, 3), 7), "strong"),
                    (right(words.ratio(prior, 3), 7), "dim"),
                    (right(words.ratio(weight - prior, 3, signed=True), 8), "text"),
                    (right(words.percent(shadow, 2), 10), "loss" if shadow < 0 else "gain" if shadow > 0 else "dim"),
                    ("   ", "text"),
                    (_line(view, at, picture.now(), bar), role),
                )
            )
        rows.append(_since(view, picture))
        each = (height - len(rows) - 3) // len(SYSTEMS)
        return [*rows, *self._graphs(view, picture.now(), width, min(8, each))] if each >= 3 else rows

    def _graphs(self, view: LearningView, now: Ms, width: int, height: int) -> list[Row]:
        """Each weight over time, large: where there is room."""
        rows: list[Row] = []
        for at, (sign, name, role) in enumerate(SYSTEMS, 1):
            values = _over_time(view, at, now, 2 * width)
            low, high = (words.ratio(pick(values), 3) if values else words.UNKNOWN for pick in (min, max))
            rows.append(((f"{sign} {name}", role), (f"  {low} to {high}", "dim")))
            rows += [((text, role),) for text in lines.graph(values, width, height, self.symbols)]
        return rows

    def status(self, picture: Picture) -> Row:
        """Which version."""
        view = learner(picture)
        return () if view is None else ((f"version {view.version}", "dim"),)


def _over_time(view: LearningView, at: int, now: Ms, count: int) -> list[float]:
    """One weight as it was held from change to change."""
    return lines.held([(point[0], float(point[at])) for point in view.history], now, count)


def _line(view: LearningView, at: int, now: Ms, width: int) -> str:
    """A weight over time around its mean: no line is made of less than five percent either way."""
    values = _over_time(view, at, now, width)
    if not values:
        return " " * width
    middle = (min(values) + max(values)) / 2
    half = max(0.05, (max(values) - min(values)) / 2)
    return lines.spark(values, width, low=middle - half, high=middle + half)


def _since(view: LearningView, picture: Picture) -> Row:
    if not view.history:
        return (("no day was learned from yet", "dim"),)
    return ((f"since {words.since(view.history[0][0], picture.now()).strip()}; a line is at least 0.1 high", "dim"),)


class EvidencePane(Pane):
    """Why the weights are what they are, and what would take them away."""

    TITLE = "Evidence"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """State, trust, evidence, days."""
        view = learner(picture)
        if view is None:
            return [((words.UNKNOWN, "dim"),)]
        meter = max(6, min(30, width - 30))
        share = min(1.0, view.evidence / FALLS_BACK)
        danger = "bad" if view.evidence >= FALLS_BACK else "warn" if share > 0.5 else "good"
        rows: list[Row] = [
            (("state     ", "dim"), *_state(view)),
            _metered("trust", view.trust, view.trust, meter, "accent"),
            _metered("against", view.evidence, share, meter, danger),
            (("learned   ", "dim"), (words.plural(view.days, "day"), "text")),
        ]
        if view.fallback_until is not None:
            until = words.moment(view.fallback_until)
            rows.append((("fallback  ", "dim"), (f"on the prior until {until}", "warn")))
        text = (
            "trust is the share of what was learned against the prior; evidence against the learner grows when the "
            f"prior would have done better, and at {FALLS_BACK:g} the weights go back to the prior by themselves"
        )
        return [*rows, (), *wrapped(text, width, "dim")]


def _metered(name: str, value: float, share: float, width: int, role: str) -> Row:
    return ((f"{name:<10}", "dim"), (f"{words.ratio(value):>5}  ", "strong"), *lines.meter(share, width, role))


def _state(view: LearningView) -> Row:
    if view.frozen:
        return (("○ FROZEN", "warn"), ("  the weights stay; evidence is still kept", "dim"))
    if view.fallback_until is not None:
        return (("▼ FALLEN BACK", "bad"),)
    return (("● LEARNING", "good"), ("  once a day, on its results", "dim"))


class VersionsPane(MarkedPane[Version]):
    """Every version of the weights that can be rolled back to, newest first."""

    TITLE = "Versions"
    EMPTY = "no version yet: the prior decides"
    COLUMNS = (
        Column("version", 7, lambda v, p: (str(v[0]), "strong")),
        Column("when UTC", 12, lambda v, p: (words.since(v[1], p.now()), "dim")),
        Column("up", 6, lambda v, p: (words.ratio(v[3], 3), "up")),
        Column("down", 6, lambda v, p: (words.ratio(v[4], 3), "down")),
        Column("neutral", 7, lambda v, p: (words.ratio(v[5], 3), "neutral")),
        Column("cause", 0, lambda v, p: (v[2] or words.UNKNOWN, "text"), True),
    )

    def items(self, picture: Picture) -> Sequence[Version]:
        """Newest first."""
        view = learner(picture)
        return [] if view is None else sorted(view.changes, key=lambda one: -one[0])

    def identity(self, item: Version) -> Hashable:
        """Its number."""
        return item[0]


class LearningPage(Page):
    """Weights and evidence, versions beside them."""

    NAME = "learning"
    PANES = (WeightsPane, EvidencePane, VersionsPane)
    AUTO_FOCUS: ClassVar[str | None] = "VersionsPane"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("F", "freeze_learning", "freeze/thaw", id="learning.freeze"),
        Binding("B", "roll_back", "roll back to marked", id="learning.rollback"),
        Binding("Z", "reset_learning", "reset to prior", id="learning.reset"),
    ]
    DEFAULT_CSS = """
    LearningPage #body { layout: horizontal; }
    LearningPage #left { width: 1fr; }
    LearningPage WeightsPane { height: 1fr; }
    LearningPage EvidencePane { height: 12; }
    LearningPage VersionsPane { width: 1fr; }
    LearningPage.-narrow #body { layout: vertical; }
    LearningPage.-narrow #left { width: 1fr; height: 14; }
    LearningPage.-narrow WeightsPane, LearningPage.-narrow EvidencePane { height: 7; }
    LearningPage.-narrow VersionsPane { width: 1fr; height: 1fr; }
    """

    def body(self) -> ComposeResult:
        """Three panes."""
        with Container(id="body"):
            with Vertical(id="left"):
                yield WeightsPane(id="weights")
                yield EvidencePane(id="evidence")
            yield VersionsPane(id="versions")

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Dim and inert where this terminal may give no orders."""
        if action in ("freeze_learning", "roll_back", "reset_learning") and not self._grid.may_order():
            return None
        return True

    def action_freeze_learning(self) -> None:
        """Freeze, or thaw."""
        view = learner(self._grid.picture)
        if view is not None:
            self._ask(THAW if view.frozen else FREEZE)

    def action_reset_learning(self) -> None:
        """Back to the prior."""
        self._ask(RESET)

    def action_roll_back(self) -> None:
        """Back to the marked version."""
        version, view = self.query_one(VersionsPane).marked, learner(self._grid.picture)
        if version is None or view is None:
            return
        if version[0] == view.version:
            self.notify(f"version {version[0]} is in force; mark another one", timeout=4)
            return
        self._ask(ROLLBACK, version)

    def _ask(self, step: str, version: Version | None = None) -> None:
        def done(answer: str | None) -> None:
            if answer:
                args = {"action": step} if version is None else {"action": step, "version": str(version[0])}
                self._grid.order(CommandKind.LEARNING, args)

        _ = self.app.push_screen(LearningDialog(self._grid.picture, step, version), done)
