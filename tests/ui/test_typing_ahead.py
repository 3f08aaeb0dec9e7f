"""Keys that come faster than the app paints, as over a slow line that catches up: none ends it, none counts twice."""

import asyncio
from collections.abc import Sequence
from random import Random

import pytest
from rich.style import Style
from textual import events
from textual.geometry import Size

from gridbot_tui.control.messages import ControlAsked
from gridbot_tui.ui.app import Ended, GridApp
from gridbot_tui.ui.dialogs.dialog import Dialog
from gridbot_tui.ui.dialogs.flatten import FlattenDialog
from gridbot_tui.ui.dialogs.palette import Found, Palette
from gridbot_tui.ui.dialogs.symbol import SymbolDialog
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.screens.portfolio import PortfolioPage
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, press, settled, shown

KEYS = [*"123456789sSnNpPtTlLoOcCdDgGhHkKmMvVrReEiIwWaAbBfFuU?/ "]
KEYS += ["enter", "escape", "tab", "shift+tab", "up", "down", "left", "right", "pagedown", "home", "ctrl+f", "ctrl+p"]


def burst(app: GridApp, keys: Sequence[str]) -> None:
    """All of them arrive before any is dealt with."""
    for key in keys:
        app.post_message(events.Key(key, key if len(key) == 1 else None))


@pytest.mark.parametrize("seed", range(4))
async def test_no_burst_of_keys_ends_the_app(seed: int) -> None:
    draw, app = Random(seed), an_app(fixtures.normal())
    async with shown(app, (120, 40) if seed % 2 else (80, 24)) as pilot:
        for _ in range(40):
            burst(app, draw.choices(KEYS, k=draw.randint(1, 5)))
            for _ in range(draw.randint(0, 5)):
                await asyncio.sleep(0)
                app.flush()
        await settled(pilot)
        assert app.is_running


async def test_a_page_key_before_the_palette_is_laid_out_moves_nothing() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        burst(app, ["ctrl+p", "pagedown", "pagedown", "up", "pageup"])
        await settled(pilot)
        assert app.is_running
        burst(app, ["escape", "escape", "escape"])
        await settled(pilot)
        assert isinstance(app.screen, Page)


async def test_a_dialog_that_was_only_just_opened_can_be_flushed() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        app.action_symbol()
        assert isinstance(app.screen, SymbolDialog)
        app.flush()
        await settled(pilot)
        await press(pilot, "e", "t", "h", "enter", "enter")
        assert app.picture.symbol == "ETHUSDT"


@pytest.mark.parametrize("key", ["escape", "enter"])
async def test_the_second_of_two_closing_keys_closes_nothing_more(key: str) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "o")
        before = app.screen_stack[:]
        await press(pilot, "s")
        burst(app, [key, key, key])
        await settled(pilot)
        assert app.is_running
        assert app.screen_stack[:1] == before[:1]
        assert isinstance(app.screen, Page)


async def test_a_flatten_confirmed_twice_in_a_breath_is_one_flatten() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "f")
        dialog = app.screen
        assert isinstance(dialog, Dialog)
        await pilot.press("tab")
        burst(app, ["enter", "enter", "enter"])
        await settled(pilot)
        dialog.answer("flatten")  # and once more, from a key that was still on its way to the dialog
        await settled(pilot)
        assert link_of(app).orders == [("flatten", {"symbol": "BTCUSDT"})]


async def test_keys_and_sizes_that_come_while_the_app_leaves_do_not_turn_its_end_into_a_crash() -> None:
    app = an_app(fixtures.normal())
    async with app.run_test(size=(80, 24)) as pilot:
        await settled(pilot)
        app.exit(Ended("detached"))
        for _ in range(50):
            burst(app, ["escape", "enter", "x", "ctrl+p"])
            app.post_message(events.Paste("x"))
            app.post_message(events.Resize(Size(60, 20), Size(60, 20)))
            await asyncio.sleep(0)
    assert app.return_value == Ended("detached")


async def test_the_palette_opens_again_over_a_dialog_that_came_over_it() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+p")
        app.control_asked(ControlAsked("me", "another", True, 30.0))
        await settled(pilot)
        burst(app, ["ctrl+p", "escape", "ctrl+p"])
        await settled(pilot)
        assert app.is_running


async def test_a_click_on_a_line_of_the_palette_that_the_search_took_away_chooses_nothing() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+p")
        found = app.screen.query_one(Found)
        style = Style(meta={"option": found.option_count + 3})
        found.post_message(events.Click(found, 1, 1, 0, 0, 1, False, False, False, style=style))
        await settled(pilot)
        assert isinstance(app.screen, Palette)
        await press(pilot, *"all symbols")
        await press(pilot, "enter")
        assert isinstance(app.screen, PortfolioPage)


async def test_a_symbol_that_goes_while_the_list_marks_it_is_not_chosen() -> None:
    app = an_app(fixtures.six_symbols())
    async with shown(app) as pilot:
        await press(pilot, "s", *["down"] * 5)
        app.picture.receive(fixtures.normal())
        burst(app, ["enter"])
        await settled(pilot)
        assert app.picture.symbol == "ETHUSDT", "the last one there is"


async def test_a_search_of_the_palette_that_outlives_it_does_not_end_the_app() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        palette = Palette()
        _ = app.push_screen(palette)
        palette._gather_commands("x")  # before its list is there
        await settled(pilot)
        await pilot.press("a")
        burst(app, ["l", "escape", "l"])
        palette._gather_commands("y")
        await settled(pilot)
        palette._gather_commands("z")  # when it has gone
        await settled(pilot)
        assert app.is_running
        assert isinstance(app.screen, Page)


async def test_a_dialog_that_is_mounted_before_its_answers_are_focuses_nothing() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        dialog = FlattenDialog(app.picture, "BTCUSDT")
        dialog.on_mount()
        await settled(pilot)
        assert app.is_running


@pytest.mark.parametrize(
    ("page", "key"),
    [("config", "ctrl+f"), ("config", "escape"), ("orders", "2"), ("log", "escape"), ("portfolio", "escape")],
)
async def test_a_key_for_a_page_that_is_not_there_yet_waits_for_it(page: str, key: str) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        app.action_page(page)
        opened = app.screen
        assert isinstance(opened, Page)
        for priority in (True, False):
            _ = await app._check_bindings(key, priority=priority)
        await settled(pilot)
        assert app.is_running
        if key == "escape":
            assert app.screen is not opened
        else:
            assert app.screen is opened
            assert app.focused is not None
            assert app.focused.id == ("find" if key == "ctrl+f" else "traded")
