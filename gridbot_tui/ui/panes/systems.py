"""The three systems: vote, weight and its history; what the ensemble makes of them; the features behind."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import FeaturesView, LearningView, SymbolView, VotesView
from gridbot_tui.ui import lines, words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, as_many, left
from gridbot_tui.units import Ms

SYSTEMS = (("▲", "UP", "up"), ("▼", "DOWN", "down"), ("◆", "NEUTRAL", "neutral"))


class SystemsPane(Pane):
    """Votes with their trend, weights over time, features."""

    TITLE = "Systems"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """What fits, the most important first."""
        view, snapshot = picture.view, picture.snapshot
        if view is None or snapshot is None:
            return [(("no symbol" if picture.snapshot else words.UNKNOWN, "dim"),)]
        rows = [*vote_rows(view, snapshot.learning, picture.now(), width), bias_row(view, width)]
        rows += feature_rows(view.features, width)
        if view.funding_rate is not None:
            rows.append(funding_row(view, picture))
        if view.plan_reasons:
            text = "  ".join(f"{name} {words.ratio(value, 3)}" for name, value in view.plan_reasons)
            rows.append((("plan  ", "dim"), (text, "dim")))
        return rows

    def status(self, picture: Picture) -> Row:
        """Which plan, and how old."""
        view = picture.view
        if view is None:
            return ()
        if view.plan_at is None:
            return (("no plan", "warn"),)
        return ((f"plan {view.epoch}, {words.span(picture.now() - view.plan_at)} old", "dim"),)


def vote_rows(view: SymbolView, learning: LearningView, now: Ms, width: int) -> list[Row]:
    """One row a system: ``▲ UP  ████░░ 0.50 ↑  w 0.31 ▁▂▃``."""
    fixed = 2 + 8 + 1 + 4 + 2 + 3 + 4 + 1
    bar = max(4, min(24, (width - fixed) // 2))
    history = max(0, min(40, width - fixed - bar - 1))
    rows = []
    for sign, name, role in SYSTEMS:
        vote = _of(view.votes, role)
        weight = _of(view.weights, role)
        past = lines.held([(point[0], getattr_at(point, role)) for point in learning.history], now, history)
        rows.append(
            (
                (f"{sign} ", role),
                (left(name, 8), role if vote else "dim"),
                *lines.meter(vote, bar, role),
                (f" {words.ratio(vote):>4}", "strong" if vote else "dim"),
                (f" {trend(view, role)}", "dim"),
                ("  w ", "dim"),
                (f"{words.ratio(weight):>4} ", "text"),
                (lines.spark(past, history, low=0.0, high=1.0), role),
            )
        )
    return rows


def bias_row(view: SymbolView, width: int) -> Row:
    """What the ensemble makes of the votes."""
    label = view.label or words.UNKNOWN
    return as_many(
        (
            (("bias ", "dim"), (words.ratio(view.bias, 2, signed=True), "strong"), (f" {label.upper()}", "strong")),
            (("spacing ", "dim"), (words.percent(view.spacing, 2, signed=False), "text")),
            (("conf ", "dim"), (words.ratio(view.confidence), "text")),
            (("L ", "dim"), (words.times(view.plan_leverage), "text")),
        ),
        width,
    )


def feature_rows(features: FeaturesView, width: int) -> list[Row]:
    """The features behind the votes, or how far the warm-up is."""
    if features.hours < features.warm_hours:
        share = features.hours / max(1, features.warm_hours)
        head: Row = (
            ("warming up ", "warn"),
            *lines.meter(share, max(4, min(20, width - 40)), "warn"),
            (f" {features.hours}/{features.warm_hours} h, no order before", "warn"),
        )
        rows = [head]
        if features.sigma_hour is None:
            return rows
    else:
        rows = []
    sigma: Row = as_many(
        (
            (("σ ", "dim"), (words.percent(features.sigma_hour, 2, signed=False), "text"), ("/h", "dim")),
            (("fast ", "dim"), (words.percent(features.sigma_fast, 2, signed=False), "text")),
            (("year ", "dim"), (words.percent(features.sigma_year, 0, signed=False), "text")),
            (("volume ", "dim"), (words.ratio(features.volr), "text")),
        ),
        width,
    )
    momentum: Row = as_many(
        [
            ((f"{hours}h ", "dim"), (words.ratio(value, 2, signed=True), _sign_role(value)))
            for hours, value in (
                (24, features.z24),
                (48, features.z48),
                (96, features.z96),
                (168, features.z168),
                (336, features.z336),
            )
        ],
        width - 2,
        " ",
    )
    return [*rows, sigma, (("z ", "dim"), *momentum)]


def funding_row(view: SymbolView, picture: Picture) -> Row:
    """The next funding."""
    left_over = None if view.next_funding_at is None else view.next_funding_at - picture.now()
    return (
        ("funding ", "dim"),
        (words.percent(view.funding_rate, 4), "text"),
        (" in ", "dim"),
        (words.span(left_over), "text"),
        ("  mean ", "dim"),
        (words.percent(view.features.funding_mean, 4), "text"),
    )


def trend(view: SymbolView, role: str) -> str:
    """Where a vote has been going over the last six hours."""
    past = [getattr_at(point, role) for point in view.vote_history[-7:]]
    if len(past) < 2:
        return " "
    moved = past[-1] - past[0]
    return "↑" if moved > 0.02 else "↓" if moved < -0.02 else "→"


def getattr_at(point: tuple[int, float, float, float], role: str) -> float:
    """One system's value of a history point."""
    return point[("up", "down", "neutral").index(role) + 1]


def _of(votes: VotesView | None, role: str) -> float | None:
    if votes is None:
        return None
    return {"up": votes.up, "down": votes.down, "neutral": votes.neutral}[role]


def _sign_role(value: float | None) -> str:
    return "dim" if value is None else "up" if value > 0 else "down"
