"""Walk-forward: parameters chosen on the days before, judged on the days after, again and again.

Each train window chooses among a few named sets by the Sharpe ratio of its own days; the chosen one then
trades the test window that follows. Every run warms up on the 14 days before its window, flat, from the
prior weights (learning across windows would blur what is being tested); a plain grid, which needs no warm-up,
is laid with its window. The test windows together are one out-of-sample curve, beside the untouched defaults,
buy and hold, a static grid and equal weights of the same days.
"""

import itertools
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.research import baselines, compiled, intervals, metrics
from gridbot_tui.research.compiled import By, Compiled, Tell
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.metrics import DIGITS
from gridbot_tui.research.outcome import by_engine
from gridbot_tui.research.quiet import other_than_asked, remarks
from gridbot_tui.research.request import Prepared, Request, prepare
from gridbot_tui.research.space import once_each
from gridbot_tui.research.verdict import assumed
from gridbot_tui.research.windows import Window, covered, part, windows
from gridbot_tui.research.workers import side_by_side
from gridbot_tui.settings.load import load
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms

Set = tuple[str, tuple[tuple[str, str], ...]]
"""A name and the config keys that differ from the defaults."""
DEFAULTS = "defaults"
SETS: tuple[Set, ...] = (
    (DEFAULTS, ()),
    ("narrow", (("ladder.spacing_trend", "3"), ("ladder.spacing_neutral", "1.65"))),
    ("wide", (("ladder.spacing_trend", "6"), ("ladder.spacing_neutral", "3.3"))),
    ("skewed", (("ladder.skew", "1.25"),)),
    ("early gate", (("strategy.votes.neutral_sigma", "0.005"),)),
    ("late gate", (("strategy.votes.neutral_sigma", "0.008"),)),
)
"""What the strategy's own evidence calls open: spacing, skew, the gate. Few, because every one more is one more
chance to be lucky."""


class Judged(Struct, frozen=True):
    """One window with its choice."""

    window: Window
    chosen: str
    train_sharpe: float | None
    test_return: float
    default_return: float


class Walk(Struct, frozen=True):
    """The whole walk."""

    sets: tuple[str, ...]
    windows: tuple[Judged, ...]
    days: tuple[int, ...]
    returns: dict[str, tuple[float, ...]]
    """Daily returns of the test days: ``chosen``, ``defaults``, and the usual baselines."""
    advantage: Interval | None
    """Yearly return of choosing over the defaults."""
    sharpe_advantage: Interval | None
    growth: Interval | None
    ahead: dict[str, Interval | None]
    """Yearly return of choosing over each baseline."""
    deflated: float | None
    left_out: int = 0
    """Windows that were not walked: too few of the days that they need hold data."""
    symbols: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    """What the figures rest on, the doubts about the data among it."""


Progress = Callable[[int, int], None]
"""(done, all) before the first run and after every one."""


def sets_from(given: Sequence[str]) -> tuple[Set, ...]:
    """``KEY=V1,V2`` of the command line as every combination, the defaults first. Raises ValueError."""
    choices = []
    for text in given:
        key, equals, values = text.partition("=")
        if not equals or not values:
            raise ValueError(f"--try {text}: wants KEY=VALUE[,VALUE...]")
        choices.append([(key.strip(), value.strip()) for value in values.split(",")])
    once_each("--try", [choice[0][0] for choice in choices])
    combined = [
        (", ".join(f"{key.rpartition('.')[2]} {value}" for key, value in one), tuple(one))
        for one in itertools.product(*choices)
    ]
    return ((DEFAULTS, ()), *combined)


def walk(
    request: Request,
    *,
    train_days: int = 60,
    test_days: int = 30,
    sets: Sequence[Set] = SETS,
    processes: int | None = None,
    progress: Progress = lambda done, whole: None,
    by: By = "auto",
    tell: Tell = lambda text: None,
) -> Walk:
    """Walk over the whole recording. ``by``, ``tell``: see ``backtest.study_of``; doubts about the data are told, too.

    Raises:
        RunRefused, ConfigError: data or keys that cannot be used.
        RingFailed: a run could not go on, or its process was killed.
        ValueError: too few days for one window.
    """
    prepared = prepare(request)
    settings = {name: load(request.config, os.environ, request.overrides + keys).settings for name, keys in sets}
    warm = prepared.settings.strategy.warmup_hours * HOUR
    market = prepared.market
    whole = windows(market.start, market.end, train_days, test_days, warm)
    spans = covered(market, whole, warm if prepared.late(market.start) is None else 0)
    if not spans:
        needed = train_days + test_days + warm // DAY
        held = (market.end - market.start) // DAY
        why = f", too few of them with data: {len(whole)} windows were looked at" if whole else ""
        raise ValueError(f"a walk needs at least {needed} days of data, there are {held}{why}")
    for line in (*other_than_asked(prepared), *remarks(market)):
        tell(line)
    halves = ("train", "test")
    jobs = [(index, name, half) for index in range(len(spans)) for name in settings for half in halves]
    jobs += [(index, one.name, BESIDE) for index in range(len(spans)) for one in baselines.USUAL]
    runs = len(jobs) * (train_days + test_days) * DAY // (2 * max(market.end - market.start, DAY)) + 1
    quick = compiled.wanted(prepared, by, runs, tell)
    played = _play_all(prepared, settings, spans, warm, jobs, processes, progress, quick)
    judged = _judged(prepared, spans, list(settings), played)
    rests_on = tuple(assumed(prepared))
    return replace(judged, left_out=len(whole) - len(spans), symbols=market.symbols, assumed=rests_on)


Job = tuple[int, str, str]
"""(window, set or baseline, ``train``, ``test`` or ``beside``)."""
BESIDE = "beside"
_shared: tuple[Prepared, Mapping[str, Settings], Sequence[Window], Ms, bool] | None = None
"""What the forked workers find in their memory; last whether compiled code plays what it can."""
_markets: dict[tuple[int, str], Compiled] = {}
"""The windows that a worker has read for compiled code: the same one is asked for by every set."""
KEPT = 4


def _play(job: Job) -> tuple[Job, metrics.Daily, tuple[float, ...]]:
    """(job, daily returns of the window, buy and hold's on a test window of the defaults)."""
    assert _shared is not None
    prepared, settings, spans, warm, quick = _shared
    index, name, half = job
    window = spans[index]
    if half == BESIDE:
        return job, _beside(prepared, name, index, window, warm, quick), ()
    frm, to = (window.train_from, window.test_from) if half == "train" else (window.test_from, window.test_to)
    gap = prepared.settings.market.episode_gap_minutes * MINUTE
    market = part(prepared.market, frm - warm, to, gap)
    if market is None:
        return job, metrics.Daily((), ()), ()
    one = prepared.stretch(market, settings[name])
    found = _compiled((index, half), replace(one, settings=prepared.settings), frm) if quick else None
    late = one.late(frm)
    made = found.play(name, one.settings, late=late is not None) if found else None
    made = made or by_engine(name, one, late)
    held: tuple[float, ...] = ()
    if half == "test" and name == DEFAULTS:
        beside = baselines.buy_and_hold(one, made, frm).daily(frm)
        by_day = dict(zip(beside.days, beside.returns, strict=True))
        held = tuple(by_day.get(day, 0.0) for day in made.daily(frm).days)
    return job, made.daily(frm), held


def _compiled(window: tuple[int, str], one: Prepared, since: Ms) -> Compiled:
    """A window's market for compiled code. ``one`` has the config's own settings: that is what baselines start from."""
    known = _markets.get(window)
    if known is None:
        while len(_markets) >= KEPT:
            del _markets[next(iter(_markets))]
        known = _markets[window] = Compiled(one, since, lambda text: None)
    return known


def _beside(prepared: Prepared, name: str, index: int, window: Window, warm: Ms, quick: bool) -> metrics.Daily:
    """Daily returns of a baseline on a test window, with the config as it is; none where it cannot be played."""
    gap = prepared.settings.market.episode_gap_minutes * MINUTE
    market = part(prepared.market, window.test_from - warm, window.test_to, gap)
    if market is None:
        return metrics.Daily((), ())
    one = prepared.stretch(market)
    variant = next(one for one in baselines.USUAL if one.name == name)
    found = _compiled((index, "test"), one, window.test_from).variant(variant) if quick else None
    made = found or baselines.try_play(one, variant, window.test_from)
    return metrics.Daily((), ()) if isinstance(made, str) else made.daily(window.test_from)


def _play_all(
    prepared: Prepared,
    settings: Mapping[str, Settings],
    spans: Sequence[Window],
    warm: Ms,
    jobs: Sequence[Job],
    processes: int | None,
    progress: Progress,
    quick: bool,
) -> dict[Job, tuple[metrics.Daily, tuple[float, ...]]]:
    global _shared
    _shared = (prepared, settings, spans, warm, quick)
    if quick:
        from gridbot_tui.research.screen.screening import load

        load(len(prepared.market.symbols))
    progress(0, len(jobs))  # only now: loading may have waited for another process that compiles
    workers = processes or (os.cpu_count() or 1)
    played: dict[Job, tuple[metrics.Daily, tuple[float, ...]]] = {}

    def collect(results: Iterable[tuple[Job, metrics.Daily, tuple[float, ...]]]) -> None:
        for done, (job, daily, held) in enumerate(results, 1):
            played[job] = (daily, held)
            progress(done, len(jobs))

    try:
        if workers == 1 or not hasattr(os, "fork"):
            collect(map(_play, jobs))
        else:
            collect(side_by_side(_play, jobs, workers))
    finally:
        _shared = None
        _markets.clear()
    return played


def _judged(
    prepared: Prepared,
    spans: Sequence[Window],
    names: Sequence[str],
    played: Mapping[Job, tuple[metrics.Daily, tuple[float, ...]]],
) -> Walk:
    judged: list[Judged] = []
    days: list[int] = []
    usual_names = [one.name for one in baselines.USUAL]
    returns: dict[str, list[float]] = {name: [] for name in ("chosen", DEFAULTS, "buy_and_hold", *usual_names)}
    for index, window in enumerate(spans):
        scores = {name: metrics.sharpe(played[index, name, "train"][0].returns) for name in names}
        chosen = max(names, key=lambda name: _score(scores[name]))  # of equals the first: the defaults
        best, usual = played[index, chosen, "test"][0], played[index, DEFAULTS, "test"]
        days += best.days
        returns["chosen"] += best.returns
        returns[DEFAULTS] += usual[0].returns
        returns["buy_and_hold"] += usual[1]
        for name in usual_names:
            one = played[index, name, BESIDE][0]
            by_day = dict(zip(one.days, one.returns, strict=True))
            returns[name] += [by_day.get(day, 0.0) for day in best.days]
        made, beside = metrics.total(best.returns), metrics.total(usual[0].returns)
        judged.append(Judged(window, chosen, scores[chosen], made, beside))
    chosen_days = returns["chosen"]
    ahead = {
        name: intervals.mean_interval([a - b for a, b in zip(chosen_days, values, strict=True)])
        for name, values in returns.items()
        if name != "chosen"
    }
    return Walk(
        sets=tuple(names),
        windows=tuple(judged),
        days=tuple(days),
        returns={name: tuple(values) for name, values in returns.items()},
        advantage=ahead[DEFAULTS],
        sharpe_advantage=intervals.sharpe_interval(returns["chosen"], returns[DEFAULTS]),
        growth=intervals.mean_interval(returns["chosen"]),
        ahead=ahead,
        deflated=intervals.deflated_sharpe(returns["chosen"], len(names)),
    )


def _score(value: float | None) -> float:
    """A window in which a set never traded proves nothing for it: it ranks as zero."""
    return 0.0 if value is None else value


def curve(returns: Sequence[float]) -> list[float]:
    """Growth of one unit after each day."""
    return list(itertools.accumulate((1.0 + r for r in returns), lambda a, b: a * b))


def document(made: Walk) -> dict[str, Any]:
    """The walk as one JSON document."""

    def figures(returns: Sequence[float]) -> dict[str, Any]:
        ratio = metrics.sharpe(returns)
        growth = metrics.cagr(1.0, 1.0 + metrics.total(returns), float(len(returns)))
        return {
            "net_return": round(metrics.total(returns), DIGITS),
            "cagr": None if growth is None else round(growth, DIGITS),
            "max_drawdown": round(metrics.max_drawdown(curve(returns), 1.0), DIGITS),
            "sharpe": None if ratio is None else round(ratio, DIGITS),
        }

    def bounds(found: Interval | None) -> dict[str, float] | None:
        if found is None:
            return None
        return {name: round(getattr(found, name), DIGITS) for name in ("value", "low", "high")}

    return {
        "windows": [
            {
                "train_from": one.window.train_from,
                "test_from": one.window.test_from,
                "test_to": one.window.test_to,
                "chosen": one.chosen,
                "train_sharpe": one.train_sharpe,
                "test_return": one.test_return,
                "default_return": one.default_return,
            }
            for one in made.windows
        ],
        "left_out": made.left_out,
        "sets": list(made.sets),
        "days": len(made.days),
        "out_of_sample": figures(made.returns["chosen"]),
        "baselines": {
            name: figures(values) | {"advantage": bounds(made.ahead[name])}
            for name, values in made.returns.items()
            if name != "chosen"
        },
        "growth": bounds(made.growth),
        "advantage_over_defaults": bounds(made.advantage),
        "sharpe_advantage_over_defaults": bounds(made.sharpe_advantage),
        "deflated_sharpe": made.deflated,
        "assumptions": list(made.assumed),
    }
