"""Where the money came from, for the account and the shown symbol, with the residual of the tie-out."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, Span, as_many, joined, justify, right, width_of
from gridbot_tui.units import Ms


class ProfitPane(Pane):
    """A small table: account and symbol side by side where there is room."""

    TITLE = "Profit"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Split of the profit, then totals and the counts."""
        snapshot, view = picture.snapshot, picture.view
        if snapshot is None:
            return []
        pnl = snapshot.pnl
        account = {
            "grid net": pnl.grid,
            "inventory": pnl.inventory,
            "fees": words.negated(pnl.fees),
            "funding": pnl.funding,
            "realised": pnl.realised,
            "unrealised": pnl.unrealised,
        }
        own: dict[str, str | None] = {}
        if view is not None:
            own = {
                "grid net": view.grid_profit,
                "inventory": view.inventory_profit,
                "fees": words.negated(view.fees),
                "funding": view.funding,
                "realised": view.realised,
                "unrealised": view.unrealised,
            }
        names = ["grid net", "inventory", "fees", "funding", "realised", "unrealised"]
        if height < 7:
            rows = _two_by_two(names, account, width, picture.places)
        else:
            rows = [_heading(picture, width)] + [
                _row(name, account[name], own.get(name), width, picture.places) for name in names
            ]
        return rows + _totals(snapshot, width)

    def age(self, picture: Picture) -> Ms | None:
        """Since the account last spoke."""
        return picture.age_of("account")

    def status(self, picture: Picture) -> Row:
        """The residual."""
        return () if picture.snapshot is None else residual(picture.snapshot)


def residual(snapshot: Snapshot) -> Row:
    """What wallet and books differ by: always shown."""
    # The quote asset's goes without its name; on spot that of a coin, which would read as none, is named.
    gaps = [f"{gap} {asset}" if asset != snapshot.quote else gap for asset, gap in snapshot.residuals]
    text = ", ".join(gaps) or snapshot.residual
    if snapshot.residual_pending:
        return (("residual ", "dim"), (f"{text} pending", "warn"))
    if not gaps and float(snapshot.residual) == 0:
        return (("residual ", "dim"), ("0 ✓", "good"))
    return (("residual ", "dim"), (f"{text} ⚠", "bad"))


def amount(text: str | None, width: int, places: int = 2) -> Span:
    """A signed amount, flush right, in the colour of its sign."""
    shown = words.short_money(text, places, signed=True)
    if text is None or float(text) == 0:
        return (right(shown, width), "dim")
    return (right(shown, width), "loss" if text.startswith("-") else "gain")


def _heading(picture: Picture, width: int) -> Row:
    wide = max(12, (width - 12) // 2)
    return ((" " * 12 + right("account", wide) + right(picture.symbol, wide), "dim"),)


def _row(name: str, account: str | None, own: str | None, width: int, places: int) -> Row:
    wide = max(12, (width - 12) // 2)
    return ((f"{name:<12}", "dim"), amount(account, wide, places), amount(own, wide, places))


def _two_by_two(names: list[str], values: dict[str, str | None], width: int, places: int) -> list[Row]:
    per_row = 2 if width < 60 else 3
    wide = width // per_row
    rows: list[Row] = []
    for start in range(0, len(names), per_row):
        row: list[Span] = []
        for name in names[start : start + per_row]:
            row += [(f"{name} ", "dim"), amount(values[name], max(4, wide - len(name) - 3), places), ("  ", "text")]
        rows.append(tuple(row))
    return rows


def _totals(snapshot: Snapshot, width: int) -> list[Row]:
    pnl, places = snapshot.pnl, words.places(snapshot.start_equity)
    wins = words.percent(pnl.wins / pnl.cycles, 0, signed=False) if pnl.cycles else words.UNKNOWN
    lately = joined(
        [
            ((f"{name} ", "dim"), (words.short_money(value, places, signed=True), amount(value, 0)[1]))
            for name, value in (("today", pnl.today), ("7d", pnl.week))
        ]
    )
    parts: list[Row] = [
        ((text, "dim"),) for text in (f"fills {pnl.fills}", f"cycles {pnl.cycles}", f"win {wins}")
    ]
    return [justify(lately, as_many(parts, width - width_of(lately) - 2), width)]
