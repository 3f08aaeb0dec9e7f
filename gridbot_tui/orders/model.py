"""The nouns of this room: an order and its life, a slot, and everything desired for one symbol.

None of them can be part of a reference cycle, and thousands stand: the collector need not know of them (``gc=False``).
"""

from enum import StrEnum

from msgspec import Struct

from gridbot_tui.units import ClientId, Ms, Side, Steps, Symbol, Ticks


class OrderKind(StrEnum):
    """How an order executes."""

    LIMIT = "limit"
    """Rests at its price; post-only where ``NewOrder.post_only``."""
    MARKET = "market"
    STOP_MARKET = "stop_market"
    """Conditional: becomes a market order when the mark price touches ``trigger``."""


class Purpose(StrEnum):
    """Which part of Desired an order serves."""

    GRID = "grid"
    TARGET = "target"
    STOP = "stop"


class NewOrder(Struct, frozen=True, gc=False):
    """An intent: exactly what is to be sent. One client id names one intent, for ever."""

    client_id: ClientId
    symbol: Symbol
    side: Side
    kind: OrderKind
    steps: Steps
    """Positive quantity; 0 only with ``close_position``."""
    price: Ticks | None
    purpose: Purpose
    created_at: Ms
    post_only: bool = False
    reduce_only: bool = False
    close_position: bool = False
    trigger: Ticks | None = None
    epoch: int = 0
    rung: int = 0
    """Rung the order was born for (GRID); it may be adopted by another slot of its side later."""


class OrderState(StrEnum):
    """Where an order of ours is in its life."""

    SENDING = "sending"
    """The intent is durable; no answer yet."""
    RESTING = "resting"
    PARTLY_FILLED = "partly_filled"
    CANCELLING = "cancelling"
    """A cancel was sent; the order may still fill."""
    UNRESOLVED = "unresolved"
    """Nobody knows whether it stands: it keeps its slot, counts in the gate, and is asked about."""
    TRIGGERED = "triggered"
    """A conditional order that fired; its market order is on the way."""
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REFUSED = "refused"
    ABSENT = "absent"
    """Proved never to have existed on the exchange."""


class SlotState(StrEnum):
    """What a rung shows to the operator (DESIGN: Control socket, States)."""

    WAITING = "waiting"
    """Wanted, but beyond the depth that rests."""
    SENDING = "sending"
    RESTING = "resting"
    PARTLY_FILLED = "partly filled"
    CROSSED = "crossed"
    """Would take; waits for the rung nearer the market to fill."""
    BLOCKED = "blocked"
    """Withheld by the gate; ``reason`` says why."""
    UNRESOLVED = "unresolved"


class Slot(Struct, frozen=True, gc=False):
    """A rung's side in a plan's epoch: one limit order that ought to rest, or the reason it does not."""

    symbol: Symbol
    epoch: int
    rung: int
    side: Side
    price: Ticks
    steps: Steps
    entry: bool
    """True where filling it would grow the position's distance from zero beyond what is held."""
    state: SlotState = SlotState.WAITING
    """As desired: RESTING (ought to rest), WAITING, CROSSED or BLOCKED."""
    reason: str = ""
    exit_steps: Steps = 0
    """The part of ``steps`` that only closes what is held, once the nearer slots of its side have filled."""


class TargetStyle(StrEnum):
    """How a target position is reached."""

    PASSIVE = "passive"
    """Post-only at the touch, re-pegged every closed bar."""
    TAKER = "taker"
    """Market, reduce-only."""


class Target(Struct, frozen=True, gc=False):
    """A signed position to be reached now."""

    position: Steps
    style: TargetStyle
    reason: str
    """Reason code: ``unwind``, ``flatten``, ``kill``, ``tier3``, ``cap``, ``shutdown``, ``stop_price``..."""


class StopOrder(Struct, frozen=True, gc=False):
    """The one conditional order that protects a position."""

    side: Side
    trigger: Ticks
    """Mark price at which it fires."""
    steps: Steps


class Desired(Struct, frozen=True, gc=False):
    """Everything of one symbol that ought to stand on the exchange now."""

    symbol: Symbol
    epoch: int
    resting: tuple[Slot, ...] = ()
    """All slots of the ladder, nearest first, those that ought not to rest included with their state."""
    target: Target | None = None
    stop: StopOrder | None = None
    spacing: float = 0.0
    """Log distance between rungs: the measure of "the same price" when orders are kept; 0 = none."""
    notes: tuple[tuple[str, str], ...] = ()
    """(code, detail): blockers of the whole ladder, such as ``lot_below_minimum`` or ``dust``."""
