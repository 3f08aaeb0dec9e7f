"""A fill on the wire until the mirrored order is on the wire: a whole bot with 50 symbols while prices pour in.

Beside it, on the same source: a client that does nothing but send an order for every fill, and how long one
commit takes, for the mirrored order's intent is on the disk before the order leaves. A fill that comes while a
commit is under way waits for that one and then for its own.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from decimal import Decimal
from pathlib import Path
from time import perf_counter
from typing import Any

import aiohttp

from gridbot_tui.engine.actions import IntentFact
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import AccountState, BarsClosed, LinkChanged, OpenOrders, Quote
from gridbot_tui.exchange.binance.account_feed import AccountFeed
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.market_feed import MarketFeed
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.port import BinancePort
from gridbot_tui.exchange.port import (
    AskAccount,
    AskBars,
    AskCash,
    AskFills,
    AskFunding,
    AskOpenOrders,
    Incoming,
    Query,
    Reply,
    Request,
    SetLeverage,
)
from gridbot_tui.market.bar import Bar
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.audit_aside import AsideTrail
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import get_logger
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.service.assemble import engine_config
from gridbot_tui.service.books.live_journal import LiveJournal
from gridbot_tui.service.books.telling import Telling
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.real import SWITCH_S
from gridbot_tui.service.real_runner import RealRunner
from gridbot_tui.settings.model import Settings
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import HOUR, MINUTE, Market, Mode, Side
from tests.bench.report import Report, ninety_ninth
from tests.bench.stream_names import SYMBOLS
from tests.exchange_binance.parts import instrument

ROOT = Path(__file__).resolve().parents[2]
LOAD = 5_000
SECONDS = 14.0
SETTLE_S = 5.0
"""For five hundred orders to be placed."""
AIM_MS = 3.0
MEMORY = Path("/dev/shm")
"""Where there is one: what the bot itself takes, whatever the disk of this machine is like."""
PRICE = 60_050.0
PARAMS = BinanceParams(share_entries=1.0, share_reprices=1.0)
GRID = {"ladder": {"kind": "arithmetic", "plain": {"side": "neutral", "levels": 11, "range_below": 0.05,
                                                   "range_above": 0.05}}, "orders": {"depth": 8}}  # fmt: skip


def run(report: Report) -> None:
    """The echo, one commit, the bot."""
    sys.setswitchinterval(SWITCH_S)  # as a run in real time does
    report.title(f"a fill on the wire until the mirrored order is: {len(SYMBOLS)} symbols, {LOAD:,} prices a second")
    with _source() as port:
        asyncio.run(_echo(port))
        _told(report, "do-nothing client", _took(port))
    for where, place in (("this disk", None), ("a disk in memory", MEMORY)):
        if place is not None and not place.is_dir():
            continue
        with tempfile.TemporaryDirectory(dir=place) as folder:
            commits = asyncio.run(_commits(Path(folder)))
            report.figure(f"one commit on {where}: p50", 1e3 * sorted(commits)[len(commits) // 2], "ms")
            with _source() as port:
                asyncio.run(_bot(port, Path(folder)))
                _told(report, f"the bot on {where}", _took(port), below=AIM_MS)


def _told(report: Report, name: str, took: list[float], below: float | None = None) -> None:
    if not took:
        report.say(f"{name}: nothing came back")
        return
    report.figure(f"{name}: p50 of {len(took)}", 1e3 * sorted(took)[len(took) // 2], "ms", below=below)
    report.figure(f"{name}: p99", 1e3 * ninety_ninth(took), "ms")


@contextmanager
def _source() -> Iterator[int]:
    child = subprocess.Popen([sys.executable, "-m", "tests.bench.mirror_source", "--rate", str(LOAD)], cwd=ROOT,
                             stdout=subprocess.PIPE, text=True)  # fmt: skip
    try:
        assert child.stdout is not None
        yield int(child.stdout.readline())
    finally:
        child.terminate()
        child.wait()


def _took(port: int) -> list[float]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/took") as answer:
        return [nanoseconds / 1e9 for nanoseconds in json.load(answer)]


async def _commits(folder: Path) -> list[float]:
    store = await LiveStore.open(folder / "bare.db", durable=True, identity=_ME)
    took = []
    for number in range(200):
        order = NewOrder(f"gb-{number}", "X", Side.BUY, OrderKind.LIMIT, 1, 1, Purpose.GRID, 1, True)
        began = perf_counter()
        await store.append([IntentFact(1, order)])
        took.append(perf_counter() - began)
    await store.close()
    return took


_ME = Identity(Mode.LIVE, Market.FUTURES, "bench", "USDT")


# -- a client that does nothing ------------------------------------------------------------------------------------


async def _echo(port: int) -> None:
    """Every fill is answered with an order of the other side; prices are read and thrown away."""
    base = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        prices = asyncio.create_task(_read(session, f"ws://127.0.0.1:{port}/public/stream"))
        for number, symbol in enumerate(SYMBOLS):
            await _post(session, base, symbol, "BUY", number)
        await _begin(base)
        async with session.ws_connect(f"ws://127.0.0.1:{port}/private/ws?listenKey=x") as socket:
            end, number = perf_counter() + SECONDS / 2, 1_000
            while perf_counter() < end:
                fill = json.loads((await socket.receive()).data)["o"]
                number += 1
                await _post(session, base, fill["s"], "SELL" if fill["S"] == "BUY" else "BUY", number)
        prices.cancel()
        await asyncio.gather(prices, return_exceptions=True)


async def _read(session: aiohttp.ClientSession, url: str) -> None:
    async with session.ws_connect(url, max_msg_size=0) as socket:
        async for _ in socket:
            pass


async def _post(session: aiohttp.ClientSession, base: str, symbol: str, side: str, number: int) -> None:
    data = {"symbol": symbol, "side": side, "price": "60000", "quantity": "0.01", "newClientOrderId": f"e{number}"}
    async with session.post(f"{base}/fapi/v1/order", data=data) as answer:
        await answer.read()


# -- the bot -------------------------------------------------------------------------------------------------------


class _Half:
    """Questions are answered here (the account is new), orders go to the exchange."""

    def __init__(self, port: BinancePort, take: Any, clock: WallClock) -> None:
        self.instruments = port.instruments
        self._port, self._take, self._clock = port, take, clock

    def send(self, request: Request) -> None:
        if not isinstance(request, Query):
            if not isinstance(request, SetLeverage):
                self._port.send(request)
            return
        now, number = self._clock.now_ms(), request.request_id
        match request:
            case AskAccount():
                reply = Reply(number, now, account=AccountState(now, {"USDT": Decimal(10_000_000)}, ()))
            case AskOpenOrders():
                reply = Reply(number, now, open_orders=OpenOrders(now, ()))
            case AskFills():
                reply = Reply(number, now, fills=())
            case AskCash():
                reply = Reply(number, now, cash=())
            case AskBars():
                reply = Reply(number, now, bars=())
            case AskFunding():
                reply = Reply(number, now, funding=())
            case _:
                reply = Reply(number, now, error="not asked for here")
        self._take(reply)


async def _bot(port: int, folder: Path) -> None:
    clock, known = WallClock(), {symbol: instrument(symbol) for symbol in SYMBOLS}
    hosts = hosts_of(Mode.LIVE, f"http://127.0.0.1:{port}")
    rest: Any = make_rest(Market.FUTURES, hosts, Keys("key", "secret"), ours=_ours, params=PARAMS, clock=clock)
    await rest.open()
    rest._load(known, SYMBOLS)
    rest.wire.governor.limits([
        {"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 10**6},
        {"rateLimitType": "ORDERS", "interval": "MINUTE", "intervalNum": 1, "limit": 10**6},
        {"rateLimitType": "REQUEST_WEIGHT", "interval": "MINUTE", "intervalNum": 1, "limit": 10**6},
    ])  # fmt: skip
    rest.listen_key = _listen_key
    async with _living(rest, known, clock, folder) as (runner, ups):
        market = MarketFeed(rest, hosts, known, MINUTE, runner.take, clock=clock)
        account = AccountFeed(rest, hosts, known, runner.take, ours=_ours, resync=lambda _: None, clock=clock)
        jobs = (market.run(), account.run(), _marks(runner.take, known, clock))
        feeds = [asyncio.create_task(job) for job in jobs]
        await asyncio.wait_for(ups.wait(), 20)
        at = clock.now_ms() // HOUR * HOUR
        bars = tuple((symbol, _bar(known[symbol].ticks_near(PRICE), at)) for symbol in SYMBOLS)
        runner.take(BarsClosed(at, bars))
        await asyncio.sleep(SETTLE_S)
        await _begin(hosts.futures_rest)
        await asyncio.sleep(SECONDS)
        for task in feeds:
            task.cancel()
        await asyncio.gather(*feeds, return_exceptions=True)


async def _marks(take: Any, known: Any, clock: WallClock) -> None:
    """Mark prices, once a second a symbol as the exchange tells them."""
    while True:
        for symbol in SYMBOLS:
            take(Quote(clock.now_ms(), symbol, mark=known[symbol].ticks_near(PRICE)))
            await asyncio.sleep(1 / len(SYMBOLS))


def _bar(price: int, at: int) -> Bar:
    return Bar(at - MINUTE, MINUTE, price, price, price, price, 1e6, price, price, price)


def _ours(client_id: str) -> bool:
    return client_id.startswith("gbmain")


async def _begin(base: str) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{base.removesuffix('/fapi')}/begin") as answer:
        await answer.read()


async def _listen_key() -> str:
    return "key"


@asynccontextmanager
async def _living(rest: Any, known: Any, clock: WallClock, folder: Path) -> AsyncIterator[tuple[Any, asyncio.Event]]:
    """A recovered bot on a disk of its own; the event says that both links are up."""
    engine = Engine(engine_config(Settings.model_validate(GRID), 1, Mode.LIVE, known), known)
    store = await LiveStore.open(folder / "gridbot.db", durable=True, identity=_ME)
    audit = AsideTrail(AuditTrail(folder / "audit.jsonl", at=0, durable=False), lambda _: None)
    telling = Telling(audit, Feed(), lambda facts: None, get_logger("bench"), known)
    journal = LiveJournal(store, telling, lambda: b"", HOUR)
    box: list[RealRunner] = []
    up, ups = set[str](), asyncio.Event()

    def take(incoming: Incoming) -> None:
        if type(incoming) is LinkChanged and incoming.up:
            up.add(incoming.source)
            if {"market", "account"} <= up:
                ups.set()
        box[0].take(incoming)

    port = BinancePort(rest, SYMBOLS, take, clock, PARAMS)
    half: Any = _Half(port, take, clock)
    bot = Bot(engine, half, journal, get_logger("bench"), reconcile_every=HOUR, stage_budget=HOUR,
              on_command_done=lambda _: None)  # fmt: skip
    runner = RealRunner(bot, clock.now_ms, journal.hurry)
    box.append(runner)
    tasks = [asyncio.create_task(job) for job in (port.run(), journal.run(), runner.run())]
    bot.start(clock.now_ms())
    try:
        yield _Mouth(take), ups
    finally:
        runner.leaving = True
        await port.aclose()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        audit.close()
        await store.close()


class _Mouth:
    """What the feeds speak into."""

    def __init__(self, take: Any) -> None:
        self.take = take
