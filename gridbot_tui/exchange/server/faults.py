"""The menu of faults: which one befalls a request, an event or a connection, and when."""

from collections import Counter
from collections.abc import Callable
from fnmatch import fnmatchcase
from random import Random
from typing import Final

import msgspec
from msgspec import Struct

from gridbot_tui.units import Ms

REQUESTS: Final = {
    "timeout": "no answer ever; ``executed`` says whether it took effect",
    "backend_timeout": "408 with -1007; ``executed`` says whether it took effect",
    "unknown": "503 'Unknown error' without a code; ``executed`` says whether it took effect",
    "unavailable": "503 'Service Unavailable.': certainly not executed",
    "internal": "503 'Internal error; unable to process': certainly not executed",
    "throttled": "503 with -1008, except for cancels, reduce-only and close-position orders",
    "no_code": "400 with a body that has a message and no code",
    "html": "an HTML page with ``status`` (403 or 502)",
    "empty": "``status`` with an empty body",
    "truncated": "200 with half of the JSON; executed",
    "reset": "the connection is reset; ``executed`` says whether it took effect",
    "slow": "executed ``ms`` late",
    "late": "executed at once, answered ``ms`` late",
    "rate_limit": "429 with Retry-After",
    "ban": "418 with Retry-After, and the address stays banned for ``ms``",
    "refuse": "``status`` with ``code`` and ``msg`` of the rule: certainly not executed",
}
EVENTS: Final = {
    "drop": "the event never arrives",
    "duplicate": "it arrives ``count`` more times",
    "delay": "it arrives ``ms`` late, behind what follows it",
    "reorder": "it changes places with the next one",
}
ACTIONS: Final = {
    "disconnect": "matching connections are closed with 1006",
    "silence": "matching connections stay open and say nothing more, for ``ms``, or for good where that is 0",
    "shutdown": "matching connections are told serverShutdown and closed after ``ms``",
    "flood": "``count`` trades of every symbol at once",
    "skew": "the told time is ``ms`` off, that of events too",
    "maintenance": "every request is refused for ``ms``, or until the next such action where that is 0",
    "expire_listen_key": "every listen key dies",
    "delist": "``symbol`` stops trading; futures positions are settled",
    "liquidate": "every futures account is liquidated",
    "deleverage": "every position of ``symbol`` is deleveraged by half",
    "ping_stop": "the exchange no longer answers pings of matching connections",
}
KINDS: Final = {**REQUESTS, **EVENTS, **ACTIONS}
OF_A_SYMBOL: Final = ("delist", "deleverage")
"""Actions that are done to one symbol."""
_RANGES: Final[dict[str, tuple[float, float]]] = {
    "status": (200, 599), "after": (0, 10**12), "times": (0, 10**12), "probability": (0, 1), "from_ms": (0, 10**13),
    "until_ms": (0, 10**13), "count": (1, 100_000), "ms": (-(10**12), 10**12),
}  # fmt: skip
"""What would never befall anything, or would hold up everything, is no rule."""


class Rule(Struct, frozen=True, forbid_unknown_fields=True):
    """One fault. ``on`` is a pattern: ``POST /fapi/v1/order``, ``ws order.place``, ``ORDER_TRADE_UPDATE``, a stream."""

    kind: str
    on: str = "*"
    after: int = 0
    """Matches that go by before the first fault."""
    times: int = 1
    """How often at most; 0 = without end."""
    probability: float = 1.0
    from_ms: int = 0
    """Exchange time since the rules began."""
    until_ms: int = 0
    """0 = no end."""
    executed: bool = True
    ms: int = 0
    count: int = 1
    status: int = 502
    code: int = -1000
    msg: str = "An unknown error occurred while processing the request."
    symbol: str = ""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault is called {self.kind!r}: there are {', '.join(sorted(KINDS))}")
        for name, (low, high) in _RANGES.items():
            value = getattr(self, name)
            if not low <= value <= high:
                raise ValueError(f"{name} must be from {low:,} to {high:,}, not {value}")
        if self.ms < 0 and self.kind != "skew":
            raise ValueError(f"ms must be 0 or more, not {self.ms}")
        if self.until_ms and self.until_ms <= self.from_ms:
            raise ValueError(f"until_ms must be later than from_ms ({self.from_ms}), or 0, not {self.until_ms}")
        if self.kind in OF_A_SYMBOL and not self.symbol:
            raise ValueError(f"{self.kind} needs a symbol")


class _State:
    __slots__ = ("done", "rule", "seen")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.seen = 0
        self.done = 0


class Faults:
    """Rules in the order given; the first that applies wins."""

    def __init__(self, now: Callable[[], Ms], seed: int = 1) -> None:
        self._now = now
        self._began = now()
        self._rng = Random(f"faults:{seed}")
        self._rules: list[_State] = []
        self.injected: Counter[str] = Counter()
        self.active = False

    def load(self, rules: list[Rule], *, keep: bool = False) -> None:
        """Take new rules; their times begin now."""
        if not keep:
            self._rules = []
            self._began = self._now()
        self._rules += [_State(rule) for rule in rules]
        self.active = bool(self._rules)

    def request(self, name: str) -> Rule | None:
        """What befalls a request."""
        return self._pick(name, REQUESTS) if self.active else None

    def event(self, name: str) -> Rule | None:
        """What befalls an event on its way to one listener."""
        return self._pick(name, EVENTS) if self.active else None

    def due(self) -> list[Rule]:
        """Actions whose time has come."""
        if not self.active:
            return []
        found = []
        for state in self._rules:
            if state.rule.kind in ACTIONS and self._in_time(state.rule) and self._strikes(state):
                found.append(state.rule)
        return found

    def _in_time(self, rule: Rule) -> bool:
        at = self._now() - self._began
        return at >= rule.from_ms and (not rule.until_ms or at < rule.until_ms)

    def _pick(self, name: str, menu: dict[str, str]) -> Rule | None:
        for state in self._rules:
            rule = state.rule
            if rule.kind in menu and fnmatchcase(name, rule.on) and self._in_time(rule) and self._strikes(state):
                return rule
        return None

    def _strikes(self, state: _State) -> bool:
        rule = state.rule
        if rule.times and state.done >= rule.times:
            return False
        state.seen += 1
        if state.seen <= rule.after or (rule.probability < 1 and self._rng.random() >= rule.probability):
            return False
        state.done += 1
        self.injected[rule.kind] += 1
        return True


def read_rules(raw: bytes) -> list[Rule]:
    """A JSON list of rules.

    Raises:
        ValueError: not such a list, an unknown field or kind.
    """
    try:
        return msgspec.json.decode(raw, type=list[Rule])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise ValueError(f"these are no fault rules: {error}") from error
