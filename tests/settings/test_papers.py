"""What is made from the model: example, page, schema, effective config; and what the model promises."""

import json
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from gridbot_tui.settings import example, fields, show
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.schema import json_schema
from tests.tools.make_config_docs import ROOT, texts

FILE = Path("config.toml")


@pytest.mark.parametrize("path", list(texts()), ids=lambda path: path.name)
def test_the_generated_files_are_what_the_model_says_now(path: Path) -> None:
    assert path.read_text(encoding="utf-8") == texts()[path], "run `python -m tests.tools.make_config_docs`"


def test_the_example_is_valid_and_equal_to_the_defaults() -> None:
    assert load_text(example.render(), FILE, {}).settings == Settings()


def test_the_example_names_every_key() -> None:
    text = example.render()
    for held in example.grouped().values():
        for key in held:
            assert re.search(rf"^(# )?{key.path[-1]} =", text, re.MULTILINE), key.name


def test_every_commented_key_of_the_example_is_valid_when_the_sign_is_taken_off() -> None:
    text = re.sub(r"^# (\w+ = \S+|\[[\w.]+\])$", r"\1", example.render(), flags=re.MULTILINE)
    settings = load_text(text, FILE, {}).settings
    assert settings.bot.capital == 10_000
    assert settings.symbols["BTCUSDT"].capital_share == 0.25
    assert re.search(r"^# \w+ =$", text, re.MULTILINE) is None


def test_every_key_has_a_reason_and_every_number_a_range() -> None:
    for key in fields.keys(Settings):
        assert len(key.reason) > 10, key.name
        if key.type in ("number", "whole number", "decimal number"):
            assert key.low is not None, key.name
            assert key.optional or key.high is not None or key.default is not None, key.name


def test_every_list_says_what_it_holds_or_how_much() -> None:
    lists = [key for key in fields.keys(Settings) if key.type.startswith("list")]
    assert {key.name: key.range for key in lists}["bot.symbols"] == "1 to 60 entries"
    assert [key.name for key in lists if not key.range] == []


def test_every_key_is_read_somewhere() -> None:
    code = (path.read_text(encoding="utf-8") for path in (ROOT / "gridbot_tui").rglob("*.py"))
    read = {name for text in code for name in re.findall(r"\.(\w+)", text)}
    assert {key.name for key in fields.keys(Settings) if key.path[-1] not in read} == set()


def test_every_default_is_within_its_range() -> None:
    Settings.model_validate(Settings().model_dump())
    for key in fields.keys(Settings):
        if key.default is not None and key.low is not None and isinstance(key.default, int | float):
            assert key.low <= key.default
            assert key.high is None or key.default <= key.high


def test_a_unit_is_shown_where_the_field_or_its_name_tells_it() -> None:
    keys = fields.keys_by_path(Settings)
    assert keys["service", "reconcile_s"].unit == "s"
    assert keys["strategy", "warmup_hours"].unit == "hours"
    assert keys["simulation", "exchange", "slippage_bp"].unit == "bp"
    assert keys["ladder", "skew"].unit == ""


def test_the_effective_config_names_the_source_of_each_value() -> None:
    text = "[ladder]\nskew = 1.1\n[symbols.BTCUSDT.ladder]\nmax_levels = 3\n"
    loaded = load_text(text, FILE, {"GRIDBOT_UI__KEYMAP__PAUSE": "p"}, {"logs.level": "debug"})
    found = {item.path: (item.value, item.source) for item in show.effective(loaded)}
    assert found["ladder.skew"] == (1.1, "config.toml line 2")
    assert found["ladder.max_levels"] == (8, "default")
    assert found["symbols.BTCUSDT.ladder.max_levels"] == (3, "config.toml line 4")
    assert "symbols.BTCUSDT.ladder.skew" not in found
    assert found["ui.keymap"] == ({"pause": "p"}, "GRIDBOT_UI__KEYMAP__PAUSE")
    assert found["logs.level"] == ("debug", "--set logs.level")
    lines = show.render(loaded, only_changed=True).splitlines()
    assert len(lines) == 4
    assert lines[0].startswith("ladder.skew = 1.1 ")
    assert lines[0].endswith("# config.toml line 2")
    whole = load_text(example.render(), FILE, {})
    assert show.render(whole, only_changed=True) == ""
    assert len(show.render(whole).splitlines()) == len(show.effective(whole))


def test_the_effective_config_without_its_sources_is_toml_that_means_the_same() -> None:
    loaded = load_text("[ladder]\nskew = 1.1\n", FILE, {}, {"ui.keymap": '{ "a b" = "p" }'})
    lines = [line for line in show.render(loaded).splitlines() if " = none" not in line]
    assert load_text("\n".join(lines), FILE, {}).settings == loaded.settings


def test_the_effective_config_and_the_schema_can_be_printed_as_json() -> None:
    document = show.document(load_text("", FILE, {}))
    assert json.loads(json.dumps(document))["keys"]["bot.mode"] == {
        "value": "sim",
        "source": "default",
        "class": "restart",
    }
    schema = json.loads(json.dumps(json_schema()))
    assert set(schema["properties"]) == set(Settings.model_fields)
    assert schema["additionalProperties"] is False


def test_the_model_can_be_had_without_the_libraries_that_read_and_write_configs() -> None:
    script = "import sys, gridbot_tui.settings.model, gridbot_tui.settings.diff; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert {"pydantic_settings", "tomlkit", "asyncio", "polars", "numpy"}.isdisjoint(done.stdout.split())


def test_the_example_is_plain_toml() -> None:
    assert tomllib.loads(example.render())["bot"]["mode"] == "sim"
