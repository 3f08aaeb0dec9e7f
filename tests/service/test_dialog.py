"""Several conversations with an exchange at once."""

from gridbot_tui.engine.events import OrderReport, Outcome
from gridbot_tui.exchange.port import AskOrder, Reply, Request
from gridbot_tui.service.dialogs.dialog import Dialog, Dialogs, Pause, ask, together


def test_dialogs_together_ask_at_once_and_each_hears_its_own_answers() -> None:
    sent: list[Request] = []
    heard: list[tuple[str, str]] = []
    ended: list[object] = []
    dialogs = Dialogs(sent.append)

    def about(client_id: str, questions: int) -> Dialog[None]:
        for _ in range(questions):
            reply = yield from ask(AskOrder(dialogs.new_id(), "BTCUSDT", client_id))
            assert reply.order is not None
            heard.append((client_id, reply.order.client_id))

    def answer(error: str = "") -> list[str]:
        asked, sent[:] = [one for one in sent if isinstance(one, AskOrder)], []
        for one in reversed(asked):
            report = OrderReport(0, "BTCUSDT", one.client_id, Outcome.ABSENT)
            failing = one.client_id == error
            dialogs.reply(Reply(one.request_id, 0, order=None if failing else report, error="busy" if failing else ""))
        return [one.client_id for one in asked]

    dialogs.start(together([about("a", 1), about("b", 2), about("c", 0)]), lambda *end: ended.append(end), 0)
    assert answer(error="a") == ["a", "b"]
    assert answer() == ["b"], "whoever was not answered waits, the others go on"
    dialogs.wake(500)
    assert answer() == ["a"]
    assert heard == [("b", "b"), ("b", "b"), ("a", "a")]
    assert ended == [(None, None)]


def test_one_that_stays_unanswered_fails_them_all() -> None:
    ended: list[object] = []
    sent: list[Request] = []
    dialogs = Dialogs(sent.append)

    def about(client_id: str) -> Dialog[None]:
        yield from ask(AskOrder(dialogs.new_id(), "BTCUSDT", client_id), tries=1)

    dialogs.start(together([about("a"), about("b")]), lambda _, error: ended.append(str(error)), 0)
    for one in sent:
        assert isinstance(one, AskOrder)
        dialogs.reply(Reply(one.request_id, 0, error="busy"))
    assert ended == ["AskOrder stayed unanswered: busy"]


def test_a_pause_that_began_by_a_clock_that_went_wrong_ends_with_its_correction() -> None:
    ended: list[int] = []
    dialogs = Dialogs(lambda _: None)

    def resting() -> Dialog[None]:
        yield Pause(500)

    dialogs.start(resting(), lambda *_: ended.append(1), 90_000)
    dialogs.wake(89_000)
    assert not ended, "an event that comes a little late sets no clock back"
    dialogs.wake(100)
    assert ended
