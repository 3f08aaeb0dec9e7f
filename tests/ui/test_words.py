import locale

import pytest

from gridbot_tui.ui import words
from gridbot_tui.units import DAY, HOUR, MINUTE


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (None, "-"),
        ("0", "0"),
        ("9999.5", "9999.5"),
        ("60010.0", "60 010.0"),
        ("-1234567.89", "−1 234 567.89"),
        ("0.00000123", "0.00000123"),
        ("+100000", "+100 000"),
    ],
)
def test_thousands_stand_apart_and_unknown_is_a_dash(text: str | None, shown: str) -> None:
    assert words.grouped(text) == shown


def test_money_is_rounded_exactly_and_never_shows_a_negative_zero() -> None:
    assert words.money("0.005") == "0.00"
    assert words.money("-0.001", signed=True) == "0.00"
    assert words.money("41.1", signed=True) == "+41.10"
    assert words.money(None) == "-"
    assert words.money("123456789012345678901234567890.129") == "123 456 789 012 345 678 901 234 567 890.13"


def test_what_is_paid_is_shown_as_a_loss() -> None:
    assert words.negated("9.87") == "-9.87"
    assert words.negated("-0.5") == "0.5"
    assert words.negated("0.00") == "0.00"
    assert words.negated(None) is None


def test_big_amounts_get_shorter_instead_of_wider() -> None:
    assert words.short_money("99999.99") == "99 999.99"
    assert words.short_money("1234567.89") == "1 234 568"
    assert words.short_money("12345678.90") == "12.346M"
    assert words.short_money("-999999999.90", signed=True) == "−1000.000M"
    assert words.short_money("1234567890123.45") == "1234.6bn"
    assert words.short_money("-987654321098765.43", signed=True) == "−987.7T"
    assert all(len(words.short_money(f"{10.0**power:.2f}")) <= 10 for power in range(16))


def test_a_quantity_that_has_no_room_is_never_cut_within_its_whole_digits() -> None:
    """Of 65 995 451 684.8 coins ``65 995 451…`` was left."""
    assert words.in_cells(words.size("29407012.55100000"), 11) == "29 407 012.551"  # the cut leaves all but decimals
    assert words.in_cells(words.size("65995451684.80200000"), 11) == "66.0bn"
    assert words.in_cells(words.size("-1294070125.51"), 11) == "−1294.1M"
    assert words.in_cells(words.grouped("2142121385"), 13) == "2 142 121 385"
    assert words.in_cells(words.grouped("2142121385"), 12) == "2142.1M"
    assert words.in_cells(words.grouped(None), 12) == words.UNKNOWN


def test_percent_carries_its_sign_and_unknown_is_a_dash() -> None:
    assert words.percent(0.0214, 2) == "+2.14 %"
    assert words.percent(-0.008) == "−0.8 %"
    assert words.percent(-0.0000001) == "0.0 %"
    assert words.percent(None) == "-"


@pytest.mark.parametrize(
    ("age", "shown"),
    [(None, "-"), (-5, "0s"), (9_999, "9s"), (41 * MINUTE, "41m"), (30 * HOUR, "30h"), (40 * DAY, "40d")],
)
def test_a_span_takes_at_most_four_cells(age: int | None, shown: str) -> None:
    assert words.span(age) == shown


def test_times_are_utc_and_english_whatever_the_locale() -> None:
    assert words.clock(1_763_733_802_000) == "14:03:22"
    assert words.moment(1_763_733_802_000) == "21 Nov 14:03"
    assert locale.setlocale(locale.LC_ALL)  # asked, never changed
    assert words.since(1_763_733_802_000 - 2 * DAY, 1_763_733_802_000) == "19 Nov 14:03"


def test_the_distance_of_unknown_prices_is_unknown() -> None:
    assert words.change(None, "1") is None
    assert words.change("0", "1") is None
    assert words.change("100", "101") == pytest.approx(0.01)


def test_what_is_held_has_no_noughts_behind_it() -> None:
    assert words.size("1559.43900000") == "1559.439"
    assert words.size("-16831969.00") == "−16 831 969"
    assert words.size("100") == "100"
    assert words.size(None) == "-"


def test_a_limit_is_never_rounded_to_another_one() -> None:
    assert [words.limit(one) for one in (6.0, 1.5, 0.5, 2.75)] == ["6x", "1.5x", "0.5x", "2.75x"]
    assert words.limit(6.0, 1) == "6.0x"


@pytest.mark.parametrize(
    ("capital", "decimals"),
    [("10000", 2), ("1000000", 2), ("100", 2), ("50", 5), ("1.5", 6), ("0.05", 6), ("0.000001", 6), ("0", 2)],
)
def test_amounts_of_an_account_that_began_with_few_of_a_coin_have_more_decimals(capital: str, decimals: int) -> None:
    assert words.places(capital) == decimals
