"""Decision bars made of base bars as they close."""

from collections.abc import Sequence

from msgspec import Struct

from gridbot_tui.market.bar import Bar
from gridbot_tui.units import HOUR, Ms, Ticks


class Hour(Struct, frozen=True, gc=False):
    """One closed decision bar, made of what base bars there were in it (at least one)."""

    open_at: Ms
    close_at: Ms
    """The hour's end, even where its last base bars are missing."""
    open: Ticks
    high: Ticks
    low: Ticks
    close: Ticks
    volume: float
    bars: int
    """Base bars it is made of."""


class HourState(Struct, frozen=True):
    """The hour under way; ``bars == 0`` where it is closed, ``open_at == 0`` where there was none."""

    open_at: Ms = 0
    open: Ticks = 0
    high: Ticks = 0
    low: Ticks = 0
    close: Ticks = 0
    volume: float = 0.0
    bars: int = 0


_NONE: tuple[Hour, ...] = ()


class HourBuilder:
    """Builds one symbol's decision bars from base bars of any interval that divides ``length``.

    An hour with no base bar yields nothing. Feed bars in time order; call ``due`` when time passes an
    hour's end without a bar of this symbol. A bar of an hour already closed is ignored.
    """

    __slots__ = ("_bars", "_close", "_end", "_high", "_length", "_low", "_open", "_open_at", "_volume")

    def __init__(self, state: HourState | None = None, length: Ms = HOUR) -> None:
        at = state or HourState()
        self._length = length
        self._open_at = at.open_at
        self._end: Ms = at.open_at + length if at.open_at else 0
        self._open = at.open
        self._high = at.high
        self._low = at.low
        self._close = at.close
        self._volume = at.volume
        self._bars = at.bars

    def feed(self, bar: Bar) -> tuple[Hour, ...]:
        """The hours this bar closes: almost always none or one; two where the hour before lacked its end."""
        opened = bar.open_at
        end = self._end
        late = _NONE
        if opened >= end:  # first bar of an hour
            if self._bars:
                late = (self._take(),)
            self._open_at = opened - opened % self._length
            self._end = end = self._open_at + self._length
            self._open = bar.open
            self._high = bar.high
            self._low = bar.low
            self._volume = bar.volume
            self._bars = 1
        elif not self._bars:  # a straggler of an hour that ``due`` has closed
            return _NONE
        else:
            if bar.high > self._high:
                self._high = bar.high
            if bar.low < self._low:
                self._low = bar.low
            self._volume += bar.volume
            self._bars += 1
        self._close = bar.close
        if opened + bar.interval < end:
            return late
        return (*late, self._take())

    def due(self, at: Ms) -> Hour | None:
        """The hour under way where it ended at or before ``at``, else ``None``."""
        if self._bars and at >= self._end:
            return self._take()
        return None

    @property
    def pending(self) -> bool:
        """True while base bars wait for the end of their hour."""
        return bool(self._bars)

    def overdue(self, at: Ms) -> bool:
        """True where the hour under way has ended although its last bars are missing."""
        return bool(self._bars) and at >= self._end

    def feed_quiet(
        self,
        open_at: Ms,
        opened: Ticks,
        high: Ticks,
        low: Ticks,
        close: Ticks,
        volumes: Sequence[float],
        count: int,
    ) -> None:
        """What ``feed`` of ``count`` bars does that lie within one hour and do not close it."""
        if open_at >= self._end:
            self._open_at = open_at - open_at % self._length
            self._end = self._open_at + self._length
            self._open, self._high, self._low = opened, high, low
            self._volume = 0.0
            self._bars = 0
        elif not self._bars:  # stragglers of an hour that ``due`` has closed
            return
        self._high = max(self._high, high)
        self._low = min(self._low, low)
        volume = self._volume
        for one in volumes:
            volume += one
        self._volume = volume
        self._bars += count
        self._close = close

    def drop(self) -> None:
        """Forget the hour under way (an episode ended)."""
        self._bars = self._open_at = self._end = 0

    def state(self) -> HourState:
        """What to keep over a restart."""
        if not self._bars:
            return HourState(self._open_at)
        return HourState(
            self._open_at, self._open, self._high, self._low, self._close, self._volume, self._bars
        )

    def _take(self) -> Hour:
        hour = Hour(
            self._open_at,
            self._end,
            self._open,
            self._high,
            self._low,
            self._close,
            self._volume,
            self._bars,
        )
        self._bars = 0
        return hour
