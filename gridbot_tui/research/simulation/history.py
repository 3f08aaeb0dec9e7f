"""What happened in one seed, kept cheaply and told only where it is needed."""

from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime

import msgspec
from msgspec import Struct

from gridbot_tui.engine.actions import DecisionFact, EquityFact, Fact, PlanFact
from gridbot_tui.engine.events import BarsClosed, Tick
from gridbot_tui.exchange.port import AskAccount, AskBars, AskCash, AskFills, AskOpenOrders, Reply
from gridbot_tui.units import Ms

KEPT = 6_000
_DULL = (AskAccount, AskBars, AskCash, AskFills, AskOpenOrders, BarsClosed, EquityFact, PlanFact, Reply, Tick)


class History:
    """A bounded ring of (time, direction, thing)."""

    def __init__(self) -> None:
        self._ring: deque[tuple[Ms, str, object]] = deque(maxlen=KEPT)

    def note(self, at: Ms, way: str, thing: object) -> None:
        """Remember something: ``>`` sent, ``<`` received, ``=`` written down, ``!`` happened."""
        self._ring.append((at, way, thing))

    def lines(self, about: frozenset[str], count: int) -> list[str]:
        """The last ``count`` things that matter, of the named symbols or orders where any are named."""
        return list(self._told(about))[-count:]

    def _told(self, about: frozenset[str]) -> Iterator[str]:
        for at, way, thing in self._ring:
            if way in "<>=" and isinstance(thing, _DULL):
                continue
            if way == "=" and not isinstance(thing, DecisionFact) and isinstance(thing, Fact):
                continue
            words = thing if isinstance(thing, str) else told(thing)
            if way == "!" or not about or any(name in words for name in about):
                yield f"{clock(at)} {way} {words}"


def told(thing: object) -> str:
    """A struct in one line, without what says nothing."""
    if not isinstance(thing, Struct):
        return repr(thing)
    fields = msgspec.to_builtins(thing, builtin_types=(bytes,))
    assert isinstance(fields, dict)
    return f"{type(thing).__name__} {_flat(fields)}"


def _flat(fields: dict[str, object]) -> str:
    parts = []
    for name, value in fields.items():
        if name in ("type", "at") or value in ("", None, False, 0, [], {}):
            continue
        parts.append(f"{name}=({_flat(value)})" if isinstance(value, dict) else f"{name}={value}")
    return " ".join(parts)


def clock(at: Ms) -> str:
    """Virtual time of day."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%d %H:%M:%S.%f")[:-3]
