"""Steering what was learned: what each step does to the weights, before it is done."""

from gridbot_tui.control.snapshot import LearningView, VotesView
from gridbot_tui.ui import words
from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, wrapped

Version = tuple[int, int, str, float, float, float]

FREEZE, THAW, RESET, ROLLBACK = "freeze", "thaw", "reset", "rollback"
_LABELS = {FREEZE: "Freeze", THAW: "Thaw", RESET: "Reset", ROLLBACK: "Roll back"}


class LearningDialog(Dialog):
    """Freeze, thaw, reset, or roll back to a version."""

    CONFIRMED = frozenset({FREEZE, THAW, RESET, ROLLBACK})

    def __init__(self, picture: Picture, step: str, version: Version | None = None) -> None:
        self.step = step
        self.version = version
        self.GRAVE = step in (RESET, ROLLBACK)
        self.ANSWERS = ((step, _LABELS[step], "bad" if self.GRAVE else "warn"),)
        super().__init__(picture)

    def heading(self) -> str:
        """The title."""
        if self.version is not None:
            return f"Roll back to version {self.version[0]}"
        return f"{_LABELS[self.step]} learning"

    def facts(self, picture: Picture, width: int) -> list[Row]:
        """The weights before and after, and what else follows."""
        snapshot = picture.latest()
        if snapshot is None:
            return [(("nothing is known of the bot", "warn"),)]
        view = snapshot.learning
        after = self._after(view)
        rows = [
            _weights("UP", view.weights.up, after.up, "up"),
            _weights("DOWN", view.weights.down, after.down, "down"),
            _weights("NEUTRAL", view.weights.neutral, after.neutral, "neutral"),
            (),
        ]
        return rows + wrapped(self._words(view), width)

    def signature(self, picture: Picture) -> object:
        """The version it was computed against."""
        snapshot = picture.latest()
        return None if snapshot is None else (snapshot.learning.version, snapshot.learning.frozen)

    def _after(self, view: LearningView) -> VotesView:
        if self.step == RESET:
            return view.prior
        return VotesView(*self.version[3:]) if self.version is not None else view.weights

    def _words(self, view: LearningView) -> str:
        if self.step == FREEZE:
            return "the weights stay as they are; shadows and evidence go on being kept, so that thawing loses nothing"
        if self.step == THAW:
            return "the weights may move again from the next day on"
        days = words.plural(view.days, "day")
        if self.step == RESET:
            return f"back to the prior from the next decision on; what {days} taught is forgotten"
        return "from the next decision on; the versions after it stay listed, so that this can be undone"


def _weights(name: str, before: float, after: float, role: str) -> Row:
    moved = f"   {words.ratio(after - before, 3, signed=True)}" if abs(after - before) >= 0.0005 else "   as it is"
    return (
        (f"{name:<8} ", role),
        (f"{words.ratio(before, 3)} → {words.ratio(after, 3)}", "strong"),
        (moved, "dim"),
    )
