"""Parameters of the orders room."""

from pydantic import BaseModel, ConfigDict, Field


class OrderParams(BaseModel):
    """How many orders rest, when a standing one is close enough, and how churn and refusals are slowed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    depth: int = Field(
        8,
        ge=1,
        le=100,
        description="rungs a side that rest on the exchange; farther ones wait. The adaptive "
        "plan asks for at most 8; fewer saves order count, margin and rate budget",
    )
    price_tolerance: float = Field(
        0.15,
        ge=0.0,
        le=0.45,
        description="in spacings: an order this close to its slot's price stays. Below one half, so that an "
        "order can serve one slot only; 0.15 from the strategy's churn hysteresis",
    )
    quantity_tolerance: float = Field(
        0.20,
        ge=0.0,
        le=0.50,
        description="fraction of the slot's quantity: an order this close stays. 0.20 from the strategy's "
        "churn hysteresis",
    )
    stop_tolerance: float = Field(
        0.005,
        ge=0.0,
        le=0.05,
        description="fraction of price: a resting stop this close to its trigger stays. 0.5 % is far inside "
        "the 5 % kept from liquidation and spares a replacement on every fill",
    )
    churn_window_ms: int = Field(
        600_000,
        ge=10_000,
        le=3_600_000,
        description="ms over which creates are counted for the churn gate: ten minutes",
    )
    churn_creates: int = Field(
        10,
        ge=1,
        le=1_000,
        description="creates of one symbol's side within the window above which churn may be proven",
    )
    churn_repeats: int = Field(
        3,
        ge=1,
        le=100,
        description="times one rung must have been created within the window before it counts as churning: a "
        "first placing of the whole ladder proves nothing",
    )
    churn_near: float = Field(
        0.005,
        ge=0.0,
        le=0.5,
        description="fraction of price: orders this near the market are never deferred, they may trade soon",
    )
    refusals: int = Field(
        3,
        ge=1,
        le=100,
        description="identical definite refusals in a row after which that kind of order is held back",
    )
    refusal_probe_ms: int = Field(
        60_000,
        ge=1_000,
        le=3_600_000,
        description="ms until one order probes whether the refusal still holds",
    )
    refusal_probe_protective_ms: int = Field(
        5_000,
        ge=500,
        le=600_000,
        description="the same for targets and stops: protection is tried again sooner. For all orders the first such "
        "time where the exchange was away or too busy",
    )
    reserved_orders: int = Field(
        4,
        ge=2,
        le=50,
        description="of the exchange's order limit a symbol, orders kept free of the grid for target and "
        "stop (two of each while one replaces the other)",
    )
