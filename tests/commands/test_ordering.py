"""Orders to a running bot: what is sent, what is printed, how they end."""

import socket
import sys
from pathlib import Path

import pytest

from gridbot_tui.cli import NO_CONFIG, WITHOUT, app
from gridbot_tui.commands import kill as kill_command
from gridbot_tui.commands import stop as stop_command
from gridbot_tui.control.command import CommandKind, CommandOutcome
from gridbot_tui.service.books.lock import ProfileLock
from gridbot_tui.service.books.profile import Profile
from tests.commands.calling import Cli
from tests.control.fake_bot import FakeBot, Running

ORDERS = [
    (["pause"], CommandKind.PAUSE, {}),
    (["pause", "--symbol", "btcusdt"], CommandKind.PAUSE, {"symbol": "BTCUSDT"}),
    (["resume"], CommandKind.RESUME, {}),
    (["flatten", "--symbol", "ETHUSDT"], CommandKind.FLATTEN, {"symbol": "ETHUSDT"}),
    (["kill", "--yes"], CommandKind.KILL, {}),
    (["reload"], CommandKind.RELOAD, {"preview": "false"}),
    (["reload", "--preview"], CommandKind.RELOAD, {"preview": "true"}),
    (["reset", "drawdown"], CommandKind.RESET, {"what": "drawdown"}),
    (["reset", "breakers"], CommandKind.RESET, {"what": "breakers"}),
    (["reset", "kill"], CommandKind.RESET, {"what": "kill"}),
    (["reset", "stop", "--symbol", "BTCUSDT"], CommandKind.RESET, {"what": "stop", "symbol": "BTCUSDT"}),
    (["learning", "freeze"], CommandKind.LEARNING, {"action": "freeze"}),
    (["learning", "thaw"], CommandKind.LEARNING, {"action": "thaw"}),
    (["learning", "reset"], CommandKind.LEARNING, {"action": "reset"}),
    (["learning", "rollback", "3"], CommandKind.LEARNING, {"action": "rollback", "version": "3"}),
    (
        ["learning", "set", "0.3", "0.1", "0.6"],
        CommandKind.LEARNING,
        {"action": "set", "up": "0.3", "down": "0.1", "neutral": "0.6"},
    ),
]


@pytest.mark.parametrize(("words", "kind", "args"), ORDERS, ids=lambda value: str(value))
def test_a_command_sends_its_order_and_prints_the_outcome(
    words: list[str], kind: CommandKind, args: dict[str, str], cli: Cli, live: Running, bot: FakeBot
) -> None:
    called = cli(*words)
    assert called.code == 0
    assert called.out == f"{kind.value} done\n"
    command, peer = bot.commands[0]
    assert (command.kind, command.args) == (kind, args)
    assert peer.startswith(kind.value)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["flatten", "--yes", "--symbol", ""], "--symbol is empty: give it a value, or leave it out"),
        (["pause", "--symbol= "], "--symbol is empty"),
        (["flatten", "--yes", "--profile", ""], "--profile is empty"),
        (["kill", "--yes", "--timeout", "inf"], "--timeout"),
    ],
)
def test_a_variable_that_was_never_set_does_not_turn_an_order_into_one_for_everything(
    words: list[str], said: str, cli: Cli, live: Running, bot: FakeBot
) -> None:
    called = cli(*words)
    assert called.code == 2
    assert said in called.err
    assert called.err.count("\n") == 1
    assert bot.commands == []


@pytest.mark.parametrize(
    "words",
    [
        ("--symbol", "BTCUSDT", "flatten", "--yes"),
        ("--symbol=BTCUSDT", "pause"),
        ("--read-only", "kill", "--yes"),
        ("--mode", "paper", "learning", "reset"),
        ("--config", "other.toml", "reload"),
        ("--set", "risk.leverage_cap=2", "reload"),
        ("--set", "risk.leverage_cap=2", "init", "--yes"),
    ],
)
def test_an_option_of_a_run_before_an_order_is_no_order_for_everything(
    cli: Cli, live: Running, bot: FakeBot, words: tuple[str, ...]
) -> None:
    refused = cli(*words)
    assert refused.code == 2
    assert "is not heard" in refused.err
    assert not bot.commands


@pytest.mark.parametrize("given", [("--config", "other.toml"), ("--set", "risk.leverage_cap=2")])
def test_a_config_before_an_order_that_reads_none_is_said_to_be_unheard(
    cli: Cli, live: Running, bot: FakeBot, given: tuple[str, str]
) -> None:
    done = cli(*given, "pause")
    assert done.code == 0
    assert f"{given[0]} before 'pause' is not heard: it goes to the bot that runs" in done.err
    assert len(bot.commands) == 1


def test_every_command_hears_a_config_before_its_name_or_says_that_it_does_not(cli: Cli) -> None:
    takes = {"config", "doctor", "support", "attach", "backtest", "walkforward", "optimize", "init"}
    named = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    assert (named | {str(group.name) for group in app.registered_groups}) - takes == NO_CONFIG.keys() | WITHOUT.keys()


def test_a_refused_order_is_exit_code_four(cli: Cli, live: Running, bot: FakeBot) -> None:
    bot.refuse = "the drawdown latch holds: reset it first"
    called = cli("resume")
    assert called.code == 4
    assert called.err == "gridbot: the drawdown latch holds: reset it first\n"


def test_an_outcome_that_does_not_come_is_exit_code_five(cli: Cli, live: Running, bot: FakeBot) -> None:
    bot.hold = True
    called = cli("flatten", "--yes", "--timeout", "0.2")
    assert called.code == 5
    said = "flatten was taken and is under way, but not done after 0.2 s: 'gridbot why' says what holds it up"
    assert said in called.err


def test_a_failed_order_is_exit_code_one_and_still_one_document(cli: Cli, live: Running, bot: FakeBot) -> None:
    bot.answers[CommandKind.RELOAD] = CommandOutcome("", False, "line 3: no such key", {"line": "3"})
    called = cli("reload", "--json")
    assert called.code == 1
    assert called.document["ok"] is False
    assert called.document["detail"] == {"line": "3"}
    assert "no such key" in called.err


def test_stopped_but_not_flat_is_exit_code_six(
    cli: Cli, live: Running, bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stop_command, "_GONE_S", 0.1)
    bot.answers[CommandKind.STOP] = CommandOutcome("", False, "1 positions left; NOT verified")
    called = cli("stop")
    assert called.code == 6
    assert "has not ended yet" in called.err
    bot.answers[CommandKind.STOP] = CommandOutcome("", False, "the disk failed", {"exit_code": "1"})
    assert cli("stop").code == 1, "the outcome may name its exit code"


def test_stop_comes_back_once_the_profile_is_free(cli: Cli, live: Running, bot: FakeBot, profile: Profile) -> None:
    bot.on_command = lambda _: live.end_soon()
    called = cli("stop", "--keep-positions")
    assert called.code == 0
    assert called.out == "stop done\n"
    assert bot.commands[0][0].args == {"keep_positions": "true"}
    assert not profile.running


@pytest.mark.parametrize("words", [("stop",), ("flatten", "--yes"), ("pause",), ("status",), ("why",)])
def test_what_is_said_while_one_run_follows_another_waits_for_the_next_to_listen(
    words: tuple[str, ...], cli: Cli, live: Running, bot: FakeBot, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A `gridbot stop` in that moment ended with exit code 3, no bot is running, and the bot traded on."""
    aside, waited = profile.socket.with_suffix(".aside"), list[float]()
    profile.socket.rename(aside)

    def listens_again(seconds: float) -> None:
        waited.append(seconds)
        if aside.exists():
            aside.rename(profile.socket)

    bot.on_command = lambda command: live.end_soon() if command.kind is CommandKind.STOP else None
    monkeypatch.setattr("time.sleep", listens_again)
    assert cli(*words).code == 0
    assert waited
    assert len(bot.commands) == (words[0] not in ("status", "why"))


@pytest.mark.parametrize("command", ["flatten", "kill"])
def test_closing_positions_asks_a_person_first(
    command: str, cli: Cli, live: Running, bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("typer.confirm", lambda *_, **__: next(answers))
    refused = cli(command)
    assert refused.code == 1
    assert "nothing was done" in refused.err
    assert bot.commands == []
    assert cli(command).code == 0
    assert cli(command, "--yes").code == 0


def test_a_bot_that_hangs_is_killed_by_a_file(cli: Cli, profile: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kill_command, "ACK_S", 0.2)
    with (
        ProfileLock.acquire(profile.lock, profile.name),
        socket.socket(socket.AF_UNIX) as deaf,
    ):
        deaf.bind(str(profile.socket))
        deaf.listen(1)
        called = cli("kill", "--yes")
    assert called.code == 5
    assert profile.kill_file.read_text() == "kill\n"
    assert str(profile.kill_file) in called.err


def test_a_bot_without_a_socket_is_killed_by_a_file_too(cli: Cli, profile: Profile) -> None:
    with ProfileLock.acquire(profile.lock, profile.name):
        assert cli("kill", "--yes").code == 5
    assert profile.kill_file.exists()


def test_a_kill_that_was_taken_but_not_finished_writes_no_file(
    cli: Cli, live: Running, bot: FakeBot, profile: Profile
) -> None:
    bot.hold = True
    called = cli("kill", "--yes", "--timeout", "0.2")
    assert called.code == 5
    assert "accepted" in called.err
    assert not profile.kill_file.exists()


def test_nothing_to_kill_is_said(cli: Cli, home: Path) -> None:
    assert cli("kill", "--yes").code == 3


@pytest.mark.parametrize(
    "words",
    [
        ["reset", "stop"],
        ["reset", "kill", "--symbol", "BTCUSDT"],
        ["reset", "everything"],
        ["reset"],
        ["learning"],
        ["learning", "set", "0.5", "0.5", "0.5"],
        ["learning", "set", "2", "0", "0"],
        ["learning", "rollback", "x"],
        ["pause", "--timeout", "-1"],
        ["bogus"],
        ["status", "--bogus"],
        ["--profile", "../up", "status"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_exit_code_two_without_a_traceback(
    words: list[str], cli: Cli, live: Running, bot: FakeBot
) -> None:
    called = cli(*words)
    assert called.code == 2
    assert called.out == ""
    assert "Traceback" not in called.err
    assert bot.commands == []
    assert called.err.startswith("Usage:") or called.err.count("\n") == 1
