"""The book of our orders."""

import msgspec
import pytest
from msgspec.structs import replace

from gridbot_tui.orders.book import ENDED_KEPT, BookState, OrderBook
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import OrderState
from gridbot_tui.orders.table import ImpossibleTransition
from gridbot_tui.units import Side
from tests.orders.samples import Report, grid_order

ONE = "gb0-BTCUSDT-1-gb1-0"


def book_with(state: str = "accepted", filled: int = 0) -> OrderBook:
    book = OrderBook(IdFactory())
    book.intend(grid_order(ONE))
    if state:
        book.apply(Report(ONE, state, filled))
    return book


def test_a_client_id_names_one_intent_for_ever() -> None:
    book = book_with()
    with pytest.raises(ValueError, match="another intent"):
        book.intend(grid_order(ONE))


def test_a_lost_answer_leaves_the_order_unresolved_and_live_until_the_exchange_answers() -> None:
    book = book_with("unresolved")
    (live,) = book.unresolved()
    assert live.remaining == 100
    assert book.apply(Report(ONE, "unresolved")) is None
    assert book.apply(Report(ONE, "absent")) is OrderState.ABSENT
    assert len(book) == 0


def test_a_lost_answer_that_comes_after_the_order_itself_changes_nothing() -> None:
    book = book_with("accepted")
    assert book.apply(Report(ONE, "unresolved")) is None
    assert [one.state for one in book.live("BTCUSDT")] == [OrderState.RESTING]


def test_an_order_that_has_traded_is_never_believed_absent() -> None:
    for state, filled in (("unresolved", 0), ("accepted", 40)):
        book = book_with(state, filled)
        book.fill(ONE, 40, 5)
        assert book.apply(Report(ONE, "absent")) in (OrderState.UNRESOLVED, None)
        (live,) = book.unresolved()
        assert live.remaining == 60
    assert [one.state for one in book_with("accepted", 40).live("BTCUSDT")] == [OrderState.PARTLY_FILLED]


def test_when_an_order_last_changed_is_known_for_a_list_made_before_that_says_nothing_of_it() -> None:
    book = book_with("")
    book.apply(Report(ONE, "accepted", at=7))
    (live,) = book.live("BTCUSDT")
    assert live.changed_at == 7
    assert book.apply(Report(ONE, "accepted", at=8)) is None
    assert live.changed_at == 7
    book.cancelling(ONE, 9)
    assert live.changed_at == 9
    book.apply(Report(ONE, "canceled", at=12))
    assert live.changed_at == 12


def test_a_trade_proves_that_an_order_in_flight_stands() -> None:
    book = book_with("")
    assert book.fill(ONE, 40, 5) is OrderState.PARTLY_FILLED
    assert book.apply(Report(ONE, "accepted", 0)) is None
    assert book.apply(Report(ONE, "canceled", 40)) is OrderState.CANCELED
    assert len(book) == 0


def test_a_trade_of_an_unresolved_order_does_not_prove_that_it_still_stands() -> None:
    book = book_with("accepted")
    book.cancelling(ONE, 1)
    book.apply(Report(ONE, "cancel_unresolved"))
    assert book.fill(ONE, 40, 5) is None
    assert len(book.unresolved()) == 1


def test_a_fill_may_arrive_after_a_cancel_was_sent_and_even_after_it_was_confirmed() -> None:
    book = book_with("accepted")
    book.cancelling(ONE, 1)
    book.fill(ONE, 30, 2)
    assert book.apply(Report(ONE, "canceled", 70)) is OrderState.CANCELED
    (live,) = book.live("BTCUSDT")
    assert (live.remaining, live.settled) == (40, False)
    book.fill(ONE, 40, 3)
    assert len(book) == 0
    live_again = book.get(ONE)
    assert live_again is not None
    assert live_again.filled == 70


def test_a_filled_report_before_its_trades_keeps_the_slot_occupied() -> None:
    book = book_with("filled", 100)
    assert len(book) == 1
    book.fill(ONE, 100, 3)
    assert len(book) == 0


def test_more_traded_than_ordered_is_impossible_and_counts_until_it_is_known_what_the_order_is_by_now() -> None:
    book = book_with()
    with pytest.raises(ImpossibleTransition):
        book.fill(ONE, 101, 1)
    assert [(one.state, one.filled, one.remaining) for one in book.live("BTCUSDT")] == [(OrderState.UNRESOLVED, 101, 0)]
    book.apply(Report(ONE, "filled", 101))
    assert len(book) == 0


def test_an_order_that_another_hand_made_smaller_is_filled_with_less() -> None:
    book = book_with()
    book.fill(ONE, 25, 1)
    book.apply(Report(ONE, "filled", 25))
    assert len(book) == 0


def test_an_order_that_another_hand_changed_counts_as_it_stands() -> None:
    book = book_with()
    book.fill(ONE, 25, 1)
    book.adopt(replace(grid_order(ONE), price=7, steps=400), 25, 2)
    (live,) = book.live("BTCUSDT")
    assert (live.order.price, live.filled, live.remaining, live.state) == (7, 25, 375, OrderState.PARTLY_FILLED)
    (again,) = OrderBook.restore(IdFactory(), book.state()).live("BTCUSDT")
    assert (again.order, again.remaining) == (live.order, live.remaining)


def test_an_order_missing_from_the_exchanges_list_is_doubted_not_dropped() -> None:
    book = book_with()
    assert book.doubt(ONE, 2) is OrderState.UNRESOLVED
    assert book.apply(Report(ONE, "accepted")) is OrderState.RESTING


def test_an_order_of_ours_found_standing_is_ours_again_even_if_it_was_thought_ended() -> None:
    book = book_with("absent")
    assert len(book) == 0
    book.adopt(grid_order(ONE), 0, 5)
    assert [one.state for one in book.live("BTCUSDT")] == [OrderState.RESTING]


def test_only_the_last_ended_orders_are_remembered() -> None:
    book = OrderBook(IdFactory())
    for number in range(ENDED_KEPT + 10):
        client_id = f"gb0-BTCUSDT-1-gb1-{number}" if number < 10 else f"gb0-BTCUSDT-1-gs1-{number:03d}"
        book.intend(grid_order(client_id))
        book.apply(Report(client_id, "refused"))
    assert len(book.state().ended) == ENDED_KEPT
    assert book.get("gb0-BTCUSDT-1-gb1-0") is None


def test_a_restored_book_is_the_same_book_and_its_ids_do_not_repeat() -> None:
    ids = IdFactory()
    book = OrderBook(ids)
    for rung in range(1, 6):
        book.intend(grid_order(ids.issue("BTCUSDT", 1, rung, Side.BUY), rung=rung))
    names = [one.order.client_id for one in book.live("BTCUSDT")]
    book.apply(Report(names[0], "accepted"))
    book.fill(names[0], 10, 1)
    book.apply(Report(names[1], "unresolved"))
    book.apply(Report(names[2], "refused"))
    book.apply(Report(names[3], "filled", 100))
    stored = msgspec.json.encode(book.state())
    fresh = IdFactory()
    again = OrderBook.restore(fresh, msgspec.json.decode(stored, type=BookState))
    assert msgspec.json.encode(again.state()) == stored
    assert [one.remaining for one in again.live("BTCUSDT")] == [one.remaining for one in book.live("BTCUSDT")]
    assert fresh.issue("BTCUSDT", 1, 1, Side.BUY) == names[0]
    assert fresh.issue("BTCUSDT", 1, 3, Side.BUY) not in names


def test_the_orders_that_do_not_rest_are_kept_apart() -> None:
    book = OrderBook(IdFactory())
    ids = [f"gb0-BTCUSDT-1-gb{number}-{number}" for number in range(6)]
    for client_id in ids:
        book.intend(grid_order(client_id))
    told = ("accepted", "unresolved", "filled", "partly_filled", "", "refused")
    for client_id, outcome in zip(ids, told, strict=True):
        if outcome:
            book.apply(Report(client_id, outcome, 50 if outcome == "partly_filled" else 0))
    book.apply(Report(ids[0], "doubted"))
    restless = [one.order.client_id for one in book.restless()]
    assert restless == [one.order.client_id for one in book.all_live() if one.state is not OrderState.RESTING]
    assert restless == [ids[0], ids[1], ids[2], ids[3], ids[4]]
    assert book.any_in(OrderState.SENDING, "BTCUSDT")
    assert not book.any_in(OrderState.CANCELLING, "BTCUSDT", Side.BUY)
    book.cancelling(ids[4], 1)
    assert book.any_in(OrderState.CANCELLING, "BTCUSDT", Side.BUY)
    book.apply(Report(ids[4], "canceled"))
    book.apply(Report(ids[1], "accepted"))
    assert [one.order.client_id for one in book.restless()] == [ids[0], ids[2], ids[3]]
    again = OrderBook.restore(IdFactory(), book.state())
    assert [one.order.client_id for one in again.restless()] == [ids[0], ids[2], ids[3]]
