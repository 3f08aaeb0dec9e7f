"""The log: bounded, filtered, searched, followed; the book behind it takes each line once."""

import pytest
from msgspec.structs import replace

from gridbot_tui.control.snapshot import EventView, Snapshot
from gridbot_tui.ui.app import GridApp
from gridbot_tui.ui.logbook import LogBook
from gridbot_tui.ui.screens.dashboard import DashboardPage
from gridbot_tui.ui.screens.log import LogPage, LogPane, pattern
from tests.ui import fixtures
from tests.ui.running import an_app, pane_text, press, screen_text, settled, shown


def lines(start: int, count: int) -> tuple[EventView, ...]:
    return tuple(
        EventView(fixtures.NOW + at, "info", "fill", "BTCUSDT", f"number {at}") for at in range(start, start + count)
    )


def with_events(*events: EventView) -> Snapshot:
    return replace(fixtures.normal(), events=events)


def pane_of(app: GridApp) -> LogPane:
    return app.screen.query_one(LogPane)


# -- the book -----------------------------------------------------------------------------------------------------


def test_overlapping_snapshots_give_each_line_once() -> None:
    book = LogBook()
    for start in (0, 5, 5, 30, 60):
        book.take(lines(start, 40))
    assert [one.text for one in book.lines] == [f"number {at}" for at in range(100)]
    assert not book.missed


def test_the_same_words_twice_are_two_lines() -> None:
    book = LogBook()
    same = EventView(fixtures.NOW, "info", "sent", "", "again")
    book.take((same,))
    book.take((same, same, same))
    assert len(book.lines) == 3


def test_a_gap_is_known_to_be_one() -> None:
    book = LogBook()
    book.take(lines(0, 10))
    book.take(lines(100, 10))
    assert book.missed
    assert len(book.lines) == 20


def test_the_book_is_bounded_and_counts_what_it_forgot() -> None:
    book = LogBook(kept=50)
    for start in range(0, 200, 20):
        book.take(lines(start, 40))
    assert len(book.lines) == 50
    assert book.lines[-1].text == "number 219"
    assert book.dropped == 170


def test_a_line_that_comes_late_is_no_gap() -> None:
    book = LogBook()
    late = EventView(fixtures.NOW + 3, "info", "fill", "", "late")
    book.take(lines(0, 10))
    book.take((*lines(5, 5), late, *lines(20, 2)))
    assert [one.text for one in list(book.lines)[-4:]] == ["number 9", "late", "number 20", "number 21"]
    assert not book.missed


def test_a_shortened_snapshot_between_two_whole_ones_repeats_nothing() -> None:
    book = LogBook()
    for events in (lines(0, 40), lines(38, 4), lines(5, 40)):
        book.take(events)
    assert [one.text for one in book.lines] == [f"number {at}" for at in range(45)]


@pytest.mark.parametrize(("typed", "found"), [("num", True), ("NUMBER 7", True), ("r [0-9]$", True), ("[", False)])
def test_what_is_typed_is_an_expression_or_else_plain_text(typed: str, found: bool) -> None:
    expression = pattern(typed)
    assert expression is not None
    assert (expression.search("number 7") is not None) is found


# -- the page -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_newest_line_is_at_the_bottom_and_followed(size: tuple[int, int]) -> None:
    app = an_app(with_events(*lines(0, 100)))
    async with shown(app, size) as pilot:
        await press(pilot, "l")
        assert "number 99" in pane_text(app, "LogPane").splitlines()[-2]
        app.picture.receive(with_events(*lines(50, 100)))
        await settled(pilot)
        assert "number 149" in pane_text(app, "LogPane").splitlines()[-2]
        assert "follows" in screen_text(app)


async def test_a_moved_cursor_holds_its_line_until_follow() -> None:
    app = an_app(with_events(*lines(0, 100)))
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, "l", "up", "up", "pageup")
        held = pane_text(app, "LogPane").splitlines()[1:-1]
        app.picture.receive(with_events(*lines(50, 100)))
        await settled(pilot)
        assert pane_text(app, "LogPane").splitlines()[1:-1] == held
        await press(pilot, "down", "k", "j", "pagedown", "home")
        assert "number 0" in pane_text(app, "LogPane")
        await press(pilot, "end")
        assert pane_of(app).follows
        for follows in (False, True):
            await press(pilot, "F")
            assert pane_of(app).follows is follows
        await press(pilot, "up", "G")
        assert pane_of(app).follows


async def test_levels_are_filtered_and_named() -> None:
    events = tuple(
        EventView(fixtures.NOW + at, level, "x", "", f"a {level} line")
        for at, level in enumerate(("debug", "info", "warning", "error"))
    )
    app = an_app(with_events(*events))
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("l")
        for name, left in (("info", 3), ("warnings", 2), ("errors", 1), ("all", 4)):
            await press(pilot, "v")
            text = pane_text(app, "LogPane")
            assert f"level {name}" in text
            assert text.count(" line") - text.count("lines") == left


async def test_search_finds_upwards_from_the_newest_and_goes_round_with_n() -> None:
    events = (*lines(0, 40), EventView(fixtures.NOW + 50, "error", "link", "", "odd one"), *lines(60, 40))
    app = an_app(with_events(*events))
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, "l", "slash", *"odd", "enter")
        assert "/odd line 41" in pane_text(app, "LogPane")
        assert "odd one" in pane_text(app, "LogPane")
        await press(pilot, "end", "slash", *("backspace",) * 3, *"number 3", "enter")
        assert "line 40" in pane_text(app, "LogPane")
        await press(pilot, "N")
        assert "line 39" in pane_text(app, "LogPane")
        await press(pilot, "n", "n")
        assert "line 4 " in pane_text(app, "LogPane")


async def test_what_is_nowhere_is_said_and_escape_ends_the_search_before_the_page() -> None:
    app = an_app(with_events(*lines(0, 40)))
    async with shown(app, (120, 40)) as pilot:
        await press(pilot, "l", "n", "slash", *"zebra", "enter")
        assert "/zebra not found" in pane_text(app, "LogPane")
        await press(pilot, "escape")
        assert isinstance(app.screen, LogPage)
        assert "zebra" not in pane_text(app, "LogPane")
        await press(pilot, "escape")
        assert isinstance(app.screen, DashboardPage)


async def test_a_time_of_day_can_be_sought() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (120, 40)) as pilot:
        await press(pilot, "l", "slash", *"13:23", "enter")
        assert "line 2 " in pane_text(app, "LogPane")


async def test_notes_of_this_terminal_stand_among_the_lines() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (120, 40)) as pilot:
        await pilot.press("l")
        app.picture.note("error", "flatten failed: no answer")
        await settled(pilot)
        assert "you      flatten failed: no answer" in pane_text(app, "LogPane")


async def test_nothing_said_is_not_an_empty_screen() -> None:
    app = an_app(fixtures.nothing())
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, "l", "up", "n", "F")
        assert "nothing was said yet" in pane_text(app, "LogPane")
