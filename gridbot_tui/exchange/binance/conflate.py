"""Prices between bars: the latest of each symbol, told at most so often; what was told twice is told once."""

from collections.abc import Callable
from typing import Final

from gridbot_tui.engine.events import Quote
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.numbers import Scale
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Market, Ms, Symbol, Ticks

BOOK_FRESH: Final = 10.0
"""Seconds for which best prices say what spot is worth; older ones give way to the last trade."""
STALE_ORDER: Final = 5.0
"""Seconds after which an order-book number lower than the last one is a new count and no latecomer."""


class Pair:
    """One symbol's prices: what is known, and which of it has not been told yet."""

    __slots__ = (
        "ask", "bid", "book_at", "funding_at", "heard_at", "last", "mark", "mark_at", "mark_event", "new_book",
        "new_last", "new_mark", "scale", "spot", "symbol", "taken_at", "told_at", "update",
    )  # fmt: skip

    def __init__(self, instrument: Instrument) -> None:
        self.symbol: Symbol = instrument.symbol
        self.scale = Scale(instrument)
        self.spot = instrument.market is Market.SPOT
        self.bid: Ticks | None = None
        self.ask: Ticks | None = None
        self.last: Ticks | None = None
        self.mark: Ticks | None = None
        self.new_book = self.new_last = self.new_mark = False
        self.update = 0
        """The book's own number of the last best prices taken."""
        self.mark_event: Ms = 0
        """The exchange's time of the last mark price taken."""
        self.funding_at: Ms = 0
        """When the next funding settles; 0 = not known."""
        self.book_at: float | None = None
        self.mark_at: float | None = None
        self.heard_at: float | None = None
        """Monotonic times of the last best prices, mark price, news of any kind; None = never."""
        self.taken_at = self.told_at = float("-inf")

    def forget_order(self) -> None:
        """After a gap the numbers may begin anew."""
        self.update, self.mark_event = 0, 0


class Quotes:
    """Makes quotes of what is heard."""

    def __init__(self, emit: Callable[[Quote], None], every: float, clock: Clock) -> None:
        """``every``: seconds between two quotes of a symbol, at least."""
        self._emit = emit
        self._every = every
        self._clock = clock
        self._waiting: set[Pair] = set()

    def book(self, pair: Pair, update: int, bid: Ticks, ask: Ticks) -> None:
        """Best prices; ones from before those taken last are passed over. 0 = an empty side."""
        now = self._clock.monotonic()
        pair.heard_at = now
        if update <= pair.update and now - pair.taken_at < STALE_ORDER:
            return
        pair.update, pair.book_at, pair.taken_at = update, now, now
        pair.bid, pair.ask = bid or None, ask or None
        pair.new_book = True
        self._changed(pair, now)

    def mark(self, pair: Pair, event_at: Ms, mark: Ticks) -> None:
        """A mark price; one from before the last is passed over."""
        now = self._clock.monotonic()
        pair.heard_at = now
        if event_at < pair.mark_event:
            return
        pair.mark_event, pair.mark_at, pair.mark = event_at, now, mark
        pair.new_mark = True
        self._changed(pair, now)

    def last(self, pair: Pair, last: Ticks) -> None:
        """The price of the last trade."""
        pair.heard_at = now = self._clock.monotonic()
        if last != pair.last:
            pair.last, pair.new_last = last, True
            self._changed(pair, now)

    def still(self, pair: Pair) -> None:
        """What is known of a spot symbol still holds: nothing moved on a connection that speaks."""
        pair.book_at = self._clock.monotonic()
        pair.new_book = True
        self._changed(pair, pair.book_at)

    def flush(self) -> None:
        """Tell what waited long enough."""
        now = self._clock.monotonic()
        for pair in [pair for pair in self._waiting if now - pair.told_at >= self._every]:
            self._tell(pair, now)

    def _changed(self, pair: Pair, now: float) -> None:
        if now - pair.told_at >= self._every:
            self._tell(pair, now)
        else:
            self._waiting.add(pair)

    def _tell(self, pair: Pair, now: float) -> None:
        self._waiting.discard(pair)
        pair.told_at = now
        bid = pair.bid if pair.new_book else None
        ask = pair.ask if pair.new_book else None
        last = pair.last if pair.new_last else None
        mark = pair.mark if pair.new_mark else None
        if pair.spot:
            mark = _worth(pair, now)
        pair.new_book = pair.new_last = pair.new_mark = False
        if bid is not None or ask is not None or last is not None or mark is not None:
            self._emit(Quote(self._clock.now_ms(), pair.symbol, bid, ask, last, mark))


def _worth(pair: Pair, now: float) -> Ticks | None:
    """What spot is worth, where no mark price is made: between fresh best prices, else the last trade."""
    fresh = pair.book_at is not None and now - pair.book_at < BOOK_FRESH
    if pair.bid is not None and pair.ask is not None and (fresh or pair.last is None):
        return (pair.bid + pair.ask) // 2
    return pair.last
