"""One run from beginning to end: assemble, lock, open, recover, trade, shut down, report.

``run`` is a coroutine that owns everything it starts; ``run_headless`` is it with a loop of its own. An
embedded UI runs the same coroutine in a thread and talks to the same ``Session``.
"""

import asyncio
import contextlib
import signal
import sqlite3
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
from gridbot_tui.market.source import MarketSource
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
from gridbot_tui.service.control_server import ControlServer, SocketTaken
from gridbot_tui.service.heartbeat import beat
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
from gridbot_tui.service.warmup import Warmup
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.sections import LogParams
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError, StoreUnusable
from gridbot_tui.store.identity import Identity
from gridbot_tui.units import DAY, HOUR, Market, Mode, Ms

EXIT_REFUSED = 4
KILL_LOOK_S = 0.5
STATE_EVERY_REPLAY: Ms = 24 * HOUR
"""A replay's profile is temporary: its engine state is saved often enough to be exercised, not every hour."""
RECONCILE_SELDOM: Ms = 6 * HOUR
"""Of a replay and of a sim's past: nobody but the bot touches their account."""
STAGE_BARS = 5
"""A stage of the shutdown waits for at least so many bars: in virtual time nothing happens between two."""

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
            return await parts.run(watch, watch_every_s, on_ready, own_signals=own_signals)
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
        self.warmup = Warmup(profile)
        discarded = plan.mode is Mode.SIM and self.warmup.discard_broken()
        source, market = market_source(plan, profile)
        self.config = engine_config(settings, 1, plan.mode, source.instruments)
        self.engine = Engine(self.config, source.instruments)
        identity = Identity(plan.mode, market, settings.bot.account, self.config.quote)
        self.store = Store.open(profile.database, durable=False, identity=identity)
        self._refuse_other_symbols()
        self.resumed = restore_engine(self.engine, self.store)
        self._configure_logs(settings.logs)
        self.log = logs.get_logger("service")
        if discarded:
            self.log.warning("warmup_again", text="the last run died while it lived through its past: it does so anew")
        head = self.store.get_meta("audit_head")
        self.audit = AuditTrail(
            profile.audit, at=wall_ms(), durable=False, anchor=None if head is None else Head.parse(head)
        )
        self._open_exchange(source)
        self.feed = Feed()
        self.recent = Recent(self.store)
        self.feed.take(self.recent.tail(self.store), source.instruments)
        state_every = HOUR if plan.mode is Mode.SIM else STATE_EVERY_REPLAY
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
        self.journal.grouped = not plan.persistent
        if self.audit.problem:
            self.journal.report(self.engine.now, "error", "audit", self.audit.problem)
        self._assemble()

    def _refuse_other_symbols(self) -> None:
        """A profile trades the symbols it began with: its books say nothing of others."""
        names = ",".join(self.engine.symbols)
        known = self.store.get_meta("symbols")
        if known is None:
            self.store.put_meta("symbols", names)
        elif known != names:
            self.store.close()
            raise RunRefused(
                f"profile {self.profile.name} trades {known}, this run has {names}; name another with --profile",
                EXIT_REFUSED,
            )

    def _open_exchange(self, source: MarketSource) -> None:
        """The simulated exchange, with books of its own where the profile outlives the run."""
        account = account_config(self.plan.loaded.settings, self.plan.mode, self.config)
        path = self.profile.exchange_database
        try:
            self.books = BooksFile(path) if self.plan.persistent else None
            self.world = World(source, account, books=self.books)
        except (sqlite3.Error, ValueError) as wrong:
            raise RunRefused(
                f"{path}: the simulated exchange's books cannot be used ({wrong}); name another profile, "
                "or move this one's folder away to start anew",
                EXIT_REFUSED,
            ) from wrong

    def _assemble(self) -> None:
        plan = self.plan
        self.bot = Bot(
            self.engine,
            self.world,
            self.journal,
            self.log,
            reconcile_every=RECONCILE_SELDOM,
            stage_budget=self._stage_budget(plan.loaded.settings),
            on_command_done=lambda done: self.session.command_done(done),
        )
        self.pace = Pace(parse_speed(plan.speed))
        self.runner = VirtualRunner(self.bot, self.world, self.pace)
        self.reloader = Reloader(
            plan, self.engine, self.bot, self.store, self.journal, self.config, self._reloaded
        )
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

    def _configure_logs(self, kept: LogParams) -> None:
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

    async def run(
        self, watch: Watch | None, watch_every_s: float, on_ready: Ready | None, *, own_signals: bool
    ) -> RunResult:
        """``live``, and whatever comes of it: files closed, a defect of ours told and logged."""
        clean = False
        try:
            result = await self.live(watch, watch_every_s, on_ready, own_signals=own_signals)
            clean = True
        except StoreError as unavailable:
            result = RunResult(1, None, str(unavailable))
        except sqlite3.Error as error:
            text = f"{self.profile.exchange_database}: the simulated exchange cannot write its books ({error})"
            result = RunResult(1, None, text)
        except SocketTaken as taken:
            result = RunResult(EXIT_REFUSED, None, str(taken))
        except Exception as defect:
            self.log.exception("defect", text=f"{type(defect).__name__}: {defect}")
            text = f"a defect of gridbot ended the run ({type(defect).__name__}: {defect}); see {self.profile.log}"
            result = RunResult(1, None, text)
        finally:
            trouble = self.close(clean=clean)
        if trouble and result.exit_code == 0:
            return RunResult(1, result.status, f"{result.text}; not everything could be written: {trouble}")
        return result

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
        service = self.plan.loaded.settings.service
        helpers.append(beat(self.profile.folder / "heartbeat", service.heartbeat_s, self.log))
        async with server, _tending(helpers):
            if own_signals:
                self._own_signals()
            self._begin()
            if on_ready is not None:
                on_ready(self.session, server)
            await self._live_through_history()
            self._obey(self.plan.loaded.settings)
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
        # Without them no export and no excerpt can say what a tick was worth.
        self.store.remember_instruments(self.world.now, self.engine.desk.instruments.values())

    async def _live_through_history(self) -> None:
        """A new sim profile first lives through its past at full speed, so that there is something to see."""
        if self.plan.mode is not Mode.SIM or self.books is None:
            return
        until = self.warmup.until
        if until is None and not self.resumed:
            until = self.world.now + self.plan.loaded.settings.simulation.warmup_days * DAY
        if until is None or until <= self.world.now:
            self.warmup.over()
            return
        self.warmup.begin(until)
        self.journal.grouped = True
        while self.world.now < until and not self.runner.over:
            with self.books.bulk():
                await self.runner.run(until=min(self.world.now + DAY, until))
        self.journal.grouped = False
        self.journal.save_now(self.engine.now)
        if self.journal.failing:
            return  # the two files do not fit together yet
        if self.world.now < until:
            self.warmup.interrupted()
        else:
            self.warmup.over()

    def _obey(self, settings: Settings) -> None:
        """What of the config the service itself goes by; again after every reload."""
        service, interval = settings.service, self.world.source.interval
        every = RECONCILE_SELDOM
        if self.plan.mode is Mode.SIM:
            every = max(round(service.reconcile_s * 1000), interval)
        self.bot.pace_checks(reconcile_every=every, stage_budget=self._stage_budget(settings))
        self.journal.snapshot_facts = service.snapshot_facts
        self.journal.retention = settings.store.retention_days * DAY

    def _reloaded(self, before: Settings, now: Settings) -> None:
        """Put the service's own keys of another config version in force."""
        self._obey(now)
        if before.logs != now.logs:
            self._configure_logs(now.logs)
        if before.simulation.speed != now.simulation.speed and self.plan.mode is Mode.SIM:
            self.pace.change(now.simulation.speed, self.engine.now)
            self.runner.wake()

    def _stage_budget(self, settings: Settings) -> Ms:
        return max(round(settings.service.shutdown_stage_s * 1000), STAGE_BARS * self.world.source.interval)

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

    def close(self, *, clean: bool) -> str:
        """Leave everything on disk as a restart wants to find it; what could not be written, in a sentence.

        Args:
            clean: the engine stands between two events, so that its state may be kept.
        """
        trouble = ""
        try:
            if clean and self.bot.recovered:
                self.journal.save_now(self.engine.now)
            else:
                self.journal.flush()
            self.audit.close()
            self.store.put_meta("audit_head", str(self.audit.head))
        except (StoreError, OSError) as error:
            trouble = str(error)
        try:
            self.store.close()
            if self.books is not None:
                self.books.close()
        except (StoreError, sqlite3.Error) as error:
            trouble = trouble or str(error)
        trouble = self.journal.failing or trouble
        if trouble:
            self.log.error("not_written", text=f"{trouble} The next start asks the exchange for what is missing.")
        logs.close()
        return trouble


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
