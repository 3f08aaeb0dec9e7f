"""What-if, why and portfolio: what they say, and their own keys."""

from msgspec.structs import replace

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.ui.dialogs.dialog import Answer
from gridbot_tui.ui.picture import Line
from gridbot_tui.ui.screens.portfolio import PortfolioPane
from gridbot_tui.ui.screens.whatif import funding_words, tier_words
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, pane_text, press, screen_text, settled, shown


async def test_what_if_shows_both_directions_beside_now() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (100, 24)) as pilot:
        await press(pilot, "x")
        text = pane_text(app, "#body")
        for word in (
            "all 5 buys",
            "all 3 sells",
            "0.161",
            "1516.43",
            "24 880.0",
            "T0 normal",
            "pays 0.42",
            "gets 0.14",
        ):
            assert word in text
        await press(pilot, "n")
        assert "no ladder stands, so nothing can fill: running, press w for why" in pane_text(app, "#body")


def test_funding_says_pays_or_gets_and_unknown_is_a_dash() -> None:
    assert funding_words("0.42") == ("pays 0.42", "loss")
    assert funding_words("-0.14") == ("gets 0.14", "gain")
    assert funding_words(None)[0] == "-"
    assert tier_words(None)[0] == "-"
    assert tier_words(3) == ("T3 halts", "bad")


async def test_why_ranks_reasons_with_since_and_what_clears_them() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "w")
        text = pane_text(app, "#body")
        assert text.index("gap budget  BTCUSDT") < text.index("neutral silent  ETHUSDT")
        for word in (
            "since 13:23 (40m)",
            "clears when volatility rises",
            "1 rung blocked: gap budget",
            "rule: ensemble",
        ):
            assert word in text


async def test_why_is_never_empty() -> None:
    app = an_app(fixtures.nothing())
    async with shown(app) as pilot:
        await press(pilot, "w")
        assert "nothing is held back by a rule; the bot is starting" in pane_text(app, "#body")


def names(app_text: str) -> list[str]:
    """The symbols in the order they stand."""
    rows = [line.strip("│ ›").split() for line in app_text.splitlines()[2:]]
    return [row[0] for row in rows if row and row[0].endswith("USDT")]


async def test_the_portfolio_sorts_by_any_column_and_unknown_comes_last() -> None:
    snapshot = fixtures.six_symbols()
    unknown = replace(snapshot.symbols["ADAUSDT"], bias=None)
    app = an_app(replace(snapshot, symbols={**snapshot.symbols, "ADAUSDT": unknown}))
    async with shown(app, (140, 20)) as pilot:
        await press(pilot, "a")
        assert names(pane_text(app, "#body")) == sorted(snapshot.symbols)
        await press(pilot, *["right"] * 6)
        assert "by bias" in pane_text(app, "#body")
        assert names(pane_text(app, "#body"))[0] == "SOLUSDT"
        assert names(pane_text(app, "#body"))[-1] == "ADAUSDT"
        await press(pilot, "R")
        assert names(pane_text(app, "#body"))[0] == "BTCUSDT"
        assert names(pane_text(app, "#body"))[-1] == "ADAUSDT"
        for key, column in (("left", "result"), (">", "bias"), ("<", "result")):
            await press(pilot, key)
            assert f"by {column}" in pane_text(app, "#body")


async def test_enter_opens_the_marked_symbol_on_the_dashboard() -> None:
    app = an_app(fixtures.six_symbols())
    async with shown(app, (140, 40)) as pilot:
        await press(pilot, "a", "down", "j", "up", "k", "down", "enter")
        assert app.picture.symbol == "DOGEUSDT", "one below the one that was shown"
        assert len(app.screen_stack) == 1
        await press(pilot, "a", "end", "enter")
        assert app.picture.symbol == "XRPUSDT"
        await press(pilot, "a", "end", "home", "enter")
        assert app.picture.symbol == "ADAUSDT"


async def test_orders_given_among_all_symbols_are_about_the_marked_one() -> None:
    held = fixtures.six_symbols()
    paused = replace(held.symbols["ETHUSDT"], state="paused")
    app = an_app(replace(held, symbols={**held.symbols, "ETHUSDT": paused}))
    async with shown(app, (140, 40)) as pilot:
        await press(pilot, "a", "f")
        assert "Flatten BTCUSDT" in screen_text(app), "the mark begins on the shown one"
        await press(pilot, "escape", "down", "down", "p", "f")
        assert "Flatten ETHUSDT" in screen_text(app)
        app.screen.query_one("#answer-flatten", Answer).action_give()
        await settled(pilot)
        app.action_reset("stop")
        await press(pilot, "slash", *"nothing", "enter", "f")
        assert "Flatten BTCUSDT" in screen_text(app), "no row is marked: it is about the shown one"
        assert link_of(app).orders == [
            ("resume", {"symbol": "ETHUSDT"}),
            ("flatten", {"symbol": "ETHUSDT"}),
            ("reset", {"what": "stop", "symbol": "ETHUSDT"}),
        ]


async def test_a_filter_narrows_the_list_and_escape_clears_it_before_it_leaves() -> None:
    app = an_app(fixtures.six_symbols())
    async with shown(app, (140, 20)) as pilot:
        await press(pilot, "a", "slash", *"xrp", "enter")
        assert names(pane_text(app, "#body")) == ["XRPUSDT"]
        assert "/xrp" in pane_text(app, "#body")
        await press(pilot, "enter")
        assert app.picture.symbol == "XRPUSDT"
        await press(pilot, "a", "slash", *"nothing", "escape")
        assert isinstance(app.focused, PortfolioPane)
        assert len(names(pane_text(app, "#body"))) == 6
        await press(pilot, "escape")
        assert len(app.screen_stack) == 1


async def test_the_help_lists_the_keys_that_pages_have_of_their_own() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (120, 90)) as pilot:
        await press(pilot, "question_mark")
        text = screen_text(app)
        for page, keys in {
            "all symbols": ("enter  open", "←→     sort by", "R      reverse", "/      filter"),
            "orders": ("A      shown symbol only",),
            "decisions": ("A      shown symbol only",),
            "learning": ("F      freeze/thaw", "B      roll back to marked", "Z      reset to prior"),
            "log": ("F      follow", "v      level", "/      search", "n      next", "N      previous"),
            "config": ("^s     preview, apply", "^f     find", "^n     next fault", "^o     as in force"),
        }.items():
            own = text.partition(f"On the page {page} ")[2].partition("On the page")[0]
            assert [key for key in keys if key not in own] == [], page


async def test_the_help_lists_every_action_with_the_key_it_has() -> None:
    from gridbot_tui.ui.actions import ACTIONS

    app = an_app(fixtures.normal())
    async with shown(app, (120, 90)) as pilot:
        await press(pilot, "question_mark")
        text = screen_text(app)
        assert all(one.help in text for one in ACTIONS if not one.id.startswith("pane_"))


async def test_a_replay_at_the_end_of_its_data_has_ended_and_is_not_lost() -> None:
    links = (LinkView("market", False, None, 0, None, "the data end here"),)
    app = an_app(replace(fixtures.normal(), mode="replay", links=links), attached=False)
    async with shown(app, (80, 24)) as pilot:
        app.picture.line = Line.LOST
        await settled(pilot)
        text = screen_text(app)
        assert "■ ENDED" in text.splitlines()[0]
        assert "the recorded market ends here" in text
        assert "DISCONNECTED" not in text
        await press(pilot, "ctrl+q")
        assert "nothing trades" in screen_text(app)
        assert "attach" not in screen_text(app)


async def test_both_directions_of_what_if_can_be_read_on_the_smallest_terminal() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (60, 24)) as pilot:
        await press(pilot, "x")
        rows = [" ".join(row.strip("│ ").split()) for row in screen_text(app).splitlines()]
        assert "BTC, USDT now all 5 buys all 3 sells" in rows
        assert "position 0.026 0.161 −0.052" in rows
        assert "profit of a cycle 44.10 46.00" in rows
        assert "funding a day pays 0.42 gets 0.14" in rows


async def test_what_if_and_leaving_tell_of_no_margin_liquidation_or_stop_on_spot() -> None:
    normal = fixtures.normal()
    view = replace(normal.symbols["BTCUSDT"], stop=None, liquidation_price=None)
    app = an_app(replace(normal, market="spot", symbols={**normal.symbols, "BTCUSDT": view}))
    async with shown(app, (100, 30)) as pilot:
        await press(pilot, "x")
        text = pane_text(app, "#body")
        assert "profit of a cycle" in text
        assert "no stop rests: spot has none" in text
        for word in ("margin", "maintenance", "liquidation", "funding", "away from"):
            assert word not in text
        await press(pilot, "ctrl+q")
        assert "orders are cancelled; what was bought stays; no stop" in screen_text(app)
        assert "Stop, keep coins" in screen_text(app)


async def test_why_tells_nothing_of_now_while_the_bot_is_not_heard() -> None:
    app = an_app(replace(fixtures.normal(), blockers=()))
    async with shown(app) as pilot:
        await press(pilot, "w")
        assert "the bot is running" in pane_text(app, "#body")
        app.picture.line = Line.LOST
        await settled(pilot)
        assert "nothing is heard of the bot for" in pane_text(app, "#body")
        assert "the bot is running" not in pane_text(app, "#body")
