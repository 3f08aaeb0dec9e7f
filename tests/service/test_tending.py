"""What looks around while the bot trades: its end is told when it ends, and ends nothing else."""

import asyncio

from gridbot_tui.service.tending import tending


async def test_a_helper_that_fails_is_told_at_once_and_the_run_ends_as_it_would() -> None:
    told: list[str] = []
    cancelled = asyncio.Event()

    async def fails() -> None:
        raise ValueError("no such thing")

    async def goes_on() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    def heard(name: str, error: BaseException) -> None:
        told.append(f"{name}: {error}")

    async with tending({"the one": fails(), "the other": goes_on()}, heard):
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert told == ["the one: no such thing"]
        assert not cancelled.is_set()
    assert cancelled.is_set()
    assert told == ["the one: no such thing"], "one that is cancelled has not failed"
