"""Edits keep everything but what they edit."""

import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.settings import example, fields
from gridbot_tui.settings.edit import EditError, apply_text, set_value
from gridbot_tui.settings.model import Settings

TEXT = """\
# mine
[ladder]   # the rungs
skew = 1.0   # never near 2
# max_levels = 8

# logs are small here
[logs]
count = 3
"""


def test_a_value_is_exchanged_and_the_remark_behind_it_stays() -> None:
    assert set_value(TEXT, "ladder.skew", 1.2) == TEXT.replace("skew = 1.0 ", "skew = 1.2 ")


def test_a_new_key_goes_behind_the_last_one_of_its_section_and_no_remark_moves() -> None:
    made = set_value(TEXT, "ladder.spacing_trend", 5.0)
    assert made == TEXT.replace("never near 2\n", "never near 2\nspacing_trend = 5.0\n")


def test_a_commented_example_of_the_key_is_made_real_in_its_place() -> None:
    assert set_value(TEXT, "ladder.max_levels", 5) == TEXT.replace("# max_levels = 8", "max_levels = 5")
    assert "\ncapital = 5000\n\n# ---" in set_value(example.render(), "bot.capital", 5000)
    assert set_value(TEXT, "logs.max_levels", 5).startswith(TEXT)
    remark = "[ladder]\n# skew = 1.2 was too much\n"
    assert set_value(remark, "ladder.skew", 1.1) == "[ladder]\nskew = 1.1\n# skew = 1.2 was too much\n"


def test_a_new_section_goes_to_the_end() -> None:
    made = set_value(TEXT, "symbols.BTCUSDT.ladder.kind", "geometric")
    assert made == TEXT + '\n[symbols.BTCUSDT.ladder]\nkind = "geometric"\n'
    assert set_value("", "ui.mouse", "off") == '[ui]\nmouse = "off"\n'


def test_a_text_without_a_last_line_end_and_one_with_windows_ends_are_kept_so() -> None:
    assert set_value("[ui]", "ui.mouse", "on") == '[ui]\nmouse = "on"\n'
    assert set_value("[ui]\r\n[logs]\r\n", "ui.mouse", "on") == '[ui]\r\nmouse = "on"\r\n[logs]\r\n'


def test_inline_tables_and_dotted_keys_can_be_edited_too() -> None:
    assert tomllib.loads(set_value("ladder = { skew = 1.0 }\n", "ladder.max_levels", 3)) == {
        "ladder": {"skew": 1.0, "max_levels": 3}
    }
    assert tomllib.loads(set_value("ladder.skew = 1.0 # x\n", "ladder.skew", 1.1)) == {
        "ladder": {"skew": 1.1}
    }
    assert (
        tomllib.loads(set_value("ladder.skew = 1.0\n", "ladder.max_levels", 3))["ladder"]["max_levels"] == 3
    )


def test_what_cannot_be_edited_is_said_and_nothing_is_lost() -> None:
    with pytest.raises(EditError, match="not valid TOML"):
        set_value("[", "ui.mouse", "on")
    with pytest.raises(EditError, match="is a value, not a section"):
        set_value("ui = 3\n", "ui.mouse", "on")


SIMPLE = [key for key in fields.keys(Settings) if "*" not in key.path]


@settings(max_examples=30, deadline=None)
@given(
    key=st.sampled_from(SIMPLE),
    value=st.one_of(st.integers(0, 9), st.booleans(), st.floats(0, 9), st.text(max_size=9)),
)
def test_any_key_of_the_example_can_be_set_and_every_comment_stays(key: fields.Key, value: Any) -> None:
    text = example.render()
    want = tomllib.loads(text)
    at = want
    for name in key.path[:-1]:
        at = at[name]
    at[key.path[-1]] = value
    try:
        made = set_value(text, key.name, value)
    except EditError:
        assert isinstance(value, str)  # TOML has no way of writing some control characters as they are
        return
    assert tomllib.loads(made) == want
    gone = set(text.splitlines()) - set(made.splitlines())
    assert [
        line for line in gone if line.startswith("#") and not line.startswith(f"# {key.path[-1]} =")
    ] == []


def test_the_file_is_replaced_whole_and_former_texts_are_kept_newest_first(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    assert apply_text(path, "a = 0\n") is None
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    for number in range(1, 8):
        assert apply_text(path, f"a = {number}\n") == tmp_path / "config.toml.bak1"
    assert path.read_text() == "a = 7\n"
    assert path.stat().st_mode & 0o777 == 0o640
    kept = {file.name: file.read_text() for file in tmp_path.iterdir() if file != path}
    assert kept == {f"config.toml.bak{n}": f"a = {7 - n}\n" for n in range(1, 6)}


def test_what_is_no_file_is_never_replaced(tmp_path: Path) -> None:
    pipe = tmp_path / "null"
    os.mkfifo(pipe)
    link = tmp_path / "config.toml"
    link.symlink_to(pipe)
    for path in (pipe, link):
        with pytest.raises(OSError, match="no regular file"):
            apply_text(path, "a = 1\n")
    with pytest.raises(IsADirectoryError):
        apply_text(tmp_path, "a = 1\n")
    assert pipe.is_fifo()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["config.toml", "null"]



def test_a_link_stays_a_link_and_its_target_is_edited(tmp_path: Path) -> None:
    target = tmp_path / "real.toml"
    target.write_text("a = 1\n")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    apply_text(link, "a = 2\n")
    assert link.is_symlink()
    assert target.read_text() == "a = 2\n"


def test_a_write_that_fails_leaves_the_old_text_and_no_debris(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "config.toml"
    path.write_text("a = 1\n")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        apply_text(path, "a = 2\n")
    assert [file.name for file in tmp_path.iterdir()] == ["config.toml"]
    assert path.read_text() == "a = 1\n"
