"""The exchange's own nouns: orders, trades, cash, and news of them, complete enough for Binance's frames."""

from enum import StrEnum

from msgspec import Struct

from gridbot_tui.engine.events import CashKind
from gridbot_tui.orders.model import OrderKind
from gridbot_tui.units import ZERO, Asset, ClientId, Money, Ms, Side, Steps, Symbol, Ticks


class Status(StrEnum):
    """Binance's words for the life of an order; TRIGGERED only for a conditional order that has fired, PENDING only for
    one of a list that is placed once another has filled."""

    PENDING = "PENDING_NEW"
    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    TRIGGERED = "TRIGGERED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class Execution(StrEnum):
    """What an order update reports (Binance's ``x``)."""

    NEW = "NEW"
    TRIGGERED = "TRIGGERED"
    TRADE = "TRADE"
    CALCULATED = "CALCULATED"
    """A forced trade: liquidation."""
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"


class Order(Struct, gc=False):
    """One order. Mutable while it lives; what leaves the exchange is a copy."""

    exchange_id: int
    symbol: Symbol
    client_id: ClientId
    side: Side
    kind: OrderKind
    steps: Steps
    """0 only with ``close_position``."""
    price: Ticks | None
    trigger: Ticks | None
    post_only: bool
    reduce_only: bool
    close_position: bool
    manual: bool
    """Placed by hand or by another program of the account's owner."""
    created_at: Ms
    updated_at: Ms
    status: Status = Status.NEW
    filled: Steps = 0
    quote: Money = ZERO
    """Cumulative executed quote quantity; the average price is this over the filled quantity."""
    locked: Money = ZERO
    """Spot: what the order still holds back, in quote (buy) or base (sell)."""
    resting: bool = False
    """On the ladder."""
    triggered_at: Ms = 0
    forced: str = ""
    """``liquidation`` for an order the exchange made against the account."""
    reason: str = ""
    """Why it expired: ``knocked_out liquidation market_remainder no_position no_funds``."""

    @property
    def conditional(self) -> bool:
        """True for a stop: it lives on Binance's algo service where the market is futures."""
        return self.kind is OrderKind.STOP_MARKET

    @property
    def open(self) -> bool:
        """True while it may still fill."""
        return self.status in _OPEN

    @property
    def left(self) -> Steps:
        """What has not been filled."""
        return self.steps - self.filled


_OPEN = (Status.NEW, Status.PARTIALLY_FILLED, Status.TRIGGERED, Status.PENDING)


class Trade(Struct, frozen=True, gc=False):
    """One execution."""

    trade_id: int
    at: Ms
    symbol: Symbol
    exchange_id: int
    client_id: ClientId
    side: Side
    price: Ticks
    steps: Steps
    quote: Money
    """Price x quantity; on spot as the account has booked it."""
    fee: Money
    fee_asset: Asset
    maker: bool
    realised: Money
    manual: bool
    forced: str


class CashRecord(Struct, frozen=True, gc=False):
    """A wallet change other than by a trade (Binance: an income line)."""

    cash_id: int
    at: Ms
    kind: CashKind
    asset: Asset
    amount: Money
    symbol: Symbol


class BalanceView(Struct, frozen=True):
    """An asset after a change. Spot: ``wallet`` is free + locked."""

    asset: Asset
    wallet: Money
    locked: Money


class PositionView(Struct, frozen=True):
    """A futures position after a change."""

    symbol: Symbol
    steps: Steps
    entry_price: Money
    cost: Money
    """Exact signed entry value, quote; the entry price is this over the quantity, rounded."""
    realised: Money
    """All PnL realised on the symbol so far, quote."""
    unrealised: Money


class OrderUpdate(Struct, frozen=True, gc=False):
    """News of one order (ORDER_TRADE_UPDATE, ALGO_UPDATE, executionReport)."""

    at: Ms
    execution: Execution
    order: Order
    """A copy as of this moment."""
    trade: Trade | None = None


class AccountUpdate(Struct, frozen=True):
    """What a trade, settlement or transfer changed (ACCOUNT_UPDATE, outboundAccountPosition)."""

    at: Ms
    reason: str
    """``ORDER``, ``FUNDING_FEE``, ``DEPOSIT``, ``WITHDRAW``, ``INSURANCE_CLEAR``."""
    balances: tuple[BalanceView, ...]
    positions: tuple[PositionView, ...] = ()
    cash: CashRecord | None = None


class MarginCall(Struct, frozen=True):
    """The account is near liquidation (MARGIN_CALL)."""

    at: Ms
    symbol: Symbol
    """Whose mark price raised it."""
    wallet: Money
    margin_balance: Money
    maintenance: Money


class LeverageChanged(Struct, frozen=True):
    """The exchange leverage of a symbol was set (ACCOUNT_CONFIG_UPDATE)."""

    at: Ms
    symbol: Symbol
    leverage: int


Update = OrderUpdate | AccountUpdate | MarginCall | LeverageChanged
