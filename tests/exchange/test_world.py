"""Virtual time: what is heard when, latency, faults, queries, determinism."""

from pathlib import Path

import pytest
from msgspec import json

from gridbot_tui.engine.events import BarsClosed, Fill, OrderReport, Outcome, Tick
from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskOpenOrders,
    Cancel,
    Incoming,
    Place,
    Port,
    Reply,
)
from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.exchange.simulated.faults import Fate
from gridbot_tui.exchange.simulated.latency import DrawnLatency, FixedLatency
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.research.simulation.levels import Level
from gridbot_tui.research.simulation.trouble import Trouble
from gridbot_tui.units import MINUTE, Side
from tests.exchange.faults import ScriptedFaults
from tests.exchange.market import (
    START,
    Tape,
    answers,
    bar,
    config,
    drain,
    fills,
    flat,
    limit,
    market_order,
    opened,
    place,
    reports,
    standing,
    until,
)
from tests.exchange.monkey import Monkey, wander
from tests.simulation.storm import FAULTS

BUY, SELL = Side.BUY, Side.SELL
OFTEN = Level("often", dict.fromkeys(FAULTS.chances, 0.1), {}, 0, 0.0)


def test_symbols_that_close_together_are_heard_together() -> None:
    world = World(Tape({"AUSDT": [flat(0, 1000)], "BUSDT": [flat(0, 500), flat(1, 501)]}), config())
    first, second = drain(world)
    assert isinstance(first, BarsClosed)
    assert isinstance(second, BarsClosed)
    assert [s for s, _ in first.bars] == ["AUSDT", "BUSDT"]
    assert (first.at, second.at) == (START + MINUTE, START + 2 * MINUTE)
    assert [s for s, _ in second.bars] == ["BUSDT"]


def test_time_is_that_of_the_next_thing_and_ends_with_the_market() -> None:
    world = World(Tape({"XYZUSDT": [flat(0, 1000), flat(1, 1000)]}), config())
    assert (world.now, world.peek_time()) == (START, START + MINUTE)
    world.next()
    assert (world.now, world.peek_time()) == (START + MINUTE, START + 2 * MINUTE)
    world.send(Place(limit("b", BUY, 990, 1000)))
    assert world.peek_time() == world.now
    drain(world)
    assert world.peek_time() is None
    assert world.next() is None
    world.send(Cancel("XYZUSDT", "b"))
    assert reports(drain(world), "b") == [Outcome.CANCELED], "the exchange answers after the market has ended"


def test_a_paced_caller_never_gets_more_than_it_waited_for() -> None:
    world = opened(flat(1, 1000))
    assert world.next(until=world.now + MINUTE - 1) is None
    assert isinstance(world.next(until=world.now + MINUTE), BarsClosed)


def test_a_world_starts_after_a_time_and_answers_older_bars_from_its_source() -> None:
    tape = Tape({"XYZUSDT": wander(1, 50)})
    world = World(tape, config(), start_after=START + 40 * MINUTE)
    assert len(drain(world)) == 10
    for since, count in ((0, 50), (START, 50), (START + 1, 49), (START + 45 * MINUTE, 5), (world.now, 0)):
        world.send(AskBars(1, "XYZUSDT", since))
        reply = answers(world)[0]
        assert isinstance(reply, Reply)
        assert reply.bars is not None
        assert len(reply.bars) == count


def test_bars_are_answered_up_to_now_only() -> None:
    world = World(Tape({"XYZUSDT": wander(1, 50)}), config(), start_after=START + 10 * MINUTE)
    world.send(AskBars(1, "XYZUSDT", 0))
    world.send(AskBars(2, "NOPE", 0))
    known, unknown = answers(world)
    assert isinstance(known, Reply)
    assert isinstance(unknown, Reply)
    assert known.bars is not None
    assert known.bars[-1].close_at == world.now
    assert (unknown.bars, unknown.error) == (None, "-1121: Invalid symbol.")


def test_cash_is_answered_from_a_time_on() -> None:
    world = opened(flat(1, 1000))
    world.owner.deposit("USDT", config().balances["USDT"])
    until(world, BarsClosed)
    world.owner.withdraw("USDT", config().balances["USDT"])
    answers(world)
    for since, count in ((0, 2), (world.now, 1), (world.now + 1, 0)):
        world.send(AskCash(1, since))
        reply = answers(world)[0]
        assert isinstance(reply, Reply)
        assert len(reply.cash or ()) == count


def test_timers_come_at_their_time_after_the_market_of_that_moment() -> None:
    world = opened(flat(1, 1000), flat(2, 1000))
    at = world.now + MINUTE
    world.timer(at, Tick(at))
    world.timer(at - 5, Tick(at - 5))
    world.timer(0, Tick(0))
    kinds = [(type(e).__name__, e.at) for e in drain(world)]
    assert kinds == [
        ("Tick", 0),
        ("Tick", at - 5),
        ("BarsClosed", at),
        ("Tick", at),
        ("BarsClosed", at + MINUTE),
    ]


def test_the_worlds_own_ticks_end_with_the_market() -> None:
    world = World(Tape({"XYZUSDT": [flat(0, 1000)]}), config(), tick_every=20_000)
    heard = drain(world)
    assert [e.at - START for e in heard if isinstance(e, Tick)] == [20_000, 40_000]
    assert isinstance(heard[-1], BarsClosed)


def test_latency_delays_the_order_and_again_its_answer() -> None:
    tape = Tape({"XYZUSDT": [flat(0, 1000), flat(1, 1000)]})
    world = World(tape, config(), latency=FixedLatency(out=300, back=200))
    until(world, BarsClosed)
    sent = world.now
    assert sent == START + MINUTE + 200
    world.send(Place(market_order("m", BUY, 1000)))
    world.send(AskAccount(9))
    heard = [(type(e).__name__, e.at, world.now) for e in [*until(world, Fill), world.next(), world.next()] if e]
    assert [name for name, *_ in heard] == ["OrderReport", "Fill", "OrderReport", "Reply"]
    assert {at for _, at, _ in heard} == {sent + 300}
    assert world.now == sent + 500


def test_an_order_that_arrives_after_a_bar_closed_does_not_fill_in_it() -> None:
    tape = Tape({"XYZUSDT": [flat(0, 1000), bar(1, 1000, 1000, 900, 1000), flat(2, 1000)]})
    world = World(tape, config(), latency=FixedLatency(out=MINUTE + 1, back=0))
    until(world, BarsClosed)
    world.send(Place(limit("late", BUY, 990, 1000)))
    heard = drain(world)
    assert reports(heard, "late") == [Outcome.ACCEPTED]
    assert fills(heard) == []


def test_the_event_stream_stays_in_order_under_drawn_latency() -> None:
    world = World(Tape({"XYZUSDT": wander(3, 200)}), config(), latency=DrawnLatency(5, median=20_000, spread=1.0))
    heard: list[Incoming] = []
    count = 0
    while (item := world.next()) is not None:
        heard.append(item)
        if isinstance(item, BarsClosed) and count < 50:
            count += 1
            world.send(Place(limit(f"b{count}", BUY, max(1, item.bars[0][1].close - 5), 1000)))
    stream = [e.at for e in heard if not isinstance(e, Reply)]
    assert stream == sorted(stream)
    assert fills(heard)


def test_the_world_is_a_port() -> None:
    port: Port = opened()
    assert list(port.instruments) == ["XYZUSDT"]


def test_time_goes_on_where_the_exchange_was_killed_under_latency(tmp_path: Path) -> None:
    tape = Tape({"XYZUSDT": [flat(0, 1000), flat(1, 1000)]})
    latency = FixedLatency(out=300, back=0)
    world = World(tape, config(), latency=latency, books=BooksFile(tmp_path / "exchange.db"))
    until(world, BarsClosed)
    world.send(Place(limit("b", BUY, 990, 1000)))
    world.next()
    again = World(tape, config(), latency=latency, books=BooksFile(tmp_path / "exchange.db"))
    assert again.now == world.now == START + MINUTE + 300
    assert [e.at for e in drain(again)] == [START + 2 * MINUTE]


# Faults


def faulty(faults: ScriptedFaults) -> World:
    world = World(Tape({"XYZUSDT": [flat(n, 1000) for n in range(5)]}), config(), faults=faults)
    until(world, BarsClosed)
    return world


def test_a_dropped_order_never_was_and_is_unresolved_after_the_timeout() -> None:
    world = faulty(ScriptedFaults(requests={0: Fate.DROP}))
    sent = world.now
    world.send(Place(limit("b", BUY, 990, 1000)))
    item = world.next()
    assert isinstance(item, OrderReport)
    assert (item.outcome, item.at, world.now) == (Outcome.UNRESOLVED, sent + 10_000, sent + 10_000)
    assert standing(world) == []


def test_an_order_whose_answer_is_lost_stands_and_is_unresolved() -> None:
    world = faulty(ScriptedFaults(requests={0: Fate.LOSE}))
    world.send(Place(limit("b", BUY, 990, 1000)))
    item = world.next()
    assert isinstance(item, OrderReport)
    assert item.outcome is Outcome.UNRESOLVED
    assert standing(world) == ["b"]


def test_the_fill_of_an_order_whose_answer_is_lost_is_still_heard() -> None:
    world = faulty(ScriptedFaults(requests={0: Fate.LOSE}))
    world.send(Place(market_order("m", BUY, 1000)))
    heard = until(world, BarsClosed)
    assert reports(heard, "m") == [Outcome.FILLED, Outcome.UNRESOLVED]
    assert len(fills(heard)) == 1


def test_an_overloaded_exchange_refuses_for_certain() -> None:
    world = faulty(ScriptedFaults(requests={0: Fate.REJECT}))
    world.send(Place(limit("b", BUY, 990, 1000)))
    item = answers(world)[0]
    assert isinstance(item, OrderReport)
    assert (item.outcome, item.code) == (Outcome.REFUSED, -1008)
    assert standing(world) == []


@pytest.mark.parametrize("fate", [Fate.DROP, Fate.LOSE])
def test_a_cancel_without_an_answer_is_unresolved(fate: Fate) -> None:
    world = faulty(ScriptedFaults(requests={1: fate}))
    place(world, limit("b", BUY, 990, 1000))
    world.send(Cancel("XYZUSDT", "b"))
    item = world.next()
    assert isinstance(item, OrderReport)
    assert item.outcome is Outcome.CANCEL_UNRESOLVED
    assert standing(world) == (["b"] if fate is Fate.DROP else [])


def test_a_query_without_an_answer_is_an_error_never_empty() -> None:
    world = faulty(ScriptedFaults(queries={0: Fate.DROP, 1: Fate.REJECT}))
    world.send(AskOpenOrders(1))
    world.send(AskOpenOrders(2))
    second, first = world.next(), world.next()
    for item in (first, second):
        assert isinstance(item, Reply)
        assert item.error
        assert item.open_orders is None


def test_events_can_be_lost_doubled_and_late() -> None:
    world = faulty(ScriptedFaults(events={0: (), 1: (0, 500), 2: (70_000,)}))
    world.send(Place(market_order("m", BUY, 1000)))
    heard = drain(world)
    assert reports(heard, "m") == [Outcome.FILLED]
    assert len(fills(heard)) == 2
    assert isinstance(heard[2], BarsClosed), "the late report was overtaken by a bar"
    assert len([e for e in heard if isinstance(e, BarsClosed)]) == 4, "the market's own stream is not touched"


# Determinism


def test_the_same_inputs_give_the_same_bytes() -> None:
    def run() -> bytes:
        faults = Trouble(7, OFTEN)
        tape = Tape({"XYZUSDT": wander(2, 300)})
        world = World(tape, config(), latency=DrawnLatency(3), faults=faults)
        heard = json.encode(list(Monkey(1).play(world)))
        assert faults.injected.keys() >= OFTEN.chances.keys()
        return heard

    assert run() == run()
