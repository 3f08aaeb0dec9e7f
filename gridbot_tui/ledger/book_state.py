"""What a lot book is made of, for the snapshot of the engine's state."""

from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.ledger.buckets import BucketCount
from gridbot_tui.ledger.carry import CarryState
from gridbot_tui.ledger.dust import DustState
from gridbot_tui.ledger.model import LedgerError, Lot, UnknownSymbolError
from gridbot_tui.ledger.tally import Tally
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Symbol, Ticks


class LotBookState(Struct, frozen=True):
    """Everything one ``LotBook`` is."""

    next_id: int = 1
    lots: tuple[Lot, ...] = ()
    mark: Ticks | None = None
    tally: Tally | None = None
    bucket_width: Ticks = 0
    buckets: dict[int, BucketCount] = {}
    carry: CarryState = CarryState()
    dust: DustState = DustState()
    instrument: Instrument | None = None
    """The one its ticks and steps are of."""

    def tally_copy(self) -> Tally:
        """The sums, free of this state."""
        return Tally() if self.tally is None else replace(self.tally)

    def on(self, instrument: Instrument) -> "LotBookState":
        """The same book in the ticks and steps of ``instrument``.

        Raises:
            LedgerError: The exchange changed its tick or step and a lot does not lie on the new grid.
        """
        old = self.instrument
        if old is None or (old.tick, old.step) == (instrument.tick, instrument.step):
            return self
        lots = tuple(
            replace(
                lot,
                price=_whole(old.price(lot.price), instrument.tick, lot),
                steps=_whole(old.quantity(lot.steps), instrument.step, lot),
            )
            for lot in self.lots
        )
        return replace(self, lots=lots, mark=None, bucket_width=0, buckets={}, instrument=instrument)


def kept(state: LotBookState, symbol: Symbol) -> Instrument:
    """The instrument of a symbol that is not traded any more.

    Raises:
        UnknownSymbolError: The state does not hold it.
    """
    if state.instrument is None:
        raise UnknownSymbolError(symbol)
    return state.instrument


def _whole(amount: Decimal, size: Decimal, lot: Lot) -> int:
    number, rest = divmod(amount, size)
    if rest:
        raise LedgerError(
            f"{lot.symbol}: lot {lot.id} ({amount}) is no multiple of the exchange's new size {size}; "
            "close the position before upgrading to it"
        )
    return int(number)
