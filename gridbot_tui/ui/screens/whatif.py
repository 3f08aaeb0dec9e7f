"""What-if: both directions of the running ladder, every level filled."""

from collections.abc import Sequence

from textual.app import ComposeResult

from gridbot_tui.control.snapshot import SymbolView, WhatIf
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.panes.header import TIERS
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Role, Row, left, right
from gridbot_tui.ui.screens.levels import WIDTH, level_rows
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.screens.trials import trial_rows
from gridbot_tui.units import Market

LABEL, SHORT = 24, 18
"""Cells of the names of quantities: with their unit, and where there is no room for it."""
LEAST = 12
"""Cells of a column of values."""
BORROWED = ("initial margin", "maintenance", "liquidation", "  away", "funding")
"""Rows of a market that lends."""


class WhatIfPane(Pane):
    """A column for now, one for each direction."""

    TITLE = "If every level fills"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The table."""
        view, snapshot = picture.view, picture.snapshot
        if view is None or snapshot is None:
            return [(("no symbol", "dim"),)]
        tried = trial_rows(snapshot.trials, width)
        if not view.what_if:
            return [
                (("no ladder stands, so nothing can fill: ", "dim"), (picture.idle, "warn")),
                *([(), *tried] if tried else []),
            ]
        count = len(view.what_if) + 1
        label = LABEL if width - LABEL >= LEAST * count else SHORT
        wide = max(LEAST, min(26, (width - label) // count))
        units = "" if label == LABEL else f"{view.base}, {snapshot.quote}"
        rows = [_heading(view.what_if, wide, label, units)]
        spot = snapshot.market == Market.SPOT.value
        rows += _rows(view, wide, label, snapshot.quote, picture.places, spot=spot)
        rows += [(), ((_tiers(snapshot.tier_limits), "dim"),)]
        rows += what_if_notes(view, spot=spot) + tried
        room = height - len(rows) - 2
        if width >= WIDTH and (levels := level_rows(snapshot, view, room)):
            rows += [(), (("level by level: the price goes there, nothing closes on the way", "dim"),), *levels]
        return rows

    def title(self, picture: Picture) -> Row:
        """With the symbol."""
        return (("If every level fills ", "title"), (picture.symbol, "strong"))


def _heading(cases: Sequence[WhatIf], wide: int, label: int, units: str) -> Row:
    names = ["now", *(f"all {words.plural(case.fills, case.side)}" for case in cases)]
    roles: list[Role] = ["dim", *(case.side if case.side in ("buy", "sell") else "text" for case in cases)]
    return ((left(units, label), "dim"), *((right(name, wide), role) for name, role in zip(names, roles, strict=True)))


def _rows(view: SymbolView, wide: int, label: int, quote: str, places: int, *, spot: bool) -> list[Row]:
    """One row a quantity: its name, now, then each direction. Spot knows no margin, liquidation or funding."""
    cases = view.what_if
    now_liquidation = words.grouped(view.liquidation_price)
    table: list[tuple[str, str, list[tuple[str, Role]]]] = [
        (
            f"position, {view.base}",
            words.size(view.position),
            [(words.size(one.position), "strong") for one in cases],
        ),
        (
            "average fill price",
            words.grouped(view.entry_price),
            [(words.grouped(one.average_price), "text") for one in cases],
        ),
        ("farthest level", words.grouped(view.price), [(words.grouped(one.at_price), "text") for one in cases]),
        (f"initial margin, {quote}", "", [(words.money(one.margin, places), "text") for one in cases]),
        (f"maintenance, {quote}", "", [(words.money(one.maintenance, places), "text") for one in cases]),
        ("leverage there", words.times(view.leverage), [(words.times(one.leverage), "text") for one in cases]),
        ("drawdown there", "", [(words.percent(one.drawdown), "text") for one in cases]),
        ("tier reached", "", [tier_words(one.tier) for one in cases]),
        ("liquidation price", now_liquidation, [(words.grouped(one.liquidation_price), "text") for one in cases]),
        ("  away from level", "", [(words.percent(_away(one)), "text") for one in cases]),
        (f"fees of a cycle, {quote}", "", [(words.money(one.cycle_fees, places), "text") for one in cases]),
        (f"profit of a cycle, {quote}", "", [(words.money(one.cycle_profit, places), "gain") for one in cases]),
        (f"funding a day, {quote}", "", [funding_words(one.funding_day, places) for one in cases]),
    ]
    if spot:
        table = [row for row in table if not row[0].startswith(BORROWED)]
    return [
        (
            (left(name if label == LABEL else name.partition(",")[0], label), "dim"),
            (right(now, wide), "dim"),
            *((right(text, wide), role) for text, role in values),
        )
        for name, now, values in table
    ]


def _tiers(limits: Sequence[float]) -> str:
    """Where each tier begins, as the config in force has it."""
    does = ("reduces", "defends", "closes and halts")
    known = ", ".join(f"−{100 * limit:g} % {what}" for limit, what in zip(limits, does, strict=False))
    return f"tiers: {known or words.UNKNOWN}"


def tier_words(tier: int | None) -> tuple[str, Role]:
    """The tier reached, in its colour."""
    names = ("T0 normal", "T1 reduces", "T2 defends", "T3 halts")
    return (words.UNKNOWN, "dim") if tier is None else (names[min(tier, 3)], TIERS[min(tier, 3)])


def funding_words(text: str | None, places: int = 2) -> tuple[str, Role]:
    """Funding as paid or received; the sign alone is easily misread."""
    if text is None:
        return words.UNKNOWN, "dim"
    value = float(text)
    if value == 0:
        return "0.00", "dim"
    return (
        (f"pays {words.money(text.lstrip('-'), places)}", "loss")
        if value > 0
        else (f"gets {words.money(text.lstrip('-'), places)}", "gain")
    )


def what_if_notes(view: SymbolView, *, spot: bool = False) -> list[Row]:
    """What the numbers leave out."""
    stop = view.stop
    if stop is None and spot:
        return [(("no stop rests: spot has none", "dim"),)]
    if stop is None:
        return [(("no stop rests", "warn"),)]
    return [
        (
            ("the stop at ", "dim"),
            (words.grouped(stop.trigger), "warn"),
            (f" closes {words.grouped(stop.quantity)} {view.base} before that, where the price gets there", "dim"),
        )
    ]


def _away(case: WhatIf) -> float | None:
    return words.change(case.at_price, case.liquidation_price)


class WhatIfPage(Page):
    """One pane."""

    NAME = "whatif"

    def body(self) -> ComposeResult:
        """The table."""
        yield WhatIfPane(id="body")
