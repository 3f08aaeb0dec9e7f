"""Ctrl-C ends any command with one sentence, at once, and leaves no process behind."""

import os
import signal
import time
from multiprocessing import active_children
from pathlib import Path
from types import FrameType

import pytest

from gridbot_tui import __main__, cli
from gridbot_tui.commands import ending, talk
from gridbot_tui.research.simulation import campaign
from gridbot_tui.research.simulation.seed import Ask
from tests.commands.calling import Cli


def interrupted(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def test_a_command_that_is_interrupted_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(talk, "status_of", interrupted)
    assert cli.execute(["status"]) == 130
    assert capsys.readouterr().err == "gridbot: interrupted; nothing more was done\n"


def test_it_is_a_sentence_too_while_the_commands_are_still_being_loaded(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(cli, "main", interrupted)
    monkeypatch.setattr(ending, "take", lambda: None)  # the handler of a whole process
    with pytest.raises(SystemExit) as ended:
        __main__.main()
    assert ended.value.code == 130
    assert capsys.readouterr().err == "gridbot: interrupted; nothing was done\n"


def long(ask: Ask) -> None:
    Path(os.environ["BEGUN"], str(ask.seed)).touch()
    time.sleep(60)
    Path(os.environ["ENDED"], str(ask.seed)).touch()


def test_a_campaign_that_is_interrupted_ends_the_seeds_that_are_still_played(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, ended = tmp_path / "begun", tmp_path / "ended"

    def on_alarm(number: int, frame: FrameType | None) -> None:
        if any(begun.iterdir()):  # not before one is played, however long that takes
            signal.setitimer(signal.ITIMER_REAL, 0)
            raise KeyboardInterrupt

    for name, folder in (("BEGUN", begun), ("ENDED", ended)):
        folder.mkdir()
        monkeypatch.setenv(name, str(folder))
    monkeypatch.setattr(campaign, "play", long)
    ending.take()  # as a process has it while it loads; who is forked does not keep it
    before = signal.signal(signal.SIGALRM, on_alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
        with pytest.raises(KeyboardInterrupt):
            list(campaign.played(campaign.Campaign((1, 2, 3), 1.0, "none", workers=2)))
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        ending.give_back()
    assert active_children() == []
    assert list(ended.iterdir()) == [], "no seed was played to its end"


def _dies(_: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_campaign_one_of_whose_processes_is_killed_says_so(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridbot_tui.research.simulation.campaign.play", _dies)
    done = cli("simulate", "--seeds", "2", "--workers", "2")
    assert done.code == 1
    assert "ended from outside, as happens where memory runs out" in done.err
