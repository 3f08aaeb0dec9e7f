"""What happened, newest first, and the last fills."""

from collections.abc import Sequence

from gridbot_tui.control.snapshot import EventView, FillView
from gridbot_tui.ui import words
from gridbot_tui.ui.folded import folded
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row, cells, left

LEVELS = {"debug": "dim", "info": "text", "note": "dim", "warning": "warn", "error": "bad", "critical": "bad"}

QUIET = ("debug", "info", "note")


class EventsPane(Pane):
    """The event feed and this terminal's own notes."""

    TITLE = "Events"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Newest first."""
        found = event_rows(picture)
        return found or [(("nothing has happened yet" if picture.snapshot else words.UNKNOWN, "dim"),)]

    def status(self, picture: Picture) -> Row:
        """Age of the latest."""
        events = latest(picture, 1)
        return ((f"last {words.span(picture.now() - events[0].at)} ago", "dim"),) if events else ()


class FillsPane(Pane):
    """The last fills of every symbol."""

    TITLE = "Fills"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """Newest first."""
        fills = picture.snapshot.fills if picture.snapshot else ()
        if not fills:
            return [(("no fill yet", "dim"),)]
        wide = max([10, *(cells(one.symbol) for one in fills)])
        ordered = sorted(fills, key=lambda fill: -fill.at)
        return [fill_row(one, picture.now(), width, picture.places, wide) for one in ordered]


def latest(picture: Picture, count: int = 200) -> list[EventView]:
    """The newest events of the bot and notes of this terminal."""
    events = list(picture.snapshot.events) if picture.snapshot else []
    return sorted([*picture.notes[::-1], *events], key=lambda event: -event.at)[:count]


def event_rows(picture: Picture, count: int = 200) -> list[Row]:
    """One row an event: time, what, whom, in words; orders of one moment share a row."""
    shown = folded(latest(picture))[:count]
    wide = max([4, *(min(12, len(event.code)) for event in shown)])
    return [
        (
            (words.clock(event.at), "dim"),
            (
                f" {left(event.code.replace('_', ' '), wide)}",
                "accent" if event.level in ("debug", "info", "note") else LEVELS.get(event.level, "text"),
            ),
            (f" {event.symbol}" if event.symbol else "", "strong"),
            (f" {event.text}", LEVELS.get(event.level, "text")),
        )
        for event in shown
    ]


def fill_row(fill: FillView, now: int, width: int = 80, places: int = 2, wide: int = 10) -> Row:
    """One fill; its age instead of its time where there is little room."""
    profit = "" if float(fill.grid_profit) == 0 else words.money(fill.grid_profit, places, signed=True)
    return (
        (f"{words.since(fill.at, now):>12} " if width >= 64 else f"{words.span(now - fill.at):>4} ", "dim"),
        (left(fill.symbol, wide) + " ", "strong"),
        (f"{fill.side:<4} ", fill.side if fill.side in ("buy", "sell") else "text"),
        (f"{words.grouped(fill.quantity):>10} @ {words.grouped(fill.price)}", "text"),
        (f"  {profit}", "loss" if profit.startswith(words.MINUS) else "gain"),
        ("" if fill.maker else " taker", "warn"),
    )
