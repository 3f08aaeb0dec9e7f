"""Flatten and kill: what would be cancelled, closed, paid and left."""

from decimal import Decimal

from gridbot_tui.control.snapshot import Snapshot, SymbolView
from gridbot_tui.ui import words
from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, wrapped

TAKER_FEE = Decimal("0.0005")
"""Taker fee of the futures market; the estimate says "about"."""


class FlattenDialog(Dialog):
    """Close one symbol, or all of them ("")."""

    ANSWERS = (("flatten", "Flatten", "bad"),)
    CONFIRMED = frozenset({"flatten"})
    VERB = "Flatten"

    def __init__(self, picture: Picture, symbol: str, word: str = "") -> None:
        self.symbol = symbol
        super().__init__(picture, word)

    def heading(self) -> str:
        """``Flatten BTCUSDT``."""
        return f"{self.VERB} {self.symbol or 'everything'}"

    def facts(self, picture: Picture, width: int) -> list[Row]:
        """Cancel, close, cost, leaves."""
        snapshot = picture.latest()
        if snapshot is None:
            return [(("nothing is known of the bot", "warn"),)]
        views = chosen(snapshot, self.symbol)
        return [*effect_rows(snapshot, views), *_leaves(snapshot, views, self.after(), width)]

    def after(self) -> str:
        """The state it leaves."""
        return "no position, paused"

    def signature(self, picture: Picture) -> object:
        """Positions and the number of orders."""
        snapshot = picture.latest()
        if snapshot is None:
            return None
        return tuple((name, view.position, view.open_orders) for name, view in chosen(snapshot, self.symbol).items())


class KillDialog(FlattenDialog):
    """Cancel and close everything, and latch."""

    ANSWERS = (("kill", "Kill", "bad"),)
    CONFIRMED = frozenset({"kill"})
    VERB = "Kill"

    def __init__(self, picture: Picture, word: str) -> None:
        super().__init__(picture, "", word)

    def after(self) -> str:
        """The state it leaves."""
        return "no position, latched until 'gridbot reset kill'"

    def reason_to_type(self) -> str:
        """In every mode: it latches, and its key stands beside others."""
        return f"a kill latches: type {self._word} to go on"

    def refusal(self, picture: Picture) -> str:
        """A kill goes out whenever there is a line at all."""
        return "" if picture.controls else "this terminal does not control the bot; 'gridbot kill' always may"


def chosen(snapshot: Snapshot, symbol: str) -> dict[str, SymbolView]:
    """The symbols that are meant; "" is all of them."""
    return {name: view for name, view in snapshot.symbols.items() if not symbol or name == symbol}


def effect_rows(snapshot: Snapshot, views: dict[str, SymbolView]) -> list[Row]:
    """What closing these costs, as exactly as it can be known."""
    orders = sum(view.open_orders for view in views.values())
    stops = sum(1 for view in views.values() if view.stop is not None)
    held = {name: view for name, view in views.items() if Decimal(view.position)}
    rows: list[Row] = []
    what = words.plural(orders, "order") + (f", among them {words.plural(stops, 'stop')}" if stops else "")
    rows.append((("cancel  ", "dim"), (what if orders else "no order rests", "text")))
    for name, view in list(held.items())[:8]:
        rows.append((("close   ", "dim"), (closing(name, view), "strong")))
    if len(held) > 8:
        rows.append((("close   ", "dim"), (f"and {len(held) - 8} more", "strong")))
    if not held:
        rows.append((("close   ", "dim"), ("no position is held", "text")))
    fee, slip, known = costs(views)
    if held:
        text = f"fee about {words.money(format(fee, 'f'))} {snapshot.quote}, "
        text += f"half the spread {words.money(format(slip, 'f'))}"
        rows.append((("cost    ", "dim"), (text if known else f"{text}; of some symbols unknown", "text")))
    return rows


def closing(name: str, view: SymbolView) -> str:
    """``-0.026 BTC of BTCUSDT by market at about 60 004``."""
    position = Decimal(view.position)
    verb = "sell" if position > 0 else "buy"
    at = words.grouped(view.mark or view.price)
    return f"{verb} {words.grouped(format(abs(position), 'f'))} {view.base} ({name}) by market, about {at}"


def costs(views: dict[str, SymbolView]) -> tuple[Decimal, Decimal, bool]:
    """(taker fees, half the spread, whether all prices are known) of closing these by market."""
    fee, slip, known = Decimal(0), Decimal(0), True
    for view in views.values():
        size = abs(Decimal(view.position))
        price = view.mark or view.price
        if not size:
            continue
        if price is None:
            known = False
            continue
        fee += size * Decimal(price) * TAKER_FEE
        if view.bid is not None and view.ask is not None:
            slip += size * (Decimal(view.ask) - Decimal(view.bid)) / 2
    return fee, slip, known


def _leaves(snapshot: Snapshot, views: dict[str, SymbolView], after: str, width: int) -> list[Row]:
    fee, slip, known = costs(views)
    if snapshot.equity is None or not known:
        text = f"equity -, {after}"
    else:
        equity = Decimal(snapshot.equity) - fee - slip
        text = f"equity about {words.money(format(equity, 'f'))} {snapshot.quote}, {after}"
    return [
        (("leaves  " if at == 0 else " " * 8, "dim"), *row)
        for at, row in enumerate(wrapped(text, max(8, width - 8)))
    ]
