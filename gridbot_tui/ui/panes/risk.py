"""Risk: leverage against its cap and the worst case, drawdown against its tiers, the equity curve."""

from collections.abc import Sequence
from typing import Final

from gridbot_tui.control.snapshot import EquityPoint, Snapshot
from gridbot_tui.ui import lines, words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.panes.header import TIERS, cap_in_force
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, justify, width_of
from gridbot_tui.units import Ms

WITH_HARD: Final = 58
"""Columns from which the leverage row also names what no order passes."""


class RiskPane(Pane):
    """Two meters and a curve."""

    TITLE = "Risk"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Meters first; the curve takes what room is left."""
        snapshot = picture.snapshot
        if snapshot is None:
            return []
        rows = [leverage_row(snapshot, width), drawdown_row(snapshot, width)]
        rows += _position_rows(picture, width) if height >= 5 else []
        left_over = height - len(rows)
        return rows + curve_rows(snapshot, width, left_over, self)

    def age(self, picture: Picture) -> Ms | None:
        """Since the account last spoke."""
        return picture.age_of("account")

    def status(self, picture: Picture) -> Row:
        """The tier in words."""
        snapshot = picture.snapshot
        if snapshot is None:
            return ()
        names = ("normal", "reduces", "defends", "halted")
        tier = min(snapshot.tier, 3)
        said: Row = ((f"T{snapshot.tier} {names[tier]}", TIERS[tier]),)
        lasting = sum(1 for limit in snapshot.tier_limits[:2] if -(snapshot.drawdown or 0.0) >= limit)
        # The first two go by the average: a drawdown past their marks beside T0 would read as a fault.
        return (*said, (f", T{lasting} if it lasts", "warn")) if lasting > tier else said


def leverage_row(snapshot: Snapshot, width: int) -> Row:
    """Leverage now up to what no order passes; as marks the cap of entries, where that is lower, and the worst case."""
    hard, cap, worst = snapshot.leverage_cap, cap_in_force(snapshot), snapshot.worst_leverage
    limits: Row = (("  cap ", "dim"), (words.limit(cap, 1), "text"))
    marks = []
    if cap < hard:
        marks.append((cap / hard, "┆", "warn"))
        limits += (("  hard ", "dim"), (words.limit(hard, 1), "text")) if width >= WITH_HARD else ()
    if worst is not None and hard:
        marks.append((worst / hard, "▲", "warn" if worst > 0.8 * cap else "accent"))
    room = max(6, min(width - 46, width - 31 - width_of(limits)))
    share = None if snapshot.leverage is None else snapshot.leverage / hard if hard else 1.0
    return justify(
        (
            ("leverage ", "dim"),
            (f"{words.times(snapshot.leverage):>7} ", "strong"),
            *lines.meter(share, room, "accent", marks=marks),
        ),
        (("worst ", "dim"), (f"{words.times(worst):>6}", "text"), *limits),
        width,
    )


def drawdown_row(snapshot: Snapshot, width: int) -> Row:
    """Drawdown now against the three tiers; the deepest so far as a word."""
    room = max(6, width - 46)
    limits = snapshot.tier_limits
    share = None if snapshot.drawdown is None or not limits else -snapshot.drawdown / limits[-1]
    marks = [(limit / limits[-1], "┆", "warn") for limit in limits[:-1]]
    tier = min(snapshot.tier, 3)
    halts = f"−{100 * limits[-1]:g}" if limits else words.UNKNOWN
    return justify(
        (
            ("drawdown ", "dim"),
            (f"{words.percent(snapshot.drawdown):>7} ", "strong"),
            *lines.meter(share, room, TIERS[tier], marks=marks),
        ),
        (("max ", "dim"), (f"{words.percent(snapshot.max_drawdown):>7}", "text"), (f"  halts {halts}", "dim")),
        width,
    )


def curve_rows(snapshot: Snapshot, width: int, height: int, pane: Pane) -> list[Row]:
    """The equity curve: a spark in one row, a line graph in more."""
    curve = since_it_moved(snapshot.equity_curve)
    points = [float(point.equity) for point in curve]
    if height <= 0:
        return []
    if len(points) < 2:
        return [(("equity   no curve yet", "dim"),)]
    gained = points[-1] - points[0]
    role = "gain" if gained >= 0 else "loss"
    label = f"equity {words.span(curve[-1].at - curve[0].at)}"
    if height < 2:
        return [((f"{label:<11}", "dim"), (lines.spark(points, max(4, width - 11)), role))]
    places = words.places(snapshot.start_equity)
    high, low = (words.short_money(f"{one:.8f}", places) for one in (max(points), min(points)))
    scale = max(len(high), len(low))
    drawn = lines.graph(points, max(4, width - scale - 1), height, pane.symbols)
    ends = {0: high, height - 1: low}
    if height >= 5:
        ends[height // 2] = label
    return [((f"{ends.get(at, ''):>{scale}} ", "dim"), (text, role)) for at, text in enumerate(drawn)]


def since_it_moved(curve: Sequence[EquityPoint]) -> Sequence[EquityPoint]:
    """The curve without the days of warm-up before it, in which nothing could move."""
    for at, point in enumerate(curve):
        if point.equity != curve[0].equity:
            return curve[max(0, at - 1) :]
    return curve


def _position_rows(picture: Picture, width: int) -> list[Row]:
    view = picture.view
    if view is None:
        return []
    away = words.change(view.mark or view.price, view.liquidation_price)
    stop = None if view.stop is None else view.stop.trigger
    liquidation = words.grouped(view.liquidation_price)
    if view.liquidation_price is not None:
        liquidation += f" ({words.percent(away)})"
    return [
        (
            ("position ", "dim"),
            (f"{words.size(view.position)} {view.base}", "strong"),
            (f" {words.times(view.leverage)}", "text"),
            ("  stop ", "dim"),
            (words.grouped(stop), "text" if stop else "dim"),
            ("  liq ", "dim"),
            (liquidation, "text"),
        )
    ]
