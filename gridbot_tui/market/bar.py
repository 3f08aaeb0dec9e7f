"""Closed candles."""

from msgspec import Struct

from gridbot_tui.units import Ms, Ticks


class Bar(Struct, frozen=True, gc=False):
    """One closed candle of the base interval, prices in ticks.

    The mark prices equal the bar's own where no mark candle is known.
    """

    open_at: Ms
    interval: Ms
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    volume: float
    """Base-asset volume."""
    mark_high: Ticks
    mark_low: Ticks
    mark_close: Ticks

    @property
    def close_at(self) -> Ms:
        """The first millisecond after the bar."""
        return self.open_at + self.interval
