"""status, why, learning show: what is printed of a running bot."""

import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from gridbot_tui.commands import output, status, talk
from gridbot_tui.commands.lines import status_line
from gridbot_tui.control.status import status_document
from gridbot_tui.service.books import profile as profiles
from gridbot_tui.service.books.lock import ProfileLock
from gridbot_tui.service.books.profile import Profile
from tests.commands.calling import Cli
from tests.control.fake_bot import FakeBot, Running, picture, running, symbol_view


def test_status_prints_exactly_the_document(cli: Cli, live: Running) -> None:
    called = cli("status", "--json")
    assert called.code == 0
    assert called.document == status_document(picture())
    assert called.err == ""
    assert cli("--json", "status").out == called.out, "options may stand before the command too"


def test_status_for_a_person_is_aligned_and_shows_numbers_as_they_are(cli: Cli, live: Running) -> None:
    called = cli("status")
    assert called.code == 0
    assert called.lines[0] == "sim-futures-main-usdt  running  up 1 d 01:01  config 3"
    assert "equity 9999.688" in called.lines[1]
    head, row = (line for line in called.lines if "votes" in line or line.startswith(("symbol", "BTCUSDT")))
    assert head.index("price") + len("price") == row.index("60000.0") + len("60000.0")
    assert "0.50/0.00/0.33" in row
    assert "held back: gap_budget BTCUSDT" in called.out


@pytest.mark.parametrize("width", [60, 80, 120])
def test_on_a_narrow_terminal_the_columns_of_status_go_on_below_and_no_number_is_broken(width: int) -> None:
    names = [f"COIN{at}USDT" for at in range(12)]
    document = status_document(picture(symbols={name: symbol_view() for name in names}, ages=dict.fromkeys(names, 100)))
    wide, narrow = status.lines(document), status.lines(document, width)
    assert max(map(len, wide)) > 120
    assert max(map(len, narrow)) <= width
    rows = [line.split() for line in narrow if line.startswith("COIN7USDT ")]
    assert len(rows) > 1
    (whole,) = (line.split() for line in wide if line.startswith("COIN7USDT "))
    assert [word for row in rows for word in row[1:]] == whole[1:]


def test_the_cap_of_entries_stands_beside_what_no_order_passes(cli: Cli, live: Running, bot: FakeBot) -> None:
    assert "cap 5.00x\n" in cli("status").out, "a bot of before tells only that"
    bot.base = picture(admission_cap=2.0)
    assert "cap 2.00x  hard 5.00x\n" in cli("status").out


def test_what_is_unknown_is_a_dash(cli: Cli, live: Running, bot: FakeBot) -> None:
    blank = symbol_view(price=None, votes=None, bias=None, spacing=None)
    bot.base = picture(equity=None, drawdown=None, leverage=None, blockers=(), symbols={"BTCUSDT": blank})
    called = cli("status")
    assert "equity -" in called.out
    assert "drawdown - " in called.out
    assert "leverage -x" in called.out
    assert "account -" in called.out
    assert "nothing is held back" in called.out
    assert "None" not in called.out


def test_the_document_of_another_version_is_a_sentence(
    cli: Cli, live: Running, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = status_document(picture())
    del document["breakers"]
    monkeypatch.setattr(talk, "status_of", lambda *_: document)
    called = cli("status")
    assert (called.code, called.out) == (1, "")
    assert "another version" in called.err
    assert cli("status", "--json").document == document


def test_why_ranks_blockers_and_lists_what_is_withheld(cli: Cli, live: Running) -> None:
    document = cli("why", "--json").document
    assert document["blockers"][0]["clears_when"] == "exposure falls"
    assert [(one["state"], one["reason"]) for one in document["withheld"]] == [("blocked", "gap_budget")]
    text = cli("why").out
    assert "2025-05-04 12:00:00" in text
    assert "exposure falls" in text
    assert "plan 1" in text


def test_why_has_an_answer_when_nothing_is_held_back(cli: Cli, live: Running, bot: FakeBot) -> None:
    bot.base = picture(blockers=(), decisions=(), symbols={})
    assert cli("why").lines == ["sim-futures-main-usdt is running", "nothing is held back by a rule"]


def test_learning_is_shown_with_the_versions_to_go_back_to(cli: Cli, live: Running) -> None:
    called = cli("learning", "show")
    assert called.code == 0
    assert "prior" in called.out
    assert any(line.split()[:1] == ["1"] for line in called.lines), "version 1"
    assert cli("learning", "show", "--json").document["version"] == 2


def test_no_bot_is_exit_code_three(cli: Cli) -> None:
    called = cli("status")
    assert called.code == 3
    assert called.out == ""
    assert called.err.count("\n") == 1


def test_several_bots_are_exit_code_two_and_listed(cli: Cli, home: Path, live: Running) -> None:
    other = profiles.named(home, "other").create()
    with running(other):
        called = cli("status")
        assert called.code == 2
        assert "other (process" in called.err
        assert cli("status", "--profile", "other").code == 0
        assert cli("--profile", "other", "status").code == 0


def test_a_process_that_holds_the_profile_and_does_not_listen_is_said(
    cli: Cli, profile: Profile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(talk, "LISTENS_S", 0.0)
    with ProfileLock.acquire(profile.lock, profile.name):
        called = cli("status")
    assert called.code == 3
    assert "does not listen" in called.err


def test_a_status_line_has_what_a_headless_run_needs() -> None:
    line = status_line(picture())
    assert "\n" not in line
    for part in ("2025-05-04 12:00:00", "running", "9999.688", "T0", "0.16x", "gap_budget", "0.50/0.00/0.33"):
        assert part in line
    assert "None" not in status_line(replace(picture(), equity=None, leverage=None, drawdown=None))


def test_numbers_and_times_read_as_a_person_expects() -> None:
    assert output.shown(-0.001) == "0.00"
    assert output.shown(-0.5) == "-0.50"
    assert output.moment(0) == "-"
    assert output.span(59.9) == "00:00:59"
    assert output.percent(None) == "-"
    assert output.percent(-0.00001) == "0.00 %"


def test_one_document_and_nothing_else_is_on_stdout(cli: Cli, live: Running) -> None:
    for command in (["status"], ["why"], ["learning", "show"], ["pause"], ["stop", "--timeout", "1"]):
        out = cli(*command, "--json").out
        json.loads(out)
        assert out.count("\n") == 1
