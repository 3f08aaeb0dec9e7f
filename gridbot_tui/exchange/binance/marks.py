"""Mark-price candles made of the mark prices heard, for bars that come without."""

from typing import Final

from msgspec.structs import replace

from gridbot_tui.market.bar import Bar
from gridbot_tui.units import Ms, Ticks

COVER: Final[Ms] = 5_000
"""At most so much of a bar's begin and end may lie outside what was heard."""


class MarkCandle:
    """The range of one symbol's mark price in the bar that is forming and the one before."""

    __slots__ = ("_interval", "_rows")

    def __init__(self, interval: Ms) -> None:
        self._interval = interval
        self._rows: dict[Ms, list[int]] = {}

    def heard(self, at: Ms, mark: Ticks) -> None:
        """One mark price at the exchange's time ``at``."""
        opened = at - at % self._interval
        row = self._rows.get(opened)
        if row is None:
            self._rows[opened] = [at, at, mark, mark, mark]
            for old in [key for key in self._rows if key < opened - self._interval]:
                del self._rows[old]
            return
        row[1] = at
        row[2] = max(row[2], mark)
        row[3] = min(row[3], mark)
        row[4] = mark

    def on(self, bar: Bar) -> Bar:
        """The bar with its mark prices where they were heard all along, else as it is."""
        row = self._rows.get(bar.open_at)
        if row is None or row[0] - bar.open_at > COVER or bar.close_at - row[1] > COVER:
            return bar
        return replace(bar, mark_high=row[2], mark_low=row[3], mark_close=row[4])
