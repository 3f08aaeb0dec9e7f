"""What queries give: rows of the projections. Prices in ticks, quantities in steps, money exact."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.engine.events import CashKind
from gridbot_tui.orders.model import NewOrder, OrderState
from gridbot_tui.strategy.plan import GridPlan, Weights
from gridbot_tui.units import Asset, ClientId, Money, Ms, Side, Steps, Symbol, Ticks


class OrderRow(Struct, frozen=True):
    """An order of ours with its latest state."""

    seq: int
    order: NewOrder
    state: OrderState
    open: bool
    """False once nothing more can come of it."""
    filled: Steps
    exchange_id: str
    code: int
    """Exchange error code of a refusal, else 0."""
    detail: str
    updated_at: Ms


class FillRow(Struct, frozen=True):
    """A fill and what the lot book made of it."""

    seq: int
    at: Ms
    symbol: Symbol
    client_id: ClientId
    trade_id: str
    side: Side
    price: Ticks
    steps: Steps
    fee: Money
    fee_asset: Asset
    maker: bool
    realised: Money
    ours: bool
    forced: str
    grid_profit: Money
    cycles: int
    purpose: str
    """Of the order it belongs to; "" where that is unknown or pruned."""
    quote: Money | None
    """Spot: what the exchange booked in quote where it is not price x quantity."""


class CashRow(Struct, frozen=True):
    """A wallet change that was no fill."""

    seq: int
    at: Ms
    cash_id: str
    kind: CashKind
    asset: Asset
    amount: Money
    symbol: Symbol


class EquityRow(Struct, frozen=True):
    """A point of the equity curve."""

    at: Ms
    equity: Money
    wallet: Money
    nav: Decimal
    drawdown: float
    tier: int
    leverage: float
    residual: Money


class WeightsRow(Struct, frozen=True):
    """A change of the ensemble's weights; ``version`` is what an operator can roll back to."""

    version: int
    at: Ms
    weights: Weights
    cause: str
    evidence: tuple[tuple[str, float], ...]


class DecisionRow(Struct, frozen=True):
    """What was decided, and why."""

    seq: int
    at: Ms
    symbol: Symbol
    code: str
    detail: str
    level: str


class PlanRow(Struct, frozen=True):
    """A plan as it was made."""

    seq: int
    plan: GridPlan


class ModeRow(Struct, frozen=True):
    """An operating intent in force."""

    name: str
    symbol: Symbol
    value: str
    at: Ms


class ConfigRow(Struct, frozen=True):
    """A version of the config that was in force."""

    version: int
    at: Ms
    source: str
    text: str


class CommandRow(Struct, frozen=True):
    """A command that was received; ``outcome`` is None until it has converged."""

    id: str
    at: Ms
    kind: str
    body: str
    outcome: str | None


class SavedState(Struct, frozen=True):
    """A snapshot of the engine as of journal entry ``seq``."""

    seq: int
    at: Ms
    blob: bytes
