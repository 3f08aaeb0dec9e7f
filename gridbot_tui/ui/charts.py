"""The price chart, drawn by plotext: candles, the ladder's prices, fills. One protocol, one implementation.

plotext has one global figure, so charts are built one after the other on the app's own thread; without
``terminal.limit(False, False)`` it would silently clamp the size to the terminal's.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Final, Protocol

from msgspec import Struct
from rich.style import Style
from rich.text import Text

from gridbot_tui.control.snapshot import BarView
from gridbot_tui.ui import words
from gridbot_tui.ui.glyphs import Symbols
from gridbot_tui.ui.rows import Row, Span
from gridbot_tui.units import Ms


class Mark(Struct, frozen=True):
    """A fill on the chart."""

    at: Ms
    price: float
    side: str


class Chart(Struct, frozen=True):
    """What is drawn; equal charts are drawn once."""

    bars: tuple[BarView, ...]
    levels: tuple[tuple[float, str], ...]
    """(price, buy|sell|stop|last) lines across."""
    marks: tuple[Mark, ...]
    decimals: int


# plotext's colours by number, each a role of ours: so a chart follows the palette, to colour-blind and to none.
_PAINT: Final = {"buy": "cyan", "sell": "magenta", "stop": "yellow", "last": "blue"}
_ROLES: Final = {1: "loss", 2: "gain", 3: "warn", 4: "price", 5: "sell", 6: "buy"}


class ChartRenderer(Protocol):
    """Draws a chart of exactly this many cells."""

    def render(self, chart: Chart, width: int, height: int, symbols: Symbols) -> list[Row]:
        """The rows; empty where there is nothing to draw."""
        ...


class PlotextRenderer:
    """plotext 6, memoised on everything that matters."""

    def render(self, chart: Chart, width: int, height: int, symbols: Symbols) -> list[Row]:
        """The rows; empty where there is nothing to draw or no room."""
        if len(chart.bars) < 2 or width < 20 or height < 5:
            return []
        return list(_draw(chart, width, height, symbols))


@lru_cache(maxsize=8)
def _draw(chart: Chart, width: int, height: int, symbols: Symbols) -> tuple[Row, ...]:
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.canvas("default")
    bars = chart.bars[-max(2, width - 12) :]
    if symbols == "ascii":
        figure.draw(figure.signal([float(bar.close) for bar in bars], marker="*").lines())
    else:
        figure.draw(_candles(figure, bars))
    low, high = _reach(chart, bars)
    figure.ruler("y").lim(low, high)
    for price, kind in chart.levels:
        if low <= price <= high:
            figure.line(price, style="dotted", pixel=_PAINT[kind])
    _marks(figure, plotext, chart, bars)
    _axes(figure, bars, low, high, chart.decimals, width, height)
    text = Text.from_ansi(figure.build().string().rstrip("\n"))
    return tuple(_row(line) for line in text.split("\n"))[:height]


def _reach(chart: Chart, bars: Sequence[BarView]) -> tuple[float, float]:
    """Lowest and highest price on the axis: of the candles, and of now, however far the last hour has gone."""
    now = [price for price, kind in chart.levels if kind == "last"]
    return min(*(float(bar.low) for bar in bars), *now), max(*(float(bar.high) for bar in bars), *now)


def _candles(figure: Any, bars: Sequence[BarView]) -> Any:
    return figure.candlestick(
        {
            "date": list(range(len(bars))),
            "open": [float(bar.open) for bar in bars],
            "high": [float(bar.high) for bar in bars],
            "low": [float(bar.low) for bar in bars],
            "close": [float(bar.close) for bar in bars],
        }
    )


def _marks(figure: Any, plotext: Any, chart: Chart, bars: Sequence[BarView]) -> None:
    for mark in chart.marks:
        x = _place(mark.at, bars)
        if x >= 0:
            sign = "▲" if mark.side == "buy" else "▼"
            coloured = plotext.colorize(sign, _PAINT.get(mark.side, "blue"))
            figure.draw(figure.text(x, mark.price, coloured, alignment="center"))


def _place(at: Ms, bars: Sequence[BarView]) -> float:
    """Which bar a moment falls into; -1 before the first."""
    if at < bars[0].at:
        return -1.0
    step = max(1, bars[1].at - bars[0].at)
    return min(float(len(bars) - 1), (at - bars[0].at) / step)


def _axes(
    figure: Any, bars: Sequence[BarView], low: float, high: float, decimals: int, width: int, height: int
) -> None:
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    count = max(2, min(5, height // 4))
    # Each label stands where its own price is: between the ticks of a tiny one two would read alike.
    prices = sorted({round(low + (high - low) * at / (count - 1), decimals) for at in range(count)})
    figure.ruler("y").ticks(prices, [words.grouped(f"{price:.{decimals}f}") for price in prices])
    count = max(2, min(6, width // 20))
    places = [round(at * (len(bars) - 1) / (count - 1)) for at in range(count)]
    figure.ruler("x").ticks(places, [words.moment(bars[at].at).strip() for at in places])


def _row(line: Text) -> Row:
    """A line of plotext's as spans of ours, neighbours of one role joined."""
    plain = line.plain
    roles = ["dim"] * len(plain)
    for span in line.spans:
        style = span.style if isinstance(span.style, Style) else Style.parse(span.style)
        colour = None if style.color is None else style.color.number
        role = _ROLES.get(colour, "dim") if colour is not None else "dim"
        for at in range(span.start, min(span.end, len(plain))):
            roles[at] = role
    found: list[Span] = []
    for sign, role in zip(plain, roles, strict=True):
        if found and (found[-1][1] == role or sign == " "):
            found[-1] = (found[-1][0] + sign, found[-1][1])
        else:
            found.append((sign, role))
    return tuple(found)
