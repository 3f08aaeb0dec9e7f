"""Destructive actions: the effect in numbers, cancel focused, a second look at OK, once only, the outcome said."""

import asyncio

import pytest
from msgspec.structs import replace

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.control.snapshot import BlockerView, ShutdownView, Snapshot
from gridbot_tui.ui.app import GridApp
from gridbot_tui.ui.dialogs.dialog import Answer, Dialog
from gridbot_tui.ui.dialogs.flatten import FlattenDialog, effect_rows
from gridbot_tui.ui.picture import Line
from gridbot_tui.ui.screens.page import Page
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, pane_text, press, screen_text, settled, shown


def moved(snapshot: Snapshot, position: str) -> Snapshot:
    view = replace(snapshot.symbols["BTCUSDT"], position=position)
    return replace(snapshot, symbols={**snapshot.symbols, "BTCUSDT": view})


async def test_flatten_shows_what_it_does_in_numbers() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "f")
        text = screen_text(app)
        assert "Flatten BTCUSDT" in text
        assert "6 orders, among them 1 stop" in text
        assert "sell 0.026 BTC (BTCUSDT) by market, about 60 004.2" in text
        assert "fee about 0.78 USDT" in text
        assert "equity about 10 213.53 USDT, no position, paused" in text


async def test_flatten_calls_dust_dust_and_what_others_hold_theirs() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("f")
        picture = fixtures.normal()
        for closable, others, locked, said in (
            ("0", "0", "0", ["0.00000705 BTC (BTCUSDT): dust, too little", "nothing that an order can close"]),
            ("0", "0.00000705", "0", ["0.00000705 BTC (BTCUSDT): another hand's, never touched"]),
            ("0.00000700", "0", "0", ["sell 0.000007 BTC", "0.00000005 BTC (BTCUSDT): dust"]),
            (
                "0.00000700",
                "0",
                "0.000004",
                ["sell 0.000003 BTC", "0.000004 BTC (BTCUSDT): others' orders hold it"],
            ),
        ):
            view = replace(
                picture.symbols["BTCUSDT"], position="0.00000705", closable=closable, others=others, locked=locked
            )
            app.picture.receive(replace(picture, symbols={"BTCUSDT": view}))
            await settled(pilot)
            text = " ".join(screen_text(app).split())
            assert all(words in text for words in said), text


async def test_flatten_promises_no_empty_account_where_another_hand_holds_something() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("f")
        picture = fixtures.normal()
        view = replace(picture.symbols["BTCUSDT"], position="1.026", closable="0.026", others="1")
        app.picture.receive(replace(picture, symbols={**picture.symbols, "BTCUSDT": view}))
        await settled(pilot)
        text = " ".join(screen_text(app).split())
        assert "1 BTC (BTCUSDT): another hand's, never touched" in text
        assert "only what is kept, paused" in text
        assert "no position" not in text


@pytest.mark.parametrize("everything", [False, True])
async def test_flatten_names_a_position_that_the_books_do_not_know(everything: bool) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        picture = fixtures.normal()
        view = replace(picture.symbols["BTCUSDT"], position="0", closable="0", lots=())
        unknown = BlockerView(
            "position_unknown", "BTCUSDT", 0, "the exchange holds 0.5 BTC, the ledger 0", "when both agree"
        )
        foreign = BlockerView(
            "foreign_position", "", 0, "SOLUSDT: a position that is not the bot's", "when it is closed"
        )
        symbols = {**picture.symbols, "BTCUSDT": view}
        app.picture.receive(replace(picture, symbols=symbols, blockers=(unknown, foreign)))
        app.action_flatten_all() if everything else app.action_flatten()
        await settled(pilot)
        text = " ".join(screen_text(app).replace("│", " ").split())
        assert "the exchange holds 0.5 BTC, the ledger 0" in text
        assert "no position" not in text
        assert ("SOLUSDT: a position that is not the bot's: never touched" in text) is everything


def test_of_many_things_that_stay_the_gravest_are_named_and_the_rest_counted() -> None:
    picture = fixtures.six_symbols()
    view = replace(next(iter(picture.symbols.values())), position="0.00000705", closable="0", others="0")
    foreign = BlockerView("foreign_position", "", 0, "XUSDT: not the bot's", "when it is closed")
    symbols = {f"S{number}USDT": view for number in range(12)}
    rows = effect_rows(replace(picture, symbols=symbols, blockers=(foreign,)), symbols, 60)
    said = ["".join(text for text, _ in row) for row in rows]
    kept = [line for line in said if line.startswith("keep")]
    assert "XUSDT: not the bot's: never touched" in kept[0]
    assert "and 5 more" in kept[-1]


@pytest.mark.parametrize("keys", [("enter",), ("escape",), ("space",)])
async def test_cancel_has_the_focus_and_escape_cancels(keys: tuple[str, ...]) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        for opener in ("f", "K"):
            await press(pilot, opener)
            assert isinstance(app.focused, Answer)
            assert app.focused.value == ""
            await press(pilot, *keys)
            assert isinstance(app.screen, Page)
        assert link_of(app).orders == []


async def test_a_confirmed_flatten_goes_out_once_and_its_outcome_is_said() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        link_of(app).answer = CommandOutcome("1", True, "BTCUSDT flat, 0 orders, equity 10 213.2")
        await press(pilot, "f", "tab", "enter")
        assert link_of(app).orders == [("flatten", {"symbol": "BTCUSDT"})]
        assert "BTCUSDT flat" in app.picture.notes[-1].text


async def test_a_position_that_moved_under_the_dialog_wants_a_second_look() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("f", "tab")
        app.picture.receive(moved(fixtures.normal(), "0.052"))
        await settled(pilot)
        assert "sell 0.052 BTC" in screen_text(app)
        await press(pilot, "enter")
        assert link_of(app).orders == []
        assert "it has changed" in screen_text(app)
        await press(pilot, "enter")
        assert link_of(app).orders == [("flatten", {"symbol": "BTCUSDT"})]


async def test_nothing_is_confirmed_on_a_stale_or_lost_picture() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("f", "tab")
        app.picture._monotonic.now += 10_000  # type: ignore[attr-defined]
        await press(pilot, "enter")
        assert isinstance(app.screen, FlattenDialog)
        assert "nothing was sent" in screen_text(app)
        app.picture.receive(fixtures.normal())
        app.picture.line = Line.LOST
        await press(pilot, "enter")
        assert link_of(app).orders == []


async def test_real_money_wants_the_symbol_typed() -> None:
    app = an_app(fixtures.live())
    async with shown(app) as pilot:
        await press(pilot, "f")
        assert "on live money: type BTCUSDT" in screen_text(app)
        assert isinstance(app.focused, Answer)
        await press(pilot, "tab", "enter")
        assert link_of(app).orders == []
        await press(pilot, "shift+tab", "shift+tab", *"btcusdt", "enter", "tab", "enter")
        assert link_of(app).orders == []
        assert isinstance(app.screen, Dialog)


async def test_real_money_goes_on_once_the_word_is_right() -> None:
    from textual.widgets import Input

    app = an_app(fixtures.live())
    async with shown(app) as pilot:
        await press(pilot, "f")
        app.screen.query_one(Input).value = "BTCUSDT"
        app.screen.query_one("#answer-flatten", Answer).action_give()
        await settled(pilot)
        assert link_of(app).orders == [("flatten", {"symbol": "BTCUSDT"})]


async def test_kill_wants_a_typed_word_in_every_mode() -> None:
    from textual.widgets import Input

    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "K")
        assert "latched until" in screen_text(app)
        app.screen.query_one("#answer-kill", Answer).action_give()
        await settled(pilot)
        assert link_of(app).orders == []
        await pilot.press("K", "I", "L", "L")  # Cancel has the focus: the word is typed all the same
        assert app.screen.query_one(Input).value == "KILL"
        app.screen.query_one("#answer-kill", Answer).action_give()
        await settled(pilot)
        assert link_of(app).orders == [("kill", {})]


@pytest.mark.parametrize(
    ("answer", "order"), [("protect", {"keep_positions": "true"}), ("stop", {"keep_positions": "false"})]
)
async def test_leaving_by_a_stop_orders_it_and_ends_with_the_bot(answer: str, order: dict[str, str]) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+q")
        app.screen.query_one(f"#answer-{answer}", Answer).action_give()
        await settled(pilot)
        await pilot.pause()
    assert link_of(app).orders == [("stop", order)]
    assert app.return_value is not None
    assert app.return_value.how == "stopped"


async def test_detaching_orders_nothing() -> None:
    app = an_app(fixtures.normal(), attached=False)
    async with shown(app) as pilot:
        await press(pilot, "ctrl+q")
        assert "a process without a terminal takes over" in screen_text(app)
        await press(pilot, "right", "enter")
    assert link_of(app).orders == []
    assert app.return_value is not None
    assert app.return_value.how == "detached"


async def test_a_viewer_can_only_detach() -> None:
    app = an_app(fixtures.normal(), controls=False)
    async with shown(app) as pilot:
        await press(pilot, "ctrl+q")
        assert [one.value for one in app.screen.query(Answer)] == ["", "detach"]


async def test_reload_shows_the_difference_before_it_is_applied() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        detail = {"changes": "risk.leverage_cap  6.0 -> 4.0", "desired": "BTCUSDT: cancel 4, create 4, keep 2"}
        link_of(app).answer = CommandOutcome("1", True, "would change 1 keys", detail)
        await press(pilot, "r")
        text = screen_text(app)
        assert "Config version 3 → 4" in text
        assert "6.0 -> 4.0" in text
        assert "cancel   4   create   4   keep   2" in text
        await press(pilot, "tab", "enter")
        assert link_of(app).orders == [("reload", {"preview": "true"}), ("reload", {})]


async def test_an_order_under_way_is_not_sent_again() -> None:
    from gridbot_tui.control.command import CommandKind
    from gridbot_tui.ui.link import Link
    from gridbot_tui.ui.picture import Picture
    from tests.ui.running import never

    class Client:
        def __init__(self) -> None:
            self.sent = 0
            self.go = asyncio.Event()

        async def command(self, kind: CommandKind, args: object, **_: object) -> CommandOutcome:
            self.sent += 1
            await self.go.wait()
            return CommandOutcome("1", True, "done")

    link = Link(never, Picture(), lambda *_: None, lambda _: None)
    client = Client()
    link._client = client  # type: ignore[assignment]
    first = asyncio.create_task(link.command(CommandKind.FLATTEN, {"symbol": "BTCUSDT"}))
    await asyncio.sleep(0)
    assert await link.command(CommandKind.FLATTEN, {"symbol": "BTCUSDT"}) is None
    assert client.sent == 1
    client.go.set()
    outcome = await first
    assert outcome is not None
    assert outcome.ok
    assert not link.busy


async def test_a_dialog_fits_a_very_small_terminal() -> None:
    app: GridApp = an_app(fixtures.live())
    async with shown(app, (44, 12)) as pilot:
        await press(pilot, "f")
        assert "Cancel" in screen_text(app)
        assert "Flatten" in screen_text(app)


def with_view(snapshot: Snapshot, **changes: object) -> Snapshot:
    view = replace(snapshot.symbols["BTCUSDT"], **changes)
    return replace(snapshot, symbols={**snapshot.symbols, "BTCUSDT": view})


async def test_the_fee_of_closing_is_that_of_the_account_and_what_is_unknown_is_a_dash() -> None:
    app = an_app(replace(with_view(fixtures.normal(), bid=None, ask=None), taker_fee="0.001", market="spot"))
    async with shown(app) as pilot:
        await press(pilot, "f")
        assert "fee about 1.56 USDT, half the spread -" in screen_text(app)
        app.picture.receive(replace(fixtures.normal(), taker_fee=None))
        await settled(pilot)
        assert "fee -, half the spread 0.00" in screen_text(app)
        assert "equity -, no position, paused" in screen_text(app)


async def test_no_number_and_no_answer_of_a_dialog_is_cut_on_the_smallest_terminal() -> None:
    app = an_app(with_view(fixtures.live(), position="1559.43900000"))
    async with shown(app, (60, 16)) as pilot:
        for opener in ("f", "K", "ctrl+q"):
            await press(pilot, opener)
            box = [line for line in screen_text(app).splitlines() if line.startswith(("│", "╭", "╰"))]
            assert "…" not in "\n".join(box)
            if opener == "f":
                assert "sell 1559.439 BTC (BTCUSDT) by market, about" in screen_text(app)
            if opener == "ctrl+q":
                for answer in ("‹ Cancel ›", "Detach", "Stop protected", "Flatten and stop"):
                    assert any(line.rstrip("│ ").endswith(answer) for line in box), answer
            await press(pilot, "escape")


@pytest.mark.parametrize("size", [(80, 24), (60, 18), (40, 12)])
async def test_what_is_told_covers_no_answer_of_a_dialog_on_a_small_terminal(size: tuple[int, int]) -> None:
    app = an_app(fixtures.six_symbols())
    async with app.run_test(size=size, notifications=True) as pilot:
        await settled(pilot)
        for at in range(3):
            app.tell("error", f"something {at} that takes a line of a toast, and some more words after it")
        await settled(pilot)
        await press(pilot, "ctrl+q")
        text = screen_text(app)
        for answer in ("‹ Cancel ›", "Detach", "Stop protected", "Flatten and stop"):
            assert answer in text


async def test_a_terminal_that_is_too_small_has_no_toast_over_its_one_page() -> None:
    app = an_app(fixtures.normal())
    async with app.run_test(size=(40, 12), notifications=True) as pilot:
        app.tell("error", "first")
        app.tell("error", "second")
        await settled(pilot)
        assert "too small: need 60x16, have 40x12" in screen_text(app)
        assert "p pauses, f flattens" in screen_text(app)
        assert "first" not in screen_text(app), "the last one is a line of the page"


@pytest.mark.parametrize("attached", [False, True])
async def test_leaving_while_the_exchange_is_away_says_that_the_next_process_waits_for_it(attached: bool) -> None:
    away = BlockerView("link_down", "", fixtures.NOW, "account: no answer", "when it is back and resynced")
    app = an_app(replace(fixtures.normal(), blockers=(away,)), attached=attached)
    async with shown(app, (120, 40)) as pilot:
        await press(pilot, "ctrl+q")
        text = " ".join(pane_text(app, "#facts").split())
        assert ("the exchange is away: trading goes on once it is back" in text) is not attached
        assert "trading goes on" in text


async def test_leaving_a_bot_that_is_not_heard_promises_no_trading() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)) as pilot:
        app.picture.line, app.picture.controls = Line.LOST, False
        await press(pilot, "ctrl+q")
        text = " ".join(screen_text(app).replace("│", " ").split())
        assert "nothing is heard of the bot, so whether it" in text
        assert "trading goes on" not in text
        done = ShutdownView("verify", ("cancel", "verify"), "0 orders left; verified", fixtures.NOW, True)
        app.picture.receive(replace(fixtures.normal(), state="stopped", shutdown=done))
        await settled(pilot)
        assert "the bot has ended; only this terminal closes" in screen_text(app)
