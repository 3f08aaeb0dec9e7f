"""The price chart pane: at most once a second, and only while it can be seen."""

import time
from collections.abc import Sequence

from gridbot_tui.control.snapshot import Snapshot, SymbolView
from gridbot_tui.ui import words
from gridbot_tui.ui.charts import Chart, ChartRenderer, Mark, PlotextRenderer
from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import Row
from gridbot_tui.units import Ms

REDRAW_S = 1.0


class ChartPane(Pane):
    """Candles with the ladder's prices and the fills on them."""

    TITLE = "Price"

    def __init__(self, renderer: ChartRenderer | None = None, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._renderer = renderer or PlotextRenderer()
        self._drawn_at = 0.0
        self._kept: tuple[str, int, int, list[Row]] | None = None
        self._wanted: tuple[str, int, int, Chart] | None = None
        self._asked_at: float | None = None
        """Since when a drawing is awaited. One that was to follow a dialog's refresh is lost where the dialog closes
        first, so after a while it is asked for again."""

    def build(self, picture: Picture, width: int, height: int) -> Sequence[Row]:
        """The chart; the one of a second ago where it is too early for another."""
        view, snapshot = picture.view, picture.snapshot
        if view is None or snapshot is None:
            return [(("no symbol" if picture.snapshot else words.UNKNOWN, "dim"),)]
        if len(view.bars) < 2:
            return [(("no price history yet", "dim"),)]
        if snapshot.past_until is not None and not snapshot.pnl.fills:
            # The first chart takes as long as days of this past, in the same interpreter: votes, ladder and fills come
            # first.
            return [(("drawn after the first fill", "dim"),)]
        kept = self._kept
        fresh = kept is not None and kept[:3] == (picture.symbol, width, height)
        now = time.monotonic()
        if not fresh or now - self._drawn_at >= REDRAW_S:
            self._wanted = (picture.symbol, width, height, chart_of(snapshot, view, picture.symbol))
            if self._asked_at is None or now - self._asked_at >= REDRAW_S:
                self._asked_at = now
                # After the other panes are on the screen: a key is not to wait the 15 ms this takes.
                self.call_after_refresh(self._draw)
        return kept[3] if fresh and kept is not None else []

    def _draw(self) -> None:
        self._asked_at = None
        if self._wanted is None:
            return
        symbol, width, height, chart = self._wanted
        rows = self._renderer.render(chart, width, height, self.symbols)
        last = f"last {words.grouped(chart.bars[-1].close)}"
        self._kept = (symbol, width, height, rows or [((last, "price"),)])
        self._drawn_at, self._wanted = time.monotonic(), None
        self._again()

    def title(self, picture: Picture) -> Row:
        """What one candle is."""
        view = picture.view
        if view is None or len(view.bars) < 2:
            return (("Price", "title"),)
        step = view.bars[-1].at - view.bars[-2].at
        return (("Price ", "title"), (f"{words.span(step)} candles · {words.grouped(view.price)}", "dim"))

    def age(self, picture: Picture) -> Ms | None:
        """Age of the prices."""
        return picture.data_age()

    def old(self, picture: Picture) -> bool:
        """Of the prices, too."""
        return picture.stale or picture.prices_old


def chart_of(snapshot: Snapshot, view: SymbolView, symbol: str) -> Chart:
    """What the chart shows of a picture: closed bars, resting rungs, fills within."""
    first = view.bars[0].at
    marks = tuple(
        Mark(fill.at, float(fill.price), fill.side)
        for fill in snapshot.fills
        if fill.symbol == symbol and fill.at >= first
    )
    levels = [(float(rung.price), rung.side) for rung in view.ladder if rung.state in ("resting", "partly filled")]
    if view.stop is not None:
        levels.append((float(view.stop.trigger), "stop"))
    if view.price is not None:
        levels.append((float(view.price), "last"))
    return Chart(view.bars, tuple(levels), marks, view.tick_decimals)
