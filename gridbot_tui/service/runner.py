"""The loop of virtual time: take what the World has next, at the pace wanted, and let the bot handle it.

No thread runs here. The loop yields to asyncio often enough for the control socket and signals, at most
``SLICE`` seconds apart, and sleeps only when virtual time is ahead of the clock.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from gridbot_tui.exchange.port import Incoming
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.pace import Pace
from gridbot_tui.units import Ms

SLICE = 0.010
LONGEST_SLEEP = 0.25


class Runner(Protocol):
    """What faces and commands need of the loop that drives a bot."""

    pace: Pace
    real_time: bool
    """True where nobody can change the speed."""
    leaving: bool
    """Set to stop without touching an order (handover)."""

    @property
    def data_ended(self) -> bool:
        """True where the market has said its last word."""
        ...

    def wake(self) -> None:
        """Something changed from outside: look again at once."""
        ...


class VirtualWorld(Protocol):
    """What the runner needs of the simulated exchange's World."""

    @property
    def now(self) -> Ms:
        """Virtual time."""
        ...

    def next(self) -> Incoming | None:
        """Advance to the next thing the bot would receive; None = the data ended and nothing is pending."""
        ...

    def peek_time(self) -> Ms | None:
        """When that would be."""
        ...


class VirtualRunner:
    """Runs one bot on one World until the data end, a shutdown is reported, or it is told to leave."""

    def __init__(self, bot: Bot, world: VirtualWorld, pace: Pace) -> None:
        self._bot = bot
        self._world = world
        self.pace = pace
        self._wake = asyncio.Event()
        self.real_time = False
        self.leaving = False
        """Set to stop without touching an order (handover)."""
        self.data_ended = False
        self.events = 0

    def wake(self) -> None:
        """Something changed from outside (a command, a speed): look again at once."""
        self._wake.set()

    async def run(self, until: Ms | None = None, skip: Callable[[Ms], int] | None = None) -> None:
        """Go on until there is nothing more to do; with ``until``, only to that virtual time, at full speed.

        Args:
            until: last virtual time.
            skip: passes over bars that concern nobody, up to a time; how many it did.
        """
        slice_end = time.monotonic() + SLICE
        while not self.over:
            if until is not None and skip is not None and skip(until):
                self._bot.time_passed(self._world.now)
            else:
                due = self._world.peek_time()
                if until is not None and due is not None and due > until:
                    return
                if until is None and due is not None and await self._sleep_until(due):
                    slice_end = time.monotonic() + SLICE
                    continue
                incoming = self._world.next()
                if incoming is None:
                    self.data_ended = True
                    return
                self._bot.receive(incoming)
            self.events += 1
            if self.events & 15 == 0 and time.monotonic() >= slice_end:
                await asyncio.sleep(0)
                slice_end = time.monotonic() + SLICE

    @property
    def over(self) -> bool:
        """True when there is nothing more to do."""
        return self.leaving or bool(self._bot.failure) or self._bot.report is not None

    async def _sleep_until(self, due: Ms) -> bool:
        """Sleep if it is too early; True when it slept and the situation has to be looked at again."""
        if due <= self._world.now:
            return False
        wait = self.pace.wait_s(due)
        if wait <= 0.0:
            return False
        self._bot.flush()
        self._wake.clear()
        timer = asyncio.get_running_loop().call_later(min(wait, LONGEST_SLEEP), self._wake.set)
        try:
            await self._wake.wait()
        finally:
            timer.cancel()
        return True
