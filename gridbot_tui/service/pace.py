"""How fast virtual time goes: a multiple of real time, or as fast as the processor allows."""

import math
import time


class Pace:
    """Maps the wall clock to virtual time. Changing the speed never makes virtual time jump."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.racing_to: int | None = None
        """Virtual time up to which a past is lived through as fast as the processor allows; None: it is over."""
        self._virtual = 0
        self._wall = 0.0

    def anchor(self, virtual_ms: int) -> None:
        """From here on ``virtual_ms`` is now."""
        self._virtual = virtual_ms
        self._wall = time.monotonic()

    def change(self, speed: float, virtual_ms: int) -> None:
        """Go on from ``virtual_ms`` at another speed."""
        self.speed = speed
        self.anchor(virtual_ms)

    def wait_s(self, virtual_ms: int) -> float:
        """Seconds of real time until ``virtual_ms`` is due; 0 when it is or when there is no pacing."""
        if math.isinf(self.speed):
            return 0.0
        due = self._wall + (virtual_ms - self._virtual) / 1000.0 / self.speed
        return max(0.0, due - time.monotonic())

    @property
    def label(self) -> str:
        """``max`` or the multiple, for people and for the snapshot."""
        return "max" if math.isinf(self.speed) or self.racing_to is not None else f"{self.speed:g}"


def parse_speed(text: str) -> float:
    """A positive multiple of real time, or ``max``. ValueError with a sentence otherwise."""
    if text.strip().lower() == "max":
        return math.inf
    try:
        speed = float(text)
    except ValueError:
        speed = math.nan
    if not 0.01 <= speed <= 1e6:
        raise ValueError(f"speed '{text}' is neither 'max' nor a number from 0.01 to 1000000")
    return speed
