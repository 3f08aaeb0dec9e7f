"""A command that is sent again, because its sender never heard of the first, is done once: also by the next process."""

import asyncio
from pathlib import Path

from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.service.options import RunOptions
from gridbot_tui.units import Mode
from tests.service.living import Living

PAUSE = Command("c1", CommandKind.PAUSE)


def sim(home: Path) -> Living:
    return Living(RunOptions(mode=Mode.SIM, home=home, overrides=(("simulation.warmup_days", "0"),), json=True))


def paused(bot: Living) -> bool:
    desk = bot.parts.engine.desk
    return any(desk.latches.blocks(symbol) == "paused" for symbol in desk.symbols)


async def test_a_command_sent_again_is_acknowledged_and_not_carried_out_twice(tmp_path: Path) -> None:
    async with sim(tmp_path) as bot:
        session = bot.parts.session
        assert session.submit(PAUSE, "test").ok
        await bot.settle()
        assert paused(bot)
        first = await asyncio.wait_for(session.outcome("c1"), 30)
        assert first.ok
        assert session.submit(Command("c2", CommandKind.RESUME), "test").ok
        await bot.settle()
        assert not paused(bot)
        again = session.submit(PAUSE, "test")
        assert (again.ok, again.text) == (True, "already received")
        await bot.settle()
        assert not paused(bot)
        assert await session.outcome("c1") == first
    async with sim(tmp_path) as bot:
        session = bot.parts.session
        again = session.submit(PAUSE, "test")
        assert (again.ok, again.text) == (True, "already received")
        await bot.settle()
        assert not paused(bot)
        assert await session.outcome("c1") == first
        assert not (await session.outcome("c9")).ok
