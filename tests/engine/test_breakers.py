"""Breakers at four levels: what trips each, what it stops, how it is said, how it ends, and that a crash keeps it."""

from collections.abc import Callable

import pytest
from msgspec import structs

from gridbot_tui.engine import breaking
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import Health, LinkChanged, OrderReport, Outcome, Tick
from gridbot_tui.engine.view_breakers import breakers_of
from gridbot_tui.orders.model import OrderState, Purpose
from gridbot_tui.risk.breakers import BY_NAME, RULES
from gridbot_tui.units import HOUR, MINUTE
from tests.engine.tape import BTC, flat
from tests.engine.test_edges import grid
from tests.simulation.rig import Rig


def quiet() -> Rig:
    """A long grid that has traded for two minutes and stands, with bids and asks."""
    rig = grid((600_000, 602_000, 598_000, 600_000), *[flat(600_000)] * 130)
    rig.run(until=rig.source.start + 3 * MINUTE)
    assert entries(rig)
    return rig


def entries(rig: Rig) -> int:
    """Bids that stand on the exchange: this grid is a long one."""
    return len(rig.world.exchange.venues[BTC].bids)


def unanswered(rig: Rig) -> None:
    for _ in range(5):
        rig.bot.receive(Health(rig.world.now, answered=False))


def slow(rig: Rig) -> None:
    for _ in range(5):
        rig.bot.receive(Health(rig.world.now, latency=9_000))


def stood_still(rig: Rig) -> None:
    rig.bot.receive(Health(rig.world.now, loop_lag=7_000))


def clock_behind(rig: Rig) -> None:
    rig.bot.receive(Tick(rig.world.now - 90_000))


def no_disk(rig: Rig) -> None:
    rig.bot.receive(LinkChanged(rig.world.now, "store", up=False, detail="the disk is full"))


def silent(rig: Rig) -> None:
    rig.bot.receive(LinkChanged(rig.world.now, "account", up=False, detail="nothing heard for 60 s"))


def lost_much(rig: Rig) -> None:
    desk = rig.engine.desk
    desk.vitals.falls.fall(rig.world.now, float(desk.ledger.capital.nav) * 1.2)
    rig.run(until=rig.world.now + HOUR)  # a decision bar looks


def refused(rig: Rig, *, passing: bool = False) -> None:
    desk, rig.checking = rig.engine.desk, False
    (first, *_) = [one.order for one in desk.orders.live(BTC) if one.order.purpose is Purpose.GRID]
    for number in range(12):
        order = structs.replace(first, client_id=desk.ids.issue(BTC, first.epoch, 20 + number, first.side))
        desk.orders.intend(order)
        no = OrderReport(rig.world.now, BTC, order.client_id, Outcome.REFUSED, code=-4164, detail="no", passing=passing)
        rig.engine.handle(no)


TRIPS: dict[str, tuple[Callable[[Rig], None], str]] = {
    "errors": (unanswered, ""),
    "latency": (slow, ""),
    "loop_lag": (stood_still, ""),
    "clock": (clock_behind, ""),
    "disk": (no_disk, ""),
    "silence": (silent, ""),
    "losses": (lost_much, ""),
    "rejects": (refused, BTC),
}


def test_what_an_exchange_that_is_away_or_too_busy_does_not_take_says_nothing_against_the_orders() -> None:
    rig = quiet()
    refused(rig, passing=True)
    assert not rig.engine.desk.breakers.is_open("rejects", BTC)


def test_every_breaker_is_tripped_here_but_the_one_that_a_crash_of_the_market_trips() -> None:
    assert {rule.name for rule in RULES} - TRIPS.keys() == {"liquidation"}


@pytest.mark.parametrize("name", sorted(TRIPS))
def test_a_breaker_stops_new_risk_says_why_outlives_a_kill_and_can_be_reset(name: str) -> None:
    rig = quiet()
    trip, symbol = TRIPS[name]
    trip(rig)
    desk, code = rig.engine.desk, BY_NAME[name].code
    assert desk.breakers.is_open(name, symbol)
    assert desk.no_new_risk(BTC)
    (said,) = [one for one in desk.blockers.ranked() if one.code == code]
    assert said.detail
    assert said.clears_when == BY_NAME[name].clears_when
    (seen,) = [one for one in breakers_of(desk) if one.state == "open" and one.name == name]
    assert (seen.symbol, seen.level, seen.reason) == (symbol, BY_NAME[name].level, said.detail)
    if name != "rejects":
        rig.settle()
        assert not entries(rig)
    again = Engine(rig.config, rig.world.instruments)
    rig.memory.restore(again)
    if name != "rejects":  # those reports came past the journal
        assert [(one.name, one.since) for one in again.desk.breakers.tripped()] == [
            (one.name, one.since) for one in desk.breakers.tripped()
        ]
    rig.order("reset", what="breakers")
    assert not desk.breakers.is_open(name, symbol)


@pytest.mark.parametrize(("name", "minutes"), [("errors", 3), ("latency", 3), ("loop_lag", 3), ("clock", 4)])
def test_a_breaker_closes_when_its_cause_has_been_over_for_its_time(name: str, minutes: int) -> None:
    rig = quiet()
    TRIPS[name][0](rig)
    rig.run(until=rig.world.now + minutes * MINUTE)
    assert not rig.engine.desk.breakers
    assert entries(rig)
    assert rig.problems == []


def test_the_breaker_of_refused_orders_closes_ten_minutes_after_the_last_of_them_and_not_after_twenty() -> None:
    rig = quiet()
    refused(rig)
    rig.run(until=rig.world.now + 9 * MINUTE)
    assert rig.engine.desk.breakers.is_open("rejects", BTC)
    rig.run(until=rig.world.now + 3 * MINUTE)
    assert not rig.engine.desk.breakers


def test_a_life_that_begins_with_a_disk_and_an_exchange_does_not_go_by_the_troubles_of_the_last() -> None:
    rig = quiet()
    no_disk(rig)
    silent(rig)
    rig.restart()
    rig.run(until=rig.world.now + 2 * MINUTE)
    assert not rig.engine.desk.breakers
    assert entries(rig)


def test_a_position_whose_stop_is_gone_for_long_takes_no_new_risk_until_one_rests() -> None:
    rig = quiet()
    desk = rig.engine.desk
    assert desk.ledger.position(BTC)
    stops = [one for one in desk.orders.live(BTC) if one.order.purpose is Purpose.STOP]
    for one in stops:
        one.state = OrderState.UNRESOLVED
    rig.checking = False
    for second in range(20):
        rig.engine.handle(Tick(rig.world.now + 1_000 * second))
    assert desk.blockers.holds(BTC, "unprotected")
    assert desk.blockers.holds(BTC, "unresolved")
    assert desk.no_new_risk(BTC) == "unprotected"
    for one in stops:
        one.state = OrderState.RESTING
    rig.engine.handle(Tick(rig.world.now + 21_000))
    assert not desk.blockers.holds(BTC, "unprotected")
    assert not desk.blockers.holds(BTC, "unresolved")


@pytest.mark.parametrize("listed", [True, False])
def test_a_stop_that_was_taken_and_is_denied_leaves_the_next_one_in_doubt_until_it_is_listed(listed: bool) -> None:
    """Else stops that are taken and known nowhere protect on the screen alone, one after the other."""
    rig = quiet()
    desk = rig.engine.desk
    (stop,) = [one for one in desk.orders.live(BTC) if one.order.purpose is Purpose.STOP]
    stop.exchange_id = "7"
    rig.checking = False
    rig.engine.handle(OrderReport(rig.world.now, BTC, stop.order.client_id, Outcome.ABSENT))
    stop.state = OrderState.RESTING  # as the one that is laid in its place
    desk.listed = set()
    for second in range(20):
        rig.engine.handle(Tick(rig.world.now + 1_000 * second))
    (said,) = [one for one in desk.blockers.every() if one.code == "unprotected"]
    assert "denies the stop that it had taken" in said.detail
    if listed:
        desk.listed = {stop.order.client_id}
    rig.engine.handle(Tick(rig.world.now + (21_000 if listed else 130_000)))
    assert not desk.blockers.holds(BTC, "unprotected")


def test_a_fall_from_the_highest_value_ever_is_said_until_it_is_reset() -> None:
    rig = quiet()
    desk = rig.engine.desk
    desk.tiers.top = desk.tiers.value / 0.7
    rig.checking = False
    rig.run(until=rig.world.now + 5 * MINUTE)
    assert desk.blockers.holds("", "absolute_drawdown")
    rig.order("reset", what="drawdown")
    assert not desk.blockers.holds("", "absolute_drawdown")




def test_a_breaker_that_opens_at_the_very_moment_of_a_decision_still_withdraws_the_entries() -> None:
    rig = quiet()
    desk = rig.engine.desk
    desk.symbols[BTC].shaped = (desk.turn, desk.now)  # just decided
    unanswered(rig)
    wanted = desk.symbols[BTC].desired
    assert wanted is not None
    assert not [slot for slot in wanted.resting if slot.entry and slot.state == "resting"]


@pytest.mark.parametrize("name", ["errors", "latency"])
def test_a_symbols_own_breaker_is_said_for_as_long_as_it_is_open(name: str) -> None:
    rig = quiet()
    desk = rig.engine.desk
    breaking.trip(desk, name, "half of a minute's requests", BTC)
    rig.run(until=rig.world.now + MINUTE)
    assert desk.breakers.is_open(name, BTC)
    assert not entries(rig)
    assert desk.blockers.holds(BTC, BY_NAME[name].code), "nothing desired, nothing withheld; said all the same"
    rig.run(until=rig.world.now + 4 * MINUTE)
    assert not desk.breakers
    assert entries(rig)
    assert not desk.blockers.holds(BTC, BY_NAME[name].code)


@pytest.mark.parametrize("timed", [True, False], ids=["by their news", "on the wire"])
def test_how_slow_an_exchange_is_goes_by_the_wire_where_orders_wait_in_line_before_they_leave(timed: bool) -> None:
    rig = quiet()
    desk, rig.checking = rig.engine.desk, False
    desk.config = structs.replace(desk.config, times_orders=timed)
    (first, *_) = [one.order for one in desk.orders.live(BTC) if one.order.purpose is Purpose.GRID]
    sent, late = rig.world.now, rig.world.now + 9_000
    for number in range(5):
        order = structs.replace(first, client_id=desk.ids.issue(BTC, first.epoch, 20 + number, first.side))
        desk.orders.intend(order).sent_at = sent
        rig.engine.handle(OrderReport(late, BTC, order.client_id, Outcome.ACCEPTED))
    assert desk.breakers.is_open("latency", BTC) is timed
    rig.engine.handle(Health(late, trips=(("", 20), ("ETHUSDT", 30), *[(BTC, 5_000)] * 4)))
    assert [(one.name, one.symbol) for one in desk.breakers.tripped()] == [("latency", BTC)]


def test_a_source_that_is_being_connected_holds_entries_and_trips_nothing_until_it_fails() -> None:
    rig = quiet()
    desk, at = rig.engine.desk, rig.world.now
    rig.bot.receive(LinkChanged(at, "account", up=False, detail="connecting", begins=True))
    assert desk.blockers.holds("", "link_down")
    assert not desk.breakers.tripped()
    rig.bot.receive(LinkChanged(at, "account", up=False, detail="account: refused"))
    assert [(one.name, one.detail) for one in desk.breakers.tripped()] == [("silence", "account: refused")]
    rig.bot.receive(LinkChanged(at, "account", up=True))
    assert not desk.blockers.holds("", "link_down")
