"""The exchange's time while somebody sets the machine's clock, or the machine sleeps."""

from types import SimpleNamespace

import pytest

from gridbot_tui.exchange.binance import clock as adapter_clock
from gridbot_tui.exchange.binance.clock import WallClock

HOUR_NS = 3_600_000_000_000


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A machine whose two clocks a test moves."""
    one = SimpleNamespace(wall=1_790_000_000_000_000_000, steady=5_000_000_000)
    told = SimpleNamespace(time_ns=lambda: one.wall, clock_gettime_ns=lambda _: one.steady, monotonic=lambda: 0.0)
    monkeypatch.setattr(adapter_clock, "time", told)
    return one


def test_a_step_of_the_machines_clock_moves_no_time_but_is_seen(machine: SimpleNamespace) -> None:
    clock = WallClock()
    clock.offset = 40
    before = clock.now_ms()
    for step in (HOUR_NS, -2 * HOUR_NS):
        machine.wall += step
        assert clock.now_ms() == before
    assert clock.offset == 40 + 3_600_000, "the machine is an hour behind now"
    clock.offset = 3_600_040  # measured anew
    assert clock.now_ms() == before


def test_time_goes_on_with_both_clocks_also_through_a_sleep(machine: SimpleNamespace) -> None:
    clock = WallClock()
    before = clock.now_ms()
    machine.wall += 8 * HOUR_NS
    machine.steady += 8 * HOUR_NS
    assert (clock.now_ms() - before, clock.offset) == (8 * 3_600_000, 0)


def test_without_a_steady_clock_it_goes_by_the_machines(
    machine: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(adapter_clock, "_STEADY", None)
    clock = WallClock()
    clock.offset = -7
    assert clock.now_ms() == 1_790_000_000_000 - 7
