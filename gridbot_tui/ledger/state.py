"""Everything a ledger is, for the snapshot of the engine's state."""

from decimal import Decimal

from msgspec import Struct

from gridbot_tui.ledger.account import AccountState
from gridbot_tui.ledger.book_state import LotBookState
from gridbot_tui.ledger.capital import CapitalState
from gridbot_tui.ledger.pnl import Flows
from gridbot_tui.ledger.seen import SeenState
from gridbot_tui.units import Asset, Money, Ms, Symbol


class LedgerState(Struct, frozen=True):
    """Encodes with msgspec to JSON or MessagePack and comes back equal."""

    allotted: Money
    account: AccountState
    capital: CapitalState
    books: dict[Symbol, LotBookState]
    trades: dict[Symbol, SeenState]
    cash: SeenState
    flows: Flows
    unvalued: dict[Symbol, dict[Asset, Money]]
    prices: dict[Asset, Decimal]
    owed: Money
    """Transfers not yet in the capital's units, because equity was unknown when they came."""
    started_at: Ms | None = None
    last_cash_at: Ms | None = None
