"""The stages of a stop by themselves: when it goes on, when it gives up, and what it says then."""

import pytest

from gridbot_tui.engine.events import AccountState, OpenOrders
from gridbot_tui.service.dialogs.shutdown import Answered, Shutdown, Stage

BUDGET = 1_000
STATED = AccountState(0, {}, ()), OpenOrders(0, ()), ""


class Holdings:
    """What stands and what is held, as the test says; the exchange answers when the test lets it."""

    def __init__(self, *orders: str, **positions: str) -> None:
        self.orders = list(orders)
        self.positions = positions
        self.asked: list[Answered] = []
        self.why: list[str] = []

    def standing(self) -> list[str]:
        return list(self.orders)

    def kept_stops(self) -> list[str]:
        return []

    def open_positions(self) -> dict[str, str]:
        return dict(self.positions)

    def held_up(self) -> list[str]:
        return self.why

    def dust(self) -> dict[str, str]:
        return {}

    def others(self) -> dict[str, str]:
        return {}

    def gone(self) -> dict[str, str]:
        return {}

    def stop(self, *, keep: bool = False) -> Shutdown:
        return Shutdown(self, self.asked.append, keep_positions=keep, stage_budget=BUDGET, at=0)


def test_it_ends_as_soon_as_nothing_is_left_and_the_exchange_says_so() -> None:
    held = Holdings("a", BTC="0.1")
    stop = held.stop()
    assert (stop.poll(1), stop.stage) == (None, Stage.CANCEL)
    held.orders = []
    assert (stop.poll(2), stop.stage) == (None, Stage.CLOSE)
    held.positions = {}
    assert (stop.poll(3), stop.stage) == (None, Stage.VERIFY)
    held.asked[0](*STATED)
    report = stop.poll(4)
    assert report is not None
    assert (report.verified, report.flat, report.exit_code) == (True, True, 0)


def test_an_order_that_is_left_is_no_success_though_the_account_is_flat() -> None:
    held = Holdings("a")
    stop = held.stop()
    stop.poll(1)
    assert stop.poll(1 + BUDGET) is None  # time is over: what is left is asked for
    held.asked[0](*STATED)
    report = stop.poll(2 + BUDGET)
    assert report is not None
    assert (report.verified, report.flat, report.open_orders, report.exit_code) == (True, True, ("a",), 6)


def test_a_position_that_is_left_is_told_with_what_holds_it_up() -> None:
    held = Holdings(BTC="0.1")
    held.why = ["BTC base_locked (0.1 BTC are held by orders that are not the bot's)"]
    stop = held.stop()
    stop.poll(1)
    stop.poll(1 + BUDGET)
    held.asked[0](*STATED)
    report = stop.poll(2 + BUDGET)
    assert report is not None
    assert "1 positions left (BTC 0.1); held up: BTC base_locked (0.1 BTC are held by orders" in report.text


@pytest.mark.parametrize("change", ["an order fewer", "a position smaller"])
def test_progress_of_either_kind_extends_the_stage_and_an_order_sent_anew_is_none(change: str) -> None:
    held = Holdings("a", "b", BTC="0.2")
    stop = held.stop()
    stop.poll(0)
    if change == "an order fewer":
        held.orders = ["a"]
    else:
        held.positions = {"BTC": "0.1"}
    stop.poll(900)
    held.orders.append("anew")
    stop.poll(1_800)
    assert (stop.stage, held.asked) == (Stage.CANCEL, [])
    stop.poll(900 + BUDGET)
    assert stop.stage is Stage.VERIFY


def test_what_moves_after_it_was_given_up_is_waited_for_again() -> None:
    held = Holdings("a", BTC="0.2")
    stop = held.stop()
    stop.poll(0)
    stop.poll(BUDGET)
    assert stop.stage is Stage.VERIFY
    held.positions = {"BTC": "0.1"}  # an order of it has filled meanwhile
    stop.poll(BUDGET + 1)
    held.asked[0](*STATED)
    assert (stop.poll(BUDGET + 2), stop.stage) == (None, Stage.CANCEL)
    held.orders, held.positions = [], {}
    stop.poll(BUDGET + 3)
    held.asked[1](*STATED)
    report = stop.poll(BUDGET + 4)
    assert report is not None
    assert report.exit_code == 0


def test_a_question_that_was_not_answered_is_asked_again_and_one_that_finds_more_is_closed_first() -> None:
    held = Holdings()
    stop = held.stop()
    stop.poll(1)
    held.asked[0](STATED[0], None, "no answer")
    stop.poll(2)
    assert len(held.asked) == 2
    held.orders = ["found"]
    held.asked[1](*STATED)
    assert (stop.poll(3), stop.stage) == (None, Stage.CANCEL)
    held.orders = []
    stop.poll(4)
    held.asked[2](*STATED)
    report = stop.poll(5)
    assert report is not None
    assert report.exit_code == 0


def test_what_the_exchange_finds_when_the_time_is_over_is_reported_and_not_worked_on_for_ever() -> None:
    held = Holdings()
    stop = held.stop()
    stop.poll(1)
    held.orders = ["found"]
    held.asked[0](*STATED)
    report = stop.poll(1 + BUDGET)
    assert report is not None
    assert (report.open_orders, report.exit_code) == (("found",), 6)


def test_a_second_signal_shortens_what_is_left_and_never_lengthens_it() -> None:
    def stage(at: int, *signals: int) -> Stage:
        stop = Holdings("a", BTC="0.2").stop()
        stop.poll(0)
        for signal in signals:
            stop.hurry(signal)
        stop.poll(at)
        return stop.stage

    assert stage(1_000, 980) is Stage.VERIFY, "twenty were left, and a tenth of the budget is a hundred"
    assert stage(199, 100, 150) is Stage.CANCEL, "a third one does not shorten it once more"
    assert stage(200, 100, 150) is Stage.VERIFY
