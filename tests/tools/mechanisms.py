"""What each mechanism of the strategy adds: the defaults less the same without it, pooled by day, with intervals.

``make mechanisms`` prints the table; ``make validation`` puts it into docs/VALIDATION.md. Nothing is chosen here: every
row is one change of the defaults, and what has no parameter is changed in the process that plays it.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct

from gridbot_tui.research import intervals, metrics
from gridbot_tui.research.outcome import outcome_of, ring_of
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.research.sensitivity import value_at, with_value
from gridbot_tui.research.verdict import bounds, number, percent
from gridbot_tui.service.assemble import RunRefused
from gridbot_tui.strategy import adaptive, leverage
from gridbot_tui.units import HOUR
from tests.tools.side_by_side import side_by_side

FAR = 1e9
"""A limit that nothing reaches."""
Weights = tuple[float, float, float]
PRIOR: Weights = (0.30, 0.10, 0.60)
DEFAULTS, FIXED = "the defaults", "the prior, fixed"


class Without(Struct, frozen=True):
    """A run that differs from the defaults in one respect."""

    name: str
    keys: Mapping[str, Any] = {}
    weights: Weights | None = None
    patch: Callable[[], None] | None = None


def _alone_without(index: int) -> Without:
    """The prior with one system's weight gone and nothing given to the others: the sum shrinks instead."""
    left = 1.0 - PRIOR[index]
    kept = tuple(0.0 if i == index else w / left for i, w in enumerate(PRIOR))
    name = f"no {('UP', 'DOWN', 'NEUTRAL')[index]}"
    return Without(name, {"strategy.ensemble.gain": 3.0 * left}, (kept[0], kept[1], kept[2]))


def _scaled(exponent: float) -> Callable[[], None]:
    def patch() -> None:
        def scaled(base: float, reference: float, sigma: float) -> float:
            return float(base * (reference / sigma) ** exponent)

        setattr(leverage, "base_leverage", scaled)  # noqa: B010 - by name: what it replaces is a constant to the types

    return patch


def _unmoved() -> None:
    setattr(adaptive, "confidence", lambda weights, votes: 1.0)  # noqa: B010 - as above


RUNS = (
    Without(DEFAULTS),
    Without(FIXED, weights=PRIOR),
    _alone_without(0),
    _alone_without(1),
    _alone_without(2),
    Without("equal weights", weights=(1 / 3, 1 / 3, 1 - 2 / 3)),
    Without("no volatility gate", {"strategy.votes.neutral_sigma": 1e-9, "strategy.votes.neutral_ramp": 1e-9}),
    Without("no breakout guard", {"strategy.votes.breakout": FAR}),
    Without("no funding tilt", {"strategy.votes.funding_tilt": False}),
    Without("fast learning, unshrunken", {"strategy.learning.rate": 0.1, "strategy.learning.shrink": 0.0}),
    Without("skew 0.5", {"ladder.skew": 0.5}),
    Without("skew 1.25", {"ladder.skew": 1.25}),
    Without("spacing halved", {"ladder.spacing_trend": 2.0, "ladder.spacing_neutral": 1.1}),
    Without("spacing by half wider", {"ladder.spacing_trend": 6.0, "ladder.spacing_neutral": 3.3}),
    Without("every move followed", {"ladder.recentre": 0.0, "orders.price_tolerance": 0.0,
                                    "orders.quantity_tolerance": 0.0}),
    Without("no unwinding at the touch", {"ladder.unwind_excess": FAR}),
    Without("leverage not scaled by volatility", patch=_scaled(0.0)),
    Without("leverage by the inverse of volatility", patch=_scaled(1.0)),
    Without("no confidence in leverage", patch=_unmoved),
    Without("no volatility filter", {"strategy.leverage.filter_volatility": FAR}),
    Without("no portfolio caps", {f"strategy.portfolio.{name}": FAR for name in ("gross", "net", "crash", "cluster")}),
    Without("no gap budget at the gate", {"risk.gap_reserve": FAR}),
    Without("no drawdown tiers", {"risk.tier1_scale": 1.0, "risk.tier2_scale": 1.0, "risk.tier3_enter": 0.9}),
    Without("twice the leverage", {"strategy.leverage.base": 1.0}),
)  # fmt: skip
ROWS = (
    ("votes: NEUTRAL's volatility gate", DEFAULTS, "no volatility gate"),
    ("votes: NEUTRAL's breakout guard", DEFAULTS, "no breakout guard"),
    ("votes: UP", FIXED, "no UP"),
    ("votes: DOWN", FIXED, "no DOWN"),
    ("votes: NEUTRAL", FIXED, "no NEUTRAL"),
    ("votes: funding tilt", DEFAULTS, "no funding tilt"),
    ("ensemble: prior against equal weights", FIXED, "equal weights"),
    ("learning against the prior", DEFAULTS, FIXED),
    ("learning: slow and shrunken against fast", DEFAULTS, "fast learning, unshrunken"),
    ("ladder: skew 1 against 0.5", DEFAULTS, "skew 0.5"),
    ("ladder: skew 1 against 1.25", DEFAULTS, "skew 1.25"),
    ("ladder: spacing against half of it", DEFAULTS, "spacing halved"),
    ("ladder: spacing against half as much again", DEFAULTS, "spacing by half wider"),
    ("ladder: small moves not followed", DEFAULTS, "every move followed"),
    ("ladder: excess unwound at the touch", DEFAULTS, "no unwinding at the touch"),
    ("leverage: volatility^-1/2 against none", DEFAULTS, "leverage not scaled by volatility"),
    ("leverage: volatility^-1/2 against ^-1", DEFAULTS, "leverage by the inverse of volatility"),
    ("leverage: confidence", DEFAULTS, "no confidence in leverage"),
    ("leverage: volatility filter", DEFAULTS, "no volatility filter"),
    ("leverage: 0.5 against 1.0", DEFAULTS, "twice the leverage"),
    ("portfolio caps", DEFAULTS, "no portfolio caps"),
    ("gap budget at the gate", DEFAULTS, "no gap budget at the gate"),
    ("drawdown tiers", DEFAULTS, "no drawdown tiers"),
)
"""(mechanism, with it, without it)."""


class Made(Struct, frozen=True):
    """One run on one set of series."""

    days: tuple[int, ...]
    returns: tuple[float, ...]
    fall: float
    turnover: float
    leverage: float
    liquidations: int


_shared: list[Prepared] = []


def _job(where: tuple[int, int]) -> tuple[tuple[int, int], Made | str]:
    """One run, in a process of its own: what a patch changes ends with it."""
    prepared, run = _shared[where[0]], RUNS[where[1]]
    if run.patch is not None:
        run.patch()
    settings = prepared.settings
    for key, value in run.keys.items():
        settings = with_value(settings, key, round(value) if isinstance(value_at(settings, key), int) else value)
    since = prepared.market.start - prepared.market.start % HOUR + settings.strategy.warmup_hours * HOUR
    try:
        ring = ring_of(prepared, settings, weights=run.weights)
        ring.run()
        made = outcome_of(run.name, ring, prepared)
    except (RingFailed, ValueError) as failed:
        return where, str(failed)
    daily, f = made.daily(since), made.figures
    held = float(str(f["max_leverage_observed"]))
    found = Made(daily.days, daily.returns, float(str(f["max_drawdown"])), float(str(f["turnover"])), held,
                 int(str(f["liquidations"])))  # fmt: skip
    return where, found


def measured(groups: list[tuple[str, ...]]) -> dict[str, list[Made]]:
    """Every run on every group of files; files that cannot be played are left out of all and said."""
    _shared.clear()
    for files in groups:
        try:
            _shared.append(prepare(Request(files)))
        except RunRefused as refused:
            print(f"left out of the mechanisms: {refused}", file=sys.stderr)
    jobs = [(group, run) for group in range(len(_shared)) for run in range(len(RUNS))]
    found: dict[tuple[int, int], Made] = {}
    for where, made in side_by_side(_job, jobs):
        if isinstance(made, str):
            raise RingFailed(f"{RUNS[where[1]].name}: {made}")
        found[where] = made
    return {run.name: [found[group, at] for group in range(len(_shared))] for at, run in enumerate(RUNS)}


def _pooled(runs: list[Made]) -> dict[int, float]:
    """The mean over the groups of each day's return."""
    pool: dict[int, list[float]] = {}
    for one in runs:
        for day, value in zip(one.days, one.returns, strict=True):
            pool.setdefault(day, []).append(value)
    return {day: metrics.mean(values) for day, values in sorted(pool.items())}


def lines(groups: list[tuple[str, ...]], what: str) -> Iterator[str]:
    """The section of the page."""
    made = measured(groups)
    pools = {name: _pooled(runs) for name, runs in made.items()}
    yield "## What each mechanism adds"
    yield ""
    yield f"`make mechanisms`: the defaults less the same without the mechanism, on {what}, pooled by day"
    yield f"({len(pools[DEFAULTS])} days). Certain is what leaves out zero: of {len(ROWS)} rows one may do so by luck."
    if left := len(groups) - len(_shared):
        yield f"{left} of these series could not be played and {'is' if left == 1 else 'are'} left out."
    yield "The deepest fall and the highest leverage are the worst of all series, the turnover their mean, a day."
    yield ""
    yield "| mechanism | Sharpe | a year | deepest fall with, without | leverage | turnover | |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for title, name, less in ROWS:
        ours, theirs = pools[name], pools[less]
        days = sorted(ours.keys() & theirs.keys())
        a, b = [ours[day] for day in days], [theirs[day] for day in days]
        gap = intervals.mean_interval([x - y for x, y in zip(a, b, strict=True)])
        ratio = intervals.sharpe_interval(a, b)
        sides = made[name], made[less]
        falls = ", ".join(percent(min(one.fall for one in side)) for side in sides)
        held = ", ".join(f"{max(one.leverage for one in side):.2f}x" for side in sides)
        turned = ", ".join(number(metrics.mean([one.turnover for one in side])) for side in sides)
        forced = sum(one.liquidations for one in made[less])
        said = ["certain"] if ratio is not None and ratio.certain else []
        said += ["certain, a year"] if gap is not None and gap.certain and not said else []
        said += [f"{forced} liquidations without"] if forced else []
        cells = (bounds(ratio, as_percent=False), bounds(gap), falls, held, turned, "; ".join(said))
        yield f"| {title} | {' | '.join(cells)} |"
    yield ""


def main() -> int:
    """Print the table; 2 without data."""
    from tests.tools.make_validation import data, mechanisms_of

    if not data().exists():
        print(f"no recorded data at {data()}: set GRIDBOT_SHARED_DATA", file=sys.stderr)
        return 2
    groups, on = mechanisms_of()
    if not groups:
        print(f"no um/SYMBOL/INTERVAL/*.parquet in {data()}: see GRIDBOT_SHARED_DATA", file=sys.stderr)
        return 2
    began = time.monotonic()
    print("\n".join(lines(groups, on)))
    print(f"{time.monotonic() - began:.0f} s", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
