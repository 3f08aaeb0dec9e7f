"""Whose trouble it is: one symbol's, or the account's."""

from gridbot_tui.risk.vitals import Window, Windows
from gridbot_tui.units import MINUTE, Ms

BTC, ETH = "BTCUSDT", "ETHUSDT"


def in_trouble(*bad: tuple[str, int], good: tuple[str, int] = ("", 0), at: Ms = 0) -> frozenset[str]:
    """Who is in trouble after so many bad things of each, and so many good ones of one of them."""
    windows = Windows(MINUTE)
    for symbol, count in bad:
        for _ in range(count):
            windows.add(symbol, 0, bad=True)
    for _ in range(good[1]):
        windows.add(good[0], 0, bad=False)
    return windows.held(at)


def test_one_symbol_is_in_trouble_alone_from_four_bad_things_on_that_are_half_of_all_its_own() -> None:
    assert in_trouble((BTC, 3)) == frozenset()
    assert in_trouble((BTC, 4)) == {BTC}
    assert in_trouble((BTC, 9), (ETH, 1)) == {BTC}  # one lost answer of another makes them not two
    assert in_trouble((BTC, 4), good=(BTC, 4)) == {BTC}
    assert in_trouble((BTC, 4), good=(BTC, 5)) == frozenset()
    assert in_trouble((BTC, 4), good=(ETH, 100)) == {BTC}  # that all is well elsewhere makes it no better


def test_the_account_is_in_trouble_where_two_symbols_are_or_questions_about_none() -> None:
    assert in_trouble((BTC, 2), (ETH, 2)) == {""}
    assert in_trouble((BTC, 9), (ETH, 2)) == {""}
    assert in_trouble(("", 4)) == {""}
    assert in_trouble(("", 2), (BTC, 2)) == {""}
    assert in_trouble(("", 3)) == frozenset()


def test_trouble_is_over_when_it_is_older_than_its_span() -> None:
    assert in_trouble((BTC, 4), at=MINUTE - 1) == {BTC}
    assert in_trouble((BTC, 4), at=MINUTE) == frozenset()


def test_a_window_remembers_so_many_happenings_and_no_more_however_many_come() -> None:
    window = Window(MINUTE)
    for _ in range(1000):
        window.add(0, bad=True)
    assert window.bad(0) == (256, 1.0)
    for _ in range(192):
        window.add(0, bad=False)
    assert window.bad(0) == (64, 0.25)
