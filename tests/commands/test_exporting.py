"""export and config: what is read from files, with no bot running."""

import csv
import io
import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from gridbot_tui.commands import export_rows, in_force
from gridbot_tui.commands.options import Where
from gridbot_tui.engine.events import Outcome
from gridbot_tui.market.builtin import builtin
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.service.books.profile import Profile, named
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreDamaged
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.units import Market, Mode, plain
from tests.commands.calling import Cli
from tests.control.fake_bot import FakeBot, Running, picture
from tests.store import making


@pytest.fixture
def kept(profile: Profile) -> Profile:
    """A profile that has traded and stopped."""
    profile.lock.touch()
    store = making.store(profile.folder)
    store.remember_instruments(making.T0, [builtin(Market.FUTURES)[making.BTC]])
    store.append([making.intent(1), making.report(1, Outcome.FILLED, filled=26), making.fill(1), making.cash(2)])
    trail = AuditTrail(profile.audit, at=making.T0, durable=False)
    trail.write("command", making.T0, {"kind": "pause", "peer": "=cmd()"})
    trail.write("outcome", making.T0 + 1, {"ok": True})
    store.put_meta(AUDIT_HEAD, f"{trail.head.seq}:{trail.head.hash}")
    trail.close()
    store.close()
    return profile


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_trades_are_exported_in_prices_and_quantities(cli: Cli, kept: Profile) -> None:
    called = cli("export", "trades")
    assert called.code == 0
    (row,) = rows(called.out)
    assert (row["side"], row["price"], row["quantity"], row["fee"]) == ("buy", "60000", "0.026", "0.312")
    assert row["time"] == "2023-11-14T22:13:20.001Z"
    (same,) = cli("export", "trades", "--format", "json").document
    assert same["price"] == "60000"
    assert same["maker"] is True


@pytest.mark.parametrize(("market", "realised"), [(Market.FUTURES, "0"), (Market.SPOT, None)])
def test_realised_is_the_exchanges_own_figure_and_spot_has_none(
    cli: Cli, home: Path, market: Market, realised: str | None
) -> None:
    profile = named(home, f"sim-{market.value}-main-usdt").create()
    profile.lock.touch()
    identity = Identity(Mode.SIM, market, "main", "USDT")
    store = Store.open(profile.database, durable=False, identity=identity)
    store.remember_instruments(making.T0, [builtin(market)[making.BTC]])
    store.append([making.intent(1), making.fill(1)])
    store.close()
    (row,) = cli("export", "trades", "--format", "json").document
    assert row["realised"] == realised
    assert cli("export", "trades", "--format", "parquet", "-o", str(home / "trades.parquet")).code == 0


def test_orders_are_exported_with_their_end(cli: Cli, kept: Profile) -> None:
    (row,) = rows(cli("export", "orders", "--format", "csv").out)
    assert (row["client_id"], row["state"], row["filled"]) == ("gb-1", "filled", "0.026")


def test_the_ledger_has_a_line_for_every_change_in_order(cli: Cli, kept: Profile) -> None:
    found = cli("export", "ledger", "--json").document
    assert [(row["kind"], row["asset"], row["amount"]) for row in found] == [
        ("fee", "USDT", "-0.312"),
        ("funding", "USDT", "-1.36"),
    ]


def test_an_export_goes_to_a_file_when_asked(cli: Cli, kept: Profile, tmp_path: Path) -> None:
    target = tmp_path / "trades.csv"
    called = cli("export", "trades", "-o", str(target))
    assert called.out == ""
    assert len(rows(target.read_text())) == 1
    assert cli("export", "trades", "-o", str(tmp_path / "no" / "folder.csv")).code == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no disk that is always full")
@pytest.mark.parametrize("format", ["csv", "json", "parquet"])
def test_an_export_to_a_full_disk_names_the_file(cli: Cli, kept: Profile, format: str) -> None:
    done = cli("export", "audit" if format != "parquet" else "trades", "--format", format, "-o", "/dev/full")
    assert (done.code, done.err) == (1, "gridbot: /dev/full: No space left on device\n")


def test_the_audit_trail_is_exported_and_no_cell_is_a_formula(cli: Cli, kept: Profile) -> None:
    found = cli("export", "audit").document
    assert [line["kind"] for line in found] == ["command", "outcome"]
    assert rows(cli("export", "audit", "--format", "csv").out)[1]["kind"] == "outcome"
    assert (plain(Decimal("1E+3")), plain(Decimal("-0.00"))) == ("1000", "0")
    assert list(export_rows.as_csv([{"a": "=cmd()"}])) == ["a\r\n", "'=cmd()\r\n"]


@pytest.mark.parametrize("key", ["identity", AUDIT_HEAD])
def test_a_small_value_that_means_nothing_is_damage_and_no_traceback(
    cli: Cli, kept: Profile, tmp_path: Path, key: str
) -> None:
    with closing(sqlite3.connect(kept.database, isolation_level=None)) as file:
        file.execute("UPDATE meta SET value = 'junk' WHERE key = ?", (key,))
    examined = cli("doctor", "--json")
    found = {one["check"]: one for one in examined.document["checks"]}["database" if key == "identity" else "audit"]
    assert (found["verdict"], "damaged" in found["found"]) == ("fail" if key == "identity" else "warn", True)
    verified = cli("export", "audit", "--verify")
    assert verified.code == (0 if key == "identity" else 2)
    assert cli("support", "-o", str(tmp_path / "trouble.tgz")).code == 0
    whose = Identity(Mode.SIM, Market.FUTURES, "main", "USDT")
    if key == "identity":
        with pytest.raises(StoreDamaged, match="a row cannot be read"):
            Store.open(kept.database, durable=False, identity=whose)


def test_an_untouched_trail_verifies(cli: Cli, kept: Profile) -> None:
    called = cli("export", "audit", "--verify", "--json")
    assert called.code == 0
    assert called.document["ok"] is True
    assert called.document["lines"] == 2
    assert called.document["anchored"] is True
    assert cli("export", "audit", "--verify").out == "2 lines in order.\n"


def test_a_changed_trail_is_exit_code_one(cli: Cli, kept: Profile) -> None:
    text = kept.audit.read_text()
    kept.audit.write_text(text.replace("pause", "pAuse"))
    called = cli("export", "audit", "--verify", "--json")
    assert called.code == 1
    assert called.document["first_bad"] == 1


@pytest.mark.parametrize("line", ["no JSON at all", '{"at": "noon"}', "[1, 2]"])
def test_a_line_of_the_trail_that_is_none_ends_the_export_in_a_sentence(cli: Cli, kept: Profile, line: str) -> None:
    kept.audit.write_text(kept.audit.read_text() + line + "\n")
    called = cli("export", "audit")
    assert called.code == 1
    assert "audit --verify" in called.err


def test_lines_cut_off_the_end_are_missed(cli: Cli, kept: Profile) -> None:
    first = kept.audit.read_text().splitlines(keepends=True)[0]
    kept.audit.write_text(first)
    called = cli("export", "audit", "--verify")
    assert called.code == 1
    assert called.out == ""
    assert "state file knows of 2 lines" in called.err


def test_nothing_to_export_is_wrong_input(cli: Cli, profile: Profile) -> None:
    assert cli("export", "trades").code == 2
    profile.lock.touch()
    called = cli("export", "trades")
    assert called.code == 2
    assert "has not run yet" in called.err
    assert cli("export", "audit", "--verify").code == 2


def test_an_export_works_while_the_bot_runs(cli: Cli, kept: Profile, live: Running) -> None:
    assert len(rows(cli("export", "trades").out)) == 1


# config


def test_a_good_config_holds(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[ladder]\nskew = 1.1\n")
    assert cli("config", "check", str(file)).code == 0
    assert cli("config", "check", str(file), "--json").document["ok"] is True
    assert cli("--config", str(file), "config", "check", "--json").document["path"] == str(file)


def test_a_bad_config_says_file_and_line_of_every_fault(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[ladder]\nskw = 1.1\nskew = -5\n")
    called = cli("config", "check", str(file))
    assert called.code == 2
    assert "line 2" in called.err
    assert "line 3" in called.err
    assert "Traceback" not in called.err
    problems = cli("config", "check", str(file), "--json").document["problems"]
    assert [one["key"] for one in problems] == ["ladder.skw", "ladder.skew"]


def test_a_missing_config_is_wrong_input(cli: Cli, tmp_path: Path) -> None:
    called = cli("config", "show", str(tmp_path / "gone.toml"))
    assert called.code == 2
    assert called.err.count("\n") == 1


def test_the_config_in_force_is_shown_with_its_sources(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text("[ladder]\nskew = 1.1\n")
    shown = cli("config", "show", str(file), "--changed")
    assert shown.lines[0].startswith("ladder.skew = 1.1")
    assert "c.toml line 2" in shown.lines[0]
    keys = cli("config", "show", str(file), "--json").document["keys"]
    assert keys["ladder.skew"]["value"] == 1.1
    assert len(cli("config", "show").lines) > 20


def test_two_configs_are_compared_with_when_a_change_takes_effect(cli: Cli, tmp_path: Path) -> None:
    one, two = tmp_path / "one.toml", tmp_path / "two.toml"
    one.write_text("[ladder]\nskew = 1.1\n")
    two.write_text("[ladder]\nskew = 1.2\n")
    called = cli("config", "diff", str(two), "--against", str(one))
    assert called.lines == ["ladder.skew: 1.1 -> 1.2 (at the next decision)"]
    document = cli("config", "diff", str(two), "--json").document
    assert document["against"] == "the defaults"
    assert [change["key"] for change in document["changes"]] == ["ladder.skew"]
    assert cli("config", "diff").code == 2


def test_lists_and_tables_of_a_difference_are_json_too(cli: Cli, tmp_path: Path) -> None:
    file = tmp_path / "c.toml"
    file.write_text('bot.symbols = ["BTCUSDT"]\nbot.capital = 500.10\nui.keymap = { pause = "f9" }\n')
    changes = cli("config", "diff", str(file), "--json").document["changes"]
    assert [change["new"] for change in changes] == [["BTCUSDT"], "500.1", {"pause": "f9"}]
    assert changes[0]["old"] == ["BTCUSDT", "ETHUSDT", "SOLUSDT"]


def test_without_a_name_the_config_of_a_start_is_meant_which_is_the_profiles_own(cli: Cli, profile: Profile) -> None:
    profile.config_file.write_text("[ladder]\nskew = 0.9\n")
    assert cli("config", "check", "--json").document["path"] == str(profile.config_file)
    assert cli("config", "show", "--changed").lines == ["ladder.skew = 0.9  # config.toml line 2"]
    over = cli("config", "show", "--changed", "--set", "ladder.max_levels=3").lines
    assert [line.split()[0] for line in over] == ["ladder.skew", "ladder.max_levels"]
    profile.config_file.write_text("[ladder]\nskw = 1\n")
    wrong = cli("config", "check", "--json")
    assert (wrong.code, wrong.err) == (2, "gridbot: 1 problem in the config\n")
    assert cli("config", "show", "--profile", profile.name).code == 2
    assert cli("config", "check", "--profile", "another").code == 0
    assert cli("config", "check", "--set", "bot.mode=paper").code == 0, "another mode has a profile of its own"
    assert cli("config", "check", "--profile", "No Name").code == 2


def test_a_config_is_compared_with_that_of_the_running_bot(cli: Cli, tmp_path: Path, live: Running) -> None:
    file = tmp_path / "c.toml"
    file.write_text("")
    called = cli("config", "diff", str(file))
    assert called.lines == ["no key differs from sim-futures-main-usdt, config 3"]


def test_what_the_bots_own_environment_and_command_line_say_is_shown_and_goes_on_to_count(
    cli: Cli, tmp_path: Path, live: Running, bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    over = (("GRIDBOT_RISK__LEVERAGE_CAP", "3"), ("bot.mode", "paper"))
    bot.base = picture(config_over=over)
    monkeypatch.setenv("GRIDBOT_RISK__LEVERAGE_CAP", "2")  # of this shell, not of the bot
    lines = [line.split() for line in cli("config", "show", "--changed").lines]
    assert ["risk.leverage_cap", "=", "3.0", "#", "GRIDBOT_RISK__LEVERAGE_CAP"] in lines
    assert ["bot.mode", "=", '"paper"', "#", "--set", "bot.mode"] in lines
    file = tmp_path / "c.toml"
    file.write_text("[risk]\nleverage_cap = 4\n")
    assert cli("config", "diff", str(file)).lines == ["no key differs from sim-futures-main-usdt, config 3"]


def test_an_attached_app_looks_as_the_bots_config_says_under_this_shells_environment(
    home: Path, live: Running, bot: FakeBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = '[ui]\ntheme = "light"\nsymbols = "ascii"\nrefresh_hz = 1\n'
    bot.base = picture(config_text=text, config_over=(("ui.refresh_hz", "2"), ("GRIDBOT_UI__SYMBOLS", "block")))
    monkeypatch.setenv("GRIDBOT_UI__THEME", "ansi-16")
    seen = in_force.look(Where(home=home))
    assert (seen.theme, seen.symbols, seen.refresh_hz) == ("ansi-16", "block", 2.0)


def test_an_app_on_a_bot_that_does_not_answer_opens_all_the_same(home: Path, live: Running, bot: FakeBot) -> None:
    bot.broken = RuntimeError("not now")
    assert in_force.look(Where(home=home)).theme == "auto"


def test_the_schema_is_one_json_document(cli: Cli) -> None:
    document = json.loads(cli("config", "schema").out)
    assert "ladder" in document["properties"]


# Parquet, and where the ledger begins


def test_parquet_keeps_decimals_exact_and_times_as_times(cli: Cli, kept: Profile, tmp_path: Path) -> None:
    import polars as pl

    target = tmp_path / "trades.parquet"
    assert cli("export", "trades", "--format", "parquet", "-o", str(target)).code == 0
    frame = pl.read_parquet(target)
    row = frame.row(0, named=True)
    assert (row["price"], row["quantity"], row["fee"]) == (Decimal(60000), Decimal("0.026"), Decimal("0.312"))
    assert row["time"].isoformat() == "2023-11-14T22:13:20.001000+00:00"
    assert row["maker"] is True
    for what in ("orders", "ledger", "audit"):
        assert cli("export", what, "--format", "parquet", "-o", str(target)).code == 0
        assert pl.read_parquet(target).height >= 1


def test_parquet_of_nothing_is_a_file_all_the_same_and_too_many_digits_stay_text() -> None:
    import polars as pl

    from gridbot_tui.commands.export_parquet import as_parquet

    assert pl.read_parquet(io.BytesIO(as_parquet([]))).height == 0
    rows = [{"at": 1, "time": "1970-01-01T00:00:00.001Z", "amount": "1" * 30 + "." + "2" * 20, "body": {"a": [1]}}]
    row = pl.read_parquet(io.BytesIO(as_parquet(rows))).row(0, named=True)
    assert row["amount"] == rows[0]["amount"]
    assert json.loads(row["body"]) == {"a": [1]}


def test_the_ledger_begins_with_the_opening_balances_and_sums_to_the_wallet(cli: Cli, profile: Profile) -> None:
    from gridbot_tui.engine.actions import StartFact

    profile.lock.touch()
    store = making.store(profile.folder)
    store.remember_instruments(making.T0, [builtin(Market.FUTURES)[making.BTC]])
    start = StartFact(making.T0, {"USDT": Decimal("10000"), "BNB": Decimal("0"), "BTC": Decimal("0.5")}, None)
    store.append([start, making.intent(1), making.report(1, Outcome.FILLED, filled=26), making.fill(1), making.cash(2)])
    store.close()
    found = cli("export", "ledger", "--json").document
    assert [(row["kind"], row["asset"], row["amount"]) for row in found][:2] == [
        ("start", "BTC", "0.5"),
        ("start", "USDT", "10000"),
    ]
    assert sum(Decimal(row["amount"]) for row in found if row["asset"] == "USDT") == Decimal("9998.328")
