"""A bot that only answers, for what talks to one over a real socket."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec.structs import replace

from gridbot_tui.control.command import Ack, Command, CommandKind, CommandOutcome
from gridbot_tui.control.snapshot import (
    BarView,
    BlockerView,
    DecisionView,
    FeaturesView,
    LearningView,
    PnlView,
    RungView,
    Snapshot,
    SymbolView,
    VotesView,
)
from gridbot_tui.control.status import status_document
from gridbot_tui.service.books.lock import ProfileLock
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.operator.control_peer import Limits
from gridbot_tui.service.operator.control_server import ControlServer

AT = 1_746_360_000_000
VOTES = VotesView(up=0.5, down=0.0, neutral=0.33)
WEIGHTS = VotesView(up=0.3, down=0.1, neutral=0.6)


def symbol_view(**changed: Any) -> SymbolView:
    """BTCUSDT as in the walk through the house, one rung of it withheld."""
    view = SymbolView(
        price="60000.0",
        mark="60000.0",
        bid="59999.9",
        ask="60000.0",
        position="0.026",
        entry_price="60000.0",
        break_even=None,
        liquidation_price=None,
        votes=VOTES,
        weights=WEIGHTS,
        bias=0.45,
        label="UP",
        spacing=0.0284,
        confidence=0.4,
        plan_leverage=0.44,
        leverage=0.156,
        worst_leverage=0.66,
        epoch=1,
        plan_at=AT,
        plan_reasons=(("bias", 0.45),),
        features=FeaturesView(),
        ladder=(
            RungView("sell", "63959.0", "0.026", "resting", entry=False),
            RungView("buy", "60000.0", "0.026", "blocked", reason="gap_budget"),
            RungView("buy", "58735.0", "0.026", "resting"),
        ),
        lots=(),
        stop=None,
        open_orders=2,
        fills=1,
        cycles=0,
        wins=0,
        realised="0",
        unrealised=None,
        grid_profit="0",
        inventory_profit=None,
        fees="0.312",
        funding="0",
        allotted="10000",
        state="running",
        age_ms=250,
        next_funding_at=None,
        funding_rate=None,
        bars=tuple(BarView(AT + i, "60000.0", "60010.0", "59990.0", "60000.0") for i in range(3)),
        vote_history=((AT, 0.5, 0.0, 0.33),),
        what_if=(),
        tick_decimals=1,
        base="BTC",
        quote="USDT",
    )
    return replace(view, **changed)


def picture(**changed: Any) -> Snapshot:
    """A snapshot of one symbol."""
    learning = LearningView(
        frozen=False,
        version=2,
        prior=WEIGHTS,
        weights=WEIGHTS,
        trust=0.1,
        evidence=1.5,
        days=12,
        fallback_until=None,
        history=((AT, 0.3, 0.1, 0.6),),
        shadow=VotesView(0.01, -0.002, 0.005),
        changes=((1, AT, "day", 0.3, 0.1, 0.6),),
    )
    snapshot = Snapshot(
        mode="sim",
        market="futures",
        profile="sim-futures-main-usdt",
        quote="USDT",
        state="running",
        at=AT,
        wall_at=AT,
        started_at=AT,
        uptime_s=90061.0,
        speed="120",
        equity="9999.688",
        start_equity="10000",
        wallet="9999.688",
        drawdown=-0.0001,
        max_drawdown=-0.02,
        tier=0,
        leverage=0.156,
        worst_leverage=0.66,
        leverage_cap=5.0,
        max_leverage=0.66,
        residual="0",
        residual_pending=False,
        config_version=3,
        config_text="",
        symbols={"BTCUSDT": symbol_view()},
        ages={"market": 250, "account": None},
        blockers=(BlockerView("gap_budget", "BTCUSDT", AT, "rung 1 withheld", "exposure falls"),),
        events=(),
        decisions=(DecisionView(AT, "BTCUSDT", 1, (("bias", "0.45"),), "plan 1", "closed bar"),),
        fills=(),
        orders=(),
        equity_curve=(),
        learning=learning,
        links=(),
        pnl=PnlView("0", None, "0.312", "0", "0", "0", None, None, None, 0, 0, 1),
    )
    return replace(snapshot, **changed)


class FakeBot:
    """Implements ``Controlled``: a picture that counts up, commands that converge when told to."""

    def __init__(self) -> None:
        self.made = 0
        self.base = picture()
        self.commands: list[tuple[Command, str]] = []
        self.refuse = ""
        self.answers: dict[CommandKind, CommandOutcome] = {}
        self.hold = False
        self.broken: Exception | None = None
        self.on_command: Callable[[Command], None] = lambda command: None
        self._outcomes: dict[str, asyncio.Future[CommandOutcome]] = {}

    def snapshot(self) -> Snapshot:
        if self.broken is not None:
            raise self.broken
        self.made += 1
        return replace(self.base, wall_at=AT + self.made)

    def status(self) -> dict[str, Any]:
        return status_document(self.base)

    def submit(self, command: Command, peer: str) -> Ack:
        if self.refuse:
            return Ack(command.id, False, self.refuse)
        if command.id not in self._outcomes:
            self.commands.append((command, peer))
            self._outcomes[command.id] = asyncio.get_running_loop().create_future()
            if not self.hold:
                self.finish(command)
            self.on_command(command)
        return Ack(command.id, True)

    def finish(self, command: Command) -> None:
        known = self.answers.get(command.kind, CommandOutcome("", True, f"{command.kind.value} done"))
        self._outcomes[command.id].set_result(replace(known, id=command.id))

    def outcome(self, command_id: str) -> Awaitable[CommandOutcome]:
        return asyncio.shield(self._outcomes[command_id])


class Running:
    """A fake bot in a thread, with its profile's lock and socket, as the command line finds one."""

    def __init__(self, profile: Profile, bot: FakeBot, limits: Limits | None) -> None:
        self.profile = profile
        self.bot = bot
        self._limits = limits
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._end: asyncio.Event | None = None
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)

    def start(self) -> None:
        self._thread.start()
        assert self._ready.wait(60)

    def stop(self) -> None:
        if self._thread.is_alive() and self._loop is not None and self._end is not None:
            try:
                self._loop.call_soon_threadsafe(self._end.set)
            except RuntimeError:
                pass  # it has just ended by itself
        self._thread.join(60)
        assert not self._thread.is_alive()

    def end_soon(self) -> None:
        """From inside the loop: end as a bot does after its shutdown."""
        assert self._end is not None
        self._end.set()

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._end = asyncio.Event()
        with ProfileLock.acquire(self.profile.lock, self.profile.name):
            async with ControlServer(self.bot, self.profile.socket, limits=self._limits):
                self._ready.set()
                await self._end.wait()


@contextmanager
def running(profile: Profile, bot: FakeBot | None = None, limits: Limits | None = None) -> Iterator[Running]:
    """A fake bot that runs on a profile for the length of a ``with`` block."""
    one = Running(profile.create(), bot or FakeBot(), limits)
    one.start()
    try:
        yield one
    finally:
        one.stop()
