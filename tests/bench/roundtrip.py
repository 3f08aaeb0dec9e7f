"""An order's round trip: intent on disk, signed, sent, acknowledged, beside the bare trip and one bare commit.

The three are measured by turns in one run, so that a busy moment meets all of them. The server is a process of
its own; the disk is where the temporary files are.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from gridbot_tui.engine.actions import IntentFact
from gridbot_tui.engine.events import OrderReport, Outcome
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.port import BinancePort
from gridbot_tui.exchange.port import Cancel, Incoming, Place
from gridbot_tui.ops.audit import AuditTrail
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import get_logger
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.service.books.live_journal import LiveJournal
from gridbot_tui.service.books.telling import Telling
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import HOUR, Market, Mode, Side
from tests.bench.report import Report, ninety_ninth
from tests.bench.server import _client, _control, _server

ROUNDS = 600
WARM_UP = 50
AIM_MS = 0.3
SYMBOL = "BTCUSDT"
PRICE = "59000"
PARAMS = BinanceParams(share_entries=1.0, share_reprices=1.0)
Act = Callable[[], Awaitable[None]]


def run(report: Report) -> None:
    """Median and p99 of each, and what is left of the whole once trip and commit are taken off."""
    report.title(f"order round trip on loopback, {ROUNDS} by turns: bare trip, bare commit, the whole")
    with _server("--hold", "--symbol", SYMBOL) as (address, _), tempfile.TemporaryDirectory() as folder:
        _control(address, "price", symbol=SYMBOL, price="60000")
        took = asyncio.run(_measure(address, Path(folder)))
    trip, commit, whole, sent = (took[name] for name in ("trip", "commit", "whole", "sent"))
    for name, times in (
        ("python-binance's own trip", trip),
        ("one group commit", commit),
        ("through the port, without the disk", sent),
        ("intent durable, signed, sent, acknowledged", whole),
    ):
        report.figure(f"{name}: p50", 1e3 * median(times), "ms")
        report.figure(f"{name}: p99", 1e3 * ninety_ninth(times), "ms")
    extra = median(w - t - c for w, t, c in zip(whole, trip, commit, strict=True))
    report.figure("overhead beyond trip and commit, p50 of the rounds", 1e3 * extra, "ms", below=AIM_MS)


class _Bench:
    """One port and one journal at work, and the numbers of orders given out."""

    def __init__(self, port: BinancePort, journal: LiveJournal, store: LiveStore) -> None:
        self.port = port
        self.journal = journal
        self.store = store
        self.numbers = count(1)
        self._told: asyncio.Future[OrderReport] | None = None

    def hear(self, incoming: Incoming) -> None:
        if isinstance(incoming, OrderReport) and self._told is not None and not self._told.done():
            self._told.set_result(incoming)

    def order(self) -> NewOrder:
        instrument = self.port.instruments[SYMBOL]
        client_id = f"gbx-{SYMBOL}-1-gb1-{next(self.numbers)}"
        return NewOrder(client_id, SYMBOL, Side.BUY, OrderKind.LIMIT, instrument.steps_down(0.001),
                        instrument.ticks_near(float(PRICE)), Purpose.GRID, 1, True)  # fmt: skip

    async def answer(self, act: Callable[[], None], outcome: Outcome) -> None:
        self._told = asyncio.get_running_loop().create_future()
        act()
        report = await self._told
        if report.outcome is not outcome:
            raise RuntimeError(f"the exchange answered {report}")

    async def commit(self) -> None:
        await self.store.append([IntentFact(1, self.order())])

    async def whole(self, order: NewOrder) -> None:
        send = Place(order)
        await self.answer(lambda: self.journal.commit([IntentFact(1, order)], lambda: self.port.send(send)),
                          Outcome.ACCEPTED)  # fmt: skip

    async def sent(self, order: NewOrder) -> None:
        await self.answer(lambda: self.port.send(Place(order)), Outcome.ACCEPTED)

    async def cancel(self, order: NewOrder) -> None:
        await self.answer(lambda: self.port.send(Cancel(SYMBOL, order.client_id)), Outcome.CANCELED)


@asynccontextmanager
async def _bench(address: str, folder: Path) -> AsyncIterator[_Bench]:
    rest = make_rest(Market.FUTURES, hosts_of(Mode.LIVE, address), Keys("key", "secret"), ours=lambda _: True,
                     params=PARAMS, clock=WallClock())  # fmt: skip
    await rest.open()
    await rest.instruments((SYMBOL,))
    me = Identity(Mode.LIVE, Market.FUTURES, "bench", "USDT")
    store = await LiveStore.open(folder / "gridbot.db", durable=True, identity=me)
    audit = AuditTrail(folder / "audit.jsonl", at=0, durable=False)
    telling = Telling(audit, Feed(), lambda facts: None, get_logger("bench"), {})
    heard: list[_Bench] = []
    port = BinancePort(rest, (SYMBOL,), lambda one: heard[0].hear(one), WallClock(), PARAMS)
    journal = LiveJournal(store, telling, lambda: b"", HOUR)
    heard.append(_Bench(port, journal, store))
    tasks = [asyncio.create_task(port.run()), asyncio.create_task(journal.run())]
    try:
        yield heard[0]
    finally:
        await port.aclose()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        audit.close()
        await store.close()


async def _measure(address: str, folder: Path) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {"trip": [], "commit": [], "sent": [], "whole": []}
    async with _client(address) as client, _bench(address, folder) as bench:
        for number in range(WARM_UP + ROUNDS):
            if number == WARM_UP:
                took = {name: [] for name in took}
            took["trip"].append(await _timed(lambda n=number: _bare(client, n)))  # type: ignore[misc]
            await client.futures_cancel_order(symbol=SYMBOL, origClientOrderId=f"bare-{number}")
            took["commit"].append(await _timed(bench.commit))
            for name, act in (("sent", bench.sent), ("whole", bench.whole)):
                order = bench.order()
                took[name].append(await _timed(lambda a=act, o=order: a(o)))  # type: ignore[misc]
                await bench.cancel(order)
    return took


async def _timed(act: Act) -> float:
    began = perf_counter()
    await act()
    return perf_counter() - began


async def _bare(client: Any, number: int) -> None:
    await client.futures_create_order(symbol=SYMBOL, side="BUY", type="LIMIT", timeInForce="GTX", quantity="0.001",
                                      price=PRICE, newClientOrderId=f"bare-{number}")  # fmt: skip
