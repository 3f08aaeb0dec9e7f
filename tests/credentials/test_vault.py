import pickle

import pytest

from gridbot_tui.credentials.errors import KeyringTrouble, Malformed
from gridbot_tui.credentials.model import Credential, Owner, Secret, checked
from gridbot_tui.credentials.vault import KeyringVault
from gridbot_tui.ops.redact import redact
from gridbot_tui.units import Market, Mode
from tests.credentials.fakes import (
    KEY,
    OTHER,
    PEM,
    SECRET,
    Bytes,
    Forgetful,
    Garbling,
    Locked,
    Memory,
    Stubborn,
    Telling,
    Unheard,
)

LIVE = Owner(Mode.LIVE, Market.FUTURES, "main")
TEST = Owner(Mode.TESTNET, Market.SPOT, "main")


def credential() -> Credential:
    return checked(KEY, SECRET, "a test")


def test_what_is_stored_comes_back_for_its_owner_only() -> None:
    vault = KeyringVault(Memory())
    vault.put(LIVE, credential())
    found = vault.find(LIVE)
    assert found is not None
    assert (found.key.reveal(), found.secret.reveal()) == (KEY, SECRET)
    assert vault.find(TEST) is None


def test_a_private_key_with_its_line_breaks_comes_back_whole() -> None:
    vault = KeyringVault(Memory())
    vault.put(LIVE, checked(KEY, PEM.replace("\n", "\r\n") + "\n", "a test"))
    found = vault.find(LIVE)
    assert found is not None
    assert found.secret.reveal() == PEM
    assert found.signs_with == "private key"


@pytest.mark.parametrize("backend", [Forgetful(), Garbling()])
def test_a_keyring_that_does_not_give_back_what_it_got_is_told_and_nothing_is_left(backend: Memory) -> None:
    with pytest.raises(KeyringTrouble, match="not stored"):
        KeyringVault(backend).put(LIVE, credential())
    assert not backend.kept


def test_a_failed_change_leaves_the_former_key() -> None:
    backend = Garbling()
    backend.kept = {("gridbot", f"{LIVE.name}/api-key"): OTHER}
    with pytest.raises(KeyringTrouble):
        KeyringVault(backend).put(LIVE, credential())
    assert backend.kept == {("gridbot", f"{LIVE.name}/api-key"): OTHER}


def test_a_locked_keyring_is_named_so() -> None:
    with pytest.raises(KeyringTrouble, match="locked"):
        KeyringVault(Locked()).find(LIVE)


@pytest.mark.parametrize(
    ("backend", "why"), [(Unheard(), "BusIsGone: the name has no owner"), (Bytes(), "no text but bytes")]
)
def test_whatever_a_backend_does_is_trouble_with_the_keyring(backend: Memory, why: str) -> None:
    vault = KeyringVault(backend)
    for ask in (lambda: vault.find(LIVE), lambda: vault.delete(LIVE), lambda: vault.text("alert-urls")):
        with pytest.raises(KeyringTrouble, match=f"the keyring .* failed: .*{why}"):
            ask()


def test_an_error_that_repeats_the_secret_does_not_pass_it_on() -> None:
    with pytest.raises(KeyringTrouble) as trouble:
        KeyringVault(Telling()).put(LIVE, credential())
    assert KEY not in str(trouble.value)
    assert trouble.value.__cause__ is None


def test_half_a_key_is_an_error_and_not_no_key() -> None:
    backend = Memory()
    backend.set_password("gridbot", f"{LIVE.name}/api-key", KEY)
    with pytest.raises(KeyringTrouble, match="half"):
        KeyringVault(backend).find(LIVE)


def test_deleting_looks_that_it_is_gone() -> None:
    backend = Memory()
    vault = KeyringVault(backend)
    assert vault.delete(LIVE) is False
    vault.put(LIVE, credential())
    assert vault.delete(LIVE) is True
    assert not backend.kept
    stubborn = Stubborn()
    KeyringVault(stubborn).put(LIVE, credential())
    with pytest.raises(KeyringTrouble, match="still has"):
        KeyringVault(stubborn).delete(LIVE)


def test_a_secret_shows_itself_nowhere() -> None:
    found = credential()
    shown = f"{found} {found!r} {found.secret} {[found.key]!r}"
    assert KEY not in shown
    assert SECRET not in shown
    with pytest.raises(TypeError):
        pickle.dumps(Secret(SECRET))


def test_a_secret_is_hidden_from_log_lines_from_the_moment_it_is_known() -> None:
    made = Secret("ThisValueWasNeverSeenBefore123")
    assert made.reveal() not in redact(f"failed with {made.reveal()}")


@pytest.mark.parametrize(("key", "secret"), [("", SECRET), (KEY, ""), ("short", SECRET), (KEY, "has spaces in it!!")])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(key: str, secret: str) -> None:
    with pytest.raises(Malformed) as wrong:
        checked(key, secret, "a test")
    assert not key or key not in str(wrong.value)
    assert not secret or secret not in str(wrong.value)
