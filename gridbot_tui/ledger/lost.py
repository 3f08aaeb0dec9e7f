"""Spot: base of ours that left the wallet otherwise than by a sale, as a fee in BNB or a withdrawal."""

from collections.abc import Iterable
from decimal import Decimal

from gridbot_tui.ledger.lots import LotBook
from gridbot_tui.units import Asset, Money


def lost(books: Iterable[LotBook], asset: Asset, wallet: Money, left: Money) -> tuple[LotBook, Decimal] | None:
    """The book whose base went with ``left``, and how much of it; what was there besides ours went first.

    ``wallet`` is what is there now. More than ``left`` is never missed: what else differs is for the tie-out.
    """
    for book in books:
        if book.instrument.base == asset:
            missing = min(left, book.quantity - wallet, book.quantity)
            return (book, missing) if missing > 0 else None
    return None
