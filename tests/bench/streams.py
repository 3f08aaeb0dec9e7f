"""Streams: python-binance's sockets beside ours, and how soon a fill is an event while prices pour in.

The sender is a process of its own that does nothing else. What a message costs is also told in time on the
processor, which a busy machine changes less.
"""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from time import monotonic_ns, perf_counter, process_time
from typing import Any, ClassVar

import aiohttp

from gridbot_tui.engine.events import Fill, Quote
from gridbot_tui.exchange.binance.account_feed import AccountFeed
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.errors import Unresolved
from gridbot_tui.exchange.binance.hosts import Hosts, hosts_of
from gridbot_tui.exchange.binance.known_ids import KnownIds
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.units import MINUTE, Market, Mode
from tests.bench.report import Report, ninety_ninth
from tests.bench.stream_names import SYMBOLS
from tests.exchange_binance.parts import instrument

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 3.0
ROUNDS = 2
LOAD = 5_000
FILLS_S = 10.0
AIM = 10.0


def run(report: Report) -> None:
    """Messages a second, then the latency of a fill under load."""
    report.title(f"streams: best prices of {len(SYMBOLS)} symbols as fast as a client takes them")
    theirs, bare, ours = [], [], []
    with _source() as port:
        for _ in range(ROUNDS):  # by turns, so that a busy moment meets all
            theirs.append(asyncio.run(_python_binance(port)))
            bare.append(asyncio.run(_bare(port)))
            ours.append(asyncio.run(_feed(port)))
    best = {name: max(rows) for name, rows in (("python-binance", theirs), ("aiohttp alone", bare), ("ours", ours))}
    report.figure("python-binance's sockets: messages", best["python-binance"][0], "/s")
    report.figure("aiohttp alone, nothing read: messages", best["aiohttp alone"][0], "/s")
    report.figure("market feed, checked and conflated: messages", best["ours"][0], "/s")
    report.figure("market feed beside python-binance", best["ours"][0] / best["python-binance"][0], "x", above=AIM)
    for name, rows in (("python-binance", theirs), ("aiohttp alone", bare), ("market feed", ours)):
        report.figure(f"{name}: processor time a message", min(row[1] for row in rows), "us")
    report.title(
        f"streams: a fill on the wire until it is an event, {len(SYMBOLS)} symbols at {LOAD:,} messages a second"
    )
    with _source("--rate", str(LOAD)) as port:
        _latencies(report, "do-nothing client, no load", asyncio.run(_echo(port)))
        took, prices = asyncio.run(_fills(port))
        _latencies(report, "account feed beside the market feed", took)
        report.figure("prices meanwhile", prices / FILLS_S, "/s")


def _latencies(report: Report, name: str, took: list[float]) -> None:
    report.figure(f"{name}: p50", 1e3 * sorted(took)[len(took) // 2], "ms")
    report.figure(f"{name}: p99", 1e3 * ninety_ninth(took), "ms")


@contextmanager
def _source(*words: str) -> Iterator[int]:
    child = subprocess.Popen([sys.executable, "-m", "tests.bench.stream_source", *words], cwd=ROOT,
                             stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait()


# -- as fast as a client takes them -------------------------------------------------------------------------------


async def _python_binance(port: int) -> tuple[float, float]:
    """(messages a second, processor microseconds a message) of its own multiplex socket."""
    from binance import AsyncClient, BinanceSocketManager

    class Sockets(BinanceSocketManager):  # type: ignore[misc]  # the library has no types
        FSTREAM_URL = f"ws://127.0.0.1:{port}/"

    client = AsyncClient("key", "secret")
    names = [f"{symbol.lower()}@bookTicker" for symbol in SYMBOLS]
    manager = Sockets(client, max_queue_size=1 << 30)
    count = 0
    async with manager.futures_multiplex_socket(names, category="public") as socket:
        await socket.recv()
        began, used = perf_counter(), process_time()
        while perf_counter() - began < SECONDS:
            await socket.recv()
            count += 1
        result = count / (perf_counter() - began), 1e6 * (process_time() - used) / count
        await socket.ws.close()  # its own way out waits ten seconds
    await client.close_connection()
    return result


async def _bare(port: int) -> tuple[float, float]:
    """The same of aiohttp with the frames thrown away: what no client of it can beat."""
    async with aiohttp.ClientSession() as session:
        url = f"ws://127.0.0.1:{port}/public/stream"
        async with session.ws_connect(url, decode_text=False, compress=0, max_msg_size=0) as socket:
            await socket.receive()
            count, began, used = 0, perf_counter(), process_time()
            while perf_counter() - began < SECONDS:
                await socket.receive()
                count += 1
            return count / (perf_counter() - began), 1e6 * (process_time() - used) / count


async def _feed(port: int) -> tuple[float, float]:
    """The same of the market feed, all of it at work."""
    async with _listening(port, account=False) as (market, _, heard):
        await asyncio.sleep(0.2)
        first, began, used = _taken(market), perf_counter(), process_time()
        await asyncio.sleep(SECONDS)
        count = _taken(market) - first
        assert heard.quotes
        return count / (perf_counter() - began), 1e6 * (process_time() - used) / count


# -- a fill among them --------------------------------------------------------------------------------------------


async def _echo(port: int) -> list[float]:
    """Seconds from the wire to a client that does nothing."""
    took: list[float] = []
    async with aiohttp.ClientSession() as session:
        url = f"ws://127.0.0.1:{port}/private/ws?listenKey=x"
        async with session.ws_connect(url, decode_text=False) as socket:
            end = perf_counter() + FILLS_S / 3
            while perf_counter() < end:
                raw = (await socket.receive()).data
                now = monotonic_ns()
                begin = raw.index(b'"t":') + 4
                took.append((now - int(raw[begin : raw.index(b",", begin)])) / 1e9)
    return took


async def _fills(port: int) -> tuple[list[float], int]:
    """(seconds from the wire to the sink, prices taken meanwhile)."""
    async with _listening(port, account=True) as (market, _, heard):
        await asyncio.sleep(0.5)
        heard.took.clear()
        first = _taken(market)
        await asyncio.sleep(FILLS_S)
        return heard.took, _taken(market) - first


class _Heard:
    def __init__(self) -> None:
        self.took: list[float] = []
        self.quotes = 0

    def __call__(self, event: Any) -> None:
        if type(event) is Fill:
            self.took.append((monotonic_ns() - int(event.trade_id)) / 1e9)
        elif type(event) is Quote:
            self.quotes += 1


class _NoRest:
    """Streams only."""

    market = Market.FUTURES
    ids = KnownIds()
    ceilings: ClassVar[dict[str, int]] = {}

    async def listen_key(self) -> str:
        return "key"

    async def klines(self, *_: Any) -> Any:
        raise Unresolved("there is nothing behind this benchmark")

    funding = best = cash = klines


@asynccontextmanager
async def _listening(port: int, *, account: bool) -> AsyncIterator[tuple[MarketFeed, AccountFeed | None, _Heard]]:
    hosts: Hosts = hosts_of(Mode.LIVE, f"http://127.0.0.1:{port}")
    known = {symbol: instrument(symbol) for symbol in SYMBOLS}
    rest: Any = _NoRest()
    heard = _Heard()
    market = MarketFeed(rest, hosts, known, MINUTE, heard, clock=WallClock())
    running = [asyncio.create_task(market.run())]
    feed = None
    if account:
        feed = AccountFeed(rest, hosts, known, heard, ours=lambda c: c.startswith("gb"), resync=lambda _: None,
                           clock=WallClock())  # fmt: skip
        running.append(asyncio.create_task(feed.run()))
    try:
        yield market, feed, heard
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


def _taken(market: MarketFeed) -> int:
    """Frames the feed has read."""
    return sum(part.count for part in market.parts)
