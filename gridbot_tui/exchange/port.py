"""The whole boundary to an exchange: requests go out without blocking, answers come back as events.

``Port.send`` never blocks and never raises for the exchange's sake: what the exchange answers, refuses
or leaves unanswered arrives as engine events (orders, fills, cash, market) or as a ``Reply`` to a query.
A trading action and its answer meet by client id, a query and its reply by request id.
"""

from typing import Protocol

from msgspec import Struct

from gridbot_tui.engine.events import AccountState, Cash, Event, Fill, OpenOrders, OrderReport
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.units import ClientId, Ms, Symbol


class Request(Struct, frozen=True, tag=True, gc=False):
    """Base of everything that can be asked of an exchange."""


class Place(Request, frozen=True, tag=True):
    """Send one order (plain or conditional). Answered by OrderReport and Fill events."""

    order: NewOrder


class Cancel(Request, frozen=True, tag=True):
    """Cancel one order of ours by client id. Answered by an OrderReport."""

    symbol: Symbol
    client_id: ClientId
    conditional: bool = False


class SetLeverage(Request, frozen=True, tag=True):
    """Set the exchange leverage (a ceiling, set once) and cross margin."""

    symbol: Symbol
    leverage: int


class Query(Request, frozen=True, tag=True):
    """Base of the questions; each is answered by one Reply with the same id."""

    request_id: int


class AskAccount(Query, frozen=True, tag=True):
    """Balances and positions -> AccountState."""


class AskOpenOrders(Query, frozen=True, tag=True):
    """Open orders of all traded symbols, plain and conditional -> OpenOrders."""


class AskOrder(Query, frozen=True, tag=True):
    """The fate of one order by client id -> OrderReport (ABSENT only when proved)."""

    symbol: Symbol
    client_id: ClientId
    conditional: bool = False


class AskFills(Query, frozen=True, tag=True):
    """Executions of one symbol after a trade id ("" = from ``since``) -> fills, ascending."""

    symbol: Symbol
    after_trade_id: str
    since: Ms


class AskCash(Query, frozen=True, tag=True):
    """Funding, transfers and the like at or after ``since`` -> cash, ascending."""

    since: Ms


class AskBars(Query, frozen=True, tag=True):
    """Closed base bars of one symbol with open time >= ``since`` -> bars, ascending."""

    symbol: Symbol
    since: Ms
    hours_until: Ms = 0
    """Of what opens before this, candles of an hour do as well: a sixtieth of them, and nothing is lost by it."""


class AskFunding(Query, frozen=True, tag=True):
    """Settled funding rates of the traded symbols after ``since`` -> funding, ascending; empty on spot."""

    since: Ms


class Reply(Struct, frozen=True):
    """The answer to one query. ``error`` says that it could not be answered: unknown, never empty."""

    request_id: int
    at: Ms
    account: AccountState | None = None
    open_orders: OpenOrders | None = None
    order: OrderReport | None = None
    fills: tuple[Fill, ...] | None = None
    cash: tuple[Cash, ...] | None = None
    bars: tuple[Bar, ...] | None = None
    funding: tuple[FundingRate, ...] | None = None
    error: str = ""


class Port(Protocol):
    """An exchange, simulated or real."""

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Instruments of the traded symbols."""
        ...

    def send(self, request: Request) -> None:
        """Pass a request on. Never blocks; never raises for what the exchange does with it."""
        ...


Incoming = Event | Reply
"""What a port delivers, in order."""
