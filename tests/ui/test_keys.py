"""Every binding does what it says, exactly once, and orders only where they may be given."""

import asyncio
import os
import tempfile
from pathlib import Path

import pytest
from msgspec.structs import replace
from textual.command import CommandPalette

from gridbot_tui.control.command import CommandOutcome
from gridbot_tui.control.errors import Refused, TimedOut
from gridbot_tui.control.messages import ControlAsked
from gridbot_tui.ui import copying
from gridbot_tui.ui.actions import ACTIONS, BY_ID, ORDERING
from gridbot_tui.ui.app import GridApp, Look
from gridbot_tui.ui.dialogs.control import ControlDialog
from gridbot_tui.ui.dialogs.leave import LeaveDialog
from gridbot_tui.ui.dialogs.symbol import SymbolDialog
from gridbot_tui.ui.orders import READS, next_speed
from gridbot_tui.ui.panes.frame import KeyLine
from gridbot_tui.ui.panes.header import Header
from gridbot_tui.ui.picture import Line
from gridbot_tui.ui.screens.page import Page
from gridbot_tui.ui.typed import Background
from tests.ui import fixtures
from tests.ui.running import an_app, link_of, pane_text, press, screen_text, settled, shown


def test_no_key_is_bound_twice_and_every_action_has_an_id_and_help() -> None:
    keys = [one.key for one in ACTIONS if one.key]
    assert len(keys) == len(set(keys))
    assert len({one.id for one in ACTIONS}) == len(ACTIONS)
    assert all(one.help and one.label for one in ACTIONS)


@pytest.mark.parametrize(
    ("key", "orders"),
    [
        ("p", [("pause", {})]),
        ("]", [("speed", {"speed": "240"})]),
        ("[", [("speed", {"speed": "60"})]),
    ],
)
async def test_keys_that_order_at_once(key: str, orders: list[tuple[str, dict[str, str]]]) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, key)
        assert link_of(app).orders == orders


async def test_p_resumes_what_is_paused() -> None:
    app = an_app(fixtures.paused())
    async with shown(app) as pilot:
        await press(pilot, "p")
        snapshot = fixtures.normal()
        held = replace(snapshot.symbols["BTCUSDT"], state="paused")
        app.picture.receive(replace(snapshot, symbols={**snapshot.symbols, "BTCUSDT": held}))
        await press(pilot, "p")
        assert link_of(app).orders == [("resume", {}), ("resume", {"symbol": "BTCUSDT"})]


@pytest.mark.parametrize(
    ("look", "theme"),
    [
        (Look(), "light"),
        (Look(theme="dark"), "dark"),
        (Look(theme="ansi-16"), "ansi-16"),
        (Look(no_color=True), "ansi-16"),
    ],
)
async def test_where_the_terminal_says_that_its_background_is_light_signs_are_dark_unless_the_config_names_a_theme(
    look: Look, theme: str
) -> None:
    app = an_app(fixtures.normal(), look=look)
    async with shown(app) as pilot:
        app.post_message(Background(0.96))
        await settled(pilot)
        assert app.theme == theme


async def test_a_theme_that_was_chosen_by_a_key_stays_whatever_the_terminal_says_later() -> None:
    app = an_app(fixtures.normal(), look=Look())
    async with shown(app) as pilot:
        app.post_message(Background(0.96))
        await settled(pilot)
        app.action_set_theme("colour-blind")
        app.post_message(Background(0.0))
        await settled(pilot)
        assert app.theme == "colour-blind"


@pytest.mark.parametrize(
    ("key", "page"), [("x", "whatif"), ("w", "why"), ("a", "portfolio"), ("question_mark", "help")]
)
async def test_page_keys_open_and_close_their_page(key: str, page: str) -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, key)
        assert isinstance(app.screen, Page)
        assert page == app.screen.NAME
        await press(pilot, key)
        assert app.screen.NAME == "dashboard"
        await press(pilot, key, "escape")
        assert app.screen.NAME == "dashboard"


async def test_pages_replace_each_other_and_escape_leads_home() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "x", "w")
        assert len(app.screen_stack) == 2
        await press(pilot, "escape", "escape")
        assert len(app.screen_stack) == 1


async def test_symbol_keys_choose_what_is_shown() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await pilot.press("n")
        assert app.picture.symbol == "ETHUSDT"
        await pilot.press("N")
        assert app.picture.symbol == "BTCUSDT"
        await press(pilot, "s")
        assert isinstance(app.screen, SymbolDialog)
        await press(pilot, "e", "t", "h", "enter")
        assert app.picture.symbol == "ETHUSDT"
        await press(pilot, "s", "down", "up", "escape")
        assert app.picture.symbol == "ETHUSDT"


async def test_space_holds_the_display_and_says_that_trading_goes_on() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "space")
        assert app.picture.frozen
        assert "trading goes on" in screen_text(app)
        await pilot.press("space")
        assert not app.picture.frozen


async def test_theme_key_goes_round_and_the_screen_survives_it() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        seen = []
        for _ in range(4):
            await press(pilot, "T")
            seen.append(app.theme)
        assert seen == ["light", "colour-blind", "ansi-16", "dark"]


async def test_numbers_jump_to_panes_and_choose_the_tab_of_a_small_terminal() -> None:
    app = an_app(fixtures.normal())
    async with shown(app, (80, 24)) as pilot:
        titles = ("Ladder", "Price", "Systems", "Risk", "Blockers", "Events", "Profit", "Fills")
        for at, (key, name) in enumerate(zip(("1", "2", "3", "4", "5", "6", "7", "8"), titles, strict=True), 1):
            await press(pilot, key)
            assert f"╭─ {name}" in screen_text(app)
            assert app.focused is not None
            assert (
                app.focused.id
                == ("ladder", "chart", "systems", "risk", "blockers", "events", "profit", "fills")[at - 1]
            )


async def test_read_only_leaves_every_order_inert_and_dim() -> None:
    app = an_app(fixtures.normal(), read_only=True)
    async with shown(app) as pilot:
        for one in ACTIONS:
            if one.orders and one.key:
                await press(pilot, one.key)
        assert link_of(app).orders == []
        assert [note.text for note in app.picture.notes] == [READS]
        assert len(app.screen_stack) == 1
        assert " RO" in screen_text(app).splitlines()[0]
        row = app.screen.query_one(KeyLine)._rows[0]
        assert (" p", "off") in row
        assert (" w", "key") in row


async def test_a_viewer_asks_for_control_and_confirms_the_take_over() -> None:
    app = an_app(fixtures.normal(), controls=False)
    async with shown(app) as pilot:
        assert " VIEW" in screen_text(app).splitlines()[0]
        await press(pilot, "p", "p", "f")
        assert link_of(app).orders == []
        said = [note.text for note in app.picture.notes]
        assert said == ["no order was given: terminal (process 4711) controls the bot, and t asks for it"], "once"
        await press(pilot, "t")
        assert link_of(app).asked == 1
        app.control_asked(ControlAsked("terminal (process 1)", "terminal (process 2)", True, 30.0))
        await settled(pilot)
        assert isinstance(app.screen, ControlDialog)
        assert "process 2" in screen_text(app)


async def test_the_keymap_of_the_config_moves_a_key_and_the_help_says_so() -> None:
    app = an_app(fixtures.normal(), look=Look(keymap={"pause": "z", "why": "y"}))
    async with shown(app) as pilot:
        await press(pilot, "p")
        assert link_of(app).orders == []
        await press(pilot, "z")
        assert link_of(app).orders == [("pause", {})]
        assert " z pause" in screen_text(app)
        await press(pilot, "question_mark")
        assert "  z      pause" in pane_text(app, "#body")


async def test_what_an_edit_changes_of_the_look_is_followed_at_once_and_nothing_else() -> None:
    app = an_app(replace(fixtures.normal(), config_text='[ui]\ntheme = "light"\n'), look=Look(theme="light"))

    async with shown(app) as pilot:

        async def under(version: int, text: str) -> None:
            app.picture.receive(replace(fixtures.normal(), config_version=version, config_text=text))
            await settled(pilot)

        app.action_set_theme("colour-blind")  # chosen by hand
        await under(4, '[ui]\ntheme = "light"\nsymbols = "ascii"\nrefresh_hz = 2\nkeymap = { pause = "z" }\n')
        assert (app.theme, app.symbols) == ("colour-blind", "ascii")
        assert app._flushing is not None
        assert app._flushing._interval == 0.5
        assert " z pause" in screen_text(app)
        await under(5, '[ui]\nsymbols = "block"\n')
        assert (app.theme, app.symbols) == ("dark", "block")
        assert " p pause" in screen_text(app)


@pytest.mark.parametrize(
    ("keymap", "said"),
    [
        ({"pause": "z,space"}, ["space is the key of pause and freeze"]),
        ({"puase": "z"}, ["puase is no action; the nearest is pause"]),
        ({"pause": ""}, ["pause is given no key and keeps its own"]),
        ({"pause": "ctlr+z", "why": "nonsense"}, ["ctlr+z of pause is no key", "nonsense of why is no key"]),
        ({"pause": "z", "kill": "z"}, ["z is the key of pause and kill: only one of them gets it"]),
        ({"flatten": "p"}, ["p is the key of pause and flatten"]),
        ({"flatten": "p", "pause": "f"}, []),
        ({"pause": "z,?", "help": "f1,ctrl+shift+a", "why": "left_square_bracket", "slower": "ä", "log.up": "w"}, []),
    ],
)
async def test_keys_of_the_config_that_never_come_are_told(keymap: dict[str, str], said: list[str]) -> None:
    app = an_app(fixtures.normal(), look=Look(keymap=keymap))
    async with shown(app):
        told = [note.text for note in app.picture.notes]
        assert len(told) == len(said)
        assert all(part in text for part, text in zip(said, told, strict=True))


async def test_a_screenshot_is_a_file_that_is_named_also_where_there_is_no_folder_for_downloads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nowhere"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    app = an_app(fixtures.normal())
    async with shown(app):
        app.action_screenshot()
        [name] = (one for one in os.listdir(tmp_path) if one.endswith(".svg"))
        assert app.picture.notes[-1].text == f"the screen is in {tmp_path / name}"
        monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
        app.action_screenshot()
        assert app.picture.notes[-1].text == "no screenshot was written: No such file or directory"


async def test_the_palette_lists_every_action_that_is_allowed() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        listed = {command.title for command in app.get_system_commands(app.screen)}
        apart = {"palette", "step_back", "step_on"}  # steps are of recorded sessions
        assert {one.label for one in ACTIONS if not one.id.startswith("pane_") and one.id not in apart} <= listed
        await press(pilot, "ctrl+p")
        assert isinstance(app.screen, CommandPalette)
        assert {command.title for command in app.get_system_commands(app.screen_stack[-2])} == listed
    watcher = an_app(fixtures.normal(), read_only=True)
    async with shown(watcher):
        listed = {command.title for command in watcher.get_system_commands(watcher.screen)}
        assert not {one.label for one in ACTIONS if one.orders} & listed


async def test_speed_keys_are_gone_where_time_is_real() -> None:
    app = an_app(fixtures.live())
    async with shown(app) as pilot:
        await press(pilot, "]")
        assert link_of(app).orders == []


@pytest.mark.parametrize(
    ("speed", "step", "wanted"),
    [
        ("120", 1, "240"),
        ("120", -1, "60"),
        ("max", 1, "max"),
        ("max", -1, "1800"),
        ("1", -1, "1"),
        ("77", 1, "120"),
        ("?", 1, "1"),
    ],
)
def test_speeds_are_a_ladder_of_their_own(speed: str, step: int, wanted: str) -> None:
    assert next_speed(speed, step) == wanted


async def test_outcomes_are_reported_good_and_bad() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        link = link_of(app)
        link.answer = CommandOutcome("1", False, "2 orders could not be cancelled: A, B")
        await press(pilot, "p")
        assert "2 orders could not be cancelled" in app.picture.notes[-1].text
        link.answer = Refused("another terminal controls the bot")
        await press(pilot, "p")
        assert "another terminal controls" in app.picture.notes[-1].text
        link.answer = TimedOut("pause: no outcome within 60 s")
        await press(pilot, "p")
        assert "no outcome within" in app.picture.notes[-1].text
        assert "pause" in pane_text(app, "#events")


async def test_quitting_always_asks_and_cancel_has_the_focus() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+q")
        assert isinstance(app.screen, LeaveDialog)
        await press(pilot, "enter")
        assert isinstance(app.screen, Page)
        assert app.is_running


async def test_ctrl_z_and_ctrl_c_stop_nothing() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+z", "ctrl+c")
        assert app.is_running
        assert app.picture.notes[-1].text == "ctrl+c ends nothing here: ^q leaves, and asks how"


def test_ordering_actions_are_known_by_name() -> None:
    assert {"pause", "flatten", "kill", "edit", "reload", "reset"} <= ORDERING
    latches = {one.action for one in ACTIONS if one.action.startswith("reset(")}
    assert latches == {f"reset('{what}')" for what in ("drawdown", "kill", "stop", "breakers")}, "all that reset lifts"
    assert BY_ID["kill"].orders


async def test_an_order_is_not_given_while_the_bot_cannot_be_heard() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        app.picture.line = Line.LOST
        await settled(pilot)
        await press(pilot, "p")
        assert link_of(app).orders == []
        assert isinstance(app, GridApp)


async def test_an_order_can_be_given_by_its_name_in_the_palette() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "ctrl+p")
        await pilot.press(*"pause")
        for _ in range(200):  # the palette looks for matches in a task of its own
            await pilot.pause(0.01)
            if "Pause or resume" in screen_text(app):
                break
        await pilot.press("enter")
        for _ in range(200):
            await pilot.pause(0.01)
            if link_of(app).orders:
                break
        assert link_of(app).orders == [("pause", {})]


async def test_an_order_under_way_stands_in_the_top_line_until_its_outcome_comes() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        hold = link_of(app).hold = asyncio.Event()
        await press(pilot, "p")
        assert "◌ pause …" in screen_text(app).splitlines()[0]
        hold.set()
        await settled(pilot)
        assert "◌" not in screen_text(app).splitlines()[0]


async def test_the_top_line_shows_a_key_before_the_panes_do() -> None:
    app = an_app(fixtures.six_symbols())
    async with shown(app):
        app._behind = app.set_timer(60, lambda: None)  # the panes do not follow while this looks
        before = pane_text(app, "#ladder")
        app.action_step_symbol(1)
        assert app.picture.symbol in app.screen.query_one(Header).plain()[0]
        assert pane_text(app, "#ladder") == before
        app._follow()
        assert pane_text(app, "#ladder") != before


async def test_a_pane_is_copied_to_the_clipboard_and_into_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[str] = []

    def saved(text: str) -> Path:
        written.append(text)
        return Path("kept.txt")

    monkeypatch.setattr(copying, "saved", saved)
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        app.screen.set_focus(None)
        await press(pilot, "C")
        assert "63 959.0" in app.clipboard
        assert "leverage" in app.clipboard, "without a focus the whole page is copied"
        await press(pilot, "1")
        await press(pilot, "C")
        assert app.clipboard.startswith("╭─ Ladder BTCUSDT")
        assert "leverage" not in app.clipboard
        monkeypatch.setattr(copying, "CLIPBOARD_BYTES", 10)
        await press(pilot, "4")
        await press(pilot, "C")
        assert app.clipboard.startswith("╭─ Ladder"), "what is too long leaves the clipboard as it was"
        assert app.picture.notes[-1].text == "too long for the clipboard, and written to kept.txt"
        assert written[1] == app.clipboard
        assert "leverage" in written[2]


def test_a_copy_is_a_file_that_only_its_user_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    file = copying.saved("60 010.5 −2 %\n")
    assert file.parent == tmp_path
    assert file.read_text(encoding="utf-8") == "60 010.5 −2 %\n"
    assert file.stat().st_mode & 0o777 == 0o600


async def test_asking_for_control_says_why_it_can_not_be_had() -> None:
    from gridbot_tui.control.errors import NotRunning
    from gridbot_tui.ui.link import Link
    from tests.ui.running import never

    app = an_app(fixtures.normal(), read_only=True)
    async with shown(app) as pilot:
        await press(pilot, "t")
        assert link_of(app).asked == 0
        assert "--read-only" in app.picture.notes[-1].text
    with pytest.raises(NotRunning, match="nobody was asked"):
        await Link(never, app.picture, lambda *_: None, lambda _: None).ask_control()
