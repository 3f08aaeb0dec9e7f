"""Whatever is typed after ``gridbot``: a sentence and an exit code, never a traceback."""

import contextlib
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gridbot_tui import cli
from gridbot_tui.commands.exits import Exit
from tests.credentials.fakes import Memory

KNOWN = {int(code) for code in Exit}


def vocabulary() -> tuple[list[str], list[str]]:
    """Every command with its subcommands as one text, and every option there is."""
    commands: list[str] = []
    options: set[str] = set()

    def walk(command: Any, path: str) -> None:
        for parameter in command.params:
            options.update(one for one in parameter.opts if one.startswith("-"))
        below = getattr(command, "commands", {})
        for name, each in below.items():
            walk(each, f"{path} {name}".strip())
        commands.append(path)

    walk(typer.main.get_command(cli.app), "")
    return sorted(commands), sorted(options)


COMMANDS, OPTIONS = vocabulary()
GARBAGE = st.one_of(
    st.text(st.characters(exclude_characters="\0", exclude_categories=()), max_size=12),
    st.sampled_from(
        ["", "-", "--", "=", "-1", "0", "1e999", "nan", "inf", "\udcff", "a" * 5000, ".", "/dev/null", "/proc/self/mem",
         "..", "~", "~nobody-here/x", "$HOME", "*", "[", "{}", "[[", "x.y=", "bot.mode=live", "=x", "BTCUSDT",
         "9" * 400, "2025-13-45", "sim-futures-main-usdt", "up", "0.3", "drawdown", "heavy", "c.toml", "data.csv"]
    ),
)  # fmt: skip
ARGV = st.builds(
    lambda before, command, after: [*before, *command.split(), *after],
    st.lists(st.one_of(st.sampled_from(OPTIONS), GARBAGE), max_size=2),
    st.sampled_from(COMMANDS),
    st.lists(st.one_of(st.sampled_from(OPTIONS), GARBAGE), max_size=5),
)


@pytest.fixture(autouse=True)
def _quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing that would run for hours or reach a person: what is tested is how words are taken."""
    monkeypatch.setattr("gridbot_tui.commands.run.run", lambda *_, **__: None)
    monkeypatch.setattr("gridbot_tui.commands.exchange._run", lambda *_: None)
    monkeypatch.setattr("gridbot_tui.commands.simulate._run", lambda *_, **__: None)
    monkeypatch.setattr("keyring.get_keyring", Memory)
    before = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="gb") as folder:
        os.chdir(folder)
        Path("c.toml").write_text("[ladder]\nskew = -5\n")
        Path("data.csv").write_bytes(b"\xff\x00,1,2\n")
        monkeypatch.setenv("GRIDBOT_HOME", folder)
        yield
        os.chdir(before)


def said(argv: list[str]) -> tuple[int, str, str]:
    """Exit code and what a terminal would have got: stdout as strict as a real one."""
    out = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    err = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", errors="backslashreplace")
    with (
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        code = cli.execute(argv)
        out.flush()
        err.flush()
    return code, out.buffer.getvalue().decode(), err.buffer.getvalue().decode()


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@example(["--home", "~nobody-here/x", "status"])
@example(["--profile", "\udcff", "doctor", "--json"])
@example(["export", "trades", "--profile", "/"])
@example(["view", "\udcff"])
@example(["view", "a" * 5000])
@example(["--home", "a" * 5000, "doctor"])
@example(["--handed-over"])
@example(["config", "check", "\udcff", "--json"])
@given(ARGV)
def test_whatever_is_typed_ends_with_a_known_code_and_without_a_traceback(argv: list[str]) -> None:
    code, _, err = said(argv)
    assert code in KNOWN, (argv, code)
    assert "Traceback" not in err
    if code:
        assert err, f"{argv} ended with {code} and said nothing"
