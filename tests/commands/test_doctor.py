"""doctor: each check where all is well and where it is not, and the ledger against the exchange's books."""

import os
import shutil
import sqlite3
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gridbot_tui.commands import doctor_books, doctor_system
from gridbot_tui.commands.doctor_check import Verdict
from gridbot_tui.service.assemble import Plan
from gridbot_tui.service.books.profile import Profile, named
from gridbot_tui.service.venues.exchange_look import Seen
from gridbot_tui.store.core import Store
from gridbot_tui.store.identity import Identity
from gridbot_tui.units import Market, Mode
from tests.commands.calling import Called, Cli
from tests.control.fake_bot import FakeBot, Running, picture, running
from tests.credentials.fakes import NOWHERE, Memory
from tests.service.living import NAME, live_once, options


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sim profile that has traded and stopped. Not to be touched: copy it."""
    home = tmp_path_factory.mktemp("lived")
    live_once(options(home), lambda bot: bot.days(1))
    profile = named(home, NAME)
    profile.lock.touch(0o600)
    return profile.folder


@pytest.fixture
def traded(lived: Path, home: Path) -> Profile:
    """A copy of it, under the home of the command line."""
    profile = named(home, NAME)
    shutil.copytree(lived, profile.folder)
    profile.folder.chmod(0o700)
    return profile


def verdicts(called: Called) -> dict[str, str]:
    return {check["check"]: check["verdict"] for check in called.document["checks"]}


def check(called: Called, name: str) -> dict[str, Any]:
    (found,) = [one for one in called.document["checks"] if one["check"] == name]
    return dict(found)


def alter(path: Path, sql: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(sql)
    database.close()


# The machine


def test_a_clock_that_was_never_set_or_put_back_fails(tmp_path: Path) -> None:
    written = tmp_path / "x"
    written.touch()
    assert doctor_system.clock([], now=0.0).verdict is Verdict.FAIL
    assert doctor_system.clock([written], now=written.stat().st_mtime - 60).verdict is Verdict.FAIL
    assert doctor_system.clock([written, tmp_path / "none"]).verdict is not Verdict.FAIL


def test_a_clock_that_nobody_keeps_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_system, "_asked", lambda *_: "no")
    assert "set-ntp" in doctor_system.clock([]).advice
    monkeypatch.setattr(doctor_system, "_asked", lambda *_: "yes")
    assert doctor_system.clock([]).verdict is Verdict.OK


def test_no_keyring_matters_only_where_a_key_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", lambda: NOWHERE)
    assert doctor_system.keyring(Mode.SIM).verdict is Verdict.OK
    assert doctor_system.keyring(Mode.LIVE).verdict is Verdict.WARN
    monkeypatch.setattr("keyring.get_keyring", Memory)
    assert doctor_system.keyring(Mode.LIVE).verdict is Verdict.OK


@pytest.mark.parametrize(("free", "verdict"), [(1 << 20, "fail"), (500 << 20, "warn"), (9 << 30, "ok")])
def test_a_full_disk_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, verdict: str) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: shutil._ntuple_diskusage(10 << 30, 1, free))
    assert doctor_system.disk(tmp_path / "not" / "yet").verdict == verdict


def test_a_terminal_that_draws_nothing_is_warned_of(monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor_system.terminal({}).verdict is Verdict.OK
    for stream in ("stdin", "stderr"):
        monkeypatch.setattr(f"sys.{stream}.isatty", lambda: True)
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((120, 40)))  # pytest asks too
    assert doctor_system.terminal({"TERM": "dumb"}).verdict is Verdict.WARN
    assert doctor_system.terminal({"TERM": "xterm-256color", "LANG": "C"}).verdict is Verdict.WARN
    good = {"TERM": "xterm-256color", "LANG": "de_DE.UTF-8", "COLORTERM": "truecolor"}
    assert doctor_system.terminal(good).verdict is Verdict.OK
    monkeypatch.setattr("shutil.get_terminal_size", lambda *_, **__: os.terminal_size((40, 10)))
    assert "60x16" in doctor_system.terminal(good).advice


def test_what_happens_at_logout_is_read_from_systemd(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: "ada")
    assert "no systemd" in doctor_system.logout(tmp_path).found
    (tmp_path / "run/systemd/system").mkdir(parents=True)
    assert "enable-linger ada" in doctor_system.logout(tmp_path).advice
    (tmp_path / "etc/systemd").mkdir(parents=True)
    (tmp_path / "etc/systemd/logind.conf").write_text("[Login]\n#KillUserProcesses=no\nKillUserProcesses=yes\n")
    assert "ends everything" in doctor_system.logout(tmp_path).found
    (tmp_path / "var/lib/systemd/linger").mkdir(parents=True)
    (tmp_path / "var/lib/systemd/linger/ada").touch()
    assert doctor_system.logout(tmp_path).verdict is Verdict.OK


# The profile


def test_a_sound_profile_is_sound_and_nothing_is_written(cli: Cli, traded: Profile) -> None:
    before = {path: path.read_bytes() for path in traded.folder.rglob("*") if path.is_file()}
    called = cli("doctor", "--json")
    assert called.code == 0
    assert called.document["ok"] is True
    found = verdicts(called)
    assert {name: found[name] for name in found if name.startswith("ledger")} == {
        "ledger trades": "ok",
        "ledger cash": "ok",
        "ledger orders": "ok",
        "ledger wallet USDT": "ok",
        "ledger position DOGEUSDT": "ok",
        "ledger position SOLUSDT": "ok",
    }
    after = {path: path.read_bytes() for path in before}
    assert after == before
    assert cli("doctor").lines[0].startswith("ok")


def test_without_a_profile_the_machine_is_checked_all_the_same(cli: Cli) -> None:
    called = cli("doctor", "--json")
    assert called.code == 0
    assert called.document["profile"] is None
    assert verdicts(called)["profile"] == "warn"
    assert cli("doctor", "--profile", "none").code == 2


def test_a_config_that_no_bot_has_read_yet_is_checked(cli: Cli, profile: Profile) -> None:
    profile.config_file.write_text("[risk]\nleverage_cap = 99\n")
    called = cli("doctor", "--json")
    assert called.code == 1
    assert str(profile.config_file) in check(called, "config")["advice"]


def test_files_open_to_others_are_closed_only_when_told(cli: Cli, traded: Profile) -> None:
    traded.folder.chmod(0o777)
    traded.database.chmod(0o666)
    called = cli("doctor", "--json")
    assert called.code == 1
    assert verdicts(called)["permissions"] == "fail"
    assert stat.S_IMODE(traded.database.stat().st_mode) == 0o666
    repaired = cli("doctor", "--repair", "--json")
    assert repaired.code == 0
    assert check(repaired, "permissions")["repaired"] is True
    assert stat.S_IMODE(traded.database.stat().st_mode) == 0o600
    assert stat.S_IMODE(traded.folder.stat().st_mode) == 0o700


def test_a_damaged_database_fails_and_is_left_as_it_is(cli: Cli, traded: Profile) -> None:
    data = bytearray(traded.database.read_bytes())
    data[4096 * 3 : 4096 * 40] = b"\xa5" * (4096 * 37)
    traded.database.write_bytes(data)
    called = cli("doctor", "--repair", "--json")
    assert called.code == 1
    assert verdicts(called)["database"] == "fail"
    assert traded.database.read_bytes() == bytes(data)


def test_a_changed_audit_trail_fails(cli: Cli, traded: Profile) -> None:
    text = traded.audit.read_text()
    traded.audit.write_text(text.replace('"kind":"plan"', '"kind":"plam"', 1))
    called = cli("doctor", "--json")
    assert called.code == 1
    assert verdicts(called)["audit"] == "fail"


def test_a_bad_config_fails(cli: Cli, profile: Profile, tmp_path: Path) -> None:
    (tmp_path / "c.toml").write_text("[ladder]\nskw = 1\n")
    called = cli("--config", str(tmp_path / "c.toml"), "doctor", "--json")
    assert called.code == 1
    assert verdicts(called)["config"] == "fail"


def test_the_profiles_own_config_is_looked_at_as_a_start_would(cli: Cli, profile: Profile) -> None:
    profile.lock.touch()  # it has run before
    profile.config_file.write_text("[ladder]\nskw = 1\n")
    found = next(check for check in cli("doctor", "--json").document["checks"] if check["check"] == "config")
    assert found["verdict"] == "fail"
    assert f"gridbot config check {profile.config_file}" in found["advice"]


def test_a_running_bot_answers_and_a_hanging_one_is_told(cli: Cli, live: Running, profile: Profile) -> None:
    assert "runs and answers" in check(cli("doctor", "--json"), "process")["found"]
    live.bot.broken = RuntimeError("no picture")
    assert verdicts(cli("doctor", "--json"))["process"] == "fail"


def test_leftovers_of_a_dead_bot_are_told(cli: Cli, traded: Profile) -> None:
    traded.kill_file.touch()
    assert verdicts(cli("doctor", "--json"))["process"] == "warn"
    traded.kill_file.unlink()
    import socket

    left = socket.socket(socket.AF_UNIX)
    left.bind(str(traded.socket))
    left.close()
    assert verdicts(cli("doctor", "--json"))["process"] == "warn"
    assert check(cli("doctor", "--repair", "--json"), "process")["repaired"] is True
    assert not traded.socket.exists()


# The ledger


@pytest.mark.parametrize(
    ("sql", "where", "says"),
    [
        ("UPDATE fills SET fee = '9' WHERE seq = (SELECT min(seq) FROM fills)", "ledger trades", "fee 9 is"),
        ("UPDATE fills SET price = price + 1 WHERE seq = (SELECT max(seq) FROM fills)", "ledger trades", "price"),
        ("UPDATE cash SET amount = '7' WHERE seq = (SELECT min(seq) FROM cash)", "ledger cash", "amount 7 is"),
        ("UPDATE fills SET trade_id = '99999' WHERE seq = (SELECT min(seq) FROM fills)", "ledger trades", "never"),
    ],
)
def test_a_ledger_that_is_not_what_happened_fails_by_line(
    cli: Cli, traded: Profile, sql: str, where: str, says: str
) -> None:
    alter(traded.database, sql)
    called = cli("doctor", "--json")
    assert called.code == 1
    found = check(called, where)
    assert found["verdict"] == "fail"
    assert says in found["found"]
    assert "pause" in found["advice"]


def test_what_a_dead_bot_has_not_heard_of_is_a_warning_that_names_the_way_out(cli: Cli, traded: Profile) -> None:
    alter(traded.database, "DELETE FROM fills WHERE seq = (SELECT max(seq) FROM fills)")
    called = cli("doctor", "--json")
    assert called.code == 0
    found = check(called, "ledger trades")
    assert found["verdict"] == "warn"
    assert "not heard of" in found["found"]
    assert "start the bot" in found["advice"]
    wallets = [one for one in called.document["checks"] if one["check"].startswith("ledger wallet")]
    assert any("apart" in one["found"] for one in wallets)


def test_the_exchange_having_another_wallet_or_position_fails(cli: Cli, traded: Profile) -> None:
    alter(traded.exchange_database, "UPDATE balances SET wallet = '1'")
    alter(traded.exchange_database, "UPDATE positions SET steps = steps + 1")
    found = verdicts(cli("doctor", "--json"))
    assert found["ledger wallet USDT"] == "fail"
    assert "fail" in {found["ledger position DOGEUSDT"], found["ledger position SOLUSDT"]}


def test_the_books_of_a_simulated_exchange_being_gone_fails(cli: Cli, traded: Profile) -> None:
    for part in traded.folder.glob("exchange.db*"):
        part.unlink()
    found = check(cli("doctor", "--json"), "ledger")
    assert found["verdict"] == "fail"
    assert "exchange.db is gone" in found["found"]


def test_an_order_that_is_open_at_one_end_only_is_told(cli: Cli, traded: Profile) -> None:
    alter(traded.exchange_database, "DELETE FROM orders WHERE exchange_id = (SELECT max(exchange_id) FROM orders)")
    alter(
        traded.exchange_database,
        "UPDATE orders SET steps = steps + 1 WHERE exchange_id = (SELECT max(exchange_id) FROM orders)",
    )
    assert verdicts(cli("doctor", "--json"))["ledger orders"] in ("warn", "fail")


def test_books_that_are_none_fail_in_a_sentence(cli: Cli, traded: Profile) -> None:
    for path in traded.folder.glob("exchange.db*"):
        path.unlink()
    traded.exchange_database.write_bytes(b"no database at all, whatever its name says" * 100)
    called = cli("doctor", "--json")
    assert called.code == 1
    assert "cannot be read" in check(called, "ledger")["found"]


def test_what_differs_only_for_a_moment_is_no_difference(traded: Profile, monkeypatch: pytest.MonkeyPatch) -> None:
    looks: Iterator[doctor_books.Differences] = iter(
        [{"ledger trades": ["x", "y"]}, {"ledger trades": ["y"]}, {"ledger trades": ["z"]}]
    )
    monkeypatch.setattr(doctor_books, "compare", lambda *_: next(looks))
    monkeypatch.setattr(Profile, "running", property(lambda _: True))
    pauses: list[float] = []
    pause: Callable[[float], None] = pauses.append
    (found,) = doctor_books.books(traded, pause)
    assert found.verdict is Verdict.OK
    assert len(pauses) == 2


def test_the_home_may_be_anywhere() -> None:
    with tempfile.TemporaryDirectory() as folder:
        assert doctor_system.disk(Path(folder)).check == "disk"


def test_the_exchange_is_the_one_that_the_profile_was_last_run_against(
    home: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def look(plan: Plan, _: object) -> Seen:
        asked.append(plan.loaded.settings.exchange.base_url)
        return Seen(True, "it answers")

    monkeypatch.setattr("gridbot_tui.service.venues.exchange_look.look", look)
    profile = named(home, "testnet-futures-main-usdt").create()
    identity = Identity(Mode.TESTNET, Market.FUTURES, "main", "USDT")
    store = Store.open(profile.database, durable=False, identity=identity)
    store.add_config(1, 0, '[exchange]\nbase_url = "http://127.0.0.1:9"\n', "/elsewhere/config.toml")
    store.connection.close()
    profile.lock.touch(0o600)
    assert check(cli("doctor", "--json"), "exchange")["verdict"] == "ok"
    profile.config_file.write_text("[risk]\n")
    cli("doctor", "--json")
    assert asked == ["http://127.0.0.1:9", ""]
    bot = FakeBot()
    bot.base = picture(config_over=(("exchange.base_url", "http://127.0.0.1:8"),))
    with running(profile, bot):  # the one that it trades at now, whatever this shell and the file say
        cli("doctor", "--json")
        cli("--set", "exchange.base_url=http://127.0.0.1:7", "doctor", "--json")
    assert asked[2:] == ["http://127.0.0.1:8", "http://127.0.0.1:7"]
