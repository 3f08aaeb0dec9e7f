"""The same run twice: over HTTP and WebSocket with python-binance in between, and in this process without any of it.

Time is set by hand in both. The first run notes what its market feed said; the second is told just that, and its
simulated exchange meets the same prices. What both wrote down must then be the same, to the last digit.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gridbot_tui.control.snapshot import LinkView, Snapshot
from gridbot_tui.engine.actions import Fact, FillFact, IntentFact
from gridbot_tui.engine.events import BarsClosed, Event, FundingSettled, LinkChanged, Quote
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.exchange.paper import PaperPort
from gridbot_tui.exchange.port import Incoming
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.matching import play
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.service.assemble import open_profile, understand
from gridbot_tui.service.binance_venue import BinanceVenue
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.real import RealParts
from gridbot_tui.service.venue import Desk, Fees, Venue
from gridbot_tui.store.core import Store
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import MINUTE, Asset, Market, Mode, Money, Ms, Symbol
from tests.e2e.served import KEY, SECRET, SYMBOL
from tests.exchange_server.serving import Served
from tests.service.wire_scene import calm

PATIENCE_S = 30.0
_PLENTY = 1e12
BRISK = StreamTiming(quote_ms=20, tick=0.02)
"""The feed looks around often: what it tells does not change by that, only how long a test takes."""


class Hand:
    """Time that only a test moves. UTC ms."""

    def __init__(self, now: Ms) -> None:
        self.ms = now


class HandClock(WallClock):
    """The adapter's clock, set by hand; waits are real."""

    def __init__(self, hand: Hand) -> None:
        self._hand = hand

    @property
    def offset(self) -> Ms:
        """Between this clock and the exchange's there is none."""
        return 0

    @offset.setter
    def offset(self, value: Ms) -> None:
        pass

    def now_ms(self) -> Ms:
        return self._hand.ms


class Told:
    """A bot's desk, noting what the market feed says, by step."""

    def __init__(self, inner: RealParts) -> None:
        self._inner = inner
        self.step = 0
        self.events: list[tuple[int, Event]] = []

    def take(self, incoming: Incoming) -> None:
        if isinstance(incoming, Quote | BarsClosed | FundingSettled):
            self.events.append((self.step, incoming))
        self._inner.take(incoming)

    def heard_at(self, at: Ms) -> bool:
        """Whether the feed has spoken since a time."""
        return any(isinstance(event, Quote) and event.at >= at for _, event in reversed(self.events))

    def timed(self, symbol: Symbol, took: Ms) -> None:
        self._inner.timed(symbol, took)

    def resync(self, reason: str) -> None:
        self._inner.resync(reason)

    def next_open(self, symbol: Symbol) -> Ms | None:
        return self._inner.next_open(symbol)

    def wallets(self) -> dict[Asset, Money]:
        return dict(self._inner.wallets())


class NotedVenue(BinanceVenue):
    """Binance, with all that its market said noted: by the feed, and of the past."""

    told: Told
    past: "Past"

    def jobs(self, desk: Desk) -> list[Coroutine[Any, Any, None]]:
        assert isinstance(desk, RealParts)
        self.told = Told(desk)
        return super().jobs(self.told)


class Past:
    """The candles and rates that a run was told by REST: the public data of the other one, as far as time has come."""

    def __init__(self, hand: Hand) -> None:
        self.bars: dict[Ms, Bar] = {}
        self.rates: dict[Ms, FundingRate] = {}
        self._hand = hand

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        return [bar for at, bar in sorted(self.bars.items()) if at >= since and bar.close_at <= self._hand.ms]

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        return [rate for at, rate in sorted(self.rates.items()) if since < at <= self._hand.ms]


class ExactPort(PaperPort):
    """The simulated exchange, met by single prices as the served one is."""

    def meet(self, symbol: Symbol, price: int, mark: int) -> None:
        """The market stands here now: what rests beyond it fills, and the bot hears of it."""
        at = self.exchange.now = self._now()
        bar = Bar(at, 1, price, price, price, price, _PLENTY, mark, mark, mark)
        play(self.exchange, MarketBatch(at, ((symbol, bar),)))
        for news in self._commit():
            self._sink(news)

    def market(self, event: Event) -> None:
        """The bot hears of it; the exchange has met it already."""
        self._sink(event)


class HereVenue:
    """A venue in this process: no socket, no JSON, no signature."""

    countdown = None
    weight_limit = 2_400
    notices: tuple[str, ...] = ()

    def __init__(self, instruments: dict[Symbol, Instrument], fees: Fees, account: AccountConfig, past: Past,
                 hand: Hand) -> None:  # fmt: skip
        self.instruments = instruments
        self.fees = fees
        self._hand = hand
        self._desk: Desk | None = None
        self.port = ExactPort(instruments, account, past, self._say, self.now)

    def now(self) -> Ms:
        return self._hand.ms

    def _say(self, incoming: Incoming) -> None:
        if self._desk is not None:
            self._desk.take(incoming)

    def jobs(self, desk: Desk) -> list[Coroutine[Any, Any, None]]:
        self._desk = desk
        for source in ("market", "account"):
            desk.take(LinkChanged(self.now(), source, up=True))
        return [self.port.run()]

    def links(self) -> tuple[LinkView, ...]:
        return ()

    async def close(self) -> None:
        pass


class Leg(threading.Thread):
    """One of the two runs, in a loop and a thread of its own."""

    def __init__(self, home: Path, sets: dict[str, str]) -> None:
        super().__init__(daemon=True)
        options = RunOptions(mode=Mode.TESTNET, market=Market.FUTURES, home=home, symbols=(SYMBOL,),
                             overrides=tuple(sets.items()), json=True)  # fmt: skip
        self.plan = understand(options)
        with open_profile(self.plan) as profile:
            self.profile = profile
        self.loop = asyncio.new_event_loop()
        self.parts: RealParts | None = None
        self.failed: BaseException | None = None
        self.helper: asyncio.Task[None] | None = None
        self.make: Callable[[], Coroutine[Any, Any, Venue]]

    def run(self) -> None:
        try:
            self.loop.run_until_complete(self._live())
        except BaseException as error:  # noqa: BLE001 - told by whoever waits
            self.failed = error
        finally:
            self.loop.close()

    async def _live(self) -> None:
        venue = await self.make()
        identity = Identity(self.plan.mode, self.plan.market, "main", "USDT")
        live = await LiveStore.open(self.profile.database, durable=False, identity=identity)
        self.parts = RealParts(self.plan, self.profile, venue, live, screen=True)
        await self.parts.run(None, 5.0, None, own_signals=False)
        if self.helper is not None:
            await self.helper

    def inside(self, work: Callable[[RealParts], Any]) -> Any:
        """Do something in the bot's loop."""

        async def go() -> Any:
            assert self.parts is not None
            return work(self.parts)

        return asyncio.run_coroutine_threadsafe(go(), self.loop).result(PATIENCE_S)

    def until(self, true: Callable[[Snapshot], bool], what: str) -> None:
        """Wait until it is so, twice in a row."""
        deadline, held, picture = time.monotonic() + PATIENCE_S, 0, None
        while held < 2:
            assert self.failed is None, self.failed
            assert time.monotonic() < deadline, (what, picture and (picture.state, picture.blockers, picture.orders))
            if self.parts is not None:
                picture = self.inside(lambda parts: parts.session.snapshot())
                held = held + 1 if true(picture) and calm(picture) else 0
            time.sleep(0.01)

    def leave(self) -> None:
        """Stop without touching an order; what it has written stays."""
        if self.is_alive() and self.parts is not None:

            def go(parts: RealParts) -> None:
                parts.runner.leaving = True
                parts.runner.wake()

            self.inside(go)
        self.join(PATIENCE_S)

    def facts(self) -> list[Fact]:
        """Everything it wrote down."""
        identity = Identity(self.plan.mode, self.plan.market, "main", "USDT")
        store = Store.open(self.profile.database, durable=False, identity=identity)
        try:
            return store.facts_after(0)
        finally:
            store.close()


def orders(facts: list[Fact]) -> list[tuple[Any, ...]]:
    """Every order that left, in order, in full."""
    sent = [fact.order for fact in facts if isinstance(fact, IntentFact)]
    return [(o.client_id, o.side, o.kind, o.price, o.trigger, o.steps, o.purpose, o.epoch, o.rung) for o in sent]


def fills(facts: list[Fact]) -> list[tuple[Any, ...]]:
    """Every fill as it was booked, without the exchange's own numbers."""
    found = [(fact, fact.fill) for fact in facts if isinstance(fact, FillFact)]
    return [(f.at, f.client_id, f.side, f.price, f.steps, f.fee, f.fee_asset, f.maker, f.realised, b.grid_profit,
             b.cycles, b.opened, b.closed, b.rung, b.epoch) for b, f in found]  # fmt: skip


def ledger(leg: Leg) -> dict[str, Any]:
    """What the books come to."""

    def look(parts: RealParts) -> dict[str, Any]:
        books = parts.engine.desk.ledger
        pnl = books.pnl()
        return {
            "wallet": books.wallet, "equity": books.equity_quick(), "grid": pnl.grid, "inventory": pnl.inventory,
            "fees": pnl.fees_total, "realised": pnl.realised, "unrealised": pnl.unrealised,
            "nav": books.capital.nav, "position": books.position(SYMBOL), "residual": books.account.residual(),
        }  # fmt: skip

    found: dict[str, Any] = leg.inside(look)
    return found


def over_the_wire(served: Served, hand: Hand, leg: Leg) -> Callable[[], Coroutine[Any, Any, Venue]]:
    """A venue on the served exchange; its past is in ``leg.past`` once it is open."""

    async def make() -> Venue:
        settings = leg.plan.loaded.settings
        clock = HandClock(hand)
        ours = IdFactory(settings.bot.name, settings.bot.account).is_ours
        hosts, keys, params = hosts_of(Mode.TESTNET, served.http), Keys(KEY, SECRET), settings.exchange
        rest: Any = make_rest(Market.FUTURES, hosts, keys, ours=ours, params=params, clock=clock)
        await rest.open()
        leg.helper = asyncio.create_task(_signed_in_time(rest, hand))
        instruments = await rest.instruments((SYMBOL,))
        rates = await rest.fees((SYMBOL,))
        fees = Fees(rates[SYMBOL].maker, rates[SYMBOL].taker)
        venue = NotedVenue(rest, hosts, instruments, fees, clock, ours, params, timing=BRISK)
        venue.past = _noted(rest, hand)
        return venue

    return make


def _noted(rest: Any, hand: Hand) -> Past:
    """Note the candles and rates that are asked for by REST."""
    past, klines, funding = Past(hand), rest.klines, rest.funding

    async def bars(symbol: Symbol, since: Ms) -> list[Bar]:
        found: list[Bar] = await klines(symbol, since)
        past.bars |= {bar.open_at: bar for bar in found}
        return found

    async def rates(symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        found: list[FundingRate] = await funding(symbols, since)
        past.rates |= {rate.at: rate for rate in found}
        return found

    rest.klines, rest.funding = bars, rates
    return past


async def _signed_in_time(rest: Any, hand: Hand) -> None:
    """The library signs with the machine's time: have it as far off as the hand's is."""
    while rest.wire._client is not None:
        rest.wire._client.set_offset(hand.ms - time.time_ns() // 1_000_000)
        await asyncio.sleep(0.02)


@contextmanager
def by_hand(served: Served) -> Iterator[Hand]:
    """The served exchange's clock, from its next full minute on moved by hand alone."""
    clock = served.app.place.clock
    hand = Hand(-(-clock.now() // MINUTE) * MINUTE + 5_000)

    def take_over() -> None:
        clock._wall = lambda: hand.ms * 1000
        clock._from_wall = clock._from_own = hand.ms * 1000

    served.inside(take_over)
    yield hand


