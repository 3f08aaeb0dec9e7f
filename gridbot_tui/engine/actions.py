"""Everything the engine can ask of the shell around it: orders out, facts to be written, words to be said."""

from decimal import Decimal
from typing import Literal

from msgspec import Struct

from gridbot_tui.engine.events import Adopted, Cash, Fill, OrderReport
from gridbot_tui.ledger.capital import CapitalState
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.risk.tiers import TierState
from gridbot_tui.strategy.plan import GridPlan, Weights
from gridbot_tui.units import Asset, ClientId, Money, Ms, Steps, Symbol, Ticks

Touch = tuple[Ticks, Ticks]
"""(best bid, best ask) as of a decision; on bars both are the last close."""


class Action(Struct, frozen=True, tag=True, gc=False):
    """Base of all actions."""


# -- to the exchange ------------------------------------------------------------------------------------


class PlaceOrder(Action, frozen=True, tag=True):
    """Send this order, after its intent is durable."""

    order: NewOrder


class CancelOrder(Action, frozen=True, tag=True):
    """Cancel this order of ours."""

    symbol: Symbol
    client_id: ClientId
    conditional: bool
    at: Ms


class AskAboutOrder(Action, frozen=True, tag=True):
    """Find out the fate of an unresolved order."""

    symbol: Symbol
    client_id: ClientId
    conditional: bool
    after: Ms = 0
    """So long from now: the answer leads to another cancel, and the last ones came to nothing."""


class RequestResync(Action, frozen=True, tag=True):
    """Compare books with the exchange now (mismatch seen, link came back)."""

    reason: str


# -- facts: the journal, in order; a snapshot plus the facts after it rebuild the engine -------------------


class Fact(Action, frozen=True, tag=True):
    """Base of what must be remembered. ``at`` is the time of the event that caused it."""

    at: Ms


class StartFact(Fact, frozen=True, tag=True):
    """The ledger of this profile begins, with these wallet balances."""

    balances: dict[Asset, Money]
    capital: Money | None
    """Capital allotted to the bot, quote; None = the whole quote wallet."""


class HeldFact(Fact, frozen=True, tag=True):
    """A futures position that was there before the first start, or a part of one, is an external lot from now on."""

    symbol: Symbol
    steps: Steps
    price: Ticks
    """The mark of then, from which it is counted."""
    cost: Money
    """The symbol's whole position then at the exchange's entry price, quote, signed."""


class IntentFact(Fact, frozen=True, tag=True, omit_defaults=True):
    """An order is about to be sent. Durable before the order leaves."""

    order: NewOrder
    worst: float = 0.0
    """The account's worst-case leverage with this order in it, where it is the highest so far."""


class ServeFact(Fact, frozen=True, tag=True):
    """Orders that were kept serve other slots from now on: (epoch, rung) by client id."""

    symbol: Symbol
    slots: dict[ClientId, tuple[int, int]]


class CancelFact(Fact, frozen=True, tag=True):
    """A cancel is about to be sent."""

    symbol: Symbol
    client_id: ClientId


class OrderFact(Fact, frozen=True, tag=True, omit_defaults=True):
    """News of an order that changed its state."""

    report: OrderReport
    touch: Touch | None = None
    """(bid, ask) that the ladder goes by from here on; None = as before."""


class FillFact(Fact, frozen=True, tag=True, omit_defaults=True):
    """A fill entered the ledger, with what the lot book made of it."""

    fill: Fill
    grid_profit: Money
    """Profit of the cycles this fill closed, net of fees, quote."""
    cycles: int
    opened: tuple[int, ...] = ()
    """Ids of lots opened."""
    closed: tuple[int, ...] = ()
    """Ids of lots closed, wholly or in part."""
    touch: Touch | None = None
    """(bid, ask) that the ladder goes by from here on; None = as before."""
    rung: int = 0
    """With ``epoch``: the slot the order served when it filled."""
    epoch: int = 0


class CashFact(Fact, frozen=True, tag=True):
    """Funding, a transfer or the like entered the ledger."""

    cash: Cash


class PriceFact(Fact, frozen=True, tag=True):
    """Fees paid in an asset are valued at this price from here on; those that waited for one at once."""

    asset: Asset
    price: Money


class AdoptFact(Fact, frozen=True, tag=True):
    """An order with our id, found on the exchange without a record here."""

    adopted: Adopted


class PlanFact(Fact, frozen=True, tag=True, omit_defaults=True):
    """A symbol has a new plan."""

    plan: GridPlan
    touch: Touch | None = None
    """(bid, ask) that the ladder goes by from here on; None = as before."""
    profit_peak: float = 0.0
    """Highest profit of the symbol at a decision so far, quote."""


class WeightsFact(Fact, frozen=True, tag=True):
    """The learner changed the weights (daily, or by an operator)."""

    weights: Weights
    cause: str
    evidence: tuple[tuple[str, float], ...] = ()


class EquityFact(Fact, frozen=True, tag=True):
    """A point of the equity curve."""

    equity: Money
    wallet: Money
    nav: Decimal
    """Unit value; 1 at the start."""
    drawdown: float
    """Fraction <= 0."""
    tier: int
    leverage: float
    residual: Money
    max_leverage: float = 0.0
    """Highest account leverage observed so far."""


class DrawdownFact(Fact, frozen=True, tag=True):
    """Tiers and fund as they are from here on: a tier changed, an operator reset them, capital came or went, or the
    peak rose by a step.

    A kill must not make a drawdown smaller. What the peak was is known to this step whenever the process dies, and
    what a transfer found the fund worth does not depend on the prices that a replay knows.
    """

    tiers: TierState
    fund: CapitalState
    owed: Money
    """Capital that came or went while equity was unknown, not yet in the fund."""


class BreakerFact(Fact, frozen=True, tag=True):
    """A breaker opened or closed."""

    name: str
    symbol: Symbol
    """"" = the whole account."""
    level: str
    detail: str
    since: Ms | None
    """Since when it is open; None: it is closed."""


class ModeFact(Fact, frozen=True, tag=True):
    """An operating intent that outlives the process: paused, flatten, shutdown, kill, tier, symbol latch."""

    name: str
    symbol: Symbol
    value: str
    """"" = cleared."""


class DecisionFact(Fact, frozen=True, tag=True):
    """What was decided, and why: refusals, withheld orders, tier changes, quality events, commands."""

    symbol: Symbol
    code: str
    detail: str
    level: Literal["debug", "info", "warning", "error"] = "info"


# -- to the operator ----------------------------------------------------------------------------------------


class CommandDone(Action, frozen=True, tag=True):
    """A command has converged, or will not."""

    command_id: str
    ok: bool
    text: str
    refused: Literal["", "input", "safety"] = ""
    """What it was refused for: an argument that makes no sense here, or a latch that comes first."""
