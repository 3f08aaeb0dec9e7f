"""Flatten and kill: what would be cancelled, closed, paid and left."""

from collections.abc import Iterator
from decimal import Decimal
from typing import NamedTuple

from gridbot_tui.control.snapshot import Snapshot, SymbolView
from gridbot_tui.ui import words
from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, told


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
        return [*effect_rows(snapshot, views, width), *_leaves(snapshot, views, self.after(), width)]

    def after(self) -> str:
        """The state it leaves."""
        return "paused"

    def signature(self, picture: Picture) -> object:
        """Positions, what others' orders hold of them, and the number of orders."""
        snapshot = picture.latest()
        if snapshot is None:
            return None
        views = chosen(snapshot, self.symbol)
        return tuple((name, view.position, view.locked, view.open_orders) for name, view in views.items())


class KillDialog(FlattenDialog):
    """Cancel and close everything, and latch."""

    ANSWERS = (("kill", "Kill", "bad"),)
    CONFIRMED = frozenset({"kill"})
    VERB = "Kill"

    def __init__(self, picture: Picture, word: str) -> None:
        super().__init__(picture, "", word)

    def after(self) -> str:
        """The state it leaves."""
        return "latched until 'gridbot reset kill'"

    def reason_to_type(self) -> str:
        """In every mode: it latches, and its key stands beside others."""
        return f"a kill latches: type {self._word} to go on"

    def refusal(self, picture: Picture) -> str:
        """A kill goes out whenever there is a line at all."""
        return "" if picture.controls else "this terminal does not control the bot; 'gridbot kill' always may"


def chosen(snapshot: Snapshot, symbol: str) -> dict[str, SymbolView]:
    """The symbols that are meant; "" is all of them."""
    return {name: view for name, view in snapshot.symbols.items() if not symbol or name == symbol}


def effect_rows(snapshot: Snapshot, views: dict[str, SymbolView], width: int) -> list[Row]:
    """What closing these costs, as exactly as it can be known."""
    orders = sum(view.open_orders for view in views.values())
    stops = sum(1 for view in views.values() if view.stop is not None)
    held = {name: view for name, view in views.items() if closed_of(view)}
    what = words.plural(orders, "order") + (f", among them {words.plural(stops, 'stop')}" if stops else "")
    rows = told(("cancel  ", "dim"), what if orders else "no order rests", width)
    for name, view in list(held.items())[:8]:
        rows += told(("close   ", "dim"), closing(name, view), width, "strong")
    if len(held) > 8:
        rows += told(("close   ", "dim"), f"and {len(held) - 8} more", width, "strong")
    kept = kept_of(snapshot, views)
    for text in kept[:8]:
        rows += told(("keep    ", "dim"), text, width, "dim")
    if len(kept) > 8:
        rows += told(("keep    ", "dim"), f"and {len(kept) - 8} more", width, "dim")
    if not held:
        none = "nothing that an order can close" if kept else "no position is held"
        return rows + told(("close   ", "dim"), none, width)
    cost = costs(views, snapshot.taker_fee)
    places = words.places(snapshot.start_equity)
    fee = "fee -" if cost.fee is None else f"fee about {words.money(format(cost.fee, 'f'), places)} {snapshot.quote}"
    spread = words.money(None if cost.spread is None else format(cost.spread, "f"), places)
    return rows + told(("cost    ", "dim"), f"{fee}, half the spread {spread}", width)


def kept_of(snapshot: Snapshot, views: dict[str, SymbolView]) -> list[str]:
    """What is still there after all this, and whose it is: what may be another hand's, what is, and dust."""
    kept = []
    for one in snapshot.blockers:
        if one.code == "position_unknown" and one.symbol in views:
            kept.append(f"{one.symbol}: {one.detail}; what the ledger does not know is never touched")
        elif one.code == "foreign_position" and len(views) == len(snapshot.symbols):
            kept.append(f"{one.detail}: never touched")
    return kept + [text for name, view in views.items() for text in _kept(name, view)]


def closed_of(view: SymbolView) -> Decimal:
    """What of a position an order will close now, signed."""
    return Decimal(view.position if view.closable is None else view.closable) - Decimal(view.locked)


def _kept(name: str, view: SymbolView) -> Iterator[str]:
    """What stays of a position, and why."""
    others, locked = Decimal(view.others), Decimal(view.locked)
    dust = Decimal(view.position) - others - locked - closed_of(view)
    if locked:
        yield f"{words.size(format(locked, 'f'))} {view.base} ({name}): others' orders hold it, sold once they go"
    if dust:
        yield f"{words.size(format(dust, 'f'))} {view.base} ({name}): dust, too little for any order"
    if others:
        yield f"{words.size(format(others, 'f'))} {view.base} ({name}): another hand's, never touched"


def closing(name: str, view: SymbolView) -> str:
    """``-0.026 BTC of BTCUSDT by market at about 60 004``."""
    position = closed_of(view)
    verb = "sell" if position > 0 else "buy"
    at = words.grouped(view.mark or view.price)
    return f"{verb} {words.size(format(abs(position), 'f'))} {view.base} ({name}) by market, about {at}"


class Cost(NamedTuple):
    """What closing by market costs, quote."""

    fee: Decimal | None
    """None where the fee or a price is unknown."""
    spread: Decimal | None
    """Half of it; None where a best bid or ask is unknown."""


def costs(views: dict[str, SymbolView], taker_fee: str | None) -> Cost:
    """The cost of closing these by market: what is unknown of one of them is unknown of all."""
    fee: Decimal | None = None if taker_fee is None else Decimal(0)
    spread: Decimal | None = Decimal(0)
    for view in views.values():
        size = abs(closed_of(view))
        if not size:
            continue
        price = view.mark or view.price
        fee = None if fee is None or price is None else fee + size * Decimal(price) * Decimal(taker_fee or 0)
        if spread is None or view.bid is None or view.ask is None:
            spread = None
        else:
            spread += size * (Decimal(view.ask) - Decimal(view.bid)) / 2
    return Cost(fee, spread)


def _leaves(snapshot: Snapshot, views: dict[str, SymbolView], state: str, width: int) -> list[Row]:
    cost = costs(views, snapshot.taker_fee)
    after = f"{'only what is kept' if kept_of(snapshot, views) else 'no position'}, {state}"
    if snapshot.equity is None or cost.fee is None:
        text = f"equity -, {after}"
    else:
        equity = Decimal(snapshot.equity) - cost.fee - (cost.spread or 0)
        left = words.money(format(equity, "f"), words.places(snapshot.start_equity))
        text = f"equity about {left} {snapshot.quote}, {after}"
    return told(("leaves  ", "dim"), text, width)
