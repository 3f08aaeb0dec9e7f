"""Orders and fills, decisions, connections: what is listed, how it is marked, what is unknown."""

import pytest
from msgspec.structs import replace

from gridbot_tui.control.snapshot import DecisionView, LinkView, OrderView, RateView, Snapshot
from gridbot_tui.ui.app import GridApp
from gridbot_tui.ui.dialogs.symbol import SymbolDialog
from gridbot_tui.ui.picture import Line
from gridbot_tui.ui.screens.decisions import DecisionsPane, ReasonPane
from gridbot_tui.ui.screens.orders import FillsPane, OrdersPane
from gridbot_tui.units import MINUTE
from tests.ui import fixtures
from tests.ui.running import Ticker, an_app, pane_text, press, screen_text, settled, shown

SIZES = [(80, 24), (120, 40)]


def an_order(at: int, name: str, **other: object) -> OrderView:
    return replace(fixtures.orders()[0], at=at, client_id=name, **other)


def marked(app: GridApp, selector: str) -> str:
    """The marked row and the one under it."""
    rows = pane_text(app, selector).splitlines()
    at = next((at for at, row in enumerate(rows) if "› " in row), 0)
    return "\n".join(rows[at : at + 2])


# -- orders -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", SIZES)
async def test_orders_show_side_price_state_and_age_by_sign_and_word(size: tuple[int, int]) -> None:
    app = an_app(fixtures.normal())
    async with shown(app, size) as pilot:
        await press(pilot, "o")
        text = pane_text(app, "OrdersPane")
        for part in ("▼ sell", "62 192.0", "▪ resting", "at 47 980.0", "✗ cancelled", "gb-main-42-1s-1", "41m"):
            assert part in text
        fills = pane_text(app, "FillsPane")
        for part in ("▲ buy", "60 000.0", "+41.10", "fee 0.312 USDT, maker, for grid"):
            assert part in fills


async def test_the_mark_follows_the_newest_until_it_is_moved_and_then_stays_on_its_order() -> None:
    snapshot = replace(fixtures.normal(), orders=(an_order(1, "one"), an_order(2, "two")))
    app = an_app(snapshot)
    async with shown(app) as pilot:
        await press(pilot, "o")
        assert "two" in marked(app, "OrdersPane")
        app.picture.receive(replace(snapshot, orders=(*snapshot.orders, an_order(3, "three"))))
        await settled(pilot)
        assert "three" in marked(app, "OrdersPane")
        await press(pilot, "down", "j", "up", "k", "down")
        assert "two" in marked(app, "OrdersPane")
        app.picture.receive(replace(snapshot, orders=(*snapshot.orders, an_order(4, "four"), an_order(5, "five"))))
        await settled(pilot)
        assert "two" in marked(app, "OrdersPane")
        for key, name in (("end", "one"), ("pageup", "five"), ("pagedown", "one"), ("home", "five")):
            await press(pilot, key)
            assert name in marked(app, "OrdersPane")


async def test_the_mark_stays_in_sight_in_a_long_list() -> None:
    orders = tuple(an_order(fixtures.NOW - 400 + at, f"order-{at}") for at in range(300))
    app = an_app(replace(fixtures.normal(), orders=orders))
    async with shown(app, (80, 24)) as pilot:
        await pilot.press("o")
        for _ in range(4):
            await press(pilot, "pagedown", "down")
            assert "› BTCUSDT" in pane_text(app, "OrdersPane")


async def test_only_the_shown_symbol_and_all_again() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "o", "2")
        assert isinstance(app.focused, FillsPane)
        assert "ETHUSDT" in pane_text(app, "FillsPane")
        await press(pilot, "A")
        assert "ETHUSDT" not in pane_text(app, "FillsPane")
        assert "3 · BTCUSDT" in pane_text(app, "FillsPane")
        await press(pilot, "n", "A", "1")
        assert isinstance(app.focused, OrdersPane)
        assert "4 · all symbols" in pane_text(app, "FillsPane")


@pytest.mark.parametrize("state", ["unresolved", "partly_filled", "triggered", "unheard of"])
async def test_every_state_has_its_word(state: str) -> None:
    app = an_app(replace(fixtures.normal(), orders=(an_order(1, "one", state=state),)))
    async with shown(app) as pilot:
        await press(pilot, "o")
        assert state.replace("_", " ") in marked(app, "OrdersPane")


# -- decisions ----------------------------------------------------------------------------------------------------


def a_decision(at: int, symbol: str = "BTCUSDT") -> DecisionView:
    known = (("price", "60010"), ("votes", "up 0.50 down 0.00 neutral 0.33"), ("empty", ""))
    return DecisionView(fixtures.NOW - at * MINUTE, symbol, at, known, f"decided {at}", f"rule{at}")


@pytest.mark.parametrize("size", SIZES)
async def test_a_decision_says_what_was_known_what_was_decided_and_by_which_rule(size: tuple[int, int]) -> None:
    app = an_app(replace(fixtures.normal(), decisions=(a_decision(9), a_decision(3, "ETHUSDT"))))
    async with shown(app, size) as pilot:
        await press(pilot, "d")
        assert "rule3" in marked(app, "DecisionsPane")
        reason = pane_text(app, "ReasonPane")
        for part in ("ETHUSDT", "decided 3", "rule3", "epoch 3", "up 0.50 down 0.00 neutral 0.33"):
            assert part in reason
        assert "empty  -" in reason
        await press(pilot, "down")
        assert "decided 9" in pane_text(app, "ReasonPane")
        await press(pilot, "home")
        assert "decided 3" in pane_text(app, "ReasonPane")
        await press(pilot, "A")
        assert "ETHUSDT" not in pane_text(app, "DecisionsPane")
        await press(pilot, "2")
        assert isinstance(app.focused, ReasonPane)
        await press(pilot, "1")
        assert isinstance(app.focused, DecisionsPane)


async def test_no_decision_yet_says_why() -> None:
    app = an_app(fixtures.nothing())
    async with shown(app) as pilot:
        await press(pilot, "d", "down", "home")
        assert "warming up" in pane_text(app, "DecisionsPane")
        assert "no decision is marked" in pane_text(app, "ReasonPane")


# -- connections --------------------------------------------------------------------------------------------------


def linked(*links: LinkView, **other: object) -> Snapshot:
    return replace(fixtures.live(), links=links, **other)


@pytest.mark.parametrize("size", SIZES)
async def test_connections_show_state_age_reconnects_latency_and_budget(size: tuple[int, int]) -> None:
    rates = (RateView("request weight", 1900, 2400, 60), RateView("orders", 3, 300, 10))
    app = an_app(
        linked(
            LinkView("market", True, 200, 0, 12.4, "6 streams"),
            LinkView("user", False, None, 3, None, ""),
            LinkView("rest", True, 20_000, 0, 44.0, "", rates),
        )
    )
    async with shown(app, size) as pilot:
        await press(pilot, "c")
        rows = pane_text(app, "LinksPane").splitlines()
        assert "1 down" in rows[0]
        market, user, rest = (next(row for row in rows if name in row) for name in ("market", "user ", "rest "))
        assert "● up" in market
        assert "12 ms" in market
        assert "✗ down" in user
        assert user.count(" - ") >= 3
        assert "○ silent" in rest
        budget = pane_text(app, "RatePane")
        assert "1900 of 2400 in 1m  79 %" in budget
        assert "3 of 300 in 10s  1 %" in budget


@pytest.mark.parametrize("size", SIZES)
async def test_what_is_wrong_with_a_connection_is_told_whole(size: tuple[int, int]) -> None:
    why = "this machine's clock is 1700 s behind; shut for 118 s (banned), and nothing of it is held back"
    app = an_app(linked(LinkView("market", True, 200, 0, 12.4, "6 streams"), LinkView("rest", True, 9, 0, 44.0, why)))
    async with shown(app, size) as pilot:
        await press(pilot, "c")
        text = " ".join(pane_text(app, "LinksPane").replace("│", " ").split())
        assert why in text


async def test_ages_grow_by_the_terminals_own_clock_and_are_named_stale() -> None:
    ages = {"account": 900, "BTCUSDT": None, "ETHUSDT": 300}
    app = an_app(linked(LinkView("market", True, 200, 0, None, ""), ages=ages))
    async with shown(app) as pilot:
        await pilot.press("c")
        clock = app.picture._monotonic
        assert isinstance(clock, Ticker)
        clock.now += 42_000
        await settled(pilot)
        text = pane_text(app, "AgesPane")
        assert "STALE" in next(row for row in text.splitlines() if "ETHUSDT" in row)
        assert "STALE" not in next(row for row in text.splitlines() if "account" in row), "compared once a minute"
        assert "42s" in text
        assert "never heard" in next(row for row in text.splitlines() if "BTCUSDT" in row)
        assert "○ silent" in pane_text(app, "LinksPane")
        clock.now += 120_000
        await settled(pilot)
        account = next(row for row in pane_text(app, "AgesPane").splitlines() if "account" in row)
        assert "STALE" in account, "two comparisons are missing"


async def test_a_lost_line_and_who_controls_are_told() -> None:
    app = an_app(fixtures.normal(), read_only=True)
    app.picture.line, app.picture.line_detail = Line.LOST, "the bot closed the connection"
    async with shown(app) as pilot:
        await press(pilot, "c")
        text = pane_text(app, "AgesPane")
        assert "✗ disconnected  the bot closed the connection" in text
        assert "reads only (--read-only)" in text
        assert "terminal (process 4711)" in text
        assert "no limit is reported" in pane_text(app, "RatePane")


async def test_numbers_go_to_the_panes_of_the_page() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("c")
        for key, name in (("2", "RatePane"), ("3", "AgesPane"), ("1", "LinksPane")):
            await press(pilot, key)
            assert type(app.focused).__name__ == name


@pytest.mark.parametrize("key", ["o", "d", "l", "L", "c"])
async def test_page_keys_open_and_close(key: str) -> None:
    app = an_app(None)
    async with shown(app, (80, 24)) as pilot:
        before = app.screen
        await press(pilot, key)
        assert app.screen is not before
        assert screen_text(app)
        await press(pilot, key)
        assert app.screen is before


NAMES = ("1000000MOGUSDT", "1000000MOGUSDC", "BROCCOLI714USDT", "币安人生USDT", "我踏马来了USDT")


@pytest.mark.parametrize("page", ["a", "o", "d", "w", "c"])
async def test_no_name_of_a_symbol_is_cut_for_two_would_read_alike(page: str) -> None:
    held = fixtures.normal()
    snapshot = replace(
        held,
        symbols={name: fixtures.btc() for name in NAMES},
        orders=tuple(an_order(at, name, symbol=name) for at, name in enumerate(NAMES)),
        fills=tuple(replace(held.fills[0], at=at, symbol=name) for at, name in enumerate(NAMES)),
        decisions=tuple(replace(a_decision(at), symbol=name) for at, name in enumerate(NAMES)),
        ages=dict.fromkeys(NAMES, 100),
        blockers=(),
    )
    app = an_app(snapshot)
    async with shown(app, (80, 48)) as pilot:
        await press(pilot, page)
        text = screen_text(app).replace("\n", " ")
        assert [name for name in NAMES if f" {name} " not in text] == []


async def test_the_mark_of_the_portfolio_stays_on_its_symbol_when_another_order_comes_under_it() -> None:
    def worth(**results: str) -> Snapshot:
        held = fixtures.six_symbols()
        views = {name: replace(view, realised=results.get(name, "0")) for name, view in held.symbols.items()}
        return replace(held, symbols=views)

    app = an_app(worth(SOLUSDT="1", XRPUSDT="2", ADAUSDT="3", DOGEUSDT="4", ETHUSDT="-500", BTCUSDT="-900"))
    async with shown(app) as pilot:
        await press(pilot, "a", *["right"] * 5, "down")
        assert "by result" in screen_text(app)
        assert "› ETHUSDT" in marked(app, "#body")
        app.picture.receive(worth(SOLUSDT="1", XRPUSDT="2", ADAUSDT="3", DOGEUSDT="4", ETHUSDT="900", BTCUSDT="-900"))
        await settled(pilot)
        assert "› ETHUSDT" in marked(app, "#body"), "it is the last one now"
        await press(pilot, "enter")
        assert app.picture.symbol == "ETHUSDT"


async def test_the_choice_of_a_symbol_may_be_painted_while_it_is_being_taken_away() -> None:
    app = an_app(fixtures.live())
    async with shown(app) as pilot:
        await press(pilot, "s")
        dialog = app.screen
        assert isinstance(dialog, SymbolDialog)
        await dialog.query_one("#box").remove()
        dialog.flush(app.picture)
        assert app.is_running


async def test_the_symbols_that_the_dialog_has_no_room_for_are_counted() -> None:
    normal = fixtures.normal()
    view = normal.symbols["BTCUSDT"]
    app = an_app(replace(normal, symbols={f"C{at:02}USDT": view for at in range(50)}))
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, "s")
        assert "▼ 38 more" in screen_text(app)
        await press(pilot, *["down"] * 12)
        assert "▲ 1 more  ▼ 37 more" in screen_text(app)
        await press(pilot, "0", "7")
        assert "more" not in screen_text(app)
