import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from gridbot_tui.credentials import sources
from gridbot_tui.credentials.backend import Backend, usable
from gridbot_tui.credentials.errors import KeyringTrouble, Malformed, NotFound
from gridbot_tui.credentials.model import Owner, checked
from gridbot_tui.credentials.sources import look, resolve
from gridbot_tui.credentials.vault import KeyringVault
from gridbot_tui.units import Market, Mode
from tests.credentials.fakes import KEY, NOWHERE, OTHER, SECRET, Locked, Memory

LIVE = Owner(Mode.LIVE, Market.FUTURES, "main")
ENV = {"GRIDBOT_API_KEY": KEY, "GRIDBOT_API_SECRET": SECRET}


def none() -> Backend:
    found: Backend = usable(NOWHERE)
    return found


def systemd(folder: Path, key: str = KEY, secret: str = SECRET) -> dict[str, str]:
    for name, text in (("gridbot-api-key", key), ("gridbot-api-secret", secret)):
        if text:
            (folder / name).write_text(text + "\n")
            (folder / name).chmod(0o400)
    return {"CREDENTIALS_DIRECTORY": str(folder)}


def test_what_was_handed_to_this_process_wins_over_the_keyring(tmp_path: Path) -> None:
    backend = Memory()
    KeyringVault(backend).put(LIVE, checked(OTHER, SECRET, "a test"))
    assert resolve(LIVE, {}, lambda: backend).key.reveal() == OTHER
    assert resolve(LIVE, ENV, lambda: backend).source == "the environment"
    assert resolve(LIVE, {**ENV, **systemd(tmp_path)}, lambda: backend).source == "systemd"


def test_without_a_keyring_the_environment_is_enough() -> None:
    assert resolve(LIVE, ENV, none).secret.reveal() == SECRET


def test_nowhere_a_key_names_every_way_to_give_one() -> None:
    with pytest.raises(NotFound) as missing:
        resolve(LIVE, {}, none)
    for word in ("live-futures-main", "gridbot credentials set", "systemd", "GRIDBOT_API_KEY", "no keyring service"):
        assert word in str(missing.value)


@pytest.mark.parametrize("name", sorted(ENV))
def test_half_a_key_in_the_environment_is_not_passed_over(name: str) -> None:
    with pytest.raises(Malformed, match="both or neither"):
        resolve(LIVE, {name: ENV[name]}, Memory)


def test_half_a_key_from_systemd_is_not_passed_over(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="gridbot-api-secret"):
        resolve(LIVE, systemd(tmp_path, secret=""), Memory)


def test_a_credential_file_that_everybody_can_read_is_refused(tmp_path: Path) -> None:
    env = systemd(tmp_path)
    (tmp_path / "gridbot-api-secret").chmod(0o444)
    with pytest.raises(Malformed, match="everybody"):
        resolve(LIVE, env, Memory)


def test_an_unreadable_credential_file_is_told_without_its_content(tmp_path: Path) -> None:
    env = systemd(tmp_path)
    (tmp_path / "gridbot-api-secret").chmod(0o600)
    (tmp_path / "gridbot-api-secret").write_bytes(b"\xff\xfe")
    with pytest.raises(Malformed, match="cannot be read"):
        resolve(LIVE, env, Memory)


def test_a_locked_keyring_is_an_error_where_it_is_needed_and_none_where_it_is_not() -> None:
    with pytest.raises(KeyringTrouble, match="locked"):
        resolve(LIVE, {}, Locked)
    assert resolve(LIVE, ENV, Locked).source == "the environment"


@pytest.mark.parametrize("find", [resolve, look])
def test_a_keyring_that_keeps_one_waiting_is_said_while_it_does(
    find: Callable[..., object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It asks for its password on a desktop: a start in an SSH session stood still without a word."""
    monkeypatch.setattr(sources, "SLOW_S", 0.0)
    said: list[str] = []
    unlocked = threading.Event()

    class Asking(Memory):
        def get_password(self, service: str, username: str) -> str | None:
            assert unlocked.wait(60)
            return super().get_password(service, username)

    backend = Asking()

    def say(text: str) -> None:
        said.append(text)
        unlocked.set()

    with suppress(NotFound):
        find(LIVE, {}, lambda: backend, say)
    (text,) = said
    assert "it may ask for its password elsewhere" in text
    assert "GRIDBOT_API_KEY" in text


def test_a_look_says_of_every_source_what_it_has() -> None:
    found = {one.source: one for one in look(LIVE, ENV, Locked)}
    assert [*found] == ["systemd", "environment", "keyring"]
    assert found["systemd"].credential is None
    assert not found["systemd"].trouble
    assert found["environment"].credential is not None
    assert "locked" in found["keyring"].trouble
