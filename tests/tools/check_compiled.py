"""Engine against compiled code on markets and configs nobody chose: ``make compiled``.

Draws windows of every recorded series where there are any, and markets that are made and uglier than those, with
configs of all kinds, plain grids among them; plays each with both and compares everything they tell, to the last digit.
``--windows``, ``--ugly`` and ``--seed`` say how many and which. Exit 1 where they part: a line names market and config.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.research.outcome import outcome_of, ring_of
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.research.screen.screening import Screen, load
from gridbot_tui.research.screen.settled import Parted, outcome
from gridbot_tui.research.screen.state import NoRoom
from gridbot_tui.research.screen.tape import fits
from gridbot_tui.research.space import usual
from gridbot_tui.settings.load import load as load_settings
from gridbot_tui.settings.model import Settings
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.units import Market
from tests.research.screen_cases import told
from tests.tools.check_promises import markets

FLOATS = {
    "risk.leverage_cap": (1.0, 5.9),
    "risk.gap_reserve": (0.0, 0.5),
    "risk.tier1_enter": (0.01, 0.05),
    "risk.stop_beyond": (0.005, 0.05),
    "risk.breaker_loss": (0.005, 0.1),
    "risk.drawdown_ema_minutes": (5.0, 600.0),
    "orders.price_tolerance": (0.0, 0.3),
    "orders.quantity_tolerance": (0.0, 0.3),
    "bot.capital": (50.0, 200_000.0),
    "simulation.exchange.volume_share": (0.0, 0.3),
    "simulation.exchange.slippage_bp": (0.0, 30.0),
    "strategy.leverage.base": (0.1, 3.0),
    "strategy.ensemble.gain": (0.5, 4.0),
    "strategy.learning.rate": (0.001, 0.2),
    "ladder.skew": (0.5, 1.5),
}
WHOLE = {
    "orders.depth": (2, 30),
    "orders.churn_creates": (2, 30),
    "orders.churn_repeats": (1, 6),
    "strategy.learning.skip_days": (1, 60),
}
SELDOM, OFTEN = 0.25, 0.4
"""How likely a key is changed: any, and those of a search."""
TRIES = 20
"""Configs drawn until one is valid."""
Keys = dict[str, str]


class Found(Struct, frozen=True):
    """What one market came to."""

    name: str
    keys: Keys
    apart: str = ""
    """What is not the same; "" where all is."""
    left_out: str = ""
    counts: dict[str, int] = {}


def drawn(draw: Random, market: Market) -> Keys:
    """A config as keys over the defaults; it need not be valid."""
    keys: Keys = {}
    for one in usual(market, Settings()):
        if draw.random() < OFTEN:
            keys[one.key] = f"{draw.uniform(one.low, one.high):.4g}"
    for key, (low, high) in FLOATS.items():
        if draw.random() < SELDOM:
            keys[key] = f"{draw.uniform(low, high):.4g}"
    for key, (least, most) in WHOLE.items():
        if draw.random() < SELDOM:
            keys[key] = str(draw.randint(least, most))
    if market is Market.FUTURES and draw.random() < SELDOM:
        keys |= plain(draw)
    if draw.random() < SELDOM:
        keys |= {"risk.auto_rearm": "true", "risk.auto_rearm_days": f"{draw.uniform(0.5, 5.0):.3g}"}
    return keys


def plain(draw: Random) -> Keys:
    """A plain grid of one side."""
    return {
        "ladder.kind": draw.choice(("arithmetic", "geometric")),
        "ladder.plain.side": draw.choice(("long", "short")),
        "ladder.plain.levels": str(draw.randint(2, 60)),
        "ladder.plain.leverage": f"{draw.uniform(0.1, 3.0):.3g}",
        "ladder.plain.range_below": f"{draw.uniform(0.01, 0.6):.3g}",
        "ladder.plain.range_above": f"{draw.uniform(0.01, 1.0):.3g}",
        "ladder.plain.initial_inventory": draw.choice(("true", "false")),
        "ladder.plain.reinvest": draw.choice(("true", "false")),
    }


def configured(draw: Random, market: Market) -> tuple[Keys, Settings]:
    """A config that is valid; the defaults where many were not."""
    for _ in range(TRIES):
        keys = drawn(draw, market)
        try:
            return keys, load_settings(None, {}, tuple(keys.items())).settings
        except ConfigError:
            continue
    return {}, load_settings(None, {}, ()).settings


def compared(name: str, one: Prepared, seed: str) -> Found:
    """Both on one market."""
    draw = Random(seed)
    keys, settings = configured(draw, next(iter(one.market.instruments.values())).market)
    one = replace(one, settings=settings)
    reason = fits(one)
    if reason:
        return Found(name, keys, left_out=reason)
    try:
        ring = ring_of(one)
        ring.run()
        theirs = told(outcome_of("strategy", ring, one))
    except RingFailed as failed:
        return Found(name, keys, left_out=str(failed))
    try:
        ours = told(outcome("strategy", Screen(one)))
    except (Parted, NoRoom) as wrong:
        return Found(name, keys, apart=f"{type(wrong).__name__}: {wrong}")
    return Found(name, keys, apart=_apart(ours, theirs), counts=_counts(theirs))


def _apart(ours: dict[str, Any], theirs: dict[str, Any]) -> str:
    found = [name for name in theirs if name != "figures" and ours[name] != theirs[name]]
    figures = [key for key, value in theirs["figures"].items() if ours["figures"][key] != value]
    return ", ".join((*found, *figures))


def _counts(made: dict[str, Any]) -> dict[str, int]:
    liquidations = made["figures"]["liquidations"]
    return {"fills": len(made["marks"]), "halts": len(made["halts"]), "liquidations": liquidations}


_jobs: list[tuple[str, Prepared | str]] = []
_seed = 0


def _job(index: int) -> Found:
    name, one = _jobs[index]
    if isinstance(one, str):
        return Found(name, {}, left_out=one)
    return compared(name, one, f"{_seed}-{index}")


def results(workers: int) -> Iterator[Found]:
    """Every market, side by side."""
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        yield from pool.imap_unordered(_job, range(len(_jobs)))


def main(arguments: list[str]) -> int:
    """Play the markets; 1 where they part, or nothing was compared."""
    global _seed
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--windows", type=int, default=100)
    parser.add_argument("--ugly", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=os.cpu_count() or 1)
    given = parser.parse_args(arguments)
    _seed, began = given.seed, time.monotonic()
    load()
    load(2)
    _jobs.extend(markets(given.windows, given.ugly, given.seed))
    totals: Counter[str] = Counter()
    for found in results(given.workers):
        totals.update(found.counts)
        totals.update(compared=not found.left_out, parted=bool(found.apart), left_out=bool(found.left_out))
        if found.apart:
            print(f"THEY PART ({found.apart}): {found.name} {found.keys}", flush=True)
    words = ", ".join(f"{totals[name]:,} {name}" for name in ("fills", "halts", "liquidations"))
    aside = f"{totals['left_out']} are the engine's alone; {time.monotonic() - began:.0f} s"
    print(f"{totals['compared']} markets compared, {totals['parted']} parted: {words}; {aside}")
    return 1 if totals["parted"] or not totals["compared"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
