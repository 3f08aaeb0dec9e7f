"""Spot: what others do with the wallet: base that leaves is first what was there besides ours, and so is quote."""

from collections.abc import Iterable
from decimal import Decimal

from gridbot_tui.ledger.exact import share
from gridbot_tui.ledger.lots import LotBook
from gridbot_tui.ledger.model import FillLike, Found
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import ZERO, Asset, Market, Money, Side, Steps


def lost(books: Iterable[LotBook], asset: Asset, wallet: Money, left: Money) -> tuple[LotBook, Decimal] | None:
    """The book whose base went with ``left``, and how much of it; what was there besides ours went first.

    ``wallet`` is what is there now. More than ``left`` is never missed: what else differs is for the tie-out.
    """
    for book in books:
        if book.instrument.base == asset:
            missing = min(left, book.quantity - wallet, book.quantity)
            return (book, missing) if missing > 0 else None
    return None


def of_others(book: LotBook, fill: FillLike, wallet: Money, beside: Money) -> Steps:
    """The steps of another hand's trade that are no business of ours.

    Of a sale what was in no book; what it bought itself goes before that. Of a purchase what the quote ``beside`` the
    capital pays for. ``wallet`` is the base that was there before.
    """
    if fill.ours or book.instrument.market is not Market.SPOT:
        return 0
    if fill.side is Side.BUY:
        cost = worth(fill, book.instrument) + (fill.fee if fill.fee_asset == book.instrument.quote else ZERO)
        return fill.steps if beside >= cost else int(beside * fill.steps // cost)
    besides = book.instrument.steps_down(wallet - book.quantity)
    return max(0, min(besides, fill.steps - book.external_position))


def worth(fill: FillLike, instrument: Instrument) -> Money:
    """What a fill was worth in quote, as the exchange has booked it."""
    return instrument.notional(fill.price, fill.steps) if fill.quote is None else fill.quote


def without(fill: FillLike, steps: Steps) -> Found:
    """The fill but for so many steps, and for their share of the fee and of the quote amount."""
    return Found(
        fill.at,
        fill.symbol,
        fill.side,
        fill.price,
        fill.steps - steps,
        fill.realised,
        fill.fee_asset,
        fill.client_id,
        fill.trade_id,
        fill.fee - share(fill.fee, steps, fill.steps),
        quote=None if fill.quote is None else fill.quote - share(fill.quote, steps, fill.steps),
    )
