"""Where the money came from, account-wide."""

from collections.abc import Callable, Mapping

from msgspec import Struct

from gridbot_tui.ledger.lots import LotBook
from gridbot_tui.units import ZERO, Asset, Money, Symbol, Ticks

Marks = Mapping[Symbol, Ticks]


class Flows(Struct):
    """Quote cash that no symbol's book holds, since the start. Mutable: it is its own state."""

    transfers: Money = ZERO
    """Deposits less withdrawals, and what base that was not ours brought when it was sold or adopted."""
    insurance: Money = ZERO
    other: Money = ZERO
    funding: Money = ZERO
    """Funding that names no symbol of ours."""
    outside_fees: Money = ZERO
    """Value of fees paid from wallets that are no part of equity (BNB); in the symbols' fees as well."""
    beside: Money = ZERO
    """Spot: what another hand has paid for base out of the quote beside the capital, less what it got for base."""


class Pnl(Struct, frozen=True):
    """The change of equity since the start, in parts that sum to it exactly. Quote.

    ``change = grid + inventory + funding + transfers + insurance + other - fees``
    """

    grid: Money
    """Profit of cycles, net of their entry and exit fees."""
    inventory: Money | None
    """All other profit of price, realised or not; None where a held symbol has no mark."""
    fees: Money
    """Fees that are not in ``grid``: of open lots and of what no grid order closed. Positive = paid."""
    funding: Money
    transfers: Money
    insurance: Money
    other: Money
    fees_total: Money
    """All fees with a known value."""
    realised: Money
    """Before fees: the exchange's own figure on futures, price differences of lots and its rounding on spot."""
    unrealised: Money | None
    """What ``realised`` lacks; ``grid + its fees + inventory = realised + unrealised``."""
    cycles: int
    wins: int
    fills: int
    unvalued: dict[Asset, Money]
    """Fees in assets that had no price yet, in that asset: in no other number here."""

    @property
    def change(self) -> Money | None:
        """Equity less equity at the start; None where inventory is unknown."""
        if self.inventory is None:
            return None
        cash = self.funding + self.transfers + self.insurance + self.other
        return self.grid + self.inventory + cash - self.fees


def summed(
    books: Mapping[Symbol, LotBook], flows: Flows, marks: Marks | None, unvalued: dict[Asset, Money]
) -> Pnl:
    """The sums of all books and of the cash beside them; ``marks`` as for ``over_books``."""
    tallies = [book.tally for book in books.values()]
    fees = sum((tally.fees for tally in tallies), ZERO)
    return Pnl(
        grid=sum((tally.grid_profit for tally in tallies), ZERO),
        inventory=over_books(books, marks, LotBook.inventory),
        fees=fees - sum((tally.grid_fees for tally in tallies), ZERO),
        funding=sum((tally.funding for tally in tallies), flows.funding),
        transfers=flows.transfers,
        insurance=flows.insurance,
        other=flows.other,
        fees_total=fees,
        realised=sum((book.realised for book in books.values()), ZERO),
        unrealised=over_books(books, marks, LotBook.unrealised),
        cycles=sum(tally.cycles for tally in tallies),
        wins=sum(tally.wins for tally in tallies),
        fills=sum(tally.fills for tally in tallies),
        unvalued=unvalued,
    )


def over_books(
    books: Mapping[Symbol, LotBook], marks: Marks | None, of: Callable[[LotBook, Ticks], Money]
) -> Money | None:
    """The sum of ``of(book, mark)`` at ``marks`` or the last ones; None while a held symbol has none.

    A book that holds nothing is worth the same at every mark, so a missing one is no obstacle there.
    """
    total = ZERO
    for symbol, book in books.items():
        mark = book.mark if marks is None else marks.get(symbol)
        if mark is None and book.holds:
            return None
        total += of(book, mark or 0)
    return total
