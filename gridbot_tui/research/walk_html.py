"""The walk as a page of its own."""

import json
from html import escape
from pathlib import Path
from typing import Any

from gridbot_tui.research.analysis import day_name
from gridbot_tui.research.html import rests_on, table_of, whole
from gridbot_tui.research.intervals import Interval
from gridbot_tui.research.svg import COLOURS, Line, chart
from gridbot_tui.research.verdict import bounds, deflation, number, percent
from gridbot_tui.research.walkforward import DEFAULTS, Walk, curve
from gridbot_tui.research.written import put
from gridbot_tui.units import DAY

BESIDE = ("", "return", "a year", "Sharpe", "deepest fall", "chosen ahead by, a year")
NOTE = (
    "The test days alone, one after the other, costs included; falls are of daily values. Sharpe ratios are yearly, of "
    "daily returns; brackets are 95 % intervals by block bootstrap."
)


def write(folder: Path, made: Walk, result: dict[str, Any]) -> tuple[Path, Path]:
    """Write ``walkforward.html`` and ``walkforward.json``. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "walkforward.html", folder / "walkforward.json"
    put({page: render(made, result), data: json.dumps(result, indent=2, allow_nan=False) + "\n"})
    return page, data


def sentences(made: Walk, result: dict[str, Any]) -> list[str]:
    """What choosing on the past was worth, and whether any of it is more than luck, said as plainly where it is not."""
    whole = f"Over {len(made.days)} test days the sets chosen on the past made"
    said = [f"{whole} {percent(result['out_of_sample']['net_return'])}."]
    if made.growth is None:
        return [*said, "These days are too few for an interval: take no figure here for more than an anecdote."]
    said.append(f"Their yearly mean return, {bounds(made.growth)}, {_luck(made.growth)}.")
    for name, gap in made.ahead.items():
        beside = "staying with the defaults" if name == DEFAULTS else name.replace("_", " ")
        sharpe = f", in Sharpe {bounds(made.sharpe_advantage, as_percent=False)}" if name == DEFAULTS else ""
        if gap is None:
            said.append(f"Against {beside}: too few common days to say.")
        elif gap.certain:
            word = "Ahead of" if gap.low > 0 else "Behind"
            said.append(f"{word} {beside} by {bounds(gap)} a year{sharpe}.")
        else:
            said.append(f"Against {beside} no difference is shown: {bounds(gap)} a year{sharpe}.")
    if made.deflated is not None:
        sets = f"{len(made.sets)} set{'s'[: len(made.sets) > 1]}"
        said.append(deflation(made.deflated, f"the {sets} to choose among"))
    return said


def _luck(found: Interval) -> str:
    if not found.certain:
        return "is not distinguishable from zero"
    return f"is {'above' if found.low > 0 else 'below'} zero beyond luck of these days"


def render(made: Walk, result: dict[str, Any]) -> str:
    """The page."""
    at = [day * DAY for day in made.days]
    lines = [
        Line(name.replace("_", " "), at, [100 * v - 100 for v in curve(values)], colour, wide=name == "chosen")
        for (name, values), colour in zip(made.returns.items(), COLOURS, strict=False)
    ]
    rows = "".join(
        f"<tr><td>{day_name(one.window.test_from // DAY)}</td><td>{escape(one.chosen)}</td>"
        f"<td>{number(one.train_sharpe)}</td><td>{percent(one.test_return)}</td><td>{percent(one.default_return)}</td></tr>"
        for one in made.windows
    )
    said = "".join(f"<li>{escape(line)}</li>" for line in sentences(made, result))
    figures = {"chosen": result["out_of_sample"], **result["baselines"]}
    beside = "".join(
        f"<tr class='{'own' if name == 'chosen' else ''}'><td>{escape(name.replace('_', ' '))}</td>"
        f"<td>{percent(one['net_return'])}</td><td>{percent(one['cagr'])}</td><td>{number(one['sharpe'])}</td>"
        f"<td>{percent(one['max_drawdown'])}</td><td>{'' if name == 'chosen' else bounds(made.ahead[name])}</td></tr>"
        for name, one in figures.items()
    )
    top = f"<tr>{''.join(f'<th>{name}</th>' for name in BESIDE)}</tr>"
    first = made.windows[0].window
    lengths = (first.test_from - first.train_from) // DAY, (first.test_to - first.test_from) // DAY
    names, sets = ", ".join(made.symbols), "; ".join(made.sets)
    left = f"; {made.left_out} windows left out, too few of the days that they need hold data" if made.left_out else ""
    head = "<tr><th>test from</th><th>chosen</th><th>train Sharpe</th><th>return</th><th>defaults</th></tr>"
    return whole(
        f"Walk-forward of {names}",
        f"<h1>Walk-forward of {escape(names)}</h1>"
        f"<p class='sub'>{len(made.windows)} windows, {len(made.days)} test days; every day was unseen when "
        f"its parameters were chosen{left}</p><ul>{said}</ul>"
        f"{chart('Out of sample, per cent', lines, unit=' %', zero=True)}"
        f"{table_of(top + beside)}<p class='sub'>{NOTE}</p><h2>Window by window</h2>"
        f"<p class='sub'>The set with the best Sharpe ratio of {lengths[0]} days trades the {lengths[1]} days after "
        f"them; every run begins flat, after a warm-up. To choose among: {escape(sets)}.</p>{table_of(head + rows)}"
        f"{rests_on(made.assumed)}",
    )
