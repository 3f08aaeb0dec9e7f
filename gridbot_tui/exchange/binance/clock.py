"""The adapter's only time: the exchange's, as far as it is known, and waits that a test can shorten."""

import asyncio
import time
from typing import Final, Protocol

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


_STEADY: Final = getattr(time, "CLOCK_BOOTTIME", getattr(time, "CLOCK_MONOTONIC", None))
"""A clock that nobody sets and that goes on while the machine sleeps; None = there is none."""


_MS: Final = 1_000_000
STEP: Final[Ms] = 500
"""From here on two clocks have parted; what NTP corrects in five minutes by slewing is less."""


def _steady() -> int:
    return time.time_ns() if _STEADY is None else time.clock_gettime_ns(_STEADY)


class WallClock:
    """The exchange's time: as it last told it, and gone on since by a clock that nobody sets.

    A step of the machine's own clock (NTP, an operator, a resumed machine) must not close hours that are not over, nor
    have the engine wait for a future it has seen. Signatures go by the machine's: the exchange refuses the first one
    after a step, and the look at its clock that follows puts them right.
    """

    def __init__(self) -> None:
        self._ahead = time.time_ns() - _steady()
        self._offset: Ms = 0

    @property
    def offset(self) -> Ms:
        """Exchange time minus the machine's, ms; whoever asks the exchange for its time sets it."""
        return round((_steady() + self._ahead - time.time_ns()) / _MS)

    @offset.setter
    def offset(self, ms: Ms) -> None:
        self._offset = ms
        self._ahead = time.time_ns() + ms * _MS - _steady()

    @property
    def stepped(self) -> bool:
        """Whether the machine's clock and the steady one have parted since the exchange told its time: the one was set,
        or the other stood still with the machine (as under a hypervisor that paused it)."""
        return abs(self.offset - self._offset) >= STEP

    def now_ms(self) -> Ms:
        """Milliseconds UTC by the exchange's clock."""
        return (_steady() + self._ahead) // _MS

    def monotonic(self) -> float:
        """Seconds since some moment."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
