"""Prices between bars: the latest of each symbol, told at most so often; what was told twice is told once.

Best prices come a hundred times as often as they are told. A frame is therefore kept as it came and read
only when its turn has come; the ones overtaken meanwhile are never read at all.
"""

from collections.abc import Callable
from typing import Final

from gridbot_tui.engine.events import Quote
from gridbot_tui.exchange.binance import frames
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.frames import READING, BadFrame
from gridbot_tui.exchange.binance.numbers import BadNumber, Scale
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.units import Market, Ms, Symbol, Ticks

BOOK_FRESH: Final = 10.0
"""Seconds for which best prices say what spot is worth; older ones give way to the last trade."""
STALE_ORDER: Final = 5.0
"""Seconds after which an order-book number lower than the last one is a new count and no latecomer."""
_UPDATE: Final = b'"u":'
_DIGITS: Final = 20
NEVER: Final = float("-inf")


class Pair:
    """One symbol's prices: what is known, and which of it has not been told yet."""

    __slots__ = (
        "ask", "bid", "book_at", "funding_at", "heard_at", "last", "mark", "mark_at", "mark_event", "new_book",
        "new_last", "new_mark", "scale", "spot", "symbol", "taken_at", "told_at", "unread", "update",
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
        self.unread: bytes | None = None
        """The latest frame of best prices, as it came; None where it has been read."""
        self.update = 0
        """The book's own number of the last best prices taken."""
        self.mark_event: Ms = 0
        """The exchange's time of the last mark price taken."""
        self.funding_at: Ms = 0
        """When the next funding settles; 0 = not known."""
        self.taken_at = self.book_at = self.mark_at = self.heard_at = self.told_at = NEVER
        """Monotonic times: best prices taken, best prices known to hold, mark price, any news; a quote told."""

    def forget_order(self) -> None:
        """After a gap the numbers may begin anew."""
        self.update, self.mark_event = 0, 0

    def read(self) -> Ms:
        """Read the frame that waits; the exchange's time of it, 0 where it tells none.

        Raises:
            one of READING: it cannot be read, or says what cannot be. Nothing has changed then.
        """
        raw, self.unread = self.unread, None
        if raw is None:
            return 0
        update, self.update = self.update, 0
        tick = frames.book_ticker(raw).data
        price = self.scale.price
        bid, ask = price(tick.b), price(tick.a)
        if tick.s != self.symbol or (bid and ask and bid > ask):
            raise BadNumber(f"{tick.s} {tick.b} over {tick.a} on the stream of {self.symbol}")
        self.update = update
        self.bid, self.ask, self.new_book = bid or None, ask or None, True
        return tick.E


class Quotes:
    """Makes quotes of what is heard."""

    def __init__(self, emit: Callable[[Quote], None], every: float, clock: Clock) -> None:
        """``every``: seconds between two quotes of a symbol, at least."""
        self._emit = emit
        self._every = every
        self._clock = clock
        self._waiting: set[Pair] = set()

    def book(self, pair: Pair, raw: bytes, now: float) -> Ms:
        """A frame of best prices; one from before the last, by the book's own number, is passed over.

        Returns the exchange's time of it where it was told at once, else 0. Raises one of READING.
        """
        begin = raw.find(_UPDATE) + 4
        digits = raw[begin : raw.find(b",", begin, begin + _DIGITS)]
        update = int(digits) if digits.isdigit() else frames.book_ticker(raw).data.u
        pair.heard_at = now
        if update <= pair.update and now - pair.taken_at < STALE_ORDER:
            return 0
        pair.update = update
        pair.taken_at = pair.book_at = now
        pair.unread = raw
        if now - pair.told_at < self._every:
            self._waiting.add(pair)
            return 0
        at = pair.read()
        self._tell(pair, now)
        return at

    def prices(self, pair: Pair, bid: Ticks | None, ask: Ticks | None) -> None:
        """Best prices that no stream told."""
        now = self._clock.monotonic()
        pair.bid, pair.ask, pair.unread, pair.new_book = bid, ask, None, True
        pair.taken_at = pair.book_at = now
        self._changed(pair, now)

    def mark(self, pair: Pair, event_at: Ms, mark: Ticks, now: float) -> None:
        """A mark price; one from before the last is passed over."""
        pair.heard_at = now
        if event_at < pair.mark_event:
            return
        pair.mark_event, pair.mark_at, pair.mark = event_at, now, mark
        pair.new_mark = True
        self._changed(pair, now)

    def last(self, pair: Pair, last: Ticks, now: float) -> None:
        """The price of the last trade."""
        pair.heard_at = now
        if last != pair.last:
            pair.last, pair.new_last = last, True
            self._changed(pair, now)

    def still(self, pair: Pair) -> None:
        """What is known of a spot symbol still holds: nothing moved on a connection that speaks."""
        pair.book_at = self._clock.monotonic()
        pair.new_book = True
        self._changed(pair, pair.book_at)

    def flush(self) -> list[tuple[Pair, BadFrame, bytes]]:
        """Tell what waited long enough; the frames that could not be read."""
        now, bad = self._clock.monotonic(), []
        for pair in [pair for pair in self._waiting if now - pair.told_at >= self._every]:
            raw = pair.unread or b""
            try:
                pair.read()
            except READING as error:
                bad.append((pair, BadFrame("book", f"{pair.symbol}: {error}"), raw))
            self._tell(pair, now)
        return bad

    def _changed(self, pair: Pair, now: float) -> None:
        if now - pair.told_at >= self._every and pair.unread is None:
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
    fresh = now - pair.book_at < BOOK_FRESH
    if pair.bid is not None and pair.ask is not None and (fresh or pair.last is None):
        return (pair.bid + pair.ask) // 2
    return pair.last
