"""Where alarms are sent: found like keys, and hidden like them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gridbot_tui.credentials.addresses import ENV_URLS, FILE_URLS, MOST, delete, find, hide_known, parse, store
from gridbot_tui.credentials.backend import Backend, usable
from gridbot_tui.credentials.errors import KeyringTrouble, Malformed
from gridbot_tui.credentials.sources import SYSTEMD
from gridbot_tui.ops.redact import forget_secrets, redact
from tests.credentials.fakes import NOWHERE, Forgetful, Locked, Memory, Stubborn

TELEGRAM = "tgram://123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/4711"
MAIL = "mailtos://me:hunter2hunter2@mail.example.org?to=you@example.org"
HOOK = "json://hooks.example.org/services/T0B0CAFEF00D"


@pytest.fixture(autouse=True)
def forget() -> Iterator[None]:
    yield
    forget_secrets()


def test_systemd_wins_over_the_environment_and_that_over_the_keyring(tmp_path: Path) -> None:
    ring = Memory()
    store(parse(HOOK, "a test"), lambda: ring)
    (tmp_path / FILE_URLS).write_text(f"# the boss\n{TELEGRAM}\n{MAIL}\n")
    (tmp_path / FILE_URLS).chmod(0o400)
    handed = find({SYSTEMD: str(tmp_path), ENV_URLS: HOOK}, lambda: ring)
    assert (handed.source, [one.name for one in handed.addresses]) == ("systemd", ["tgram 1", "mailtos 2"])
    assert find({ENV_URLS: f"{HOOK} {MAIL}"}, lambda: ring).source == "the environment"
    kept = find({}, lambda: ring)
    assert (kept.source, kept.addresses[0].url.reveal()) == ("the keyring", HOOK)
    assert find({}, nowhere) == ((), "", "")


def nowhere() -> Backend:
    """No keyring on this machine."""
    found: Backend = usable(NOWHERE)
    return found


def test_a_source_that_cannot_be_used_is_said_and_the_next_one_asked(tmp_path: Path) -> None:
    (tmp_path / FILE_URLS).write_text(TELEGRAM)
    (tmp_path / FILE_URLS).chmod(0o644)
    found = find({SYSTEMD: str(tmp_path), ENV_URLS: HOOK}, Memory)
    assert (found.source, len(found.addresses)) == ("the environment", 1)
    assert "chmod 400" in found.trouble
    locked = find({}, Locked)
    assert locked.addresses == ()
    assert "locked" in locked.trouble


def test_what_is_no_address_is_refused_without_being_repeated() -> None:
    for text in ("hunter2hunter2", "tgram:/x", f"{HOOK} nonsense-secret-1"):
        with pytest.raises(Malformed) as refused:
            parse(text, "a test")
        assert "hunter2" not in str(refused.value)
        assert "nonsense-secret" not in str(refused.value)
    with pytest.raises(Malformed, match=f"at most {MOST}"):
        parse("\n".join([HOOK] * (MOST + 1)), "a test")


def test_addresses_that_are_joined_by_commas_are_several() -> None:
    wanted = ["json://one/a", "json://two/b?to=x,y", "json://three"]
    for text in (",".join(wanted), ", ".join(wanted) + ",", " ,\n".join(wanted), ",\n".join(wanted)):
        assert [one.url.reveal() for one in parse(text, "a test")] == wanted


def test_an_address_with_odd_signs_in_its_host_is_taken_as_it_is() -> None:
    odd = "json://hooks.example.org=a&b=T0B0CAFEF00D/path"
    assert [one.url.reveal() for one in find({ENV_URLS: odd}, nowhere).addresses] == [odd]
    assert "T0B0CAFEF00D" not in redact(f"failed: {odd} T0B0CAFEF00D")


def test_an_address_and_every_token_in_it_is_hidden_and_ordinary_words_are_not() -> None:
    parse("\n".join((TELEGRAM, MAIL, HOOK)), "a test")
    said = redact(
        f"POST https://api.telegram.org/bot123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw/sendMessage {MAIL} "
        "login me:hunter2hunter2, https://hooks.example.org/services/T0B0CAFEF00D services"
    )
    for secret in ("AAHdqTcvCH1v", "hunter2", "T0B0CAFEF00D"):
        assert secret not in said
    assert said.endswith("/services/[hidden] services")
    assert "AAH" not in repr(parse(TELEGRAM, "a test"))


def test_for_a_bundle_addresses_are_hidden_as_a_start_would_hide_them() -> None:
    joined = f"# of the night shift\n{TELEGRAM},json://me:hunter2@hooks.example.org/x"
    assert hide_known({ENV_URLS: joined}, nowhere) == []
    assert "hunter2" not in redact("the password is hunter2"), "too short to be a token, but behind a user's name"
    assert redact("night shift") == "night shift", "a remark is no secret"


def test_a_keyring_that_does_not_keep_or_does_not_forget_is_noticed() -> None:
    with pytest.raises(KeyringTrouble):
        store(parse(HOOK, "a test"), Forgetful)
    stubborn = Stubborn()
    store(parse(HOOK, "a test"), lambda: stubborn)
    with pytest.raises(KeyringTrouble):
        delete(lambda: stubborn)
    ring = Memory()
    assert not delete(lambda: ring)
    store(parse(HOOK, "a test"), lambda: ring)
    assert delete(lambda: ring)
    assert ring.kept == {}
