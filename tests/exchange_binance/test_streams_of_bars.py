from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.engine.events import BarsClosed
from gridbot_tui.exchange.binance.bars import ASKED_FOR_A_HOLE, MinuteBars
from gridbot_tui.exchange.binance.marks import MarkCandle
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.market.bar import Bar
from gridbot_tui.units import MINUTE, Ms, Symbol

TIMING = StreamTiming()
LATE, HOLD = TIMING.late_bar_ms, TIMING.gap_hold_ms
NAMES = ("AAA", "BBB", "CCC")


def bar(minute: int, price: int = 100) -> Bar:
    return Bar(minute * MINUTE, MINUTE, price, price, price, price, 1.0, price, price, price)


class Collected:
    """Bars of three symbols from minute 10 on, in a quiet moment."""

    def __init__(self, names: Iterable[Symbol] = NAMES, first: int = 10) -> None:
        self.bars = MinuteBars(names, MINUTE, TIMING)
        self.bars.begin(first * MINUTE, lambda _: first * MINUTE)
        self.told: list[BarsClosed] = []

    def come(self, name: Symbol, minute: int, at: Ms) -> list[tuple[Symbol, Ms]]:
        self.bars.closed(name, bar(minute))
        return self.look(at)

    def look(self, at: Ms) -> list[tuple[Symbol, Ms]]:
        self.told += self.bars.due(at)
        return self.bars.wanted(at)

    @property
    def minutes(self) -> list[tuple[Ms, list[tuple[Symbol, int]]]]:
        return [(e.at // MINUTE, [(s, b.open_at // MINUTE) for s, b in e.bars]) for e in self.told]


def closed(minute: int, after: Ms = 100) -> Ms:
    """A moment after the close of a minute's bar."""
    return (minute + 1) * MINUTE + after


def test_bars_of_one_minute_are_told_together_as_soon_as_the_last_is_there() -> None:
    c = Collected()
    for _ in range(2):  # the second minute is beyond what is waited for after the begin
        c.look(closed(9))
    c.come("BBB", 10, closed(10))
    c.come("AAA", 10, closed(10, 150))
    assert c.told == []
    c.come("CCC", 10, closed(10, 200))
    assert c.minutes == [(11, [("AAA", 10), ("BBB", 10), ("CCC", 10)])]


def test_a_late_bar_holds_the_others_no_longer_than_two_seconds() -> None:
    c = Collected()
    c.come("AAA", 10, closed(10))
    c.come("BBB", 10, closed(10))
    assert c.look(closed(10, LATE - 1)) == []
    assert c.told == []
    assert c.look(closed(10, LATE)) == [("CCC", 10 * MINUTE)], "and is asked for"
    assert c.minutes == [(11, [("AAA", 10), ("BBB", 10)])]
    c.bars.filled("CCC", [bar(10)], closed(10, LATE + 300))
    c.look(closed(10, LATE + 300))
    assert c.minutes[1] == (11, [("CCC", 10)])


def test_no_bar_is_told_twice() -> None:
    c = Collected(["AAA"])
    for _ in range(3):
        c.come("AAA", 10, closed(10))
    c.bars.filled("AAA", [bar(9), bar(10)], closed(10))
    c.look(closed(10))
    assert c.minutes == [(11, [("AAA", 10)])]


def test_a_missing_bar_is_fetched_before_its_symbol_goes_on() -> None:
    c = Collected(["AAA", "BBB"])
    c.come("AAA", 10, closed(10))
    c.come("BBB", 10, closed(10))
    assert c.come("AAA", 13, closed(13)) == [("AAA", 11 * MINUTE), ("BBB", 11 * MINUTE)]
    c.come("BBB", 13, closed(13))
    assert [m for m, _ in c.minutes] == [11]
    c.bars.filled("AAA", [bar(11), bar(12)], closed(13, 900))
    c.bars.filled("BBB", [bar(11), bar(12), bar(13)], closed(13, 950))
    c.look(closed(13, 950))
    assert [m for m, _ in c.minutes] == [11, 12, 13, 14]
    assert all(len(bars) == 2 for _, bars in c.minutes)


def test_after_a_gap_missed_minutes_are_told_together_even_if_answers_come_one_by_one() -> None:
    c = Collected()
    for name in NAMES:
        c.come(name, 10, closed(10))
    c.bars.gap(closed(14))
    asked = c.look(closed(14, LATE))
    assert asked == [(name, 11 * MINUTE) for name in NAMES]
    for n, name in enumerate(NAMES):
        assert len(c.told) == 1
        c.bars.filled(name, [bar(m) for m in range(11, 15)], closed(14, LATE + 500 * n))
        c.look(closed(14, LATE + 500 * n))
    assert c.minutes[1:] == [(m + 1, [(name, m) for name in NAMES]) for m in range(11, 15)]


def test_a_question_that_fails_is_asked_again_after_a_pause_and_holds_nobody_for_long() -> None:
    c = Collected(["AAA", "BBB"])
    c.come("AAA", 10, closed(10))
    now = closed(10, LATE)
    assert c.look(now) == [("BBB", 10 * MINUTE)]
    c.bars.failed("BBB", now)
    assert c.look(now + 500) == []
    assert c.look(now + 1_000) == [("BBB", 10 * MINUTE)]
    assert c.minutes == [(11, [("AAA", 10)])]


def test_an_hour_the_exchange_itself_lacks_becomes_a_hole_that_is_said() -> None:
    c = Collected(["AAA"])
    c.come("AAA", 70, closed(70))
    now = closed(70)
    for _ in range(ASKED_FOR_A_HOLE):
        now += 30_000
        c.bars.wanted(now)
        c.bars.filled("AAA", [], now)
        c.look(now)
    assert c.minutes == [(71, [("AAA", 70)])]
    assert [(n.code, n.symbol) for n in c.told[0].notes] == [("hole", "AAA")]


def test_a_bar_of_a_time_that_has_not_come_is_no_reason_for_a_hole() -> None:
    c = Collected(["AAA"])
    c.come("AAA", 10, closed(10))
    c.come("AAA", 9_000, closed(10))
    now = closed(10)
    for minute in range(11, 20):
        now = closed(minute, LATE)
        c.bars.wanted(now)
        c.bars.filled("AAA", [] if minute < 17 else [bar(m) for m in range(11, minute + 1)], now)
        c.look(now)
    assert [b.open_at // MINUTE for e in c.told for _, b in e.bars] == list(range(10, 20))


def test_time_never_goes_back_however_late_a_symbol_is() -> None:
    c = Collected(["AAA", "BBB"])
    for minute in range(10, 15):
        c.come("AAA", minute, closed(minute))
        c.look(closed(minute, HOLD))
    c.bars.filled("BBB", [bar(m) for m in range(10, 15)], closed(14, HOLD))
    c.look(closed(14, HOLD))
    assert [e.at for e in c.told] == sorted(e.at for e in c.told)
    assert [b.open_at // MINUTE for e in c.told for s, b in e.bars if s == "BBB"] == [10, 11, 12, 13, 14]


def test_it_begins_where_the_books_end_or_with_the_bar_that_is_forming() -> None:
    bars = MinuteBars(["AAA", "BBB", "CCC"], MINUTE, TIMING)
    known = {"AAA": 7 * MINUTE, "BBB": None, "CCC": 7 * MINUTE + 1}
    bars.begin(10 * MINUTE + 5, known.__getitem__)
    assert bars.wanted(10 * MINUTE + 5) == [("AAA", 7 * MINUTE), ("CCC", 8 * MINUTE)]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(NAMES), st.integers(10, 16), st.sampled_from(["heard", "doubled", "lost"])),
                max_size=30), st.randoms(use_true_random=False))  # fmt: skip
def test_whatever_is_lost_doubled_or_out_of_order_every_bar_is_told_once_and_in_order(
    fate: list[tuple[str, int, str]], chance: object
) -> None:
    lost = {(name, minute) for name, minute, what in fate if what == "lost"}
    twice = {(name, minute) for name, minute, what in fate if what == "doubled"}
    c = Collected()
    for minute in range(10, 17):
        for name in NAMES:
            if (name, minute) not in lost:
                for _ in range(2 if (name, minute) in twice else 1):
                    c.come(name, minute, closed(minute))
        for after in (LATE, LATE + 1_000, 2 * HOLD):
            for name, since in c.look(closed(minute, after)):
                c.bars.filled(name, [bar(m) for m in range(since // MINUTE, minute + 1)], closed(minute, after))
            c.look(closed(minute, after))
    for name in NAMES:
        told = [b.open_at // MINUTE for e in c.told for s, b in e.bars if s == name]
        assert told == list(range(10, 17))
    assert [e.at for e in c.told] == sorted(e.at for e in c.told)


@pytest.mark.parametrize(("marks", "expected"), [
    ([(0, 100), (30_000, 140), (59_000, 120)], (140, 100, 120)),
    ([(20_000, 100), (59_000, 120)], (7, 7, 7)),   # not heard from the begin
    ([(0, 100), (30_000, 120)], (7, 7, 7)),        # nor to the end
    ([], (7, 7, 7)),
])  # fmt: skip
def test_a_bar_gets_the_mark_prices_that_were_heard_all_along(
    marks: list[tuple[Ms, int]], expected: tuple[int, int, int]
) -> None:
    candle = MarkCandle(MINUTE)
    for at, mark in marks:
        candle.heard(5 * MINUTE + at, mark)
    candle.heard(6 * MINUTE + 10, 999)
    made = candle.on(bar(5, 7))
    assert (made.mark_high, made.mark_low, made.mark_close) == expected
