"""A state written in one grid of prices and quantities, read in another: exchanges change tick sizes and steps."""

from collections.abc import Mapping
from decimal import ROUND_HALF_EVEN, Decimal

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.market.aggregate import HourState
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.book import OrderRecord
from gridbot_tui.units import Steps, Symbol, Ticks


class Regrid:
    """From the ticks and steps of one instrument to those of another; prices to the nearest tick."""

    __slots__ = ("_price", "_quantity")

    def __init__(self, was: Instrument | None, now: Instrument) -> None:
        """``was``: None = the same."""
        self._price = Decimal(1) if was is None else was.tick / now.tick
        self._quantity = Decimal(1) if was is None else was.step / now.step

    def ticks(self, price: Ticks) -> Ticks:
        """A price."""
        return int((price * self._price).to_integral_value(ROUND_HALF_EVEN))

    def known(self, price: Ticks | None) -> Ticks | None:
        """A price, or none."""
        return None if price is None else self.ticks(price)

    def hour(self, hour: HourState) -> HourState:
        """The hour under way."""
        ticks = self.ticks
        return replace(
            hour, open=ticks(hour.open), high=ticks(hour.high), low=ticks(hour.low), close=ticks(hour.close)
        )

    def order(self, record: OrderRecord) -> OrderRecord:
        """An order of ours. It stands on the exchange as it was placed: what is off the grid is told nearest."""
        order, steps = record.order, self._steps
        order = replace(
            order, price=self.known(order.price), trigger=self.known(order.trigger), steps=steps(order.steps)
        )
        return replace(record, order=order, filled=steps(record.filled), reported=steps(record.reported))

    def _steps(self, quantity: Steps) -> Steps:
        return int(quantity * self._quantity)


class _Book(Struct):
    instrument: Instrument | None = None


class _Ledger(Struct):
    books: dict[Symbol, _Book]


class _Head(Struct):
    ledger: _Ledger


_DECODER = msgspec.msgpack.Decoder(_Head)


def written_in(blob: bytes) -> dict[Symbol, Instrument]:
    """The instruments whose ticks and steps an encoded state is in.

    Raises ValueError for bytes that are no state.
    """
    try:
        books = _DECODER.decode(blob).ledger.books
    except msgspec.DecodeError as wrong:
        raise ValueError(f"not a state of the engine: {wrong}") from wrong
    return {name: book.instrument for name, book in books.items() if book.instrument is not None}


def counted_on(was: Instrument, now: Instrument) -> Instrument:
    """``now``, in the ticks that were counted in before where the exchange has made them coarser.

    What was bought in the old ones lies between the new: it stays exact, and orders leave out what the exchange takes
    no longer.
    """
    every, between = divmod(now.tick, was.tick)
    if now.tick <= was.tick or between:
        return now
    times = int(every)
    return replace(
        now, tick=was.tick, price_every=times, min_price=now.min_price * times, max_price=now.max_price * times
    )


def moved(was: Mapping[Symbol, Instrument], now: Mapping[Symbol, Instrument]) -> dict[Symbol, Instrument]:
    """Those of ``was`` that are traded still, on another grid."""
    return {
        name: one
        for name, one in was.items()
        if name in now and (one.tick, one.step) != (now[name].tick, now[name].step)
    }
