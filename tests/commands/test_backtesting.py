"""gridbot backtest from the command line: documents, dates, and what an operator gets wrong."""

import json
import re
from pathlib import Path

import pytest
from msgspec import structs

from gridbot_tui.research.request import Request, prepare
from gridbot_tui.units import DAY
from tests.commands.calling import Cli, caller
from tests.research.markets import START, series
from tests.research.test_truth import written

KEYS = [
    "bars",
    "symbols",
    "episodes",
    "elapsed_s",
    "bars_per_s",
    "net_return",
    "cagr",
    "max_drawdown",
    "sharpe",
    "sortino",
    "calmar",
    "win_rate",
    "fills",
    "cycles",
    "turnover",
    "fees",
    "funding",
    "final_equity",
    "max_leverage",
    "max_leverage_observed",
    "liquidations",
    "time_in_market",
    "residual",
    "systems",
    "baselines",
    "halts",
    "days",
]

TRAILING = ("--set", "ladder.kind=geometric", "--set", "ladder.plain.trailing_up=true")


@pytest.fixture
def call(capsys: pytest.CaptureFixture[str]) -> Cli:
    return caller(capsys)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> str:
    return written(tmp_path_factory.mktemp("made"), series("ETHUSDT", 17, seed=61, sigma_hour=0.013))[0]


def test_the_document_has_every_key_in_its_place(path: str, call: Cli) -> None:
    done = call("backtest", "--data", path, "--json")
    assert done.code == 0, done.err
    assert list(done.document) == KEYS
    assert set(done.document["systems"]) == {"up", "down", "neutral"}
    assert {"buy_and_hold", "static_grid", "equal_weights"} <= set(done.document["baselines"])
    assert {one["advantage"] for one in done.document["baselines"].values()} == {None}  # three days are too few
    assert done.document["residual"] == "0"
    assert isinstance(done.document["final_equity"], str)


def test_a_person_gets_lines_a_report_and_curves(path: str, call: Cli, tmp_path: Path) -> None:
    done = call("backtest", "--data", path, "--report", str(tmp_path / "out"), "--plot", "--sensitivity", "none")
    assert done.code == 0, done.err
    assert "net return" in done.out
    assert "strategy ahead by, a year" in done.out
    for title in ("equity, %", "drawdown, %", "leverage held", "weights", "ETHUSDT, ", "by month", "less baseline"):
        assert title in done.out
    assert "\x1b" not in done.out
    assert (tmp_path / "out" / "report.html").exists()
    assert json.loads((tmp_path / "out" / "report.json").read_text())["analysis"]["rows"]


def test_funding_and_slippage_are_options_and_are_told(path: str, call: Cli) -> None:
    plain = call("backtest", "--data", path, "--json").document
    dear = call("backtest", "--data", path, "--json", "--funding", "0.002", "--slippage", "50").document
    assert float(dear["baselines"]["buy_and_hold"]["funding"]) < float(plain["baselines"]["buy_and_hold"]["funding"])
    assert float(dear["baselines"]["buy_and_hold"]["fees"]) > float(plain["baselines"]["buy_and_hold"]["fees"])
    wrong = call("backtest", "--data", path, "--funding", "7")
    assert wrong.code == 2
    assert "assumed_funding" in wrong.err


def test_who_played_is_told_and_may_be_chosen(path: str, call: Cli) -> None:
    ours = call("backtest", "--data", path, "--played-by", "compiled", "--verify")
    assert ours.code == 0, ours.err
    assert "compiled, the same by the engine" in ours.out
    theirs = call("backtest", "--data", path, "--played-by", "engine")
    assert re.search(r"^played +by the engine$", theirs.out, re.M)
    assert ours.out.splitlines()[3:] == theirs.out.splitlines()[3:]


def test_dates_cut_the_data(path: str, call: Cli) -> None:
    done = call("backtest", "--data", path, "--json", "--from", "2023-11-20", "--to", "2023-11-22")
    assert done.code == 0, done.err
    assert done.document["bars"] == 2 * 288
    assert done.document["sharpe"] is None


def test_a_symbol_without_candles_in_the_days_asked_for_is_told_and_leaves_its_share_unused(
    call: Cli, tmp_path: Path
) -> None:
    late = series("BTCUSDT", 3)
    late = structs.replace(late, times=late.times + 30 * DAY)
    paths = written(tmp_path, series("ETHUSDT", 3), late)
    done = call("backtest", "--data", *paths, "--json", "--to", "2023-11-20")
    assert done.code == 0, done.err
    assert done.document["symbols"] == ["ETHUSDT"]
    assert "BTCUSDT: no candles in these days, its share of the capital stays unused" in done.err
    request = Request(tuple(paths), to=START + 3 * DAY)
    assert prepare(request).engine_config().shares == {"ETHUSDT": 0.5}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--from", "yesterday"), "--from yesterday: not a date"),
        (("--from", "2030-01-01"), "no candles"),
        (("--symbol", "BTCUSDT"), "BTCUSDT"),
        (("--symbol", "ETHUSDT", "--symbol", "BTCUSDT"), "no candles of BTCUSDT"),
        (("--set", "risk.leverage_cap=99"), "risk.leverage_cap"),
        (("--set", "nonsense"), "section.key=value"),
        (("--market", "spot"), "futures"),
        (("--played-by", "compiled", *TRAILING), "trails"),
        (("--played-by", "magic"), "magic"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(path: str, call: Cli, words: tuple[str, ...], said: str) -> None:
    done = call("backtest", "--data", path, *words)
    assert done.code == 2
    assert said in done.err
    assert "Traceback" not in done.err
