"""Differences, and when each takes effect."""

from pathlib import Path

import pytest

from gridbot_tui.settings import fields
from gridbot_tui.settings.classes import Applies
from gridbot_tui.settings.diff import blocking, diff, refusal
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.model import Settings


def of(text: str) -> Settings:
    return load_text(text, Path("config.toml"), {}).settings


def names(old: str, new: str) -> list[str]:
    return [change.path for change in diff(of(old), of(new))]


def test_equal_configs_have_no_difference_however_they_are_written() -> None:
    assert diff(of(""), of("[ladder]\nskew = 1\n[symbols.BTCUSDT]\n")) == ()


def test_a_change_says_old_new_unit_and_when() -> None:
    (change,) = diff(of(""), of("[service]\nreconcile_s = 30\n"))
    assert (change.path, change.old, change.new, change.unit) == ("service.reconcile_s", 60.0, 30.0, "s")
    assert str(change) == "service.reconcile_s: 60.0 -> 30.0 s (at once)"


def test_a_symbol_that_follows_the_common_ladder_is_not_told_twice() -> None:
    own = "[symbols.BTCUSDT.ladder]\nmax_levels = 3\n"
    assert names(own, f"{own}[ladder]\nskew = 1.1\n") == ["ladder.skew"]
    assert names("", own) == ["symbols.BTCUSDT.ladder.max_levels"]
    assert names(own, "") == ["symbols.BTCUSDT.ladder.max_levels"]
    assert names("", "[symbols.BTCUSDT.ladder]\nmax_levels = 8\n") == []


@pytest.mark.parametrize(
    ("name", "applies"),
    [
        ("ladder.skew", Applies.NEXT_DECISION),
        ("ladder.kind", Applies.FLAT),
        ("symbols.*.ladder.kind", Applies.FLAT),
        ("symbols.*.ladder.skew", Applies.NEXT_DECISION),
        ("strategy.learning.rate", Applies.NEXT_DECISION),
        ("bot.mode", Applies.RESTART),
        ("bot.symbols", Applies.RESTART),
        ("bot.capital", Applies.RESTART),
        ("simulation.seed", Applies.RESTART),
        ("simulation.speed", Applies.NOW),
        ("risk.leverage_cap", Applies.NOW),
        ("risk.leverage_hard", Applies.RESTART),
        ("orders.depth", Applies.NOW),
        ("ui.theme", Applies.NOW),
        ("ui.mouse", Applies.RESTART),
        ("logs.level", Applies.NOW),
    ],
)
def test_the_class_of_a_key_is_its_own_or_its_sections(name: str, applies: Applies) -> None:
    assert fields.keys_by_path(Settings)[tuple(name.split("."))].applies is applies


def test_what_needs_a_restart_or_a_flat_book_refuses_the_whole() -> None:
    changes = diff(of(""), of('[bot]\nname = "x"\n[ladder]\nkind = "geometric"\nskew = 1.1\n'))
    assert [change.path for change in blocking(changes, flat=False)] == ["bot.name", "ladder.kind"]
    assert [change.path for change in blocking(changes, flat=True)] == ["bot.name"]
    assert refusal(changes, flat=False) == (
        "bot.name can change only after a restart; ladder.kind can change only on a flat book: "
        "nothing was applied"
    )


def test_what_can_be_applied_is_not_refused() -> None:
    changes = diff(of(""), of('[ladder]\nkind = "geometric"\nskew = 1.1\n'))
    assert refusal(changes, flat=True) == ""
    assert refusal((), flat=False) == ""
