"""A venue in this process: paper trading on prices that a test invents."""

import asyncio
import time
from collections.abc import Callable, Coroutine, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from gridbot_tui.control.snapshot import LinkView
from gridbot_tui.engine.events import Event, LinkChanged, Quote
from gridbot_tui.exchange.paper import PaperPort
from gridbot_tui.exchange.port import Incoming
from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.market.bar import Bar
from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.source import FundingRate
from gridbot_tui.service.assemble import Plan, open_profile, understand
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.options import RunOptions
from gridbot_tui.service.real import RealParts
from gridbot_tui.service.venues.venue import Countdown, Desk, Fees
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import MINUTE, Market, Mode, Ms, Symbol

SYMBOL = "BTCUSDT"
GRID = (
    ("ladder.kind", "arithmetic"),
    ("ladder.plain.side", "neutral"),
    ("ladder.plain.levels", "11"),
    ("bot.symbols", '["BTCUSDT"]'),
)
PRICE = 600_000
"""Ticks: 60,000."""


class FlatMarket:
    """Minutes that stand at one price: a minute that closes between two runs must not be of another one."""

    def __init__(self, price: Callable[[], int]) -> None:
        self._price = price

    async def klines(self, symbol: Symbol, since: Ms) -> list[Bar]:
        """The last hours only: a plain grid needs no more."""
        now = time.time_ns() // 1_000_000
        first = max(since, now - 90 * MINUTE)
        first += -first % MINUTE
        price = self._price()
        return [
            Bar(at, MINUTE, price, price, price, price, 1.0, price, price, price)
            for at in range(first, now - MINUTE, MINUTE)
        ]

    async def hours(self, symbol: Symbol, since: Ms, until: Ms) -> list[Bar]:
        return []

    async def funding(self, symbols: Sequence[Symbol], since: Ms) -> list[FundingRate]:
        return []


class PaperVenue:
    """See ``service.venue.Venue``."""

    def __init__(self, books: Path) -> None:
        self.instruments = {SYMBOL: builtin(Market.FUTURES)[SYMBOL]}
        self.fees = Fees(Decimal("0.0001"), Decimal("0.0004"))
        self.notices: tuple[str, ...] = ()
        self._sink: Callable[[Incoming], None] = lambda incoming: None
        account = AccountConfig(Market.FUTURES, {"USDT": Decimal(10_000)})
        self.books = BooksFile(books)
        market = FlatMarket(lambda: self.price)
        self.port = PaperPort(self.instruments, account, market, self._hear, self.now, self.books)
        self.countdowns: list[tuple[Symbol, Ms]] = []
        self.weight_limit = 2_400
        self.closed = False

    def _hear(self, incoming: Incoming) -> None:
        self._sink(incoming)

    @property
    def countdown(self) -> Countdown:
        async def count(symbol: Symbol, ms: Ms) -> None:
            self.countdowns.append((symbol, ms))

        return count

    def now(self) -> Ms:
        return time.time_ns() // 1_000_000

    def jobs(self, desk: Desk) -> list[Coroutine[Any, Any, None]]:
        self._sink = desk.take
        return [self.port.run(), self._market()]

    async def _market(self) -> None:
        for source in ("market", "account"):
            self._sink(LinkChanged(self.now(), source, up=True))
        while True:
            self.quote(self.price)
            await asyncio.sleep(0.5)

    price = PRICE

    def quote(self, price: int) -> None:
        """The market stands here now."""
        self.price = price
        self.say(Quote(self.now(), SYMBOL, bid=price - 1, ask=price + 1, last=price, mark=price))

    def say(self, event: Event) -> None:
        self.port.market(event)

    def links(self) -> tuple[LinkView, ...]:
        return (LinkView("market", up=True, age_ms=0, reconnects=0, latency_ms=1.0, detail="paper"),)

    async def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.books.close()


def options(home: Path, *sets: tuple[str, str]) -> RunOptions:
    """A paper run on ``home``, quiet."""
    return RunOptions(mode=Mode.PAPER, home=home, overrides=(*GRID, *sets), json=True)


def planned(chosen: RunOptions) -> tuple[Plan, Profile]:
    """Its plan and its profile, made."""
    plan = understand(chosen)
    with open_profile(plan) as profile:
        return plan, profile


async def opened(chosen: RunOptions) -> tuple[RealParts, PaperVenue]:
    """A run with this venue behind it; nothing runs yet."""
    plan, profile = planned(chosen)
    venue = PaperVenue(profile.exchange_database)
    identity = Identity(plan.mode, plan.market, "main", "USDT")
    live = await LiveStore.open(profile.database, durable=False, identity=identity)
    return RealParts(plan, profile, venue, live, screen=True), venue
