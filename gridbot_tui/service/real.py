"""A run in real time: an exchange of its own mind behind the port, the disk off the loop, the wall's clock.

Order of things: the venue is connected and looked over before any file is opened; the streams listen before the
recovery asks; facts are durable before orders leave; the writer and the connections outlive the bot by a breath.
"""

import asyncio
import sys
import time
from collections.abc import Callable, Collection, Coroutine, Mapping
from typing import Any, Final

from msgspec.structs import replace

from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import LinkChanged
from gridbot_tui.exchange.binance.hosts import hosts_of
from gridbot_tui.exchange.binance.words import MARGIN_CALL
from gridbot_tui.exchange.port import Incoming, SetLeverage
from gridbot_tui.ledger.model import LedgerError
from gridbot_tui.ops.audit_aside import AsideTrail
from gridbot_tui.ops.collecting import leave_out_what_stands, let_go_of_what_stood
from gridbot_tui.ops.in_thread import in_thread
from gridbot_tui.service.assemble import Plan, engine_config
from gridbot_tui.service.beside.lookback import Pairs, Past
from gridbot_tui.service.books.audit_late import has_facts
from gridbot_tui.service.books.footing import refuse_writes
from gridbot_tui.service.books.live_journal import LiveJournal
from gridbot_tui.service.books.profile import Profile
from gridbot_tui.service.books.restore import refuse_held
from gridbot_tui.service.books.telling import Telling
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.history import WithHistory
from gridbot_tui.service.operator.command_log import LiveCommands
from gridbot_tui.service.parts import Parts
from gridbot_tui.service.real_runner import RealRunner
from gridbot_tui.service.renewal import Open, Renewal
from gridbot_tui.service.venues.dead_man import DeadMan
from gridbot_tui.service.venues.dead_man_watch import Watch
from gridbot_tui.service.venues.venue import Fees, Venue
from gridbot_tui.service.venues.venue_open import keys_of, open_venue
from gridbot_tui.settings.model import Settings
from gridbot_tui.store.errors import StoreError
from gridbot_tui.store.identity import Identity
from gridbot_tui.store.live import LiveStore
from gridbot_tui.store.queries import AUDIT_HEAD
from gridbot_tui.units import DAY, HOUR, Asset, Market, Mode, Money, Ms, Symbol, plain

SWITCH_S = 0.0005
"""How soon another thread gets the interpreter, seconds."""
LISTEN_S = 10.0
"""How long a start waits for the account's stream before it asks: what happens in between is asked for again."""
LET_GO_S = 5.0
"""The end waits so long for the disk; what is not written then is asked of the exchange at the next start."""
UPKEEP_S = 600.0
EMPTY: Final = (
    "{} holds nothing, though this profile has traded: on futures what the exchange shows of it is adopted, on spot "
    "coins that are there are not the bot's; if it ought to hold something, 'gridbot stop --keep-positions' and put a "
    "whole copy in its place"
)
IDS_SINCE: Ms = 1_577_836_800_000
"""2020-01-01: a start numbers its orders by the seconds since then at least, in six digits of base 36 until 2088."""


class RealParts(Parts):
    """Everything one run in real time is made of. Made by ``open_real``."""

    runner: RealRunner

    def __init__(
        self, plan: Plan, profile: Profile, venue: Venue, live: LiveStore, *, again: Open | None = None, screen: bool
    ) -> None:
        """``again``: opens the venue of a run that follows this one; None: none does."""
        self.venue = venue
        self._again = again
        self.live_store = live
        config = self._engine_config(plan.loaded.settings, 1, plan, venue.fees)
        durable = plan.mode is not Mode.PAPER
        super().__init__(plan, profile, config, venue.instruments, plan.market, durable=durable, screen=screen)
        # An id asked for must never be answered with an order of a profile that was thrown away, nor with one that
        # was sent after the copy of the state file was made that this start was given.
        self.engine.desk.ids.begin_at((venue.now() - IDS_SINCE) // 1000)
        # Nobody waits for the disk: lines are chained and written by a thread.
        self.trail = AsideTrail(self.audit, lambda text: self.log.error("audit", text=text))
        telling = Telling(self.trail, self.feed, self.recent.take, self.log, venue.instruments)
        self.journal = LiveJournal(live, telling, self.engine.encode_state, HOUR)
        if live.unprojected:
            text = f"{live.unprojected} facts of the journal are in no table: exports lack them, the bot does not"
            self.journal.report(venue.now(), "warning", "tables", text)
        if not self.resumed and has_facts(profile.audit):
            self.journal.report(venue.now(), "warning", "state_file", EMPTY.format(profile.database))
        if self.audit.problem:
            self.journal.report(venue.now(), "error", "audit", self.audit.problem)
        service = plan.loaded.settings.service
        self.bot = Bot(
            self.engine,
            venue.port,
            self.journal,
            self.log,
            reconcile_every=round(service.reconcile_s * 1000),
            stage_budget=round(service.shutdown_stage_s * 1000),
            on_command_done=lambda done: self.session.command_done(done),
            book=WithHistory(self.engine),
            chase=True,
            taken_over=plan.options.in_force is not None,
        )
        self.runner = RealRunner(self.bot, venue.now, self.journal.hurry)
        self.runner.on_recovered = self._recovered
        self._commands = LiveCommands(live, self.store)
        self._faces(
            self.journal,
            lambda settings, version: self._engine_config(settings, version, plan, self._fees),
            venue.links,
            self._commands,
        )
        self.picture.first = self.journal.tell_all
        self._dead_man = self._make_dead_man(plan.loaded.settings.safety.cancel_all_after_s)
        self._account_up = asyncio.Event()
        self._renewal = Renewal(
            again, self._objection, self._may_leave, self._leave, lambda text: self.announce(text, "listing")
        )
        self._goes_on = False
        self._writer: asyncio.Task[None] | None = None
        for notice in venue.notices:
            self.journal.report(venue.now(), "warning", "account", notice)

    def _engine_config(self, settings: Settings, version: int, plan: Plan, fees: Fees) -> EngineConfig:
        """As for a simulated account, but with the fees that this one pays."""
        config = engine_config(settings, version, plan.mode, self.venue.instruments)
        # Nobody's share grows because another symbol was taken off while the bot was away.
        shares = settings.shares(plan.symbols)
        return replace(config, maker_fee=fees.maker, taker_fee=fees.taker, shares=shares)

    @property
    def _fees(self) -> Fees:
        """As the exchange last told them: while a run goes on the engine knows, not the venue that it began with."""
        config = self.engine.desk.config
        return Fees(config.maker_fee, config.taker_fee)

    def gone(self) -> frozenset[Symbol]:
        """See ``Parts.gone``."""
        return frozenset(self.plan.symbols) - self.venue.instruments.keys()

    def _make_dead_man(self, seconds: float) -> DeadMan | None:
        countdown = self.venue.countdown
        if countdown is None or not seconds:
            return None
        return DeadMan(
            countdown,
            self.engine.symbols,
            Watch(self.bot, self.journal),
            seconds=seconds,
            weight_limit=self.venue.weight_limit,
            monotonic=time.monotonic,
            wall=lambda: self.venue.now() / 1000,
        )

    def now(self) -> Ms:
        """The exchange's time."""
        return self.venue.now()

    def _past(self) -> tuple[Past, Pairs]:
        """Public candles of the exchange that is traded on, at the fees that this account pays."""
        market, base = self.plan.market, self.plan.loaded.settings.exchange.base_url
        past = Past(
            market,
            self.engine.symbols,
            self.engine.now,
            rest=hosts_of(self.plan.mode, base).rest(market),
            kept=str(self.profile.folder / "recent"),
        )
        fees, name = self._fees, "futures" if market is Market.FUTURES else "spot"
        section = "simulation.exchange"
        return past, ((f"{section}.{name}_maker", plain(fees.maker)), (f"{section}.{name}_taker", plain(fees.taker)))

    def _prepare(self) -> None:
        # The store's thread must get the interpreter between two frames: by default it may wait 5 ms for it, and
        # every order waits for the store.
        sys.setswitchinterval(SWITCH_S)
        self._writer = asyncio.create_task(self.journal.run(), name="journal")

    async def _trade(self) -> None:
        tasks = [asyncio.create_task(job, name="venue") for job in self._jobs()]
        try:
            await self._listen_first(tasks)
            leave_out_what_stands()
            self.start()
            self._obey(self.reloader.loaded.settings)  # a face may have applied another while it listened
            await _first_of(asyncio.create_task(self.runner.run(), name="bot"), [*tasks, self._written()])
            report = self.bot.report
            if self._dead_man is not None and report is not None and report.verified and not report.open_orders:
                await self._dead_man.disarm()
        finally:
            await _cancelled(tasks)

    def _jobs(self) -> list[Coroutine[Any, Any, None]]:
        jobs = [*self.venue.jobs(self), self._upkeep(), self._renewal.run()]
        if self._dead_man is not None:
            jobs.append(self._dead_man.run())
        return jobs

    def _written(self) -> "asyncio.Task[None]":
        assert self._writer is not None
        return self._writer

    # -- another run after this one -------------------------------------------------------------------------------

    def _objection(self, venue: Venue) -> str:
        """Why a run on that venue could not go on from here; "" where it could."""
        if venue.instruments == self.venue.instruments:
            return "asked again, it says what it said when this run began"
        gone = self.venue.instruments.keys() - venue.instruments.keys()
        if resting := sorted({live.order.symbol for live in self.engine.desk.orders.all_live()} & gone):
            return f"{', '.join(resting)}: not listed any more, and orders of it may stand"
        loaded = self.reloader.loaded
        config = engine_config(loaded.settings, self.reloader.version, self.plan.mode, venue.instruments)
        copy = Engine(config, venue.instruments)
        try:
            copy.restore(self.engine.encode_state())
            refuse_held(copy)
        except LedgerError as wrong:
            return str(wrong)
        return ""

    def _may_leave(self, pressing: bool) -> bool:
        undisturbed = self.bot.recovered and self.bot.shutdown is None and not self.journal.failing
        return undisturbed and (pressing or not self.session.busy)

    def _leave(self) -> None:
        self.journal.report(self.now(), "info", "listing", "begins anew with what Binance lists now; orders rest")
        self.runner.leaving = True
        self.runner.wake()

    async def next_run(self) -> "RealParts | None":
        """See ``Parts.next_run``."""
        if not self._goes_on or (venue := self._renewal.take()) is None:
            return None
        let_go_of_what_stood()
        options = replace(self.plan.options, in_force=self.session.in_force)
        plan = replace(self.plan, options=options, loaded=self.reloader.loaded)
        following = await _on(venue, plan, self.profile, self._again, screen=self.screen)
        following.unheard = self.unheard
        return following

    # -- what the venue says ------------------------------------------------------------------------------------

    def take(self, incoming: Incoming) -> None:
        """What the exchange says, and whether its account stream listens yet."""
        if type(incoming) is LinkChanged and incoming.source == "account":
            if incoming.up:
                self._account_up.set()
            else:
                self._account_up.clear()
        self.runner.take(incoming)

    def timed(self, symbol: Symbol, took: Ms) -> None:
        """How long the exchange took over a request: the breaker of slow exchanges goes by it."""
        self.runner.timed(symbol, took)

    def resync(self, reason: str) -> None:
        """Something happened that only a comparison with the exchange can tell in full."""
        self.log.info("resync", reason=reason)
        self.bot.reconcile(self.engine.now)

    def announce(self, text: str, code: str) -> None:
        """Something about a symbol, or the account, that the operator should know."""
        self.journal.report(self.now(), "error" if code == MARGIN_CALL else "warning", code, text)

    def relisted(self) -> None:
        """Filters, or what liquidation goes by, are not what this run has taken in."""
        self._renewal.want()

    def next_open(self, symbol: Symbol) -> Ms | None:
        """The first bar the books lack; the recovery asks for what it needs itself."""
        return (self.engine.desk.symbols[symbol].next_open or None) if self.bot.recovered else None

    def wallets(self) -> Mapping[Asset, Money]:
        """What the ledger says is in the wallets; empty before it has begun."""
        account = self.engine.desk.ledger.account
        return {asset: account.wallet(asset) for asset in account} if self.engine.desk.started else {}

    def fee_assets(self) -> Collection[Asset]:
        """Assets that fees were paid in and that no traded symbol prices."""
        return self.engine.fee_assets()

    async def _listen_first(self, tasks: list["asyncio.Task[None]"]) -> None:
        """Listen before asking: what happens after an answer was made is then heard."""
        listening = asyncio.create_task(self._account_up.wait())
        try:
            done, _ = await asyncio.wait([listening, *tasks], timeout=LISTEN_S, return_when=asyncio.FIRST_COMPLETED)
            for task in done - {listening}:
                task.result()
        finally:
            listening.cancel()
        if not self._account_up.is_set():
            self.runner.take(LinkChanged(self.now(), "account", up=False, detail="not connected yet"))

    def start(self) -> None:
        """Have the exchange's leverage set as a ceiling, then as every run."""
        if self.config.market is Market.FUTURES:
            hard = self.config.risk.exchange_leverage
            for symbol, instrument in self.venue.instruments.items():
                most = max((bracket.max_leverage for bracket in instrument.brackets), default=hard)
                self.venue.port.send(SetLeverage(symbol, min(hard, most)))
        super().start()

    def _recovered(self) -> None:
        """What two weeks of candles have taught is kept at once: the next start asks for minutes, not for weeks."""
        self.journal.saving.owed = True

    def _obey(self, settings: Settings) -> None:
        service = settings.service
        stage = round(service.shutdown_stage_s * 1000)
        self.bot.pace_checks(reconcile_every=round(service.reconcile_s * 1000), stage_budget=stage)
        self.journal.saving.snapshot_facts = service.snapshot_facts
        self.journal.saving.retention = settings.store.retention_days * DAY

    async def _withhold(self, withhold: bool) -> None:
        await super()._withhold(withhold)
        await self.live_store.run(lambda store: refuse_writes(store.connection, withhold))

    async def _upkeep(self) -> None:
        """What is to be done now and then."""
        while True:
            await asyncio.sleep(UPKEEP_S)
            await self.journal.prune(self.now())

    async def close(self, *, clean: bool) -> str:
        """See ``Parts.close``."""
        # A stop that was asked for while this run was leaving is carried on by the next one.
        self._goes_on = clean and not (self.session.left or self.bot.failure or self.bot.report)
        if not self._goes_on and (venue := self._renewal.take()) is not None:
            await venue.close()
        trouble = await self._last_words(clean and self.bot.recovered)
        await self._commands.drain(LET_GO_S)
        if self._writer is not None:
            await _cancelled([self._writer])
        self.journal.tell_all()
        try:
            self.trail.close()
            self.store.put_meta(AUDIT_HEAD, str(self.audit.head))
        except (StoreError, OSError) as error:
            trouble = trouble or str(error)
        try:
            self.store.close()
            async with asyncio.timeout(LET_GO_S):
                await self.live_store.close()
        except (StoreError, TimeoutError) as error:
            trouble = trouble or str(error) or "the disk does not answer"
        await self.venue.close()
        trouble = self.journal.failing or trouble
        self._not_written(trouble)
        return trouble

    async def _last_words(self, clean: bool) -> str:
        """Write what waits, and where the engine stands between two events its state; why not, in words."""
        if self._writer is None or self._writer.done():
            return ""
        try:
            async with asyncio.timeout(LET_GO_S):
                await (self.journal.save_now(self.engine.now) if clean else self.journal.drain())
        except StoreError as error:
            return str(error)
        except TimeoutError:
            return "the disk does not answer"
        return ""


async def _first_of(main: "asyncio.Task[None]", others: list["asyncio.Task[None]"]) -> None:
    """Until ``main`` has ended; one of the others that ends before it failed, and fails all."""
    try:
        done, _ = await asyncio.wait([main, *others], return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await _cancelled([main])


async def _cancelled(tasks: list["asyncio.Task[None]"]) -> None:
    """End tasks; what one of them fails with on the way out is no longer of interest to anybody but the log."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


def on_stderr(text: str) -> None:
    """What a start without an app has to say."""
    print(text, file=sys.stderr, flush=True)


async def open_real(
    plan: Plan,
    profile: Profile,
    *,
    screen: bool,
    begins: Callable[[], None] = lambda: None,
    say: Callable[[str], None] = lambda text: None,
) -> RealParts:
    """Connect, look the account over, open the files; ``begins`` is called between the two, ``say`` is told what is
    waited for.

    Raises:
        RunRefused: keys, account or config do not fit; the exchange cannot be reached.
        StoreUnusable, StoreUnavailable: the state file.
    """
    keys = await in_thread(lambda: keys_of(plan, say))  # one that waits for a locked keyring must hold up no signal
    venue = await open_venue(plan, profile, keys, say)
    begins()
    return await _on(venue, plan, profile, lambda: open_venue(plan, profile, keys), screen=screen)


async def _on(venue: Venue, plan: Plan, profile: Profile, again: Open | None, *, screen: bool) -> RealParts:
    """A run on a venue that is open; where it cannot be made the venue is closed."""
    try:
        bot = plan.loaded.settings.bot
        quote = next(iter(venue.instruments.values())).quote
        identity = Identity(plan.mode, plan.market, bot.account, quote)
        durable = plan.mode is not Mode.PAPER
        live = await LiveStore.open(profile.database, durable=durable, identity=identity)
        try:
            return RealParts(plan, profile, venue, live, again=again, screen=screen)
        except BaseException:
            await live.close()
            raise
    except BaseException:
        await venue.close()
        raise
