"""How one connection is, for status, ``why`` and the connections screen."""

from msgspec import Struct

from gridbot_tui.units import Ms


class LinkHealth(Struct, frozen=True):
    """One connection as it stands now."""

    name: str
    """``market 1``, ``public 1``, ``account``."""
    up: bool
    since: Ms
    """When it came up or went down."""
    age: float | None
    """Seconds since it last said anything; None where it never did."""
    reconnects: int
    renewals: int
    latency_ms: float | None
    """Median of now minus the exchange's event time over the last frames that tell it; None = not known."""
    bad_frames: int
    detail: str
    """Why it is down, or what happened last."""
