"""What is written comes back: facts, snapshots, projections."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gridbot_tui.engine import actions as a
from gridbot_tui.engine.events import Outcome
from gridbot_tui.orders.model import OrderState
from gridbot_tui.store.codec import decode, encode
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreDamaged, UnwritableFact
from tests.store import making as m


@pytest.mark.parametrize("kind", a.Fact.__subclasses__(), ids=lambda kind: kind.__name__)
def test_a_fact_of_each_kind_comes_back_from_the_file(
    tmp_path_factory: pytest.TempPathFactory, kind: type[a.Fact]
) -> None:
    @given(m.any_of(kind))
    @settings(max_examples=5, deadline=None)
    def written_and_read(fact: a.Fact) -> None:
        store = m.store(tmp_path_factory.mktemp("each"))
        store.append([fact])
        assert store.facts_after(0) == [fact]
        store.close()

    written_and_read()


@given(st.one_of(*map(m.any_of, a.Fact.__subclasses__())))
@settings(max_examples=150, deadline=None)
def test_any_fact_comes_back_from_its_journal_form_as_it_went_in(fact: a.Fact) -> None:
    assert decode(encode(fact)) == fact


def test_facts_of_every_kind_come_back_from_the_file_in_order(tmp_path: Path) -> None:
    facts = [
        m.intent(1), m.report(1, Outcome.ACCEPTED), m.fill(1), m.cash(2), m.plan(3), m.weights(4),
        m.equity(m.T0), a.ModeFact(m.T0, "paused", "", "operator"), m.decision(5),
        a.CancelFact(m.T0, m.BTC, "gb-1"),
    ]  # fmt: skip
    store = m.store(tmp_path)
    assert store.append(facts) == len(facts)
    store.close()
    again = m.store(tmp_path)
    restored = again.load()
    assert restored is not None
    assert restored.states == ()
    assert restored.facts_after(0) == facts
    again.close()


def test_an_empty_file_restores_nothing(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    assert store.load() is None
    store.close()


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_none_is_refused_before_anything_is_written(tmp_path: Path, value: float) -> None:
    store = m.store(tmp_path)
    with pytest.raises(UnwritableFact, match="EquityFact"):
        store.append([m.intent(1), msgspec.structs.replace(m.equity(m.T0), drawdown=value)])
    assert store.last_seq == 0
    assert store.orders() == []
    store.close()


def test_a_snapshot_and_the_facts_after_it_are_what_a_start_reads(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    for number in range(6):
        store.append([m.intent(number)], state=f"state {number}".encode())
    tail = [m.intent(7), m.intent(8)]
    store.append(tail)
    restored = store.load()
    assert restored is not None
    assert [state.blob for state in restored.states] == [b"state 5", b"state 4", b"state 3"]
    assert restored.facts_after(restored.states[0].seq) == tail
    assert restored.facts_after(restored.states[1].seq) == [m.intent(5), *tail]
    store.close()


def test_the_newest_snapshots_stay_the_newest_after_a_restart(tmp_path: Path) -> None:
    for number in range(7):
        store = m.store(tmp_path)
        store.append([m.intent(number)], state=str(number).encode())
        store.close()
    store = m.store(tmp_path)
    restored = store.load()
    assert restored is not None
    assert [state.blob for state in restored.states] == [b"6", b"5", b"4"]
    store.close()


def test_a_snapshot_whose_bytes_changed_is_passed_over(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1)], state=b"older")
    store.append([m.intent(2)], state=b"newer")
    store.connection.execute("UPDATE state SET blob = x'00' WHERE seq = 2")
    restored = store.load()
    assert restored is not None
    assert [state.blob for state in restored.states] == [b"older"]
    assert restored.facts_after(restored.states[0].seq) == [m.intent(2)]
    store.close()


def test_a_hole_in_the_journal_and_an_unreadable_entry_are_reported_as_damage(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(number) for number in range(5)])
    (whole,) = store.connection.execute("SELECT body FROM journal WHERE seq = 4").fetchone()
    for bad in (b"{}", whole.replace(b"BTC", b"\xff\xfe\x80")):
        store.connection.execute("UPDATE journal SET body = ? WHERE seq = 4", (bad,))
        with pytest.raises(StoreDamaged, match="entry 4 cannot be read"):
            store.facts_after(0)
    store.connection.execute("DELETE FROM journal WHERE seq = 3")
    with pytest.raises(StoreDamaged, match="entries 3 to 3 are missing"):
        store.facts_after(0)
    store.close()


def test_a_fill_or_cash_entry_that_repeats_is_ignored_and_reported(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.intent(1), m.fill(1), m.cash(1)])
    assert store.append([m.fill(1), m.cash(1), m.cash(2)]) == 4
    assert store.duplicate_count == 2
    assert list(store.duplicates) == [m.fill(1), m.cash(1)]
    assert store.facts_after(3) == [m.cash(2)]
    assert len(store.fills()) == 1
    row = store.order("gb-1")
    assert row is not None
    assert row.filled == 26
    store.close()


def life(store: Store, *facts: a.Fact) -> OrderState:
    store.append(facts)
    row = store.order("gb-1")
    assert row is not None
    return row.state


def test_the_order_table_follows_an_order_through_its_life(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    assert life(store, m.intent(1)) is OrderState.SENDING
    assert life(store, m.report(1, Outcome.UNRESOLVED)) is OrderState.UNRESOLVED
    assert life(store, m.report(1, Outcome.ACCEPTED, exchange_id="77")) is OrderState.RESTING
    assert life(store, m.fill(1, 6)) is OrderState.PARTLY_FILLED
    assert life(store, m.report(1, Outcome.ACCEPTED)) is OrderState.PARTLY_FILLED
    assert life(store, a.CancelFact(m.T0, m.BTC, "gb-1")) is OrderState.CANCELLING
    assert life(store, m.report(1, Outcome.CANCEL_REFUSED)) is OrderState.UNRESOLVED
    assert [row.order for row in store.open_orders()] == [m.order(1)]
    assert life(store, m.fill(1, 20, trade=2)) is OrderState.FILLED
    assert life(store, m.report(1, Outcome.FILLED, filled=26)) is OrderState.FILLED
    assert life(store, m.report(1, Outcome.ACCEPTED)) is OrderState.FILLED
    row = store.order("gb-1")
    assert row is not None
    assert (row.filled, row.exchange_id, row.open) == (26, "77", False)
    assert store.open_orders() == []
    store.close()


def test_an_order_proved_absent_may_be_intended_again_and_no_other(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    assert life(store, m.intent(1), m.report(1, Outcome.ABSENT)) is OrderState.ABSENT
    assert life(store, m.intent(1)) is OrderState.SENDING
    assert life(store, m.report(1, Outcome.CANCELED)) is OrderState.CANCELED
    assert life(store, m.intent(1)) is OrderState.CANCELED
    assert len(store.orders()) == 1
    store.close()


def test_money_comes_back_to_the_last_digit(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    exact = "-123456789012345678.000000001234567890"
    store.append([m.cash(1, exact), m.equity(m.T0, exact)])
    assert str(store.cash()[0].amount) == exact
    assert str(store.equity()[0].equity) == exact
    assert store.last_cash_at() == m.T0 + 1
    store.close()


def test_the_highest_trade_id_counts_whatever_the_order_of_arrival(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.fill(1, trade=9), m.fill(2, trade=11), m.fill(3, trade=10)])
    assert store.last_trades() == {m.BTC: ("11", m.T0 + 2)}
    assert [row.trade_id for row in store.fills()] == ["10", "11", "9"]
    store.close()


def test_modes_hold_the_latest_value_and_a_cleared_one_is_gone(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([a.ModeFact(1, "paused", m.BTC, "operator"), a.ModeFact(2, "kill", "", "operator")])
    store.append([a.ModeFact(3, "paused", m.BTC, "")])
    assert [(row.name, row.value) for row in store.modes()] == [("kill", "operator")]
    store.close()


def test_queries_are_bounded_and_newest_first(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.decision(number) for number in range(30)] + [m.plan(number) for number in range(5)])
    store.append([m.weights(1), m.weights(2)])
    assert [row.seq for row in store.decisions(m.BTC, limit=2)] == [30, 29]
    assert [row.plan.epoch for row in store.plans(limit=2)] == [4, 3]
    latest = store.plan(m.BTC)
    assert latest is not None
    assert latest.epoch == 4
    assert store.plan("ETHUSDT") is None
    assert store.weights(limit=1)[0].version == 37
    assert store.weights()[0].evidence == (("up", 0.01), ("down", -0.02))
    store.close()


def test_a_range_is_walked_in_pages_without_missing_or_repeating_a_row(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.fill(number) for number in range(2_500)])
    walked = [row.trade_id for row in store.each_fill(m.T0 + 100, m.T0 + 2_400)]
    assert walked == [str(number) for number in range(100, 2_400)]
    store.close()


def test_what_was_missed_and_booked_later_is_walked_in_order_of_time(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    missed = [2_100, *range(0, 2_100, 2), *range(1, 2_100, 2)]
    store.append([m.fill(number) for number in missed] + [m.cash(number) for number in missed])
    assert [row.trade_id for row in store.each_fill()] == [str(number) for number in range(2_101)]
    ats = [row.at for row in store.each_cash()]
    assert ats == sorted(ats)
    assert len(ats) == 2_101
    store.close()


def test_the_equity_curve_is_thinned_to_what_is_asked_and_keeps_its_ends(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.append([m.equity(m.T0 + number * 60_000, str(number)) for number in range(5_000)])
    curve = store.equity(0, 100)
    assert len(curve) == 100
    assert curve[-1].equity == Decimal(4_999)
    assert [row.at for row in curve] == sorted(row.at for row in curve)
    assert len(store.equity(m.T0 + 4_990 * 60_000, 100)) == 10
    assert store.equity(m.T0 * 2) == []
    store.close()


def test_a_command_is_remembered_once_with_its_outcome(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    assert store.remember_command("c1", 5, "pause", "{}")
    assert not store.remember_command("c1", 6, "pause", "{}")
    assert [row.id for row in store.commands(open_only=True)] == ["c1"]
    store.finish_command("c1", "done")
    row = store.command("c1")
    assert row is not None
    assert (row.at, row.outcome) == (5, "done")
    assert store.commands(open_only=True) == []
    assert store.command("c2") is None
    store.close()


def test_config_versions_and_small_values_are_kept(tmp_path: Path) -> None:
    store = m.store(tmp_path)
    store.add_config(1, 10, "a = 1", "file")
    store.add_config(2, 20, "a = 2", "reload")
    store.add_config(2, 30, "a = 3", "again")
    assert [(row.version, row.text) for row in store.configs()] == [(2, "a = 2"), (1, "a = 1")]
    store.append([], state=b"x", at=7, meta={"audit_head": "5"})
    assert store.get_meta("audit_head") == "5"
    assert store.get_meta("nothing") is None
    store.close()
