"""How long words take between the bot and the exchange."""

from random import Random
from typing import Protocol

from gridbot_tui.units import Ms


class Latency(Protocol):
    """One draw a message. Deterministic: the same calls in the same order give the same times."""

    def out(self, at: Ms) -> Ms:
        """From the bot to the exchange, ms."""
        ...

    def back(self, at: Ms) -> Ms:
        """From the exchange to the bot, ms."""
        ...


class FixedLatency:
    """The same delay always."""

    def __init__(self, out: Ms = 0, back: Ms = 0) -> None:
        self._out = out
        self._back = back

    def out(self, at: Ms) -> Ms:
        """The outward delay."""
        return self._out

    def back(self, at: Ms) -> Ms:
        """The delay of answers and events."""
        return self._back


class DrawnLatency:
    """Log-normal delays around a median, cut at a maximum: mostly steady, now and then late."""

    def __init__(self, seed: int, median: Ms = 40, spread: float = 0.5, most: Ms = 5_000) -> None:
        self._rng = Random(f"latency:{seed}")
        self._median = median
        self._spread = spread
        self._most = most
        self.factor = 1.0
        """How much slower than usual words travel now."""

    def out(self, at: Ms) -> Ms:
        """Half a round trip."""
        return self._draw()

    def back(self, at: Ms) -> Ms:
        """The other half."""
        return self._draw()

    def _draw(self) -> Ms:
        return min(self._most, round(self.factor * self._median * self._rng.lognormvariate(0.0, self._spread)))


NO_LATENCY = FixedLatency()
"""Everything arrives at the moment it is sent."""
