"""The nouns of this room: a lot, what a fill did, and what the room needs to know of fills and cash.

``FillLike`` and ``CashLike`` are the shapes of ``engine.events.Fill`` and ``Cash``: the events live above
this floor, so the room names what it reads of them instead of importing them.
"""

from typing import Final, Protocol

from msgspec import Struct

from gridbot_tui.units import ZERO, Asset, ClientId, Money, Ms, Side, Steps, Symbol, Ticks


class LedgerError(Exception):
    """The ledger was asked for something that its books cannot hold; nothing was booked."""


class UnknownSymbolError(LedgerError):
    """A fill or a mark of a symbol that has no instrument here."""


class FillLike(Protocol):
    """One execution, as ``engine.events.Fill`` states it."""

    @property
    def at(self) -> Ms: ...
    @property
    def symbol(self) -> Symbol: ...
    @property
    def client_id(self) -> ClientId: ...
    @property
    def trade_id(self) -> str: ...
    @property
    def side(self) -> Side: ...
    @property
    def price(self) -> Ticks: ...
    @property
    def steps(self) -> Steps: ...
    @property
    def fee(self) -> Money: ...
    @property
    def fee_asset(self) -> Asset: ...
    @property
    def realised(self) -> Money: ...
    @property
    def ours(self) -> bool: ...
    @property
    def forced(self) -> str: ...
    @property
    def quote(self) -> Money | None: ...


class CashLike(Protocol):
    """A wallet change that is no fill, as ``engine.events.Cash`` states it."""

    @property
    def at(self) -> Ms: ...
    @property
    def cash_kind(self) -> str: ...
    @property
    def asset(self) -> Asset: ...
    @property
    def amount(self) -> Money: ...
    @property
    def cash_id(self) -> str: ...
    @property
    def symbol(self) -> Symbol: ...


BEFORE: Final[ClientId] = "of-before-the-start"
"""Stands for the order that opened a lot which was there before the first start: no trade of it is known."""


class Found(Struct, frozen=True):
    """A position, or a part of one, that no trade explains, in the shape of a foreign fill."""

    at: Ms
    symbol: Symbol
    side: Side
    price: Ticks
    steps: Steps
    realised: Money
    fee_asset: Asset
    client_id: ClientId = BEFORE
    trade_id: str = ""
    fee: Money = ZERO
    ours: bool = False
    forced: str = ""
    quote: Money | None = None


class Lot(Struct, frozen=True):
    """What a filled entry holds until its exit. Partial fills of one order at one price are one lot."""

    id: int
    """Unique in its symbol, ascending by age."""
    symbol: Symbol
    side: Side
    """Of the position: BUY is long."""
    steps: Steps
    """Positive; what is left of it."""
    price: Ticks
    opened_at: Ms
    fee: Money
    """Entry fee of what is left, quote; 0 where ``fee_known`` is false."""
    rung: int
    epoch: int
    external: bool
    """Bought or sold by another hand on this account: counted and shown, given no exits."""
    client_id: ClientId = ""
    """Order that opened it."""
    taken: Money = ZERO
    """Net profit of the parts that grid orders closed so far, quote."""
    fee_known: bool = True


class FillEffect(Struct, frozen=True):
    """What the lot book made of one fill. Money in quote."""

    opened: tuple[int, ...]
    """Ids of lots opened or enlarged."""
    closed: tuple[int, ...]
    """Ids of lots closed, wholly or in part."""
    cycles: int
    """Lots of ours that a grid order closed for good."""
    wins: int
    """Cycles that earned more than their fees."""
    gross: Money
    """Price difference of everything closed, before fees."""
    grid_profit: Money
    """Of what grid orders closed of our lots, net of entry and exit fees."""
    inventory_realised: Money
    """Price difference of what was closed in any other way, before fees."""
    fee_quote: Money | None
    """The whole fee; None while its asset has no known price."""
    before: Steps
    after: Steps
    excess: Steps = 0
    """Spot: sold beyond our lots, hence not ours."""
    foreign_fee: Money = ZERO
    """Spot: the part of a base fee that was paid from base that is not ours, quote."""
    also: Symbol = ""
    """Spot: another symbol, whose base of ours was needed for the fee."""
