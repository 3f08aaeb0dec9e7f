"""Pages beside the dashboard as pictures: few, each for a layout or colours that words cannot pin."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.ui.app import Look
from gridbot_tui.ui.dialogs.change import ChangeDialog
from gridbot_tui.ui.screens.config import ConfigPage
from tests.ui import fixtures
from tests.ui.running import an_app, press, settled

Compare = Callable[..., bool]
CONFIG = """# One grid on two symbols.
[bot]
symbols = ["BTCUSDT", "ETHUSDT"]

[risk]
leverage_cap = 4.0  # half of what it may be
"""
PREVIEW = CommandOutcome(
    "1",
    True,
    "would change 2 keys",
    {
        "changes": "ladder.spacing_floor: 0.004 -> 0.006 (at the next decision)\n"
        "risk.leverage_cap: 5.0 -> 4.0 x (at once)",
        "desired": "BTCUSDT: cancel 4, create 4, keep 2, spacing 2.84 % -> 3.10 %\nETHUSDT: cancel 1, create 0, keep 1",
        "what_if": "BTCUSDT buys filled: margin 812.00 -> 640.00, 1.12x -> 0.83x, -2.9 % at 53938.0, T0, "
        "liquidation 24880.0",
    },
)


async def judged(page: ConfigPage) -> None:
    """Until the text has been judged, in its thread."""
    async with asyncio.timeout(30):
        while page.checked != page.area.text:  # noqa: ASYNC110 - the page tells nobody
            await asyncio.sleep(0.005)


@pytest.fixture
def same(snap_compare: Compare) -> Callable[..., bool]:
    """Is this page at this size, after these keys, as it was?"""

    def compare(size: tuple[int, int], *keys: str, look: Look | None = None, change: bool = False) -> bool:
        app = an_app(replace(fixtures.normal(), orders=fixtures.orders(), config_text=CONFIG), look=look)

        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            for key in keys:
                await press(pilot, key)
                if isinstance(app.screen, ConfigPage):
                    await judged(app.screen)
            await settled(pilot)
            if change:
                _ = app.push_screen(ChangeDialog(app.picture, PREVIEW, 3))
                await settled(pilot)

        return snap_compare(app, terminal_size=size, run_before=before)

    return compare


def test_learning_in_two_columns(same: Compare) -> None:
    assert same((120, 40), "L")


def test_a_config_change_as_a_difference(same: Compare) -> None:
    assert same((120, 40), change=True)


def test_orders_on_a_small_terminal_in_sixteen_colours(same: Compare) -> None:
    assert same((80, 24), "o", look=Look(theme="ansi-16"))


def test_a_search_in_the_log_for_the_colour_blind(same: Compare) -> None:
    assert same((80, 24), "l", "slash", *"plan", "enter", look=Look(theme="colour-blind"))


def test_the_config_editor_with_a_fault(same: Compare) -> None:
    assert same((120, 40), "e", "home", *"oops ", "ctrl+n")


def test_decisions_on_a_small_terminal(same: Compare) -> None:
    assert same((80, 24), "d")


def test_connections_in_light(same: Compare) -> None:
    assert same((120, 40), "c", look=Look(theme="light"))


def test_the_log_in_ascii(same: Compare) -> None:
    assert same((120, 40), "l", look=Look(symbols="ascii"))


def test_what_if_level_by_level_in_three_columns(same: Compare) -> None:
    assert same((200, 60), "x")


def test_help_from_the_bindings(same: Compare) -> None:
    assert same((100, 60), "question_mark")
