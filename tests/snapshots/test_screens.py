"""Screens as pictures: few, each for something that words cannot pin (layout, colour, signs).

After a wanted change: ``python -m pytest tests/snapshots --snapshot-update``, and look at the pictures.
"""

from collections.abc import Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from gridbot_tui.ui.app import Look
from gridbot_tui.ui.picture import Line
from tests.ui import fixtures
from tests.ui.running import an_app, press, settled

Compare = Callable[..., bool]


@pytest.fixture
def same(snap_compare: Compare) -> Callable[..., bool]:
    """Is this fixture at this size, after these keys, as it was?"""

    def compare(
        name: str, size: tuple[int, int], *keys: str, look: Look | None = None, lost: bool = False, stale: bool = False
    ) -> bool:
        app = an_app(fixtures.ALL[name](), look=look)

        async def before(pilot: Pilot[Any]) -> None:
            await settled(pilot)
            for key in keys:
                await press(pilot, key)
            if lost:
                app.picture.line, app.picture.line_detail = Line.LOST, "the bot closed the connection"
            if stale:
                app.picture._monotonic.now += 65_000  # type: ignore[attr-defined]
            await settled(pilot)

        return snap_compare(app, terminal_size=size, run_before=before)

    return compare


def test_dashboard_of_a_small_terminal(same: Compare) -> None:
    assert same("normal", (80, 24))


def test_dashboard_in_two_columns(same: Compare) -> None:
    assert same("normal", (120, 40))


def test_dashboard_in_three_columns_for_the_colour_blind(same: Compare) -> None:
    assert same("normal", (200, 60), look=Look(theme="colour-blind"))


def test_dashboard_in_light_with_real_money(same: Compare) -> None:
    assert same("live", (120, 40), look=Look(theme="light"))


def test_dashboard_in_sixteen_colours(same: Compare) -> None:
    assert same("normal", (120, 40), look=Look(theme="ansi-16", symbols="block"))


def test_dashboard_in_ascii_without_colour(same: Compare) -> None:
    assert same("normal", (80, 24), look=Look(symbols="ascii", no_color=True))


def test_halted_by_the_third_tier(same: Compare) -> None:
    assert same("tier3", (120, 40))


def test_stale_numbers_and_a_lost_line(same: Compare) -> None:
    assert same("normal", (80, 24), lost=True, stale=True)


def test_two_hundred_slots(same: Compare) -> None:
    assert same("many_slots", (120, 40))


def test_unknown_values(same: Compare) -> None:
    assert same("unknown", (120, 40))


def test_too_small(same: Compare) -> None:
    assert same("normal", (48, 12))


def test_flatten_with_real_money(same: Compare) -> None:
    assert same("live", (100, 30), "f")


def test_what_if(same: Compare) -> None:
    assert same("normal", (100, 24), "x")


def test_a_price_of_a_millionth(same: Compare) -> None:
    assert same("tiny", (80, 24))


def test_numbers_too_big_for_their_columns(same: Compare) -> None:
    assert same("huge", (120, 40))


def test_names_that_do_not_fit(same: Compare) -> None:
    assert same("long_names", (80, 24))


def test_no_symbol_at_all(same: Compare) -> None:
    assert same("nothing", (120, 40))


def test_a_portfolio_for_the_colour_blind(same: Compare) -> None:
    assert same("six_symbols", (120, 40), "a", look=Look(theme="colour-blind"))
