"""The dashboard: the ladder in the centre and what is needed to understand it around. Layout is in the TCSS."""

from textual.app import ComposeResult
from textual.containers import Container

from gridbot_tui.ui.pane import Pane
from gridbot_tui.ui.panes.blockers import BlockersPane
from gridbot_tui.ui.panes.chart import ChartPane
from gridbot_tui.ui.panes.events import EventsPane, FillsPane
from gridbot_tui.ui.panes.frame import Summary, Tabs
from gridbot_tui.ui.panes.ladder import LadderPane
from gridbot_tui.ui.panes.profit import ProfitPane
from gridbot_tui.ui.panes.risk import RiskPane
from gridbot_tui.ui.panes.systems import SystemsPane
from gridbot_tui.ui.panes.tail import Tail
from gridbot_tui.ui.screens.page import Page

TABS = ("ladder", "chart", "systems", "risk", "blockers", "events", "profit", "fills")
"""Panes in the order of their numbers (and of the grid)."""


class DashboardPage(Page):
    """Eight panes, one at a time where the terminal is small."""

    NAME = "dashboard"

    def body(self) -> ComposeResult:
        """The panes in the order the grid places them."""
        yield Summary()
        yield Tabs([name.capitalize() for name in TABS])
        with Container(id="grid"):
            yield LadderPane(id="ladder", classes="-chosen")
            yield ChartPane(id="chart")
            yield SystemsPane(id="systems")
            yield RiskPane(id="risk")
            yield BlockersPane(id="blockers")
            yield EventsPane(id="events")
            yield ProfitPane(id="profit")
            yield FillsPane(id="fills")
        yield Tail(id="tail")

    def jump(self, number: int) -> None:
        """Focus a pane; on a small terminal it is the one that is shown."""
        if not 1 <= number <= len(TABS):
            return
        chosen = self.query_one(f"#{TABS[number - 1]}", Pane)
        for pane in self.query("#grid > Pane").results(Pane):
            pane.set_class(pane is chosen, "-chosen")
        self.query_one(Tabs).at = number - 1
        self._catch_up()
        self.call_after_refresh(chosen.focus)
