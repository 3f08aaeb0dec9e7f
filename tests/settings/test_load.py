"""Sources, their order, and what is said when something is wrong."""

import os
from pathlib import Path

import pytest

from gridbot_tui.settings.load import Loaded, load, load_text, pair, version_hash
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.units import Mode

FILE = Path("config.toml")


def read(
    text: str, env: dict[str, str] | None = None, overrides: dict[str, str] | None = None
) -> Loaded[Settings]:
    return load_text(text, FILE, env or {}, overrides or {})


def complaints(
    text: str, env: dict[str, str] | None = None, overrides: dict[str, str] | None = None
) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        read(text, env, overrides)
    return [str(problem) for problem in caught.value.problems]


def test_nothing_at_all_is_a_valid_config() -> None:
    loaded = load(None, {})
    assert loaded.settings == Settings()
    assert loaded.path is None
    assert loaded.places == {}


def test_the_command_line_beats_the_environment_beats_the_file_beats_the_default() -> None:
    text = "[ladder]\nskew = 0.9\nmax_levels = 4\nspacing_trend = 5.0\n"
    env = {"GRIDBOT_LADDER__SKEW": "0.8", "GRIDBOT_LADDER__MAX_LEVELS": "5"}
    ladder = read(text, env, {"ladder.skew": "0.7"}).settings.ladder
    assert (ladder.skew, ladder.max_levels, ladder.spacing_trend, ladder.spacing_neutral) == (
        0.7,
        5,
        5.0,
        2.2,
    )


def test_each_value_remembers_the_strongest_source_that_named_it() -> None:
    text = "[ladder]\nskew = 0.9\nmax_levels = 4\nspacing_trend = 5.0\n"
    places = read(
        text, {"GRIDBOT_LADDER__SKEW": "0.8", "GRIDBOT_LADDER__MAX_LEVELS": "5"}, {"ladder.skew": "0.7"}
    ).places
    assert places == {
        ("ladder", "skew"): "--set ladder.skew",
        ("ladder", "max_levels"): "GRIDBOT_LADDER__MAX_LEVELS",
        ("ladder", "spacing_trend"): "config.toml line 4",
    }


def test_lists_tables_decimals_booleans_and_nothing_are_read_from_words() -> None:
    env = {
        "GRIDBOT_BOT__SYMBOLS": "XRPUSDT, ADAUSDT",
        "GRIDBOT_BOT__CAPITAL": "2500.50",
        "GRIDBOT_STRATEGY__LEARNING__ENABLED": "no",
        "GRIDBOT_UI__KEYMAP__PAUSE": "f5",
        "GRIDBOT_SYMBOLS__XRPUSDT__CAPITAL_SHARE": "0.25",
        "GRIDBOT_HOME": "/somewhere",
    }
    settings = read("", env, {"simulation.symbols": '["BTCUSDT"]', "bot.capital": "none"}).settings
    assert settings.bot.symbols == ("XRPUSDT", "ADAUSDT")
    assert settings.bot.capital is None
    assert settings.strategy.learning.enabled is False
    assert settings.ui.keymap == {"pause": "f5"}
    assert settings.symbols["XRPUSDT"].capital_share == 0.25
    assert settings.simulation.symbols == ("BTCUSDT",)


def test_every_problem_of_every_source_is_told_at_once_in_order() -> None:
    text = '[bot]\nmod = "sim"\n[ladder]\nskew = 3\n[logs]\ncount = 0\n'
    said = complaints(text, {"GRIDBOT_UI__REFRESH_HZ": "99"}, {"logs.level": "loud"})
    assert [line.split(":")[0] for line in said] == [
        "config.toml line 2",
        "config.toml line 4",
        "config.toml line 6",
        "GRIDBOT_UI__REFRESH_HZ",
        "--set logs.level",
    ]


@pytest.mark.parametrize(
    ("text", "where", "nearest"),
    [
        ("[ladder]\nmax_level = 3\n", "line 2", "ladder.max_levels"),
        ('[bot]\n\nsymbol = ["BTCUSDT"]\n', "line 3", "bot.symbols"),
        ("[strategy]\nlearning.rat = 0.1\n", "line 2", "strategy.learning.rate"),
        ("[laddr]\nskew = 1.0\n", "line 1", "ladder"),
        ("[ladder]\nrefresh_hz = 2\n", "line 2", "ui.refresh_hz"),
        ("skew = 1.0\n", "line 1", "ladder.skew"),
        ("[symbols.BTCUSDT]\ncapital_shar = 0.1\n", "line 2", "symbols.BTCUSDT.capital_share"),
    ],
)
def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_valid_key(
    text: str, where: str, nearest: str
) -> None:
    (said,) = complaints(text)
    assert said.startswith(f"config.toml {where}: ")
    assert "is not a key of gridbot" in said
    assert said.endswith(f"the nearest valid key is {nearest}")


@pytest.mark.parametrize("key", ["symbol_stop_loss", "symbol_stop_volatility"])
def test_a_key_of_an_older_version_says_what_came_of_it(key: str) -> None:
    (said,) = complaints(f"[risk]\n{key} = 0.1\n")
    assert "is no key of gridbot any more" in said
    assert "strategy.leverage.stop_" in said
    assert said.endswith("take the line out")


def test_no_part_of_an_unknown_key_is_taken_for_a_symbol() -> None:
    (said,) = complaints("[risk]\nsymbol_stop_lose = 0.1\n")
    assert "symbols.symbol_stop_lose" not in said


def test_an_unknown_key_that_resembles_nothing_gets_no_bad_advice() -> None:
    (said,) = complaints("[ladder]\nzzqqxxyy = 3\n")
    assert said == "config.toml line 2: ladder.zzqqxxyy is not a key of gridbot"


def test_a_value_out_of_range_is_refused_with_line_value_and_range() -> None:
    (said,) = complaints("[bot]\n[ladder]\n# high\nskew = 3\n")
    assert (
        said == "config.toml line 4: ladder.skew = 3 is out of range; allowed: from 0.5 to 1.25, default 1.0"
    )


def test_a_value_that_is_none_of_the_choices_is_refused_with_the_nearest_one() -> None:
    (said,) = complaints('bot.mode = "papper"\n')
    assert 'bot.mode = "papper"' in said
    assert "sim, replay, paper, testnet, live" in said
    assert said.endswith("the nearest one is paper")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[ladder]\nskew = "1.0"\n', 'ladder.skew wants a number, found "1.0"; take the quotes off'),
        ("[ladder]\nskew = true\n", "ladder.skew wants a number, found true"),
        ("[ladder]\nmax_levels = 2.5\n", "ladder.max_levels wants a whole number, found 2.5"),
        ("[ladder]\nskew = nan\n", "ladder.skew wants a finite number, found nan"),
        ("[ladder]\nskew = 1979-05-27\n", "ladder.skew wants a number, found the date or time 1979-05-27"),
        ("[strategy.learning]\nenabled = 1\n", "strategy.learning.enabled wants true or false, found 1"),
        ('[bot]\nsymbols = "BTCUSDT"\n', 'bot.symbols wants a list in brackets, found "BTCUSDT"'),
        ("[bot]\nname = 3\n", "bot.name wants a text, found 3"),
        ("[strategy]\nlearning = 3\n", "strategy.learning is a section"),
        ("[symbols]\nBTCUSDT = 3\n", "symbols.BTCUSDT is a section"),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused_rather_than_converted(text: str, words: str) -> None:
    (said,) = complaints(text)
    assert said.startswith(f"config.toml line 2: {words}")


def test_a_list_that_is_too_short_is_told_how_long_it_must_be() -> None:
    (said,) = complaints("[bot]\nsymbols = []\n")
    assert said == "config.toml line 2: bot.symbols wants at least 1 in its list, found 0"


def test_elements_that_are_refused_do_not_make_their_list_too_short() -> None:
    (said,) = complaints('[bot]\nsymbols = ["btcusdt"]\n')
    assert said.startswith('config.toml line 2: bot.symbols[0] = "btcusdt" is not allowed')
    (said,) = complaints("[bot]\nsymbols = [1]\n")
    assert said == "config.toml line 2: bot.symbols[0] wants a text, found 1"


def test_an_entry_that_is_none_of_the_choices_is_refused_with_the_nearest_one() -> None:
    (said,) = complaints('[alerts]\nmute = ["tier", "hault"]\n')
    assert said.startswith('config.toml line 2: alerts.mute[1] = "hault" is not allowed; allowed: one of kill, halt, ')
    assert said.endswith("the nearest one is halt")


def test_an_element_of_a_list_is_refused_with_its_own_line() -> None:
    (said,) = complaints('[bot]\nsymbols = [\n  "BTCUSDT",\n  "eth",\n]\n')
    assert said.startswith('config.toml line 4: bot.symbols[1] = "eth"')


def test_keys_that_contradict_each_other_are_refused_at_their_section() -> None:
    (said,) = complaints("[ladder]\nskew = 1.0\n[strategy.ensemble.prior]\nup = 0.9\n")
    assert (
        said
        == "config.toml line 3: strategy.ensemble.prior: the prior weights sum to 1.6, they must sum to 1"
    )


def test_shares_of_more_than_the_whole_are_refused() -> None:
    (said,) = complaints("[symbols.BTCUSDT]\ncapital_share = 0.6\n[symbols.ETHUSDT]\ncapital_share = 0.6\n")
    assert "sum to 1.2" in said


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[ladder]\nskew = \n", 2),
        ("[ladder\nskew = 1\n", 1),
        ("[ladder]\nskew = 1\nskew = 1\n", 3),
        ('[bot]\nname = "gb\n', 2),
        ("[bot]\nsymbols = [\n", 3),
    ],
)
def test_a_text_that_is_no_toml_is_refused_with_its_line(text: str, line: int) -> None:
    (said,) = complaints(text)
    assert said.startswith(f"config.toml line {line}: is not valid TOML: ")


def test_absurd_nesting_and_absurd_numbers_are_refused_like_any_other_text() -> None:
    assert "is not valid TOML" in complaints("a = " + "[" * 100_000)[0]
    assert "is not valid TOML" in complaints("a = " + "9" * 10_000)[0]


@pytest.mark.parametrize(
    "name", ["api_key", "apiKey_secret", "secret", "api-secret", "password", "passphrase", "token"]
)
def test_a_credential_is_refused_without_being_repeated_and_the_keyring_is_named(name: str) -> None:
    value = "hunter2hunter2"
    for said in (
        *complaints(f'[bot]\n{name} = "{value}"\n'),
        *complaints("", {f"GRIDBOT_BOT__{name.upper()}": value}),
        *complaints("", overrides={f"bot.{name}": value}),
    ):
        assert "keyring" in said
        assert value not in said


@pytest.mark.parametrize("address", ["http://me:hunter2@host", "https://hunter2@host:9000", "http://h/?key=hunter2"])
def test_an_address_with_a_password_is_refused_without_being_repeated(address: str) -> None:
    (said,) = complaints(f'[exchange]\nbase_url = "{address}"\n')
    assert "exchange.base_url" in said
    assert "hunter2" not in said


def test_what_an_unknown_key_holds_is_never_repeated() -> None:
    assert "hunter2" not in complaints('[bot]\nkee = "hunter2hunter2"\n')[0]
    assert "hunter2" not in complaints("", {"GRIDBOT_BOT__KEE": "hunter2hunter2"})[0]


def test_a_limit_of_risk_is_set_from_every_source() -> None:
    assert read("[risk]\nleverage_cap = 3\n").settings.risk.leverage_cap == 3.0
    assert read("", {"GRIDBOT_RISK__LEVERAGE_CAP": "4"}).settings.risk.leverage_cap == 4.0
    assert read("", overrides={"risk.leverage_cap": "2"}).settings.risk.leverage_cap == 2.0
    (said,) = complaints("[risk]\nleverage_cup = 3\n")
    assert said.endswith("the nearest valid key is risk.leverage_cap")
    (said,) = complaints("", overrides={"risk.leverage_cap": "7"})
    assert said.startswith('--set risk.leverage_cap: risk.leverage_cap = "7" is out of range')
    assert said.endswith("allowed: from 0.1 to 6, default 5.0")


def test_a_name_with_a_line_break_does_not_break_the_sentence() -> None:
    (said,) = complaints("", {"GRIDBOT_A__B\nC": "1"})
    assert said == "...: a name of no use is not a key of gridbot"


def test_a_source_without_lines_is_named_instead() -> None:
    assert complaints("", {"GRIDBOT_LADDER__SKEW": "9"})[0].startswith("GRIDBOT_LADDER__SKEW: ladder.skew")
    assert complaints("", overrides={"ladder.skew": "x"}) == [
        '--set ladder.skew: ladder.skew wants a number, found "x"'
    ]
    assert complaints("", {"GRIDBOT_LADDER__SKEV": "1"})[0].endswith("the nearest valid key is ladder.skew")
    assert complaints("", {"GRIDBOT_LADDER": "1"})[0].startswith("GRIDBOT_LADDER: names a whole section")


def test_a_wrong_value_in_the_file_is_told_even_where_a_stronger_source_hides_it() -> None:
    (said,) = complaints("[ladder]\nskew = 3\n", overrides={"ladder.skew": "1.0"})
    assert said.startswith("config.toml line 2")


def test_a_file_that_only_a_stronger_source_makes_consistent_is_accepted() -> None:
    text = "[strategy.ensemble.prior]\nup = 0.4\n"
    assert (
        read(text, overrides={"strategy.ensemble.prior.down": "0.0"}).settings.strategy.ensemble.prior.up
        == 0.4
    )


def test_a_file_that_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    for path, words in ((tmp_path / "none.toml", "no such file"), (tmp_path, "is a folder")):
        with pytest.raises(ConfigError, match=words):
            load(path, {})
    path = tmp_path / "latin.toml"
    path.write_bytes(b"# \xff\n")
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(path, {})


def test_a_pipe_is_refused_for_its_text_would_be_gone_at_the_next_look(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    os.mkfifo(path)
    with pytest.raises(ConfigError, match="is a pipe, which gives its text once"):
        load(path, {})


def test_a_variable_with_one_sign_too_few_is_refused_and_those_of_others_are_not() -> None:
    (said,) = complaints("", {"GRIDBOT_RISK_LEVERAGE_CAP": "2", "GRIDBOT_SERVICE_HOST": "10.0.0.1"})
    assert said.startswith("GRIDBOT_RISK_LEVERAGE_CAP: ")
    assert said.endswith("GRIDBOT_RISK__LEVERAGE_CAP")


def test_a_theme_that_there_is_not_is_refused_with_the_nearest_one() -> None:
    (said,) = complaints('[ui]\ntheme = "ligth"\n')
    assert "the nearest one is light" in said


def test_what_has_no_end_is_no_config() -> None:
    with pytest.raises(ConfigError, match="has more than 1 MB"):
        load(Path("/dev/zero"), {})


def test_a_byte_order_mark_and_windows_line_ends_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    path.write_bytes(b"\xef\xbb\xbf[ladder]\r\n# x\r\nskew = 1.1\r\n")
    loaded = load(path, {})
    assert loaded.settings.ladder.skew == 1.1
    assert loaded.places["ladder", "skew"] == "config.toml line 3"


def test_a_symbols_ladder_is_the_common_one_but_for_what_it_names() -> None:
    common = "[ladder]\nskew = 1.1\nplain.levels = 9\n"
    text = f"{common}[symbols.BTCUSDT.ladder]\nmax_levels = 3\nplain.leverage = 0.3\n"
    settings = read(text).settings
    own = settings.ladders()["BTCUSDT"]
    assert (own.skew, own.max_levels, own.plain.levels, own.plain.leverage) == (1.1, 3, 9, 0.3)
    assert settings.ladder.max_levels == 8
    assert "ETHUSDT" not in settings.ladders()


def test_an_error_inherited_by_a_symbol_is_told_once() -> None:
    (said,) = complaints("[ladder]\nskew = 9\n[symbols.BTCUSDT.ladder]\nmax_levels = 3\n")
    assert said.startswith("config.toml line 2")


def test_shares_are_equal_parts_of_what_the_set_ones_leave() -> None:
    settings = read("[symbols.BTCUSDT]\ncapital_share = 0.5\n").settings
    assert settings.shares(("BTCUSDT", "ETHUSDT", "SOLUSDT")) == {
        "BTCUSDT": 0.5,
        "ETHUSDT": 0.25,
        "SOLUSDT": 0.25,
    }
    assert settings.shares(("ADAUSDT",)) == {"ADAUSDT": 1.0}
    assert settings.shares(()) == {}


def test_capital_is_ten_thousand_where_money_is_not_real_and_the_wallet_where_it_is() -> None:
    settings = Settings()
    assert [settings.capital(mode) for mode in (Mode.SIM, Mode.REPLAY, Mode.PAPER)] == [10_000] * 3
    assert settings.capital(Mode.LIVE) is None
    assert read("bot.capital = 500").settings.capital(Mode.LIVE) == 500


def test_the_version_is_that_of_the_values_not_of_the_text() -> None:
    plain = read("").version_hash
    assert read("# a remark\n[ladder]\nskew = 1\n").version_hash == plain
    assert read("[simulation.exchange]\nfutures_bnb_discount = 0.1\n").version_hash == plain
    assert read("[ladder]\nskew = 1.1\n").version_hash != plain
    assert version_hash(Settings()) == plain


def test_a_pair_of_the_command_line_is_taken_apart_at_its_first_equals_sign() -> None:
    assert pair(" ui.keymap = {a='b=c'}") == ("ui.keymap", " {a='b=c'}")
    for bad in ("ladder.skew", "=3", ""):
        with pytest.raises(ConfigError, match=r"section\.key=value"):
            pair(bad)
