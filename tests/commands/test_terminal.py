"""The terminal app and the bot in one process: what becomes of the bot however the app ends."""

import asyncio
import io
import signal
import socket
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.commands import terminal
from gridbot_tui.commands.terminal import BotThread, Launch, in_terminal
from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.control.errors import ControlError, NotRunning
from gridbot_tui.service import app as service_app
from gridbot_tui.service.assemble import understand
from gridbot_tui.service.options import InForce, RunOptions, RunResult
from gridbot_tui.service.signals import Start
from gridbot_tui.units import Mode


class Left(Struct, frozen=True):
    how: str
    code: int = 0


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    kept = [(number, signal.getsignal(number)) for number in (signal.SIGTERM, signal.SIGINT)]
    yield
    for number, handler in kept:
        signal.signal(number, handler)


@pytest.fixture
def options(tmp_path: Path) -> RunOptions:
    return RunOptions(home=tmp_path, symbols=("BTCUSDT",), overrides=(("simulation.warmup_days", "0"),), mode=Mode.SIM)


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[RunOptions]:
    found: list[RunOptions] = []

    def take(options: RunOptions, _: object) -> bool:
        assert options.in_force == InForce(None, "")
        found.append(replace(options, in_force=None))
        return True

    monkeypatch.setattr(terminal, "hand_over", take)
    return found


def leaving(how: str) -> Launch:
    def launch(thread: BotThread, options: RunOptions) -> Left:
        assert thread._ready.wait(60)
        return Left(how)

    return launch


@pytest.mark.parametrize("how", ["detached", "hangup"])
def test_detach_and_hang_up_hand_the_bot_over(options: RunOptions, handed: list[RunOptions], how: str) -> None:
    assert in_terminal(leaving(how), options).exit_code == 0
    assert handed == [options]


def test_a_crashed_app_hands_the_bot_over_and_fails(options: RunOptions, handed: list[RunOptions]) -> None:
    result = in_terminal(leaving("crashed"), options)
    assert result.exit_code == 1
    assert "goes on" in result.text
    assert handed == [options]


@pytest.mark.parametrize("how", ["stopped", "terminated"])
def test_a_stop_ends_flat_and_hands_nothing_over(options: RunOptions, handed: list[RunOptions], how: str) -> None:
    result = in_terminal(leaving(how), options)
    assert result.exit_code == 0
    assert "0 orders left; 0 positions left" in result.text
    assert handed == []


def test_an_app_that_raises_leaves_the_bot_in_order(options: RunOptions, handed: list[RunOptions]) -> None:
    def launch(thread: BotThread, options: RunOptions) -> Left:
        assert thread._ready.wait(60)
        raise OSError("the terminal is broken")

    with pytest.raises(OSError, match="broken"):
        in_terminal(launch, options)
    assert handed == [options]


def test_a_bot_that_cannot_start_is_a_sentence_not_a_handover(
    options: RunOptions, handed: list[RunOptions], tmp_path: Path
) -> None:
    wrong = RunOptions(home=tmp_path, mode=Mode.REPLAY)
    result = in_terminal(lambda thread, _: Left("stopped"), wrong)
    assert result.exit_code == 2
    assert "--data" in result.text
    assert handed == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_app_still_loads_gives_up_a_start_and_hands_nothing_over(
    options: RunOptions, handed: list[RunOptions], monkeypatch: pytest.MonkeyPatch, number: signal.Signals
) -> None:
    async def waits(*_: object, **__: object) -> None:
        await asyncio.Event().wait()  # for an exchange that does not answer

    def launch(thread: BotThread, options: RunOptions) -> Left:
        signal.raise_signal(number)
        return Left("stopped" if thread.over else "terminated")

    monkeypatch.setattr(service_app, "_parts", waits)
    result = in_terminal(launch, options)
    assert result.exit_code == 128 + number
    assert result.text.startswith(f"ended by {number.name} as it started: no order was sent or cancelled")
    assert handed == []


def test_who_detaches_from_a_start_that_waits_is_told_for_what_and_how_to_give_it_up(
    options: RunOptions, handed: list[RunOptions], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    said = threading.Event()

    async def waits(plan: object, profile: object, start: Start, *, screen: bool) -> None:
        start.waits("the exchange cannot be reached yet")
        said.set()
        await asyncio.Event().wait()

    def launch(thread: BotThread, options: RunOptions) -> Left:
        assert said.wait(60)
        assert thread.waits_for == "the exchange cannot be reached yet"
        monkeypatch.setattr(thread, "join", lambda: given_up(thread))
        return Left("detached")

    def given_up(thread: BotThread) -> RunResult:
        thread.terminate(signal.SIGINT)
        return BotThread.join(thread)

    monkeypatch.setattr(service_app, "_parts", waits)
    assert in_terminal(launch, options).exit_code == 128 + signal.SIGINT
    assert capsys.readouterr().err == (
        "gridbot: still starting, and handed over after that; Ctrl-C gives it up: the exchange cannot be reached yet\n"
    )
    assert handed == []


def test_a_start_waits_for_nothing_any_more_once_it_holds_its_books() -> None:
    start = Start()
    start.waits("the exchange cannot be reached yet")
    start.begins()
    assert start.waits_for == ""


async def test_connecting_to_a_bot_that_has_ended_says_why(tmp_path: Path) -> None:
    thread = BotThread(RunOptions(home=tmp_path, mode=Mode.REPLAY))
    thread.start()
    with pytest.raises(NotRunning, match="--data"):
        await thread.connect()
    thread.join()


async def test_between_two_runs_a_face_waits_and_a_command_is_kept_for_the_second(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[tuple[str, CommandKind]] = []
    between, second = asyncio.Event(), threading.Event()

    def one(name: str) -> tuple[Any, Any]:
        def submit(command: Command, _: str) -> None:
            heard.append((name, command.kind))

        return SimpleNamespace(submit=submit), SimpleNamespace(closed=False, local_socket=local_socket)

    async def local_socket() -> socket.socket:
        ours, theirs = socket.socketpair()
        theirs.close()
        return ours

    async def two_runs(_: RunOptions, on_ready: Any, **__: Any) -> RunResult:
        session, server = one("first")
        on_ready(session, server)
        server.closed = True
        here.call_soon_threadsafe(between.set)
        while not second.is_set():  # noqa: ASYNC110 - set by another thread
            await asyncio.sleep(0.001)
        on_ready(*one("second"))
        return RunResult(0, None)

    here = asyncio.get_running_loop()
    monkeypatch.setattr(terminal, "run", two_runs)
    thread = BotThread(options)
    thread.start()
    await between.wait()
    connecting = asyncio.create_task(thread.connect())
    thread.leave()
    await asyncio.sleep(0.01)
    assert not connecting.done()
    assert heard == []
    second.set()
    thread.join()
    with pytest.raises(ControlError):
        await connecting
    assert heard == [("second", CommandKind.DETACH)]


def test_a_replay_that_is_not_kept_ends_with_its_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_process(*_: object, **__: object) -> None:
        raise AssertionError("nothing may be started")

    monkeypatch.setattr(subprocess, "Popen", no_process)
    assert terminal.hand_over(RunOptions(mode=Mode.REPLAY, data=("candles.csv",)), lambda: False, [])


@pytest.mark.parametrize("edit", ["[bot\n", '[bot]\nmarket = "spot"\n'])
def test_an_edit_that_was_not_taken_up_is_not_in_force_in_the_process_that_takes_over(
    options: RunOptions, tmp_path: Path, edit: str
) -> None:
    config = tmp_path / "config.toml"
    config.write_text("[orders]\ndepth = 3\n")
    options = replace(options, config=config, market=None)
    plan = understand(options)
    config.write_text(edit)
    before = InForce(str(config), plan.loaded.text)
    after = understand(replace(options, in_force=before))
    assert after.loaded.settings == plan.loaded.settings
    assert after.loaded.path == config  # what it holds by now is judged like any edit
    assert after.market is plan.market


def test_a_successor_that_ends_at_once_trades_nothing(monkeypatch: pytest.MonkeyPatch, options: RunOptions) -> None:
    monkeypatch.setattr(terminal, "hand_over", lambda *_: False)
    result = in_terminal(leaving("detached"), options)
    assert result.exit_code == 1
    assert "nobody trades now" in result.text


def test_whoever_detaches_is_told_the_very_command_that_comes_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    successor = SimpleNamespace(stdin=io.BytesIO(), poll=lambda: None)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: successor)
    for place, command in (
        ({}, "'gridbot attach'"),
        ({"home": Path("/my bots"), "profile": "a"}, "'gridbot attach --home '/my bots' --profile a'"),
    ):
        successor.stdin = io.BytesIO()
        chosen = replace(RunOptions(mode=Mode.SIM, in_force=InForce(None, "")), **place)
        assert terminal.hand_over(chosen, lambda: True, [])
        assert f"{command} brings the screen back" in capsys.readouterr().err


def test_whoever_detaches_is_not_told_that_trading_goes_on_while_the_successor_still_waits_for_its_exchange(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    successor = SimpleNamespace(stdin=io.BytesIO(), poll=lambda: None, pid=4711)
    monkeypatch.setattr(subprocess, "Popen", lambda *_, **__: successor)
    monkeypatch.setattr(terminal, "SUCCESSOR_S", 0.0)
    assert terminal.hand_over(RunOptions(mode=Mode.TESTNET, in_force=InForce(None, "")), lambda: False, [])
    said = capsys.readouterr().err
    assert "trading goes on" not in said
    assert "process 4711 takes over without a terminal, and does not trade yet" in said
    assert "'gridbot attach' brings the screen back once it trades" in said


def test_a_wrong_command_line_is_found_out_while_handing_over(options: RunOptions) -> None:
    assert not terminal.hand_over(options, lambda: False, ["--no-such-option"])
