"""Everything that can happen to the engine. Each event carries ``at``: the engine knows no other time.

Adapters translate their venue's words into these; nothing of Binance passes this line.
"""

from decimal import Decimal
from enum import StrEnum

from msgspec import Struct

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.source import FundingRate, QualityNote
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import Asset, ClientId, Money, Ms, Side, Steps, Symbol, Ticks


class Event(Struct, frozen=True, tag=True, gc=False):
    """Base of all events."""

    at: Ms


# -- market ---------------------------------------------------------------------------------------------


class BarsClosed(Event, frozen=True, tag=True):
    """All base bars that closed at ``at``; applied together, then the account is decided once."""

    bars: tuple[tuple[Symbol, Bar], ...]
    notes: tuple[QualityNote, ...] = ()
    episode_ends: tuple[Symbol, ...] = ()


class Quote(Event, frozen=True, tag=True):
    """Best bid and ask, last trade and mark of one symbol; None = not known in this message."""

    symbol: Symbol
    bid: Ticks | None = None
    ask: Ticks | None = None
    last: Ticks | None = None
    mark: Ticks | None = None
    late: Ms = 0
    """How old the mark was when it came: a stream may fall behind and go on talking."""
    funding_at: Ms | None = None
    """When the exchange settles funding next; intervals change while running."""


class FundingSettled(Event, frozen=True, tag=True):
    """The market's funding rate at a settlement (feeds features and shadows; our payment is Cash)."""

    rates: tuple[FundingRate, ...]


class AssetPriced(Event, frozen=True, tag=True):
    """What an asset that fees are paid in is worth, where no traded symbol tells it."""

    asset: Asset
    price: Money
    """Quote for one of it."""


class FeesChanged(Event, frozen=True, tag=True):
    """What the account pays from here on: another VIP tier, or another price list of the exchange."""

    maker: Decimal
    """Fraction of notional; of several symbols the dearest."""
    taker: Decimal


# -- our orders -----------------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What is known of an order after an answer or event."""

    ACCEPTED = "accepted"
    """Stands on the exchange, nothing filled yet."""
    PARTLY_FILLED = "partly_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    TRIGGERED = "triggered"
    """A conditional order fired."""
    REFUSED = "refused"
    """Certainly not placed (a definite refusal by the exchange)."""
    UNRESOLVED = "unresolved"
    """Timeout, 5xx, lost answer: may or may not stand."""
    ABSENT = "absent"
    """Asked for by id and proved not to exist."""
    CANCEL_REFUSED = "cancel_refused"
    """The cancel found no such open order: its fate comes by another event or must be asked for."""
    CANCEL_UNRESOLVED = "cancel_unresolved"


class OrderReport(Event, frozen=True, tag=True):
    """News of one order of ours. Idempotent: reports may repeat and come in any order."""

    symbol: Symbol
    client_id: ClientId
    outcome: Outcome
    filled: Steps = 0
    """Cumulative executed quantity as the exchange says; fills themselves come as Fill."""
    exchange_id: str = ""
    code: int = 0
    """Exchange error code of a refusal."""
    detail: str = ""
    passing: bool = False
    """Of a refusal: through no fault of the order; the exchange was away, too busy, or takes nothing for a while."""

    @property
    def never_left(self) -> bool:
        """True of an order that was taken back before it was sent: no exchange was asked, so there is no code."""
        return self.outcome is Outcome.ABSENT and not self.code


class Fill(Event, frozen=True, tag=True, omit_defaults=True):
    """One execution of an order of ours, or of the exchange against us (liquidation, deleveraging)."""

    symbol: Symbol
    client_id: ClientId
    trade_id: str
    """Unique per symbol; a repeated one is ignored."""
    side: Side
    price: Ticks
    steps: Steps
    fee: Money
    """Positive = paid."""
    fee_asset: Asset
    maker: bool
    realised: Money
    """The exchange's own realised PnL of the fill in quote (futures); 0 on spot."""
    ours: bool = True
    """False for a trade made by hand or another program on this account: becomes an external lot."""
    forced: str = ""
    """``liquidation``, ``deleveraging`` or ``settlement`` where the exchange did it."""
    quote: Money | None = None
    """Spot: what changed hands in quote, where the exchange has booked other than price x quantity (it keeps eight
    decimals of any asset); None where it is just that."""


class CashKind(StrEnum):
    """Why a wallet changed other than by a fill."""

    FUNDING = "funding"
    TRANSFER = "transfer"
    INSURANCE = "insurance"
    """Insurance clear, liquidation clearance fee."""
    OTHER = "other"


class Cash(Event, frozen=True, tag=True):
    """A wallet change that is no fill."""

    cash_kind: CashKind
    asset: Asset
    amount: Money
    """Signed: positive = received."""
    cash_id: str
    """Unique; a repeated one is ignored."""
    symbol: Symbol = ""
    trade_id: str = ""
    """The execution in ``symbol`` that it was made or paid by; "" = none. Where that is booked it is in the books."""


# -- truth asked for ------------------------------------------------------------------------------------


class PositionState(Struct, frozen=True):
    """One position as the exchange states it."""

    symbol: Symbol
    steps: Steps
    entry_price: Money
    liquidation_price: Money | None
    mark: Ticks | None


class OpenOrder(Struct, frozen=True):
    """One open order as the exchange states it, plain or conditional."""

    symbol: Symbol
    client_id: ClientId
    side: Side
    price: Ticks | None
    steps: Steps
    filled: Steps
    trigger: Ticks | None = None
    reduce_only: bool = False
    conditional: bool = False
    list_id: int = 0
    """Spot: the order list it belongs to, 0 = none. Of two orders of a list one executes, and funds are held once."""


class AccountState(Event, frozen=True, tag=True):
    """Balances and positions, complete, as of ``at``."""

    balances: dict[Asset, Money]
    """Wallet balance per asset (spot: free + locked)."""
    positions: tuple[PositionState, ...]
    """Futures: every open position. Spot: empty."""


class PositionTold(Event, frozen=True, tag=True):
    """A futures position as the news of a change of it told. The trade that changed it is told by itself."""

    symbol: Symbol
    steps: Steps


class OpenOrders(Event, frozen=True, tag=True):
    """The complete list of open orders of the traded symbols, plain and conditional, as of ``at``."""

    orders: tuple[OpenOrder, ...]


# -- operation ------------------------------------------------------------------------------------------


class Tick(Event, frozen=True, tag=True):
    """Time passes (1 a second; once a bar in virtual time without quotes)."""


class LinkChanged(Event, frozen=True, tag=True):
    """A source went down or came back after a resync."""

    source: str
    """``market`` or ``account``; ``store`` where the disk takes no facts: then entries stop too."""
    up: bool
    detail: str = ""
    begins: bool = False
    """It is being connected for the first time: entries wait for it, but nothing has gone wrong."""


class Health(Event, frozen=True, tag=True):
    """What the shell has measured; None = nothing of the kind. Breakers go by it."""

    loop_lag: Ms | None = None
    """How long the process could not attend to anything."""
    latency: Ms | None = None
    """How long a request took."""
    answered: bool | None = None
    """Whether a request was answered."""
    trips: tuple[tuple[Symbol, Ms], ...] = ()
    """Requests that were answered since the last time, and how long each took on the wire; "" = about no symbol."""


class Adopted(Event, frozen=True, tag=True):
    """An open order with one of our ids that we had no record of, or another one; it is ours to keep or cancel."""

    order: NewOrder
    filled: Steps = 0
    changed: bool = False
    """It is known, and another hand has changed its price or quantity."""


class Operator(Event, frozen=True, tag=True):
    """A command of the operator that the engine carries out (``control.command.CommandKind`` values)."""

    command_id: str
    command: str
    symbol: Symbol = ""
    args: dict[str, str] = {}


class RecoveryDone(Event, frozen=True, tag=True):
    """The books agree with the exchange as far as they can: decide and converge from here on."""
