"""How long ``engine.handle`` takes: on quiet bars, decision bars and fills, with 1 and with 50 symbols of 40 slots.

The engine is driven as in a replay: by the simulated exchange, through ``Bot``, its requests answered. Only
``handle`` itself is timed; what the store, the exchange and the log cost is part of the replay's figures.
"""

import cProfile
import pstats
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from time import perf_counter, thread_time

from gridbot_tui.engine.actions import Action, Fact
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import BarsClosed, Event, Fill
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.ops.collecting import seldom_collecting
from gridbot_tui.ops.log import get_logger
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.service.bot import Bot
from gridbot_tui.strategy.params import (
    EnsembleParams,
    LadderParams,
    LeverageParams,
    Prior,
    StrategyParams,
    VoteParams,
)
from gridbot_tui.units import HOUR, MINUTE, Market, Ms
from tests.bench.market import Many
from tests.bench.report import Report

DECISION_P99_S = 2e-3
BATCH_P99_S = 30e-3
"""The close of all symbols at once."""
FILL_P99_S = 0.5e-3
SLOTS = 40
Took = tuple[float, float]
"""(elapsed, on the processor) in seconds: on a busy machine the first waits for others now and then."""


class Nowhere:
    """A journal that keeps nothing, so that only the engine is measured."""

    failing = ""
    kept = True

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Go on at once."""
        then()

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Nothing is kept."""

    def flush(self) -> None:
        """Nothing waits."""

    def may_send(self, order: NewOrder) -> bool:
        """Any order may leave."""
        return True

    def report(self, at: Ms, level: str, code: str, text: str) -> None:
        """Nobody listens."""


class Stopwatch:
    """Times ``engine.handle`` by what the event was."""

    def __init__(self, engine: Engine, since: Ms) -> None:
        self._handle = engine.handle
        self._since = since
        self.quiet: list[Took] = []
        self.decision: list[Took] = []
        self.fill: list[Took] = []

    def handle(self, event: Event) -> list[Action]:
        """Handle an event and remember how long it took."""
        if event.at < self._since:
            return self._handle(event)
        began, worked = perf_counter(), thread_time()
        actions = self._handle(event)
        took = perf_counter() - began, thread_time() - worked
        if type(event) is BarsClosed:
            (self.quiet if event.at % HOUR else self.decision).append(took)
        elif type(event) is Fill and actions:  # one that was booked before is no work
            self.fill.append(took)
        return actions


def configured(names: Sequence[str]) -> EngineConfig:
    """NEUTRAL alone with small lots: the adaptive ladder then wants its full 20 rungs a side."""
    fees = ExchangeParams()
    return EngineConfig(
        version=1,
        market=Market.FUTURES,
        quote="USDT",
        bot="gb",
        account="main",
        shares={name: 1.0 / len(names) for name in names},
        capital=None,
        strategy=StrategyParams(
            votes=VoteParams(neutral_sigma=0.002, neutral_ramp=0.002),
            ensemble=EnsembleParams(prior=Prior(up=0.05, down=0.05, neutral=0.9), lot_neutral=0.05, lot_trend=0.05),
            leverage=LeverageParams(base=0.1),
        ),
        ladder=LadderParams(max_levels=SLOTS // 2, spacing_neutral=0.5, spacing_trend=1.0, spacing_floor=0.004),
        ladders={},
        orders=OrderParams(depth=SLOTS // 2),
        risk=RiskParams(),
        maker_fee=fees.futures_maker,
        taker_fee=fees.futures_taker,
        equity_every=15 * MINUTE,
        stale_after=2 * HOUR,
    )


class Rig:
    """One engine on one simulated exchange, without a store."""

    def __init__(self, symbols: int, hours: int) -> None:
        market = Many(symbols, 60 * hours)
        config = configured(tuple(market.instruments))
        balances = {"USDT": Decimal(1_000_000) * symbols}
        self.world = World(market, AccountConfig(Market.FUTURES, balances, ExchangeParams()))
        self.engine = Engine(config, market.instruments)
        self.since = market.trading_from + HOUR
        self.watch = Stopwatch(self.engine, self.since)
        self.engine.handle = self.watch.handle  # type: ignore[method-assign]
        self.bot = Bot(
            self.engine,
            self.world,
            Nowhere(),
            get_logger("bench"),
            reconcile_every=6 * HOUR,
            stage_budget=HOUR,
            on_command_done=lambda _: None,
        )
        self.slots: list[int] = []

    def run(self) -> None:
        """The whole market, from warm-up to its end; cycles are looked for as seldom as the service does it."""
        self.bot.start(self.world.now)
        with seldom_collecting():
            self._play()

    def _play(self) -> None:
        while (incoming := self.world.next()) is not None:
            self.bot.receive(incoming)
            if type(incoming) is BarsClosed and incoming.at % HOUR == 0 and incoming.at > self.since:
                self.slots.append(self._standing())

    def _standing(self) -> int:
        return sum(1 for _ in self.engine.desk.orders.all_live())


def run(report: Report) -> None:
    """Print the figures of 1 and of 50 symbols, and what a slow kind of event spends its time on."""
    report.title(f"engine.handle, {SLOTS} slots a symbol")
    for symbols, hours in ((1, 24 * 10), (50, 24)):
        rig = Rig(symbols, hours)
        rig.run()
        watch, each = rig.watch, "" if symbols == 1 else " for all"
        standing = sum(rig.slots) / len(rig.slots) / symbols
        report.say(f"{symbols} symbols: {standing:.1f} orders standing a symbol")
        report.times(f"{symbols} symbols, quiet bar{each}", watch.quiet)
        report.times(
            f"{symbols} symbols, decision bar{each}",
            watch.decision,
            p99_below=1e6 * min(DECISION_P99_S * symbols, BATCH_P99_S),
        )
        report.times(f"{symbols} symbols, fill", watch.fill, p99_below=1e6 * FILL_P99_S)
    if any("symbols, " in miss for miss in report.misses):
        report.say("where the time goes with 50 symbols (cProfile, own time; it slows small functions most)")
        print(profile(), flush=True)


def profile(symbols: int = 50, hours: int = 8) -> str:
    """The ten functions with the most time of their own while trading."""
    rig = Rig(symbols, hours)
    profiler = cProfile.Profile()
    handle = rig.watch.handle
    since = rig.since

    def profiled(event: Event) -> list[Action]:
        if event.at < since:
            return handle(event)
        profiler.enable()
        try:
            return handle(event)
        finally:
            profiler.disable()

    rig.engine.handle = profiled  # type: ignore[method-assign]
    rig.run()
    return top(profiler)


def top(profiler: cProfile.Profile, rows: int = 10) -> str:
    """The functions with the most time of their own, one a line, without paths of this machine."""
    stats = pstats.Stats(profiler)
    entries = sorted(stats.stats.items(), key=lambda item: -item[1][2])  # type: ignore[attr-defined]
    found = []
    for (file, line, name), (_, calls, own, total, _) in entries[:rows]:
        place = file[file.rfind("gridbot_tui/") :] if "gridbot_tui/" in file else "python"
        found.append(f"    {own:8.3f} s own {total:8.3f} s in all {calls:>9} calls  {place}:{line} {name}")
    return "\n".join(found)
