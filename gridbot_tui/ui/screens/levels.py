"""What-if level by level: the position and the account after each rung of the running ladder, on one price axis."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import RungView, Snapshot, SymbolView
from gridbot_tui.ui import words
from gridbot_tui.ui.rows import Row, joined, right

STANDING = ("resting", "partly filled", "sending", "unresolved")
_WIDTHS = (12, 9, 16, 16, 11, 11, 7)
WIDTH = sum(_WIDTHS) + len(_WIDTHS) - 1


def level_rows(snapshot: Snapshot, view: SymbolView, room: int) -> list[Row]:
    """A heading and a row a level, highest first, with now between; the farthest are left out where there is no room.

    What happens on the way to a level: all rungs up to it fill at their own prices, nothing closes in between.
    """
    mark = view.mark or view.price
    if mark is None or snapshot.equity is None or room < 4:
        return []
    buys, sells = _side(view, "buy"), _side(view, "sell")
    names = ("level", "away", "fills", f"position {view.base}", "result", "equity", "lev")
    each = max(1, (room - 2) // 2)
    rows: list[Row] = [joined([((right(name, size), "dim"),) for name, size in zip(names, _WIDTHS, strict=True)], " ")]
    rows += reversed(_walk(snapshot, view, float(mark), sells, -1)[:each])
    rows.append(_row((words.grouped(mark), "now", "", words.size(view.position), "", *_account(snapshot, view))))
    rows += _walk(snapshot, view, float(mark), buys, 1)[:each]
    return rows


def _side(view: SymbolView, side: str) -> list[RungView]:
    """Standing rungs of a side, the nearest first."""
    found = [one for one in view.ladder if one.side == side and one.state in STANDING]
    return sorted(found, key=lambda one: float(one.price), reverse=side == "buy")


def _walk(snapshot: Snapshot, view: SymbolView, mark: float, rungs: Sequence[RungView], sign: int) -> list[Row]:
    """One row a rung: everything up to it has filled and the price stands there."""
    held, equity = float(view.position), float(snapshot.equity or 0)
    places = words.places(snapshot.start_equity)
    found: list[Row] = []
    paid = position = 0.0
    for rung in rungs:
        price, size = float(rung.price), float(rung.quantity) - float(rung.filled)
        position += sign * size
        paid += sign * size * price
        result = held * (price - mark) + position * price - paid
        after = held + position
        leverage = abs(after) * price / (equity + result) if equity + result > 0 else None
        found.append(
            _row(
                (
                    words.grouped(rung.price),
                    words.percent(price / mark - 1.0),
                    f"{rung.side} {words.grouped(rung.quantity)}",
                    words.grouped(f"{after:.{_places(rung.quantity)}f}"),
                    words.money(f"{result:.8f}", places, signed=True),
                    words.short_money(f"{equity + result:.8f}", places),
                    words.times(leverage),
                ),
                rung.side,
                "loss" if result < 0 else "gain",
            )
        )
    return found


def _account(snapshot: Snapshot, view: SymbolView) -> tuple[str, str]:
    return words.short_money(snapshot.equity, words.places(snapshot.start_equity)), words.times(view.leverage)


def _row(cells: Sequence[str], side: str = "dim", result: str = "dim") -> Row:
    roles = ("price" if side != "dim" else "dim", "dim", side, "text", result, "text", "text")
    placed = [((right(text, size), role),) for text, size, role in zip(cells, _WIDTHS, roles, strict=True)]
    return joined(placed, " ")


def _places(quantity: str) -> int:
    """Decimals that a quantity is written with."""
    return len(quantity.partition(".")[2])
