"""One run from beginning to end: assemble, lock, open, recover, trade, shut down, report.

``run`` is a coroutine that owns everything it starts; ``run_headless`` is it with a loop of its own. An
embedded UI runs the same coroutine in a thread and talks to the same ``Session``.
"""

import asyncio
import contextlib
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from gridbot_tui.control.snapshot import Snapshot
from gridbot_tui.control.status import status_document
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import Operator
from gridbot_tui.exchange.port import SetLeverage
from gridbot_tui.exchange.simulated.books import BooksFile
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.ops import log as logs
from gridbot_tui.ops.audit import AuditTrail, Head
from gridbot_tui.ops.feed import Feed
from gridbot_tui.service.assemble import (
    Plan,
    RunRefused,
    account_config,
    engine_config,
    market_source,
    open_profile,
    understand,
)
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.control_server import ControlServer
from gridbot_tui.service.journal import InlineJournal
from gridbot_tui.service.lock import LockHeld, ProfileLock
from gridbot_tui.service.options import RunOptions, RunResult
from gridbot_tui.service.pace import Pace, parse_speed
from gridbot_tui.service.picture import Picture, Recent
from gridbot_tui.service.profile import Profile
from gridbot_tui.service.reload import Reloader
from gridbot_tui.service.restore import restore_engine
from gridbot_tui.service.runner import VirtualRunner
from gridbot_tui.service.session import Session, wall_ms
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError, StoreUnusable
from gridbot_tui.store.identity import Identity
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Mode, Ms

EXIT_REFUSED = 4
KILL_LOOK_S = 0.5
STATE_EVERY_REPLAY: Ms = 24 * HOUR
"""A replay's profile is temporary: its engine state is saved often enough to be exercised, not every hour."""
RECONCILE_SIM: Ms = 15 * MINUTE
RECONCILE_REPLAY: Ms = 6 * HOUR
"""Nobody but the bot touches a replayed account, so looking seldom is looking often enough."""

Watch = Callable[[Snapshot], None]
Ready = Callable[[Session, ControlServer], None]
"""Called in the service's loop once it listens: an embedded app connects through these."""


def run_headless(options: RunOptions, watch: Watch | None = None, watch_every_s: float = 5.0) -> RunResult:
    """Run to the end without a terminal; ``watch`` gets a snapshot now and then."""
    return asyncio.run(run(options, watch=watch, watch_every_s=watch_every_s, own_signals=True))


async def run(
    options: RunOptions,
    *,
    watch: Watch | None = None,
    watch_every_s: float = 5.0,
    on_ready: Ready | None = None,
    own_signals: bool = False,
    screen: bool = False,
) -> RunResult:
    """Run to the end. What the operator got wrong is a result with a sentence, never an exception."""
    try:
        plan = understand(options)
        with open_profile(plan) as profile, _locked(profile):
            parts = Parts(plan, profile, screen=screen)
            try:
                return await parts.live(watch, watch_every_s, on_ready, own_signals=own_signals)
            finally:
                parts.close()
    except RunRefused as refused:
        return RunResult(refused.exit_code, None, str(refused))
    except LockHeld as held:
        return RunResult(EXIT_REFUSED, None, str(held))
    except StoreUnusable as unusable:
        return RunResult(EXIT_REFUSED, None, str(unusable))
    except StoreError as unavailable:
        return RunResult(1, None, str(unavailable))


@contextlib.contextmanager
def _locked(profile: Profile) -> Iterator[None]:
    with ProfileLock.acquire(profile.lock, profile.name):
        yield


class Parts:
    """Everything one run in virtual time is made of, opened in order and closed in reverse."""

    def __init__(self, plan: Plan, profile: Profile, *, screen: bool = False) -> None:
        self.plan = plan
        self.profile = profile
        self.screen = screen
        """True while an app paints the terminal: no log line may go there."""
        settings = plan.loaded.settings
        source, market = market_source(plan, profile)
        self.config = engine_config(settings, 1, plan.mode, source.instruments)
        self.engine = Engine(self.config, source.instruments)
        identity = Identity(plan.mode, market, settings.bot.account, self.config.quote)
        self.store = Store.open(profile.database, durable=False, identity=identity)
        self.resumed = restore_engine(self.engine, self.store)
        self._configure_logs()
        self.log = logs.get_logger("service")
        head = self.store.get_meta("audit_head")
        self.audit = AuditTrail(
            profile.audit, at=wall_ms(), durable=False, anchor=None if head is None else Head.parse(head)
        )
        persistent = plan.mode is Mode.SIM
        self.books = BooksFile(profile.exchange_database) if persistent else None
        self.world = World(source, account_config(settings, plan.mode, self.config), books=self.books)
        self.feed = Feed()
        self.recent = Recent(self.store)
        state_every = HOUR if persistent else STATE_EVERY_REPLAY
        self.journal = InlineJournal(
            self.store,
            self.audit,
            self.feed,
            self.recent.take,
            self.log,
            source.instruments,
            self.engine.encode_state,
            state_every,
        )
        self._assemble(market)

    def _assemble(self, market: Market) -> None:
        plan, settings = self.plan, self.plan.loaded.settings
        self.bot = Bot(
            self.engine,
            self.world,
            self.journal,
            self.log,
            reconcile_every=RECONCILE_SIM if plan.mode is Mode.SIM else RECONCILE_REPLAY,
            stage_budget=round(settings.service.shutdown_stage_s * 1000),
            on_command_done=lambda done: self.session.command_done(done),
        )
        try:
            self.pace = Pace(parse_speed(plan.speed))
        except ValueError as wrong:
            raise RunRefused(str(wrong)) from wrong
        self.runner = VirtualRunner(self.bot, self.world, self.pace)
        self.reloader = Reloader(plan, self.engine, self.bot, self.store, self.journal, self.config)
        self.server: ControlServer | None = None
        self.picture = Picture(
            plan,
            self.profile.name,
            self.engine,
            self.bot,
            self.feed,
            self.recent,
            self.runner,
            self.reloader,
            self._viewers,
        )
        self.session = Session(
            self.bot, self.runner, self.store, self.journal, self.reloader, self.picture.snapshot
        )

    def _configure_logs(self) -> None:
        kept = self.plan.loaded.settings.logs
        logs.configure(
            file=self.profile.log,
            terminal=None if self.screen else sys.stderr,
            level=kept.level,
            terminal_level="warning" if self.plan.options.json else kept.terminal_level,
            engine_time=lambda: self.engine.now,
            max_bytes=kept.size_mb << 20,
            files_kept=kept.count,
        )

    # -- running ------------------------------------------------------------------------------------------------

    async def live(
        self,
        watch: Watch | None,
        watch_every_s: float,
        on_ready: Ready | None,
        *,
        own_signals: bool,
    ) -> RunResult:
        """Recover, trade, and end: the control socket and the watchers live exactly as long."""
        self.server = server = ControlServer(self.session, self.profile.socket)
        helpers: list[Awaitable[None]] = [self._look_for_kill(), self.reloader.watch_file()]
        if watch is not None:
            helpers.append(self._watch(watch, watch_every_s))
        async with server, _tending(helpers):
            if own_signals:
                self._own_signals()
            self._begin()
            if on_ready is not None:
                on_ready(self.session, server)
            await self._live_through_history()
            self.pace.anchor(self.world.now)
            await self.runner.run()
            return self._result()

    def _begin(self) -> None:
        if self.config.market is Market.FUTURES:
            ceiling = int(self.config.risk.leverage_hard)
            for symbol in self.engine.symbols:
                self.world.send(SetLeverage(symbol, ceiling))
        self.bot.start(self.world.now)
        self.reloader.remember_start(self.world.now)

    async def _live_through_history(self) -> None:
        """A new sim profile first lives through its past at full speed, so that there is something to see."""
        if self.plan.mode is not Mode.SIM or self.resumed or self.books is None:
            return
        began = self.world.now
        for day in range(self.plan.loaded.settings.simulation.warmup_days):
            with self.books.bulk():
                await self.runner.run(until=began + (day + 1) * DAY)
            if self.runner.over:
                return
        self.journal.save_now(self.engine.now)

    def _own_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._signalled, number.name)
        for ignored in (signal.SIGHUP, signal.SIGTSTP):
            signal.signal(ignored, signal.SIG_IGN)

    def _signalled(self, name: str) -> None:
        self.log.info("signal", name=name)
        self.session.request_stop(f"signal-{name}-{time.monotonic_ns()}", keep_positions=False)

    async def _look_for_kill(self) -> None:
        """A file named KILL in the profile is the kill command: it needs no socket and no config."""
        while True:
            if self.profile.kill_file.exists():
                by = {"by": "KILL file"}
                self.bot.operator(Operator(self.engine.now, f"kill-file-{wall_ms()}", "kill", "", by))
                self.profile.kill_file.rename(self.profile.kill_file.with_suffix(".done"))
                self.runner.wake()
            await asyncio.sleep(KILL_LOOK_S)

    async def _watch(self, watch: Watch, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            watch(self.session.snapshot())

    def _viewers(self) -> tuple[int, str]:
        if self.server is None:
            return 0, ""
        return self.server.viewers, self.server.desk.holder_name

    # -- the end ----------------------------------------------------------------------------------------------------

    def _result(self) -> RunResult:
        if self.bot.shutdown is not None:
            self.session.shutdown_done()
        snapshot = self.picture.snapshot()
        status = status_document(snapshot)
        if self.bot.failure:
            return RunResult(1, status, self.bot.failure)
        report = self.bot.report
        if report is not None:
            return RunResult(report.exit_code, status, report.text)
        if self.session.stop_requested:
            return RunResult(6, status, "the market data ended before the shutdown was verified")
        return RunResult(0, status, "")

    def close(self) -> None:
        """Leave everything on disk as a restart wants to find it."""
        self.journal.flush()
        self.audit.close()
        self.store.put_meta("audit_head", str(self.audit.head))
        self.store.close()
        if self.books is not None:
            self.books.close()
        logs.close()


@contextlib.asynccontextmanager
async def _tending(jobs: list[Awaitable[None]]) -> Any:
    """Run helper tasks for as long as the block lasts; the first that fails ends the block with its exception."""
    tasks = [asyncio.ensure_future(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
