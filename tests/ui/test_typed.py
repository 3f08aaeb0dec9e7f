"""Whatever bytes a terminal sends, the app goes on and takes the keys behind them."""

import time
from random import Random

import pytest
from textual import constants, events
from textual.message import Message

from gridbot_tui.ui.typed import END, PASTED, SILENT, Background, Typed


def keys(found: list[Message]) -> str:
    """Characters of the keys."""
    return "".join(one.character or "" for one in found if isinstance(one, events.Key))


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (b"a\xe4b", "a\ufffdb"),  # the ä of a Latin-1 terminal
        (b"a\xff\xfeb", "a\ufffd\ufffdb"),
        ("aäb".encode(), "aäb"),
    ],
)
def test_a_byte_that_is_no_text_is_shown_as_one_and_the_keys_around_it_count(sent: bytes, shown: str) -> None:
    assert keys(list(Typed().take(sent))) == shown


def test_a_character_whose_bytes_come_apart_is_one_character() -> None:
    typed = Typed()
    assert keys([*typed.take(b"\xc3"), *typed.take(b"\xa4")]) == "ä"


@pytest.mark.parametrize(
    "report",
    [
        b"\x1b[99999999999u",  # a key beyond all characters
        b"\x1b[48;0;0;0;0t\x1b[<0;5;5M",  # a mouse on a terminal without a size
        b"\x1b[55296u",  # half a character
    ],
)
def test_a_report_out_of_range_is_nothing_and_the_key_behind_it_counts(report: bytes) -> None:
    assert keys(list(Typed().take(report + b"w"))) == "w"


def pastes(found: list[Message]) -> list[str]:
    """Texts that were pasted."""
    return [one.text for one in found if isinstance(one, events.Paste)]


def test_what_is_pasted_is_one_paste_and_no_key_where_some_of_it_is_no_text() -> None:
    found = list(Typed().take(b"\x1b[200~K\xe4\x1b[31mpf\x1b\xff\x1b[201~w"))
    assert pastes(found) == ["K\ufffd[31mpf\ufffd"]
    assert keys(found) == "w"


def test_a_paste_that_comes_in_pieces_is_one_paste() -> None:
    typed = Typed()
    pieces = (b"\x1b[20", b"0~a", b"", b"\x1b", b"[20", b"1~", b"w")
    found = [message for piece in pieces for message in typed.take(piece)]
    assert pastes(found) == ["a"]
    assert keys(found) == "w"


def test_a_paste_without_bounds_is_cut_and_the_keys_behind_it_count() -> None:
    found = list(Typed().take(b"\x1b[200~" + b"x" * (PASTED + 10) + b"\x1b[201~w"))
    assert [len(text) for text in pastes(found)] == [PASTED]
    assert keys(found) == "w"


def test_a_binary_file_thrown_at_it_leaves_it_taking_keys() -> None:
    typed, draw = Typed(), Random(1)
    for size in (1, 10, 5000):
        list(typed.take(draw.randbytes(size)))
    list(typed.take(END.encode() + b"\x18" * 40))
    assert keys(list(typed.take(b"w"))) == "w"


def test_a_paste_whose_end_was_lost_is_over_after_two_seconds_and_keys_are_keys_again() -> None:
    typed = Typed()
    assert not list(typed.take(b"\x1b[200~lost"))
    found = [one for _ in range(SILENT) for one in typed.take(b"")]
    assert [one.text for one in found if isinstance(one, events.Paste)] == ["lost"]
    assert keys(list(typed.take(b"\x1b[201~p"))) == "p"


def test_a_paste_that_falters_is_one_paste() -> None:
    typed = Typed()
    found = [*typed.take(b"\x1b[200~one "), *typed.take(b""), *typed.take(b"two\x1b[201~")]
    assert [one.text for one in found if isinstance(one, events.Paste)] == ["one two"]

@pytest.mark.parametrize(
    "answer",
    [
        "\x1b]11;rgb:ffff/ffff/ffff\x1b\\",  # the colour of its background, asked for by the editor before
        "\x1b]52;c;cGF1c2U=\x07",  # its clipboard
        "\x1bP>|XTerm(370)\x1b\\",  # its name
        "\x1bP1+r544e=787465726d\x1b\\",
        "\x1b_Gi=31;OK\x1b\\",  # that it shows pictures
        "\x1b]11;rgb:ffff/ff\x18",  # given up half-way
        "\x1b]11;rgb:ffff/ff\x1b[A",  # cut off by a key
    ],
)
def test_what_a_terminal_answers_in_words_is_no_key(answer: str) -> None:
    typed = Typed()
    found = [one for at in range(len(answer)) for one in typed.take(answer[at].encode())]
    assert keys([*found, *typed.take(b"w")]) == "w"


def test_an_answer_whose_end_was_lost_is_over_after_two_seconds_and_keys_are_keys_again() -> None:
    typed = Typed()
    assert not keys(list(typed.take(b"\x1b]11;rgb:ff")))
    for _ in range(SILENT):
        assert not list(typed.take(b""))
    assert keys(list(typed.take(b"f"))) == "f"


def test_a_lone_escape_and_the_key_after_it_are_two_keys() -> None:
    typed = Typed()
    found = list(typed.take(b"\x1b"))
    time.sleep(2 * constants.ESCAPE_DELAY)
    found += [*typed.take(b""), *typed.take(b"]")]
    assert [one.key for one in found if isinstance(one, events.Key)] == ["escape", "right_square_bracket"]


@pytest.mark.parametrize(
    ("told", "bright"),
    [
        ("\x1b]11;rgb:ffff/ffff/ffff\x1b\\", 1.0),
        ("\x1b]11;rgb:00/00/00\x07", 0.0),
        ("\x1b]11;rgb:fdfd/f6f6/e3e3\x1b\\", 0.96),
        ("\x1b]11;rgba:0000/2b2b/3636/ffff\x1b\\", 0.12),
    ],
)
def test_how_bright_the_background_is_is_told(told: str, bright: float) -> None:
    found = list(Typed().take(told.encode()))
    assert [round(one.bright, 2) for one in found if isinstance(one, Background)] == [bright]


@pytest.mark.parametrize("told", ["\x1b]11;rgb:zz/00/00\x07", "\x1b]11;?\x07", "\x1b]10;rgb:ff/ff/ff\x07", "\x1b]\x07"])
def test_what_says_nothing_of_the_background_is_nothing(told: str) -> None:
    assert not list(Typed().take(told.encode()))
