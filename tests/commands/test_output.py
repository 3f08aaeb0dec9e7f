"""How far something is, as a terminal and as a log are told it."""

import io
import sys

import pytest

from gridbot_tui.commands import output, recorded


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [100.0]
    monkeypatch.setattr("gridbot_tui.commands.recorded.monotonic", lambda: now[0])
    return now


@pytest.mark.parametrize(
    ("locale", "term", "braille"),
    [("C", "xterm", False), ("de_DE", "xterm", False), ("C.UTF-8", "linux", False), ("C.UTF-8", "xterm", True)],
)
def test_a_terminal_gets_braille_by_its_locale_whatever_python_would_write(
    locale: str, term: str, braille: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", locale)
    monkeypatch.setenv("TERM", term)
    assert (output.encoding(Terminal()) != "ascii") is braille
    assert output.encoding(io.StringIO()) != "ascii", "a file is read elsewhere"


def test_a_terminal_is_told_in_one_line_that_goes_when_all_is_done(
    clock: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    tell = recorded.progress_share()
    for second in range(1, 5):
        clock[0] += 1.0
        tell(second / 4, 1)
    output.say("done")
    assert screen.getvalue().count("\n") == 1
    assert screen.getvalue().endswith("\r\x1b[Kdone\n")
    assert "50 % played, about 00:00:02 left" in screen.getvalue()


def test_a_log_gets_a_line_of_its_own_every_ten_seconds(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    tell = recorded.progress("trials")
    for second in range(1, 26):
        clock[0] += 1.0
        tell(second, 25)
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "2 of 25 trials, about 00:00:23 left",
        "12 of 25 trials, about 00:00:13 left",
        "22 of 25 trials, about 00:00:03 left",
    ]


def test_what_comes_before_the_first_run_is_the_time_of_none(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    tell, share = recorded.progress(), recorded.progress_share()
    clock[0] += 34.0  # another process compiled
    tell(0, 76)
    share(0.0, 4)
    for done in (0, 0, 1):  # it is asked about several times before a run has ended
        clock[0] += 0.5
        tell(done, 76)
    share(1.0, 4)
    assert capsys.readouterr().err.splitlines() == [
        "1 of 76 runs, about 00:01:52 left",
        "25 % played, about 00:00:04 left",
    ]


def test_a_search_that_ends_sooner_does_not_say_that_it_takes_longer(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    tell = recorded.progress("trials", 60.0)
    tell(0, 1_000)
    clock[0] += 20.0
    tell(2, 1_000)
    assert capsys.readouterr().err == "2 of 1000 trials, about 00:00:40 left\n"


def test_a_sentence_keeps_a_number_and_its_per_cent_sign_together() -> None:
    lines = output.wrapped("a number such as 12.5 % stays whole", 21, hang=2)
    assert lines == ["a number such as", "  12.5 % stays whole"]


def test_figures_of_thirty_digits_are_written_short() -> None:
    assert output.percent(7.0092e27) == "7.0e+29 %"
    assert output.percent(8260.878) == "826087.80 %"
    assert output.shown(5.0863e57) == "5.1e+57"
    assert output.shown(123_456_789.0) == "123456789.00"
