"""Real bots of this process on real files: lived through, stepped, crashed and looked at from outside."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

from gridbot_tui.control.status import status_document
from gridbot_tui.exchange.simulated.books import BooksView, read_books
from gridbot_tui.service.assemble import open_profile, understand
from gridbot_tui.service.books.profile import Profile, named
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.service.virtual import VirtualParts
from gridbot_tui.store.queries import Queries
from gridbot_tui.store.reader import reading
from gridbot_tui.units import DAY, Mode, Ms

NAME = "sim-futures-main-usdt"
FEW = (
    ("simulation.symbols", '["DOGEUSDT", "SOLUSDT"]'),
    ("simulation.warmup_days", "15"),
    ("simulation.seed", "11"),
)
"""A small market, quick to live through."""


def options(home: Path, *sets: tuple[str, str], **more: object) -> RunOptions:
    """A sim run on ``home``, quiet."""
    return RunOptions(mode=Mode.SIM, home=home, overrides=(*FEW, *sets), json=True, **more)  # type: ignore[arg-type]


class Killed(BaseException):
    """The process dies here."""


class Living:
    """One bot, stepped by hand. ``async with`` it: recovered inside, closed in order after."""

    def __init__(self, chosen: RunOptions) -> None:
        self.plan = understand(chosen)
        with open_profile(self.plan) as profile:
            self.profile: Profile = profile
        self.parts = VirtualParts(self.plan, self.profile, screen=True)
        self.crashed = False

    async def __aenter__(self) -> "Living":
        self.parts.start()
        await self.parts.live_through_history()
        self.parts._obey(self.parts.reloader.loaded.settings)
        await self.settle()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is Killed:
            self.crash()
        elif not self.crashed:
            self.parts.close_now(clean=kind is None)

    async def settle(self) -> None:
        """Everything of this very moment is said and answered."""
        await self.run(self.parts.world.now)

    async def run(self, until: Ms) -> None:
        """Live on to a virtual time."""
        await self.parts.runner.run(until=until)
        self.parts.bot.flush()

    async def days(self, count: float) -> None:
        await self.run(self.parts.world.now + round(count * DAY))

    def crash(self) -> None:
        """What kill -9 leaves: the files as they are, and nothing more is written to them."""
        if self.crashed:
            return
        self.crashed = True
        if self.parts.books is not None:
            self.parts.books.close()
        self.parts.store.connection.close()


def live_once(chosen: RunOptions, work: "Callable[[Living], object]") -> None:
    """Open, do something, close."""

    async def go() -> None:
        async with Living(chosen) as bot:
            made = work(bot)
            if asyncio.iscoroutine(made):
                await made

    asyncio.run(go())


def copied(home: Path, to: Path) -> Path:
    """The same profiles at another place."""
    shutil.copytree(home, to)
    return to


def books(home: Path, name: str = NAME) -> BooksView:
    """What the exchange itself has in its books."""
    return read_books(named(home, name).exchange_database)


Order = tuple[str, int, str, int | None, int | None, int]


def standing(home: Path, name: str = NAME) -> list[Order]:
    """The open orders in the exchange's books, without their ids: symbol, side, kind, price, trigger, steps left."""
    return sorted(
        (o.symbol, int(o.side), o.kind.value, o.price, o.trigger, o.steps - o.filled)
        for o in books(home, name).open_orders
    )


def contradictions(home: Path, name: str = NAME) -> list[str]:
    """Where the bot's database and the exchange's books differ, and what no exchange should hold."""
    theirs = books(home, name)
    found: list[str] = []
    with reading(named(home, name).database) as ours:
        found += _orders(theirs, ours)
        trades = {(t.symbol, str(t.trade_id)) for t in theirs.trades}
        fills = [(f.symbol, f.trade_id) for f in ours.each_fill()]
        if len(set(fills)) != len(fills):
            found.append("a fill is booked twice")
        found += [f"trade {one} is not in the ledger" for one in sorted(trades - set(fills))]
        found += [f"fill {one} never happened" for one in sorted(set(fills) - trades)]
        paid = {str(record.cash_id) for record in theirs.cash}
        booked = [row.cash_id for row in ours.each_cash()]
        if len(set(booked)) != len(booked):
            found.append("cash is booked twice")
        if set(booked) != paid:
            found.append(f"cash differs: {sorted(paid ^ set(booked))[:4]}")
    return found


def _orders(theirs: BooksView, ours: Queries) -> list[str]:
    found: list[str] = []
    there = [order.client_id for order in theirs.open_orders]
    here = {row.order.client_id for row in ours.open_orders()}
    if len(set(there)) != len(there):
        found.append("a client id stands twice")
    found += [f"orphan {one}: it stands, and no record of it is open" for one in sorted(set(there) - here)]
    found += [f"ghost {one}: open here, gone there" for one in sorted(here - set(there))]
    places = [(o.symbol, o.side, o.price, o.trigger) for o in theirs.open_orders]
    found += [f"two orders at {place}" for place in sorted(set(places), key=str) if places.count(place) > 1]
    return found


def picture(bot: Living) -> dict[str, object]:
    """The status without what a restart may change: how long the process lives, how old its last look is."""
    found = status_document(bot.parts.picture.snapshot())
    for name in ("uptime_s", "ages", "profile", "config_version"):
        del found[name]
    return found


def ended(chosen: RunOptions) -> RunResult:
    """A whole run."""
    from gridbot_tui.service.app import run

    return asyncio.run(run(chosen, screen=True))
