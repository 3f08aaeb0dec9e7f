"""The walk as a page of its own."""

import json
from html import escape
from pathlib import Path
from typing import Any

from gridbot_tui.research.analysis import day_name
from gridbot_tui.research.html import table_of, whole
from gridbot_tui.research.svg import COLOURS, Line, chart
from gridbot_tui.research.verdict import bounds, number, percent
from gridbot_tui.research.walkforward import Walk, curve
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
    page.write_text(render(made, result), encoding="utf-8")
    data.write_text(json.dumps(result, indent=2, allow_nan=False) + "\n", encoding="utf-8")
    return page, data


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
    verdict = (
        f"Choosing among {len(made.sets)} sets on the past, over staying with the defaults: "
        f"{bounds(made.advantage)} a year, in Sharpe {bounds(made.sharpe_advantage, as_percent=False)}. "
        f"The out-of-sample mean return is {bounds(made.growth)} a year; the deflated probability of skill "
        f"is {number(made.deflated)}."
    )
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
    left = f"; {made.left_out} windows left out, too few of their days hold data" if made.left_out else ""
    head = "<tr><th>test from</th><th>chosen</th><th>train Sharpe</th><th>return</th><th>defaults</th></tr>"
    return whole(
        f"Walk-forward of {names}",
        f"<h1>Walk-forward of {escape(names)}</h1>"
        f"<p class='sub'>{len(made.windows)} windows, {len(made.days)} test days; every day was unseen when "
        f"its parameters were chosen{left}</p><p>{escape(verdict)}</p>"
        f"{chart('Out of sample, per cent', lines, unit=' %', zero=True)}"
        f"{table_of(top + beside)}<p class='sub'>{NOTE}</p><h2>Window by window</h2>"
        f"<p class='sub'>The set with the best Sharpe ratio of {lengths[0]} days trades the {lengths[1]} days after "
        f"them; every run begins flat, after a warm-up. To choose among: {escape(sets)}.</p>{table_of(head + rows)}",
    )
