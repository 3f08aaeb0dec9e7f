import pytest
from msgspec.structs import replace

from gridbot_tui.control.snapshot import ShutdownView
from gridbot_tui.ui.panes.frame import banner
from gridbot_tui.ui.picture import Line, Picture
from tests.ui import fixtures
from tests.ui.running import Ticker


def a_picture() -> tuple[Picture, Ticker]:
    ticker = Ticker()
    picture = Picture(monotonic=ticker)
    picture.receive(fixtures.normal())
    picture.line = Line.UP
    return picture, ticker


def test_ages_grow_by_the_apps_own_clock_while_the_bot_is_silent() -> None:
    picture, ticker = a_picture()
    picture.receive(fixtures.live())
    ticker.now += 7_000
    assert picture.silence() == 7_000
    assert picture.grown(200) == 7_200
    assert picture.data_age() == 7_200
    assert picture.now() == fixtures.NOW + 7_000


def test_an_unknown_age_stays_unknown_however_long_it_lasts() -> None:
    picture, ticker = a_picture()
    ticker.now += 60_000
    assert picture.grown(None) is None


def test_virtual_time_stands_while_the_bot_is_silent() -> None:
    picture, ticker = a_picture()
    ticker.now += 7_000
    assert picture.now() == fixtures.NOW
    assert picture.data_age() == 7_000


def test_the_stale_banner_comes_with_silence_and_goes_with_the_next_word() -> None:
    picture, ticker = a_picture()
    assert banner(picture) is None
    ticker.now += 5_000
    said = banner(picture)
    assert said is not None
    assert "STALE" in said[0]
    assert "5s" in said[0]
    ticker.now += 60_000
    later = banner(picture)
    assert later is not None
    assert "1m" in later[0]
    picture.receive(fixtures.normal())
    assert banner(picture) is None


def test_the_disconnected_banner_says_why_and_how_old_the_screen_is() -> None:
    picture, ticker = a_picture()
    picture.line, picture.line_detail = Line.LOST, "the bot closed the connection"
    ticker.now += 12_000
    said = banner(picture)
    assert said is not None
    assert "DISCONNECTED" in said[0]
    assert "closed the connection" in said[0]
    assert "12s" in said[0]


@pytest.mark.parametrize(("ok", "role"), [(True, "banner"), (False, "alarm")])
def test_a_bot_that_said_how_it_ended_is_not_disconnected_but_stopped(ok: bool, role: str) -> None:
    picture, _ = a_picture()
    stages = ("verify", "report")
    under_way = replace(fixtures.normal(), state="stopping", shutdown=ShutdownView("verify", stages, "1 order", 0))
    picture.receive(under_way)
    picture.line, picture.line_detail = Line.LOST, "the bot closed the connection"
    said = banner(picture)
    assert said is not None
    assert "DISCONNECTED" in said[0], "it died on the way"
    done = ShutdownView("report", stages, "0 orders left; 0 positions left; verified on the exchange", 0, ok)
    picture.freeze(True)
    picture.receive(replace(under_way, state="stopped", shutdown=done))
    assert banner(picture) == ("■ STOPPED: 0 orders left; 0 positions left; verified on the exchange", role)
    picture.line = Line.UP
    picture.receive(fixtures.normal())
    assert picture.stopped is None


def test_a_held_display_is_not_a_paused_bot() -> None:
    picture, _ = a_picture()
    picture.freeze(True)
    picture.receive(replace(fixtures.normal(), equity="1.00"))
    assert picture.snapshot is not None
    assert picture.snapshot.equity == "10214.31"
    latest = picture.latest()
    assert latest is not None
    assert latest.equity == "1.00"
    said = banner(picture)
    assert said is not None
    assert "HELD" in said[0]
    assert "trading goes on" in said[0]
    picture.freeze(False)
    assert picture.snapshot.equity == "1.00"


def test_the_shown_symbol_follows_when_it_is_gone() -> None:
    picture, _ = a_picture()
    picture.symbol = "ETHUSDT"
    picture.receive(fixtures.tier3())
    assert picture.symbol == "BTCUSDT"
    picture.receive(fixtures.nothing())
    assert picture.symbol == ""
    assert picture.view is None


def test_a_shutdown_shows_its_stages() -> None:
    picture, _ = a_picture()
    picture.receive(fixtures.stopping())
    said = banner(picture)
    assert said is not None
    assert said[0].startswith("▼ FLATTEN 2/3: 0.026 BTC left")


def test_what_was_said_before_the_first_picture_has_the_time_of_that_picture() -> None:
    picture = Picture(monotonic=Ticker())
    picture.note("note", "this terminal controls the bot")
    picture.receive(fixtures.normal())
    picture.note("info", "pause: done")
    assert [note.at for note in picture.notes] == [fixtures.NOW, fixtures.NOW]
