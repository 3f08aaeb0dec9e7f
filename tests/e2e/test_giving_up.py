"""A real process told to end before it trades: one sentence, the end that its starter expects, nothing opened."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.terminal import ROOT

NOTHING_THERE = ("--mode", "paper", "--symbol", "BTCUSDT", "--set", "exchange.base_url=http://127.0.0.1:9")


def started(home: Path, *words: str) -> subprocess.Popen[str]:
    """A bot without a terminal."""
    command = [sys.executable, "-m", "gridbot_tui", "--no-ui", "--home", str(home), *words]
    return subprocess.Popen(command, cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, 130)])
def test_a_start_that_waits_for_its_exchange_ends_at_once(tmp_path: Path, number: signal.Signals, code: int) -> None:
    with started(tmp_path, *NOTHING_THERE) as process:
        assert process.stderr is not None
        waits = process.stderr.readline()
        assert "cannot be reached yet" in waits, waits
        process.send_signal(number)
        process.send_signal(number)
        said = process.stderr.read()
    # The second may find Python leaving already, and ends what is left of it: 130 too, as a shell tells it.
    assert process.returncode in {code, -number}
    what = f"ended by {number.name} as it started: no order was sent or cancelled, and what is held is as it was"
    assert said == f"gridbot: {what}\n"
    assert list(tmp_path.rglob("*.db")) == []


def test_one_that_still_loads_says_that_nothing_was_done() -> None:
    words = "import os, signal; from gridbot_tui.commands import ending; "
    loading = words + "from gridbot_tui import __main__, cli; cli.main = lambda: os.kill(os.getpid(), signal.SIGTERM); "
    ended = subprocess.run(
        [sys.executable, "-c", loading + "__main__.main()"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stderr) == (-signal.SIGTERM, "gridbot: ended by SIGTERM; nothing was done\n")


@pytest.mark.parametrize(
    ("words", "code"),
    [(("--no-ui", *NOTHING_THERE, "--set", "exchange.reach_s=0"), 1), (("status",), -signal.SIGHUP)],
)
def test_a_hang_up_while_it_loads_is_nothing_to_a_bot_and_the_end_of_any_other_command(
    tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    hung_up = (  # whoever started the tests may have had hang-ups ignored
        "import os, signal; signal.signal(signal.SIGHUP, signal.SIG_DFL); "
        "from gridbot_tui import __main__, cli; load = cli.main; "
        "cli.main = lambda: (os.kill(os.getpid(), signal.SIGHUP), load()); __main__.main()"
    )
    command = [sys.executable, "-c", hung_up, "--home", str(tmp_path), *words]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == code, ended.stderr
    assert ("cannot be reached" in ended.stderr) == (code == 1)
