"""One symbol as the public sees it: book, trades, candles, mark price and funding."""

from collections import deque
from decimal import Decimal
from typing import Final, NamedTuple

from gridbot_tui.exchange.server.numbers import Format
from gridbot_tui.exchange.server.series import Candle, Series
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import HOUR, Market, Ms, Side, Steps, Ticks

LEVELS: Final = 40
"""Price levels a side."""
TRADES_KEPT: Final = 1_000
_LEVEL_WORTH: Final = 20_000.0
"""About how much quote stands at one level."""
Levels = dict[Ticks, Steps]


class PublicTrade(NamedTuple):
    """One trade; an aggregate of one."""

    trade_id: int
    at: Ms
    price: Ticks
    steps: Steps
    taker_buys: bool


class Tape:
    """Public state of one symbol. ``last`` is 0 before the market has begun."""

    def __init__(self, instrument: Instrument, base: Ms, candles_kept: int) -> None:
        self.instrument = instrument
        self.symbol = instrument.symbol
        self.format = Format(instrument)
        self.last: Ticks = 0
        self.mark: Ticks = 0
        self.updated_at: Ms = 0
        self.status = "TRADING"
        self.candles = Series(base, candles_kept)
        self.seconds = Series(1_000, 1_500) if instrument.market is Market.SPOT else None
        self.trades: deque[PublicTrade] = deque(maxlen=TRADES_KEPT)
        self.next_trade_id = 1_000_000
        self.update_id = 50_000_000
        self.bids: Levels = {}
        self.asks: Levels = {}
        self.liquidity: Steps | None = None
        """Steps at each level where it was set by hand."""
        self.funding: deque[tuple[FundingRate, Ticks]] = deque(maxlen=1_000)
        self.rate = 0.0001
        self.funding_hours = instrument.funding_interval_hours
        self.delivery_at: Ms = 4_133_404_800_000
        self.marks: deque[tuple[Ms, Ticks]] = deque(maxlen=1_500)
        self.fresh: list[PublicTrade] = []
        """Trades nobody has been told of yet."""

    @property
    def best_bid(self) -> Ticks:
        """One tick under the last price."""
        return max(1, self.last - 1)

    @property
    def best_ask(self) -> Ticks:
        """One tick over the last price."""
        return self.last + 1

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
        self.last, self.mark = bar.close, bar.mark_close

    def trade(self, at: Ms, price: Ticks, steps: Steps, taker_buys: bool, trade_id: int | None = None) -> None:
        """A trade happened at the market."""
        if trade_id is None:
            trade_id = self.next_trade_id
            self.next_trade_id += 1
        trade = PublicTrade(trade_id, at, price, steps, taker_buys)
        self.trades.append(trade)
        self.fresh.append(trade)
        self._count(at, price, steps, taker_buys, trade_id)

    def _count(self, at: Ms, price: Ticks, steps: Steps, taker_buys: bool, trade_id: int) -> None:
        self.candles.tick(at, price, steps, taker_buys, trade_id)
        if self.seconds is not None:
            self.seconds.tick(at, price, steps, taker_buys, trade_id)

    def move(self, at: Ms, price: Ticks, mark: Ticks, steps: Steps, taker_buys: bool | None = None) -> None:
        """The market goes to a price, with so much traded on the way; the book follows."""
        if taker_buys is None:
            taker_buys = price > self.last or (price == self.last and bool(self.update_id & 1))
        if steps > 0:
            self.trade(at, price, steps, taker_buys)
        else:
            self._count(at, price, 0, taker_buys, -1)
        self.last, self.mark, self.updated_at = price, mark, at
        self.rebuild()

    def rebuild(self) -> None:
        """Levels around the last price: the best one tick away, the others on a coarser grid."""
        last = self.last
        gap = max(1, round(last * 0.00002))
        self.update_id += 2
        turn = self.update_id // 2
        size = max(1, int(_LEVEL_WORTH / (self.instrument.unit_f * last)))
        below, above = last - 1, last + 1
        bids: Levels = {}
        asks: Levels = {}
        if below >= 1:
            bids[below] = self._size(below, size, turn)
        asks[above] = self._size(above, size, turn)
        low, high = (below - 1) // gap * gap, -(-(above + 1) // gap) * gap
        for _ in range(LEVELS - 1):
            if low >= 1:
                bids[low] = self._size(low, size, turn)
            asks[high] = self._size(high, size, turn)
            low -= gap
            high += gap
        self.bids, self.asks = bids, asks

    def _size(self, price: Ticks, size: Steps, turn: int) -> Steps:
        """How much stands at a price: its own, and changing every few turns."""
        if self.liquidity is not None:
            return self.liquidity
        return max(1, size * (20 + (price * 2_654_435_761 + (turn + price) // 16 * 40_503) % 97) // 60)

    def levels(self, taker: Side) -> list[tuple[Ticks, Steps]]:
        """What a taker of a side meets, the best first."""
        return list(self.asks.items()) if taker is Side.BUY else list(self.bids.items())

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
            return self.instrument.price(self.last)
        return self.instrument.tick * found.quote / found.volume
