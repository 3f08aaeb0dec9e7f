"""All symbols in one table: sort by any column, filter by name, Enter opens one."""

from collections.abc import Callable, Sequence
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Input

from gridbot_tui.control.snapshot import SymbolView
from gridbot_tui.ui import lines, words
from gridbot_tui.ui.in_order import Field
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.panes.header import STATES
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Role, Row, Span, cells, left, right
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.units import Symbol

Cell = tuple[str, Role]


class Column(NamedTuple):
    """One column: heading, cells, how it is drawn and sorted; the last ones give way first."""

    name: str
    width: int
    cell: Callable[[Symbol, SymbolView, Picture], Cell]
    order: Callable[[Symbol, SymbolView], float | str | None]
    flush_left: bool = False


def _state(name: Symbol, view: SymbolView, picture: Picture) -> Cell:
    sign, role = STATES.get(view.state, ("?", "warn"))
    return f"{sign} {view.state}", role


def _signed(text: str | None, places: int) -> Cell:
    shown = words.short_money(text, places, signed=True)
    if text is None or float(text) == 0:
        return shown, "dim"
    return shown, "loss" if text.startswith("-") else "gain"


def _number(text: str | None) -> float | None:
    return None if text is None else float(text)


def _result(view: SymbolView) -> str | None:
    if view.unrealised is None:
        return None
    total = float(view.realised) + float(view.unrealised) - float(view.fees) + float(view.funding)
    return f"{total:.8f}"


COLUMNS: tuple[Column, ...] = (
    Column("symbol", 13, lambda n, v, p: (n, "strong"), lambda n, v: n, True),
    Column("state", 12, _state, lambda n, v: v.state, True),
    Column("price", 11, lambda n, v, p: (words.grouped(v.price), "text"), lambda n, v: _number(v.price)),
    Column(
        "position",
        11,
        lambda n, v, p: (words.in_cells(words.size(v.position), 11), "text"),
        lambda n, v: _number(v.position),
    ),
    Column("lev", 6, lambda n, v, p: (words.times(v.leverage), "text"), lambda n, v: v.leverage),
    Column("result", 10, lambda n, v, p: _signed(_result(v), p.places), lambda n, v: _number(_result(v))),
    Column("bias", 6, lambda n, v, p: (words.ratio(v.bias, 2, signed=True), _lean(v.bias)), lambda n, v: v.bias),
    Column("orders", 6, lambda n, v, p: (str(v.open_orders), "text"), lambda n, v: v.open_orders),
    Column(
        "age",
        4,
        lambda n, v, p: (words.span(p.shown_for() if p.virtual else p.grown(v.age_ms)), "dim"),
        lambda n, v: v.age_ms,
    ),
    Column("worst", 6, lambda n, v, p: (words.times(v.worst_leverage), "text"), lambda n, v: v.worst_leverage),
    Column("cycles", 6, lambda n, v, p: (str(v.cycles), "text"), lambda n, v: v.cycles),
    Column("grid net", 10, lambda n, v, p: _signed(v.grid_profit, p.places), lambda n, v: _number(v.grid_profit)),
    Column("held", 10, lambda n, v, p: _signed(v.unrealised, p.places), lambda n, v: _number(v.unrealised)),
    Column("spacing", 8, lambda n, v, p: (words.percent(v.spacing, 2, signed=False), "text"), lambda n, v: v.spacing),
    Column(
        "σ/h",
        8,
        lambda n, v, p: (words.percent(v.features.sigma_hour, 2, signed=False), "dim"),
        lambda n, v: v.features.sigma_hour,
    ),
    Column(
        "7 days",
        24,
        lambda n, v, p: (lines.spark([float(bar.close) for bar in v.bars], 24), "accent"),
        lambda n, v: None,
        True,
    ),
)


def _lean(bias: float | None) -> Role:
    return "dim" if not bias else "up" if bias > 0 else "down"


class PortfolioPane(Pane):
    """A table of all symbols."""

    TITLE = "All symbols"
    PINNED = 1
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False, id="portfolio.up"),
        Binding("down,j", "move(1)", "Down", show=False, id="portfolio.down"),
        Binding("home", "move(-10000)", "First", show=False, id="portfolio.first"),
        Binding("end", "move(10000)", "Last", show=False, id="portfolio.last"),
        Binding("enter", "open", "open", id="portfolio.open"),
        Binding("less_than_sign,left", "sort(-1)", "sort by", key_display="←→", id="portfolio.sort_left"),
        Binding("greater_than_sign,right", "sort(1)", "Sort by the next column", show=False, id="portfolio.sort"),
        Binding("R", "reverse", "reverse", id="portfolio.reverse"),
        Binding("slash", "filter", "filter", id="portfolio.filter"),
    ]

    def __init__(self) -> None:
        super().__init__(id="body")
        self.at = 0
        self.mark: Symbol = ""
        """The symbol that is marked, at first the shown one: the mark stays on it when the order changes under it."""
        self.by = 0
        self.backwards = False
        self.wanted = ""
        self._names: list[Symbol] = []

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Heading and one row a symbol."""
        snapshot = picture.snapshot
        symbols = snapshot.symbols if snapshot else {}
        self._names = self._ordered(symbols)
        self._put_mark(self.mark or picture.symbol)
        columns = _fitting(width, self._names)
        rows = [self._heading(columns)]
        for at, name in enumerate(self._names):
            rows.append(self._row(columns, name, symbols[name], picture, at == self.at))
        if not self._names:
            rows.append((("no symbol" + (f" contains {self.wanted}" if self.wanted else ""), "dim"),))
        return rows

    def status(self, picture: Picture) -> Row:
        """How many, how sorted."""
        direction = "▼" if self.backwards else "▲"
        kept = f" · /{self.wanted}" if self.wanted else ""
        return ((f"{len(self._names)} · by {COLUMNS[self.by].name} {direction}{kept}", "dim"),)

    def centre_on(self, length: int, height: int) -> int | None:
        """The marked row stays in sight."""
        return self.at - height + 1 if self.at >= height else 0

    def _ordered(self, symbols: dict[Symbol, SymbolView]) -> list[Symbol]:
        names = [name for name in symbols if self.wanted.upper() in name.upper()]
        order = COLUMNS[self.by].order
        known = [name for name in names if order(name, symbols[name]) is not None]
        known.sort(key=lambda name: order(name, symbols[name]), reverse=self.backwards)  # type: ignore[arg-type, return-value]
        return known + [name for name in names if name not in known]  # what is unknown comes last

    def _heading(self, columns: Sequence[Column]) -> Row:
        row: list[Span] = [("  ", "dim")]
        for column in columns:
            align = left if column.flush_left else right
            role = "accent" if column.name == COLUMNS[self.by].name else "dim"
            row.append((align(column.name, column.width) + " ", role))
        return tuple(row)

    def _row(
        self, columns: Sequence[Column], name: Symbol, view: SymbolView, picture: Picture, marked: bool
    ) -> Row:
        row: list[Span] = [("› " if marked else "  ", "select" if marked else "text")]
        for column in columns:
            text, role = column.cell(name, view, picture)
            align = left if column.flush_left else right
            row.append((align(text, column.width) + " ", "select" if marked else role))
        return tuple(row)

    def _put_mark(self, name: Symbol) -> None:
        """On this symbol, or on the row where it was."""
        if name in self._names:
            self.at = self._names.index(name)
        self.at = max(0, min(self.at, len(self._names) - 1))
        self.mark = self._names[self.at] if self._names else ""

    def action_move(self, count: int) -> None:
        """Move the mark."""
        self.at = max(0, min(self.at + count, len(self._names) - 1))
        self._put_mark("")
        self._again()

    def action_open(self) -> None:
        """Show the marked symbol on the dashboard."""
        show = getattr(self.app, "show_symbol", None)
        if self.mark and show is not None:
            show(self.mark)
            _ = self.app.pop_screen()

    def action_sort(self, step: int) -> None:
        """Sort by the neighbouring column."""
        names = [column.name for column in _fitting(self.size.width - 4, self._names)]
        at = names.index(COLUMNS[self.by].name) if COLUMNS[self.by].name in names else 0
        self.by = next(by for by, one in enumerate(COLUMNS) if one.name == names[(at + step) % len(names)])
        self._again()

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.backwards = not self.backwards
        self._again()

    def action_filter(self) -> None:
        """Type a part of a name."""
        field = self.screen.query_one("#filter", Input)
        field.display = True
        field.focus()

    def action_scroll_rows(self, count: int) -> None:
        """A page up or down moves the mark."""
        self.action_move(count)


def _fitting(width: int, names: Sequence[Symbol]) -> list[Column]:
    """The columns that fit beside names of which none is cut."""
    found: list[Column] = []
    room = width - 2
    first = COLUMNS[0]._replace(width=max([COLUMNS[0].width, *map(cells, names)]))
    for column in (first, *COLUMNS[1:]):
        room -= column.width + 1
        if room < 0:
            break
        found.append(column)
    return found or [first]


class PortfolioPage(Page):
    """The table and its filter."""

    NAME = "portfolio"
    AUTO_FOCUS: ClassVar[str | None] = "PortfolioPane"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "back", "Back", show=False, id="portfolio.back")]
    DEFAULT_CSS = """
    PortfolioPage #filter { display: none; dock: bottom; margin-bottom: 1; background: $surface; }
    """

    def body(self) -> ComposeResult:
        """Table, filter."""
        yield PortfolioPane()
        yield Field(placeholder="part of a name; enter keeps it, escape clears", id="filter", compact=True)

    def meant(self, picture: Picture) -> Symbol:
        """The marked one."""
        return self.query_one(PortfolioPane).mark or super().meant(picture)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        pane = self.query_one(PortfolioPane)
        pane.wanted = event.value
        self._catch_up()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter, go back to the table."""
        event.input.display = bool(event.value)
        self.query_one(PortfolioPane).focus()

    async def action_back(self) -> None:
        """Clear the filter first, then leave."""
        field = self.query_one("#filter", Input)
        if not (field.has_focus or field.value):
            await self.app.run_action("home")
            return
        field.value = ""
        field.display = False
        self.query_one(PortfolioPane).focus()
