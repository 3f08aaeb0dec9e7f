"""The adapter's only time: the exchange's, as far as it is known, and waits that a test can shorten."""

import asyncio
import time
from typing import Protocol

from gridbot_tui.units import Ms


class Clock(Protocol):
    """Time and waiting. ``now_ms`` may be set right while running; ``monotonic`` never goes back."""

    def now_ms(self) -> Ms:
        """Milliseconds UTC by the exchange's clock."""
        ...

    def monotonic(self) -> float:
        """Seconds since some moment."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so long by ``monotonic``."""
        ...


class WallClock:
    """This machine's clock, corrected by how far the exchange's is ahead of it."""

    def __init__(self) -> None:
        self.offset: Ms = 0
        """Exchange time minus local time, ms; whoever asks the exchange for its time sets it."""

    def now_ms(self) -> Ms:
        """Milliseconds UTC by the exchange's clock."""
        return time.time_ns() // 1_000_000 + self.offset

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
