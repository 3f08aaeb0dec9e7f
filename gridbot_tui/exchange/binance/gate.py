"""The door all connections of a process go through: Binance counts dials per address."""

import asyncio
import random
from collections import deque

from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.errors import CUT_OFF_S
from gridbot_tui.exchange.binance.timing import StreamTiming


class Gate:
    """Lets at most ``timing.dials`` connections a window begin, and none while the exchange keeps us out."""

    def __init__(self, timing: StreamTiming, clock: Clock) -> None:
        self._timing = timing
        self._clock = clock
        self._dialled: deque[float] = deque()
        self._closed_until = 0.0
        self._turn = asyncio.Lock()

    async def enter(self) -> None:
        """Wait for the right to dial once."""
        async with self._turn:
            while (wait := self._wait()) > 0:
                await self._clock.sleep(wait)
            self._dialled.append(self._clock.monotonic())

    def shut(self, seconds: float) -> None:
        """The exchange wants to see nobody of ours for so long."""
        self._closed_until = max(self._closed_until, self._clock.monotonic() + seconds + CUT_OFF_S)

    def _wait(self) -> float:
        now = self._clock.monotonic()
        while self._dialled and now - self._dialled[0] >= self._timing.dials_window:
            self._dialled.popleft()
        full = len(self._dialled) >= self._timing.dials
        room = self._dialled[0] + self._timing.dials_window - now if full else 0.0
        return max(room, self._closed_until - now)


class Backoff:
    """Pauses between tries: none, then doubling with jitter up to a limit."""

    def __init__(self, timing: StreamTiming, chance: random.Random) -> None:
        self._timing = timing
        self._chance = chance
        self._tries = 0

    def next(self) -> float:
        """Seconds to wait before the try at hand."""
        tries, self._tries = self._tries, self._tries + 1
        if not tries:
            return 0.0
        most = min(self._timing.retry_most, self._timing.retry_first * 2.0 ** min(tries - 1, 30))
        return most * (0.5 + 0.5 * self._chance.random())

    def good(self) -> None:
        """A connection has proved itself: the next loss is a new one."""
        self._tries = 0
