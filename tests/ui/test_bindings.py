"""No binding of any screen, pane or dialog without a test that presses it: found by looking, not by remembering."""

import importlib
import inspect
import pkgutil
from pathlib import Path

import pytest
from textual.dom import DOMNode

import gridbot_tui.ui
from gridbot_tui.ui.pane import Pane
from tests.ui import fixtures
from tests.ui.running import an_app, press, shown

PRESSED = {
    "GridApp": {
        "p left_square_bracket right_square_bracket": "test_keys::test_keys_that_order_at_once",
        "f": "test_dialogs::test_flatten_shows_what_it_does_in_numbers",
        "K": "test_dialogs::test_kill_wants_a_typed_word_in_every_mode",
        "e": "test_config_page::opened",
        "r": "test_dialogs::test_reload_shows_the_difference_before_it_is_applied",
        "t": "test_keys::test_a_viewer_asks_for_control_and_confirms_the_take_over",
        "comma full_stop": "../commands/test_support::test_the_app_steps_through_the_session_of_a_bundle_by_key",
        "s n N": "test_keys::test_symbol_keys_choose_what_is_shown",
        "escape": "test_keys::test_pages_replace_each_other_and_escape_leads_home",
        "space": "test_keys::test_space_holds_the_display_and_says_that_trading_goes_on",
        "C": "test_keys::test_a_pane_is_copied_to_the_clipboard_and_into_a_file",
        "T": "test_keys::test_theme_key_goes_round_and_the_screen_survives_it",
        "ctrl+p": "test_keys::test_the_palette_lists_every_action_that_is_allowed",
        "ctrl+q": "test_keys::test_quitting_always_asks_and_cancel_has_the_focus",
        "x w a question_mark": "test_keys::test_page_keys_open_and_close_their_page",
        "o d l L c": "test_lists::test_page_keys_open_and_close",
        "1 2 3 4 5 6 7 8": "test_keys::test_numbers_jump_to_panes_and_choose_the_tab_of_a_small_terminal",
    },
    "Answer": {"enter space": "test_dialogs::test_cancel_has_the_focus_and_escape_cancels"},
    "Dialog": {
        "escape": "test_dialogs::test_cancel_has_the_focus_and_escape_cancels",
        "left right": "test_bindings::test_arrows_go_from_answer_to_answer",
        "up down pageup pagedown":
            "test_config_page::test_a_long_difference_keeps_its_answers_in_sight",
    },
    "SymbolDialog": {"escape up down": "test_keys::test_symbol_keys_choose_what_is_shown"},
    "MarkedPane": {
        "up k down j pageup pagedown home end":
            "test_lists::test_the_mark_follows_the_newest_until_it_is_moved_and_then_stays_on_its_order",
    },
    "Pane": {"up k down j pageup pagedown home": "test_bindings::test_every_scroll_key_moves_a_pane"},
    "ConfigPage": {
        "ctrl+s": "test_config_page::test_an_edit_is_previewed_shown_as_a_difference_and_applied_on_its_version",
        "ctrl+f ctrl+g": "test_config_page::test_find_goes_to_each_place_and_round",
        "ctrl+n": "test_config_page::test_a_fault_is_named_while_typing_and_ctrl_n_goes_to_its_line",
        "ctrl+o escape": "test_config_page::test_leaving_keeps_the_edit_and_ctrl_o_drops_it",
    },
    "DecisionsPane": {"A": "test_lists::test_a_decision_says_what_was_known_what_was_decided_and_by_which_rule"},
    "SymbolFilter": {"A": "test_lists::test_only_the_shown_symbol_and_all_again"},
    "LearningPage": {"F Z B": "test_learning::test_cancel_is_the_first_answer"},
    "LogPane": {
        "up k down j pageup pagedown home end F G": "test_log::test_a_moved_cursor_holds_its_line_until_follow",
        "v": "test_log::test_levels_are_filtered_and_named",
        "slash n N": "test_log::test_search_finds_upwards_from_the_newest_and_goes_round_with_n",
    },
    "LogPage": {"escape": "test_log::test_what_is_nowhere_is_said_and_escape_ends_the_search_before_the_page"},
    "PortfolioPane": {
        "up k down j home end enter": "test_pages::test_enter_opens_the_marked_symbol_on_the_dashboard",
        "less_than_sign left greater_than_sign right R":
            "test_pages::test_the_portfolio_sorts_by_any_column_and_unknown_comes_last",
        "slash": "test_pages::test_a_filter_narrows_the_list_and_escape_clears_it_before_it_leaves",
    },
    "PortfolioPage": {
        "escape": "test_pages::test_a_filter_narrows_the_list_and_escape_clears_it_before_it_leaves",
    },
    "TomlArea": {
        "ctrl+z ctrl+y": "test_config_page::test_letters_are_letters_in_the_editor_and_undo_takes_them_back",
    },
}  # fmt: skip
"""Class, its keys, and the test (or the step that tests share) that presses them."""
WRITTEN = {"left_square_bracket": "[", "right_square_bracket": "]", "less_than_sign": "<", "greater_than_sign": ">"}


def bindings() -> dict[str, set[str]]:
    """Every class of the app with keys of its own, and those keys."""
    found: dict[str, set[str]] = {}
    for module in pkgutil.walk_packages(gridbot_tui.ui.__path__, "gridbot_tui.ui."):
        for name, kind in vars(importlib.import_module(module.name)).items():
            if not (inspect.isclass(kind) and issubclass(kind, DOMNode) and kind.__module__ == module.name):
                continue
            for one in vars(kind).get("BINDINGS", ()):
                keys = one.key if hasattr(one, "key") else one[0]
                found.setdefault(name, set()).update(key for key in keys.split(",") if key)
    return found


def test_every_binding_of_every_screen_is_in_the_table() -> None:
    assert {name: set(" ".join(table).split()) for name, table in PRESSED.items()} == bindings()


@pytest.mark.parametrize(
    ("keys", "where"), [(keys, where) for table in PRESSED.values() for keys, where in table.items()]
)
def test_the_test_named_there_presses_these_keys(keys: str, where: str) -> None:
    module, _, name = where.partition("::")
    source = (Path(__file__).parent / f"{module}.py").read_text(encoding="utf-8")
    lines = source.splitlines()
    (at,) = (at for at, line in enumerate(lines) if line.startswith((f"async def {name}(", f"def {name}(")))
    first = at
    while first and lines[first - 1] and not lines[first - 1].startswith(("def ", "async def ")):
        first -= 1  # its parameters stand above it
    last = next((n for n in range(at + 1, len(lines)) if lines[n][:1].strip()), len(lines))
    body = "\n".join(lines[first:last])
    for key in keys.split():
        assert f'"{key}"' in body or f'"{WRITTEN.get(key, key)}"' in body, f"{name} does not press {key}"


async def test_every_scroll_key_moves_a_pane() -> None:
    app = an_app(fixtures.many_slots())
    async with shown(app) as pilot:
        await press(pilot, "1")
        pane = app.query_one("#ladder", Pane)
        for key, moves in (("down", 1), ("j", 1), ("up", -1), ("k", -1), ("pagedown", 10), ("pageup", -10)):
            await press(pilot, "home")
            middle, before = pane.centre_on(pane._length, pane._room), pane.plain()
            await press(pilot, key)
            assert middle is not None
            assert pane.top - 1 == middle + moves
            assert pane.plain() != before
            await press(pilot, "home")
            assert pane.plain() == before


async def test_arrows_go_from_answer_to_answer() -> None:
    app = an_app(fixtures.normal())
    async with shown(app) as pilot:
        await press(pilot, "f")
        cancel = app.focused
        await press(pilot, "right")
        assert app.focused is not cancel
        await press(pilot, "left")
        assert app.focused is cancel
