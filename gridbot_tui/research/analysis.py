"""What a study says beyond its figures: differences with their intervals, years, regimes, worst days."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.research import intervals, metrics
from gridbot_tui.research.advantage import advantage, aligned
from gridbot_tui.research.backtest import Study
from gridbot_tui.research.baselines import TITLES
from gridbot_tui.research.halts import Halt
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.outcome import Outcome
from gridbot_tui.research.sensitivity import Change
from gridbot_tui.units import DAY, Ms

TRIALS = 180
"""Configurations tried when the defaults were chosen: what the deflated Sharpe ratio answers for."""
WILD = 0.54
"""Yearly volatility above which the neutral system may wake: what separates calm from wild days."""
TREND = 0.05
"""Change over seven days beyond which days count as rising or falling."""
UNKNOWN = "not known"
"""Days whose week before has a hole."""
WORST = 5


class Row(Struct, frozen=True):
    """One strategy or baseline over the common days."""

    name: str
    title: str
    net_return: float
    cagr: float | None
    sharpe: float | None
    max_drawdown: float
    fills: object
    fees: object
    advantage: Interval | None
    """Yearly return of the strategy less this one's; None for the strategy itself."""
    sharpe_advantage: Interval | None


class Slice(Struct, frozen=True):
    """The strategy on some of the days."""

    name: str
    days: int
    total: float
    sharpe: float | None
    growth: Interval | None
    """Yearly mean return of these days."""
    advantage: Interval | None
    """Yearly mean return less that of buy and hold on the same days."""


class Moved(Struct, frozen=True):
    """The strategy with one parameter changed."""

    key: str
    before: float
    after: float
    net_return: float
    sharpe: float | None
    max_drawdown: float
    gain: Interval | None
    """Yearly mean return of the change over the config as it is."""


class Analysis(Struct, frozen=True):
    """Everything a report prints."""

    since: Ms
    days: int
    rows: tuple[Row, ...]
    best: str
    """Baseline with the highest return, known only afterwards."""
    growth: Interval | None
    """Yearly mean return of the strategy."""
    sharpe: Interval | None
    deflated: float | None
    trials: int
    years: tuple[Slice, ...]
    regimes: tuple[Slice, ...]
    months: tuple[tuple[int, int, float], ...]
    worst: tuple[tuple[str, float], ...]
    halts: tuple[Halt, ...]
    traded_on: bool
    """Whether it traded again after the last of them (``risk.auto_rearm``)."""
    sensitivity: tuple[Moved, ...]


def analyse(made: Study, trials: int = TRIALS) -> Analysis:
    """Compare the strategy with its baselines on the days that all of them had."""
    own = made.main.daily(made.since)
    rows = [_row(made.main, made.since, None)]
    rows += [_row(one, made.since, own) for one in made.others.values()]
    best = max(rows[1:], key=lambda row: row.net_return, default=None) if own.returns else None
    if best is not None:
        rows.append(replace(best, name="best_in_hindsight", title=f"best in hindsight ({best.title})"))
    held = made.others["buy_and_hold"].daily(made.since) if "buy_and_hold" in made.others else None
    beside = dict(zip(held.days, held.returns, strict=True)) if held is not None else {}
    return Analysis(
        since=made.since,
        days=len(own.returns),
        rows=tuple(rows),
        best="" if best is None else best.title,
        growth=intervals.mean_interval(own.returns),
        sharpe=intervals.sharpe_interval(own.returns),
        deflated=intervals.deflated_sharpe(own.returns, trials),
        trials=trials,
        years=_years(own, beside),
        regimes=_regimes(made, own, beside),
        months=months(own),
        worst=tuple((day_name(d), r) for r, d in sorted(zip(own.returns, own.days, strict=True))[:WORST]),
        halts=made.main.halts,
        traded_on=bool(made.main.halts) and any(mark.at > made.main.halts[-1].at + DAY for mark in made.main.marks),
        sensitivity=tuple(_moved(change, one, made.since, own) for change, one in made.changed),
    )


def day_name(day: int) -> str:
    """A day number as a date."""
    return datetime.fromtimestamp(day * DAY / 1000, UTC).strftime("%Y-%m-%d")


def _row(one: Outcome, since: Ms, own: metrics.Daily | None) -> Row:
    mine = one.daily(since)
    after = [v for at, v in zip(one.at, one.equity, strict=True) if at > since]
    before = next((v for at, v in zip(reversed(one.at), reversed(one.equity), strict=True) if at <= since), one.capital)
    end = after[-1] if after else before
    days = max(one.at[-1] - since, 0) / DAY if one.at else 0.0  # those of holes as well: prices move in them
    gap = sharpe_gap = None
    if own is not None:
        gap = advantage(own, mine)
        sharpe_gap = intervals.sharpe_interval(*aligned(own, mine))
    return Row(
        name=one.name,
        title=TITLES.get(one.name, one.name),
        net_return=end / before - 1.0 if before > 0 else 0.0,
        cagr=metrics.cagr(before, end, days),
        sharpe=metrics.sharpe(mine.returns),
        max_drawdown=metrics.max_drawdown(after, before),
        fills=one.figures.get("fills"),
        fees=one.figures.get("fees"),
        advantage=gap,
        sharpe_advantage=sharpe_gap,
    )


def _moved(change: Change, one: Outcome, since: Ms, own: metrics.Daily) -> Moved:
    row = _row(one, since, own)
    gap = row.advantage
    gain = None if gap is None else Interval(-gap.value, -gap.high, -gap.low)
    return Moved(change.key, change.before, change.after, row.net_return, row.sharpe, row.max_drawdown, gain)


Group = list[tuple[int, float]]
"""(day, return) pairs."""


def _slices(groups: Mapping[str, Group], beside: Mapping[int, float]) -> tuple[Slice, ...]:
    return tuple(_slice(name, group, beside) for name, group in groups.items() if group)


def _slice(name: str, group: Group, beside: Mapping[int, float]) -> Slice:
    returns = [value for _, value in group]
    gaps = [value - beside[day] for day, value in group if day in beside]
    growth, ahead = intervals.mean_interval(returns), intervals.mean_interval(gaps)
    return Slice(name, len(returns), metrics.total(returns), metrics.sharpe(returns), growth, ahead)


def _years(own: metrics.Daily, beside: Mapping[int, float]) -> tuple[Slice, ...]:
    groups: dict[str, Group] = {}
    for day, value in zip(own.days, own.returns, strict=True):
        groups.setdefault(day_name(day)[:4], []).append((day, value))
    return _slices(groups, beside)


def months(own: metrics.Daily) -> tuple[tuple[int, int, float], ...]:
    """(year, month, return) of every month that has days."""
    groups: dict[tuple[int, int], list[float]] = {}
    for day, value in zip(own.days, own.returns, strict=True):
        name = day_name(day)
        groups.setdefault((int(name[:4]), int(name[5:7])), []).append(value)
    return tuple((year, month, metrics.total(values)) for (year, month), values in sorted(groups.items()))


def _regimes(made: Study, own: metrics.Daily, beside: Mapping[int, float]) -> tuple[Slice, ...]:
    """Days by the market of the week before them, the mean of all symbols: nothing is known in advance. A symbol of
    which that week lacks days tells nothing of it; days of which no symbol does stand by themselves."""
    main, market = made.main, made.prepared.market
    ends: dict[int, int] = {}
    for index, at in enumerate(main.at):
        ends[(at - 1) // DAY] = index
    # A column of prices goes on with the last one through holes and beyond the symbol's end.
    held = {name: set(((one.times + market.interval - 1) // DAY).tolist()) for name, one in market.series.items()}
    groups: dict[str, Group] = {"rising": [], "falling": [], "sideways": [], "calm": [], "wild": [], UNKNOWN: []}
    for day, value in zip(own.days, own.returns, strict=True):
        week = [d for d in range(day - 8, day) if d in ends]
        seen = [_week([column[ends[d]] for d in week if d in held[name]]) for name, column in main.prices.items()]
        known = [one for one in seen if one is not None]
        if not known:
            groups[UNKNOWN].append((day, value))
            continue
        change = metrics.mean([one[0] for one in known])
        way = "rising" if change > TREND else "falling" if change < -TREND else "sideways"
        noise = "wild" if metrics.mean([one[1] for one in known]) > WILD else "calm"
        groups[way].append((day, value))
        groups[noise].append((day, value))
    return _slices(groups, beside)


def _week(closes: Sequence[float]) -> tuple[float, float] | None:
    """(change, yearly volatility) of eight daily closes; None where one is missing."""
    if len(closes) < 8 or min(closes) <= 0.0:
        return None
    steps = [b / a - 1.0 for a, b in pairwise(closes)]
    return closes[-1] / closes[0] - 1.0, metrics.deviation(steps) * metrics.YEAR_DAYS**0.5


def as_document(found: Analysis) -> dict[str, Any]:
    """For ``report.json``."""
    import msgspec

    made = msgspec.to_builtins(found)
    assert isinstance(made, dict)
    return made
