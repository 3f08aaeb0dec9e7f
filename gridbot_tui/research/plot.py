"""The report's curves in the terminal."""

import math
import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from gridbot_tui.research import metrics
from gridbot_tui.research.advantage import advantage
from gridbot_tui.research.analysis import months
from gridbot_tui.research.backtest import Study
from gridbot_tui.research.baselines import TITLES
from gridbot_tui.research.pareto import Found
from gridbot_tui.research.svg import thinned
from gridbot_tui.units import DAY, Ms, Side

POINTS = 400
"""Of a curve; each stretch keeps its lowest and highest: what a fall of an hour is drawn by."""
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
BACKGROUND = re.compile(r"\x1b\[48;5;\d+m|\x1b\[38;5;0m")
"""The terminal's own background and ink stay."""
_PLAIN = dict.fromkeys("│┤├", "|") | dict.fromkeys("─", "-") | dict.fromkeys("└┘┌┐┬┴┼", "+") | {"\u2800": " "}
"""What frames are drawn with where only ASCII can be written; a dot of a curve is a star."""
FEW_DAYS = 5 * DAY
"""Up to so many the axis tells hours."""
BAR, LEAST_BAR = 41, 15
"""Cells of an interval's bar."""
TOLD = 26
"""Cells that an interval's numbers take."""
Line = tuple[str, Sequence[Ms], Sequence[float]]
PAINT = ("green", "yellow", "blue", "magenta")
ANSI = {"red": 31, "green": 32, "yellow": 33, "blue": 34, "magenta": 35}


MOST_PRICES = 3
"""Symbols whose price is drawn; those with the most fills."""
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def terminal(made: Study, width: int | None = None, *, colour: bool = True) -> str:
    """The report in characters: equity against baselines, drawdown, leverage, weights, fills, months, intervals."""
    columns = width or min(shutil.get_terminal_size((100, 30)).columns, 140)
    main = made.main
    if len(main.at) < 2:
        return "nothing to plot: no hour ended"

    def growth(values: Sequence[float], start: float) -> list[float]:
        return [100 * v / start - 100 for v in values]

    equity = [("strategy", main.at, growth(main.equity, main.capital))]
    for name in ("buy_and_hold", "static_grid", "equal_weights"):
        one = made.others.get(name)
        if one is not None and len(one.at) > 1:
            equity.append((name.replace("_", " "), one.at, growth(one.equity, one.capital)))
    fall = [100 * v for v in metrics.drawdowns(main.equity, main.capital)]
    weights = [
        (name, main.at, list(column)) for name, column in zip(("up", "down", "neutral"), main.weights, strict=True)
    ]
    drawn = "\n".join(
        (
            _figure("equity, %", equity, columns, 16, colour=colour),
            _figure("drawdown, %", [("strategy", main.at, fall)], columns, 9),
            _figure("leverage held", [("exposure / equity", main.at, list(main.leverage))], columns, 9),
            _figure("weights", weights, columns, 9, colour=colour),
            *_prices(made, columns),
        )
    )
    drawn = BACKGROUND.sub("", drawn) if colour else ESCAPE.sub("", drawn)
    return "\n".join((drawn, "", *_months(made), "", *_intervals(made, columns)))


def written_for(drawn: str, encoding: str | None) -> str:
    """As it is where the output can write it, else in plain characters: as escapes a plot would be unreadable."""
    try:
        drawn.encode(encoding or "ascii")
    except UnicodeEncodeError:
        return "".join(one if one.isascii() else _PLAIN.get(one, "*") for one in drawn)
    return drawn


def _prices(made: Study, width: int) -> list[str]:
    """The price of the symbols traded most, with their fills on it."""
    main = made.main
    counts = {name: sum(one.symbol == name for one in main.marks) for name in main.prices}
    found = []
    for name in sorted(counts, key=lambda one: (-counts[one], one))[:MOST_PRICES]:
        at, closes = made.closes(name)
        if len(at) < 2:
            continue
        sides = [
            (word, [one.at for one in some], [one.price for one in some])
            for word, side in (("bought", Side.BUY), ("sold", Side.SELL))
            if (some := [one for one in main.marks if one.symbol == name and one.side is side])
        ]
        found.append(_figure(f"{name}, {counts[name]} fills", [("price", at, closes)], width, 14, sides))
    return found


def _months(made: Study) -> list[str]:
    """Return of every month."""
    found = {(year, month): value for year, month, value in months(made.main.daily(made.since))}
    lines = ["month by month, %", "    " + "".join(f"{name:>6}" for name in MONTHS)]
    for year in sorted({year for year, _ in found}):
        cells = [found.get((year, month)) for month in range(1, 13)]
        lines.append(f"{year:<4}" + "".join(" " * 6 if v is None else f"{100 * v:+6.1f}" for v in cells).rstrip())
    return lines


def _intervals(made: Study, width: int) -> list[str]:
    """Every difference to a baseline with its interval, on one scale."""
    own = made.main.daily(made.since)
    gaps = {TITLES.get(name, name): advantage(own, one.daily(made.since)) for name, one in made.others.items()}
    known = {name: gap for name, gap in gaps.items() if gap is not None}
    if not known:
        return ["strategy less baseline, a year: too few days for an interval"]
    least = min(0.0, *(gap.low for gap in known.values()))
    most = max(0.0, *(gap.high for gap in known.values()))
    wide = max(map(len, known))
    cells = max(LEAST_BAR, min(BAR, width - wide - TOLD))
    scale = (cells - 1) / (most - least) if most > least else 0.0
    lines = ["strategy less baseline, % a year, 95 % intervals (| is zero)"]
    for name, gap in known.items():
        low, value, high, zero = (round((v - least) * scale) for v in (gap.low, gap.value, gap.high, 0.0))
        bar = ["-" if low <= i <= high else " " for i in range(cells)]
        bar[zero] = "|"
        bar[value] = "o"
        told = f"{100 * gap.value:+.1f} [{100 * gap.low:+.1f}, {100 * gap.high:+.1f}]"
        lines.append(f"{name:<{wide}} {''.join(bar)} {told}")
    return lines


def _figure(
    title: str, lines: Sequence[Line], width: int, height: int, points: Sequence[Line] = (), *, colour: bool = True
) -> str:
    """One chart under a line that names it and its curves: a legend inside would lie on the data.

    Without colours every curve but the first is drawn with its own initial.
    """
    figure = _blank(width, height - 1)
    first = min(at[0] for _, at, _ in lines)
    last = max(at[-1] for _, at, _ in lines)
    names = []
    drawn = []
    for index, ((name, at, values), paint) in enumerate(zip(lines, PAINT, strict=False)):
        sign = "braille" if colour or not index else name[0]
        across, up = zip(*thinned(at, values, POINTS), strict=True)
        drawn.append(_signal(figure, across, up, sign, paint).lines())
        names.append((name, "\u28e4" if sign == "braille" else sign, paint))
    for one in reversed(drawn):  # the strategy lies on top
        figure.draw(one)
    for (name, at, values), paint, sign in zip(points, ("green", "red"), ("+", "x"), strict=False):
        figure.draw(_signal(figure, at, values, sign, paint))
        names.append((name, sign, paint))
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    ticks = [first + (last - first) * i // 4 for i in range(5)]
    shape = "%Y-%m-%d" if last - first > FEW_DAYS else "%m-%d %H:%M"
    figure.ruler("x").ticks(ticks, [datetime.fromtimestamp(t / 1000, UTC).strftime(shape) for t in ticks])
    everything = [values for _, _, values in (*lines, *points) if len(values)]
    _levels(figure, min(map(min, everything)), max(map(max, everything)))
    return f"{_headline(title, names if len(names) > 1 else [], width)}\n{_built(figure)}"


def _levels(figure: Any, low: float, high: float) -> None:
    """Five values of the upright axis, with as many digits as tell them apart."""
    if high <= low:
        return
    digits = max(0, 1 - math.floor(math.log10((high - low) / 4)))
    ticks = [low + (high - low) * i / 4 for i in range(5)]
    figure.ruler("y").ticks(ticks, [f"{tick + 0.0:,.{digits}f}" for tick in ticks])


def _headline(title: str, names: Sequence[tuple[str, str, str]], width: int) -> str:
    """The title, and each curve's sign and name in its colour."""
    plain = f"{title}   " + "  ".join(f"{sign} {name}" for name, sign, _ in names)
    told = "  ".join(f"\x1b[{ANSI[paint]}m{sign} {name}\x1b[0m" for name, sign, paint in names)
    return " " * max(0, (width - len(plain)) // 2) + f"{title}   {told}".rstrip()


def _blank(width: int, height: int) -> Any:
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.canvas("default")
    return figure


def _signal(figure: Any, across: Sequence[float], up: Sequence[float], sign: str, paint: str) -> Any:
    import plotext

    return figure.signal(list(across), list(up), marker=plotext.marker(sign, pixel=paint))


def _built(figure: Any) -> str:
    return str(figure.build().string()).rstrip("\n")


def front(made: Found, width: int | None = None) -> str:
    """The front of a search: return over deepest fall, the chosen set and the config as it is marked."""
    columns = width or min(shutil.get_terminal_size((100, 30)).columns, 120)
    figure = _blank(columns, 18)
    groups = [("front", list(made.front)), ("chosen", [made.chosen])]
    if made.usual is not None:
        groups.append(("as it is", [made.usual]))
    names = []
    for (name, members), paint, sign in zip(groups, PAINT, ("o", "#", "+"), strict=False):
        across = [100 * one.train.drawdown for one in members]
        figure.draw(_signal(figure, across, [100 * one.train.net_return for one in members], sign, paint))
        names.append((name, sign, paint))
    return ESCAPE.sub("", f"{_headline('return, % over deepest fall, %', names, columns)}\n{_built(figure)}")
