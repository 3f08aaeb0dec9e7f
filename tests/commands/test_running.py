"""``gridbot`` without a command: what it makes of its options, and how a run ends."""

import io
import signal
import sys
import types
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui import cli as command_line
from gridbot_tui.commands.run import STRAY, Lines
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.service.books import profile as profiles
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.units import Market, Mode
from tests.commands.calling import Cli, caller
from tests.control.fake_bot import picture

DOCUMENT: dict[str, object] = {"mode": "replay", "profile": "replay"}


class FakeApp:
    """Takes the place of ``service.app``."""

    def __init__(self) -> None:
        self.options: list[RunOptions] = []
        self.result = RunResult(0, DOCUMENT, "")
        self.on_run: Callable[[], None] = lambda: None

    def run_headless(
        self, options: RunOptions, watch: Callable[[Snapshot], None] | None = None, watch_every_s: float = 5.0
    ) -> RunResult:
        self.options.append(options)
        self.on_run()
        if watch is not None:
            watch(picture())
        return self.result


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApp]:
    fake = FakeApp()
    module = types.ModuleType("gridbot_tui.service.app")
    module.run_headless = fake.run_headless  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "gridbot_tui.service.app", module)
    monkeypatch.setattr(command_line, "_face", lambda: None)
    kept = [(number, signal.getsignal(number)) for number in STRAY]
    yield fake
    for number, handler in kept:
        signal.signal(number, handler)


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


def test_every_option_reaches_the_run(cli: Cli, app: FakeApp) -> None:
    words = "--config c.toml --mode replay --market spot --no-ui --read-only --home h --profile p --json"
    more = "--data a.parquet --data b.csv --symbol btcusdt --symbol ETHUSDT --interval 1m --speed max --resume"
    called = cli(*words.split(), *more.split(), "--set", "ladder.skew=1.1", "--yes-live")
    assert called.code == 0
    assert app.options == [
        RunOptions(
            config=Path("c.toml"),
            overrides=(("ladder.skew", "1.1"),),
            mode=Mode.REPLAY,
            market=Market.SPOT,
            home=Path("h"),
            profile="p",
            data=("a.parquet", "b.csv"),
            symbols=("BTCUSDT", "ETHUSDT"),
            interval="1m",
            speed="max",
            resume=True,
            read_only=True,
            json=True,
        )
    ]


def test_with_json_there_is_one_document_at_the_end_and_nothing_else(cli: Cli, app: FakeApp) -> None:
    called = cli("--no-ui", "--mode", "replay", "--data", "x", "--json")
    assert called.document == DOCUMENT
    assert called.out.count("\n") == 1
    assert called.err == ""


def test_without_json_there_are_status_lines(cli: Cli, app: FakeApp) -> None:
    app.result = RunResult(0, DOCUMENT, "stopped flat, verified on the exchange")
    called = cli("--no-ui")
    assert called.out.startswith("2025-05-04 12:00:00  running")
    assert called.err == "stopped flat, verified on the exchange\n"


def test_without_a_terminal_it_names_the_way_without_one_and_starts_nothing(cli: Cli, app: FakeApp) -> None:
    called = cli()
    assert called.code == 2
    assert app.options == []
    assert called.err.count("\n") == 1
    assert "--no-ui" in called.err


@pytest.mark.parametrize("code", [1, 2, 4, 6])
def test_a_bad_end_is_the_exit_code_with_a_sentence(code: int, cli: Cli, app: FakeApp) -> None:
    app.result = RunResult(code, DOCUMENT if code == 6 else None, "2 positions left")
    called = cli("--no-ui", "--json")
    assert called.code == code
    assert called.err == "gridbot: 2 positions left\n"
    assert (called.out != "") == (code == 6), "a run that never began has no document"


@pytest.mark.parametrize("words", [(), ("--yes-live",)])
def test_real_money_needs_more_than_an_option(
    words: tuple[str, ...], cli: Cli, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("GRIDBOT_YES_LIVE", raising=False)
    called = cli("--no-ui", "--mode", "live", *words)
    assert called.code == 4
    assert called.err.count("\n") == 1
    assert "GRIDBOT_YES_LIVE=yes" in called.err
    assert app.options == []


def test_real_money_is_traded_where_option_and_environment_agree(
    cli: Cli, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDBOT_YES_LIVE", "yes")
    assert cli("--no-ui", "--mode", "live", "--yes-live").code == 0
    assert [one.yes_live for one in app.options] == [True]


def test_the_environment_alone_is_no_yes(cli: Cli, app: FakeApp, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDBOT_YES_LIVE", "yes")
    assert cli("--no-ui", "--mode", "live").code == 4
    assert app.options == []


@pytest.mark.parametrize(("typed", "started"), [("real money\n", True), ("yes\n", False), ("\n", False), ("", False)])
def test_at_a_terminal_the_words_are_typed(
    typed: str, started: bool, cli: Cli, app: FakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Keyboard(typed))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    called = cli("--no-ui", "--mode", "live")
    assert called.code == (0 if started else 4)
    assert bool(app.options) == started
    assert "(no config file: the defaults)" in called.err


def test_the_question_names_the_config_that_is_taken_be_it_the_profiles_own(
    cli: Cli, app: FakeApp, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyboard(io.StringIO):
        def isatty(self) -> bool:
            return True

    own = profiles.named(home, "live-futures-main-usdt").create().config_file
    own.write_text("[risk]\nleverage_cap = 2\n")
    monkeypatch.setattr(sys, "stdin", Keyboard("no\n"))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    assert f"({own})" in cli("--home", str(home), "--no-ui", "--mode", "live").err


def test_a_config_alone_never_trades_real_money(cli: Cli, app: FakeApp, tmp_path: Path) -> None:
    config = tmp_path / "c.toml"
    config.write_text('[bot]\nmode = "live"\n')
    called = cli("--no-ui", "--config", str(config))
    assert called.code == 4
    assert "--mode live" in called.err
    assert app.options == []


def test_a_profiles_own_config_trades_real_money_no_more_than_a_named_one(
    cli: Cli, app: FakeApp, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDBOT_YES_LIVE", "yes")
    profiles.named(home, "mine").create().config_file.write_text('[bot]\nmode = "live"\n')
    called = cli("--home", str(home), "--profile", "mine", "--no-ui", "--yes-live")
    assert called.code == 4
    assert "--mode live" in called.err, "what is to be done"
    assert app.options == []


@pytest.mark.parametrize("mode", ["paper", "testnet"])
def test_play_money_needs_no_yes(mode: str, cli: Cli, app: FakeApp) -> None:
    assert cli("--no-ui", "--mode", mode).code == 0
    assert [one.yes_live for one in app.options] == [False]


def test_no_stray_signal_ends_a_run_before_or_after_its_own_handlers_are_set(cli: Cli, app: FakeApp) -> None:
    seen: list[Any] = []
    app.on_run = lambda: seen.extend(signal.getsignal(number) for number in (*STRAY, signal.SIGPIPE))
    cli("--no-ui")
    assert seen == [signal.SIG_IGN] * (len(STRAY) + 1)


def test_what_a_shell_makes_of_a_glob_is_data(cli: Cli, app: FakeApp) -> None:
    cli("--no-ui", "--data", "a.parquet", "b.parquet", "c.parquet", "--speed", "max")
    assert app.options[0].data == ("a.parquet", "b.parquet", "c.parquet")
    assert app.options[0].speed == "max"


@pytest.mark.parametrize(
    ("words", "spread"),
    [
        ("--data=a b", "--data=a --data b"),
        ("--data a status", "--data a status"),
        ("--data a --data b c", "--data a --data b --data c"),
        ("status --data a b", "status --data a b"),
        ("--profile status --data a b", "--profile status --data a --data b"),
        ("--json status x y", "--json status x y"),
        ("--data a -- b", "--data a -- b"),
        ("backtest --data a b --symbol X Y --json", "backtest --data a --data b --symbol X --symbol Y --json"),
        ("--json walkforward --data=a b --try k=1,2", "--json walkforward --data=a --data b --try k=1,2"),
        ("exchange serve --data a b --port 1", "exchange serve --data a --data b --port 1"),
        ("data download --symbol A B", "data download --symbol A --symbol B"),
        ("flatten --symbol A B", "flatten --symbol A B"),
        ("backtest --data a -- b c", "backtest --data a -- b c"),
    ],
)
def test_only_the_words_after_data_are_spread(words: str, spread: str) -> None:
    assert command_line.spread(words.split()) == spread.split()


def test_a_set_without_a_value_is_wrong_usage(cli: Cli, app: FakeApp) -> None:
    called = cli("--set", "ladder.skew")
    assert called.code == 2
    assert "KEY=VALUE" in called.err


def test_a_terminal_that_goes_away_does_not_end_the_run(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[str] = []

    def gone(stream: object, text: str) -> None:
        tried.append(text)
        raise OSError(5, "Input/output error")

    lines = Lines()
    monkeypatch.setattr("gridbot_tui.commands.run.write_past_locks", gone)
    lines.show(picture())
    lines.close()  # what waits is printed, or not, within this test
    lines.show(picture())
    assert len(tried) == 1, "nobody is there to print for"
