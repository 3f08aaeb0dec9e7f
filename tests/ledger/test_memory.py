"""Bounded memory: ids, price buckets, and the order of lots."""

from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.ledger.average_cost import AverageCost
from gridbot_tui.ledger.buckets import CAPACITY, Buckets
from gridbot_tui.ledger.exact import share
from gridbot_tui.ledger.seen import Seen
from gridbot_tui.units import ZERO, Side
from tests.ledger.scene import D, instrument


def test_trade_ids_below_the_window_are_duplicates_for_ever() -> None:
    seen = Seen(rising=True, keep=3)
    assert all(seen.add(str(number)) for number in range(1, 8))
    assert not any(seen.add(str(number)) for number in range(1, 8))
    assert seen.last == "7"


def test_a_late_trade_within_the_window_is_not_lost_behind_a_newer_one() -> None:
    seen = Seen(rising=True, keep=3)
    assert seen.add("900")
    assert [seen.add(str(number)) for number in range(1, 6)] == [True] * 5


def test_names_and_cash_ids_are_remembered_in_the_order_they_came() -> None:
    seen = Seen(rising=False, keep=2)
    assert [seen.add(name) for name in ("9", "1", "1", "x", "1")] == [True, True, False, True, False]
    assert "9" not in seen


@given(ids=st.lists(st.integers(0, 60)), keep=st.integers(1, 80))
def test_no_id_is_ever_booked_twice(ids: list[int], keep: int) -> None:
    seen = Seen(rising=True, keep=keep)
    booked = []
    for number in ids:
        if seen.add(str(number)):
            booked.append(number)
        seen = Seen(rising=True, keep=keep, state=seen.state())
    assert len(booked) == len(set(booked))
    if keep > 61:
        assert set(booked) == set(ids)


def test_buckets_stay_bounded_and_drop_what_was_untouched_for_longest() -> None:
    buckets = Buckets()
    for index in range(3 * CAPACITY):
        buckets.add(1_000_000 + 1_000 * index, 1, 0, ZERO)
        buckets.add(1_000_000, 1, 0, ZERO)
    width, counts = buckets.state()
    assert (width, len(counts)) == (1_000, CAPACITY)
    assert buckets.near(1_000_000).fills == 3 * CAPACITY + 1
    assert buckets.near(1_001_000).fills == 0


@given(
    amount=st.integers(-(10**14), 10**14).map(lambda n: n * D("1e-8")),
    parts=st.lists(st.integers(1, 1000), min_size=1),
)
def test_shares_taken_off_the_remainder_sum_to_the_whole(amount: object, parts: list[int]) -> None:
    left, steps, taken = D(str(amount)), sum(parts), ZERO
    for part in parts:
        piece = share(left, part, steps)
        left, steps, taken = left - piece, steps - part, taken + piece
    assert (left, taken) == (ZERO, D(str(amount)))


def test_the_average_entry_moves_on_adding_stays_on_reducing_and_starts_anew_on_a_flip() -> None:
    average = AverageCost(instrument())
    assert average.fill(Side.BUY, 600_000, 1) == 0
    assert average.fill(Side.BUY, 610_000, 2) == 0
    assert average.entry_price == D("60666.66666667")
    assert average.fill(Side.SELL, 620_000, 1) == D("1.33333333")
    assert average.entry_price == D("60666.66666667")
    assert average.fill(Side.SELL, 600_000, 5) == D("-1.33333333")
    assert (average.position, average.entry_price) == (-3, D(60000))
