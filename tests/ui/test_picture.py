import pytest
from msgspec.structs import replace

from gridbot_tui.control.snapshot import BlockerView, BreakerView, EventView, ShutdownView, Snapshot
from gridbot_tui.ui.panes.banner import banner
from gridbot_tui.ui.panes.header import Header
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.rows import text_of
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
    assert picture.idle == "the bot has stopped"
    picture.line = Line.UP
    picture.receive(fixtures.normal())
    assert picture.stopped is None
    assert picture.idle == "running, press w for why"
    picture.receive(replace(fixtures.normal(), state="recovering"))
    assert picture.idle == "the bot is recovering"
    picture.gone = True
    assert picture.idle == "the bot has ended"


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


def header(picture: Picture) -> str:
    return text_of(Header().build(picture, 120, 1)[0])


def test_in_a_narrow_top_line_with_an_order_under_way_old_figures_are_still_marked() -> None:
    picture, ticker = a_picture()
    picture.receive(fixtures.live())
    picture.under_way = ("flatten BTCUSDT",)
    ticker.now += 60_000
    shown = text_of(Header().build(picture, 80, 1)[0])
    assert "STALE  1m" in shown
    assert "flatten BTCUSDT" in shown


def test_a_held_display_grows_old_while_the_bot_goes_on_speaking() -> None:
    picture, ticker = a_picture()
    picture.receive(fixtures.live())
    picture.freeze(True)
    for _ in range(12):
        ticker.now += 5_000
        picture.receive(fixtures.live())
    assert picture.silence() == 0
    assert (picture.shown_for(), picture.data_age(), picture.grown(200)) == (60_000, 60_200, 60_200)
    assert picture.now() == fixtures.NOW + 60_000, "ages of orders go on"
    assert "STALE  1m" in header(picture)
    said = banner(picture)
    assert said is not None
    assert "HELD 1m" in said[0]
    picture.freeze(False)
    assert (picture.shown_for(), picture.data_age()) == (0, 200)


@pytest.mark.parametrize(
    ("state", "word", "banners"),
    [
        ("halted", "■ HALTED", "■ HALTED"),
        ("paused", "○ PAUSED", "the bot is paused"),
        ("recovering", "◌ RECOVERING", "the bot is recovering"),
    ],
)
def test_what_the_bot_does_is_not_held_with_the_display(state: str, word: str, banners: str) -> None:
    picture, _ = a_picture()
    picture.freeze(True)
    picture.receive(replace(fixtures.normal(), state=state))
    said = banner(picture)
    assert said is not None
    assert banners in said[0]
    assert "trading goes on" not in said[0]
    assert word in header(picture)


def blocked(code: str, symbol: str = "", detail: str = "market: open and silent for 14 s") -> Snapshot:
    one = BlockerView(code, symbol, fixtures.NOW - 12_000, detail, "when it is back")
    return replace(fixtures.live(), blockers=(one, *fixtures.live().blockers))


def test_an_exchange_that_is_cut_off_stands_over_every_page_and_its_age_advances() -> None:
    picture, ticker = a_picture()
    picture.receive(blocked("link_down"))
    said = banner(picture)
    assert said == ("⚠ EXCHANGE DISCONNECTED 12s, orders unverified: market: open and silent for 14 s", "alarm")
    ticker.now += 2_000
    assert "DISCONNECTED 14s" in (banner(picture) or ("",))[0]


@pytest.mark.parametrize("code", ["unprotected", "position_unknown", "residual", "liquidation_near", "second_bot"])
def test_what_wants_the_operator_now_stands_over_every_page(code: str) -> None:
    picture, _ = a_picture()
    picture.receive(blocked(code, "BTCUSDT", "no stop rests"))
    said = banner(picture)
    assert said == (f"⚠ {code.replace('_', ' ').upper()} BTCUSDT 12s: no stop rests; press w for why", "alarm")
    picture.freeze(True)
    assert banner(picture) == said, "a held display hides no alarm"
    picture.receive(replace(blocked(code), state="paused"))
    assert (banner(picture) or ("", ""))[1] == "alarm", "nor does a pause"


def test_a_latch_hides_nothing_that_is_graver_and_all_that_is_wrong_is_named() -> None:
    picture, _ = a_picture()
    since = fixtures.NOW - 12_000
    killed = BlockerView("kill", "", since, "killed: everything is closed", "by 'gridbot reset kill'")
    bare = [BlockerView("unprotected", name, since, "no stop rests", "later") for name in ("BTCUSDT", "ETHUSDT")]
    away = BlockerView("link_down", "", since - 60_000, "market: open and silent", "when it is back")
    full = (
        BlockerView("store_unavailable", "", since, "the disk is full: gridbot.db", "when the disk takes writes again"),
        BlockerView("store_unavailable", "BTCUSDT", since, "1 order withheld", "when the disk takes writes again"),
    )
    for state, blockers, said in (
        ("running", (*bare, away), "⚠ UNPROTECTED BTCUSDT ETHUSDT 12s + EXCHANGE DISCONNECTED, orders unverified"),
        ("halted", (killed,), "■ KILLED: no new entries; press w for why"),
        ("halted", (killed, away), "■ KILLED + EXCHANGE DISCONNECTED 1m, orders unverified: market: open and silent"),
        ("halted", bare[:1], "■ HALTED + UNPROTECTED BTCUSDT 12s: no stop rests; press w for why"),
        ("running", full, "⚠ STORE UNAVAILABLE 12s: the disk is full"),
    ):
        picture.receive(replace(fixtures.normal(), state=state, blockers=blockers))
        told = banner(picture)
        assert told is not None
        assert told[1] == "alarm"
        assert told[0].startswith(said)


def test_what_the_exchange_has_closed_is_said_for_ten_minutes_though_other_lines_push_it_out_of_sight() -> None:
    picture, ticker = a_picture()
    line = EventView(fixtures.NOW, "error", "liquidation", "BTCUSDT", "the exchange closed 0.045 BTC by liquidation")
    sent = EventView(fixtures.NOW, "info", "sent", "BTCUSDT", "buy 0.013 @ 54 291.1")
    picture.receive(replace(fixtures.live(), events=(line, sent)))
    assert banner(picture) == (
        "⚠ LIQUIDATION BTCUSDT 0s ago: the exchange closed 0.045 BTC by liquidation; press l for the log",
        "alarm",
    )
    ticker.now += 599_000
    picture.receive(replace(fixtures.live(), at=fixtures.NOW + 599_000, events=(sent,) * 200))
    assert "LIQUIDATION BTCUSDT 9m ago" in (banner(picture) or ("",))[0]
    picture.receive(replace(fixtures.live(), at=fixtures.NOW + 601_000, events=(sent,) * 200))
    assert banner(picture) is None


def test_an_open_breaker_of_the_account_is_said_and_one_of_a_symbol_is_not() -> None:
    picture, _ = a_picture()
    one = BreakerView("losses", "strategy", "open", "", fixtures.NOW - 60_000, "−8.3 % in an hour", "after an hour")
    picture.receive(replace(fixtures.live(), breakers=(replace(one, symbol="ETHUSDT"),)))
    assert banner(picture) is None
    picture.receive(replace(fixtures.live(), breakers=(one,)))
    assert banner(picture) == ("○ BREAKER LOSSES 1m, no new entries: −8.3 % in an hour", "banner")


def test_prices_that_are_old_are_called_so_however_often_the_bot_speaks() -> None:
    picture, _ = a_picture()
    view = fixtures.live().symbols["BTCUSDT"]
    picture.receive(replace(fixtures.live(), symbols={"BTCUSDT": replace(view, age_ms=9_000)}))
    assert "age  9s" in header(picture)
    picture.receive(replace(fixtures.live(), symbols={"BTCUSDT": replace(view, age_ms=21_000)}))
    assert "STALE 21s" in header(picture)


def test_a_bot_that_is_not_heard_is_not_said_to_run() -> None:
    picture, ticker = a_picture()
    assert "● RUNNING" in header(picture)
    picture.line = Line.LOST
    assert "? RUNNING" in header(picture)
    picture.line = Line.UP
    assert "● RUNNING" in header(picture)
    ticker.now += 4_000
    assert "? RUNNING" in header(picture)
    done = ShutdownView("report", ("report",), "0 orders left", 0, True)
    picture.receive(replace(fixtures.normal(), state="stopped", shutdown=done))
    picture.line = Line.LOST
    ticker.now += 4_000
    assert "■ STOPPED" in header(picture)


def test_the_last_picture_of_a_replay_is_not_stale() -> None:
    picture, ticker = a_picture()
    market = replace(fixtures.normal().links[0], name="market", up=False)
    picture.receive(replace(fixtures.normal(), mode="replay", links=(market,)))
    picture.line = Line.LOST
    ticker.now += 60_000
    assert picture.ended
    assert "age  1m" in header(picture)


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
