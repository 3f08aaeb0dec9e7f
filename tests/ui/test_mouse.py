"""The mouse, where the config gives it to the app: the wheel looks through panes and lists, a click chooses a tab."""

import pytest
from textual import events
from textual.widget import Widget

from gridbot_tui.ui.pane import WHEEL
from gridbot_tui.ui.panes.frame import Tabs
from gridbot_tui.ui.panes.ladder import LadderPane
from gridbot_tui.ui.screens.log import LogPane
from gridbot_tui.ui.screens.orders import FillsPane
from tests.ui import fixtures
from tests.ui.running import an_app, pane_text, press, settled, shown


def turned(over: Widget, *, down: bool) -> events.MouseEvent:
    """One click of the wheel."""
    kind = events.MouseScrollDown if down else events.MouseScrollUp
    return kind(over, 1, 1, 0, 1 if down else -1, 0, False, False, False)


async def test_the_wheel_looks_through_a_pane() -> None:
    app = an_app(fixtures.many_slots())
    async with shown(app, (80, 24)) as pilot:
        ladder = app.screen.query_one(LadderPane)
        before = pane_text(app, "#ladder")
        ladder.post_message(turned(ladder, down=True))
        await settled(pilot)
        lower = pane_text(app, "#ladder")
        assert lower.splitlines()[2:6] == before.splitlines()[2 + WHEEL : 6 + WHEEL]
        ladder.post_message(turned(ladder, down=False))
        await settled(pilot)
        assert pane_text(app, "#ladder").splitlines()[2:6] == before.splitlines()[2:6]


async def test_in_a_list_the_wheel_moves_the_mark() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "o")
        fills = app.screen.query_one(FillsPane)
        first = fills.marked
        fills.post_message(turned(fills, down=True))
        await settled(pilot)
        assert fills.marked == fills.kept(fixtures.normal().fills, app.picture)[1] != first


async def test_in_the_log_the_wheel_holds_the_view() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "l")
        log = app.screen.query_one(LogPane)
        log.post_message(turned(log, down=False))
        await settled(pilot)
        assert not log.follows


@pytest.mark.parametrize(("name", "pane"), [("2 Chart", "#chart"), ("8 Fills", "#fills"), ("1 Ladder", "#ladder")])
async def test_a_click_on_a_tab_shows_its_pane(name: str, pane: str) -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)) as pilot:
        tabs = app.screen.query_one(Tabs)
        await pilot.click(Tabs, offset=(tabs.plain()[0].index(name) + 1, 0))
        await settled(pilot)
        assert app.screen.query_one(pane).display
