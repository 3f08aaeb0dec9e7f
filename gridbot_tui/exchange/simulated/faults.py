"""What may go wrong between the bot and the exchange. The exchange itself never lies to its own books."""

from collections import Counter
from enum import StrEnum
from random import Random
from typing import Final, Protocol

from msgspec import Struct

from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.port import Cancel, Place, Query, Request
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
    injected: Counter[str]
    """How often each kind was injected."""

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

    def __init__(self) -> None:
        self.injected: Counter[str] = Counter()

    def request(self, request: Request, at: Ms) -> Fate:
        """Always passes."""
        return Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """Always once, at once."""
        return (0,)


NO_FAULTS = NoFaults()


class FaultRates(Struct, frozen=True):
    """Chances per request or event, each in [0, 1]."""

    drop: float = 0.0
    lose: float = 0.0
    reject: float = 0.0
    event_lost: float = 0.0
    event_twice: float = 0.0
    event_late: float = 0.0
    late_by: Ms = 3_000
    """Largest extra delay of a late event; it may then overtake or be overtaken."""
    timeout: Ms = 10_000


class RandomFaults:
    """Faults drawn from a seed."""

    active = True

    def __init__(self, seed: int, rates: FaultRates) -> None:
        self._rng = Random(f"faults:{seed}")
        self._rates = rates
        self.timeout = rates.timeout
        self.injected: Counter[str] = Counter()

    def request(self, request: Request, at: Ms) -> Fate:
        """One draw decides among drop, lose, reject and pass."""
        rates, draw = self._rates, self._rng.random()
        for fate, chance in ((Fate.DROP, rates.drop), (Fate.LOSE, rates.lose), (Fate.REJECT, rates.reject)):
            if draw < chance:
                self.injected[f"request_{fate}"] += 1
                return fate
            draw -= chance
        return Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """One draw decides among lost, twice, late and as it should be."""
        rates, draw = self._rates, self._rng.random()
        if draw < rates.event_lost:
            self.injected["event_lost"] += 1
            return ()
        draw -= rates.event_lost
        if draw < rates.event_twice:
            self.injected["event_twice"] += 1
            return (0, self._rng.randint(0, rates.late_by))
        draw -= rates.event_twice
        if draw < rates.event_late:
            self.injected["event_late"] += 1
            return (self._rng.randint(1, max(1, rates.late_by)),)
        return (0,)


class ScriptedFaults:
    """Faults at exact places: the n-th trading request and the n-th account event, counted from 0."""

    active = True

    def __init__(
        self,
        requests: dict[int, Fate] | None = None,
        events: dict[int, tuple[Ms, ...]] | None = None,
        queries: dict[int, Fate] | None = None,
        timeout: Ms = 10_000,
    ) -> None:
        self._requests = requests or {}
        self._events = events or {}
        self._queries = queries or {}
        self._seen = Counter[str]()
        self.timeout = timeout
        self.injected: Counter[str] = Counter()

    def request(self, request: Request, at: Ms) -> Fate:
        """The fate written for this request: orders and cancels are counted apart from queries."""
        if isinstance(request, Query):
            return self._look(self._queries, "query")
        if isinstance(request, Place | Cancel):
            return self._look(self._requests, "request")
        return Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """The deliveries written for this event."""
        number = self._seen["event"]
        self._seen["event"] += 1
        delays = self._events.get(number, (0,))
        if delays != (0,):
            self.injected["event"] += 1
        return delays

    def _look(self, script: dict[int, Fate], kind: str) -> Fate:
        number = self._seen[kind]
        self._seen[kind] += 1
        fate = script.get(number, Fate.PASS)
        if fate is not Fate.PASS:
            self.injected[f"{kind}_{fate}"] += 1
        return fate
