"""One seed played to its end, and what came of it."""

import shutil
import tempfile
import time
from pathlib import Path

from msgspec import Struct

from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.research.simulation import money, standing
from gridbot_tui.research.simulation.levels import LEVELS
from gridbot_tui.research.simulation.memory import Gauge, Sample
from gridbot_tui.research.simulation.scenario import draw, stretch
from gridbot_tui.research.simulation.simulation import Simulation, Violated
from gridbot_tui.units import HOUR, MINUTE, Ms

QUIET: Ms = 6 * MINUTE
LEAST_ORDERS = 200
LONGEST_STRETCH = 66
"""Hours by which a seed is stretched at most, until it has sent that many orders; some need more than 18."""
WHOLE: Ms = 6 * HOUR
"""Seeds shorter than this are slices: they are not stretched."""
STOPPING: Ms = 25 * MINUTE
TAIL = 60
"""Lines of history told of a failing seed."""


class Ask(Struct, frozen=True):
    """One seed to be played."""

    seed: int
    hours: float
    level: str
    symbols: int | None = None
    without: frozenset[str] = frozenset()
    learning: bool = True
    gauge: bool = False
    """Measure memory and files every virtual hour."""


class Outcome(Struct):
    """What came of one seed."""

    seed: int
    violation: tuple[str, str] | None
    history: list[str]
    elapsed: float
    hours: float
    events: int
    orders: int
    fills: int
    injected: dict[str, int]
    unhandled: int
    duplicates: int
    orphans: int
    lost_fills: int
    max_sent: float
    max_observed: float
    max_reconnect: Ms
    max_recovery: Ms
    restarts: int
    residual_max: float
    residual_passing: float
    checked: int
    unchecked: int
    tiers: list[int]
    liquidations: int
    symbols: int
    shutdown_code: int | None
    pnl: dict[str, str]
    breakers: dict[str, int]
    memory: list[Sample]
    digest: str


def scratch() -> Path:
    """Where databases of a campaign live: in memory where the system has such a folder."""
    shm = Path("/dev/shm")
    return shm if shm.is_dir() else Path(tempfile.gettempdir())


def play(ask: Ask) -> Outcome:
    """Play one seed to its end or its first violation."""
    began = time.perf_counter()
    level = LEVELS[ask.level]
    scenario = draw(ask.seed, ask.hours, level, symbols=ask.symbols, without=ask.without, learning=ask.learning)
    folder = Path(tempfile.mkdtemp(prefix="gridbot-simulate-", dir=scratch()))
    sim = Simulation(scenario, folder)
    sim.gauge = Gauge() if ask.gauge else None
    code = None
    try:
        code = _story(sim)
    except Violated:
        pass
    finally:
        outcome = _outcome(ask, sim, time.perf_counter() - began, code)
        sim.close()
        shutil.rmtree(folder, ignore_errors=True)
    return outcome


def _story(sim: Simulation) -> int | None:
    """Trouble, then quiet, then the end of the bot; every part is judged."""
    scenario = sim.scenario
    sim.run_until(scenario.end, list(scenario.happenings))
    for hour in range(LONGEST_STRETCH if scenario.end - scenario.start >= WHOLE else 0):
        if sim.tally.orders >= LEAST_ORDERS:
            break
        sim.run_until(scenario.end + (hour + 1) * HOUR, stretch(scenario, hour))
    _quieten(sim)
    sim.run_until(sim.world.now + QUIET, [])
    hour = sim.world.now // HOUR * HOUR
    if sim.world.now - hour < QUIET:  # a new plan has just moved the ladder: let it settle too
        sim.run_until(hour + QUIET, [])
    for _ in range(3):  # the last breaker may have closed this very moment: what it let out is still on its way
        if sim.process is None or not standing.under_way(sim.process):
            break
        sim.run_until(sim.world.now + MINUTE, [])
    _judge_quiet(sim)
    if not scenario.calm_shutdown:
        sim.trouble.quiet = False
    return _stop(sim)


def _quieten(sim: Simulation) -> None:
    """The market stands still, the line works, a bot runs."""
    trouble = sim.trouble
    trouble.quiet = True
    trouble.outage_until = trouble.ban_until = 0
    trouble.stream_silent_until = min(trouble.stream_silent_until, sim.world.now)
    trouble.refusing_until = 0
    sim.silent_market_until = sim.hole_until = sim.slow_until = 0
    sim.stalled_until = min(sim.stalled_until, sim.world.now)
    sim.disk.release()
    sim.fuse.set("")
    sim.later.clear()
    sim.market.calm_from = sim.world.now
    if sim.process is None:
        sim.restart_at = sim.world.now


def _judge_quiet(sim: Simulation) -> None:
    process = sim.process
    if process is None or not process.bot.recovered:
        sim.judge.violated("recovery_ends", "no bot runs after minutes of quiet")
        return
    sim.judge.inside()
    money.final(sim.judge, process)
    standing.converged(sim.judge, process)


def _stop(sim: Simulation) -> int | None:
    """The graceful shutdown, and whether what it says is true."""
    keep = sim.scenario.keep_positions
    if sim.process is None or sim.process.bot.shutdown is not None:
        return None
    sim.stopping = True
    sim.command("stop", keep_positions="true" if keep else "false")
    deadline = sim.world.now + STOPPING
    while sim.world.now < deadline and sim.report is None:
        sim.run_until(sim.world.now + MINUTE, [])
    if sim.report is None:
        sim.judge.violated("shutdown_ends", "no report after 25 minutes")
        return None
    if sim.report.exit_code and sim.scenario.calm_shutdown and not standing.locked_by_others(sim.judge):
        sim.judge.violated("shutdown_ends", f"not clean on a working line: {sim.report.text}")
    return sim.report.exit_code


def _outcome(ask: Ask, sim: Simulation, elapsed: float, code: int | None) -> Outcome:
    judge, tally, exchange = sim.judge, sim.tally, sim.world.exchange
    injected = dict(sorted(sim.trouble.injected.items()))
    for kind, count in (("gap", len(sim.scenario.gaps)), ("funding_spike", len(sim.scenario.funding))):
        if count:
            injected[kind] = count
    if exchange.liquidations:
        injected["liquidation"] = exchange.liquidations
    violation = judge.found[0] if judge.found else None
    return Outcome(
        seed=ask.seed,
        violation=violation,
        history=sim.history.lines(_about(sim, violation[1]), TAIL) if violation else [],
        elapsed=elapsed,
        hours=(sim.world.now - sim.scenario.start) / 3_600_000,
        events=tally.events,
        orders=tally.orders,
        fills=tally.fills,
        injected=injected,
        unhandled=tally.unhandled,
        duplicates=judge.duplicates,
        orphans=judge.orphans,
        lost_fills=judge.lost_fills,
        max_sent=judge.max_sent,
        max_observed=judge.max_observed,
        max_reconnect=tally.max_reconnect,
        max_recovery=tally.max_recovery,
        restarts=tally.restarts,
        residual_max=judge.residual_end,
        residual_passing=judge.residual_max,
        checked=judge.checked,
        unchecked=judge.unchecked,
        tiers=sorted(judge.tiers),
        liquidations=exchange.liquidations,
        symbols=len(sim.scenario.symbols),
        shutdown_code=code,
        pnl=_pnl(sim),
        breakers=dict(tally.breakers),
        memory=sim.gauge.samples if sim.gauge is not None else [],
        digest=_digest(sim.world),
    )


def _about(sim: Simulation, detail: str) -> frozenset[str]:
    """The symbols a violation speaks of; empty = all."""
    return frozenset(symbol for symbol in sim.scenario.symbols if symbol in detail)


def _pnl(sim: Simulation) -> dict[str, str]:
    """The profit in its parts, as the last life's ledger has it."""
    desk = sim.last_desk
    if desk is None or not desk.started:
        return {}
    found = desk.ledger.pnl()
    return {name: str(getattr(found, name)) for name in found.__struct_fields__}


def _digest(world: World) -> str:
    """A short name of everything that was traded: two runs of one seed have the same."""
    from hashlib import blake2b

    text = "|".join(
        f"{t.trade_id},{t.at},{t.client_id},{t.price},{t.steps}"
        for trades in world.exchange.history.trades.values()
        for t in trades
    )
    return blake2b(text.encode(), digest_size=8).hexdigest()
