"""A run in virtual time: the simulated exchange's World owns the clock, and nothing waits for a disk or a wire."""

import sqlite3
from collections.abc import Callable

from gridbot_tui.exchange.port import SetLeverage
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.source import MarketSource
from gridbot_tui.market.synthetic import SyntheticMarket
from gridbot_tui.ops.collecting import seldom_collecting
from gridbot_tui.service.ahead import Ahead
from gridbot_tui.service.assemble import (
    EXIT_REFUSED,
    Plan,
    RunRefused,
    account_config,
    engine_config,
    keep_market,
    market_source,
    passed_over,
)
from gridbot_tui.service.beside.lookback import Pairs, Past
from gridbot_tui.service.books.journal import InlineJournal
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.pace import Pace, parse_speed
from gridbot_tui.service.parts import Parts
from gridbot_tui.service.runner import VirtualRunner
from gridbot_tui.service.venues.kept_books import kept_books
from gridbot_tui.service.warmup import Warmup
from gridbot_tui.settings.model import Settings
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.units import DAY, HOUR, Market, Mode, Ms

STATE_EVERY_REPLAY: Ms = 24 * HOUR
"""A replay's profile is temporary: its engine state is saved often enough to be exercised, not every hour."""
RECONCILE_SELDOM: Ms = 6 * HOUR
"""Of a replay and of a sim's past: nobody but the bot touches their account."""
STAGE_BARS = 5
"""A stage of the shutdown waits for at least so many bars: in virtual time nothing happens between two."""


class VirtualParts(Parts):
    """Everything one run in virtual time is made of."""

    runner: VirtualRunner

    def __init__(self, plan: Plan, profile: Profile, *, screen: bool = False) -> None:
        self.warmup = Warmup(profile)
        discarded = plan.mode is Mode.SIM and self.warmup.discard_broken()
        source, market = market_source(plan, profile)
        config = engine_config(plan.loaded.settings, 1, plan.mode, source.instruments)
        super().__init__(plan, profile, config, source.instruments, market, durable=False, screen=screen)
        if discarded:
            self.log.warning("warmup_again", text="the last run died while it lived through its past: it does so anew")
        keep_market(source, profile)
        self._open_exchange(source)
        self.journal = InlineJournal(
            self.store,
            self.audit,
            self.feed,
            self.recent.take,
            self.log,
            source.instruments,
            self.engine.encode_state,
            HOUR if plan.mode is Mode.SIM else STATE_EVERY_REPLAY,
        )
        self.journal.grouped = not plan.persistent
        if self.audit.problem:
            self.journal.report(self.engine.now, "error", "audit", self.audit.problem)
        if said := passed_over(plan, source):
            self.journal.report(self.engine.now, "warning", "market", said)
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
        instruments = self.engine.desk.instruments
        self._faces(self.journal, lambda settings, version: engine_config(settings, version, plan.mode, instruments))

    def _open_exchange(self, source: MarketSource) -> None:
        """The simulated exchange, with books of its own where the profile outlives the run."""
        account = account_config(self.plan.loaded.settings, self.plan.mode, self.config)
        path = self.profile.exchange_database
        try:
            self.books = kept_books(self.profile) if self.plan.persistent else None
            self.world = World(source, account, books=self.books)
        except (sqlite3.Error, ValueError) as wrong:
            self._left_as_found()
            raise RunRefused(
                f"{path}: the simulated exchange's books cannot be used ({wrong}); name another profile, "
                "or move this one's folder away to start anew",
                EXIT_REFUSED,
            ) from wrong

    def now(self) -> Ms:
        """The World's time."""
        return self.world.now

    def start(self) -> None:
        """Set the exchange's leverage, then as every run."""
        if self.config.market is Market.FUTURES:
            ceiling = self.config.risk.exchange_leverage
            for symbol in self.engine.symbols:
                self.world.send(SetLeverage(symbol, ceiling))
        super().start()

    def _past(self) -> tuple[Past, Pairs]:
        """The market's own past: of the synthetic one its state on disk, else the files that are replayed."""
        market, symbols, now = self.config.market, self.engine.symbols, self.engine.now
        if self.plan.mode is Mode.SIM:
            return Past(market, symbols, now, synthetic=str(self.profile.market_file)), ()
        options = self.plan.options
        return Past(market, symbols, now, data=options.data, interval=options.interval), ()

    def _prepare(self) -> None:
        self.start()

    async def _trade(self) -> None:
        await self.live_through_history()
        self._obey(self.reloader.loaded.settings)  # a face may have applied another meanwhile
        self.pace.anchor(self.world.now)
        await self.runner.run()

    async def live_through_history(self) -> None:
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
        self.pace.racing_to = until
        skip = self._skip()
        with seldom_collecting():
            while self.world.now < until and not self.runner.over:
                with self.books.bulk():
                    await self.runner.run(until=min(self.world.now + DAY, until), skip=skip)
        self.pace.racing_to = None
        self.journal.grouped = False
        self.journal.save_now(self.engine.now)
        if self.journal.failing:
            return  # the two files do not fit together yet
        if self.world.now < until:
            self.warmup.interrupted()
        else:
            self.warmup.over()

    def _skip(self) -> Callable[[Ms], int] | None:
        """How bars that concern nobody are passed over, where the market shows what comes."""
        source = self.world.source
        if not isinstance(source, SyntheticMarket):
            return None
        return Ahead(self.engine, self.world, source, self.bot.dialogs).skip

    def _obey(self, settings: Settings) -> None:
        service, interval = settings.service, self.world.source.interval
        every = RECONCILE_SELDOM
        if self.plan.mode is Mode.SIM:
            every = max(round(service.reconcile_s * 1000), interval)
        self.bot.pace_checks(reconcile_every=every, stage_budget=self._stage_budget(settings))
        self.journal.saving.snapshot_facts = service.snapshot_facts
        self.journal.saving.retention = settings.store.retention_days * DAY

    def _reloaded(self, before: Settings, now: Settings) -> None:
        super()._reloaded(before, now)
        if before.simulation.speed != now.simulation.speed and self.plan.mode is Mode.SIM:
            self.pace.change(now.simulation.speed, self.engine.now)
            self.runner.wake()

    def _stage_budget(self, settings: Settings) -> Ms:
        return max(round(settings.service.shutdown_stage_s * 1000), STAGE_BARS * self.world.source.interval)

    async def close(self, *, clean: bool) -> str:
        """See ``Parts.close``; nothing here waits."""
        return self.close_now(clean=clean)

    def close_now(self, *, clean: bool) -> str:
        """``close`` without a loop."""
        trouble = ""
        try:
            if clean and self.bot.recovered:
                self.journal.save_now(self.engine.now)
            else:
                self.journal.flush()
            self.audit.close()
            self.store.put_meta(AUDIT_HEAD, str(self.audit.head))
        except (StoreError, OSError) as error:
            trouble = str(error)
        try:
            self.store.close()
            if self.books is not None:
                self.books.close()
        except (StoreError, sqlite3.Error) as error:
            trouble = trouble or str(error)
        trouble = self.journal.failing or trouble
        self._not_written(trouble)
        return trouble
