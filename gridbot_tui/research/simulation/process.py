"""One life of the bot: the service's own parts, assembled on a copy of the database, until it leaves or dies."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from gridbot_tui.engine.actions import CommandDone, Fact
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.desk import Level
from gridbot_tui.exchange.port import Port, Request
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.audit import AuditTrail, Head
from gridbot_tui.ops.feed import Feed
from gridbot_tui.ops.log import Logger
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.research.simulation.market import RoughMarket, warm
from gridbot_tui.research.simulation.scenario import Scenario
from gridbot_tui.service.assemble import Plan, engine_config
from gridbot_tui.service.books.journal import InlineJournal
from gridbot_tui.service.books.restore import restore_engine
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.operator.picture import Recent
from gridbot_tui.service.operator.reload import Reloader
from gridbot_tui.service.options import RunOptions
from gridbot_tui.settings.load import Loaded, load_text
from gridbot_tui.settings.model import Settings
from gridbot_tui.store.core import Store
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.units import DAY, HOUR, MINUTE, Mode, Ms, Symbol

STALE_AFTER: Ms = 150_000
"""Marks come once a minute here: two missed ones and a half."""
RECONCILE_EVERY: Ms = 60_000
STAGE_BUDGET: Ms = 60_000
STATE_EVERY: Ms = HOUR
RETENTION: Ms = 2 * DAY
"""Days are short here: a week of virtual time sees rows being let go."""


class Died(BaseException):
    """The process is gone. No handler of the bot's may see it."""


class NoLog(Logger):
    """A log that nobody reads."""

    __slots__ = ()

    def debug(self, event: str, **values: object) -> None:
        """Nothing."""

    info = warning = error = exception = debug


class Fuse:
    """Lets the process die at a chosen point inside its work."""

    def __init__(self) -> None:
        self.point = ""
        """``write``: before the next commit; ``written``: after it, before anything is sent; ``send``; "": none."""
        self.left = 0
        """Points of the kind that are still passed."""

    def set(self, point: str, left: int = 0) -> None:
        """Arm the fuse."""
        self.point, self.left = point, left

    def at(self, point: str) -> None:
        """The process is at this point; raises Died where it ends here."""
        if self.point == point:
            if self.left <= 0:
                self.point = ""
                raise Died(point)
            self.left -= 1


class FusedJournal:
    """The service's own journal, with the points at which a process may die."""

    def __init__(self, inner: InlineJournal, fuse: Fuse, told: Callable[[Sequence[Fact]], None]) -> None:
        self.inner = inner
        self._fuse = fuse
        self._told = told

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """As the journal does it."""

        def after() -> None:
            self._told(facts)
            if facts:
                self._fuse.at("written")
            then()

        if facts:
            self._fuse.at("write")
        self.inner.commit(facts, after)

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """As the journal does it."""
        self.inner.operator(at, kind, body)

    def flush(self) -> None:
        """As the journal does it."""
        self.inner.flush()

    @property
    def failing(self) -> str:
        """As the journal has it."""
        return self.inner.failing

    @property
    def kept(self) -> bool:
        """As the journal has it."""
        return self.inner.kept

    def may_send(self, order: NewOrder) -> bool:
        """As the journal has it."""
        return self.inner.may_send(order)

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """As the journal does it."""
        self.inner.report(at, level, code, text)


class FusedPort:
    """The line out, with the points at which a process may die."""

    def __init__(self, inner: Port, fuse: Fuse) -> None:
        self._inner = inner
        self._fuse = fuse

    @property
    def instruments(self) -> dict[Symbol, Instrument]:
        """Instruments of the traded symbols."""
        return self._inner.instruments

    def send(self, request: Request) -> None:
        """Pass a request on."""
        self._fuse.at("send")
        self._inner.send(request)


class PatientEngine(Engine):
    """The engine, told how often this market speaks."""

    def reconfigure(self, config: EngineConfig) -> list:  # type: ignore[type-arg]
        """As the engine does it."""
        return super().reconfigure(patient(config))


def patient(config: EngineConfig) -> EngineConfig:
    """A config of the virtual modes with the campaign's own staleness."""
    return msgspec.structs.replace(config, stale_after=STALE_AFTER, equity_every=5 * MINUTE)


class Process:
    """Engine, store, journal and bot of one life."""

    def __init__(
        self,
        scenario: Scenario,
        market: RoughMarket,
        port: Port,
        folder: Path,
        config_text: str,
        fuse: Fuse,
        told: Callable[[Sequence[Fact]], None],
        done: Callable[[CommandDone], None],
    ) -> None:
        """Open the database in ``folder`` and restore the engine from it; nothing is sent before ``start``."""
        loaded: Loaded[Settings] = load_text(config_text, None, {}, ())
        plan = Plan(RunOptions(), loaded, Mode.SIM, scenario.market, "max")
        instruments = market.instruments
        config = patient(engine_config(loaded.settings, 1, Mode.SIM, instruments))
        self.engine = PatientEngine(config, instruments)
        identity = Identity(Mode.SIM, scenario.market, loaded.settings.bot.account, config.quote)
        self.store = Store.open(folder / "gridbot.db", durable=False, identity=identity)
        self.store.connection.execute("PRAGMA busy_timeout = 0")
        self.was_clean = self.store.was_clean
        if not restore_engine(self.engine, self.store):
            warm(self.engine, market, scenario)
        anchor = self.store.meta_as(AUDIT_HEAD, Head.parse)
        self.audit = AuditTrail(folder / "audit.jsonl", at=scenario.start, durable=False, anchor=anchor)
        self.journal = FusedJournal(
            InlineJournal(
                self.store,
                self.audit,
                Feed(),
                Recent(self.store).take,
                NoLog("campaign"),
                instruments,
                self.engine.encode_state,
                STATE_EVERY,
                clock=lambda: self.engine.now / 1000,
            ),
            fuse,
            told,
        )
        self.journal.inner.saving.retention = RETENTION
        self.bot = Bot(
            self.engine,
            FusedPort(port, fuse),
            self.journal,
            NoLog("campaign"),
            reconcile_every=RECONCILE_EVERY,
            stage_budget=STAGE_BUDGET,
            on_command_done=done,
        )
        self.reloader = Reloader(
            plan, self.engine, self.bot, self.store, self.journal, config, lambda before, now: None
        )
        self.started_at: Ms = 0
        self.recovered_at: Ms | None = None

    def start(self, now: Ms) -> None:
        """Begin to recover."""
        self.started_at = now
        self.bot.start(now)
        self.reloader.remember_start(now)
        self.engine.desk.config = patient(self.engine.desk.config)

    def leave(self, now: Ms) -> None:
        """Hand over in order: nothing is touched on the exchange."""
        self.journal.inner.save_now(now)
        self.audit.close()
        self.store.put_meta(AUDIT_HEAD, str(self.audit.head))
        self.store.close()

    def die(self, target: Path) -> None:
        """Copy the files as they are now to ``target``, the next life's folder; then let go of everything."""
        target.mkdir()
        for name in ("gridbot.db", "gridbot.db-wal", "audit.jsonl"):
            source = self.store.path.with_name(name)
            if source.exists():
                shutil.copyfile(source, target / name)
        self.store.connection.close()
        self.audit.close()


__all__ = ["Died", "Fuse", "Process"]
