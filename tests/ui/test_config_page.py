"""Editing the config: comments kept, judged while typing, shown as a difference, applied once, conflicts told."""

import asyncio

import pytest
from msgspec.structs import replace
from textual import events
from textual.pilot import Pilot

from gridbot_tui.control.command import CommandKind, CommandOutcome
from gridbot_tui.control.errors import ControlError, Refused
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.ui import checking
from gridbot_tui.ui.app import Ended, GridApp
from gridbot_tui.ui.dialogs.change import ChangeDialog
from gridbot_tui.ui.picture import Line
from gridbot_tui.ui.screens import config
from gridbot_tui.ui.screens.config import ConfigPage, FaultsPane
from gridbot_tui.ui.screens.dashboard import DashboardPage
from gridbot_tui.ui.toml_area import TomlArea, comment_at
from tests.ui import fixtures
from tests.ui.running import FakeLink, an_app, pane_text, press, screen_text, settled, shown

TEXT = "# mine\n[ladder]\nskew = 1.0  # as it was\n\n[risk]\nleverage_cap = 5.0\n"
DETAIL = {
    "changes": "ladder.skew: 1.0 -> 0.7 (at the next decision)\nrisk.leverage_cap: 5.0 -> 4.0 x (at once)",
    "desired": "BTCUSDT: cancel 4, create 4, keep 2, spacing 2.84 % -> 3.10 %\nETHUSDT: cancel 0, create 0, keep 2",
    "what_if": "BTCUSDT buys filled: margin 812 -> 640, 1.12x -> 0.83x, -2.9 % at 53938, T0, liquidation 24880",
}
PREVIEW = CommandOutcome("1", True, "would change 2 keys", DETAIL)


@pytest.fixture(autouse=True)
def _judged_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Typing rests as soon as it ends: every text here would be waited for otherwise."""
    monkeypatch.setattr(config, "PAUSE_S", 0.01)


class Bot(FakeLink):
    """Answers in turn, and remembers the version each order was made on."""

    def __init__(self, *answers: CommandOutcome | ControlError) -> None:
        super().__init__()
        self.answers = list(answers)
        self.versions: list[int | None] = []

    async def command(
        self,
        kind: CommandKind,
        args: dict[str, str] | None = None,
        *,
        base_version: int | None = None,
        within: float = 0,
    ) -> CommandOutcome | None:
        self.versions.append(base_version)
        if self.answers:
            self.answer = self.answers.pop(0)
        return await super().command(kind, args, base_version=base_version, within=within)


def configured(text: str = TEXT, version: int = 3) -> Snapshot:
    return replace(fixtures.normal(), config_text=text, config_version=version)


def with_bot(*answers: CommandOutcome | ControlError, snapshot: Snapshot | None = None) -> tuple[GridApp, Bot]:
    app, bot = an_app(snapshot or configured()), Bot(*answers)
    app.link = bot  # type: ignore[assignment]
    return app, bot


def page_of(app: GridApp) -> ConfigPage:
    assert isinstance(app.screen, ConfigPage)
    return app.screen


async def opened(pilot: Pilot[Ended], app: GridApp) -> ConfigPage:
    await press(pilot, "e")
    page = page_of(app)
    await judged(pilot, page)
    return page


async def judged(pilot: Pilot[Ended], page: ConfigPage) -> None:
    """Until the text as it is now has been judged."""
    for _ in range(1000):
        if page.checked == page.area.text:
            break
        await asyncio.sleep(0.02)
    await settled(pilot)


def retyped(page: ConfigPage, old: str, new: str) -> None:
    page.area.load_text(page.area.text.replace(old, new))


async def edited(pilot: Pilot[Ended], app: GridApp, old: str, new: str) -> ConfigPage:
    """The page, opened, with an edit that has been judged."""
    page = await opened(pilot, app)
    retyped(page, old, new)
    await judged(pilot, page)
    return page


# -- judging ------------------------------------------------------------------------------------------------------


def test_faults_have_their_line_and_no_fault_is_no_word() -> None:
    assert checking.faults_of(TEXT) == []
    wrong = checking.faults_of("[ladder]\nskew = 9.0\nskwe = 1\n")
    assert [fault.line for fault in wrong] == [2, 3]
    assert "from 0.5 to 1.25" in wrong[0].text
    assert checking.faults_of("[ladder")[0].line == 1


def test_the_environment_of_this_terminal_is_not_the_bots(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDBOT_LADDER__SKEW", "77")
    assert checking.faults_of(TEXT) == []


@pytest.mark.parametrize(
    ("line", "at"), [('name = "a#b"  # c', 14), ("name = 'a#b'", None), ("# all", 0), ("plain", None)]
)
def test_a_comment_begins_outside_of_quotes(line: str, at: int | None) -> None:
    assert comment_at(line) == at


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_e_shows_the_text_in_force_with_its_comments_and_that_it_holds(size: tuple[int, int]) -> None:
    app, _ = with_bot()
    async with shown(app, size) as pilot:
        await opened(pilot, app)
        text = screen_text(app)
        for part in ("Config version 3", "✓ holds", "# mine", "skew = 1.0  # as it was", "leverage_cap = 5.0"):
            assert part in text


async def test_a_fault_is_named_while_typing_and_ctrl_n_goes_to_its_line() -> None:
    app, _ = with_bot()
    async with shown(app, (80, 24)) as pilot:
        page = await edited(pilot, app, "leverage_cap = 5.0", "leverage_cap = 500")
        assert "✗ 1 fault" in screen_text(app)
        assert "line 6: risk.leverage_cap = 500 is out of range" in pane_text(app, "FaultsPane")
        await press(pilot, "ctrl+n")
        assert page.area.cursor_location[0] == 5


async def test_letters_are_letters_in_the_editor_and_undo_takes_them_back() -> None:
    app, bot = with_bot()
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        await press(pilot, *"pfeK1")
        assert page.area.text == "pfeK1" + TEXT
        assert "● edited" in screen_text(app)
        assert bot.orders == []
        for _ in range(5):
            await pilot.press("ctrl+z")
        await settled(pilot)
        assert page.area.text == TEXT
        await press(pilot, "ctrl+y")
        assert page.area.text != TEXT


# -- applying -----------------------------------------------------------------------------------------------------


async def test_an_edit_is_previewed_shown_as_a_difference_and_applied_on_its_version() -> None:
    app, bot = with_bot(
        CommandOutcome("1", True, "would change 2 keys", DETAIL), CommandOutcome("2", True, "version 4")
    )
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        retyped(page, "skew = 1.0", "skew = 0.7")
        wanted = page.area.text
        await pilot.press("ctrl+s")
        await judged(pilot, page)
        await settled(pilot)
        assert isinstance(app.screen, ChangeDialog)
        text = screen_text(app)
        for part in (
            "Config version 3 → 4",
            "ladder.skew        1.0 → 0.7",
            "at the next decision",
            "at once",
            "in all        cancel   4   create   4   keep   4",
            "BTCUSDT       cancel   4   create   4   keep   2",
            "spacing 2.84 % → 3.10 %",
            "margin 812 → 640",
            "−2.9 % at 53938",
        ):
            assert part in text
        assert bot.orders == [("apply", {"text": wanted, "preview": "true"})]
        await press(pilot, "tab", "enter")
        assert bot.orders[1:] == [("apply", {"text": wanted})]
        assert bot.versions == [3, 3]
        assert not page.edited
        assert "version 4" in pane_text(app, "FaultsPane")


async def test_back_is_the_first_answer_and_the_edit_stays() -> None:
    app, bot = with_bot(PREVIEW)
    async with shown(app) as pilot:
        await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        await press(pilot, "ctrl+s")
        await press(pilot, "enter")
        assert len(bot.orders) == 1
        assert page_of(app).edited


async def test_a_text_with_a_fault_is_not_sent() -> None:
    app, bot = with_bot()
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        retyped(page, "skew = 1.0", "skew = 99")
        await pilot.press("ctrl+s")
        await judged(pilot, page)
        assert bot.orders == []
        assert page.area.cursor_location[0] == 2


@pytest.mark.parametrize(
    "answer", [CommandOutcome("1", False, "ladder.kind can change only on a flat book"), Refused("not in control")]
)
async def test_what_the_bot_refuses_is_told_in_its_words(answer: CommandOutcome | ControlError) -> None:
    app, _ = with_bot(answer)
    async with shown(app) as pilot:
        await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        await press(pilot, "ctrl+s")
        words = answer.text if isinstance(answer, CommandOutcome) else str(answer)
        assert words in app.picture.notes[-1].text
        assert not isinstance(app.screen, ChangeDialog)


async def test_an_edit_of_the_file_that_changes_no_value_is_told_before_it_is_replaced() -> None:
    app, bot = with_bot(PREVIEW)
    async with shown(app) as pilot:
        await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        app.picture.receive(configured(TEXT.replace("# mine", "# mine, and why")))
        await press(pilot, "ctrl+s")
        assert bot.orders == []
        assert "the file was edited meanwhile" in pane_text(app, "FaultsPane")
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, ChangeDialog)


async def test_another_version_in_force_is_told_before_the_edit_is_compared_with_it() -> None:
    app, bot = with_bot(PREVIEW)
    async with shown(app) as pilot:
        await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        app.picture.receive(configured(TEXT.replace("5.0", "4.5"), version=4))
        await press(pilot, "ctrl+s")
        assert bot.orders == []
        assert "version 4 came into force meanwhile, this edit began on 3" in pane_text(app, "FaultsPane")
        assert "began on version 3" in screen_text(app)
        await press(pilot, "ctrl+s")
        assert bot.versions == [4]


async def test_an_edit_that_goes_on_after_it_was_applied_is_told_of_another_version_all_the_same() -> None:
    app, bot = with_bot(PREVIEW, CommandOutcome("2", True, "version 4", DETAIL), PREVIEW)
    async with shown(app) as pilot:
        page = await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        await press(pilot, "ctrl+s")
        await press(pilot, "tab", "enter")
        assert not page.edited
        assert "began on" not in screen_text(app), "a picture from before the edit is no other version"
        app.picture.receive(configured(page.area.text, version=4))
        retyped(page, "skew = 0.7", "skew = 0.8")
        await judged(pilot, page)
        app.picture.receive(configured(page.area.text.replace("5.0", "3.0"), version=5))
        await press(pilot, "ctrl+s")
        assert len(bot.orders) == 2
        assert "version 5 came into force meanwhile, this edit began on 4" in pane_text(app, "FaultsPane")


async def test_an_edit_that_goes_on_before_a_picture_of_the_one_applied_is_made_on_it() -> None:
    app, bot = with_bot(PREVIEW, CommandOutcome("2", True, "version 4", DETAIL), PREVIEW)
    async with shown(app) as pilot:
        page = await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        await press(pilot, "ctrl+s")
        await press(pilot, "tab", "enter")
        retyped(page, "skew = 0.7", "skew = 0.8")
        await judged(pilot, page)
        await press(pilot, "ctrl+s")
        assert bot.versions == [3, 3, 4]
        assert isinstance(app.screen, ChangeDialog)


async def test_a_bot_that_begins_to_count_anew_is_another_version_too() -> None:
    app, bot = with_bot(PREVIEW, CommandOutcome("2", True, "version 4", DETAIL), PREVIEW)
    async with shown(app) as pilot:
        page = await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        await press(pilot, "ctrl+s")
        await press(pilot, "tab", "enter")
        app.picture.receive(configured(page.area.text, version=4))
        await settled(pilot)
        app.picture.receive(configured(version=1))
        retyped(page, "skew = 0.7", "skew = 0.8")
        await judged(pilot, page)
        await press(pilot, "ctrl+s")
        assert "version 1 came into force meanwhile, this edit began on 4" in pane_text(app, "FaultsPane")
        await press(pilot, "ctrl+s")
        assert bot.versions == [3, 3, 1]


async def test_comments_that_were_applied_are_what_the_next_edit_begins_on() -> None:
    same = CommandOutcome("1", True, "nothing changes: config version 3 has these values")
    app, bot = with_bot(same, same)
    async with shown(app) as pilot:
        page = await edited(pilot, app, "# mine", "# ours")
        await press(pilot, "ctrl+s")
        await press(pilot, "tab", "enter")
        retyped(page, "# ours", "# all of ours")
        await judged(pilot, page)
        app.picture.receive(configured(TEXT.replace("5.0", "3.0"), version=4))
        await press(pilot, "ctrl+s")
        assert len(bot.orders) == 2
        assert "version 4 came into force meanwhile, this edit began on 3" in pane_text(app, "FaultsPane")


async def test_nothing_edited_is_nothing_to_apply() -> None:
    app, bot = with_bot(CommandOutcome("1", True, "nothing changes: config version 1 has these values"))
    async with shown(app) as pilot:
        await opened(pilot, app)
        await press(pilot, "ctrl+s")
        assert not isinstance(app.screen, ChangeDialog)
        assert "nothing was edited" in pane_text(app, "FaultsPane")
        assert len(bot.orders) == 1


async def test_only_comments_changed_is_a_change_of_the_text() -> None:
    app, _ = with_bot(CommandOutcome("1", True, "nothing changes: config version 1 has these values"))
    async with shown(app) as pilot:
        await edited(pilot, app, "# mine", "# ours")
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, ChangeDialog)
        assert "only the text does" in screen_text(app)


# -- leaving and coming back --------------------------------------------------------------------------------------


async def test_a_file_with_line_ends_of_two_kinds_is_no_edit_of_anybodys() -> None:
    head, _, rest = TEXT.partition("\n")
    app, _ = with_bot(PREVIEW, snapshot=configured(f"{head}\r\n{rest}"))
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        assert not page.edited
        await press(pilot, "ctrl+s")
        assert "nothing was edited" in page.said
        await press(pilot, "escape")
        assert not any("edit is kept" in toast.message for toast in app._notifications)
        await press(pilot, "e")
        assert page_of(app).said == ""


async def test_leaving_keeps_the_edit_and_ctrl_o_drops_it() -> None:
    app, _ = with_bot()
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        retyped(page, "skew = 1.0", "skew = 0.7")
        await settled(pilot)
        await press(pilot, "escape")
        assert isinstance(app.screen, DashboardPage)
        page = await opened(pilot, app)
        assert "skew = 0.7" in page.area.text
        assert "is not applied" in pane_text(app, "FaultsPane")
        await press(pilot, "ctrl+o")
        await judged(pilot, page)
        assert page.area.text == TEXT
        assert not page.edited


async def test_who_leaves_the_app_over_an_edit_is_told_that_it_is_lost() -> None:
    app, _ = with_bot()
    async with shown(app) as pilot:
        page = await edited(pilot, app, "skew = 1.0", "skew = 0.7")
        await press(pilot, "ctrl+q")
        assert "edit     of the config: not applied, and lost if you leave" in screen_text(app)
        await press(pilot, "enter")
        await press(pilot, "ctrl+o")
        await judged(pilot, page)
        await press(pilot, "ctrl+q")
        assert "not applied" not in screen_text(app)


async def test_find_goes_to_each_place_and_round() -> None:
    app, _ = with_bot()
    async with shown(app, (80, 24)) as pilot:
        page = await opened(pilot, app)
        await press(pilot, "ctrl+f", *"= ", "enter")
        assert page.area.cursor_location == (2, 5)
        await press(pilot, "ctrl+g")
        assert page.area.cursor_location == (5, 13)
        await press(pilot, "ctrl+g")
        assert page.area.cursor_location == (2, 5)
        await press(pilot, "ctrl+f", *"zzz", "enter")
        assert "stands nowhere" in pane_text(app, "FaultsPane")
        await press(pilot, "escape")
        assert page_of(app) is page


async def test_who_may_give_no_orders_may_look_and_not_type() -> None:
    app = an_app(configured(), read_only=True)
    async with shown(app) as pilot:
        await press(pilot, "e")
        assert isinstance(app.screen, DashboardPage)
        app.action_page("config")
        await settled(pilot)
        page = page_of(app)
        await judged(pilot, page)
        await press(pilot, "z", "ctrl+s")
        assert page.area.text == TEXT
        assert "read only" in screen_text(app)


async def test_a_letter_is_never_a_command_here_not_even_before_anything_may_be_typed() -> None:
    app, bot = with_bot()
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        page.area.read_only = True
        await press(pilot, *"pfKr[]x")
        assert bot.orders == []
        assert page_of(app) is page


async def test_the_text_may_be_typed_before_it_was_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ConfigPage, "_check", lambda page: asyncio.sleep(0))
    app, _ = with_bot()
    async with shown(app) as pilot:
        await press(pilot, "e")
        await press(pilot, "x")
        assert page_of(app).area.text == "x" + TEXT


async def test_a_bot_without_a_file_shows_every_key_with_its_default() -> None:
    app, _ = with_bot(snapshot=configured(text=""))
    async with shown(app) as pilot:
        page = await opened(pilot, app)
        assert "leverage_cap" in page.area.text
        assert page.faults == []
        assert "without a config file" in pane_text(app, "FaultsPane")


async def test_many_faults_are_counted_and_not_cut_silently() -> None:
    app, _ = with_bot(snapshot=configured("".join(f"[x{at}]\n" for at in range(30))))
    async with shown(app, (80, 24)) as pilot:
        page = await opened(pilot, app)
        assert len(page.faults) == 30
        assert "lines more" in pane_text(app, "FaultsPane")
        assert app.screen.query_one(FaultsPane).size.height == 4


async def test_without_a_bot_nothing_is_shown_as_its_config() -> None:
    app = an_app(None)
    async with shown(app) as pilot:
        app.action_page("config")
        await settled(pilot)
        assert page_of(app).area.text == ""
        assert "nothing is known of the bot yet" in pane_text(app, "FaultsPane")
        app.picture.receive(configured())
        app.picture.line = Line.UP
        await settled(pilot)
        await press(pilot, "ctrl+o")
        await judged(pilot, page_of(app))
        assert page_of(app).area.text == TEXT


async def test_the_editor_does_not_blink() -> None:
    app, _ = with_bot()
    async with shown(app) as pilot:
        await opened(pilot, app)
        assert app.screen.query_one(TomlArea).cursor_blink is False


async def test_reload_shows_the_same_difference_and_asks() -> None:
    app, bot = with_bot(
        CommandOutcome("1", True, "would change 2 keys", DETAIL), CommandOutcome("2", True, "version 4")
    )
    async with shown(app) as pilot:
        await press(pilot, "r")
        assert "in all        cancel   4" in screen_text(app)
        await press(pilot, "tab", "enter")
        assert bot.orders == [("reload", {"preview": "true"}), ("reload", {})]


async def test_keys_that_come_in_one_burst_are_taken_in_the_order_they_were_typed() -> None:
    app, _ = with_bot()
    async with app.run_test() as pilot:
        page = await opened(pilot, app)
        page.area.move_cursor((5, 0))
        for key in ("end", "backspace", "backspace", "backspace", "4", ".", "5", "home", "delete", "L"):
            app.post_message(events.Key(key, key if len(key) == 1 else None))  # nothing is waited for between two
        await settled(pilot)
        assert page.area.text.splitlines()[5] == "Leverage_cap = 4.5"


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_a_long_difference_keeps_its_answers_in_sight(size: tuple[int, int]) -> None:
    long = {**DETAIL, "what_if": "\n".join(f"COIN{at}{DETAIL['what_if'][7:]}" for at in range(60))}
    app, _ = with_bot(CommandOutcome("1", True, "would change 2 keys", long))
    async with app.run_test(size=size) as pilot:
        page = await opened(pilot, app)
        page.area.insert("# ", (0, 0))
        await judged(pilot, page)
        await press(pilot, "ctrl+s")
        assert isinstance(app.screen, ChangeDialog)
        text = screen_text(app)
        assert "‹ Back ›" in text
        assert "Apply" in text
        assert "more below: ↑ ↓" in text
        assert "lines more" not in text
        await press(pilot, *["pagedown"] * 20)
        text = screen_text(app)
        assert "lines more" in text
        assert "more above: ↑ ↓" in text
        assert "Apply" in text
        await press(pilot, "up")
        assert "1 more below" in screen_text(app)
        await press(pilot, "down")
        assert screen_text(app) == text
        await press(pilot, "pageup", "pageup", "pageup", "pageup")
        assert "more above" not in screen_text(app)
