"""The loop of real time ends when it is told to, at whatever turn that comes."""

import asyncio
from typing import Any

import pytest

from gridbot_tui.service.real_runner import RealRunner


class _Bot:
    """Hears everything and does nothing."""

    recovered = True
    failure = ""
    report = None

    def receive(self, incoming: Any) -> None:
        """Nothing follows."""

    def flush(self) -> None:
        """Nothing waits."""


@pytest.mark.parametrize("turns", range(6))
async def test_a_runner_that_is_cancelled_while_something_wakes_it_ends_all_the_same(turns: int) -> None:
    runner = RealRunner(_Bot(), lambda: 1)  # type: ignore[arg-type]
    task = asyncio.create_task(runner.run())
    for _ in range(3):
        await asyncio.sleep(0)
    runner.wake()
    for _ in range(turns):
        await asyncio.sleep(0)
    task.cancel()
    await asyncio.wait([task], timeout=30)
    assert task.cancelled()
