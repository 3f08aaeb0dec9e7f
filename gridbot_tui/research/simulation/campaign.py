"""Many seeds on all cores, and one document of what came of them."""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from gridbot_tui.research.simulation.happenings import KINDS
from gridbot_tui.research.simulation.levels import LEVELS
from gridbot_tui.research.simulation.scenario import MARKET_KINDS
from gridbot_tui.research.simulation.seed import Ask, Outcome, play
from gridbot_tui.research.workers import crew


class Campaign(Struct, frozen=True):
    """What is to be run."""

    seeds: tuple[int, ...]
    hours: float
    level: str
    symbols: int | None = None
    without: frozenset[str] = frozenset()
    learning: bool = True
    workers: int | None = None

    def asks(self) -> list[Ask]:
        """One for each seed."""
        return [Ask(seed, self.hours, self.level, self.symbols, self.without, self.learning) for seed in self.seeds]


def run(campaign: Campaign, tell: Callable[[Outcome], None] | None = None) -> dict[str, Any]:
    """Run a campaign; ``tell`` hears of each seed as it ends."""
    began = time.perf_counter()
    outcomes = []
    for outcome in played(campaign):
        outcomes.append(outcome)
        if tell is not None:
            tell(outcome)
    return document(campaign, outcomes, time.perf_counter() - began)


def played(campaign: Campaign) -> Iterator[Outcome]:
    """Every seed's outcome, as they end."""
    workers = campaign.workers or os.cpu_count() or 1
    asks = campaign.asks()
    if workers == 1 or len(asks) == 1:
        yield from map(play, asks)
        return
    # Forked: the parts are loaded once, and mutants planted before stay planted.
    with crew(workers) as pool:
        yield from pool.map(play, asks, chunksize=1)


def document(campaign: Campaign, outcomes: Iterable[Outcome], elapsed: float) -> dict[str, Any]:
    """The ``simulate`` document; names and order are stable."""
    found = list(outcomes)
    injected: Counter[str] = Counter()
    for one in found:
        injected.update(one.injected)
    events = sum(one.events for one in found)
    return {
        "seeds": len(found),
        "virtual_hours": round(sum(one.hours for one in found), 3),
        "faults": campaign.level,
        "events": events,
        "events_per_s": round(events / elapsed) if elapsed > 0 else 0,
        "elapsed_s": round(elapsed, 2),
        "orders": sum(one.orders for one in found),
        "fills": sum(one.fills for one in found),
        "faults_injected": dict(sorted(injected.items())),
        "unhandled_exceptions": sum(one.unhandled for one in found),
        "invariant_violations": [_violation(campaign, one) for one in found if one.violation],
        "duplicate_orders": sum(one.duplicates for one in found),
        "orphan_orders": sum(one.orphans for one in found),
        "lost_fills": sum(one.lost_fills for one in found),
        "max_leverage": round(max((one.max_sent for one in found), default=0.0), 4),
        "max_leverage_observed": round(max((one.max_observed for one in found), default=0.0), 4),
        "max_reconnect_s": max((one.max_reconnect for one in found), default=0) / 1000,
        "max_recovery_s": max((one.max_recovery for one in found), default=0) / 1000,
        "restarts": sum(one.restarts for one in found),
        "liquidations": sum(one.liquidations for one in found),
        "residual_max": max((one.residual_max for one in found), default=0.0),
        "gate_checks": sum(one.checked for one in found),
        "gate_checks_passed_over": sum(one.unchecked for one in found),
        "breakers_opened": dict(sorted(sum((Counter(one.breakers) for one in found), Counter()).items())),
        "tiers": sorted({tier for one in found for tier in one.tiers}),
        "shutdowns": dict(sorted(Counter(str(one.shutdown_code) for one in found).items())),
        "least_orders": min((one.orders for one in found), default=0),
        "least_symbols": min((one.symbols for one in found), default=0),
        "kinds_without_count": absent(campaign, injected),
    }


def absent(campaign: Campaign, injected: Counter[str]) -> list[str]:
    """Kinds of the level that never happened."""
    level = LEVELS[campaign.level]
    wanted = {kind for kind in level.per_hour if kind in KINDS or kind in MARKET_KINDS} - campaign.without
    if level.chances:
        wanted |= {"request_drop", "request_lose", "event_lost", "event_twice", "event_late"}
    return sorted(kind for kind in wanted if not injected[kind])


def replay(campaign: Campaign, seed: int) -> str:
    """The one command that plays a seed again."""
    parts = [
        "gridbot simulate",
        f"--seed {seed}",
        "--seeds 1",
        f"--hours {campaign.hours:g}",
        f"--faults {campaign.level}",
    ]
    if campaign.symbols is not None:
        parts.append(f"--symbols {campaign.symbols}")
    parts += [f"--without {kind}" for kind in sorted(campaign.without)]
    if not campaign.learning:
        parts.append("--no-learning")
    return " ".join(parts)


def _violation(campaign: Campaign, one: Outcome) -> dict[str, Any]:
    assert one.violation is not None
    name, detail = one.violation
    return {
        "seed": one.seed,
        "invariant": name,
        "detail": detail,
        "after_hours": round(one.hours, 3),
        "replay": replay(campaign, one.seed),
    }
