"""The findings of the strategy's own research beside what these recordings say: one table, with intervals."""

from collections.abc import Iterator, Sequence

from gridbot_tui.research import intervals, metrics
from gridbot_tui.research.backtest import Study
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.verdict import bounds, number, percent

Pool = dict[int, list[float]]

CLAIMS = (
    ("the whole, Sharpe", "strategy", "", "1.21 [0.09, 2.41]"),
    ("NEUTRAL gated less ungated", "neutral_alone", "ungated_neutral", "+1.40 [0.68, 2.52], +1.96 [1.30, 2.90]"),
    ("the whole less the ungated neutral grid", "strategy", "ungated_neutral", "+1.77 [0.57, 2.98]"),
    ("NEUTRAL alone", "neutral_alone", "", "1.22 [0.38, 2.13]"),
    ("UP alone", "up_alone", "", "0.79 [-0.48, 2.00]"),
    ("DOWN alone", "down_alone", "", "-0.71 [-1.38, -0.16]"),
    ("learned less fixed weights", "strategy", "fixed_prior", "-0.03 [-0.19, 0.13]"),
    ("fixed prior less equal weights", "fixed_prior", "equal_weights", "+0.37 [-0.02, 0.78]"),
    ("the whole less buy and hold", "strategy", "buy_and_hold", "not significant"),
    ("the whole less the static geometric grid", "strategy", "static_grid", "not significant"),
)
"""(what, of which runs' daily returns, less which, what the research said)."""


def daily(studies: Sequence[Study], name: str) -> Pool:
    """Returns by day of every study that played ``name``."""
    pool: Pool = {}
    for made in studies:
        one = made.main if name == "strategy" else made.others.get(name)
        if one is None:
            continue
        found = one.daily(made.since)
        for day, value in zip(found.days, found.returns, strict=True):
            pool.setdefault(day, []).append(value)
    return pool


def pooled(studies: Sequence[Study], name: str, less: str = "") -> tuple[list[float], list[float] | None]:
    """The mean over the series of each day's returns, and of those to compare with on the same days."""
    ours = daily(studies, name)
    theirs = daily(studies, less) if less else ours
    days = sorted(ours.keys() & theirs.keys())
    mine = [metrics.mean(ours[day]) for day in days]
    return mine, [metrics.mean(theirs[day]) for day in days] if less else None


def lines(futures: Sequence[Study], spot: Sequence[Study], *, known: bool = True) -> Iterator[str]:
    """The table, the futures series pooled by day and the spot series pooled by day. ``known``: they are the series
    that the words were written for."""
    yield "## What the research found, and what these recordings say"
    yield ""
    yield "Each column pools its series: the mean of all that traded on a day is that day's return. The research's"
    yield (
        "series overlap these in part, and parts of its test set are left out here, so agreement is no second proof."
        if known
        else "series may overlap these, and where they do agreement is no second proof."
    )
    yield "Sharpe ratios or their differences, yearly; a difference counts only where its interval leaves out zero."
    yield ""
    yield "| finding | the research | futures here | spot here |"
    yield "|---|---|---|---|"
    for what, name, less, said in CLAIMS:
        cells = [_cell(group, name, less) for group in (futures, spot)]
        yield f"| {what} | {said} | {cells[0]} | {cells[1]} |"
    for title, group in (("futures", futures), ("spot", spot)):
        if group:
            yield ""
            yield _whole(title, group)
    yield ""


def _cell(studies: Sequence[Study], name: str, less: str) -> str:
    if not studies:
        return "-"
    mine, theirs = pooled(studies, name, less)
    found = intervals.sharpe_interval(mine, theirs)
    if found is None:
        return "too few days"
    return bounds(found, as_percent=False) + _mark(found, bool(less))


def _mark(found: Interval, difference: bool) -> str:
    return "" if not difference else " (certain)" if found.certain else " (not significant)"


def _whole(title: str, studies: Sequence[Study]) -> str:
    returns, _ = pooled(studies, "strategy")
    equity = [1.0]
    for value in returns:
        equity.append(equity[-1] * (1.0 + value))
    growth = metrics.cagr(1.0, equity[-1], float(len(returns)))
    held = max(float(str(one.main.figures["max_leverage_observed"])) for one in studies)
    deflated = intervals.deflated_sharpe(returns, 180)
    return (
        f"All {title} together: {len(returns)} days, {percent(growth)} a year, deepest fall "
        f"{percent(metrics.max_drawdown(equity, 1.0))}, highest leverage held {held:.2f}x, deflated probability of "
        f"skill {number(deflated)} (the research: 11 %, -12.5 %, 1.6x, 0.68)."
    )
