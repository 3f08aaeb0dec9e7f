"""Whatever is thrown at the loader, it answers with a config or with sentences."""

import tomllib
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.settings import example, fields
from gridbot_tui.settings.lines import spans
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError, Problem

EXAMPLE = example.render().splitlines()
NAMES = [key.name.replace("*", "BTCUSDT") for key in fields.keys(Settings)]
PIECES = st.sampled_from(
    [
        *"[]{}=.,#\"'\n \\",
        "[[",
        "]]",
        '"""',
        "'''",
        "\r\n",
        "nan",
        "-inf",
        "1e999",
        "0x1F",
        "1979-05-27T07:32:00Z",
        "true",
        "9" * 5000,
        "ladder",
        "skew",
        "symbols",
        "BTCUSDT",
        "bot",
        "\x00",
        "é",
        "secret",
        "-1",
        "[ladder]\n",
    ]
)


def survives(text: str, env: dict[str, str], overrides: list[tuple[str, str]]) -> None:
    problems: tuple[Problem, ...] | None = None
    try:
        load_text(text, Path("config.toml"), env, overrides)
    except ConfigError as error:
        problems = error.problems
    if problems is not None:
        assert problems
        for problem in problems:
            assert problem.where
            assert "\n" not in str(problem)
            assert "Error" not in str(problem)
            assert len(str(problem)) < 700


@settings(max_examples=80, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(PIECES, max_size=20).map("".join)))
def test_any_text_is_a_config_or_a_list_of_sentences(text: str) -> None:
    survives(text, {}, [])


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_the_example_with_any_line_spoilt_is_a_config_or_a_list_of_sentences(data: st.DataObject) -> None:
    lines = list(EXAMPLE)
    spot = data.draw(
        st.sampled_from([i for i, line in enumerate(lines) if line and not line.startswith("#")])
    )
    lines[spot] = lines[spot].partition("=")[0] + "= " + "".join(data.draw(st.lists(PIECES, max_size=4)))
    survives("\n".join(lines), {}, [])


WORDS = st.one_of(
    st.text(max_size=12), st.sampled_from(["nan", "1e999", "[", "[[1]]", "{a=1}", "none", "-1", "true"])
)
NAME_LIKE = st.one_of(
    st.text(max_size=12), st.sampled_from(NAMES), st.sampled_from(["symbols", "ladder", "ui.keymap", "."])
)


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(NAME_LIKE, WORDS, max_size=4), st.lists(st.tuples(NAME_LIKE, WORDS), max_size=4))
def test_any_environment_and_any_option_is_a_config_or_a_list_of_sentences(
    env: dict[str, str], overrides: list[tuple[str, str]]
) -> None:
    variables = {"GRIDBOT_" + name.upper().replace(".", "__"): value for name, value in env.items()}
    survives("", variables, overrides)


KEYS = st.one_of(st.text(alphabet="ab_-1", min_size=1, max_size=3), st.text(max_size=3))
SCALARS = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.booleans(),
    st.floats(allow_nan=False),
    st.text(max_size=8),
)
VALUES: Any = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)


def places(value: Any, path: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    here = [path] if path else []
    return here + [place for name, item in inner for place in places(item, (*path, name))]


@settings(max_examples=100, deadline=None)
@given(st.dictionaries(KEYS, VALUES, max_size=4))
def test_every_key_of_any_toml_text_has_a_line(data: dict[str, Any]) -> None:
    import tomlkit

    text = tomlkit.dumps(data)
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # tomlkit writes a few texts that are none
    found = spans(text)
    lines = text.count("\n") + 1
    for place in places(parsed):
        assert place in found
        assert 1 <= found[place].first <= found[place].last <= lines
