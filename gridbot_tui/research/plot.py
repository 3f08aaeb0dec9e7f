"""The report's curves in the terminal."""

import re
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime

from gridbot_tui.research import metrics
from gridbot_tui.research.backtest import Study
from gridbot_tui.research.pareto import Found
from gridbot_tui.units import Ms

POINTS = 400
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
BACKGROUND = re.compile(r"\x1b\[48;5;\d+m|\x1b\[38;5;0m")
"""The terminal's own background and ink stay."""
PAINT = ("green", "yellow", "blue", "magenta")


def terminal(made: Study, width: int | None = None, *, colour: bool = True) -> str:
    """Equity beside buy and hold, drawdown, leverage and weights, drawn in characters."""
    columns = width or min(shutil.get_terminal_size((100, 30)).columns, 140)
    main = made.main
    if len(main.at) < 2:
        return "nothing to plot: no hour ended"

    def growth(values: Sequence[float], start: float) -> list[float]:
        return [100 * v / start - 100 for v in values]

    equity = [("strategy", main.at, growth(main.equity, main.capital))]
    held = made.others.get("buy_and_hold")
    if held is not None and len(held.at) > 1:
        equity.append(("buy and hold", held.at, growth(held.equity, held.capital)))
    fall = [100 * v for v in metrics.drawdowns(main.equity, main.capital)]
    weights = [
        (name, main.at, list(column)) for name, column in zip(("up", "down", "neutral"), main.weights, strict=True)
    ]
    drawn = "\n".join(
        (
            _figure("equity, %", equity, columns, 16),
            _figure("drawdown, %", [("strategy", main.at, fall)], columns, 9),
            _figure("leverage held", [("exposure / equity", main.at, list(main.leverage))], columns, 9),
            _figure("weights", weights, columns, 9),
        )
    )
    return BACKGROUND.sub("", drawn) if colour else ESCAPE.sub("", drawn)


def _figure(title: str, lines: Sequence[tuple[str, Sequence[Ms], Sequence[float]]], width: int, height: int) -> str:
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width, height)
    figure.canvas("default")
    figure.title(title)
    first = min(at[0] for _, at, _ in lines)
    last = max(at[-1] for _, at, _ in lines)
    for (name, at, values), paint in zip(lines, PAINT, strict=False):
        step = max(1, len(at) // POINTS)
        marker = plotext.marker("braille", pixel=paint)
        signal = figure.signal(list(at[::step]), list(values[::step]), marker=marker).lines()
        if len(lines) > 1:
            signal.label(name)
        figure.draw(signal)
    figure.axes(False, axis="x", side="upper")
    figure.axes(False, axis="y", side="right")
    ticks = [first + (last - first) * i // 4 for i in range(5)]
    days = [datetime.fromtimestamp(t / 1000, UTC).strftime("%Y-%m-%d") for t in ticks]
    figure.ruler("x").ticks(ticks, days)
    return str(figure.build().string()).rstrip("\n")


def front(made: Found, width: int | None = None) -> str:
    """The front of a search: return over deepest fall, the chosen set and the config as it is marked."""
    import plotext

    plotext.terminal.limit(False, False)
    figure = plotext.figure
    figure.clear()
    figure.plot_size(width or min(shutil.get_terminal_size((100, 30)).columns, 120), 18)
    figure.canvas("default")
    figure.title("return, % over deepest fall, %")
    groups = [("front", list(made.front)), ("chosen", [made.chosen])]
    if made.usual is not None:
        groups.append(("as it is", [made.usual]))
    for (name, members), paint, sign in zip(groups, PAINT, ("o", "#", "+"), strict=False):
        across = [100 * one.train.drawdown for one in members]
        up = [100 * one.train.net_return for one in members]
        signal = figure.signal(across, up, marker=plotext.marker(sign, pixel=paint))
        signal.label(name)
        figure.draw(signal)
    return ESCAPE.sub("", str(figure.build().string())).rstrip("\n")
