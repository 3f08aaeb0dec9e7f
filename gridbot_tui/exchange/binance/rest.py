"""What the rest of the house can ask of Binance over REST, the same for both markets."""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Protocol

from msgspec import Struct

from gridbot_tui.engine.events import AccountState, Cash, Fill, OpenOrders, OrderReport
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.governor import Rank
from gridbot_tui.exchange.binance.health import AdapterHealth
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import Asset, ClientId, Market, Money, Ms, Symbol, Ticks

IsOurs = Callable[[ClientId], bool]
Timed = Callable[[Symbol, Ms], None]
"""Told of a request that was answered: the symbol it was about ("" = none), and how long it took on the wire."""


class FeeRates(Struct, frozen=True):
    """What this account pays in one symbol, fractions of notional, before any discount."""

    maker: Decimal
    taker: Decimal
    discount: Decimal = Decimal(0)
    """Fraction saved while there is BNB to take fees from."""


class AccountSetup(Struct, frozen=True):
    """How the account is set, as far as a grid cares. None = the market or environment does not say."""

    can_trade: bool | None
    hedge_mode: bool | None
    multi_assets: bool | None
    leverage: dict[Symbol, int]
    isolated: frozenset[Symbol]
    """Symbols that are on isolated margin."""
    in_credits: bool = False
    """Credits trading mode, the only one in the EU: whatever the symbol's quote, money is in BNFCR."""


class ApiRestrictions(Struct, frozen=True):
    """What the key may do, as the exchange says itself."""

    ip_restricted: bool
    reading: bool
    withdrawals: bool
    internal_transfer: bool
    spot_trading: bool
    futures: bool


class Listing(Struct, frozen=True):
    """How a symbol is listed now."""

    instrument: Instrument
    """Its filters, and its margin brackets where there are keys."""
    status: str
    """In the exchange's word; TRADING is the good one."""
    ends_at: Ms | None = None
    """When a perpetual will be settled and taken off; None = not announced."""


class Answer(Struct, frozen=True):
    """What the exchange said to a new order: its state, and what it executed at once where it says so."""

    report: OrderReport
    fills: tuple[Fill, ...] = ()


class Rest(Protocol):
    """One market's REST. Every call raises only ``errors.BinanceError`` of the kind that says what to do.

    Calls wait their turn at the governor. Queries are tried again where that is safe; an order is posted
    again only after a certain failure, with the same id. ``at`` of what comes back is the exchange's time.
    """

    @property
    def market(self) -> Market:
        """Which one."""
        ...

    def on_trip(self, timed: Timed) -> None:
        """From now on ``timed`` hears of every request that is answered."""
        ...

    ids: KnownIds
    """Order numbers and client ids; the streams teach it too."""
    traded: dict[Symbol, Instrument]
    """What ``instruments`` has loaded."""

    listed: dict[Symbol, Listing]
    """How those were listed then."""
    ceilings: dict[Symbol, int]
    """The leverage that ``set_leverage`` was last asked for."""

    @property
    def stopped(self) -> str:
        """Why the exchange will not serve us at all until somebody acts; "" = it does."""
        ...

    def health(self, queued: int = 0) -> AdapterHealth:
        """As of now; circuits are the port's."""
        ...

    def room_s(self, rank: Rank, orders: int = 1) -> float:
        """Seconds until so many orders, in one request, have room in the rate limits as far as is known; 0 = now.

        Of no order at all: until a cancel has.
        """
        ...

    async def open(self) -> None:
        """Connect, measure the clock. Raises where the exchange can't be reached."""
        ...

    async def close(self) -> None:
        """Close every connection; safe to call twice."""
        ...

    @property
    def clock_stepped(self) -> bool:
        """Whether the machine's clock was set, or stood still, since the exchange's time was looked at."""
        ...

    async def server_time(self) -> Ms:
        """The exchange's time now; also sets the clock's offset."""
        ...

    async def instruments(self, symbols: Sequence[Symbol]) -> dict[Symbol, Instrument]:
        """Filters, brackets (with keys), funding interval; remembered in ``traded``. Refused for unknown symbols."""
        ...

    def go_by(self, instruments: Mapping[Symbol, Instrument]) -> None:
        """Read and write these symbols in the ticks and steps of these instruments, whatever the exchange's are."""
        ...

    async def listings(self, symbols: Sequence[Symbol]) -> dict[Symbol, Listing]:
        """How they are listed now; one that is listed no more is left out. Changes nothing of ``traded``."""
        ...

    async def fees(self, symbols: Sequence[Symbol]) -> dict[Symbol, FeeRates]:
        """What this account pays."""
        ...

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        """Closed bars of the base interval with open time >= ``since``, ascending; futures with their marks."""
        ...

    async def hours(self, symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
        """Closed candles of an hour that open in [since, until), ascending, without marks of their own."""
        ...

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        """Settled rates after ``since``, ascending; empty on spot."""
        ...

    async def best(self, symbol: Symbol) -> tuple[Ticks | None, Ticks | None]:
        """Best bid and ask now; None for an empty side."""
        ...

    async def worth(self, asset: Asset, quote: Asset) -> Money | None:
        """Between best bid and ask of an asset in another; None where there is no such market."""
        ...

    async def account(self) -> AccountState:
        """Balances and positions, from one moment."""
        ...

    async def setup(self, symbols: Sequence[Symbol]) -> AccountSetup:
        """Position mode, margin modes, leverage."""
        ...

    async def api_restrictions(self) -> ApiRestrictions | None:
        """What the key may do; None where the environment has no such call (testnet)."""
        ...

    async def open_orders(self, symbols: Sequence[Symbol]) -> OpenOrders:
        """Plain and conditional orders, anybody's, of these symbols."""
        ...

    async def order(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> list[OrderReport]:
        """What has become of an order, its present state last; empty where the exchange denies it, which is no proof.

        A conditional order that has fired says so before the state of its market order.
        """
        ...

    async def fills(self, symbol: Symbol, after_trade_id: str, since: Ms) -> list[Fill]:
        """Executions after a trade id, or at or after ``since`` where that is "", ascending."""
        ...

    async def cash(self, since: Ms) -> list[Cash]:
        """Wallet changes that are no fills at or after ``since``, ascending; spot has no such list: empty."""
        ...

    async def place(self, order: NewOrder, rank: Rank) -> Answer:
        """Send one order, plain or conditional. Raises Refused, Unresolved, RetryLater, ClockOff, Stop."""
        ...

    async def place_batch(self, orders: Sequence[NewOrder], rank: Rank) -> list[Answer | BinanceError]:
        """Up to ``batch_size`` plain orders in one request; raises as ``place`` where all share one fate."""
        ...

    @property
    def batch_size(self) -> int:
        """Orders one request may carry; 1 where the market has no batches."""
        ...

    async def cancel(self, symbol: Symbol, client_id: ClientId, conditional: bool) -> OrderReport:
        """Cancel one order. Refused with -2011: no such open order."""
        ...

    async def set_leverage(self, symbol: Symbol, leverage: int) -> None:
        """Cross margin and this leverage; nothing on spot."""
        ...

    async def countdown(self, symbol: Symbol, ms: Ms) -> None:
        """Arm the dead-man switch of a symbol (0 = disarm); futures only. It takes every order of the symbol."""
        ...

    async def listen_key(self) -> str:
        """The futures listen key that holds from now on for an hour: made new or prolonged."""
        ...

    def sign(self, params: dict[str, Any]) -> dict[str, Any]:
        """A WebSocket API request's parameters with key, timestamp and signature."""
        ...
