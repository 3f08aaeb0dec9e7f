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
"""Seconds after which a number or time lower than the last one is a new count and no latecomer: one frame from
the far future must not silence all that follow."""
NEVER: Final = float("-inf")


class Pair:
    """One symbol's prices: what is known, and which of it has not been told yet."""

    __slots__ = (
        "accepted_at", "ask", "bid", "book_at", "comma", "funding_at", "last", "last_at", "last_event", "late", "mark",
        "mark_at", "mark_event", "new_book", "new_last", "new_mark", "scale", "spot", "still_at", "symbol", "told_at",
        "unread", "update",
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
        self.comma = 0
        """Where the book's number ends in its frames, if nothing that changes comes before it: of two frames with
        a comma there the later in the alphabet is the later one. 0 = not so, or not known."""
        self.update = 0
        """The book's own number of the best prices known."""
        self.mark_event: Ms = 0
        self.last_event: Ms = 0
        """The exchange's times of the last mark price and the last candle taken."""
        self.funding_at: Ms = 0
        """When the next funding settles; 0 = not known."""
        self.late: Ms = 0
        """How old the last mark price (on spot: candle, best prices there tell no time) was when it came."""
        self.book_at = self.mark_at = self.last_at = NEVER
        """Monotonic times: a frame of best prices, a mark price, a candle."""
        self.still_at = self.accepted_at = self.told_at = NEVER
        """And: best prices known to hold, best prices accepted as the newest, a quote told."""

    @property
    def heard_at(self) -> float:
        """Monotonic time of any news; NEVER where there was none."""
        return max(self.book_at, self.mark_at, self.last_at)

    def forget_order(self) -> None:
        """After a gap the numbers may begin anew."""
        self.update = self.mark_event = self.last_event = 0

    def read(self, now: float) -> Ms:
        """Read the frame that waits; the exchange's time of it, 0 where it tells none.

        Raises:
            one of READING: it cannot be read, or says what cannot be. Nothing has changed then.
        """
        raw, self.unread = self.unread, None
        if raw is None:
            return 0
        number = raw.find(b'"u":')
        self.comma = raw.find(b",", number) if 0 < number < raw.find(b'"b":') else 0
        try:
            tick = frames.book_ticker(raw).data
            if tick.u <= self.update and now - self.accepted_at < STALE_ORDER:
                return 0
            bid, ask = self.scale.best(tick.b, tick.a)
            if tick.s != self.symbol or (bid and ask and bid > ask):
                raise BadNumber(f"{tick.s} {tick.b} over {tick.a} on the stream of {self.symbol}")
        except READING:
            self.book_at = self.accepted_at  # what cannot be read was not heard: REST is asked for the price
            raise
        self.update, self.accepted_at = tick.u, now
        self.bid, self.ask, self.new_book = bid or None, ask or None, True
        return tick.E


def number_of(raw: bytes) -> int:
    """The book's own number of a frame of best prices; raises one of READING."""
    return frames.book_ticker(raw).data.u


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
        pair.book_at = now
        unread = pair.unread
        if unread is None:
            pair.unread = raw
            if now - pair.told_at < self._every:
                self._waiting.add(pair)
                return 0
            at = pair.read(now)
            self._tell(pair, now)
            return at
        end = pair.comma
        if not (end and raw > unread and raw[end : end + 1] == b"," == unread[end : end + 1]):
            pair.unread = raw  # in case the other one is the one that cannot be read
            if number_of(unread) >= number_of(raw):
                pair.unread = unread
            return 0
        pair.unread = raw
        return 0

    def prices(self, pair: Pair, bid: Ticks | None, ask: Ticks | None) -> None:
        """Best prices that no stream told."""
        now = self._clock.monotonic()
        pair.bid, pair.ask, pair.unread, pair.new_book = bid, ask, None, True
        pair.still_at = now
        if pair.spot:
            pair.late = 0
        self._changed(pair, now)

    def mark(self, pair: Pair, event_at: Ms, mark: Ticks, now: float) -> None:
        """A mark price; one from before the last is passed over."""
        if event_at < pair.mark_event and now - pair.mark_at < STALE_ORDER:
            return
        pair.mark_event, pair.mark_at, pair.mark = event_at, now, mark
        pair.new_mark = True
        pair.late = self._late(event_at)
        self._changed(pair, now)

    def last(self, pair: Pair, event_at: Ms, last: Ticks, now: float) -> None:
        """The price of the last trade; one from before the last is passed over."""
        if event_at < pair.last_event and now - pair.last_at < STALE_ORDER:
            return
        pair.last_event, pair.last_at = event_at, now
        if pair.spot:
            pair.late = self._late(event_at)
        if last != pair.last:
            pair.last, pair.new_last = last, True
            self._changed(pair, now)

    def still(self, pair: Pair) -> None:
        """What is known of a spot symbol still holds: nothing moved on a connection that speaks."""
        pair.still_at = self._clock.monotonic()
        pair.new_book = True
        self._changed(pair, pair.still_at)

    def flush(self) -> list[tuple[Pair, BadFrame, bytes]]:
        """Tell what waited long enough; the frames that could not be read."""
        now, bad = self._clock.monotonic(), []
        for pair in [pair for pair in self._waiting if now - pair.told_at >= self._every]:
            raw = pair.unread or b""
            try:
                pair.read(now)
            except READING as error:
                bad.append((pair, BadFrame("book", f"{pair.symbol}: {error}", pair.symbol), raw))
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
            late = 0 if mark is None else _late_by(pair, now)
            self._emit(Quote(self._clock.now_ms(), pair.symbol, bid, ask, last, mark, late, pair.funding_at or None))

    def _late(self, event_at: Ms) -> Ms:
        return max(0, self._clock.now_ms() - event_at)


def _late_by(pair: Pair, now: float) -> Ms:
    """How old a price was when it came. A spot symbol that has not traded of late has no candle that would tell."""
    return pair.late if not pair.spot or now - pair.last_at < BOOK_FRESH else 0


def _worth(pair: Pair, now: float) -> Ticks | None:
    """What spot is worth, where no mark price is made: between fresh best prices, else the last trade."""
    fresh = now - max(pair.book_at, pair.still_at) < BOOK_FRESH
    if pair.bid is not None and pair.ask is not None and (fresh or pair.last is None):
        return (pair.bid + pair.ask) // 2
    return pair.last
