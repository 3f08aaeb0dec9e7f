"""Both feeds turned on a served exchange, with everything they tell in a list."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

from gridbot_tui.engine.events import BarsClosed, Cash, Event, Fill, LinkChanged, OrderReport, Quote
from gridbot_tui.exchange.binance.account_feed import AccountFeed
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.units import MINUTE, Market, Mode, Ms, Symbol
from tests.exchange_server.serving import Served

SYMBOLS = ("BTCUSDT", "ETHUSDT")
BRISK = StreamTiming(
    probe=0.4, answer=20.0, retry_first=0.05, retry_most=0.3, stable=1.0, overlap=0.4, tick=0.02, quote_ms=20,
    settle=0.05, ask_again=0.2, hold_fill=0.3, deaf=30.0, quiet=20.0, heard_of=20.0,
    wallet=0.05,
)  # fmt: skip
"""Waits for tests in true time: short where the exchange is away, long enough for a busy machine to answer."""
PATIENCE_S = 60.0
T = TypeVar("T")
E = TypeVar("E", bound=Event)


def is_ours(client_id: str) -> bool:
    return client_id.startswith("gb")


class Ears:
    """What the feeds told, in order."""

    def __init__(self, served: Served, rest: Rest, clock: WallClock) -> None:
        self.served = served
        self.rest = rest
        self.clock = clock
        self.heard: list[Event] = []
        self.looks: list[str] = []
        self.known: dict[Symbol, Ms] = {}
        self.market: MarketFeed
        self.account: AccountFeed
        self._news = asyncio.Event()

    def hear(self, event: Event) -> None:
        self.heard.append(event)
        self._news.set()

    def look(self, reason: str) -> None:
        self.looks.append(reason)
        self._news.set()

    async def until(self, found: Callable[[], T | None]) -> T:
        """Wait until something is there (and not false)."""
        end = time.monotonic() + PATIENCE_S
        while not (got := found()):
            assert time.monotonic() < end, f"it never came; the last heard: {self.heard[-8:]}"
            self._news.clear()
            try:
                async with asyncio.timeout(0.1):
                    await self._news.wait()
            except TimeoutError:
                continue  # what is waited for may not be an event
        return got

    def of(self, kind: type[E]) -> list[E]:
        return [event for event in self.heard if isinstance(event, kind)]

    def links(self, source: str) -> list[bool]:
        return [link.up for link in self.of(LinkChanged) if link.source == source]

    async def link(self, source: str, *ups: bool) -> list[LinkChanged]:
        """Wait until the link has had exactly these states, in order."""
        await self.until(lambda: len(self.links(source)) >= len(ups))
        assert self.links(source) == list(ups)
        return [link for link in self.of(LinkChanged) if link.source == source]

    def fills(self) -> list[tuple[str, str]]:
        return [(fill.client_id, fill.trade_id) for fill in self.of(Fill)]

    def reports(self, client_id: str) -> list[str]:
        return [r.outcome.value for r in self.of(OrderReport) if r.client_id == client_id]

    def bars(self, symbol: Symbol) -> list[Ms]:
        """Open times of the bars told of a symbol."""
        return [bar.open_at for e in self.of(BarsClosed) for name, bar in e.bars if name == symbol]

    def quotes(self, symbol: Symbol) -> list[Quote]:
        return [q for q in self.of(Quote) if q.symbol == symbol]

    def cash(self) -> list[Cash]:
        return self.of(Cash)

    async def call(self, method: str, path: str, **params: object) -> object:
        """A signed request of another client, beside the loop."""
        return await asyncio.to_thread(lambda: self.served.good(method, path, **params))

    async def control(self, word: str, **body: object) -> None:
        await asyncio.to_thread(lambda: self.served.control(word, **body))

    async def faults(self, *rules: dict[str, object]) -> None:
        await asyncio.to_thread(lambda: self.served.faults(*rules))

    async def price(self, symbol: Symbol, price: float, **more: object) -> None:
        await asyncio.to_thread(lambda: self.served.price(symbol, price, **more))

    async def jump(self, ms: Ms) -> None:
        """Time passes over there, and for the feeds."""
        await asyncio.to_thread(lambda: self.served.jump(ms))
        await self.rest.server_time()  # sets the clock


@asynccontextmanager
async def ears(served: Served, market: Market, *, timing: StreamTiming = BRISK, account: bool = True,
               quotes: bool = True, symbols: tuple[Symbol, ...] = SYMBOLS,
               known: dict[Symbol, Ms] | None = None) -> AsyncIterator[Ears]:  # fmt: skip
    """Feeds that run and are up; nothing of them is left afterwards."""
    clock = WallClock()
    hosts = hosts_of(Mode.LIVE, served.http)
    rest = make_rest(market, hosts, Keys("key", "secret"), ours=is_ours, clock=clock, interval=MINUTE)
    await rest.open()
    instruments = await rest.instruments(symbols)
    heard = Ears(served, rest, clock)
    heard.known = known or {}
    running = []
    if quotes:
        heard.market = MarketFeed(rest, hosts, instruments, MINUTE, heard.hear, next_open=heard.known.get,
                                  timing=timing, clock=clock)  # fmt: skip
        running.append(asyncio.create_task(heard.market.run()))
    if account:
        heard.account = AccountFeed(rest, hosts, instruments, heard.hear, ours=is_ours, resync=heard.look,
                                    timing=timing, clock=clock)  # fmt: skip
        running.append(asyncio.create_task(heard.account.run()))
    try:
        for source in ("market",) * quotes + ("account",) * account:
            await heard.link(source, False, True)
        yield heard
        for task in running:
            assert not task.done(), task.exception()
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await rest.close()
