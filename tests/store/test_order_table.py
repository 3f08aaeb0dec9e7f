"""The order table of the state file follows the life cycle that the engine itself goes by."""

import random
from pathlib import Path

import pytest

from gridbot_tui.engine import actions as a
from gridbot_tui.engine.events import Adopted, Outcome
from gridbot_tui.orders.book import OrderBook
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.table import ImpossibleTransition
from gridbot_tui.store.core import Store
from tests.store import making as m

HEARD = [outcome for outcome in Outcome if outcome not in (Outcome.CANCEL_REFUSED, Outcome.CANCEL_UNRESOLVED)]


@pytest.mark.parametrize("believed", [Outcome.ABSENT, Outcome.REFUSED])
@pytest.mark.parametrize("heard", [Outcome.ACCEPTED, Outcome.PARTLY_FILLED, Outcome.TRIGGERED])
def test_an_order_that_was_taken_for_never_sent_and_is_heard_of_is_open_again(
    tmp_path: Path, believed: Outcome, heard: Outcome
) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.report(1, believed), m.report(1, heard)])
    assert [(row.order.client_id, row.state) for row in store.open_orders()] == [("gb-1", "unresolved")]
    store.append([m.report(1, Outcome.ACCEPTED)])
    assert [row.state for row in store.open_orders()] == ["resting"]
    store.close()


@pytest.mark.parametrize("ended", [Outcome.ABSENT, Outcome.REFUSED, Outcome.CANCELED, Outcome.EXPIRED])
def test_an_order_that_the_exchange_lists_is_open_whatever_was_believed_of_it(tmp_path: Path, ended: Outcome) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.report(1, ended), a.AdoptFact(m.T0 + 9, Adopted(m.T0 + 9, m.order(1), 0))])
    assert [(row.order.client_id, row.state) for row in store.open_orders()] == [("gb-1", "resting")]
    store.close()


def test_whatever_is_heard_in_whatever_order_table_and_engine_agree_on_what_may_stand(tmp_path: Path) -> None:
    chance, store, book = random.Random(5), m.store(tmp_path), OrderBook(IdFactory())
    facts: list[a.Fact] = []
    for number in range(1, 120):
        facts.append(m.intent(number))
        book.intend(m.order(number))
        for _ in range(chance.randrange(1, 6)):
            _hear(book, facts, number, chance)
    store.append(facts)
    stand = {row.order.client_id: row.state for row in store.open_orders()}
    known = {f"gb-{number}": book.get(f"gb-{number}") for number in range(1, 120)}
    assert stand == {ident: live.state for ident, live in known.items() if live is not None and not live.ended}
    _close(store)


def _hear(book: OrderBook, facts: list[a.Fact], number: int, chance: random.Random) -> None:
    """One report, to both, as the engine writes it down: only where it changed something."""
    outcome = chance.choice(HEARD)
    fact = m.report(number, outcome, filled=26 if outcome is Outcome.FILLED else 0)
    try:
        change = book.apply(fact.report)
    except ImpossibleTransition:
        return
    if change is not None:
        facts.append(fact)


def _close(store: Store) -> None:
    store.close()
