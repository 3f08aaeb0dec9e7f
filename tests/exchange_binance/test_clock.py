"""The exchange's time while somebody sets the machine's clock, or the machine sleeps."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gridbot_tui.exchange.binance import clock as adapter_clock
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.clock_keeper import keep_clock
from gridbot_tui.exchange.binance.errors import RetryLater
from tests.exchange_binance.virtual import VirtualClock, at_once

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
    assert clock.stepped
    clock.offset = 3_600_040  # measured anew
    assert clock.now_ms() == before
    assert not clock.stepped


def test_a_machine_that_was_paused_from_outside_is_noticed_and_small_corrections_are_not(
    machine: SimpleNamespace,
) -> None:
    clock = WallClock()
    machine.wall += 499_000_000
    assert not clock.stepped
    machine.wall += 60_000_000_000  # NTP has told the machine what it missed
    assert clock.stepped


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


def test_the_exchange_is_asked_for_its_time_now_and_then_and_at_once_after_a_step() -> None:
    class Rest:
        clock_stepped = False
        asked: list[float]

        async def server_time(self) -> int:
            self.asked.append(asyncio.get_running_loop().time())
            self.clock_stepped = False
            raise RetryLater("no answer")

    async def run() -> list[float]:
        rest, clock = Rest(), VirtualClock()
        rest.asked = []
        told: Any = rest
        running = asyncio.create_task(keep_clock(told, clock, 300.0))
        began = asyncio.get_running_loop().time()
        await asyncio.sleep(401)
        rest.clock_stepped = True
        await asyncio.sleep(400)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        return [at - began for at in rest.asked]

    assert at_once(run()) == [300.0, 405.0, 705.0]
