"""The loop of virtual time lets others go on, whatever it passes over."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from gridbot_tui.service import runner
from gridbot_tui.service.pace import Pace
from gridbot_tui.service.runner import VirtualRunner


async def test_a_past_in_which_each_event_follows_bars_that_are_passed_over_lets_others_go_on(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(runner, "SLICE", 0.0)
    bot: Any = SimpleNamespace(failure="", report=None, receive=lambda _: None, time_passed=lambda _: None)
    bars = iter(range(1_000))
    world: Any = SimpleNamespace(now=0, peek_time=lambda: 0, next=lambda: next(bars, None))
    turn = 0

    def skip(_: int) -> int:
        nonlocal turn
        turn += 1
        return turn % 2 == 0  # an event, a leap, an event, ...

    turns = 0

    async def others() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    beside = asyncio.create_task(others())
    await asyncio.sleep(0)
    await VirtualRunner(bot, world, Pace(1.0)).run(until=1, skip=skip)
    beside.cancel()
    assert turns > 50, "signals and the control socket among them"
