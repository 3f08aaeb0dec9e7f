"""The exchange's time."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import time_ns
from typing import Final

from gridbot_tui.units import Ms

TOO_LONG_US: Final = 50_000
"""Work of the exchange that takes longer of the machine's time takes none of the exchange's, where that is quick."""


def wall_us() -> int:
    """Microseconds UTC of this machine."""
    return time_ns() // 1000


class Clock:
    """Starts at the wall clock's time and runs ``speed`` times as fast; never goes back."""

    def __init__(self, speed: float = 1.0, wall: Callable[[], int] = wall_us) -> None:
        self._wall = wall
        self._from_wall = self._from_own = wall()
        self._speed = speed
        self._standing: int | None = None
        """The time while the exchange is at work."""
        self.skew: Ms = 0
        """Added to what the exchange tells of its time, in events too, and to nothing else: a fault."""

    @property
    def speed(self) -> float:
        """Exchange seconds per second."""
        return self._speed

    @speed.setter
    def speed(self, speed: float) -> None:
        self._from_own, self._from_wall = self.now_us(), self._wall()
        self._speed = speed

    def now_us(self) -> int:
        """Microseconds of the exchange."""
        if self._standing is not None:
            return self._standing
        return self._from_own + int((self._wall() - self._from_wall) * self._speed)

    def now(self) -> Ms:
        """Milliseconds of the exchange."""
        return self.now_us() // 1000

    def told(self) -> Ms:
        """What the exchange says the time is."""
        return self.now() + self.skew

    @contextmanager
    def standing(self) -> Iterator[None]:
        """Work in one moment. In quick time what it takes too long for is no time of the exchange's.

        A speed that the machine cannot keep up with would otherwise make ever more to do of what is done, for good.
        """
        if self._speed <= 1 or self._standing is not None:
            yield
            return
        self._standing, began = self.now_us(), self._wall()
        try:
            yield
        finally:
            self._standing = None
            took = self._wall() - began
            if took > TOO_LONG_US:
                self._from_wall += took

    def jump(self, ms: Ms) -> None:
        """Let time pass at once."""
        self._from_own += ms * 1000

    def for_clients(self, ms: Ms) -> Ms:
        """A span within which a client must act, in the exchange's time: clients go by the clock on their wall."""
        return round(ms * max(1.0, self._speed))

    def wall_ms(self) -> Ms:
        """The machine's time; clients that do not ask the exchange sign with it."""
        return self._wall() // 1000

    async def reach(self, at: Ms) -> None:
        """Wait until a moment of the exchange, in short naps: the speed may change, and time may jump."""
        while (left := self.seconds_until(at)) > 0:  # noqa: ASYNC110 (nothing tells when a clock is moved)
            await asyncio.sleep(min(0.25, left + 0.001))

    def seconds_until(self, at: Ms) -> float:
        """Real seconds until a moment of the exchange; 0 if it has passed."""
        return max(0.0, (at - self.now_us() / 1000) / 1000 / self._speed)
