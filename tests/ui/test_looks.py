"""Every state at every size and in every theme: nothing breaks, nothing is cut in the middle of a cell."""

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace
from rich.cells import cell_len
from textual import events
from textual.geometry import Size

from gridbot_tui.control.snapshot import EquityPoint, Snapshot
from gridbot_tui.ui import glyphs
from gridbot_tui.ui.app import Look
from gridbot_tui.ui.pages import PAGES
from gridbot_tui.ui.panes.ladder import ladder_rows
from gridbot_tui.ui.panes.profit import residual
from gridbot_tui.ui.panes.risk import RiskPane, curve_rows
from gridbot_tui.ui.picture import Line, Picture
from gridbot_tui.ui.rows import text_of
from tests.ui import fixtures
from tests.ui.running import Ticker, an_app, pane_text, press, screen_text, settled, shown

SIZES = [(80, 24), (200, 60), (40, 10)]


@pytest.mark.parametrize("name", fixtures.ALL)
async def test_no_state_breaks_the_dashboard_at_any_size(name: str) -> None:
    app = an_app(fixtures.ALL[name]())
    async with shown(app, (120, 40)) as pilot:
        for size in SIZES:
            await pilot.resize_terminal(*size)
            await settled(pilot)
            assert all(cell_len(line) <= size[0] for line in screen_text(app).splitlines())


@pytest.mark.parametrize("name", ["normal", "unknown", "huge", "nothing", "long_names"])
async def test_no_state_breaks_any_page(name: str) -> None:
    app = an_app(fixtures.ALL[name]())
    async with shown(app, (80, 24)) as pilot:
        for page in PAGES:
            app.action_page(page.name)
            await settled(pilot)
            assert all(cell_len(line) <= 80 for line in screen_text(app).splitlines())


@pytest.mark.parametrize("size", [(80, 24), (60, 20)])
async def test_a_start_that_waits_says_for_what_and_that_nothing_trades_yet(size: tuple[int, int]) -> None:
    app = an_app(None, attached=False)
    app._waits_for = lambda: "https://fapi.binance.com/fapi cannot be reached yet; trying again in 2.0 s"
    async with shown(app, size) as pilot:
        top = screen_text(app).splitlines()[0]
        assert top.startswith(" gridbot   connecting: https://fapi.binance.com/fapi can")
        assert top.endswith("…")
        await press(pilot, "ctrl+q")
        text = screen_text(app)
        assert "the bot is still starting" in text
        assert "trading goes on" not in text


async def test_resizing_like_a_storm_ends_in_the_last_size() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        for width in range(30, 210, 9):
            app.post_message(events.Resize(Size(width, 40), Size(width, 40)))
        await pilot.resize_terminal(100, 30)
        await settled(pilot)
        assert "╭─ Ladder" in screen_text(app)
        assert all(cell_len(line) <= 100 for line in screen_text(app).splitlines())


@pytest.mark.parametrize("theme", ["dark", "light", "colour-blind", "ansi-16"])
async def test_mode_state_and_numbers_are_words_in_every_theme(theme: str) -> None:
    app = an_app(fixtures.live(), look=Look(theme=theme))
    async with shown(app, (80, 24)):
        top = screen_text(app).splitlines()[0]
        assert " LIVE " in top
        assert "● RUNNING" in top
        assert app.theme == theme


async def test_no_color_paints_no_colour_at_all() -> None:
    app = an_app(fixtures.normal(), look=Look(no_color=True))
    async with shown(app):
        await_settled = app.screen._compositor.render_strips(app.size)
        for strip in await_settled:
            filtered = strip
            for one in app.get_line_filters() if hasattr(app, "get_line_filters") else app._filters:
                if one.enabled:
                    filtered = filtered.apply_filter(one, app.screen.background_colors[1])
            for segment in filtered:
                style = segment.style
                assert style is None or style.color is None or style.color.is_default
                assert style is None or style.bgcolor is None or style.bgcolor.is_default


@pytest.mark.parametrize("symbols", glyphs.SETS)
async def test_each_symbol_set_draws_only_its_own_signs(symbols: glyphs.Symbols) -> None:
    app = an_app(fixtures.normal(), look=Look(symbols=symbols))
    async with shown(app, (200, 60)):
        text = screen_text(app)
        if symbols == "ascii":
            assert text.isascii()
            assert "??" not in text, "a sign of ours has no likeness"
        if symbols != "braille":
            assert not any("\u2800" <= char <= "\u28ff" for char in text)


@pytest.mark.parametrize("key", ["f", "K", "s", "ctrl+q", "ctrl+p"])
async def test_a_dialog_in_ascii_has_no_other_sign(key: str) -> None:
    app = an_app(fixtures.normal(), look=Look(symbols="ascii"))
    async with shown(app, (80, 24)) as pilot:
        await press(pilot, key)
        assert len(app.screen_stack) == 2
        assert [line for line in screen_text(app).splitlines() if not line.isascii()] == []


async def test_breakpoints_choose_one_two_or_three_columns() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)) as pilot:
        assert " 1 Ladder " in screen_text(app)
        assert "╭─ Systems" not in screen_text(app)
        await pilot.resize_terminal(120, 40)
        await settled(pilot)
        tops = [line for line in screen_text(app).splitlines() if "╭─ " in line]
        assert max(line.count("╭─ ") for line in tops) == 2
        await pilot.resize_terminal(200, 60)
        await settled(pilot)
        tops = [line for line in screen_text(app).splitlines() if "╭─ " in line]
        assert max(line.count("╭─ ") for line in tops) == 3
        assert "╭─ Fills" in screen_text(app)


async def test_a_terminal_that_is_too_small_says_so_and_still_pauses_and_flattens() -> None:
    from tests.ui.running import link_of

    app = an_app(fixtures.normal())
    async with shown(app, (50, 12)) as pilot:
        text = screen_text(app)
        assert "need 60x16, have 50x12" in text
        assert "SIM" in text
        await press(pilot, "p")
        await press(pilot, "f")
        assert "Cancel" in screen_text(app)
        await press(pilot, "tab", "enter")
        assert link_of(app).orders == [("pause", {}), ("flatten", {"symbol": "BTCUSDT"})]


async def test_unknown_values_are_dashes_and_never_zero() -> None:
    app = an_app(fixtures.unknown())
    async with shown(app):
        top = screen_text(app).splitlines()[0]
        assert "- USDT" in top
        assert "T0 -" in top
        assert "leverage       -" in pane_text(app, "#risk")
        assert re.search(r"unrealised +- ", pane_text(app, "#profit"))
        assert "bias -" in pane_text(app, "#systems")


async def test_the_ladder_follows_the_market_until_it_is_scrolled() -> None:
    app = an_app(fixtures.many_slots())
    async with shown(app) as pilot:
        assert "60 010.0 last" in pane_text(app, "#ladder")
        assert "▲" in pane_text(app, "#ladder").splitlines()[-1]
        await press(pilot, "1")
        for _ in range(12):
            await pilot.press("pageup")
        await settled(pilot)
        assert "69 010.0" in pane_text(app, "#ladder")
        assert "60 010.0 last" not in pane_text(app, "#ladder")
        await press(pilot, "home")
        assert "60 010.0 last" in pane_text(app, "#ladder")


async def test_the_ladder_shows_slot_lot_stop_and_prices_on_one_axis() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (200, 60)):
        rows = pane_text(app, "#ladder").splitlines()
        names = ("63 959.0", "last", "◆ lot 7", "58 735.0", "stop")
        at = [next(i for i, row in enumerate(rows) if name in row) for name in names]
        assert at == sorted(at)
        text = "\n".join(rows)
        for word in ("● resting", "○ waiting", "◐ 42 % in", "✗ blocked", "12m", "10/5", "+63.90", "break-even"):
            assert word in text
        assert next(row for row in rows if "◆ lot 7" in row).rstrip("│ ").endswith("+0.11 → 62 192.0")
        assert "of lot 7" in next(row for row in rows if row.startswith("│ 62 192.0"))


async def test_stale_and_disconnected_are_above_everything_on_every_page() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        app.picture.line, app.picture.line_detail = Line.LOST, "gone"
        for page in PAGES:
            app.action_page(page.name)
            await settled(pilot)
            assert "DISCONNECTED" in screen_text(app).splitlines()[1]


async def test_nothing_is_read_from_the_machines_clock_or_locale(monkeypatch: pytest.MonkeyPatch) -> None:
    app = an_app(fixtures.normal())
    async with shown(app):
        first = screen_text(app)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    again = an_app(fixtures.normal())
    async with shown(again):
        assert screen_text(again) == first


async def test_limits_shown_are_those_of_the_config_in_force() -> None:
    limits = (0.03, 0.06, 0.125)
    snapshot = replace(
        fixtures.normal(), tier_limits=limits, leverage_cap=1.5, admission_cap=1.5, drawdown=-0.125
    )
    app = an_app(snapshot)
    async with shown(app) as pilot:
        assert "halts −12.5" in pane_text(app, "#risk")
        assert re.search(r"drawdown −12\.5 % █+ ", pane_text(app, "#risk").replace("┆", "█"))
        assert "cap 1.5x" in pane_text(app, "#risk")
        assert "0.15x/1.5x" in screen_text(app).splitlines()[0]
        app.action_page("whatif")
        await settled(pilot)
        assert "tiers: −3 % reduces, −6 % defends, −12.5 % closes and halts" in screen_text(app)
        app.picture.receive(replace(snapshot, tier_limits=()))
        await settled(pilot)
        assert "tiers: -" in screen_text(app)


async def test_the_cap_is_that_of_entries_beside_what_no_order_passes() -> None:
    app = an_app(replace(fixtures.normal(), admission_cap=2.0, worst_leverage=0.7))
    async with shown(app) as pilot:
        assert "0.15x/2x" in screen_text(app).splitlines()[0]
        assert "worst  0.70x  cap 2.0x  hard 6.0x" in pane_text(app, "#risk")
        assert pane_text(app, "#risk").splitlines()[1].count("┆") == 1, "the cap on the meter of what no order passes"
        app.picture.receive(replace(fixtures.normal(), admission_cap=None))
        await settled(pilot)
        assert "0.15x/6x" in screen_text(app).splitlines()[0], "a bot of before does not say"
    narrow = an_app(replace(fixtures.normal(), admission_cap=2.0, worst_leverage=1.7))
    async with shown(narrow, size=(60, 20)):
        assert "worst 1.70x/2x" in screen_text(narrow)


async def test_sixty_columns_have_every_tab_and_every_weight() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, size=(60, 20)) as pilot:
        lines = screen_text(app).splitlines()
        assert " 1 Lad  2 Cha  3 Sys  4 Ris  5 Blo  6 Eve  7 Pro  8 Fil" in lines[4]
        assert "▲ UP 0.50 w 0.31   ▼ DOWN 0.00 w 0.10   ◆ NEUT 0.33 w 0.59" in lines[1]
        held = fixtures.normal().symbols["BTCUSDT"]
        app.picture.receive(
            replace(fixtures.normal(), symbols={"BTCUSDT": replace(held, position="-1234567.8", open_orders=12)})
        )
        await settled(pilot)
        plan = screen_text(app).splitlines()[2]
        assert "position −1 234 567.8 BTC" in plan
        assert "open" not in plan, "half of a number is another one"
    wider = an_app(fixtures.normal())
    async with shown(wider, size=(80, 24)):
        assert " 7 Profit  8 Fills" in screen_text(wider)


async def test_profit_of_cycles_is_named_net_and_the_last_row_cuts_no_number() -> None:
    app = an_app(fixtures.normal())
    async with shown(app):
        text = pane_text(app, "#profit")
        assert "grid net" in text
        assert "7d +144.90  fills 27" in text


async def test_levels_of_a_cheap_coin_keep_their_columns_apart() -> None:
    app = an_app(fixtures.tiny())
    async with shown(app) as pilot:
        app.action_page("whatif")
        await settled(pilot)
        rows = [line for line in screen_text(app).splitlines() if re.search(r" (buy|sell) 812 345 678 ", line)]
        assert len(rows) == 6
        assert all(re.search(r"0\.000001\d\d +[+−]?\d", row) for row in rows)
        assert re.search(r"0\.00000123 +now ", screen_text(app))


def test_no_two_labels_of_the_price_axis_read_alike() -> None:
    from gridbot_tui.ui.charts import Chart, PlotextRenderer
    from gridbot_tui.ui.rows import text_of

    bars = tuple(
        replace(bar, open=price, high="0.00000013", low="0.00000012", close=price)
        for bar, price in zip(fixtures.bars(1.0, 40), ["0.00000012", "0.00000013"] * 20, strict=True)
    )
    rows = PlotextRenderer().render(Chart(bars, (), (), 8), 60, 16, "braille")
    labels = [found[0] for row in rows if (found := re.findall(r"0\.0000\d+", text_of(row)))]
    assert labels == ["0.00000013", "0.00000012"]


def test_the_price_of_now_is_on_the_chart_however_far_it_has_gone_since_the_last_candle() -> None:
    from gridbot_tui.ui.charts import Chart, PlotextRenderer
    from gridbot_tui.ui.rows import text_of

    bars = fixtures.bars(500.0, 40)
    fell = Chart(bars, ((350.0, "last"), (90.0, "stop")), (), 1)
    rows = [text_of(row) for row in PlotextRenderer().render(fell, 60, 16, "braille")]
    lowest = [float(found[0]) for row in rows if (found := re.findall(r"^ *(\d+\.\d)", row))][-1]
    assert lowest == 350.0
    assert "┈┈┈" in rows[-3]


def test_only_prices_at_the_market_stand_on_its_line_of_the_axis_what_is_told_below_it_has_none() -> None:
    picture = Picture(monotonic=Ticker())
    picture.receive(fixtures.normal())
    view = picture.view
    assert view is not None
    rows, market = ladder_rows(view, picture.now(), 40)
    assert market is not None
    told = [text_of(row).rstrip() for row in rows[1 + market : 5 + market]]
    lines = [text for text in told if " entry" in text or " break-even" in text]
    assert told[0].startswith("── ")
    assert lines
    assert not [text for text in lines if "─" in text]


@pytest.mark.parametrize(
    ("filled", "said"), [("0.00001", "1 % in"), ("0.011", "42 % in"), ("0.02599", "99 % in"), ("0.0259", "99 % in")]
)
def test_an_order_that_is_partly_filled_is_neither_empty_nor_full(filled: str, said: str) -> None:
    view = fixtures.normal().symbols["BTCUSDT"]
    rungs = tuple(replace(one, filled=filled) if one.state == "partly filled" else one for one in view.ladder)
    rows, _ = ladder_rows(replace(view, ladder=rungs), fixtures.NOW, 100)
    assert any(f"◐ {said}" in text_of(row) for row in rows)


@pytest.mark.parametrize("text", ["0.5", "-0.5", "0.00000001"])
def test_a_residual_of_either_sign_is_never_a_good_one(text: str) -> None:
    row = residual(replace(fixtures.normal(), residual=text))
    assert text_of(row) == f"residual {text} ⚠"
    assert row[1][1] == "bad"


def test_a_residual_of_a_coin_is_not_shown_as_none() -> None:
    snapshot = replace(fixtures.normal(), residual="0", residuals=(("BNB", "-0.02"),))
    assert text_of(residual(snapshot)) == "residual -0.02 BNB ⚠"
    assert text_of(residual(replace(snapshot, residual_pending=True))) == "residual -0.02 BNB pending"
    both = replace(snapshot, residual="1.5", residuals=(("BNB", "-0.02"), ("USDT", "1.5")), residual_pending=True)
    assert text_of(residual(both)) == "residual -0.02 BNB, 1.5 pending"


def test_a_young_equity_curve_is_not_of_no_days() -> None:
    points = tuple(EquityPoint(fixtures.NOW + at * 3_600_000, str(10_000 + at), 0.0) for at in range(6))
    rows = curve_rows(replace(fixtures.normal(), equity_curve=points), 60, 1, RiskPane())
    assert text_of(rows[0]).startswith("equity 5h")


def in_bitcoin() -> Snapshot:
    """An account that counts in a coin of which it has little."""
    share = Decimal("0.000005")

    def coin(text: str | None) -> str | None:
        return None if text is None else format(Decimal(text) * share, "f")

    found = fixtures.normal()
    view = fixtures.btc()
    amounts = ("realised", "unrealised", "grid_profit", "inventory_profit", "fees", "funding")
    view = replace(
        view,
        quote="BTC",
        ladder=tuple(replace(rung, profit=coin(rung.profit)) for rung in view.ladder),
        lots=tuple(replace(lot, profit=coin(lot.profit)) for lot in view.lots),
        what_if=tuple(
            replace(one, **{name: coin(getattr(one, name)) for name in ("margin", "maintenance", "cycle_fees",
                                                                        "cycle_profit", "funding_day")})
            for one in view.what_if
        ),
        **{name: coin(getattr(view, name)) for name in amounts},
    )  # fmt: skip
    names = ("grid", "inventory", "fees", "funding", "realised", "unrealised", "today", "week")
    return replace(
        found,
        quote="BTC",
        equity=coin(found.equity),
        start_equity=coin(found.start_equity),
        symbols={"ETHBTC": view},
        pnl=replace(found.pnl, **{name: coin(getattr(found.pnl, name)) for name in names}),
        fills=tuple(replace(one, symbol="ETHBTC", grid_profit=coin(one.grid_profit)) for one in found.fills),
        equity_curve=tuple(replace(point, equity=coin(point.equity)) for point in found.equity_curve),
    )


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_an_account_in_a_dear_coin_does_not_read_as_nothing(size: tuple[int, int]) -> None:
    app = an_app(in_bitcoin())
    async with shown(app, size) as pilot:
        text = screen_text(app)
        assert "0.051072 BTC" in text
        app.action_jump(7)
        await settled(pilot)
        profit = pane_text(app, "#profit")
        for amount in ("+0.000676", "−0.000007", "−0.000052", "−0.000006", "+0.000630", "+0.000155", "+0.000724"):
            assert amount in profit, "grid, inventory, fees, funding, realised, today, week"
        assert not re.search(r"…|0\.00 ", profit)
        app.action_jump(4)
        await settled(pilot)
        assert re.search("0.051072(.|\n)*0.049820", pane_text(app, "#risk")), "both ends of the curve"
        assert "+0.000206" in pane_text(app, "#ladder")
        await press(pilot, "a")
        assert "+0.000536" in screen_text(app)
        await press(pilot, "x")
        assert re.search("0.007582(.|\n)*0.000220", screen_text(app)), "margin and profit of a cycle"
        await press(pilot, "o")
        assert size[0] < 100 or "+0.000206" in screen_text(app)
        await press(pilot, "f")
        assert "fee about 0.78" in screen_text(app), "the price of this made market is still in thousands"


def test_a_drawdown_that_a_tier_waits_for_is_said_beside_the_tier() -> None:
    def said(tier: int, drawdown: float) -> str:
        picture = Picture(monotonic=lambda: 0)
        picture.receive(replace(fixtures.normal(), tier=tier, drawdown=drawdown, tier_limits=(0.05, 0.10, 0.15)))
        return "".join(text for text, _ in RiskPane().status(picture))

    assert said(0, -0.04) == "T0 normal"
    assert said(0, -0.06) == "T0 normal, T1 if it lasts"
    assert said(0, -0.123) == "T0 normal, T2 if it lasts"
    assert said(2, -0.08) == "T2 defends"
    assert said(3, -0.20) == "T3 halted"
