"""The executable as a user starts it: help, what it loads, how it ends."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gridbot_tui import __version__, cli
from tests.commands.calling import caller
from tests.control.fake_bot import Running
from tests.e2e.process import PATIENCE_S

HEAVY = """
    polars numpy textual plotext binance aiohttp aiosqlite sqlite3 keyring structlog rich asyncio
    gridbot_tui.settings gridbot_tui.engine gridbot_tui.strategy gridbot_tui.store gridbot_tui.exchange
"""
# typer checks the values of options with pydantic, so that a command that has any loads it; help does not.
SPY = """
import sys
from gridbot_tui import cli
code = cli.execute(sys.argv[1:])
print("loaded", *sorted(sys.modules), file=sys.stderr)
sys.exit(code)
"""


def gridbot(*words: str, spy: bool = False) -> subprocess.CompletedProcess[str]:
    start = ["-c", SPY] if spy else ["-m", "gridbot_tui"]
    command = [sys.executable, *start, *words]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=PATIENCE_S)


def every_command() -> list[list[str]]:
    top = [[c.name or c.callback.__name__] for c in cli.app.registered_commands if c.callback]
    for group in cli.app.registered_groups:
        assert group.typer_instance is not None
        for command in group.typer_instance.registered_commands:
            assert command.callback is not None
            top.append([str(group.name), command.name or command.callback.__name__])
    return [[], *top]


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    called = caller(capsys)(*words, "--help")
    assert called.code == 0
    assert f"Example: gridbot {' '.join(words)}".rstrip() in " ".join(called.out.split())


def test_the_version_is_printed() -> None:
    done = gridbot("--version")
    assert (done.returncode, done.stdout) == (0, f"gridbot {__version__}\n")


def test_a_mistake_is_one_sentence_and_no_traceback() -> None:
    done = gridbot("statsu")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "status" in done.stderr, "the nearest command is named"


def shell(words: str) -> subprocess.CompletedProcess[str]:
    line = f"{sys.executable} -m gridbot_tui {words}"
    return subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=False, timeout=PATIENCE_S)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
def test_output_that_finds_no_room_is_one_sentence_and_code_1() -> None:
    done = shell("config schema > /dev/full")
    assert done.returncode == 1
    assert done.stderr == "gridbot: the output could not be written: No space left on device\n"


@pytest.mark.parametrize(
    ("words", "code"), [("config schema", 141), ("config schema 2>&1", 141), ("statsu 2>&1", 2), ("--help", 141)]
)
def test_a_pipe_that_nobody_reads_is_quiet_and_no_failure_of_ours(words: str, code: int) -> None:
    ours, theirs = os.pipe()
    os.close(ours)
    line = f"{sys.executable} -m gridbot_tui {words}"
    try:
        done = subprocess.run(
            ["sh", "-c", line], stdout=theirs, stderr=subprocess.PIPE, text=True, check=False, timeout=PATIENCE_S
        )
    finally:
        os.close(theirs)
    assert (done.returncode, done.stderr) == (code, "")


def test_streams_that_were_closed_are_nobodys_file() -> None:
    done = shell("config schema <&- >&-")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    spied = "import os, gridbot_tui.__main__ as m; m.take_closed_streams(); print(open(os.devnull).fileno())"
    done = subprocess.run(
        ["sh", "-c", f"{sys.executable} -c '{spied}' <&- 2>&-"],
        capture_output=True, text=True, check=False, timeout=PATIENCE_S,
    )  # fmt: skip
    assert int(done.stdout) > 2


def test_help_and_status_load_nothing_heavy(home: Path, live: Running) -> None:
    for words, heavy in (
        (["--help"], [*HEAVY.split(), "pydantic"]),
        (["--home", str(home), "status", "--json"], HEAVY.split()),
    ):
        done = gridbot(*words, spy=True)
        assert done.returncode == 0, done.stderr
        loaded = set(done.stderr.split())
        assert [name for name in heavy if name in loaded] == []


def test_a_client_of_a_face_loads_nothing_heavy() -> None:
    script = "import gridbot_tui.control.client, sys; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split()) - {"asyncio"}
    assert [name for name in [*HEAVY.split(), "pydantic"] if name in loaded] == []


def test_a_reader_that_leaves_early_is_no_traceback(home: Path, live: Running) -> None:
    script = f"{sys.executable} -m gridbot_tui config schema | true"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "Broken pipe" not in done.stderr
