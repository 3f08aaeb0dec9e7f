import io
import logging
from pathlib import Path

import pytest

from tests.commands.calling import Called, Cli
from tests.credentials.fakes import KEY, NOWHERE, NULL, PEM, SECRET, Forgetful, Memory, PlaintextKeyring


@pytest.fixture
def backend(monkeypatch: pytest.MonkeyPatch) -> Memory:
    return use(monkeypatch, Memory())


def use(monkeypatch: pytest.MonkeyPatch, backend: Memory) -> Memory:
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    for name in ("GRIDBOT_API_KEY", "GRIDBOT_API_SECRET", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    return backend


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("\n".join(lines) + "\n"))


def says_no_secret(*called: Called) -> None:
    for one in called:
        for secret in (KEY, SECRET, KEY[-6:], SECRET[-6:]):
            assert secret not in one.out + one.err


def test_a_key_is_stored_read_back_found_and_deleted_and_never_shown(
    cli: Cli, backend: Memory, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    typed(monkeypatch, KEY, SECRET)
    stored = cli("credentials", "set", "--mode", "live")
    assert stored.code == 0
    assert sorted(backend.kept.values()) == sorted([KEY, SECRET])
    checked = cli("credentials", "check", "--mode", "live")
    assert checked.code == 0
    assert "64 characters" in checked.out
    gone = cli("credentials", "delete", "--mode", "live", "--yes")
    assert gone.code == 0
    assert not backend.kept
    says_no_secret(stored, checked, gone)
    assert KEY not in caplog.text
    assert SECRET not in caplog.text


def test_a_private_key_comes_from_a_file(
    cli: Cli, backend: Memory, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "key.pem").write_text(PEM)
    typed(monkeypatch, KEY)
    assert cli("credentials", "set", "--mode", "live", "--private-key", str(tmp_path / "key.pem")).code == 0
    assert PEM in backend.kept.values()
    assert cli("credentials", "set", "--private-key", str(tmp_path / "none.pem")).code == 2


def test_testnet_and_live_and_the_markets_have_keys_of_their_own(
    cli: Cli, backend: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, KEY, SECRET)
    assert cli("credentials", "set", "--mode", "testnet", "--market", "spot").code == 0
    assert cli("credentials", "check", "--mode", "testnet", "--market", "futures").code == 1
    assert cli("credentials", "check", "--mode", "testnet", "--market", "spot", "--json").document["used"]


@pytest.mark.parametrize("bad", [NOWHERE, NULL, PlaintextKeyring()])
def test_without_a_real_keyring_nothing_is_asked_and_nothing_is_stored(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, bad: Memory
) -> None:
    use(monkeypatch, bad)
    typed(monkeypatch, KEY, SECRET)
    refused = cli("credentials", "set", "--mode", "live")
    assert refused.code == 4
    assert "nothing was stored" in refused.err
    assert "systemd" in refused.err
    assert "GRIDBOT_API_KEY" in refused.err
    says_no_secret(refused)
    assert not getattr(bad, "kept", {})


def test_a_keyring_that_does_not_keep_is_found_out(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    use(monkeypatch, Forgetful())
    typed(monkeypatch, KEY, SECRET)
    failed = cli("credentials", "set")
    assert failed.code == 1
    assert "not stored" in failed.err


def test_what_is_no_key_is_refused_without_repeating_it(
    cli: Cli, backend: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "mistyped!", SECRET)
    refused = cli("credentials", "set")
    assert refused.code == 2
    assert "mistyped" not in refused.err
    says_no_secret(refused)
    assert not backend.kept


def test_the_environment_is_enough_and_half_of_it_an_error(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", lambda: NOWHERE)
    monkeypatch.setenv("GRIDBOT_API_KEY", KEY)
    half = cli("credentials", "check", "--mode", "live")
    assert half.code == 2
    assert "both or neither" in half.err
    monkeypatch.setenv("GRIDBOT_API_SECRET", SECRET)
    whole = cli("credentials", "check", "--mode", "live")
    assert whole.code == 0
    assert "this one is used" in whole.out
    says_no_secret(half, whole)


@pytest.mark.parametrize("words", [("--mode", "sim"), ("--account", "too long")])
def test_a_key_that_nobody_needs_is_not_asked_for(cli: Cli, backend: Memory, words: tuple[str, ...]) -> None:
    assert cli("credentials", "set", *words).code == 2


def test_deleting_needs_a_yes(cli: Cli, backend: Memory, monkeypatch: pytest.MonkeyPatch) -> None:
    typed(monkeypatch, KEY, SECRET)
    assert cli("credentials", "set").code == 0
    typed(monkeypatch, "n")
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    assert cli("credentials", "delete").code != 0
    assert backend.kept


def test_a_terminal_that_cannot_hide_what_is_typed_is_refused(
    cli: Cli, backend: Memory, monkeypatch: pytest.MonkeyPatch
) -> None:
    import getpass
    import warnings

    def shown(prompt: str, stream: object = None) -> str:
        warnings.warn("Can not control echo", getpass.GetPassWarning, stacklevel=1)
        return KEY

    typed(monkeypatch)
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("getpass.getpass", shown)
    refused = cli("credentials", "set")
    assert refused.code == 1
    assert "cannot hide" in refused.err
