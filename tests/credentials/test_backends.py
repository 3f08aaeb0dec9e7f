import pytest

from gridbot_tui.commands.credentials import keyring_in_use
from gridbot_tui.credentials.addresses import find
from gridbot_tui.credentials.backend import judge, system_backend, usable
from gridbot_tui.credentials.errors import KeyringTrouble, NoKeyring
from tests.credentials.fakes import NOWHERE, NULL, Chain, Memory, PlaintextKeyring


@pytest.mark.parametrize("backend", [NOWHERE, NULL, PlaintextKeyring()])
def test_a_backend_that_keeps_nothing_or_plain_text_is_refused_naming_the_alternatives(backend: object) -> None:
    with pytest.raises(NoKeyring) as refused:
        usable(backend)
    for word in ("nothing was stored", "systemd", "LoadCredential", "GRIDBOT_API_KEY", "GRIDBOT_API_SECRET"):
        assert word in str(refused.value)
    assert judge(backend).name in str(refused.value)


def test_a_chain_never_falls_through_to_a_plain_file() -> None:
    good = Memory()
    assert usable(Chain(good, PlaintextKeyring())) is good
    assert usable(Chain(PlaintextKeyring(), good)) is good
    with pytest.raises(NoKeyring, match="plain text"):
        usable(Chain(PlaintextKeyring(), NULL))


def test_an_empty_chain_is_no_keyring() -> None:
    with pytest.raises(NoKeyring):
        usable(NOWHERE)


def test_the_null_backend_chosen_by_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keyring.get_keyring", lambda: NULL)
    with pytest.raises(NoKeyring, match="stores nothing"):
        system_backend()


@pytest.mark.parametrize("named", ["no.such.Keyring", "nothing", "json.NoKeyring", "json.JSONDecoder"])
def test_a_backend_that_cannot_be_loaded_is_a_sentence_and_no_traceback(
    named: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", named)
    monkeypatch.setattr("keyring.core._keyring_backend", None)
    with pytest.raises(KeyringTrouble, match=r"PYTHON_KEYRING_BACKEND .* cannot be loaded"):
        system_backend()
    assert "cannot be loaded" in keyring_in_use()[1]
    assert "cannot be loaded" in find({}).trouble, "of alarms it is told, too: some may be kept there"


def test_a_name_that_says_plain_text_is_believed() -> None:
    class MyPlaintextStore(Memory):
        pass

    assert judge(MyPlaintextStore()).objection
    assert not judge(Memory()).objection
