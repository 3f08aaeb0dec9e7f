"""A whole bot in this process on a served exchange, over HTTP and WebSocket, with time ten times as fast.

Exchange and bot share one clock, so that a minute of reconnecting or settling passes in seconds; everything else
is what ``gridbot --mode testnet`` runs.
"""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from gridbot_tui.control.ask import new_id
from gridbot_tui.control.command import Command, CommandKind
from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.exchange.binance.clock import WallClock
from gridbot_tui.exchange.binance.factory import make_rest
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.keys import Keys
from gridbot_tui.exchange.binance.timing import StreamTiming
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.risk.vitals import Vitals
from gridbot_tui.service import real_runner
from gridbot_tui.service.assemble import Plan, open_profile, understand
from gridbot_tui.service.binance_venue import BinanceVenue
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.service.profile import Profile
from gridbot_tui.service.real import RealParts
from gridbot_tui.service.venue import Fees
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.units import Market, Mode
from tests.e2e.served import GRID, KEY, NAME, SECRET, contradictions
from tests.exchange_server.serving import Served

HURRY = 10
HASTE = {
    "exchange.request_timeout_ms": "500",
    "exchange.absent_after_ms": "1000",
    "exchange.circuit_ms": "1000",
    "safety.cancel_all_after_s": "60",
    "orders.churn_window_ms": "10000",
    "orders.churn_creates": "200",
    "orders.refusal_probe_ms": "1000",
    "orders.refusal_probe_protective_ms": "500",
}
"""What waits for real time rather than for the clock, and what would slow a storm of orders down."""
PATIENCE_S = 30.0


class Shared(WallClock):
    """The served exchange's own time; waits pass ``HURRY`` times as fast."""

    def __init__(self, served: Served) -> None:
        super().__init__()
        self._exchange = served.app.place.clock

    def now_ms(self) -> int:
        """As the exchange has it; what it tells may differ."""
        return self._exchange.now() + self.offset

    def monotonic(self) -> float:
        return time.monotonic() * HURRY

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / HURRY)


async def opened(served: Served, plan: Plan, profile: Profile) -> RealParts:
    """What ``open_real`` does, with the shared clock."""
    settings = plan.loaded.settings
    clock = Shared(served)
    ours = IdFactory(settings.bot.name, settings.bot.account).is_ours
    hosts = hosts_of(plan.mode, served.http)
    rest = make_rest(plan.market, hosts, Keys(KEY, SECRET), ours=ours, params=settings.exchange, clock=clock)
    await rest.open()
    instruments = await rest.instruments(plan.options.symbols)
    rates = await rest.fees(plan.options.symbols)
    fees = Fees(max(one.maker for one in rates.values()), max(one.taker for one in rates.values()))
    venue = BinanceVenue(rest, hosts, instruments, fees, clock, ours, settings.exchange, timing=StreamTiming())
    identity = Identity(plan.mode, plan.market, settings.bot.account, "USDT")
    live = await LiveStore.open(profile.database, durable=True, identity=identity)
    return RealParts(plan, profile, venue, live, screen=True)


class Rig(threading.Thread):
    """The bot in a loop and a thread of its own; ``with`` it."""

    def __init__(self, served: Served, home: Path, *, market: Market = Market.FUTURES,
                 symbols: tuple[str, ...] = ("BTCUSDT",), sets: dict[str, str] | None = None) -> None:  # fmt: skip
        super().__init__(name="bot", daemon=True)
        self.served = served
        self.home = home
        pairs = {**GRID, **HASTE, **(sets or {})}
        options = RunOptions(mode=Mode.TESTNET, market=market, home=home, symbols=symbols,
                             overrides=tuple(pairs.items()), json=True)  # fmt: skip
        self.plan = understand(options)
        with open_profile(self.plan) as profile:
            self.profile = profile
        self.loop = asyncio.new_event_loop()
        self.parts: RealParts | None = None
        self.result: RunResult | None = None
        self.failed: BaseException | None = None
        self.seen: set[str] = set()
        """Every code and word that an operator could have read so far."""

    def run(self) -> None:
        try:
            self.result = self.loop.run_until_complete(self._live())
        except BaseException as error:  # noqa: BLE001 - told by whoever waits
            self.failed = error
        finally:
            self.loop.close()

    async def _live(self) -> RunResult:
        self.parts = await opened(self.served, self.plan, self.profile)
        return await self.parts.run(None, 5.0, None, own_signals=False)

    def __enter__(self) -> "Rig":
        self.start()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if self.is_alive():
            self.stop()
        if kind is None:
            assert self.failed is None, self.failed

    def inside(self, work: Callable[[RealParts], Any]) -> Any:
        """Do something in the bot's loop."""

        async def go() -> Any:
            assert self.parts is not None
            return work(self.parts)

        return asyncio.run_coroutine_threadsafe(go(), self.loop).result(PATIENCE_S)

    def look(self) -> Snapshot:
        """What a face shows now; remembered in ``seen``."""
        picture: Snapshot = self.inside(lambda parts: parts.session.snapshot())
        self.seen |= {blocker.code for blocker in picture.blockers} | {event.code for event in picture.events}
        self.seen |= {order.state for order in picture.orders}
        self.seen |= {f"{link.name}: {link.detail}" for link in picture.links if link.detail}
        self.seen |= {f"{link.name} down" for link in picture.links if not link.up}
        return picture

    def saw(self, word: str) -> bool:
        """Whether the operator has read something with this in it."""
        return any(word in text for text in self.seen)

    def wait_for(self, true: Callable[[Snapshot], bool], what: str, seconds: float = PATIENCE_S) -> Snapshot:
        """Wait until the picture is as wanted."""
        deadline = time.monotonic() + seconds
        picture = None
        while time.monotonic() < deadline:
            assert self.failed is None, self.failed
            assert self.is_alive(), self.result
            if self.parts is not None:
                picture = self.look()
                if true(picture):
                    return picture
            time.sleep(0.02)
        told = None if picture is None else (picture.state, picture.blockers, picture.residual, picture.links)
        raise AssertionError(f"not in time: {what}; last seen: {told}")

    def trading(self) -> Snapshot:
        """Wait until it trades, every link up, with orders that stand and a ledger that ties out."""
        return self.wait_for(quiet, "it trades")

    def agreed(self, seconds: float = PATIENCE_S, *, entries: bool = True) -> None:
        """Wait until the bot is at rest and its books are the exchange's."""
        deadline = time.monotonic() + seconds
        found = ["nothing was compared"]
        while found and time.monotonic() < deadline:
            self.wait_for(quiet if entries else calm, "it is at rest", max(0.1, deadline - time.monotonic()))
            found = contradictions(self.served, self.home, NAME)
        assert found == [], found

    def agreed_but(self, *foreign: str) -> None:
        """As ``agreed``, with orders standing that are not the bot's."""
        wanted = [f"orphan {one}: it stands, and no record of it is open" for one in foreign]
        deadline = time.monotonic() + PATIENCE_S
        found: list[str] = []
        while found != wanted:
            assert time.monotonic() < deadline, found
            self.wait_for(quiet, "it is at rest")
            found = contradictions(self.served, self.home, NAME)

    def order(self, kind: CommandKind, **args: str) -> None:
        """An order of the operator's, as from the keyboard."""
        command = Command(new_id(), kind, args)
        self.inside(lambda parts: parts.session.submit(command, "test"))

    def forget_trouble(self) -> None:
        """As after an hour without any: breakers closed, what they count forgotten."""

        def forget(parts: RealParts) -> None:
            parts.engine.desk.vitals = Vitals()

        self.inside(forget)
        self.order(CommandKind.RESET, what="breakers")

    def stop(self) -> RunResult | None:
        """The graceful shutdown, to its end."""
        if self.parts is not None and self.is_alive():
            self.inside(lambda parts: parts.session.request_stop("test", keep_positions=False))
        self.join(PATIENCE_S)
        return self.result


def quiet(picture: Snapshot) -> bool:
    """It trades, and nothing is under way or owed."""
    return calm(picture) and picture.state in ("running", "reducing") and bool(picture.orders)


def calm(picture: Snapshot) -> bool:
    """Nothing is under way and nothing is owed."""
    return (
        all(order.state in ("resting", "partly_filled") for order in picture.orders)
        and Decimal(picture.residual) == 0
        and all(link.up for link in picture.links)
        and not {blocker.code for blocker in picture.blockers} & LINKS
    )


LINKS = {"circuit_open", "link_down", "position_unknown", "residual", "stale_mark", "unresolved"}


@contextmanager
def quick_ticks() -> Iterator[None]:
    """The bot's second passes as fast as everything else."""
    before, real_runner.TICK_S = real_runner.TICK_S, 1.0 / HURRY
    try:
        yield
    finally:
        real_runner.TICK_S = before
