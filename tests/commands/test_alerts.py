"""The addresses of alarms on the command line."""

import io
import threading

import pytest

from gridbot_tui.ops.alerts import Message
from gridbot_tui.ops.redact import forget_secrets
from tests.commands.calling import Cli
from tests.credentials.fakes import NOWHERE, Memory

GOOD, BAD = "json://hooks.example.org/T0B0CAFEF00D", "json://hooks.example.org/T1B1CAFEF11D"


class Answering:
    """An address that answers as its number says."""

    def __init__(self, name: str) -> None:
        self.name = name

    def send(self, message: Message) -> str:
        assert message.level == "info"
        return "" if self.name == "json 1" else "403"


@pytest.fixture(autouse=True)
def addresses(monkeypatch: pytest.MonkeyPatch) -> Memory:
    ring = Memory()
    monkeypatch.setattr("keyring.get_keyring", lambda: ring)
    for name in ("GRIDBOT_ALERT_URLS", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(
        "gridbot_tui.service.beside.alert_channel.open_channels",
        lambda found: ([Answering(one.name) for one in found], []),
    )
    return ring


def typed(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(text))


def test_addresses_are_stored_found_tried_and_deleted_and_never_shown(
    cli: Cli, monkeypatch: pytest.MonkeyPatch, addresses: Memory
) -> None:
    typed(monkeypatch, f"{GOOD}\n{BAD}\n")
    called = [cli("alerts", "set"), cli("alerts", "check", "--json"), cli("alerts", "test", "--json")]
    assert [one.code for one in called] == [0, 0, 1]
    assert called[1].document == {"source": "the keyring", "addresses": ["json 1", "json 2"], "trouble": ""}
    assert [row["taken"] for row in called[2].document["addresses"]] == [True, False]
    assert called[2].document["addresses"][1]["trouble"] == "403"
    monkeypatch.setenv("GRIDBOT_ALERT_URLS", GOOD)
    called.append(cli("alerts", "test"))
    assert (called[-1].code, called[-1].lines) == (0, ["from the environment", "json 1           taken"])
    called.append(cli("alerts", "delete", "--yes"))
    assert (called[-1].code, addresses.kept) == (0, {})
    assert all("CAFE" not in one.out + one.err for one in called)
    forget_secrets()


def test_addresses_that_hang_are_waited_for_together_not_one_after_the_other(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[float] = []

    class Hanging(threading.Thread):
        def start(self) -> None:
            return

        def join(self, timeout: float | None = None) -> None:
            waited.append(timeout or 0.0)
            now[0] += timeout or 0.0

    now = [100.0]
    monkeypatch.setenv("GRIDBOT_ALERT_URLS", " ".join([GOOD] * 5))
    monkeypatch.setattr("gridbot_tui.commands.alerts.threading.Thread", Hanging)
    monkeypatch.setattr("gridbot_tui.commands.alerts.time.monotonic", lambda: now[0])
    tried = cli("alerts", "test", "--timeout", "20", "--json")
    assert (tried.code, sum(waited)) == (1, 20.0)
    assert {row["trouble"] for row in tried.document["addresses"]} == {"no answer within 20 s"}
    forget_secrets()


@pytest.mark.parametrize("words", [("alerts", "test"), ("alerts", "check")], ids=" ".join)
def test_without_an_address_the_ways_to_name_one_are_told(cli: Cli, words: tuple[str, ...]) -> None:
    called = cli(*words)
    assert called.code == 2
    assert "gridbot alerts set" in called.err
    assert "GRIDBOT_ALERT_URLS" in called.err


def test_what_is_no_address_and_a_machine_without_a_keyring_end_in_a_sentence(
    cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    typed(monkeypatch, "hunter2hunter2\n")
    wrong = cli("alerts", "set")
    assert wrong.code == 2
    assert "hunter2" not in wrong.err
    typed(monkeypatch, "\n")
    assert cli("alerts", "set").code == 2
    monkeypatch.setattr("keyring.get_keyring", lambda: NOWHERE)
    typed(monkeypatch, GOOD)
    nowhere = cli("alerts", "set")
    assert nowhere.code == 4
    assert "GRIDBOT_ALERT_URLS" in nowhere.err
    assert cli("alerts", "delete", "--yes").code == 4
    forget_secrets()
