"""The ladder: one price axis with every slot, lot, stop and price that matters. The centre of the dashboard."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from gridbot_tui.control.snapshot import LotView, RungView, SymbolView
from gridbot_tui.ui import words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, Span, cells, cut, fit, left, right, width_of
from gridbot_tui.units import Ms

STATES: dict[str, tuple[str, str]] = {
    "waiting": ("○", "dim"),
    "sending": ("◌", "accent"),
    "resting": ("●", ""),
    "partly filled": ("◐", "accent"),
    "crossed": ("✗", "warn"),
    "blocked": ("✗", "warn"),
    "unresolved": ("?", "bad"),
}
"""Sign and role of a slot's state; "" takes the colour of its side."""


SPARE = {"Δ": 1, "p/l": 1, "exit": 24}
"""Cells that columns take where there is room to spare, in their order."""


class Column(NamedTuple):
    """A column of the ladder: cells, and how soon it gives way in a narrow pane (0 never, the highest first)."""

    name: str
    width: int
    gives_way: int = 0


class LadderPane(Pane):
    """Descending by price, following the market until the operator scrolls."""

    TITLE = "Ladder"
    PINNED = 1

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """A heading and the price axis."""
        view = picture.view
        if view is None:
            self._centre = None
            return [(), (("no symbol" if picture.snapshot else words.UNKNOWN, "dim"),)]
        rows, self._centre = ladder_rows(view, picture.now(), width, picture.places)
        return rows if view.ladder else [*rows, (("no orders: ", "dim"), (picture.idle, "warn"))]

    def centre_on(self, length: int, height: int) -> int | None:
        """The market in the middle."""
        return None if self._centre is None else self._centre - height // 2

    def title(self, picture: Picture) -> Row:
        """Name of the symbol, plan."""
        view = picture.view
        if view is None:
            return (("Ladder", "title"),)
        held = f"{words.size(view.position)} {view.base}" if float(view.position) else "flat"
        orders = words.plural(view.open_orders, "order")
        return (("Ladder ", "title"), (f"{picture.symbol} · ", "dim"), (held, "strong"), (f" · {orders}", "dim"))

    def age(self, picture: Picture) -> Ms | None:
        """Age of the prices."""
        return picture.data_age()

    def old(self, picture: Picture) -> bool:
        """Of the prices, too."""
        return picture.stale or picture.prices_old

    _centre: int | None = None


def ladder_rows(view: SymbolView, now: Ms, width: int, places: int = 2) -> tuple[list[Row], int | None]:
    """Heading and axis; and which row of the axis stands at the market (None where no price is known)."""
    columns = _columns(view, now, width, places)
    axis: list[tuple[float, int, Row]] = []
    axis += [(float(rung.price), 0, _rung_row(rung, view, now, columns, places)) for rung in view.ladder]
    axis += [(float(lot.price), 1, _lot_row(lot, view, now, columns, places)) for lot in view.lots]
    axis += _walls(view, width)
    here = view.price or view.mark
    rows: list[Row] = []
    centre = None
    marker = _market(view, width)
    for price, _, row in sorted(axis, key=lambda item: (-item[0], item[1])):
        if here is not None and centre is None and price < float(here):
            centre = len(rows)
            rows += marker
        rows.append(row)
    if centre is None and here is not None:
        centre = len(rows)
        rows += marker
    return [_heading(columns), *rows], centre


# -- columns ----------------------------------------------------------------------------------------------------


def _columns(view: SymbolView, now: Ms, width: int, places: int) -> list[Column]:
    """As wide as what stands in them; in a narrow pane those that can be missed give way, the most so first."""
    rungs, lots = view.ladder, view.lots
    prices = [one.price for one in rungs] + [one.price for one in lots]
    prices += [one for one in (view.price, view.mark) if one is not None]
    sizes = [one.quantity for one in rungs] + [one.quantity for one in lots]
    since = [one.since for one in rungs if one.since is not None] + [one.opened_at for one in lots]
    gains = [*(_profit(one, places) for one in rungs), *(_result(one, places) for one in lots)]
    columns = [
        Column("price", _widest([words.grouped(one) for one in prices], 9 if not prices else 1)),
        Column("Δ", 7, 1),
        Column("side", _widest([*(one.side for one in rungs), *(one.side for one in lots)], 4)),
        Column("qty", min(14, _widest([words.grouped(one) for one in sizes], 3))),
        Column("state", _widest([*(_state(one)[0] for one in rungs), *(_number(one) for one in lots)], 9)),
        Column("age", _widest([words.span(now - at) for at in since], 3), 5),
        Column("f/c", _widest([_counts(one) for one in rungs], 3), 4),
        Column("p/l", _widest(gains, 7), 2),
        Column("exit", min(16, _widest([*(_closes(one) for one in rungs), *(_exit(one) for one in lots)], 6)), 3),
    ]
    spare = width + 1
    kept = []
    for column in sorted(columns, key=lambda one: one.gives_way):
        if column.gives_way == 0 or column.width < spare:
            kept.append(column)
            spare -= column.width + 1
    found = []
    for column in columns:
        if column in kept:
            more = max(0, min(spare, SPARE.get(column.name, 0)))
            found.append(column._replace(width=column.width + more))
            spare -= more
    return found


def _widest(texts: Iterable[str], least: int) -> int:
    return max([least, *map(cells, texts)])


def _heading(columns: Sequence[Column]) -> Row:
    flush_left = ("side", "state", "exit")
    parts = [
        left(column.name, column.width) if column.name in flush_left else right(column.name, column.width)
        for column in columns
    ]
    return ((" ".join(parts), "dim"),)


def _line(columns: Sequence[Column], values: dict[str, tuple[str, str]]) -> Row:
    row: list[Span] = []
    for column in columns:
        text, role = values.get(column.name, ("", "text"))
        align = left if column.name in ("side", "state", "exit") else right
        if row:
            row.append((" ", "text"))
        row.append((align(text, column.width), role))
    return tuple(row)


# -- rows -------------------------------------------------------------------------------------------------------


def _rung_row(rung: RungView, view: SymbolView, now: Ms, columns: Sequence[Column], places: int) -> Row:
    side = rung.side if rung.side in ("buy", "sell") else "text"
    quiet = rung.state in ("waiting", "crossed", "blocked")
    state, role = _state(rung)
    profit = _profit(rung, places)
    return _line(
        columns,
        {
            "price": (words.grouped(rung.price), "dim" if quiet else side),
            "Δ": (words.percent(words.change(view.price, rung.price)), "dim"),
            "side": (rung.side, "dim" if quiet else side),
            "qty": (words.grouped(rung.quantity), "dim" if quiet else "text"),
            "state": (state, role or side),
            "age": ("" if rung.since is None else words.span(now - rung.since), "dim"),
            "f/c": (_counts(rung), "text"),
            "p/l": (profit, "loss" if profit.startswith(words.MINUS) else "gain"),
            "exit": (_closes(rung), "dim"),
        },
    )


def _lot_row(lot: LotView, view: SymbolView, now: Ms, columns: Sequence[Column], places: int) -> Row:
    profit = _result(lot, places)
    return _line(
        columns,
        {
            "price": (words.grouped(lot.price), "accent"),
            "Δ": (words.percent(words.change(view.price, lot.price)), "dim"),
            "side": (lot.side, "accent"),
            "qty": (words.grouped(lot.quantity), "text"),
            "state": (_number(lot), "accent"),
            "age": (words.span(now - lot.opened_at), "dim"),
            "p/l": (profit, "loss" if profit.startswith(words.MINUS) else "gain"),
            "exit": (_exit(lot), "dim"),
        },
    )


def _state(rung: RungView) -> tuple[str, str]:
    """Sign and word, and the role."""
    sign, role = STATES.get(rung.state, ("?", "warn"))
    word = rung.state
    if rung.state == "partly filled":
        share = words.change(rung.quantity, rung.filled)
        # Neither nothing nor all of it, however little is in or missing.
        word = "partly" if share is None else f"{min(99, max(1, round(100 * (share + 1))))} % in"
    return f"{sign} {word}", role


def _counts(rung: RungView) -> str:
    """Fills and cycles near the rung."""
    return f"{rung.fills}/{rung.cycles}" if rung.fills or rung.cycles else ""


def _profit(rung: RungView, places: int) -> str:
    """What the cycles of a rung have brought."""
    return words.short_money(rung.profit, places, signed=True) if rung.cycles or float(rung.profit) else ""


def _closes(rung: RungView) -> str:
    """Why a rung does not rest, or which lots it closes."""
    if rung.reason:
        return rung.reason.replace("_", " ")
    if rung.closes > 1:
        return f"of {words.plural(rung.closes, 'lot')}"
    if rung.lot is not None:
        return f"of lot {rung.lot}"
    return "" if rung.entry else "closes"


def _number(lot: LotView) -> str:
    return f"◆ lot {lot.id}"


def _result(lot: LotView, places: int) -> str:
    """What a lot would bring at the mark."""
    return words.short_money(lot.profit, places, signed=True)


def _exit(lot: LotView) -> str:
    """Where a lot is closed."""
    return "foreign" if lot.external else f"→ {words.grouped(lot.exit_price)}"


def _walls(view: SymbolView, width: int) -> list[tuple[float, int, Row]]:
    """The stop and the liquidation price, each a line across the axis."""
    found = []
    if view.stop is not None:
        text = f"{words.grouped(view.stop.trigger)} stop, {view.stop.state}"
        found.append((float(view.stop.trigger), 2, _rule([(text, "warn")], width, "═", "warn")))
    if view.liquidation_price is not None:
        text = f"{words.grouped(view.liquidation_price)} liquidation"
        found.append((float(view.liquidation_price), 3, _rule([(text, "bad")], width, "═", "bad")))
    return found


def _market(view: SymbolView, width: int) -> list[Row]:
    """Last and mark price, entry and break-even: as many lines as they need. Only the first is one of the axis."""
    named = [("last", view.price, "price"), ("mark", view.mark, "text")]
    if float(view.position):
        named += [("entry", view.entry_price, "accent"), ("break-even", view.break_even, "text")]
    known = [(f"{words.grouped(price)} {name}", role) for name, price, role in named if price is not None]
    rows: list[Row] = []
    while known:
        count = len(known)
        while count > 1 and sum(cells(text) + 3 for text, _ in known[:count]) + 6 > width:
            count -= 1
        rows.append(_rule(known[:count], width, " " if rows else "─", "faint"))
        known = known[count:]
    return rows


def _rule(parts: Sequence[Span], width: int, dash: str, role: str) -> Row:
    row: list[Span] = [(dash * 2 + " ", role)]
    for at, (text, colour) in enumerate(parts):
        if at:
            row.append((" · ", "dim"))
        row.append((cut(str(text), max(4, width - 6)), colour))
    used = width_of(row) + 1
    return fit((*row, (" " + dash * max(0, width - used), role)), width)
