"""The REST side of the adapter turned on a served exchange, with what it delivers in a list."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import count
from typing import TypeVar

from gridbot_tui.engine.events import Fill, OrderReport, Outcome
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.params import BinanceParams
from gridbot_tui.exchange.binance.port import BinancePort
from gridbot_tui.exchange.binance.rest import Rest
from gridbot_tui.exchange.port import Incoming, Query, Reply
from gridbot_tui.orders.ids import IdFactory, IdState
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.units import Asset, Market, Mode, Money, Side, Symbol
from tests.exchange_server.serving import Served

PARAMS = BinanceParams()
HURRY = 200
SYMBOLS = ("BTCUSDT", "ETHUSDT")
PATIENCE_S = 60.0
_LIVES = count(1)
_OURS = IdFactory("gb", "t").is_ours
T = TypeVar("T")


class Hasty(WallClock):
    """Waits and timeouts of the adapter pass two hundred times as fast; the time of day is the true one."""

    def monotonic(self) -> float:
        return time.monotonic() * HURRY

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)


class Trader:
    """One market's port at work."""

    def __init__(self, rest: Rest, served: Served, params: BinanceParams, clock: WallClock,
                 expected: Callable[[], Mapping[Asset, Money]] | None) -> None:  # fmt: skip
        self.rest = rest
        self.served = served
        self.clock = clock
        self.heard: list[Incoming] = []
        self.taken: list[str] = []
        self.looks = 0
        """How often the port asked for a look at the listing."""
        self.ids = IdFactory("gb", "t", IdState(1_000 * next(_LIVES)))
        self._news = asyncio.Event()
        self._asked = 0
        self.port = BinancePort(rest, SYMBOLS, self._hear, clock, params, expected=expected,
                                answered=self.taken.append, refused=self._look)  # fmt: skip

    def _look(self) -> None:
        self.looks += 1

    def _hear(self, incoming: Incoming) -> None:
        self.heard.append(incoming)
        self._news.set()

    async def until(self, found: Callable[[], T | None]) -> T:
        """Wait until something is there."""
        async with asyncio.timeout(PATIENCE_S):
            while (got := found()) is None:
                self._news.clear()
                await self._news.wait()
        return got

    async def report(self, client_id: str, *outcomes: Outcome) -> OrderReport:
        """The first report of an order, or the first with one of these outcomes."""
        return await self.until(lambda: next(
            (one for one in self.heard if isinstance(one, OrderReport) and one.client_id == client_id
             and (not outcomes or one.outcome in outcomes)), None))  # fmt: skip

    async def leaves(self, order: NewOrder) -> None:
        """Until an order is on its way."""
        for _ in range(100_000):
            if order.client_id in self.port._placing:
                return
            await asyncio.sleep(0)
        raise AssertionError("it never left")

    def reports(self, client_id: str) -> list[OrderReport]:
        """Everything said of an order, in order."""
        return [one for one in self.heard if isinstance(one, OrderReport) and one.client_id == client_id]

    def fills(self) -> list[Fill]:
        """Every fill delivered."""
        return [one for one in self.heard if isinstance(one, Fill)]

    async def ask(self, query: Callable[[int], Query]) -> Reply:
        """Ask and wait for the reply."""
        self._asked += 1
        number = self._asked
        self.port.send(query(number))
        return await self.until(lambda: next(
            (one for one in self.heard if isinstance(one, Reply) and one.request_id == number), None))  # fmt: skip

    def order(self, side: Side = Side.BUY, price: float | None = 59_000, quantity: str = "0.01", *,
              symbol: Symbol = "BTCUSDT", rung: int = 1, purpose: Purpose = Purpose.GRID, post_only: bool = True,
              reduce_only: bool = False, trigger: float | None = None, close: bool = False) -> NewOrder:  # fmt: skip
        """An order with an id never used before."""
        instrument = self.port.instruments[symbol]
        client_id = self.ids.issue(symbol, 1, rung, side, purpose)
        self.ids.sent(client_id)
        self.ids.ended(client_id)
        kind = OrderKind.MARKET if price is None else OrderKind.LIMIT
        return NewOrder(
            client_id, symbol, side, OrderKind.STOP_MARKET if trigger is not None else kind,
            0 if close else instrument.steps_down(Decimal(quantity)),
            instrument.ticks_near(price) if price is not None and trigger is None else None,
            purpose, 0, post_only and kind is OrderKind.LIMIT and trigger is None, reduce_only, close,
            instrument.ticks_near(trigger) if trigger is not None else None, 1, rung,
        )  # fmt: skip

    def standing(self) -> list[str]:
        """Client ids of the plain orders that stand, as the exchange itself says."""
        path = "/api/v3/openOrders" if self.rest.market is Market.SPOT else "/fapi/v1/openOrders"
        return [row["clientOrderId"] for row in self.served.good("GET", path)]

    def all_orders(self, symbol: Symbol = "BTCUSDT") -> list[str]:
        """Client ids of every plain order there ever was."""
        path = "/api/v3/allOrders" if self.rest.market is Market.SPOT else "/fapi/v1/allOrders"
        return [row["clientOrderId"] for row in self.served.good("GET", path, symbol=symbol, limit=1000)]


@asynccontextmanager
async def trading(served: Served, market: Market, *, params: BinanceParams = PARAMS, keys: Keys | None = None,
                  expected: Callable[[], Mapping[Asset, Money]] | None = None,
                  clock: WallClock | None = None, pardoned: bool = True,
                  ours: Callable[[str], bool] = _OURS) -> AsyncIterator[Trader]:  # fmt: skip
    """A port that runs; nothing of it is left afterwards."""
    if pardoned:
        served.control("pardon")  # the governor would wait for what other tests have used up of the minute
    clock = clock or Hasty()
    rest = make_rest(market, hosts_of(Mode.LIVE, served.http), keys or Keys("key", "secret"),
                     ours=ours, params=params, clock=clock)  # fmt: skip
    await rest.open()
    await rest.instruments(SYMBOLS)
    trader = Trader(rest, served, params, clock, expected)
    running = asyncio.create_task(trader.port.run())
    await asyncio.sleep(0)
    try:
        yield trader
    finally:
        await trader.port.aclose()
        await asyncio.gather(running, return_exceptions=True)
