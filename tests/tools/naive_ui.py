"""The dashboard as one would write it first: stock widgets, updated where the events arrive. Only to compare with."""

import asyncio
from pathlib import Path

from textual.app import App, ComposeResult
from textual.containers import Horizontal, Vertical
from textual.widgets import DataTable, Footer, Header, RichLog, Static

from gridbot_tui.control.client import ControlClient
from gridbot_tui.control.messages import Role
from gridbot_tui.control.snapshot import Snapshot

EVENTS_A_SECOND = 20


class Naive(App[None]):
    """Each event updates every widget it touches."""

    CSS = "DataTable { width: 1fr; } #chart { height: 1fr; } RichLog { height: 10; } #state { height: 3; }"

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path

    def compose(self) -> ComposeResult:
        """Status, table, chart, log."""
        yield Header(show_clock=True)
        yield Static(id="state")
        with Horizontal():
            yield DataTable()
            with Vertical():
                yield Static(id="chart")
                yield RichLog()
        yield Footer()

    def on_mount(self) -> None:
        """Columns, and the stream."""
        self.query_one(DataTable).add_columns("price", "delta", "side", "qty", "state", "p/l")
        self.run_worker(self._read())

    async def _read(self) -> None:
        client = await ControlClient.connect(Path(self._path), role=Role.FACE, name="naive")
        async for snapshot in client.snapshots():
            # One picture stands for the events since the last: a handler for each is what is compared.
            for _ in range(EVENTS_A_SECOND // 4):
                self._event(snapshot)
                await asyncio.sleep(0.25 * 4 / EVENTS_A_SECOND)

    def _event(self, snapshot: Snapshot) -> None:
        from rich.text import Text

        from gridbot_tui.ui.charts import PlotextRenderer
        from gridbot_tui.ui.panes.chart import chart_of

        view = snapshot.symbols["BTCUSDT"]
        self.query_one("#state", Static).update(
            f"{snapshot.mode} {snapshot.state} equity {snapshot.equity} T{snapshot.tier} price {view.price}"
        )
        table = self.query_one(DataTable)
        table.clear()
        for rung in view.ladder:
            delta = f"{float(rung.price) / float(view.price or 1) - 1:+.2%}"
            table.add_row(rung.price, delta, rung.side, rung.quantity, rung.state, rung.profit)
        chart = self.query_one("#chart", Static)
        rows = PlotextRenderer().render(
            chart_of(snapshot, view, "BTCUSDT"), max(20, chart.size.width), max(5, chart.size.height), "braille"
        )
        chart.update(Text("\n".join("".join(text for text, _ in row) for row in rows)))
        if snapshot.events:
            self.query_one(RichLog).write(snapshot.events[0].text)


def main(path: str) -> None:
    """Run it."""
    Naive(path).run(mouse=False)
