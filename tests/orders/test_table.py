"""The life of an order: what may happen, what may repeat, what may not happen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gridbot_tui.orders.book import OrderBook
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import OrderState
from gridbot_tui.orders.table import TABLE, TERMINAL, ImpossibleTransition, Trigger, advance
from tests.orders.samples import Report, grid_order

FOREVER = (OrderState.FILLED, OrderState.CANCELED, OrderState.EXPIRED)


def test_every_state_and_trigger_of_the_table_exists() -> None:
    states = {str(state) for state in OrderState}
    triggers = {str(trigger) for trigger in Trigger}
    assert {state for state, _ in TABLE} == states
    assert {trigger for _, trigger in TABLE} == triggers


@pytest.mark.parametrize(
    ("state", "trigger"),
    [
        (OrderState.SENDING, Trigger.CANCEL_REFUSED),
        (OrderState.RESTING, Trigger.REFUSED),
        (OrderState.PARTLY_FILLED, Trigger.REFUSED),
        (OrderState.TRIGGERED, Trigger.CANCEL_SENT),
        (OrderState.FILLED, Trigger.CANCEL_SENT),
    ],
)
def test_an_impossible_transition_raises(state: OrderState, trigger: Trigger) -> None:
    with pytest.raises(ImpossibleTransition):
        advance(state, trigger)


@given(st.sampled_from(FOREVER), st.sampled_from([t for t in Trigger if t is not Trigger.CANCEL_SENT]))
def test_what_has_ended_stays_ended(state: OrderState, trigger: Trigger) -> None:
    assert advance(state, trigger) is state


@pytest.mark.parametrize("state", [OrderState.REFUSED, OrderState.ABSENT])
def test_an_order_believed_never_to_have_stood_is_asked_about_when_news_of_it_come(state: OrderState) -> None:
    assert advance(state, Trigger.ACCEPTED) is OrderState.UNRESOLVED
    assert advance(state, Trigger.REFUSED) is state
    assert advance(state, Trigger.ABSENT) is state


@given(st.sampled_from([s for s in OrderState if s not in TERMINAL]))
def test_no_doubt_or_lost_answer_ever_ends_an_order(state: OrderState) -> None:
    for trigger in (Trigger.UNRESOLVED, Trigger.DOUBTED, Trigger.CANCEL_UNRESOLVED):
        after = TABLE.get((state, trigger))
        assert after is None or after not in TERMINAL


def life(steps: int, trades: list[int], end: str) -> list[Report]:
    """What an exchange reports of one order, in order."""
    done = 0
    reports = [Report("gb0-BTCUSDT-1-gb1-0", "accepted")]
    for trade in trades:
        done = min(steps, done + trade)
        word = "filled" if done == steps else "partly_filled"
        reports.append(Report("gb0-BTCUSDT-1-gb1-0", word, done))
        if done == steps:
            return reports
    return [*reports, Report("gb0-BTCUSDT-1-gb1-0", end, done)]


@given(
    trades=st.lists(st.integers(1, 60), max_size=4),
    end=st.sampled_from(["canceled", "expired"]),
    order=st.randoms(use_true_random=False),
    cancel=st.booleans(),
    doubled=st.integers(1, 3),
)
def test_reports_that_repeat_and_come_in_any_order_end_in_the_same_state(
    trades: list[int], end: str, order: object, cancel: bool, doubled: int
) -> None:
    book = OrderBook(IdFactory())
    live = book.intend(grid_order(steps=100))
    reports = life(100, trades, end)
    last = reports[-1]
    shuffled = reports * doubled
    order.shuffle(shuffled)  # type: ignore[attr-defined]
    if cancel:
        book.cancelling(live.order.client_id, 0)
    for report in shuffled:
        book.apply(report)
    assert live.state == last.outcome
    assert live.reported == last.filled
    left = last.filled
    for _ in range(left):
        assert live in book.live("BTCUSDT")  # ended, but its trades are still to come
        book.fill(live.order.client_id, 1, 2)
    assert live not in book.live("BTCUSDT")
    assert live.remaining == 0


@given(
    st.lists(
        st.sampled_from([str(t) for t in Trigger if t not in (Trigger.CANCEL_SENT, Trigger.DOUBTED)]),
        max_size=8,
    )
)
def test_whatever_is_reported_an_order_is_live_or_ended_and_never_both(words: list[str]) -> None:
    book = OrderBook(IdFactory())
    live = book.intend(grid_order(steps=100))
    for word in words:
        try:
            book.apply(Report(live.order.client_id, word, 100 if word == "filled" else 0))
        except ImpossibleTransition:
            continue
        standing = live in book.live("BTCUSDT")
        assert standing == (not (live.ended and live.settled))
        assert live.remaining == 0 or standing
