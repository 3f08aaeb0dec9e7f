"""One engine, one market in steps, two ways to the exchange: in this process, or over the wire.

Both run the same rounds: what a step of the market caused is told, the bar closes, what the engine sends is
answered, until it sends nothing more. Times are the steps' own, so that the engines see the same but for numbers
that an exchange gives out itself.
"""

import random
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, Protocol

from msgspec.structs import replace

from gridbot_tui.engine.actions import AskAboutOrder, CancelOrder, FillFact, PlaceOrder, RequestResync
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import BarsClosed, Event
from gridbot_tui.exchange.port import (
    AskBars,
    AskFills,
    AskFunding,
    AskOrder,
    Cancel,
    Incoming,
    Place,
    Query,
    Reply,
    Request,
    SetLeverage,
)
from gridbot_tui.exchange.simulated import queries, wire
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.exchange import Exchange
from gridbot_tui.exchange.simulated.matching import play
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import MarketBatch
from gridbot_tui.service.assemble import engine_config
from gridbot_tui.service.dialogs.dialog import Dialogs
from gridbot_tui.service.dialogs.truth import Truth
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import MINUTE, Asset, Market, Mode, Ms
from tests.exchange_binance.adapter import Trader

SYMBOL = "BTCUSDT"
START: Ms = 1_700_002_800_000 - 2 * MINUTE
"""Just before an hour: plans are made when hours close."""
FIRST = 60_000


class Way(Protocol):
    """How requests reach an exchange, and what a step of its market brings."""

    async def step(self, bar: Bar) -> list[Incoming]:
        """Let the market trade along a bar; what the bot hears of that."""
        ...

    async def carry_out(self, requests: list[Request]) -> list[Incoming]:
        """Everything the requests are answered with, in their order."""
        ...


def bars(instrument: Instrument, count: int, width: float) -> Iterator[Bar]:
    """Minutes that go one way each, so that their resting orders fill in one order only."""
    rng = random.Random("lockstep")
    price = instrument.ticks_near(FIRST)
    for number in range(count):
        # Never on a round price: an order that is just touched does not fill, and one beyond does.
        to = instrument.ticks_near(FIRST * (1 + rng.uniform(-width, width))) | 1
        low, high = min(price, to), max(price, to)
        yield Bar(START + number * MINUTE, MINUTE, price, high, low, to, 1e9, high, low, to)
        price = to


class Lockstep:
    """The engine and its dialogs, driven in rounds; what it sent and booked is kept."""

    def __init__(self, way: Way, market: Market, instrument: Instrument) -> None:
        self.way = way
        spot = market is Market.SPOT
        plain = {"side": "long" if spot else "neutral", "levels": 8 if spot else 21, "range_below": 0.05,
                 "range_above": 0.05}  # fmt: skip
        settings = Settings.model_validate({"ladder": {"kind": "arithmetic", "plain": plain}, "orders": {"depth": 6}})
        instruments = {SYMBOL: instrument}
        self.engine = Engine(engine_config(settings, 1, Mode.SIM, instruments), instruments)
        self.now: Ms = START
        self.sent: list[tuple[Any, ...]] = []
        self.booked: list[tuple[Any, ...]] = []
        self._outbox: list[Request] = []
        self._dialogs = Dialogs(self._outbox.append)
        self._truth = Truth((SYMBOL,), self.engine, self._feed, self._dialogs.new_id, lambda: self.now)
        self._inbox: list[Event] = []
        self._handling = False
        self.failures: list[Exception] = []

    async def run(self, market: list[Bar]) -> None:
        """From the recovery over every bar; at the end books and exchange are compared once more."""
        self.engine.begin_recovery(self.now)
        self._dialogs.start(self._truth.recover(), self._done, self.now)
        await self._rounds()
        for one in market:
            self.now = one.close_at
            self._hear(await self.way.step(one))
            self._feed(BarsClosed(self.now, ((SYMBOL, one),)))
            await self._rounds()
        self._dialogs.start(self._truth.reconcile(), self._done, self.now)
        await self._rounds()

    def _done(self, _: object, error: Exception | None) -> None:
        if error is not None:
            self.failures.append(error)

    async def _rounds(self) -> None:
        for _ in range(500):
            if not self._outbox:
                return
            requests, self._outbox[:] = list(self._outbox), []
            self._hear(await self.way.carry_out(requests))
        raise AssertionError("it never comes to rest")

    def _hear(self, heard: list[Incoming]) -> None:
        for one in heard:
            if isinstance(one, Reply):
                self._dialogs.reply(self._timed(one))
            else:
                self._feed(replace(one, at=self.now))

    def _timed(self, reply: Reply) -> Reply:
        def at(one: Any) -> Any:
            return None if one is None else replace(one, at=self.now)

        fills = None if reply.fills is None else tuple(at(fill) for fill in reply.fills)
        return replace(reply, at=self.now, account=at(reply.account), open_orders=at(reply.open_orders),
                       order=at(reply.order), fills=fills)  # fmt: skip

    def _feed(self, event: Event) -> None:
        self._inbox.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._inbox:
                for action in self.engine.handle(self._inbox.pop(0)):
                    self._act(action)
        finally:
            self._handling = False

    def _act(self, action: Any) -> None:
        match action:
            case PlaceOrder(order=order):
                self.sent.append(("place", order))
                self._outbox.append(Place(order))
            case CancelOrder():
                self.sent.append(("cancel", action.client_id, action.conditional, action.at))
                self._outbox.append(Cancel(action.symbol, action.client_id, action.conditional))
            case AskAboutOrder():
                dialog = self._truth.one_order(action.symbol, action.client_id, action.conditional)
                self._dialogs.start(dialog, self._done, self.now)
            case RequestResync():
                self._dialogs.start(self._truth.reconcile(), self._done, self.now)
            case FillFact():
                fill = action.fill
                self.booked.append((
                    fill.client_id, fill.side, fill.price, fill.steps, fill.fee, fill.fee_asset, fill.maker,
                    fill.realised, fill.ours, action.grid_profit, action.cycles,
                ))  # fmt: skip

    def wallets(self) -> dict[Asset, tuple[Decimal, ...]]:
        """Everything the account book says of every asset, to the last digit."""
        book = self.engine.desk.ledger.account
        found = {}
        for asset in book:
            sums = book.sums(asset)
            row = (sums.start, sums.wallet, sums.realised, sums.fees, sums.funding, sums.transfers, sums.other)
            if any(row):
                found[asset] = tuple(amount.normalize() for amount in row)
        return found


# -- in this process --------------------------------------------------------------------------------------------


class InProcess:
    """The simulated exchange itself."""

    def __init__(self, instrument: Instrument, balances: dict[Asset, Decimal]) -> None:
        self.exchange = Exchange({SYMBOL: instrument}, AccountConfig(instrument.market, balances))
        price = instrument.ticks_near(FIRST)
        self._play(Bar(START - MINUTE, MINUTE, price, price, price, price, 1e9, price, price, price))

    def _play(self, bar: Bar) -> list[Incoming]:
        self.exchange.now = bar.close_at
        play(self.exchange, MarketBatch(bar.close_at, ((SYMBOL, bar),)))
        return [event for update in self.exchange.take() for event in wire.events_of(self.exchange, update)]

    async def step(self, bar: Bar) -> list[Incoming]:
        return self._play(bar)

    async def carry_out(self, requests: list[Request]) -> list[Incoming]:
        return [answer for request in requests for answer in self._one(request)]

    def _one(self, request: Request) -> list[Incoming]:
        exchange, refusal = self.exchange, None
        match request:
            case AskBars() | AskFunding():
                return [_nothing(request)]
            case Query():
                return [queries.answer(exchange, None, request)]  # type: ignore[arg-type]  # only bars need the source
            case Place(order=order):
                refusal = exchange.place(order)
                if refusal is not None:
                    return [wire.refused(exchange.now, order.symbol, order.client_id, refusal)]
            case Cancel():
                assert exchange.cancel(request.symbol, request.client_id, request.conditional) is None
            case SetLeverage():
                assert exchange.set_leverage(request.symbol, request.leverage) is None
        return [event for update in exchange.take() for event in wire.events_of(exchange, update)]


# -- over the wire ------------------------------------------------------------------------------------------------


class OverTheWire:
    """The same exchange served, with the port, the translations and python-binance in between."""

    def __init__(self, trader: Trader) -> None:
        self.trader = trader
        self._last_trade = "0"

    async def step(self, bar: Bar) -> list[Incoming]:
        instrument = self.trader.port.instruments[SYMBOL]
        self.trader.served.price(SYMBOL, str(instrument.price(bar.close)))
        fills = (await self.trader.ask(lambda n: AskFills(n, SYMBOL, self._last_trade, 0))).fills
        assert fills is not None
        heard: list[Incoming] = []
        for fill in fills:
            self._last_trade = fill.trade_id
            asked = (await self.trader.ask(lambda n, f=fill: AskOrder(n, SYMBOL, f.client_id))).order  # type: ignore[misc]
            assert asked is not None
            heard += [fill, asked]
        return heard

    async def carry_out(self, requests: list[Request]) -> list[Incoming]:
        trader = self.trader
        seen = len(trader.heard)
        for request in requests:
            if not isinstance(request, Query):
                trader.port.send(request)
        heard: list[Incoming] = []
        for request in requests:
            match request:
                case AskBars() | AskFunding():
                    heard.append(_nothing(request))
                case Query():
                    reply = await trader.ask(lambda n, r=request: replace(r, request_id=n))  # type: ignore[misc]
                    heard.append(replace(reply, request_id=request.request_id))
                case Place(order=order):
                    heard += await self._answers(seen, order.client_id)
                case Cancel():
                    heard += await self._answers(seen, request.client_id)
        return heard

    async def _answers(self, seen: int, client_id: str) -> list[Incoming]:
        def found() -> list[Incoming] | None:
            mine = [one for one in self.trader.heard[seen:] if getattr(one, "client_id", "") == client_id]
            return mine or None

        return await self.trader.until(found)


def _nothing(query: Query) -> Reply:
    """Candles and funding of before: the engine of a plain grid needs none."""
    bars_asked = isinstance(query, AskBars)
    return Reply(query.request_id, START, bars=() if bars_asked else None, funding=None if bars_asked else ())


def instrument_of(trader: Trader) -> Instrument:
    """As the served exchange describes it: both ways trade the same."""
    return trader.port.instruments[SYMBOL]
