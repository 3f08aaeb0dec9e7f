"""Reasons as they are listed: each once, with whom it concerns."""

from msgspec.structs import replace

from gridbot_tui.control.snapshot import BlockerView
from gridbot_tui.ui.panes.blockers import blocker_row, together
from gridbot_tui.ui.picture import Picture
from gridbot_tui.ui.rows import text_of
from gridbot_tui.ui.screens.why import blocker_rows
from gridbot_tui.units import HOUR
from tests.ui import fixtures
from tests.ui.running import Ticker


def listed(*blockers: BlockerView) -> list[tuple[str, str, int]]:
    picture = Picture(monotonic=Ticker())
    picture.receive(replace(fixtures.six_symbols(), blockers=blockers))
    return [(one.code, whom, one.since) for one, whom in together(picture)]


def test_one_reason_of_several_symbols_is_one_line_since_the_first_of_them() -> None:
    assert listed(
        BlockerView("stale_mark", "ETHUSDT", 9, "7 s old", "with fresh data"),
        BlockerView("gap_budget", "BTCUSDT", 5, "1 order withheld", "later"),
        BlockerView("gap_budget", "SOLUSDT", 3, "1 order withheld", "later"),
        BlockerView("gap_budget", "XRPUSDT", 4, "2 orders withheld", "later"),
        BlockerView("residual", "", 2, "0.1 USDT", "with a resync"),
    ) == [
        ("stale_mark", "ETHUSDT", 9),
        ("gap_budget", "BTCUSDT SOLUSDT", 3),
        ("gap_budget", "XRPUSDT", 4),
        ("residual", "", 2),
    ]


def test_a_count_of_several_symbols_is_not_read_as_that_of_all() -> None:
    picture = Picture(monotonic=Ticker())
    withheld = [BlockerView("gap_budget", name, 5, "2 orders withheld", "later") for name in ("BTCUSDT", "SOLUSDT")]
    picture.receive(replace(fixtures.six_symbols(), blockers=tuple(withheld)))
    assert "gap budget  BTCUSDT SOLUSDT  2 orders withheld each" in text_of(
        blocker_row(*together(picture)[0], picture, 90)
    )
    picture.receive(replace(fixtures.six_symbols(), blockers=tuple(withheld[:1])))
    assert together(picture)[0][0].detail == "2 orders withheld"


def test_a_reason_of_all_symbols_names_none() -> None:
    names = list(fixtures.six_symbols().symbols)
    paused = [BlockerView("paused", name, 7, "paused: exits only", "by \'gridbot resume\'") for name in names]
    assert listed(*paused) == [("paused", "all symbols", 7)]


def test_in_a_narrow_pane_the_detail_is_worth_more_than_since_when() -> None:
    picture = Picture(monotonic=Ticker())
    picture.receive(fixtures.six_symbols())
    warming = BlockerView("warming", "", 9, "269 of 336 hours", "with time")
    assert text_of(blocker_row(warming, "all symbols", picture, 60)).rstrip().endswith("00:00")
    assert text_of(blocker_row(warming, "all symbols", picture, 44)).rstrip().endswith("269 of 336 hours")


def test_a_reason_of_many_symbols_keeps_since_when_and_its_detail_and_names_them_all_on_the_page() -> None:
    picture = Picture(monotonic=Ticker())
    held = fixtures.normal()
    names = [f"SYMBOL{at:02d}USDT" for at in range(20)]
    since = fixtures.NOW - HOUR
    blockers = tuple(BlockerView("gap_budget", name, since, "1 order withheld", "later") for name in names)
    picture.receive(replace(held, symbols=dict.fromkeys([*names, "BTCUSDT"], fixtures.btc()), blockers=blockers))
    ((one, whom),) = together(picture)
    row = text_of(blocker_row(one, whom, picture, 80))
    assert "gap budget  SYMBOL00USDT and 19 more  1 order withheld each" in row
    assert row.endswith("since 13:03")
    rows = [text_of(row) for row in blocker_rows(1, one, whom, fixtures.NOW, 80)]
    assert rows[0] == " 1  ○ gap budget  SYMBOL00USDT and 19 more  since 13:03 (1h)"
    assert [name for name in names if name not in " ".join(rows)] == []
    assert all(len(row) <= 80 for row in rows)


def test_since_when_gives_way_before_a_detail_is_cut_to_nothing() -> None:
    picture = Picture(monotonic=Ticker())
    picture.receive(fixtures.six_symbols())
    fired = BlockerView("stop_triggered", "BTCUSDT", 9, "its resting stop fired", "by hand")
    assert text_of(blocker_row(fired, "BTCUSDT", picture, 47)).rstrip().endswith("its resting stop fi…")
    long = BlockerView("unprotected", "", 9, "a position is held and no stop rests on the exchange", "when it rests")
    row = text_of(blocker_row(long, "BTCUSDT", picture, 72))
    assert "a position is held and n" in row
    assert row.endswith("00:00")
