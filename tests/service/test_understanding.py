"""Options that contradict each other, or the profile they name, are refused before anything starts."""

import os
import stat
from pathlib import Path

import pytest

from gridbot_tui import cli
from gridbot_tui.commands.terminal import BotThread
from gridbot_tui.service.assemble import (
    RunRefused,
    keep_market,
    market_source,
    open_profile,
    passed_over,
    understand,
    write_whole,
)
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.virtual import VirtualParts
from gridbot_tui.ui.launch import Left, Wishes
from gridbot_tui.units import Mode


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (RunOptions(mode=Mode.SIM, data=("a.csv",)), "--data belongs to --mode replay"),
        (RunOptions(mode=Mode.SIM, interval="1m"), "--interval tells what --data holds"),
        (RunOptions(mode=Mode.SIM, resume=True), "--resume belongs to --mode replay"),
        (RunOptions(data=("a.csv",), resume=True), "--resume needs --home"),
        (RunOptions(mode=Mode.PAPER, speed="2"), "--speed belongs to sim and replay"),
        (RunOptions(mode=Mode.REPLAY), "needs --data"),
    ],
)
def test_an_option_that_could_mean_nothing_is_refused(options: RunOptions, said: str) -> None:
    with pytest.raises(RunRefused, match=said) as refused:
        understand(options)
    assert refused.value.exit_code == 2


def test_a_config_that_nobody_named_is_named_in_full_where_it_does_not_hold(tmp_path: Path) -> None:
    folder = tmp_path / "sim-futures-main-usdt" / "config"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text("[ladder]\nskw = 1\n")
    with pytest.raises(RunRefused) as refused:
        understand(RunOptions(mode=Mode.SIM, home=tmp_path))
    assert str(refused.value).startswith(f"in {folder}: config.toml line 2: ")
    assert refused.value.exit_code == 2


def test_a_symbol_that_is_named_twice_has_one_share() -> None:
    twice = ("BTCUSDT", "ETHUSDT", "BTCUSDT")
    named = understand(RunOptions(mode=Mode.TESTNET, symbols=twice))
    in_config = understand(RunOptions(mode=Mode.TESTNET, overrides=(("bot.symbols", ",".join(twice)),)))
    assert named.symbols == in_config.symbols == ("BTCUSDT", "ETHUSDT")


def test_an_invented_market_in_another_quote_is_refused_and_leaves_nothing_behind(tmp_path: Path) -> None:
    plan = understand(RunOptions(mode=Mode.SIM, home=tmp_path, overrides=(("bot.quote", "BTC"),)))
    with (
        open_profile(plan) as profile,
        pytest.raises(RunRefused, match=r"is quoted in USDT, and bot\.quote = \"BTC\"") as refused,
    ):
        market_source(plan, profile)
    assert refused.value.exit_code == 2
    assert not (profile.folder / "market.json").exists()


def test_the_app_looks_as_the_profiles_own_config_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "sim-futures-main-usdt" / "config"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('[ui]\ntheme = "light"\nsymbols = "ascii"\n')
    asked: list[Wishes] = []

    def launch(door: object, wishes: Wishes, **_: object) -> Left:
        asked.append(wishes)
        return Left("detached")

    monkeypatch.setattr("gridbot_tui.ui.launch.launch", launch)
    options = RunOptions(mode=Mode.SIM, home=tmp_path)
    cli._open_app(BotThread(options), options)
    assert [(one.theme, one.symbols) for one in asked] == [("light", "ascii")]


def test_a_sim_profile_that_goes_on_with_other_symbols_than_were_asked_for_says_so(tmp_path: Path) -> None:
    def symbols(*wanted: str) -> tuple[str, ...]:
        plan = understand(RunOptions(mode=Mode.SIM, home=tmp_path, symbols=wanted))
        with open_profile(plan) as profile:
            market, _ = market_source(plan, profile)
            keep_market(market, profile)
            return tuple(market.instruments)

    assert symbols("ETHUSDT", "BTCUSDT") == ("BTCUSDT", "ETHUSDT")
    assert symbols("BTCUSDT", "ETHUSDT") == symbols() == ("BTCUSDT", "ETHUSDT")
    with pytest.raises(RunRefused, match=r"goes on with .* BTCUSDT, ETHUSDT: .* SOLUSDT in a profile of its own"):
        symbols("SOLUSDT")


def test_a_start_that_is_refused_binds_its_profile_to_no_market(tmp_path: Path) -> None:
    plain = (("ladder.kind", "arithmetic"), ("ladder.plain.lower", "30000"), ("ladder.plain.upper", "35000"))
    plan = understand(RunOptions(mode=Mode.SIM, home=tmp_path, overrides=plain))
    with open_profile(plan) as profile:
        with pytest.raises(RunRefused, match="belong to one symbol"):
            VirtualParts(plan, profile)
        assert not profile.market_file.exists(), "the same with one symbol alone is not refused"


def test_a_sim_profile_names_what_the_config_says_of_another_market(tmp_path: Path) -> None:
    def said(*sets: tuple[str, str], symbols: tuple[str, ...] = ()) -> str:
        plan = understand(RunOptions(mode=Mode.SIM, home=tmp_path, symbols=symbols, overrides=sets))
        with open_profile(plan) as profile:
            market, _ = market_source(plan, profile)
            keep_market(market, profile)
            return passed_over(plan, market)

    few = ("simulation.symbols", '["ETHUSDT", "BTCUSDT"]')
    assert said(few) == said(few) == said() == ""
    other = said(("simulation.symbols", '["SOLUSDT"]'), ("simulation.seed", "2"), ("simulation.speed", "7"))
    assert "goes on with the market it began with, BTCUSDT, ETHUSDT" in other
    assert "not in force are simulation.seed, simulation.symbols;" in other
    assert said(("simulation.symbols", '["SOLUSDT"]'), symbols=("BTCUSDT", "ETHUSDT")) == ""


def test_a_market_that_no_market_can_be_made_of_is_told_as_damaged(tmp_path: Path) -> None:
    plan = understand(RunOptions(mode=Mode.SIM, home=tmp_path, symbols=("BTCUSDT",)))
    with open_profile(plan) as profile:
        keep_market(market_source(plan, profile)[0], profile)
        path = profile.market_file
        whole = path.read_text()
        for text in (whole[:-5], whole.replace('"seed":1', '"seed":-1'), whole.replace('"seed":1', '"seeds":1')):
            path.write_text(text)
            with pytest.raises(RunRefused, match=r"market\.json is damaged") as refused:
                market_source(plan, profile)
            assert "\n" not in str(refused.value)


def test_what_is_put_in_place_is_private_whatever_the_umask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        write_whole(tmp_path / "market.json", b"{}")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "market.json").stat().st_mode) == 0o600
