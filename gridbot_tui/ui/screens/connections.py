"""Connections: how long each source has been silent, how often it was lost, how fast it is, what it may still ask."""

from collections.abc import Sequence

from textual.app import ComposeResult
from textual.containers import Vertical

from gridbot_tui.control.snapshot import LinkView, RateView, Snapshot
from gridbot_tui.ui import lines, words
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import OLD_AFTER, Line, Picture
from gridbot_tui.ui.rows import Row, cells, left, right, width_of, wrapped
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.units import Ms

SILENT: Ms = OLD_AFTER
"""A source of real time that has said nothing for so long is named; in virtual time ages are of that time."""
COMPARED_S = 60.0
"""Between two comparisons with the exchange where the bot does not say: the config's default."""


class LinksPane(Pane):
    """The exchange's connections, as the bot sees them."""

    TITLE = "Connections"
    PINNED = 1

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """A row each, and more where its detail is longer."""
        snapshot = picture.snapshot
        if snapshot is None:
            return [(("-", "dim"),)]
        rows: list[Row] = [
            (
                (left("name", 15), "dim"),
                (left("state", 10), "dim"),
                (right("age", 6), "dim"),
                (right("lost", 6), "dim"),
                (right("latency", 10), "dim"),
                ("  detail", "dim"),
            )
        ]
        for one in snapshot.links:
            rows += link_rows(one, picture, width)
        return rows if snapshot.links else [*rows, (("no connection is reported", "dim"),)]

    def status(self, picture: Picture) -> Row:
        """How many are up."""
        found = picture.snapshot.links if picture.snapshot else ()
        down = sum(1 for one in found if not one.up)
        return ((f"{down} down", "bad"),) if down else ((f"{len(found)} up", "dim"),)


def link_rows(link: LinkView, picture: Picture, width: int) -> list[Row]:
    """Name, state in sign and word, age, reconnects, latency, detail: whole, for it says what is wrong and for how
    long, below where there is no room beside."""
    age = _age(link.age_ms, picture)
    sign, word, role = ("●", "up", "good") if link.up else ("✗", "down", "bad")
    if link.up and _silent(age, picture):
        sign, word, role = "○", "silent", "warn"
    latency = words.UNKNOWN if link.latency_ms is None else f"{words.ratio(link.latency_ms, 0)} ms"
    row: Row = (
        (left(link.name, 15), "strong"),
        (left(f"{sign} {word}", 10), role),
        (right(words.span(age), 6), role),
        (right(str(link.reconnects), 6), "warn" if link.reconnects else "dim"),
        (right(latency, 10), "text"),
    )
    beside = f"  {link.detail or words.UNKNOWN}"
    if width_of(row) + cells(beside) <= width:
        return [(*row, (beside, "dim"))]
    return [row, *((("  ", "text"), *part) for part in wrapped(link.detail, width - 2, "dim"))]


class RatePane(Pane):
    """What the exchange still lets us ask."""

    TITLE = "Request budget"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """One meter a limit; a dash where the bot reports none."""
        rates = [rate for link in (picture.snapshot.links if picture.snapshot else ()) for rate in link.rates]
        if not rates:
            return [(("-  ", "dim"), ("no limit is reported (the simulated exchange has none)", "dim"))]
        return [rate_row(rate, max(6, min(40, width - 46))) for rate in rates]


def rate_row(rate: RateView, bar: int) -> Row:
    """Name, a meter, used of limit."""
    share = rate.used / rate.limit if rate.limit else None
    role = "good" if share is None or share < 0.5 else "warn" if share < 0.8 else "bad"
    return (
        (left(rate.name, 16), "strong"),
        *lines.meter(share, bar, role),
        (f"  {right(str(rate.used), 6)} of {rate.limit} in {words.span(rate.window_s * 1000)}", role),
        (f"  {words.percent(share, 0, signed=False)}", "dim"),
    )


class AgesPane(Pane):
    """How old each piece of knowledge is, and the line from this terminal to the bot."""

    TITLE = "Ages"

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The line to the bot first, then every source."""
        rows = _line_rows(picture)
        if picture.snapshot is not None:
            rows += [*_bot_rows(picture.snapshot), ()]
            ages = sorted(picture.snapshot.ages.items())
            wide = max([15, *(cells(name) for name, _ in ages)])
            rows += [_source_row(name, age, picture, wide) for name, age in ages]
        return rows


def _line_rows(picture: Picture) -> list[Row]:
    sign, role = {Line.UP: ("●", "good"), Line.LOST: ("✗", "bad")}.get(picture.line, ("◌", "accent"))
    if picture.stale and picture.line is Line.UP:
        sign, role = "○", "warn"
    who = "reads only (--read-only)" if picture.read_only else "controls" if picture.controls else "reads only"
    return [
        (("this terminal  ", "dim"), (f"{sign} {picture.line.value}", role), (f"  {picture.line_detail}", "warn")),
        (("last heard     ", "dim"), (words.span(picture.silence()), role), (f"   {who}", "text")),
    ]


def _bot_rows(snapshot: Snapshot) -> list[Row]:
    return [
        (("controller     ", "dim"), (snapshot.controller or "nobody", "text")),
        (("viewers        ", "dim"), (str(snapshot.viewers), "text")),
        (("speed          ", "dim"), (f"{snapshot.speed}x" if snapshot.speed != "max" else "max", "text")),
    ]


def _source_row(name: str, told: Ms | None, picture: Picture, wide: int) -> Row:
    age = _age(told, picture)
    silent = _silent(age, picture, _expected(name, picture))
    word = "  STALE" if silent else "  never heard" if age is None else ""
    return (
        (left(name, wide), "strong"),
        (right(words.span(age), 6), "warn" if silent or age is None else "text"),
        (word, "warn"),
    )


def _age(told: Ms | None, picture: Picture) -> Ms | None:
    """As old as it is by now: virtual ages stand while the bot is silent, for its clock does too."""
    return told if picture.virtual else picture.grown(told)


def _silent(age: Ms | None, picture: Picture, after: Ms = SILENT) -> bool:
    return age is not None and not picture.virtual and age > after


def _expected(name: str, picture: Picture) -> Ms:
    """The account is as old as the last comparison with the exchange; two of them missed are news."""
    if name != "account" or picture.snapshot is None:
        return SILENT
    return SILENT + round(2000 * (picture.snapshot.compared_every_s or COMPARED_S))


class ConnectionsPage(Page):
    """Three panes, one over the other."""

    NAME = "connections"
    PANES = (LinksPane, RatePane, AgesPane)
    AUTO_FOCUS = "LinksPane"
    DEFAULT_CSS = """
    ConnectionsPage LinksPane { height: 2fr; }
    ConnectionsPage RatePane { height: 1fr; }
    ConnectionsPage AgesPane { height: 2fr; }
    """

    def body(self) -> ComposeResult:
        """Connections, budget, ages."""
        with Vertical(id="body"):
            yield LinksPane(id="links")
            yield RatePane(id="rates")
            yield AgesPane(id="ages")
