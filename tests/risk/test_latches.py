"""Latches and breakers."""

import msgspec
import pytest

from gridbot_tui.orders.model import Target, TargetStyle
from gridbot_tui.risk.breakers import BY_NAME, RULES, Breakers, Level, Tripped
from gridbot_tui.risk.kill import Latches, LatchState
from gridbot_tui.risk.vitals import Peaks, Window


def test_kill_rules_everything_and_survives_a_restart() -> None:
    latches = Latches()
    latches.set("flatten", "BTCUSDT", "1")
    latches.set("kill", "", "operator")
    again = Latches(msgspec.json.decode(msgspec.json.encode(latches.state()), type=LatchState))
    assert again.blocks("ETHUSDT") == "kill"
    assert again.target("ETHUSDT") == Target(0, TargetStyle.TAKER, "kill")
    again.set("kill", "", "")
    assert again.target("ETHUSDT") is None
    target = again.target("BTCUSDT")
    assert target is not None
    assert target.reason == "flatten"


@pytest.mark.parametrize(
    ("name", "symbol", "value", "blocks"),
    [
        ("kill", "", "operator", "kill"),
        ("shutdown", "", "flatten", "shutdown"),
        ("shutdown", "", "keep", "shutdown"),
        ("paused", "BTCUSDT", "operator", "paused"),
        ("flatten", "", "operator", "flatten"),
        ("flatten", "BTCUSDT", "operator", "flatten"),
        ("stopped", "BTCUSDT", "fired", "stop_latched"),
    ],
)
def test_no_latch_is_lost_with_its_process(name: str, symbol: str, value: str, blocks: str) -> None:
    latches = Latches()
    latches.set(name, symbol, value)
    again = Latches(msgspec.json.decode(msgspec.json.encode(latches.state()), type=LatchState))
    assert again.state() == latches.state()
    assert again.blocks("BTCUSDT") == blocks
    closes = again.target("BTCUSDT") is not None
    assert closes == (name != "paused" and value != "keep")
    again.set(name, symbol, "")
    assert again.target("BTCUSDT") is None


def test_a_flatten_leaves_its_symbol_paused() -> None:
    latches = Latches()
    latches.set("flatten", "BTCUSDT", "1")
    latches.set("flatten", "BTCUSDT", "")
    assert latches.target("BTCUSDT") is None
    assert latches.blocks("BTCUSDT") == "paused"
    assert latches.blocks("ETHUSDT") == ""
    latches.set("paused", "", "")  # resume all
    assert latches.blocks("BTCUSDT") == ""


def test_a_pause_of_all_blocks_every_symbol_and_demands_no_position() -> None:
    latches = Latches()
    latches.set("paused", "", "1")
    assert latches.blocks("BTCUSDT") == "paused"
    assert latches.target("BTCUSDT") is None


def test_a_shutdown_that_keeps_positions_places_no_entries_and_closes_nothing() -> None:
    latches = Latches()
    latches.set("shutdown", "", "keep")
    assert (latches.blocks("BTCUSDT"), latches.target("BTCUSDT")) == ("shutdown", None)
    latches.set("shutdown", "", "flatten")
    target = latches.target("BTCUSDT")
    assert target is not None
    assert target.reason == "shutdown"


def test_a_halt_and_a_fired_stop_demand_flat() -> None:
    latches = Latches()
    latches.set("stopped", "BTCUSDT", "1")
    assert latches.blocks("BTCUSDT") == "stop_latched"
    assert latches.target("BTCUSDT") is not None
    assert latches.target("ETHUSDT") is None
    latches.set("halted", "", "1")
    assert latches.target("ETHUSDT") == Target(0, TargetStyle.TAKER, "tier3")


def test_an_unknown_latch_or_breaker_is_an_error() -> None:
    with pytest.raises(KeyError):
        Latches().set("pause", "", "1")
    with pytest.raises(KeyError):
        Breakers().trip("nonsense", 0, "")


def test_a_breaker_opens_once_keeps_its_start_and_blocks_its_scope() -> None:
    breakers = Breakers()
    assert not breakers
    assert breakers.trip("rejects", 5, "0.01 off", "BTCUSDT")
    assert not breakers.trip("rejects", 9, "0.02 off", "BTCUSDT")
    (one,) = breakers.tripped()
    assert (one.since, one.detail) == (5, "0.02 off")
    assert breakers.blocks("BTCUSDT") == "rejects"
    assert breakers.blocks("ETHUSDT") == ""
    breakers.trip("disk", 10, "read-only")
    assert breakers.blocks("ETHUSDT") == "store_unavailable"
    assert [one.name for one in breakers.tripped()] == ["disk", "rejects"]


def test_a_breaker_ends_with_its_condition_held_for_its_time_or_by_the_operator() -> None:
    breakers = Breakers()
    breakers.trip("clock", 0, "2 s off")
    assert not breakers.fine("clock", 1_000)
    assert not breakers.fine("clock", 60_999)
    breakers.trip("clock", 61_000, "again")
    assert not breakers.fine("clock", 62_000)
    assert breakers.fine("clock", 122_000)
    assert not breakers.fine("clock", 123_000)
    breakers.trip("rejects", 0, "refused", "BTCUSDT")
    again = Breakers(msgspec.json.decode(msgspec.json.encode(breakers.state()), type=tuple[Tripped, ...]))
    assert again.blocks("BTCUSDT") == "rejects"
    assert again.reset("rejects", "BTCUSDT")
    assert not again.reset("rejects", "BTCUSDT")


def test_every_breaker_says_when_it_clears_and_there_are_some_at_each_level() -> None:
    assert len(BY_NAME) == len(RULES)
    assert all(rule.clears_when for rule in RULES)
    assert {rule.level for rule in RULES} == set(Level)


def test_a_window_knows_what_was_bad_in_its_span_and_how_far_a_value_fell_in_it() -> None:
    window = Window(1_000)
    for at in range(0, 1_000, 100):
        window.add(at, bad=at >= 500)
    assert window.bad(900) == (5, 0.5)
    assert window.bad(1_550) == (4, 1.0)
    assert window.bad(10_000) == (0, 0.0)
    peaks = Peaks(1_000)
    assert peaks.fall(0, 1.0) == 0.0
    assert peaks.fall(500, 0.9) == pytest.approx(0.1)
    assert peaks.fall(1_000, 0.95) == pytest.approx(0.05)
    assert peaks.fall(1_400, 0.9) == pytest.approx(1 - 0.9 / 0.95)
