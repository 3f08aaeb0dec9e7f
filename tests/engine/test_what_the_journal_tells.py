"""Facts that come seldom, replayed without a snapshot: the engine that they lead to is the one that wrote them."""

from gridbot_tui.engine.actions import AdoptFact, BreakerFact
from gridbot_tui.engine.core import Engine
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.store import codec
from gridbot_tui.units import DAY, MINUTE, Market, Side
from tests.engine.tape import BTC, Tape, flat
from tests.engine.test_edges import plain
from tests.simulation.rig import Rig, config


def trading() -> Rig:
    """A long grid that stands; no snapshot is taken after the first."""
    tape = Tape(flat(600_000), (600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 20)
    rig = Rig(tape, engine=config(Market.FUTURES, (BTC,), ladder=plain()), state_every=365 * DAY)
    rig.run(until=rig.source.start + 3 * MINUTE)
    return rig


def replayed(rig: Rig) -> Engine:
    """Another process on the journal alone."""
    again = Engine(rig.config, rig.world.instruments)
    for body in rig.memory.bodies:
        again.apply(codec.decode(body))
    return again


def test_an_order_of_ours_that_no_record_told_of_is_in_the_book_after_a_kill_too() -> None:
    rig = trading()
    rig.checking = False  # that order's place is taken by another
    number = rig.engine.desk.ids.issue(BTC, 0, 77, Side.BUY)
    lost = NewOrder(number, BTC, Side.BUY, OrderKind.LIMIT, 5, 540_000, Purpose.GRID, rig.world.now, post_only=True)
    assert rig.world.owner.manual_order(lost) is None
    rig.settle()
    rig.bot.reconcile(rig.engine.now)
    rig.settle()
    assert any(isinstance(codec.decode(body), AdoptFact) for body in rig.memory.bodies)
    one, other = rig.engine.desk.orders.state(), replayed(rig).desk.orders.state()
    assert number in {record.order.client_id for record in (*one.live, *one.ended)}
    assert (other.live, other.ended) == (one.live, one.ended)


def test_learning_that_was_frozen_is_frozen_after_a_kill_and_thawed_where_it_was_thawed() -> None:
    rig = trading()
    rig.order("learning", action="freeze")
    assert rig.engine.desk.strategy.frozen
    assert replayed(rig).desk.strategy.frozen
    rig.order("learning", action="thaw")
    assert not replayed(rig).desk.strategy.frozen


def test_a_breaker_that_this_version_does_not_know_opens_nothing() -> None:
    again = replayed(trading())
    again.apply(BreakerFact(again.now, "phase_of_the_moon", "", "system", "full", again.now))
    assert not again.desk.breakers
    assert not again.desk.no_new_risk(BTC)
