"""How the adapter is, in numbers: for status, why and the connections screen."""

from msgspec import Struct

from gridbot_tui.units import Ms, Symbol


class OpenCircuit(Struct, frozen=True):
    """A kind of request that is not sent for a while, because it was refused the same way again and again."""

    symbol: Symbol
    request: str
    code: int
    detail: str
    since: Ms
    until: Ms


class AdapterHealth(Struct, frozen=True):
    """A picture of the REST side at one moment. None = not known yet."""

    weight_used: int
    weight_limit: int
    orders_used: int
    """Of the short window (10 s)."""
    orders_limit: int
    queued: int
    """Requests that wait for their turn."""
    latency_p50_ms: float | None
    latency_p99_ms: float | None
    clock_offset_ms: Ms
    """Exchange minus machine."""
    last_error: str
    """"" = none yet."""
    last_error_at: Ms | None
    closed_until: Ms | None
    """429 or ban: nothing but what reduces or cancels before this."""
    stopped: str
    """Why the exchange will not serve us at all until somebody acts; "" = it does."""
    circuits: tuple[OpenCircuit, ...] = ()
    unresolved: int = 0
    """Order requests without an answer since the start."""
    closed_for: str = ""
    """Why ``closed_until``, where that was told last."""
