"""Orders that stand, with what they are for, and the fills, newest first."""

from collections.abc import Hashable, Sequence
from typing import ClassVar, TypeVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical

from gridbot_tui.control.snapshot import FillView, OrderView
from gridbot_tui.ui import words
from gridbot_tui.ui.marked import MarkedPane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Role, Row
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.table import Cell, Column

V = TypeVar("V", OrderView, FillView)

STATES: dict[str, tuple[str, Role]] = {
    "sending": ("→", "accent"),
    "resting": ("▪", "text"),
    "partly filled": ("▫", "gain"),
    "cancelling": ("✗", "warn"),
    "unresolved": ("?", "bad"),
    "filled": ("✓", "gain"),
    "triggered": ("▼", "warn"),
    "canceled": ("✗", "dim"),
    "cancelled": ("✗", "dim"),
    "absent": ("✗", "warn"),
    "refused": ("✗", "bad"),
    "expired": ("✗", "dim"),
}


class SymbolFilter(MarkedPane[V]):
    """A list of every symbol, or only of the shown one."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("A", "only_shown", "shown symbol only", id="list.only_shown"),
    ]
    only_shown = False

    def kept(self, items: Sequence[V], picture: Picture) -> list[V]:
        """Newest first; of the shown symbol where only that is wanted."""
        found = [one for one in items if not self.only_shown or one.symbol == picture.symbol]
        found.sort(key=lambda one: one.at)
        return found[::-1]

    def status(self, picture: Picture) -> Row:
        """How many, of which symbols."""
        whose = picture.symbol if self.only_shown else "all symbols"
        return ((f"{len(self.items(picture))} · {whose}", "dim"),)

    def action_only_shown(self) -> None:
        """Every symbol, or only the shown one."""
        self.only_shown = not self.only_shown
        self._again()


def _side(side: str) -> Cell:
    sign = {"buy": "▲", "sell": "▼"}.get(side, " ")
    return f"{sign} {side}", side if side in ("buy", "sell") else "text"


def _order_state(order: OrderView) -> Cell:
    word = order.state.replace("_", " ")
    sign, role = STATES.get(word, ("·", "text"))
    return f"{sign} {word}", role


def _order_price(order: OrderView) -> Cell:
    if order.trigger is not None:
        return f"at {words.grouped(order.trigger)}", "warn"
    return ("market" if order.kind == "market" else words.grouped(order.price)), "text"


class OrdersPane(SymbolFilter[OrderView]):
    """What stands, or stood lately."""

    TITLE = "Orders"
    EMPTY = "no order of ours stands"
    COLUMNS = (
        Column("symbol", 12, lambda o, p: (o.symbol, "strong"), True, 20),
        Column("side", 6, lambda o, p: _side(o.side), True),
        Column("price", 14, lambda o, p: _order_price(o)),
        Column("quantity", 12, lambda o, p: (words.in_cells(words.grouped(o.quantity), 12), "text")),
        Column("state", 15, lambda o, p: _order_state(o), True),
        Column("age", 4, lambda o, p: (words.span(p.now() - o.at), "dim")),
        Column("filled", 10, lambda o, p: (words.grouped(o.filled), "dim" if float(o.filled) == 0 else "gain")),
        Column("for", 8, lambda o, p: (o.purpose, "dim"), True),
        Column("kind", 11, lambda o, p: (o.kind.replace("_", " "), "dim"), True),
        Column("id", 36, lambda o, p: (o.client_id, "dim"), True),
    )

    def items(self, picture: Picture) -> Sequence[OrderView]:
        """Newest first."""
        return self.kept(picture.snapshot.orders if picture.snapshot else (), picture)

    def identity(self, item: OrderView) -> Hashable:
        """The client id."""
        return item.client_id

    def expanded(self, item: OrderView, picture: Picture, width: int) -> Sequence[Row]:
        """What the columns may have had no room for."""
        kind = item.kind.replace("_", " ")
        text = f"{item.client_id}  sent {words.since(item.at, picture.now())}  {kind} for {item.purpose}"
        return [((f"    {text}", "dim"), (f"  {item.detail}" if item.detail else "", "warn"))]

    def empty(self, picture: Picture) -> str:
        """Nothing stands, or nothing is known."""
        return self.EMPTY if picture.snapshot else words.UNKNOWN


def _result(fill: FillView, places: int) -> Cell:
    if float(fill.grid_profit) == 0:
        return "", "dim"
    shown = words.money(fill.grid_profit, places, signed=True)
    return shown, "loss" if fill.grid_profit.startswith("-") else "gain"


class FillsPane(SymbolFilter[FillView]):
    """What was traded."""

    TITLE = "Fills"
    EMPTY = "no fill yet"
    COLUMNS = (
        Column("when UTC", 12, lambda f, p: (words.since(f.at, p.now()), "dim")),
        Column("symbol", 12, lambda f, p: (f.symbol, "strong"), True, 20),
        Column("side", 6, lambda f, p: _side(f.side), True),
        Column("quantity", 12, lambda f, p: (words.in_cells(words.grouped(f.quantity), 12), "text")),
        Column("price", 14, lambda f, p: (words.grouped(f.price), "text")),
        Column("grid p/l", 10, lambda f, p: _result(f, p.places), most=16),
        Column("fee", 16, lambda f, p: (f"{words.grouped(f.fee)} {f.fee_asset}", "dim")),
        Column("as", 5, lambda f, p: ("maker" if f.maker else "taker", "dim" if f.maker else "warn"), True),
        Column("for", 12, lambda f, p: (f.purpose, "dim"), True),
    )

    def items(self, picture: Picture) -> Sequence[FillView]:
        """Newest first."""
        return self.kept(picture.snapshot.fills if picture.snapshot else (), picture)

    def identity(self, item: FillView) -> Hashable:
        """All of it: a fill has no name here."""
        return item

    def expanded(self, item: FillView, picture: Picture, width: int) -> Sequence[Row]:
        """Fee and purpose, which a narrow list has no room for."""
        kind = "maker" if item.maker else "taker"
        text = f"fee {words.grouped(item.fee)} {item.fee_asset}, {kind}, for {item.purpose or words.UNKNOWN}"
        return [((f"    {words.moment(item.at)}:{words.clock(item.at)[6:]}  {text}", "dim"),)]


class OrdersPage(Page):
    """Orders over fills."""

    NAME = "orders"
    PANES = (OrdersPane, FillsPane)
    AUTO_FOCUS: ClassVar[str | None] = "OrdersPane"

    def body(self) -> ComposeResult:
        """Two lists."""
        with Vertical(id="body"):
            yield OrdersPane(id="standing")
            yield FillsPane(id="traded")
