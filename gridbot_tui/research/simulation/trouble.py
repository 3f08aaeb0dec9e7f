"""What goes wrong on the line between the bot and the exchange, drawn message by message, or for a while."""

from collections import Counter
from random import Random
from typing import Final

from gridbot_tui.engine.events import Event
from gridbot_tui.exchange.port import Cancel, Place, Query, Request
from gridbot_tui.exchange.simulated.faults import Fate
from gridbot_tui.exchange.simulated.refusals import (
    MARGIN,
    PERCENT_HIGH,
    REDUCE_ONLY,
    TOO_MANY_ORDERS,
    UNKNOWN_ORDER,
    WOULD_TAKE,
    WOULD_TRIGGER,
    Refusal,
)
from gridbot_tui.orders.model import Purpose
from gridbot_tui.research.simulation.levels import Level
from gridbot_tui.units import Ms

TIMEOUT: Final[Ms] = 5_000
LATE_BY: Final[Ms] = 8_000
BAN: Final = Refusal(-1003, "Way too many requests; IP banned.")
REFUSALS: Final = (
    MARGIN,
    WOULD_TAKE,
    PERCENT_HIGH,
    TOO_MANY_ORDERS,
    Refusal(-1015, "Too many new orders."),
    Refusal(-1021, "Timestamp for this request is outside of the recvWindow."),
    Refusal(-1111, "Precision is over the maximum defined for this asset."),
    Refusal(-4164, "Order's notional must be no smaller than 5 (unless you choose reduce only)."),
)
PROTECTIVE_REFUSALS: Final = (REDUCE_ONLY, WOULD_TRIGGER, Refusal(-1015, "Too many new orders."))


class Trouble:
    """The World's ``Faults``, and the refusals and bans that the campaign's own port makes up."""

    active = True
    timeout: Ms = TIMEOUT

    def __init__(self, seed: int, level: Level) -> None:
        self._rng = Random(f"trouble/{seed}")
        self._chances = level.chances
        self.injected: Counter[str] = Counter()
        self.quiet = False
        """Nothing goes wrong any more."""
        self.outage_until: Ms = 0
        """Every request is lost, with or without having been executed."""
        self.stream_silent_until: Ms = 0
        """No account event arrives although the socket looks open."""
        self.ban_until: Ms = 0
        """Every request is answered with a ban."""
        self.refusing_until: Ms = 0
        """Every order that may add to a position is refused."""

    def troubled(self, at: Ms) -> bool:
        """True while the line is down in one way or another."""
        return at < max(self.outage_until, self.stream_silent_until, self.ban_until)

    def request(self, request: Request, at: Ms) -> Fate:
        """What becomes of a request on its way."""
        if at < self.outage_until:
            self.injected["request_in_outage"] += 1
            return Fate.DROP if self._rng.random() < 0.5 else Fate.LOSE
        if self.quiet or not self._chances:
            return Fate.PASS
        draw = self._rng.random()
        for fate in (Fate.DROP, Fate.LOSE, Fate.REJECT):
            chance = self._chances[f"request_{fate}"]
            if draw < chance:
                self.injected[f"{_what(request)}_{fate}"] += 1
                return fate
            draw -= chance
        return Fate.PASS

    def event(self, event: Event, at: Ms) -> tuple[Ms, ...]:
        """The delays with which an account event arrives, once, twice or never."""
        if at < self.stream_silent_until:
            self.injected["event_in_silence"] += 1
            return ()
        if self.quiet or not self._chances:
            return (0,)
        draw, chances = self._rng.random(), self._chances
        if draw < chances["event_lost"]:
            self.injected["event_lost"] += 1
            return ()
        draw -= chances["event_lost"]
        if draw < chances["event_twice"]:
            self.injected["event_twice"] += 1
            return (0, self._rng.randint(0, LATE_BY))
        draw -= chances["event_twice"]
        if draw < chances["event_late"]:
            self.injected["event_late"] += 1
            return (self._rng.randint(1, LATE_BY),)
        return (0,)

    def refusal(self, request: Request, at: Ms) -> Refusal | None:
        """A definite no that the exchange makes up, or a ban; None: the request goes out."""
        if at < self.ban_until:
            self.injected["banned"] += 1
            return BAN
        if at < self.refusing_until and isinstance(request, Place) and request.order.purpose is Purpose.GRID:
            self.injected["refused_for_minutes"] += 1
            return REFUSALS[-1]
        if self.quiet or not self._chances or self._rng.random() >= self._chances["refused"]:
            return None
        if isinstance(request, Place):
            protective = request.order.reduce_only or request.order.close_position
            chosen = self._rng.choice(PROTECTIVE_REFUSALS if protective else REFUSALS)
            self.injected[f"refused_{-chosen.code}"] += 1
            return chosen
        if isinstance(request, Cancel):
            self.injected["cancel_refused"] += 1
            return UNKNOWN_ORDER
        return None


def _what(request: Request) -> str:
    if isinstance(request, Query):
        return "query"
    return "cancel" if isinstance(request, Cancel) else "request"
