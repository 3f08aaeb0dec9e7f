"""How hard a campaign is: chances of what may go wrong with each message, and how often the rest happens."""

from typing import Final

from msgspec import Struct


class Level(Struct, frozen=True):
    """One degree of hardness."""

    name: str
    chances: dict[str, float]
    """Of each request (``request_*``, ``refused``) or account event (``event_*``), in [0, 1]."""
    per_hour: dict[str, float]
    """Mean number of each kind of happening in a virtual hour."""
    latency: int
    """Median of one way, ms."""
    spread: float
    """Of the log of the latency."""


_COMMANDS: Final = {"pause": 0.25, "flatten": 0.15, "kill": 0.06, "stop": 0.06, "reload": 0.4, "learning": 0.1}
_OWNER: Final = {
    "manual_order": 0.3,
    "manual_cancel": 0.5,
    "manual_trade": 0.2,
    "manual_leverage": 0.15,
    "deposit": 0.2,
    "withdrawal": 0.2,
}

LEVELS: Final[dict[str, Level]] = {
    "none": Level("none", {}, _COMMANDS, 40, 0.3),
    "light": Level(
        "light",
        {
            "request_drop": 0.004,
            "request_lose": 0.004,
            "request_reject": 0.004,
            "refused": 0.004,
            "event_lost": 0.002,
            "event_twice": 0.01,
            "event_late": 0.01,
        },
        {**_COMMANDS, **_OWNER, "death": 0.3, "handover": 0.15, "outage": 0.1, "stream_silent": 0.2, "gap": 0.05},
        60,
        0.5,
    ),
    "heavy": Level(
        "heavy",
        {
            "request_drop": 0.02,
            "request_lose": 0.02,
            "request_reject": 0.02,
            "refused": 0.02,
            "event_lost": 0.02,
            "event_twice": 0.03,
            "event_late": 0.05,
        },
        {
            **_COMMANDS,
            **_OWNER,
            "death": 0.9,
            "edit_and_death": 0.2,
            "handover": 0.3,
            "outage": 0.4,
            "stream_silent": 0.5,
            "market_silent": 0.3,
            "market_hole": 0.15,
            "rate_ban": 0.25,
            "clock_jump": 0.4,
            "slow_line": 0.25,
            "stall": 0.3,
            "refusals": 0.15,
            "disk_full": 0.3,
            "database_locked": 0.3,
            "gap": 0.3,
            "funding_spike": 0.5,
            "deleveraging": 0.1,
            "whale": 0.15,
        },
        90,
        0.8,
    ),
}
"""``whale``: by hand the operator takes a position far too large for the account, which a gap then liquidates."""
