"""The numbers a ladder is built from."""

from typing import Literal

from msgspec import Struct

from gridbot_tui.units import Ms, Symbol

LadderKind = Literal["adaptive", "arithmetic", "geometric"]
Label = Literal["LONG", "SHORT", "NEUTRAL"]


class Votes(Struct, frozen=True):
    """Confidence of each system, each in [0, 1]."""

    up: float
    down: float
    neutral: float


class Weights(Struct, frozen=True):
    """What the ensemble gives each system; they sum to 1."""

    up: float
    down: float
    neutral: float


class GridPlan(Struct, frozen=True):
    """One symbol's plan as of a closed decision bar. Quantities are base asset, signed; float.

    ``lot == 0`` means no rungs: ``unwind`` is then 0 and is reached passively. The reason
    ``lot_below_minimum`` (value: the equity needed) forbids entries; the numbers stand, so that a position
    keeps its passive exits. The rung prices follow
    from ``anchor``: at position ``q`` the reservation log-price is
    ``anchor - skew * spacing * (q - position) / lot`` and bid/ask ``j`` stand ``j`` spacings from it.
    """

    symbol: Symbol
    epoch: int
    """Rises by one whenever the plan's numbers change."""
    at: Ms
    kind: LadderKind
    price: float
    """Close of the decision bar."""
    position: float
    """Signed base quantity held when the plan was made."""
    equity: float
    """Equity allotted to the symbol, quote."""
    votes: Votes
    weights: Weights
    bias: float
    """Bias target e, in units of leverage x equity."""
    label: Label
    confidence: float
    leverage: float
    """L: the multiplier of equity; exposure is e*L, bounds hi*L and lo*L."""
    lot: float
    """Base quantity of one rung, before rounding to steps; 0 = no rungs."""
    target: float
    """Base quantity the bias asks for."""
    upper: float
    """Largest position the ladder may reach, base."""
    lower: float
    """Smallest (most negative) position the ladder may reach, base."""
    levels: int
    """Rungs a side."""
    skew: float
    """eta: spacings the reservation price moves per lot of inventory."""
    centre: float | None = None
    """Log price of the centre m."""
    spacing: float | None = None
    """Log distance between rungs."""
    anchor: float | None = None
    """Reservation log-price r at ``position``."""
    neutral_share: float | None = None
    """phi: share of the ladder owned by NEUTRAL."""
    unwind: float | None = None
    """Position to be reached passively before anything else rests on that side; None = nothing to unwind."""
    sigma_hour: float = 0.0
    """Hourly volatility (log)."""
    gap: float = 0.0
    """Stress gap x: fraction of price."""
    reasons: tuple[tuple[str, float], ...] = ()
    """(code, value) pairs that explain the numbers: which cap or scalar bound, and by how much."""
    grid: tuple[float, ...] = ()
    """Plain grids only: the level prices, ascending."""
    grid_side: Literal["", "long", "short", "neutral"] = ""
    stop_price: float | None = None
    """Plain grids only: leave the whole position below (long) or above (short) this price."""
    take_profit_price: float | None = None
    stop_above: float | None = None
    """Neutral plain grids only: leave the whole position above this price (``stop_price`` is then below)."""
    grid_origin: tuple[float, ...] = ()
    """Plain grids only: (lowest, highest) level as first laid, from which trailing is limited."""
    grid_equity: float = 0.0
    """Plain grids only: equity the lots are sized by, quote."""
