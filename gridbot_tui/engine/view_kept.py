"""Views that need not be made again: a face is shown the same history four times a second."""

from collections.abc import Callable, Iterable
from operator import is_
from typing import Generic, TypeVar

from gridbot_tui.control.snapshot import BarView
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Ms, Ticks

A = TypeVar("A")
B = TypeVar("B")

HourBar = tuple[Ms, Ticks, Ticks, Ticks, Ticks]
"""(open time, open, high, low, close)."""


class Mapped(Generic[A, B]):
    """The views of a bounded list of items that never change: only what is new in it is made."""

    __slots__ = ("_items", "_make", "_views")

    def __init__(self, make: Callable[[A], B]) -> None:
        self._make = make
        self._items: tuple[A, ...] = ()
        self._views: tuple[B, ...] = ()

    def of(self, items: Iterable[A]) -> tuple[B, ...]:
        """The views in the order of ``items``; the very same tuple while the list is the same."""
        now = tuple(items)
        if len(now) == len(self._items) and all(map(is_, now, self._items)):
            return self._views
        # By identity, which holds for as long as the items do: they are kept beside their views.
        known = {id(item): view for item, view in zip(self._items, self._views, strict=True)}
        make = self._make
        views = tuple(known[id(item)] if id(item) in known else make(item) for item in now)
        self._items, self._views = now, views
        return views


class SymbolKept:
    """What is kept of one symbol's view between two snapshots."""

    __slots__ = ("_bars", "_instrument")

    def __init__(self) -> None:
        self._instrument: Instrument | None = None
        self._bars: Mapped[HourBar, BarView] | None = None

    def bars(self, instrument: Instrument, bars: Iterable[HourBar]) -> tuple[BarView, ...]:
        """The candles of the chart."""
        if self._bars is None or self._instrument is not instrument:
            self._instrument, self._bars = instrument, Mapped(_bar_of(instrument))
        return self._bars.of(bars)


def _bar_of(instrument: Instrument) -> Callable[[HourBar], BarView]:
    def view(bar: HourBar) -> BarView:
        at, *prices = bar
        opened, high, low, close = (format(instrument.price(price), "f") for price in prices)
        return BarView(at, opened, high, low, close)

    return view
