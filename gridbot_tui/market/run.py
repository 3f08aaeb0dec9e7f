"""Consecutive bars as columns: what may be passed over at once is looked at so."""

from gridbot_tui.units import Ticks


class Run:
    """Consecutive bars of one symbol as lists of ticks. The mark columns are the bars' own where none is known."""

    __slots__ = ("close", "high", "low", "mark", "mark_high", "mark_low", "open", "volume")

    def __init__(
        self,
        open: list[Ticks],
        high: list[Ticks],
        low: list[Ticks],
        close: list[Ticks],
        volume: list[float],
        marks: tuple[list[Ticks], list[Ticks], list[Ticks]] | None,
    ) -> None:
        self.open = open
        self.high = high
        self.low = low
        self.close = close
        self.volume = volume
        self.mark_high, self.mark_low, self.mark = marks if marks is not None else (high, low, close)

    def slice(self, first: int, last: int) -> "Run":
        """Bars [first, last)."""
        marks = None
        if self.mark is not self.close:
            marks = (self.mark_high[first:last], self.mark_low[first:last], self.mark[first:last])
        return Run(
            self.open[first:last],
            self.high[first:last],
            self.low[first:last],
            self.close[first:last],
            self.volume[first:last],
            marks,
        )
