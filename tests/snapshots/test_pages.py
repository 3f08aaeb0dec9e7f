"""Pages beside the dashboard as pictures: few, each for a layout or colours that words cannot pin."""

from collections.abc import Callable
from typing import Any

import pytest
from msgspec.structs import replace
from textual.pilot import Pilot

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.ui.app import Look
from gridbot_tui.ui.dialogs.change import ChangeDialog
from tests.ui import fixtures
from tests.ui.running import an_app, settled

Compare = Callable[..., bool]
PREVIEW = CommandOutcome(
    "1",
    True,
    "would change 2 keys",
    {
        "changes": "ladder.spacing_floor: 0.004 -> 0.006 fraction (at the next decision)\n"
        "risk.leverage_cap: 5.0 -> 4.0 x (at once)",
        "desired": "BTCUSDT: cancel 4, create 4, keep 2, spacing 2.84 % -> 3.10 %\nETHUSDT: cancel 1, create 0, keep 1",
        "what_if": "BTCUSDT buys filled: margin 812.00 -> 640.00, 1.12x -> 0.83x, -2.9 % at 53938.0, T0, "
        "liquidation 24880.0",
    },
)


@pytest.fixture
def same(snap_compare: Compare) -> Callable[..., bool]:
    """Is this page at this size, after these keys, as it was?"""

    def compare(size: tuple[int, int], *keys: str, look: Look | None = None, change: bool = False) -> bool:
        app = an_app(replace(fixtures.normal(), orders=fixtures.orders()), look=look)

        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            for key in keys:
                await pilot.press(key)
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
