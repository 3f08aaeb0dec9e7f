"""What may go wrong between the bot and the exchange. The exchange itself never lies to its own books."""

from enum import StrEnum
from typing import Final, Protocol

from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.port import Request
from gridbot_tui.units import Ms


class Fate(StrEnum):
    """What becomes of a request."""

    PASS = "pass"
    DROP = "drop"
    """Lost before execution; the bot hears nothing but its own timeout."""
    LOSE = "lose"
    """Executed, the answer lost; the bot hears its timeout, and the event stream's part of the story."""
    REJECT = "reject"
    """Refused by a system that is overloaded: certainly not executed."""


OVERLOAD_CODE: Final = -1008
"""Request throttled by system-level protection: a certain failure."""


class Faults(Protocol):
    """Hook points, asked in a fixed order, so that a seed gives one story."""

    active: bool
    """False: no hook is ever called."""
    timeout: Ms
    """How long the bot waits for a lost answer."""

    def request(self, request: Request, at: Ms) -> Fate:
        """What becomes of a request that leaves the bot."""
        ...

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """Extra delay of each delivered copy of an account event: ``(0,)`` as it should be, ``()`` lost."""
        ...


class NoFaults:
    """A perfect line."""

    active = False
    timeout: Ms = 10_000

    def request(self, request: Request, at: Ms) -> Fate:
        """Always passes."""
        return Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """Always once, at once."""
        return (0,)


NO_FAULTS = NoFaults()
