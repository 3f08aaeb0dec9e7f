"""The mouse, where the config gives it to the app: the wheel looks through panes and lists, a click chooses a tab."""

import pytest
from textual import events
from textual.widget import Widget

from gridbot_tui.ui.app import GridApp
from gridbot_tui.ui.dialogs.dialog import Answer
from gridbot_tui.ui.dialogs.flatten import FlattenDialog
from gridbot_tui.ui.pages import PAGES
from gridbot_tui.ui.pane import WHEEL
from gridbot_tui.ui.panes.frame import Tabs
from gridbot_tui.ui.panes.ladder import LadderPane
from gridbot_tui.ui.screens.log import LogPane
from gridbot_tui.ui.screens.orders import FillsPane
from gridbot_tui.ui.typed import Typed
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, pane_text, press, settled, shown

LEFT, MIDDLE, RIGHT = 0, 1, 2
"""Buttons as terminals number them."""


def turned(over: Widget, *, down: bool) -> events.MouseEvent:
    """One click of the wheel."""
    kind = events.MouseScrollDown if down else events.MouseScrollUp
    return kind(over, 1, 1, 0, 1 if down else -1, 0, False, False, False)


def reported(app: GridApp, button: int, x: int, y: int, *, up: bool = False) -> None:
    """What a terminal says of its mouse, as its bytes."""
    assert app._driver is not None
    for message in Typed().take(f"\x1b[<{button};{x + 1};{y + 1}{'m' if up else 'M'}".encode()):
        app._driver.process_message(message)


def clicked(app: GridApp, x: int, y: int, button: int = LEFT) -> None:
    """Pressed and let go in one place."""
    reported(app, button, x, y)
    reported(app, button, x, y, up=True)


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


async def test_one_click_on_an_answer_gives_it() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "f")
        clicked(app, *app.screen.query_one("#answer-flatten", Answer).region.offset)
        await settled(pilot)
        assert link_of(app).orders == [("flatten", {"symbol": "BTCUSDT"})]


@pytest.mark.parametrize("button", [MIDDLE, RIGHT])
async def test_a_click_that_pastes_or_opens_a_menu_elsewhere_answers_no_dialog(button: int) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "f")
        clicked(app, *app.screen.query_one("#answer-flatten", Answer).region.offset, button)
        await settled(pilot)
        assert isinstance(app.screen, FlattenDialog)
        assert not link_of(app).orders


async def test_the_second_click_of_a_double_click_answers_no_dialog_that_the_first_has_opened() -> None:
    app = an_app(fixtures.normal())
    app.CLICK_CHAIN_TIME_THRESHOLD = 60.0  # type: ignore[misc] # this machine may take its time
    async with shown(app) as pilot:
        await press(pilot, "f")
        x, y = app.screen.query_one("#answer-flatten", Answer).region.offset
        await press(pilot, "escape")
        clicked(app, x, y)
        await settled(pilot)
        app.action_flatten()
        await settled(pilot)
        clicked(app, x, y)
        await settled(pilot)
        assert isinstance(app.screen, FlattenDialog)
        assert not link_of(app).orders


async def test_a_drag_over_the_panes_copies_no_names_of_widgets_and_leaves_ctrl_c_its_word() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        reported(app, 0, 10, 5)
        reported(app, 32, 60, 12)
        reported(app, 0, 60, 12, up=True)
        await press(pilot, "ctrl+c")
        assert not app.clipboard
        assert "ends nothing here" in app.picture.notes[-1].text


@pytest.mark.parametrize("page", ["", *(one.name for one in PAGES)])
async def test_no_click_and_no_wheel_on_a_page_orders_anything(page: str) -> None:
    app = an_app(fixtures.six_symbols())
    async with shown(app, (80, 24)) as pilot:
        if page:
            app.action_page(page)
            await settled(pilot)
        opened = app.screen
        for at in range(0, 80 * 24, 61):
            y, x = divmod(at, 80)
            for button in (LEFT, MIDDLE, RIGHT, 64, 65):
                reported(app, button, x, y)
                reported(app, button, x, y, up=True)
            await pilot.pause(0)
        await settled(pilot)
        assert not link_of(app).orders
        assert app.screen is opened
