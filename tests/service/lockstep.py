"""The same run twice: over HTTP and WebSocket with python-binance in between, and in this process without any of it.

Both in time that jumps, from the same moment. The first run notes what its market feed said, and when; the second is
told just that, just then, while its simulated exchange meets the same prices. What both wrote down must then be the
same, to the last digit.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import Struct

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.engine.actions import Fact, FillFact, IntentFact, PlanFact
from gridbot_tui.engine.events import BarsClosed, Event, FundingSettled, LinkChanged, Quote
from gridbot_tui.exchange.paper import PaperPort
from gridbot_tui.exchange.port import Incoming
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.matching import play
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.source import FundingRate, MarketBatch
from gridbot_tui.service.assemble import Plan, open_profile, understand
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.real import RealParts
from gridbot_tui.service.venues import venue_open
from gridbot_tui.service.venues.binance_venue import BinanceVenue
from gridbot_tui.service.venues.venue import Desk, Fees
from gridbot_tui.store.core import Store
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import Market, Mode, Ms, Symbol, Ticks
from tests.service.jumping import JumpingLoop, jumping
from tests.service.wire_scene import Scene, live_through

_PLENTY = 1e12


class Step(Struct, frozen=True):
    """At so many seconds of the run a symbol stands at a price."""

    at: float
    symbol: Symbol
    price: Ticks


class Told:
    """A bot's desk, noting what the market feed says, and when."""

    def __init__(self, inner: RealParts, notes: "Notes") -> None:
        self._inner = inner
        self._notes = notes

    def take(self, incoming: Incoming) -> None:
        if isinstance(incoming, Quote | BarsClosed | FundingSettled):
            self._notes.told.append((asyncio.get_running_loop().time(), incoming))
        self._inner.take(incoming)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Notes:
    """All that the first run's market said: by the feed, and of the past."""

    def __init__(self) -> None:
        self.told: list[tuple[float, Event]] = []
        self.bars: dict[tuple[Symbol, Ms], Bar] = {}
        self.hour_bars: dict[tuple[Symbol, Ms], Bar] = {}
        self.rates: dict[tuple[Symbol, Ms], FundingRate] = {}
        self.began = 0.0
        self.steps: list[Step] = []
        self.instruments: dict[Symbol, Instrument] = {}
        self.fees = Fees(Decimal(0), Decimal(0))
        self.homes: dict[Symbol, Ticks] = {}
        self.options: RunOptions

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        """As the first run was answered."""
        found = sorted((at, bar) for (name, at), bar in self.bars.items() if name == symbol)
        return [bar for at, bar in found if at >= since]

    async def hours(self, symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
        """As the first run was answered."""
        found = sorted((at, bar) for (name, at), bar in self.hour_bars.items() if name == symbol)
        return [bar for at, bar in found if since <= at < until]

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        """As the first run was answered."""
        return sorted((rate for rate in self.rates.values() if rate.at > since), key=lambda rate: rate.at)

    def listen(self, venue: BinanceVenue) -> None:
        """Note what a venue's market says of the past."""
        rest: Any = venue._rest
        klines, hours, funding = rest.klines, rest.hours, rest.funding

        async def bars(symbol: Symbol, since: Ms) -> list[Bar]:
            found: list[Bar] = await klines(symbol, since)
            self.bars |= {(symbol, bar.open_at): bar for bar in found}
            return found

        async def longer(symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
            found: list[Bar] = await hours(symbol, since, until)
            self.hour_bars |= {(symbol, bar.open_at): bar for bar in found}
            return found

        async def rates(symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
            found: list[FundingRate] = await funding(symbols, since)
            self.rates |= {(rate.symbol, rate.at): rate for rate in found}
            return found

        rest.klines, rest.hours, rest.funding = bars, longer, rates


class ExactPort(PaperPort):
    """The simulated exchange, met by single prices as the served one is."""

    def meet(self, symbol: Symbol, price: Ticks) -> None:
        """The market stands here now: what rests beyond it fills, and the bot hears of it."""
        at = self.exchange.now = self._now()
        bar = Bar(at, 1, price, price, price, price, _PLENTY, price, price, price)
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

    def __init__(self, notes: Notes, market: Market, loop: JumpingLoop) -> None:
        self.instruments = notes.instruments
        self.fees = notes.fees
        self._loop = loop
        self._desk: Desk | None = None
        account = AccountConfig(market, {"USDT": Decimal(10_000)})
        self.port = ExactPort(notes.instruments, account, notes, self._say, self.now)
        for symbol, price in notes.homes.items():
            self.port.meet(symbol, price)

    def now(self) -> Ms:
        return round(self._loop.wall() * 1_000_000) // 1_000

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


class Written(Struct, frozen=True):
    """What a run has written down, without the exchange's own numbers, and what its books came to."""

    orders: list[tuple[Any, ...]]
    fills: list[tuple[Any, ...]]
    plans: list[tuple[Any, ...]]
    ledger: dict[str, Any]


def written(parts: RealParts, profile: Profile, plan: Plan, ledger: dict[str, Any]) -> Written:
    """Read it from a profile that nobody writes to any more."""
    store = Store.open(profile.database, durable=False, identity=parts.identity)
    try:
        facts = store.facts_after(0)
    finally:
        store.close()
    return Written(_orders(facts), _fills(facts), [(f.at, f.plan) for f in facts if isinstance(f, PlanFact)], ledger)


def _orders(facts: list[Fact]) -> list[tuple[Any, ...]]:
    sent = [fact.order for fact in facts if isinstance(fact, IntentFact)]
    return [(o.created_at, o.client_id, o.side, o.kind, o.price, o.trigger, o.steps, o.purpose, o.epoch, o.rung)
            for o in sent]  # fmt: skip


def _fills(facts: list[Fact]) -> list[tuple[Any, ...]]:
    found = [(fact, fact.fill) for fact in facts if isinstance(fact, FillFact)]
    return [(f.at, f.client_id, f.side, f.price, f.steps, f.fee, f.fee_asset, f.maker, f.realised, b.grid_profit,
             b.cycles, b.opened, b.closed, b.rung, b.epoch) for b, f in found]  # fmt: skip


def _ledger(parts: RealParts) -> dict[str, Any]:
    books = parts.engine.desk.ledger
    pnl = books.pnl()
    return {
        "wallet": {asset: books.account.wallet(asset) for asset in books.account if books.account.wallet(asset)},
        "equity": books.equity_quick(), "grid": pnl.grid, "inventory": pnl.inventory, "fees": pnl.fees_total,
        "realised": pnl.realised, "unrealised": pnl.unrealised, "nav": books.capital.nav,
        "positions": {symbol: books.position(symbol) for symbol in parts.engine.symbols},
        "residual": books.account.residuals(),
    }  # fmt: skip


Walk = Callable[[dict[Symbol, Instrument], dict[Symbol, Ticks]], list[Step]]
"""Where the prices go, made from the instruments and where they begin."""


def over_the_wire(home: Path, walk: Walk, seconds: float, **how: Any) -> tuple[Written, Notes]:
    """The run through the server, and what its market said."""
    notes, found = Notes(), []

    class NotedVenue(BinanceVenue):
        def jobs(self, desk: Desk) -> list[Coroutine[Any, Any, None]]:
            assert isinstance(desk, RealParts)
            notes.listen(self)
            told: Any = Told(desk, notes)
            return super().jobs(told)

    async def story(scene: Scene) -> None:
        notes.began = scene.loop.time()
        floor = scene.served.app.place.floors[scene.market.value]
        notes.homes = {symbol: floor.tapes[symbol].last for symbol in scene.symbols}
        await scene.start()
        venue, notes.options = scene.parts.venue, scene.options
        notes.instruments, notes.fees = venue.instruments, venue.fees
        notes.steps = walk(notes.instruments, notes.homes)
        for step in notes.steps:
            await _reach(scene.loop, step.at)
            price = format(notes.instruments[step.symbol].price(step.price), "f")
            scene.served.price(step.symbol, price, mark=price)
        await _reach(scene.loop, seconds)
        ledger = _ledger(scene.parts)
        result = await scene.leave()
        assert result.exit_code == 0, result
        found.append(written(scene.parts, scene.profile, scene.parts.plan, ledger))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(venue_open, "BinanceVenue", NotedVenue)
        live_through(story, home, **how)
    return found[0], notes


async def _reach(loop: JumpingLoop, at: float) -> None:
    await asyncio.sleep(max(0.0, at - loop.time()))


def in_process(home: Path, notes: Notes, seconds: float, market: Market, begin: Ms) -> Written:
    """The same without the wire."""
    with jumping(begin) as loop:
        return loop.run_until_complete(_in_process(loop, home, notes, seconds, market))


async def _in_process(loop: JumpingLoop, home: Path, notes: Notes, seconds: float, market: Market) -> Written:
    options = RunOptions(mode=Mode.TESTNET, market=market, home=home, symbols=notes.options.symbols,
                         overrides=notes.options.overrides, json=True)  # fmt: skip
    plan = understand(options)
    with open_profile(plan) as profile:
        pass
    await _reach(loop, notes.began)
    venue = HereVenue(notes, market, loop)
    identity = Identity(plan.mode, market, "main", "USDT")
    live = await LiveStore.open(profile.database, durable=False, identity=identity)
    parts = RealParts(plan, profile, venue, live, screen=True)
    parts.runner._monotonic = parts.journal._clock = loop.time
    run = asyncio.create_task(parts.run(None, 5.0, None))
    prices = [(step.at, 0, step) for step in notes.steps]
    heard: list[tuple[float, int, Any]] = [(at, 1, event) for at, event in notes.told]
    for at, _, what in sorted([*prices, *heard], key=lambda one: one[:2]):
        if at > loop.time():  # what comes at one moment is taken together, as it was: bars before quotes
            await _reach(loop, at)
        if isinstance(what, Step):
            venue.port.meet(what.symbol, what.price)
        else:
            venue.port.market(what)
    await _reach(loop, seconds)
    ledger = _ledger(parts)
    parts.runner.leaving = True
    parts.runner.wake()
    result = await run
    assert result.exit_code == 0, result
    return written(parts, profile, plan, ledger)
