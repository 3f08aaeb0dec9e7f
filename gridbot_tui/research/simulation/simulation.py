"""One seed from beginning to end: the World runs, the bot lives, dies and comes back, the judge looks on."""

from collections import Counter
from collections.abc import Callable, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random

from msgspec import Struct, field

from gridbot_tui.engine.actions import BreakerFact, CommandDone, Fact, FillFact, IntentFact
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import BarsClosed, Health, LinkChanged, Operator, Tick
from gridbot_tui.exchange.port import Incoming, Reply, Request
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.latency import DrawnLatency
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.research.simulation import money, standing
from gridbot_tui.research.simulation.disk import Disk
from gridbot_tui.research.simulation.history import History
from gridbot_tui.research.simulation.judge import Judge
from gridbot_tui.research.simulation.line import Line
from gridbot_tui.research.simulation.market import RoughMarket
from gridbot_tui.research.simulation.memory import Gauge
from gridbot_tui.research.simulation.process import Died, Fuse, Process
from gridbot_tui.research.simulation.scenario import Happening, Scenario
from gridbot_tui.research.simulation.trouble import Trouble
from gridbot_tui.service.dialogs.shutdown import Report
from gridbot_tui.store.errors import StoreError
from gridbot_tui.units import MINUTE, Market, Ms

TICK: Ms = 5_000
"""Time between two looks where nothing else happens."""
EVERY_SECOND: Ms = 1_000
"""How far a bot's time may be behind: it has a tick a second. Those in which nothing else happens are left out."""
MOST_LATENCY: Ms = 3_000
NOTICED_AFTER: Ms = 45_000
"""How long a silent socket stays unnoticed: the supervisor's own limit is 60 s."""


class Tally(Struct):
    """Counts of one seed."""

    events: int = 0
    orders: int = 0
    fills: int = 0
    restarts: int = 0
    max_recovery: Ms = 0
    max_reconnect: Ms = 0
    unhandled: int = 0
    breakers: Counter[str] = field(default_factory=Counter)
    """How often each breaker opened."""


class Violated(Exception):
    """The judge has seen enough."""


class Simulation:
    """One seed. ``run`` raises Violated where the judge finds a promise broken."""

    def __init__(self, scenario: Scenario, folder: Path) -> None:
        self.scenario = scenario
        self.folder = folder
        self.market = RoughMarket(scenario)
        self.trouble = Trouble(scenario.seed, scenario.level)
        instruments = self.market.instruments
        quote = next(iter(instruments.values())).quote
        balances = {quote: scenario.wallet}
        if scenario.bnb:
            balances["BNB"] = scenario.bnb
        params = ExchangeParams(
            partial_probability=scenario.partial,
            bnb_fees=bool(scenario.bnb),
            spot_maker=Decimal("0.0002"),
            spot_taker=Decimal("0.0005"),
        )
        self.latency = DrawnLatency(scenario.seed, scenario.level.latency, scenario.level.spread, MOST_LATENCY)
        self.world = World(
            self.market,
            AccountConfig(scenario.market, balances, params),
            seed=scenario.seed,
            latency=self.latency,
            faults=self.trouble,
            start_after=scenario.start,
            tick_every=TICK,
        )
        self.rng = Random(f"simulation/{scenario.seed}")
        self.history = History()
        self.tally = Tally()
        self.fuse = Fuse()
        self.disk = Disk()
        self.config_text = scenario.config
        self.process: Process | None = None
        self.restart_at: Ms = scenario.start
        self.lives = 0
        self.silent_market_until: Ms = 0
        self.hole_until: Ms = 0
        self.clock_off: Ms = 0
        self.slow_until: Ms = 0
        self.stalled_since: Ms = 0
        self.stalled_until: Ms = 0
        self.waiting: list[Incoming] = []
        """What came while the process attended to nothing."""
        self.held: list[BarsClosed] = []
        self.link_down_since: Ms | None = None
        self.commands = 0
        self.later: list[Happening] = []
        self.stopping = False
        """The last shutdown is under way: nobody starts the bot again."""
        self.report: Report | None = None
        """Of the last shutdown."""
        self.last_desk: Desk | None = None
        self.gauge: Gauge | None = None
        """Set where memory is to be measured."""
        self.judge = Judge(self)
        self.world.listen(self.judge.updated)
        self.line = Line(self.world, self.trouble, self._sent)

    # -- running ----------------------------------------------------------------------------------------------

    def run_until(self, until: Ms, happenings: list[Happening]) -> None:
        """Let the World run to ``until``; ``happenings``, in order, come to pass on the way."""
        from gridbot_tui.research.simulation.happenings import happen

        while True:
            while self.later and (not happenings or self.later[0].at <= happenings[0].at):
                happenings.insert(0, self.later.pop(0))
            due = min(happenings[0].at, until) if happenings else until
            incoming = self.world.next(until=due)
            if incoming is not None:
                self._take(incoming)
            elif happenings and happenings[0].at <= until:
                happen(self, happenings.pop(0))
            else:
                return

    def postpone(self, happening: Happening) -> None:
        """Have something happen later that was not foreseen."""
        self.later.append(happening)
        self.later.sort(key=lambda one: one.at)

    def _take(self, incoming: Incoming) -> None:
        now = self.world.now
        if self.latency.factor != 1.0 and now >= self.slow_until:
            self.latency.factor = 1.0
        if self.process is None:
            if now >= self.restart_at:
                self.start()
            return
        if now < self.stalled_until:
            if not isinstance(incoming, Tick):  # a timer that was missed fires once, afterwards
                self.waiting.append(incoming)
            return
        if self.stalled_since:
            self._wake(now)
        self._hear(incoming, now)

    def _wake(self, now: Ms) -> None:
        """The process attends again: the runner tells how long it did not, then everything in its order."""
        lag, waiting = now - self.stalled_since, self.waiting
        self.stalled_since, self.waiting = 0, []
        self.judge.healthy_since = now
        self.deliver(Health(now, loop_lag=lag))
        for incoming in waiting:
            self._hear(incoming, now)

    def _hear(self, incoming: Incoming, now: Ms) -> None:
        if isinstance(incoming, BarsClosed):
            for bars in self._bars(incoming, now):
                self.deliver(bars)
            return
        if isinstance(incoming, Tick):
            if self.disk.over(now):
                self.history.note(now, "!", "the disk is back")
            if self.clock_off:
                incoming = Tick(incoming.at + self.clock_off)
                self.clock_off = 0
            self._mind_link(now)
        self.deliver(incoming)
        if isinstance(incoming, Tick):
            self.judge.look()
            if self.gauge is not None:
                self.gauge.look(self)

    def _bars(self, bars: BarsClosed, now: Ms) -> list[BarsClosed]:
        """Bars come, come later all at once, or never."""
        if now < self.silent_market_until:
            self.held.append(bars)
            self.trouble.injected["bars_held"] += 1
            return []
        if now < self.hole_until:
            self.trouble.injected["bars_lost"] += 1
            return []
        held, self.held = self.held, []
        return [*held, bars]

    def _mind_link(self, now: Ms) -> None:
        """The stream's supervisor: a silent socket is noticed, replaced, and the books are compared."""
        silent = self.trouble.stream_silent_until
        if self.link_down_since is None and silent - NOTICED_AFTER <= now < silent:
            self.link_down_since = now
            self.deliver(LinkChanged(now, "account", up=False, detail="silent"))
        elif self.link_down_since is not None and now >= silent:
            self.link_down_since = None
            self.tally.max_reconnect = max(self.tally.max_reconnect, NOTICED_AFTER + TICK)
            self.deliver(LinkChanged(now, "account", up=True))

    def deliver(self, incoming: Incoming) -> None:
        """Let the bot handle one thing, and survive whatever becomes of it."""
        process = self.process
        if process is None:
            return
        self.tally.events += 1
        self.history.note(self.world.now, "<", incoming)
        if process.engine.now < self.world.now - EVERY_SECOND:  # what comes late still comes now
            self.guarded(lambda: process.bot.receive(Tick(self.world.now)))
        if self.process is not process:
            return
        self.judge.heard(incoming)
        self.guarded(lambda: process.bot.receive(incoming))
        if self.process is process and isinstance(incoming, Reply):
            self.guarded(lambda: process.bot.receive(Health(incoming.at, answered=not incoming.error)))
        if self.process is process:
            if isinstance(incoming, BarsClosed) and self.futures and process.bot.recovered:
                money.believed(self.judge, process)
            self._after(process)

    def guarded(self, work: Callable[[], None]) -> None:
        """Run something of the process's; it may die of it, or fail in a way nobody foresaw."""
        try:
            work()
        except Died as died:
            self.history.note(self.world.now, "!", f"the process dies at {died}")
            self.die()
        except Violated:
            raise
        except StoreError as error:
            self.tally.unhandled += 1
            self.judge.violated("unhandled_exception", f"{type(error).__name__}: {error}")
        except Exception as error:  # noqa: BLE001 - whatever escapes the bot is what the campaign looks for
            import traceback

            self.tally.unhandled += 1
            where = "; ".join(line.strip().replace("\n", " ") for line in traceback.format_tb(error.__traceback__)[-4:])
            self.judge.violated("unhandled_exception", f"{type(error).__name__}: {error} at {where}")

    def _after(self, process: Process) -> None:
        if process.bot.failure:
            # A recovery that cannot be finished ends the process; whoever supervises it starts it again.
            self.history.note(self.world.now, "!", f"the process gives up: {process.bot.failure}")
            self.trouble.injected["recovery_failed"] += 1
            self.die(delay=2_000)
            return
        if process.recovered_at is None and process.bot.recovered:
            process.recovered_at = self.world.now
            self.tally.max_recovery = max(self.tally.max_recovery, self.world.now - process.started_at)
            self.judge.recovered(process)
        self.judge.after_event()
        if process.bot.report is not None:
            self._stopped(process)
        elif self.tally.events % 64 == 0:
            self._mind_latches(process)

    def _stopped(self, process: Process) -> None:
        """The shutdown has reported; the process ends, and somebody starts it again."""
        report = process.bot.report
        self.history.note(self.world.now, "!", f"shutdown reported: {report}")
        standing.provable_end(self.judge, process)
        self.trouble.injected[f"stopped_{0 if report is None else report.exit_code}"] += 1
        if self.stopping:
            self.report = report
            self.process = None
            self.guarded(lambda: process.leave(self.world.now))
            self.restart_at = 1 << 62
            return
        self.hand_over()
        self.restart_at = self.world.now + 2 * MINUTE

    def _mind_latches(self, process: Process) -> None:
        """The operator looks at the status now and then, and lifts what only an operator may lift."""
        desk = process.engine.desk
        planned = {one.kind for one in self.later}
        draw = self.rng.randrange(1 << 30)
        if desk.tiers.halted and "reset_drawdown" not in planned:
            self.postpone(Happening(self.world.now + 5 * MINUTE, "reset_drawdown", draw))
        if desk.latches.kill and "reset_kill" not in planned:
            self.postpone(Happening(self.world.now + 5 * MINUTE, "reset_kill", draw))
        if desk.latches.paused and "resume" not in planned:
            self.postpone(Happening(self.world.now + 6 * MINUTE, "resume", draw))
        if desk.latches.stopped and "reset_stop" not in planned:
            self.postpone(Happening(self.world.now + 3 * MINUTE, "reset_stop", draw))

    # -- lives --------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Start a process on the database as it is."""
        self.lives += 1
        now = self.world.now
        self.world.hang_up()
        here = self.folder / f"life-{self.lives}"
        here.mkdir(exist_ok=True)
        if self.lives > 1:
            self.tally.restarts += 1
        self.history.note(now, "!", f"life {self.lives} begins")
        self.held = []
        self.judge.begins()

        def begin() -> None:
            self.process = Process(
                self.scenario, self.market, self.line, here, self.config_text, self.fuse, self._told, self._done
            )
            self.last_desk = self.process.engine.desk
            self.process.start(now)

        self.guarded(begin)

    def die(self, delay: Ms | None = None) -> None:
        """The process is gone; another one will be started on a copy of what was durable."""
        process, self.process = self.process, None
        self.fuse.set("")
        self.disk.release()
        if process is not None:
            process.die(self.folder / f"life-{self.lives + 1}")
        self._gone(delay)

    def hand_over(self) -> None:
        """The process leaves in order; the next one follows at once."""
        process, self.process = self.process, None
        if process is None:
            return
        self.disk.release()
        target = self.folder / f"life-{self.lives + 1}"
        self.guarded(lambda: process.leave(self.world.now))
        process.store.path.parent.rename(target)
        self._gone(self.rng.randint(50, 2_000))

    def _gone(self, delay: Ms | None) -> None:
        self.world.hang_up()
        self.link_down_since = None
        self.stalled_since = self.stalled_until = 0
        self.waiting = []
        self.judge.gone()
        if delay is None:
            delay = self.rng.choice((200, 1_000, 5_000, 30_000, 5 * MINUTE))
        self.restart_at = self.world.now + delay

    # -- what the process does -------------------------------------------------------------------------------

    def _sent(self, request: Request) -> None:
        self.history.note(self.world.now, ">", request)
        self.judge.sent(request)

    def _told(self, facts: Sequence[Fact]) -> None:
        for fact in facts:
            self.history.note(self.world.now, "=", fact)
            if isinstance(fact, IntentFact):
                self.tally.orders += 1
            elif isinstance(fact, FillFact):
                self.tally.fills += 1
            elif isinstance(fact, BreakerFact) and fact.since is not None:
                self.tally.breakers[fact.name] += 1
        self.judge.told(facts)

    def _done(self, done: CommandDone) -> None:
        self.history.note(self.world.now, "!", f"outcome of {done.command_id}: ok={done.ok} {done.text}")
        self.judge.outcome(done)

    # -- the operator -----------------------------------------------------------------------------------------

    def command(self, kind: str, symbol: str = "", **args: str) -> str:
        """Give the bot an order as the session does: journalled, then carried out. "" where nobody is there."""
        process = self.process
        if process is None or not process.bot.recovered:
            return ""
        self.commands += 1
        command_id, at = f"{kind}-{self.commands}", process.engine.now
        self.history.note(self.world.now, "!", f"command {command_id} {symbol} {args or ''}")
        self.judge.ordered(command_id, kind, symbol, args)

        def give() -> None:
            try:
                process.store.remember_command(command_id, at, kind, "{}")
            except StoreError:
                self.judge.forgotten(command_id)
                return  # the session answers that it could not be journalled
            process.bot.operator(Operator(at, command_id, kind, symbol, dict(args)))
            if kind == "stop":
                process.bot.begin_shutdown(at, keep_positions=args.get("keep_positions") == "true")

        self.guarded(give)
        return command_id

    def close(self) -> None:
        """Let go of the files."""
        self.disk.release()
        if self.process is not None:
            self.process.store.connection.close()
            self.process.audit.close()

    @property
    def futures(self) -> bool:
        """True on the futures market."""
        return self.scenario.market is Market.FUTURES
