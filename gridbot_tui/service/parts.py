"""What every run is made of, whatever drives it: engine, books, faces, and the order in which they open and close.

``VirtualParts`` puts a simulated exchange and its own time behind it, ``RealParts`` an exchange and the clock
of the wall.
"""

import asyncio
import sqlite3
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Mapping

from gridbot_tui.control.snapshot import LinkView, Snapshot
from gridbot_tui.control.status import status_document
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import Operator
from gridbot_tui.ledger.model import LedgerError
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops import log as logs
from gridbot_tui.ops.audit import AuditTrail, Head
from gridbot_tui.ops.feed import Feed
from gridbot_tui.service import going_on
from gridbot_tui.service.assemble import EXIT_REFUSED, Plan, RunRefused
from gridbot_tui.service.beside.alert_watch import Looks, ending
from gridbot_tui.service.beside.alerting import Alerting
from gridbot_tui.service.beside.heartbeat import beat
from gridbot_tui.service.beside.lookback import Ask, Pairs, Past, question
from gridbot_tui.service.beside.lookback_job import Lookback
from gridbot_tui.service.beside.metrics_server import MetricsServer
from gridbot_tui.service.books.audit_late import write_late
from gridbot_tui.service.books.footing import Footing, Say, refuse_writes
from gridbot_tui.service.books.journal import Journal
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.books.restore import refuse_held, restore_engine
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.operator.command_log import CommandLog
from gridbot_tui.service.operator.control_server import ControlServer, SocketTaken
from gridbot_tui.service.operator.kill_file import KillFile
from gridbot_tui.service.operator.picture import Picture, Recent
from gridbot_tui.service.operator.reload import Reloader
from gridbot_tui.service.operator.session import Session, wall_ms
from gridbot_tui.service.options import RunResult
from gridbot_tui.service.runner import Runner
from gridbot_tui.service.tending import tending
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.sections import LogParams
from gridbot_tui.store.core import Store
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.units import Market, Symbol

Watch = Callable[[Snapshot], None]
Ready = Callable[[Session, ControlServer], None]
"""Called in the service's loop once it listens: an embedded app connects through these."""


class Parts(ABC):
    """Everything one run is made of, opened in order and closed in reverse."""

    bot: Bot
    runner: Runner
    reloader: Reloader
    session: Session
    picture: Picture
    _say: Say

    def __init__(
        self,
        plan: Plan,
        profile: Profile,
        config: EngineConfig,
        instruments: Mapping[Symbol, Instrument],
        market: Market,
        *,
        durable: bool,
        screen: bool,
    ) -> None:
        self.plan = plan
        self.profile = profile
        self.screen = screen
        """True while an app paints the terminal: no log line may go there."""
        settings = plan.loaded.settings
        self.config = config
        self.engine = Engine(config, instruments)
        self.identity = Identity(plan.mode, market, settings.bot.account, config.quote)
        self.store = Store.open(profile.database, durable=durable, identity=self.identity)
        try:
            going_on.with_its_symbols(profile, self.store, self.engine, self.gone())
            self.resumed = self._restored()
            self.crashed = self.resumed and not self.store.was_clean
            going_on.under_its_name(profile, self.store, self.engine, crashed=self.crashed)
            going_on.with_its_kinds(profile, self.engine)
            capital = settings.capital(plan.mode)
            self._passed_over = going_on.with_its_capital(profile, self.store, self.engine, capital)
            self._configure_logs(settings.logs)
            self.log = logs.get_logger("service")
            anchor = self.store.meta_as(AUDIT_HEAD, Head.parse)
            self.audit = AuditTrail(profile.audit, at=wall_ms(), durable=durable, anchor=anchor)
            if self.crashed and (late := write_late(self.audit, self.store, wall_ms())):
                self.log.info("audit_late", lines=late)
        except RunRefused:
            self._left_as_found()
            raise
        except BaseException:
            self.store.connection.close()
            raise
        self.feed = Feed()
        self.recent = Recent(self.store)
        self.feed.take(self.recent.tail(self.store), instruments)
        self.server: ControlServer | None = None
        self.unheard: list[str] = []
        """Signals that came before this run could obey them, be it that one before it had ended by then."""

    def _left_as_found(self) -> None:
        """Close a state file of which nothing was used: the next start is none after a crash, if this one was not."""
        try:
            if self.store.was_clean:
                self.store.mark_closed()
        except StoreError:
            return  # the refusal is what must be told; the next start compares all the more
        finally:
            self.store.connection.close()

    def gone(self) -> frozenset[Symbol]:
        """What the profile has traded and the exchange lists no more: this run goes without."""
        return frozenset()

    def _restored(self) -> bool:
        """Whether there was anything to go on with."""
        try:
            restored = restore_engine(self.engine, self.store)
            refuse_held(self.engine)
            return restored
        except LedgerError as wrong:
            raise RunRefused(
                f"{wrong}. Move {self.profile.database} away to have the account adopted from the exchange alone",
                EXIT_REFUSED,
            ) from wrong

    def _configure_logs(self, kept: LogParams) -> None:
        logs.configure(
            file=self.profile.log,
            terminal=None if self.screen else sys.stderr,
            level=kept.level,
            terminal_level="warning" if self.plan.options.json else kept.terminal_level,
            engine_time=lambda: self.engine.now or None,  # before its first event there is none
            max_bytes=kept.size_mb << 20,
            files_kept=kept.count,
            beside=not self.plan.mode.virtual,
        )

    def _faces(
        self,
        journal: Journal,
        make_config: Callable[[Settings, int], EngineConfig],
        links: Callable[[], tuple[LinkView, ...]] | None = None,
        commands: CommandLog | None = None,
    ) -> None:
        """What an operator sees and says; bot and runner are there."""
        self._say = lambda level, code, text: journal.report(self.engine.now, level, code, text)
        self.kill_file = KillFile(self.profile.kill_file, self._kill, lambda: journal.kept, self._say)
        if self._passed_over:
            journal.report(self.engine.now, "warning", "capital", self._passed_over)
        self.alerting = self._make_alerting(journal, links)
        self.reloader = Reloader(
            self.plan,
            self.engine,
            self.bot,
            self.store,
            journal,
            self.config,
            self._reloaded,
            make_config,
            self.profile.config_file if self.plan.persistent else None,
        )
        self.picture = Picture(
            self.plan,
            self.profile.name,
            self.engine,
            self.bot,
            self.feed,
            self.recent,
            self.runner,
            self.reloader,
            self._viewers,
            links,
            self.alerting,
        )
        self.session = Session(
            self.bot, self.runner, self.store, journal, self.reloader, self.picture.snapshot, commands
        )
        self.metrics = MetricsServer(self.plan.loaded.settings.metrics.listen, self.session.snapshot, self._say)
        self.lookback = Lookback(self._question, lambda: self.reloader.loaded, lambda: self._viewers()[0])
        self.reloader.on_preview = self.lookback.offer
        self.picture.trials = self.lookback.views

    def _make_alerting(
        self, journal: Journal, links: Callable[[], tuple[LinkView, ...]] | None
    ) -> Alerting | None:
        """The alarms that leave the machine, where this mode sends any."""
        params = self.plan.loaded.settings.alerts
        if self.plan.mode not in params.modes:
            return None
        looks = Looks(self.bot, journal, self.runner, links or tuple, crashed=self.crashed)
        alerting = Alerting(params, self.profile, looks)
        self.feed.listener = alerting.hear
        return alerting

    # -- what differs -------------------------------------------------------------------------------------------

    @abstractmethod
    async def _trade(self) -> None:
        """From recovery to the end of trading; faces are connected."""

    @abstractmethod
    def _obey(self, settings: Settings) -> None:
        """Put in force what of the config the service itself goes by; again after every reload."""

    @abstractmethod
    def _past(self) -> tuple[Past, Pairs]:
        """Where the recent bars are, and what of the account a back-test on them should know."""

    def _question(self) -> Ask | None:
        """What a back-test beside the bot is to answer now; None before there is a past or an account."""
        equity = self.engine.desk.ledger.equity_quick() if self.bot.recovered else None
        if equity is None or equity <= 0 or self.runner.pace.racing_to is not None:
            return None
        past, account = self._past()
        return question(past, self.reloader.loaded, (*self.plan.options.overrides, *account), equity)

    @abstractmethod
    async def close(self, *, clean: bool) -> str:
        """Leave everything on disk as a restart wants to find it; what could not be written, in a sentence.

        Args:
            clean: the engine stands between two events, so that its state may be kept.
        """

    def _reloaded(self, before: Settings, now: Settings) -> None:
        """Put the service's own keys of another config version in force."""
        self._obey(now)
        self.metrics.obey(now.metrics.listen)
        if self.alerting is not None:
            self.alerting.obey(now.alerts)
        if before.logs != now.logs:
            self._configure_logs(now.logs)

    # -- running ------------------------------------------------------------------------------------------------

    async def run(self, watch: Watch | None, watch_every_s: float, on_ready: Ready | None) -> RunResult:
        """``live``, and whatever comes of it, told also to those who do not look at the screen."""
        if self.alerting is None:
            return await self._run(watch, watch_every_s, on_ready)
        async with self.alerting.awake():
            result = await self._run(watch, watch_every_s, on_ready)
            if not self.runner.leaving:  # at a handover the next process goes on
                await self.alerting.last_words(ending(result, self.engine.now))
            return result

    async def _run(self, watch: Watch | None, watch_every_s: float, on_ready: Ready | None) -> RunResult:
        """``live``, and whatever comes of it: files closed, a defect of ours told and logged."""
        clean = False
        try:
            result = await self.live(watch, watch_every_s, on_ready)
            clean = True
        except StoreError as unavailable:
            result = RunResult(1, None, str(unavailable))
        except sqlite3.Error as error:
            text = f"{self.profile.exchange_database}: the simulated exchange cannot write its books ({error})"
            result = RunResult(1, None, text)
        except SocketTaken as taken:
            result = RunResult(EXIT_REFUSED, None, str(taken))
        except Exception as defect:
            cause = _innermost(defect)
            self.log.exception("defect", text=f"{type(cause).__name__}: {cause}")
            result = RunResult(1, None, f"{_why(cause)}; see {self.profile.log}")
        finally:
            trouble = await self.close(clean=clean)
        return self._unwritten(result, trouble) if trouble and result.exit_code in (0, 6) else result

    def _unwritten(self, result: RunResult, trouble: str) -> RunResult:
        """What a run ends with that had something to write and could not.

        Whoever starts again what fails would have a bot that was stopped trade once the disk takes writes: that waits
        for a person. One that is not flat is started again all the same, for it holds what has to be protected.
        """
        code = result.exit_code
        if code == 0:
            code = 1 if self.bot.report is None else EXIT_REFUSED
        return RunResult(code, result.status, f"{result.text}; not everything could be written: {trouble}")

    async def live(self, watch: Watch | None, watch_every_s: float, on_ready: Ready | None) -> RunResult:
        """Recover, trade, and end: the control socket and the watchers live exactly as long."""
        self.server = server = ControlServer(self.session, self.profile.socket)
        async with server, tending(self._helpers(watch, watch_every_s), self._helper_failed):
            while self.unheard:
                self.signalled(self.unheard.pop(0))
            self._prepare()
            if on_ready is not None:
                on_ready(self.session, server)
            await self._trade()
            if self.session.defect is not None:
                raise self.session.defect
            return self._result()

    def _helpers(self, watch: Watch | None, watch_every_s: float) -> dict[str, Awaitable[None]]:
        """What looks around while the bot trades, by what it does."""
        every_s = self.plan.loaded.settings.service.heartbeat_s
        helpers: dict[str, Awaitable[None]] = {
            "looking for a file KILL": self.kill_file.run(),
            "minding state file, lock and socket": self._footing().run(),
            "watching the config file": self.reloader.watch_file(),
            "the back-test beside the bot": self.lookback.run(),
            "serving the metrics": self.metrics.run(),
            "the heartbeat": beat(
                self.profile.folder / "heartbeat", every_s, self.log, lambda: self.bot.shutdown is not None
            ),
        }
        if watch is not None:
            helpers["the status line"] = self._watch(watch, watch_every_s)
        return helpers

    def _footing(self) -> Footing:
        assert self.server is not None
        return Footing(self.profile, self._withhold, self.server.listen_again, self._say)

    def _helper_failed(self, what: str, error: BaseException) -> None:
        """Nobody would miss it until it is needed."""
        text = f"{what} has ended by a defect ({type(error).__name__}: {error}); the next start has it again"
        self._say("error", "defect", text)

    async def _withhold(self, withhold: bool) -> None:
        """Let the state file take no writes, or let it take them again."""
        refuse_writes(self.store.connection, withhold)

    @abstractmethod
    def _prepare(self) -> None:
        """Whatever comes before faces may connect."""

    def start(self) -> None:
        """Start the recovery and write down what this run starts with."""
        at = self.now()
        self.bot.start(at)
        self.reloader.remember_start(at)
        # Without them no export and no excerpt can say what a tick was worth.
        self.store.remember_instruments(at, self.engine.desk.instruments.values())

    @abstractmethod
    def now(self) -> int:
        """The time that events carry, ms UTC."""

    def signalled(self, name: str) -> None:
        """A signal that asks for a stop has come: carried out now, or by whoever can first."""
        if self.server is None or self.server.closed:
            self.unheard.append(name)
            return
        self.log.info("signal", name=name)
        command_id = f"signal-{name}-{time.monotonic_ns()}"
        self.session.carefully(lambda: self.session.request_stop(command_id, keep_positions=False))

    def _kill(self) -> None:
        order = Operator(self.engine.now, f"kill-file-{wall_ms()}", "kill", "", {"by": "KILL file"})
        self.session.carefully(lambda: self.bot.operator(order))
        self.runner.wake()

    async def _watch(self, watch: Watch, every_s: float) -> None:
        while True:
            await asyncio.sleep(every_s)
            watch(self.session.snapshot())

    def _viewers(self) -> tuple[int, str]:
        if self.server is None:
            return 0, ""
        return self.server.viewers, self.server.desk.holder_name

    async def next_run(self) -> "Parts | None":
        """What follows this run, which has ended, in the same process; None where nothing does."""
        return None

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

    def _not_written(self, trouble: str) -> None:
        """Say what a restart will have to ask the exchange for; then the log closes."""
        if trouble:
            self.log.error("not_written", text=f"{trouble} The next start asks the exchange for what is missing.")
        logs.close()


def _innermost(error: BaseException) -> BaseException:
    """What went wrong, where tasks that belong together have ended together."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


def _why(cause: BaseException) -> str:
    if isinstance(cause, MemoryError):
        return "this machine, or a limit set on the process, has no memory left, and that ended the run"
    return f"a defect of gridbot ended the run ({type(cause).__name__}: {cause})"
