"""Faults at exact places: the n-th trading request, query and account event, counted from 0."""

from collections import Counter

from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.port import Cancel, Place, Query, Request
from gridbot_tui.exchange.simulated.faults import Fate
from gridbot_tui.units import Ms


class ScriptedFaults:
    """Passes everything but what is written."""

    active = True
    timeout: Ms = 10_000

    def __init__(
        self,
        requests: dict[int, Fate] | None = None,
        events: dict[int, tuple[Ms, ...]] | None = None,
        queries: dict[int, Fate] | None = None,
    ) -> None:
        self._requests = requests or {}
        self._events = events or {}
        self._queries = queries or {}
        self._seen = Counter[str]()

    def request(self, request: Request, at: Ms) -> Fate:
        """The fate written for this request: orders and cancels are counted apart from queries."""
        if isinstance(request, Query):
            return self._queries.get(self._number("query"), Fate.PASS)
        if isinstance(request, Place | Cancel):
            return self._requests.get(self._number("request"), Fate.PASS)
        return Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """The deliveries written for this event."""
        return self._events.get(self._number("event"), (0,))

    def _number(self, kind: str) -> int:
        self._seen[kind] += 1
        return self._seen[kind] - 1
