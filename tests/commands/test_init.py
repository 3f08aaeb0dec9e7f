import asyncio
import io
import math
import re
import shlex
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest
from msgspec import structs

from gridbot_tui.commands.init_advice import affordable, plain, symbols
from gridbot_tui.commands.init_market import Measured
from gridbot_tui.commands.init_trial import Trial, kind, trials
from gridbot_tui.research.intervals import Interval
from gridbot_tui.service.books.profile import named
from gridbot_tui.settings.load import load
from gridbot_tui.strategy.plain import levels, too_close
from gridbot_tui.strategy.plain_params import PlainParams
from gridbot_tui.units import HOUR, Market
from tests.commands.calling import Called, Cli
from tests.credentials.fakes import KEY, NOWHERE, SECRET, Memory
from tests.data import shared
from tests.research.markets import prepared, series
from tests.research.test_truth import written

pytestmark = pytest.mark.slow
RICH = Decimal(1_000_000)


def a_symbol(name: str, sigma: float = 0.01, least: float = 5.0, week: float | None = 0.1) -> Measured:
    return Measured(name, 504, 100.0, sigma, None if week is None else -week, week, 15, least)


def answering(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)


def profile_config(home: Path) -> Path:
    return home / "sim-futures-main-usdt" / "config" / "config.toml"


# -- advice -------------------------------------------------------------------------------------------------------


def test_the_capital_decides_how_many_symbols_there_are() -> None:
    facts = [a_symbol("A", least=50), a_symbol("B", least=20), a_symbol("C")]
    assert affordable(Decimal(10_000), facts) == 3
    assert affordable(Decimal(900), facts) == 1
    assert affordable(Decimal(1), facts) == 1
    assert affordable(Decimal(1_100), facts) == 2
    coarse = [structs.replace(a_symbol("A"), step=0.5), structs.replace(a_symbol("B"), step=0.5)]
    assert affordable(Decimal(900), coarse) == 1  # a step of it is worth 50


def test_a_plain_range_holds_nine_weeks_in_ten_and_its_rungs_pay_their_fees() -> None:
    facts = {"A": a_symbol("A"), "B": a_symbol("B", week=0.2)}
    found = {one.key: one for one in plain(facts, Market.SPOT, "a test", RICH)}
    assert found["ladder.plain.range_below"].value == 0.2
    levels = found["ladder.plain.levels"].value
    assert isinstance(levels, int)
    assert 0.4 / (levels - 1) >= 0.015
    assert "15 overlapping weeks of a test" in found["ladder.plain.range_below"].reason
    assert "504 hours" in found["ladder.plain.levels"].reason


@pytest.mark.parametrize("market", list(Market))
@pytest.mark.parametrize("week", [0.03, 0.06, 0.25, 0.8])
@pytest.mark.parametrize("sigma", [0.0, 0.001, 0.0035, 0.02])
@pytest.mark.parametrize("tick", [0.0, 0.01, 0.3])
def test_the_levels_that_are_suggested_are_taken_by_the_engine(
    market: Market, week: float, sigma: float, tick: float
) -> None:
    one = structs.replace(a_symbol("A", sigma, week=week), tick=tick)
    found = {each.key.rpartition(".")[2]: each.value for each in plain({"A": one}, market, "a test", RICH)}
    if not found:
        assert tick * 10 > 0.97  # no two levels fit in the narrowest range
        return
    below, above, count = (float(str(found[name])) for name in ("range_below", "range_above", "levels"))
    fee = {Market.FUTURES: 0.0002, Market.SPOT: 0.001}[market]
    for kind_ in ("arithmetic", "geometric"):
        grid = levels(kind_, 100.0 * (1.0 - below), 100.0 * (1.0 + above), int(count))
        assert not too_close(grid, tick, fee)


@pytest.mark.parametrize("capital", [60, 100, 400, 3_000])
def test_lots_of_the_levels_that_are_suggested_are_orders_that_the_exchange_takes(capital: int) -> None:
    one = structs.replace(a_symbol("A", sigma=0.004), step=0.01)
    made = plain({"A": one}, Market.FUTURES, "a test", Decimal(capital))
    found = {each.key.rpartition(".")[2]: each for each in made}
    count = int(str(found["levels"].value))
    rungs = levels("geometric", 90.0, 110.0, count)[:-1]
    lot = capital * PlainParams().leverage / sum(rungs)
    assert math.floor(lot / 0.01) * 0.01 * 90.0 >= 5.0
    assert "smallest order" in found["levels"].reason or count == 34


def test_capital_that_no_two_levels_fit_in_is_told() -> None:
    told = plain({"A": a_symbol("A", least=20)}, Market.FUTURES, "a test", Decimal(20))[-1].reason
    assert "TOO LITTLE CAPITAL" in told


def test_capital_that_no_order_fits_in_is_told() -> None:
    assert "too little capital" in symbols(Decimal(20), {"A": a_symbol("A", least=20)}, "a test").reason
    assert "too little" not in symbols(Decimal(10_000), {"A": a_symbol("A", least=20)}, "a test").reason


def test_a_grid_that_traded_nothing_says_why() -> None:
    told = Trial("geometric", 9, 0.0, 0, None, why="the levels are too close").words
    assert "0 fills (the levels are too close) (too few" in told


def test_without_a_week_of_data_no_range_is_made_up() -> None:
    assert plain({"A": a_symbol("A", week=None)}, Market.FUTURES, "a test", RICH) == []


# -- writing ------------------------------------------------------------------------------------------------------


def test_a_symbol_that_the_recent_days_lack_keeps_its_share_of_a_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gridbot_tui.commands.init_trial.JUDGED", 12)
    eth = series("ETHUSDT", 28, sigma_hour=0.012, interval=HOUR)
    gone = structs.replace(series("SOLUSDT", 1, interval=HOUR), funding=[])
    markets = [prepared(*parts, interval=HOUR).market for parts in ((eth,), (eth, gone))]
    (alone,), (beside,) = (trials(market, (), "10000", "geometric", ()) for market in markets)
    assert (alone.days, beside.days) == (12, 12)
    assert 0.0 < abs(beside.net_return) < 0.95 * abs(alone.net_return), "half of the capital stays unused"


@pytest.mark.parametrize("risk", ["normal", "careful"])
def test_what_the_grids_made_was_made_at_the_risk_that_was_chosen(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, risk: str
) -> None:
    monkeypatch.setattr("gridbot_tui.commands.init_trial.JUDGED", 16)
    path = written(tmp_path, series("ETHUSDT", 30, seed=12, sigma_hour=0.02))[0]
    file, words = tmp_path / "config.toml", ("--risk", risk, "--grid", "adaptive")
    made = cli("init", "--data", path, "--config", str(file), *words, "--json")
    assert made.code == 0, made.err
    (told,) = (one["reason"] for one in made.document["keys"] if one["key"] == "ladder.kind")
    own = cli("backtest", "--data", path, "--config", str(file), "--json").document
    assert own["max_drawdown"] < -0.03, "where the two risks part"
    assert f"adaptive {100 * own['net_return']:+.1f} % on 16 days, {own['fills']} fills" in told


def test_without_a_terminal_the_suggestions_are_taken_and_a_commented_config_that_holds_is_written(
    cli: Cli, home: Path
) -> None:
    done = cli("init", "--json")
    assert done.code == 0
    path = Path(done.document["path"])
    assert path == profile_config(home)
    text = path.read_text()
    assert text.count("\n#") > 300
    assert text.startswith("# Written by 'gridbot init'")
    settings = load(path, {}).settings
    assert settings.bot.capital == 10_000
    assert settings.simulation.symbols == settings.bot.symbols
    assert set(tomllib.loads(text)) >= {"bot", "ladder", "strategy", "risk"}
    assert {row["key"] for row in done.document["keys"]} >= {"bot.mode", "bot.symbols", "ladder.kind"}


def test_a_plain_careful_grid_by_flags_says_its_reasons_and_sample(cli: Cli, tmp_path: Path) -> None:
    path = tmp_path / "new" / "grid.toml"
    words = ("--symbol", "BTCUSDT", "--capital", "2500", "--grid", "geometric", "--risk", "careful", "--market", "spot")
    done = cli("init", "--config", str(path), *words)
    assert done.code == 0
    settings = load(path, {}).settings
    assert settings.ladder.kind == "geometric"
    assert settings.bot.capital == 2500
    assert settings.bot.symbols == ("BTCUSDT",)
    assert settings.risk.leverage_cap == 5.0, "spot borrows nothing: there is no leverage to be careful with"
    assert settings.risk.tier3_enter == 0.10
    head = path.read_text().split("#\n")[0]
    assert "leverage_" not in head
    assert "nine weeks in ten fell no further" in head
    assert "overlapping weeks of the synthetic market" in head.replace("\n#     ", " ")
    assert f"gridbot --config {path}" in done.err


@pytest.mark.data
def test_recorded_data_are_judged_by_their_last_month(cli: Cli, tmp_path: Path) -> None:
    folder = shared("um/BTCUSDT")
    done = cli(
        "init",
        "--config",
        str(tmp_path / "c.toml"),
        "--data",
        str(folder),
        "--interval",
        "1h",
        "--grid",
        "arithmetic",
        "--json",
    )
    assert done.code == 0
    reasons = " ".join(row["reason"] for row in done.document["keys"])
    assert "the data up to" in reasons


def test_on_recorded_data_the_grid_is_suggested_by_a_back_test_with_its_sample_and_interval(
    cli: Cli, tmp_path: Path
) -> None:
    path = written(tmp_path, series("ETHUSDT", 20, seed=81, sigma_hour=0.012))[0]
    done = cli("init", "--config", str(tmp_path / "c.toml"), "--data", path, "--json")
    assert done.code == 0, done.err
    told = cli("init", "--config", str(tmp_path / "c.toml"), "--data", path, "--yes", "--force")
    assert "ladder.kind: back-test of the data up to" in told.err
    (reason,) = (row["reason"] for row in done.document["keys"] if row["key"] == "ladder.kind")
    assert "back-test of the data up to" in reason
    assert re.search(r"adaptive [+-][\d.]+ % on \d+ days, \d+ fills \(too few for an interval\)", reason)
    assert "geometric" in reason


def test_the_market_is_that_of_the_recording(tmp_path: Path, cli: Cli) -> None:
    made = written(tmp_path, series("ETHUSDT", 33, interval=HOUR))[0]
    spot = tmp_path / "spot" / "ETHUSDC" / "1h" / "a.parquet"
    spot.parent.mkdir(parents=True)
    spot.write_bytes(Path(made).read_bytes())
    words = ("init", "--config", str(tmp_path / "c.toml"), "--mode", "replay", "--data", str(spot), "--yes")
    assert cli(*words, "--market", "futures").code == 2
    done = cli(*words)
    assert done.code == 0, done.err
    assert 'market = "spot"' in (tmp_path / "c.toml").read_text()


def test_who_chooses_the_grid_is_told_what_a_back_test_made_of_it(cli: Cli, tmp_path: Path) -> None:
    path = written(tmp_path, series("ETHUSDT", 20, seed=81, sigma_hour=0.012))[0]
    done = cli("init", "--config", str(tmp_path / "c.toml"), "--data", path, "--grid", "arithmetic", "--json")
    assert done.code == 0, done.err
    (row,) = (row for row in done.document["keys"] if row["key"] == "ladder.kind")
    assert row["value"] == "arithmetic"
    assert re.search(r"^as you chose; back-test of .* arithmetic [+-][\d.]+ % on \d+ days, \d+ fills", row["reason"])
    assert "votes" not in row["reason"]  # a plain grid follows none


def test_the_better_grid_is_only_the_one_beyond_luck() -> None:
    unsure = Trial("geometric", 40, 0.1, 50, Interval(0.9, -0.1, 1.5), Interval(-0.2, -0.5, 0.1))
    better = Trial("geometric", 40, 0.1, 50, Interval(0.9, 0.1, 1.5), Interval(-0.2, -0.5, -0.1))
    own = Trial("adaptive", 40, 0.0, 9, Interval(0.0, -0.2, 0.2))
    first, second = kind([own, unsure], "a test", ""), kind([own, better], "a test", "")
    assert first is not None
    assert first.value == "adaptive"
    assert "no difference is shown (-20.0 % [-50.0, +10.0] a year)" in first.reason
    assert second is not None
    assert second.value == "geometric"
    assert "ahead by +20.0 % [+10.0, +50.0] a year" in second.reason
    assert kind([], "a test", "") is None


def test_a_config_that_is_there_is_not_touched_without_force(cli: Cli, home: Path) -> None:
    assert cli("init", "--symbol", "BTCUSDT").code == 0
    before = profile_config(home).read_text()
    refused = cli("init", "--symbol", "ETHUSDT")
    assert refused.code == 4
    assert "--force" in refused.err
    assert profile_config(home).read_text() == before
    assert cli("init", "--symbol", "ETHUSDT", "--force").code == 0
    assert profile_config(home).with_name("config.toml.bak1").read_text() == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--capital", "lots"), "no amount of money"),
        (("--capital", "-5"), "above 0"),
        (("--grid", "magic"), "adaptive, arithmetic, geometric"),
        (("--risk", "none"), "careful, normal"),
        (("--symbol", "NOSUCHUSDT"), "NOSUCHUSDT"),
        (("--data", "/nowhere/at/all"), "nowhere"),
        (("--interval", "5m"), "--interval tells what --data holds"),
        (("--mode", "replay"), "--mode replay needs --data"),
        (("--profile", "No Name"), "no profile name"),
    ],
)
def test_what_cannot_be_is_one_sentence(cli: Cli, words: tuple[str, ...], said: str) -> None:
    refused = cli("init", *words)
    assert refused.code == 2
    assert said in refused.err
    assert "Traceback" not in refused.err


# -- asking -------------------------------------------------------------------------------------------------------


def test_the_wizard_asks_suggests_with_reasons_and_starts_nothing_unasked(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch, "", "", "5000", "btcusdt, ethusdt", "care", "geo", "n")
    done = cli("init")
    assert done.code == 0
    settings = load(profile_config(home), {}).settings
    assert settings.bot.symbols == ("BTCUSDT", "ETHUSDT")
    assert settings.ladder.kind == "geometric"
    assert settings.risk.leverage_cap == 2.0
    assert "suggested: " in done.err
    assert "hours (21 days) of the synthetic market" in done.err
    assert "rungs" in done.err


def test_wrong_answers_are_asked_again(cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answering(monkeypatch, "x", "sim", "", "a lot", "1000", "WHATUSDT", "BTCUSDT", "ar", "", "q", "a", "", "n")
    done = cli("init")
    assert done.code == 0
    assert "no amount of money" in done.err
    assert "there is data of" in done.err
    assert load(profile_config(home), {}).settings.bot.symbols == ("BTCUSDT",)


def test_start_becomes_the_bot_on_the_config_just_written(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda program, words: started.append(words))
    assert cli("init", "--symbol", "BTCUSDT", "--start").code == 0
    assert started[0][1:] == ["-m", "gridbot_tui", "--config", str(profile_config(home)), "--home", str(home)]


@pytest.mark.parametrize(
    ("words", "more"),
    [
        ((), []),
        (("--mode", "live"), ["--mode", "live"]),
        (
            ("--mode", "replay", "--data", "CANDLES", "--interval", "5m"),
            ["--data", "CANDLES", "--symbol", "BTCUSDT", "--interval", "5m"],
        ),
    ],
)
def test_the_command_that_starts_it_can_be_typed_as_it_is_told(
    cli: Cli, tmp_path: Path, words: tuple[str, ...], more: list[str]
) -> None:
    home, file = tmp_path / "a home", tmp_path / "my config.toml"
    (candles,) = written(tmp_path / "some candles", series("BTCUSDT", 3))
    words = tuple(candles if word == "CANDLES" else word for word in words)
    more = [candles if word == "CANDLES" else word for word in more]
    done = cli("init", "--home", str(home), "--config", str(file), "--symbol", "BTCUSDT", "--grid", "adaptive", *words)
    assert done.code == 0, done.err
    told = next(line for line in done.err.splitlines() if line.startswith("start it: "))
    assert shlex.split(told.removeprefix("start it: ")) == [
        "gridbot", "--config", str(file), "--home", str(home), *more,
    ]  # fmt: skip


def test_a_replay_is_started_on_the_symbols_that_were_suggested(cli: Cli, home: Path, tmp_path: Path) -> None:
    data, ended = tmp_path / "candles", structs.replace(series("SOLUSDT", 2, interval=HOUR), funding=[])
    for path in map(Path, written(data, series("ETHUSDT", 33, interval=HOUR), ended)):
        path.parent.rename(path.parent.with_name("1h"))

    def command(*words: str) -> list[str]:
        done = cli("init", "--home", str(home), "--mode", "replay", "--force", "--grid", "adaptive", *words, "--json")
        assert done.code == 0, done.err
        return list(done.document["run"])

    assert command("--data", str(data))[-4:] == ["--data", str(data), "--symbol", "ETHUSDT"], "the other ended before"
    whole = data / "um" / "ETHUSDT"
    assert "--symbol" not in command("--data", str(whole)), "all that is there"
    nameless = (whole / "1h" / "made.parquet").rename(tmp_path / "mine.parquet")
    words = ("--data", str(nameless), "--symbol", "ETHUSDT")
    assert command(*words)[-4:] == list(words), "its path does not tell"


def test_a_profile_that_is_named_gets_the_config_and_no_other(cli: Cli, home: Path) -> None:
    assert cli("init", "--symbol", "BTCUSDT").code == 0
    before = profile_config(home).read_text()
    done = cli("--profile", "mine", "init", "--symbol", "ETHUSDT", "--force")
    assert done.code == 0
    assert profile_config(home).read_text() == before
    assert "ETHUSDT" in named(home, "mine").config_file.read_text()
    assert done.err.splitlines()[-1].endswith("--profile mine")


def test_the_file_may_be_named_before_the_command(cli: Cli, home: Path, tmp_path: Path) -> None:
    assert cli("--config", str(tmp_path / "mine.toml"), "init", "--symbol", "BTCUSDT").code == 0
    assert (tmp_path / "mine.toml").is_file()
    assert not profile_config(home).exists()


def test_a_config_that_is_there_is_told_before_anything_is_asked(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answering(monkeypatch)
    (tmp_path / "mine.toml").touch()
    for name, said in (("mine.toml", "is there already"), ("", "is a folder")):
        refused = cli("init", "--mode", "sim", "--market", "futures", "--config", str(tmp_path / name))
        assert said in refused.err


def test_for_real_money_the_keyring_is_offered_and_a_refusal_leaves_the_config(
    cli: Cli, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = Memory()
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    typed = iter((KEY, SECRET))
    monkeypatch.setattr("getpass.getpass", lambda prompt, stream=None: next(typed))
    answering(monkeypatch, "futures", "1000", "BTCUSDT", "", "", "y")
    done = cli("init", "--mode", "live")
    assert done.code == 0
    assert sorted(backend.kept.values()) == sorted([KEY, SECRET])
    assert KEY not in done.err + done.out
    assert SECRET not in done.err + done.out
    monkeypatch.setattr("keyring.get_keyring", lambda: NOWHERE)
    answering(monkeypatch, "futures", "1000", "BTCUSDT", "", "", "y")
    refused: Called = cli("init", "--mode", "testnet")
    assert refused.code == 0
    assert "no keyring service" in refused.err
    assert "gridbot credentials set --mode testnet" in refused.err


def test_what_init_writes_runs(cli: Cli, home: Path) -> None:
    from gridbot_tui.service.app import run
    from gridbot_tui.service.options import RunOptions

    words = ("--symbol", "DOGEUSDT", "--grid", "geometric", "--capital", "3000")
    assert cli("init", *words).code == 0
    seen: list[int] = []

    async def go() -> None:
        options = RunOptions(config=profile_config(home), home=home, overrides=(("simulation.warmup_days", "2"),))
        task: asyncio.Task = asyncio.create_task(
            run(
                options, watch=lambda snapshot: seen.append(snapshot.symbols["DOGEUSDT"].open_orders), watch_every_s=0.2
            )
        )
        for _ in range(600):
            await asyncio.sleep(0.1)
            if seen and seen[-1] > 0:
                break
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(go())
    assert seen[-1] > 0
