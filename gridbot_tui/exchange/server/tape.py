"""One symbol as the public sees it: book, trades, candles, mark price and funding."""

from collections import deque
from decimal import Decimal
from typing import Final, NamedTuple

from gridbot_tui.exchange.server.book import Book, Levels
from gridbot_tui.exchange.server.numbers import Format
from gridbot_tui.exchange.server.series import Candle, Series
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.quotes import path_quotes
from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import HOUR, Market, Ms, Side, Steps, Ticks

TRADES_KEPT: Final = 50_000
"""Of a market, shared by its symbols: what a client may page through that has been away."""
LEAST_TRADES_KEPT: Final = 1_000
"""Of a symbol, however many there are: as many as one answer holds."""
RELIVED: Final = 240
"""Trades of a bar of just before the exchange opened: as many as of one that is played."""
MARKS_KEPT: Final = 1_500
"""Candles of the mark price; before them it is told as the price that was traded at."""


class PublicTrade(NamedTuple):
    """One trade; an aggregate of one."""

    trade_id: int
    at: Ms
    price: Ticks
    steps: Steps
    taker_buys: bool


class Unmarked:
    """What was traded before the mark prices that are kept."""

    def __init__(self, traded: Series, marks: Series) -> None:
        self._traded = traded
        self._marks = marks

    @property
    def first_at(self) -> Ms:
        """Open time of the oldest candle."""
        found = self._traded.first_at()
        return self.until if found is None else found

    @property
    def until(self) -> Ms:
        """Where the marks begin."""
        return self._marks.kept_from() or 0

    def candles(self, since: Ms, until: Ms, length: Ms, zone: Ms = 0) -> list[Candle]:
        """Candles that open in [since, until]."""
        return self._traded.base(since, until, length, zone)


class Tape:
    """Public state of one symbol. ``last`` is 0 before the market has begun."""

    def __init__(self, instrument: Instrument, base: Ms, candles_kept: int, trades_kept: int) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.format = Format(instrument)
        self.last: Ticks = 0
        """Where the market stands, a tick between its best bid and ask."""
        self.traded: Ticks = 0
        """The last price that anybody traded at, an account that took from the book included."""
        self.mark: Ticks = 0
        self.updated_at: Ms = 0
        self.status = "TRADING"
        self.candles = Series(base, candles_kept)
        self.seconds = Series(1_000, 1_500) if instrument.market is Market.SPOT else None
        self.trades: deque[PublicTrade] = deque(maxlen=trades_kept)
        self.next_trade_id = 1_000_000
        self.book = Book(instrument)
        self.funding: deque[tuple[FundingRate, Ticks]] = deque(maxlen=1_000)
        self.rate = 0.0001
        self.funding_hours = instrument.funding_interval_hours
        self.delivery_at: Ms = 4_133_404_800_000
        self.marks: Series | None = None
        """Candles of the mark price."""
        if instrument.market is Market.FUTURES:
            self.marks = Series(base, MARKS_KEPT)
            self.marks.past = Unmarked(self.candles, self.marks)
        self.fresh: list[PublicTrade] = []
        """Trades nobody has been told of yet."""

    @property
    def update_id(self) -> int:
        """The number of the book as it stands now."""
        return self.book.settle()

    @property
    def bids(self) -> Levels:
        """What stands to buy, the best first."""
        return self.book.bids

    @property
    def asks(self) -> Levels:
        """What stands to sell, the best first."""
        return self.book.asks

    @property
    def best_bid(self) -> Ticks:
        """The highest price somebody buys at: a tick under the last one, or an account's own."""
        return next(iter(self.book.bids), max(1, min(self.last, next(iter(self.book.asks), self.last)) - 1))

    @property
    def best_ask(self) -> Ticks:
        """The lowest price somebody sells at."""
        return next(iter(self.book.asks), max(self.last, next(iter(self.book.bids), 0)) + 1)

    def remember(self, bar: Bar, at: Ms) -> None:
        """A bar of before the exchange opened, told to have begun at a moment."""
        steps = max(1, int(bar.volume / self.instrument.step_f))
        trades = min(500, max(1, steps // 50))
        middle = (bar.high + bar.low + bar.close) // 3
        first = self.next_trade_id
        self.next_trade_id += trades
        half = steps // 2
        self.candles.add(Candle(at, at + bar.interval - 1, bar.open, bar.high, bar.low, bar.close, steps,
                                steps * middle, trades, half, half * middle, first, first + trades - 1))  # fmt: skip
        self._remember_mark(bar, at)

    def relive(self, bar: Bar, at: Ms) -> None:
        """As ``remember``, trade by trade: a bar of just before the exchange opened."""
        steps = max(1, int(bar.volume / self.instrument.step_f))
        way = path_quotes(bar, min(RELIVED, steps))
        before = bar.open
        for n, price in enumerate(way):
            part = steps * (n + 1) // len(way) - steps * n // len(way)
            trade = PublicTrade(self.next_trade_id, at + bar.interval * n // len(way), price, part, price > before)
            self.next_trade_id += 1
            self.trades.append(trade)
            self._count(trade.at, price, part, trade.taker_buys, trade.trade_id)
            before = price
        self._remember_mark(bar, at)

    def _remember_mark(self, bar: Bar, at: Ms) -> None:
        if self.marks is not None:
            opened = min(max(self.mark or bar.mark_close, bar.mark_low), bar.mark_high)
            self.marks.add(Candle(at, at + bar.interval - 1, opened, bar.mark_high, bar.mark_low, bar.mark_close,
                                  0, 0, 0, 0, 0, -1, -1))  # fmt: skip
        self.last, self.mark = bar.close, bar.mark_close
        self.traded = bar.close

    def trade(self, at: Ms, price: Ticks, steps: Steps, taker_buys: bool, trade_id: int | None = None) -> None:
        """A trade happened at the market."""
        if trade_id is None:
            trade_id = self.next_trade_id
            self.next_trade_id += 1
        trade = PublicTrade(trade_id, at, price, steps, taker_buys)
        self.trades.append(trade)
        self.fresh.append(trade)
        self.traded = price
        self._count(at, price, steps, taker_buys, trade_id)

    def _count(self, at: Ms, price: Ticks, steps: Steps, taker_buys: bool, trade_id: int) -> None:
        self.candles.tick(at, price, steps, taker_buys, trade_id)
        if self.seconds is not None:
            self.seconds.tick(at, price, steps, taker_buys, trade_id)

    def move(self, at: Ms, price: Ticks, mark: Ticks, steps: Steps, taker_buys: bool | None = None) -> None:
        """The market goes to a price, with so much traded on the way; the book follows.

        Where it stays and nothing is traded, the last price stays what somebody traded at.
        """
        if taker_buys is None:
            taker_buys = price > self.last or (price == self.last and bool(self.book.update_id & 2))
        if steps > 0:
            self.trade(at, price, steps, taker_buys)
        else:
            self.traded = price if price != self.last else self.traded
            self._count(at, self.traded, 0, taker_buys, -1)
        if self.marks is not None:
            self.marks.tick(at, mark, 0, False, -1)
        self.last, self.mark, self.updated_at = price, mark, at
        self.rebuild()

    def rebuild(self) -> None:
        """The book anew around the last price."""
        self.book.rebuild(self.last)

    def levels(self, taker: Side) -> list[tuple[Ticks, Steps]]:
        """What a taker of a side meets, the best first."""
        return self.book.offered(taker)

    def depth(self, limit: int) -> tuple[list[list[str]], list[list[str]]]:
        """Bids and asks as strings, the best first."""
        return self.written(self.bids, limit), self.written(self.asks, limit)

    def written(self, levels: Levels, limit: int | None = None) -> list[list[str]]:
        """Levels as Binance writes them."""
        price, qty = self.format.price, self.format.qty
        items = list(levels.items())[:limit]
        return [[price(p), qty(q)] for p, q in items]

    def next_funding(self, now: Ms) -> Ms:
        """When funding is settled next."""
        length = self.funding_hours * HOUR
        return now // length * length + length

    def average(self, now: Ms, minutes: int = 5) -> Decimal:
        """Volume-weighted average price of the last minutes, or the last price."""
        found = self.candles.window(now - minutes * 60_000, now)
        if found is None or not found.volume:
            return self.instrument.price(self.traded)
        return self.instrument.tick * found.quote / found.volume
