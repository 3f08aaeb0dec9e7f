"""Where a World's market comes from: recorded files or the synthetic market, as one stream of batches."""

from collections.abc import Iterator
from typing import Protocol

from msgspec import Struct

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.run import Run
from gridbot_tui.units import Ms, Symbol


class FundingRate(Struct, frozen=True):
    """A funding settlement of one symbol: longs pay ``rate`` of mark notional where it is positive."""

    symbol: Symbol
    at: Ms
    rate: float
    interval_hours: int


class QualityNote(Struct, frozen=True):
    """Something about the data that the operator should know (a hole, a dropped row, a derived tick)."""

    at: Ms
    symbol: Symbol
    code: str
    """``hole``, ``episode``, ``duplicate_row``, ``unsorted``, ``derived_instrument``, ..."""
    detail: str


class MarketBatch(Struct, frozen=True):
    """All that closes or settles at one millisecond, symbols in name order."""

    at: Ms
    """Close time of the bars."""
    bars: tuple[tuple[Symbol, Bar], ...]
    funding: tuple[FundingRate, ...] = ()
    notes: tuple[QualityNote, ...] = ()
    episode_ends: tuple[Symbol, ...] = ()
    """Symbols whose data stop here for more than the episode gap (or for good, before the whole ends)."""


class MarketSource(Protocol):
    """A market that can be played from a moment on, in order, without look-ahead."""

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Every symbol the source can play."""
        ...

    @property
    def interval(self) -> Ms:
        """The base interval of its bars."""
        ...

    @property
    def start(self) -> Ms:
        """Open time of the first bar."""
        ...

    def batches(self, after: Ms) -> Iterator[MarketBatch]:
        """Every batch with ``at > after``, ascending. The same call gives the same batches, always."""
        ...


class Foreseen(MarketSource, Protocol):
    """A market that also shows the bars that come next, so that those that concern nobody may be passed over."""

    def ahead(self, at: Ms, until: Ms) -> tuple[int, dict[Symbol, Run]]:
        """(n, runs): the next n moments after ``at``, up to ``until``, bring exactly these bars and nothing else.

        n is 0 where the very next moment is not that plain. The runs are of the symbols that have bars.
        """
        ...
