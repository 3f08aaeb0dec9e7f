"""Exact books: lots and cycles, wallets per asset, equity, and the tie-out between them.

``Ledger`` is the facade; the engine needs nothing else of this room but the types of its answers.
"""

from gridbot_tui.ledger.account import AccountBook, AssetSums
from gridbot_tui.ledger.average_cost import AverageCost
from gridbot_tui.ledger.buckets import BucketCount
from gridbot_tui.ledger.capital import Capital
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.ledger.lots import LotBook
from gridbot_tui.ledger.model import FillEffect, LedgerError, Lot, UnknownSymbolError
from gridbot_tui.ledger.pnl import Pnl
from gridbot_tui.ledger.state import LedgerState

__all__ = [
    "AccountBook",
    "AssetSums",
    "AverageCost",
    "BucketCount",
    "Capital",
    "FillEffect",
    "Ledger",
    "LedgerError",
    "LedgerState",
    "Lot",
    "LotBook",
    "Pnl",
    "UnknownSymbolError",
]
