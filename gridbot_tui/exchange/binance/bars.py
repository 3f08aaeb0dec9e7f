"""Closed bars of all symbols, minute by minute: none twice, none left out, none waiting long for another.

A symbol whose bar is not there shortly after the close, or whose next bar shows that one is missing, is asked
for by REST; it goes on from there, and its own bars stay in order. The others wait for it only a moment, a
little longer after a gap of the connection, so that missed minutes are told together.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final

from gridbot_tui.engine.events import BarsClosed
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.source import QualityNote
from gridbot_tui.units import Ms, Symbol

ASKED_FOR_A_HOLE: Final = 4
"""So often the exchange is asked for a bar it does not have, while it has later ones, before it is a hole."""
AHEAD: Final[Ms] = 60_000
"""How far our idea of the exchange's time may be behind it; what opens later than that never was a bar."""
_PAUSE: Final[tuple[Ms, ...]] = (1_000, 2_000, 5_000, 10_000, 20_000)


class _Row:
    __slots__ = ("asked", "asking", "held", "next", "retry_at")

    def __init__(self, first: Ms) -> None:
        self.next = first
        """Open time of the bar to be told next."""
        self.held: dict[Ms, Bar] = {}
        self.asking = False
        self.asked = 0
        self.retry_at: Ms = 0


class MinuteBars:
    """Collects bars as they come and gives them out in order. Knows no clock: every call says what time it is."""

    def __init__(self, symbols: Iterable[Symbol], interval: Ms, timing: StreamTiming) -> None:
        self._symbols = tuple(sorted(symbols))
        self.interval = self._interval = interval
        self._timing = timing
        self._rows: dict[Symbol, _Row] = {}
        self._hold_until: Ms = 0
        self._told_at: Ms = 0
        self._notes: list[QualityNote] = []

    @property
    def began(self) -> bool:
        """Whether it is known where to begin."""
        return bool(self._rows)

    def begin(self, now: Ms, next_open: Callable[[Symbol], Ms | None]) -> None:
        """Begin with the bars named, else with the one that is forming."""
        forming = now - now % self._interval
        for symbol in self._symbols:
            wanted = next_open(symbol)
            first = forming if wanted is None else min(forming, wanted + -wanted % self._interval)
            self._rows[symbol] = _Row(first)
        self.gap(now)

    def gap(self, now: Ms) -> None:
        """The connection was away: wait a little longer for all."""
        self._hold_until = now + self._timing.gap_hold_ms

    def closed(self, symbol: Symbol, bar: Bar) -> None:
        """A bar that the stream calls closed. One told before is passed over."""
        row = self._rows.get(symbol)
        if row is not None and bar.open_at >= row.next:
            row.held.setdefault(bar.open_at, bar)

    # -- asking the exchange --------------------------------------------------------------------------------

    def wanted(self, now: Ms) -> list[tuple[Symbol, Ms]]:
        """(symbol, open time of the first bar missing) to be asked for now; each is marked as being asked."""
        late = now - self._interval - self._timing.late_bar_ms
        found = []
        for symbol, row in self._rows.items():
            if row.asking or row.next in row.held or now < row.retry_at:
                continue
            if row.held or row.next <= late:
                row.asking = True
                found.append((symbol, row.next))
        return found

    def filled(self, symbol: Symbol, bars: Sequence[Bar], now: Ms) -> None:
        """The exchange's answer: closed bars from the one asked for on."""
        row = self._rows[symbol]
        row.asking = False
        for bar in bars:
            self.closed(symbol, bar)
        if row.next in row.held:
            row.asked = 0
            return
        row.retry_at = now + _PAUSE[min(row.asked, len(_PAUSE) - 1)]
        row.asked += 1
        row.held = {at: bar for at, bar in row.held.items() if at < now + AHEAD}
        if row.held and row.asked >= ASKED_FOR_A_HOLE:
            there = min(row.held)
            missing = (there - row.next) // self._interval
            detail = f"the exchange has no candles for {missing} intervals"
            self._notes.append(QualityNote(now, symbol, "hole", detail))
            row.next, row.asked = there, 0

    def failed(self, symbol: Symbol, now: Ms) -> None:
        """The exchange could not be asked."""
        row = self._rows[symbol]
        row.asking = False
        row.retry_at = now + _PAUSE[min(row.asked, len(_PAUSE) - 1)]
        row.asked += 1

    # -- giving out ---------------------------------------------------------------------------------------------

    def due(self, now: Ms) -> list[BarsClosed]:
        """What can be told now, in order. ``at`` never goes back, also where a symbol comes late."""
        told: list[BarsClosed] = []
        while True:
            ready = [row.next for row in self._rows.values() if row.next in row.held]
            if not ready:
                return told
            minute = min(ready)
            behind = any(row.next <= minute and row.next not in row.held for row in self._rows.values())
            close = minute + self._interval
            if behind and now < max(close + self._timing.late_bar_ms, self._hold_until):
                return told
            told.append(self._tell(minute, close))

    def _tell(self, minute: Ms, close: Ms) -> BarsClosed:
        bars = []
        for symbol, row in self._rows.items():
            if row.next == minute and minute in row.held:
                bars.append((symbol, row.held.pop(minute)))
                row.next = close
        self._told_at = max(self._told_at, close)
        notes, self._notes = tuple(self._notes), []
        return BarsClosed(self._told_at, tuple(bars), notes)
