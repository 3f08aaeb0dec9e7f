"""The market as it happens: quotes, closed bars without gaps, settled funding, and whether the link stands."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from gridbot_tui.engine.events import Event, LinkChanged
from gridbot_tui.exchange.binance.bars import MinuteBars
from gridbot_tui.exchange.binance.clock import Clock
from gridbot_tui.exchange.binance.conflate import NEVER, Pair, Quotes
from gridbot_tui.exchange.binance.doors import StreamDoor, ways
from gridbot_tui.exchange.binance.errors import BinanceError
from gridbot_tui.exchange.binance.frames import BadFrame
from gridbot_tui.exchange.binance.funding_watch import FundingWatch
from gridbot_tui.exchange.binance.gate import Gate
from gridbot_tui.exchange.binance.hosts import Hosts
from gridbot_tui.exchange.binance.jobs import Jobs, first_to_end
from gridbot_tui.exchange.binance.link_health import LinkHealth
from gridbot_tui.exchange.binance.market_words import Hear, MarketWords, Streams
from gridbot_tui.exchange.binance.marks import MarkCandle
from gridbot_tui.exchange.binance.quiet import BOOK, MARK, QuietWatch
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.sockets import AioDialer, Dialer
from gridbot_tui.exchange.binance.supervisor import Supervisor
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.clock import interval_name
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.log import get_logger
from gridbot_tui.units import Market, Ms, Symbol

AT_ONCE: Final = 4
"""REST questions of the feed's own at a time."""

_log = get_logger("streams")


def _nothing_known(_: Symbol) -> Ms | None:
    return None


class MarketFeed:
    """Everything public of the traded symbols. ``run`` owns every task and ends only by being cancelled."""

    def __init__(
        self,
        rest: Rest,
        hosts: Hosts,
        instruments: Mapping[Symbol, Instrument],
        interval: Ms,
        sink: Callable[[Event], None],
        *,
        next_open: Callable[[Symbol], Ms | None] = _nothing_known,
        timing: StreamTiming | None = None,
        clock: Clock,
        dialer: Dialer | None = None,
        gate: Gate | None = None,
    ) -> None:
        """Args:
        rest: asked for missed bars, settled funding, and the prices of symbols that fell quiet.
        interval: of the base bars.
        sink: takes the events, at once and without raising.
        next_open: open time of the first bar a symbol's books lack, asked once, when bars are first listened to;
            None = begin with the bar that is forming.
        gate: shared by all feeds of a process, for the limit on connections.
        """
        self._rest = rest
        self._sink = sink
        self._next_open = next_open
        self._timing = timing = timing or StreamTiming()
        self._clock = clock
        self._dialer = dialer or AioDialer()
        self._gate = gate or Gate(timing, clock)
        self._futures = rest.market is Market.FUTURES
        self._pairs = {symbol: Pair(instrument) for symbol, instrument in sorted(instruments.items())}
        self._quotes = Quotes(sink, timing.quote_ms / 1000, clock)
        self._bars = MinuteBars(self._pairs, interval, timing)
        self._marks = {symbol: MarkCandle(interval) for symbol in self._pairs}
        self.parts: list[_Part] = []
        self._of_pair: dict[tuple[Symbol, str], _Part] = {}
        self._lay_out(hosts, MarketWords(interval, interval_name(interval), self._quotes, self))
        self._up: bool | None = None
        self._jobs = Jobs()
        self._room = asyncio.Semaphore(AT_ONCE)
        self._quiet = QuietWatch(rest, self._quotes, self._carrier, self._room, self._jobs, timing, clock)
        self._funding = FundingWatch(rest, self._pairs, sink, timing, clock)

    # -- asked ------------------------------------------------------------------------------------------------

    def health(self) -> tuple[LinkHealth, ...]:
        """Every connection as it stands."""
        return tuple(part.supervisor.health() for part in self.parts)

    def ages(self) -> dict[Symbol, float | None]:
        """Seconds since anything was heard of a symbol; None = never."""
        now = self._clock.monotonic()
        return {s: None if p.heard_at == NEVER else now - p.heard_at for s, p in self._pairs.items()}

    # -- life -------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen, for ever."""
        self._quiet.begin()
        self._up = None
        self._sink(LinkChanged(self._clock.now_ms(), "market", up=False, detail="connecting", begins=True))
        tasks = [asyncio.create_task(part.supervisor.run(), name=part.supervisor.name) for part in self.parts]
        tasks.append(asyncio.create_task(self._tick(), name="market feed"))
        try:
            await first_to_end(tasks)
        finally:
            await self._jobs.end()
            await self._dialer.close()

    async def _tick(self) -> None:
        while True:
            await self._clock.sleep(self._timing.tick)
            self._jobs.check()
            for pair, bad, raw in self._quotes.flush():
                self._carrier(pair.symbol, BOOK).unreadable(None, bad, raw)
            self._tell_bars()
            for pair in self._pairs.values():
                self._quiet.look(pair)

    def _lay_out(self, hosts: Hosts, words: MarketWords) -> None:
        """Streams onto connections: each futures category at its own door, so many on one."""
        candle = f"@kline_{interval_name(self._bars.interval)}"
        kline: tuple[str, Hear] = (candle, words.kline)
        book: tuple[str, Hear] = (BOOK, self._quotes.book)
        if self._futures:
            mark: tuple[str, Hear] = (MARK, words.mark)
            other = hosts.futures_unrouted
            doors = [("market", ways(hosts.futures_market, other), (kline, mark)),
                     ("public", ways(hosts.futures_public, other), (book,))]  # fmt: skip
        else:
            doors = [("market", [hosts.spot_stream], (kline, book))]
        for name, bases, kinds in doors:
            pairs, most = list(self._pairs.values()), max(1, self._timing.streams // len(kinds))
            for start in range(0, len(pairs), most):
                part = _Part(self, pairs[start : start + most], bars=kline in kinds, books=book in kinds)
                names = []
                for pair in pairs[start : start + most]:
                    for suffix, hear in kinds:
                        names.append(part.add(pair.symbol.lower() + suffix, hear, pair))
                        self._of_pair[pair.symbol, suffix] = part
                title = f"{name} {start // most + 1}" if len(pairs) > most else name
                door = StreamDoor(bases, names, self._timing, self._clock)
                part.supervisor = Supervisor(title, door, part, self._dialer, self._gate, self._timing, self._clock,
                                             talkative=True, read_at=part.read_at)  # fmt: skip
                self.parts.append(part)

    def _carrier(self, symbol: Symbol, suffix: str) -> Supervisor:
        """The connection that carries a stream."""
        return self._of_pair[symbol, suffix].supervisor

    # -- told by the connections ------------------------------------------------------------------------------

    def link_changed(self, up: bool, detail: str, *, bars: bool) -> None:
        """A connection (one that tells ``bars``) came up or went down; the link stands where all of them do."""
        if up:
            for pair in self._pairs.values():
                pair.forget_order()
            now = self._clock.now_ms()
            if self._bars.began:
                self._bars.gap(now)
            elif bars:
                self._bars.begin(now, self._next_open)
        if up and not all(part.supervisor.up for part in self.parts):
            return  # another one is still to come
        if up != self._up:
            self._up = up
            self._sink(LinkChanged(self._clock.now_ms(), "market", up, detail))

    # -- bars -------------------------------------------------------------------------------------------------

    def on_bar(self, pair: Pair, bar: Bar) -> None:
        """A bar closed."""
        self._bars.closed(pair.symbol, self._marks[pair.symbol].on(bar))
        self._tell_bars()

    def _tell_bars(self) -> None:
        if not self._bars.began:
            return
        now = self._clock.now_ms()
        for closed in self._bars.due(now):
            self._sink(closed)
        for symbol, since in self._bars.wanted(now):
            self._jobs.start(self._fill(symbol, since), f"bars of {symbol}")

    async def _fill(self, symbol: Symbol, since: Ms) -> None:
        try:
            async with self._room:
                bars = await self._rest.klines(symbol, since)
        except BinanceError as error:
            _log.warning("bars_not_answered", symbol=symbol, reason=error.detail)
            self._bars.failed(symbol, self._clock.now_ms())
            return
        self._bars.filled(symbol, bars, self._clock.now_ms())
        self._tell_bars()

    # -- funding ------------------------------------------------------------------------------------------------

    def on_mark(self, pair: Pair, at: Ms, mark: int, funding_at: Ms) -> None:
        """A mark price; a new funding time says that the last one has come."""
        self._marks[pair.symbol].heard(at, mark)
        before, pair.funding_at = pair.funding_at, funding_at or pair.funding_at
        if before and funding_at > before and at >= before and self._funding.due(pair.symbol, before):
            self._jobs.start(self._funding.look(), "funding")


class _Part(Streams):
    """One connection of the feed, as its supervisor sees it."""

    supervisor: Supervisor

    def __init__(self, feed: MarketFeed, pairs: Sequence[Pair], *, bars: bool, books: bool) -> None:
        super().__init__(lambda at: self.supervisor.took(at))
        self._feed = feed
        self._pairs = pairs
        self._bars = bars
        self._books = books

    def read_at(self) -> float:
        """Monotonic time at which anything it says could be read; NEVER where nothing ever was."""
        prices = max((max(pair.mark_at, pair.last_at) for pair in self._pairs), default=NEVER) if self._bars else NEVER
        books = max((pair.accepted_at for pair in self._pairs), default=NEVER) if self._books else NEVER
        return max(prices, books)

    def link(self, up: bool, detail: str) -> None:
        """Up or down."""
        self._feed.link_changed(up, detail, bars=self._bars)

    def missed(self, bad: BadFrame) -> None:
        """The next price says the same better, and a bar that is missing is asked for."""
