"""The search as a page of its own: the front, what became of it on days unseen, and the choice beside baselines."""

import json
from html import escape
from pathlib import Path
from typing import Any

from gridbot_tui.research.html import render, rests_on, table_of, whole
from gridbot_tui.research.optimise import Search
from gridbot_tui.research.pareto import Found, Member, config_text
from gridbot_tui.research.svg import COLOURS, scatter
from gridbot_tui.research.verdict import bounds, minute, number, percent
from gridbot_tui.research.written import put

CHOSEN = "chosen.toml"
"""The config of the chosen set, beside the page."""


def write(folder: Path, made: Found, wanted: Search, result: dict[str, Any]) -> tuple[Path, Path]:
    """Write ``optimize.html``, ``optimize.json``, the chosen config and, with days unseen, the choice's own report.

    Raises OSError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "optimize.html", folder / "optimize.json"
    files = {page: page_of(made, wanted, result), data: json.dumps(result, indent=2, allow_nan=False) + "\n"}
    if made.holdout is not None and made.analysis is not None:
        files[folder / "chosen.html"] = render(made.holdout, made.analysis)
    files[folder / CHOSEN] = config_text(made, wanted)
    put(files)
    return page, data


def sentences(made: Found) -> list[str]:
    """What the search says, and what it does not prove."""
    counted, chosen = made.counted, made.chosen
    said = [
        f"{counted.done} trials: {counted.complete} played to the end, {counted.pruned} given up early, "
        f"{counted.failed} failed. None beats {made.front_size} sets in return, drawdown and turnover together.",
        f"Chosen: number {chosen.number}, the most return for its deepest fall on the train days "
        f"({percent(chosen.train.net_return)}, {percent(-chosen.train.drawdown)}).",
    ]
    if not chosen.train.fills:
        said.append("It traded nothing there: no set that traded came out better than keeping still.")
    if not all(one.confirmed for one in (*made.front, chosen)):
        said.append("WARNING: a set did not come to the same result when it was played again.")
    if chosen.holdout is None:
        said.append("No days were held back: nothing here says how any set does on days it was not chosen on.")
        return said
    said.append(
        f"On the days after, which the search never saw, it made {percent(chosen.holdout.net_return)} with a fall of "
        f"{percent(-chosen.holdout.drawdown)}; the config it started from "
        + (
            "is not in the space searched."
            if made.usual is None or made.usual.holdout is None
            else f"{percent(made.usual.holdout.net_return)} with {percent(-made.usual.holdout.drawdown)}."
        )
    )
    gap = made.advantage
    if gap is None:
        said.append("Those days are too few for an interval: take the difference for an anecdote.")
    elif gap.low > 0:
        said.append(f"Choosing was worth {bounds(gap)} a year there, beyond luck of those days.")
    else:
        said.append(f"Choosing was worth {bounds(gap)} a year there: not distinguishable from nothing.")
    if made.analysis is not None and made.analysis.deflated is not None:
        skill = number(made.analysis.deflated)
        said.append(f"Deflated for the {made.tried} sets looked at, the probability of skill is {skill}.")
    return said


def page_of(made: Found, wanted: Search, result: dict[str, Any]) -> str:
    """The page."""
    points = [(100 * one.train.drawdown, 100 * one.train.net_return, _label(one)) for one in made.front]
    marked = [(100 * made.chosen.train.drawdown, 100 * made.chosen.train.net_return, "chosen")]
    if made.usual is not None:
        marked.append((100 * made.usual.train.drawdown, 100 * made.usual.train.net_return, "as it is"))
    plot = scatter(points, marked, "deepest fall, %", "return, %", (COLOURS[2], COLOURS[1]))
    said = "".join(f"<li>{escape(line)}</li>" for line in sentences(made))
    names = ", ".join(wanted.train.market.symbols)
    train, rest = result["train"], result["holdout"]
    days = f"Searched on {minute(train['from'])} to {minute(train['to'])} UTC"
    days += "" if rest is None else f", judged on the days after, to {minute(rest['to'])}"
    return whole(
        "Optimisation",
        f"<h1>Optimisation of {escape(names)}</h1><p class='sub'>{days}. Turnover is what was traded a day over "
        f"equity.</p><ul>{said}</ul>"
        f"<figure><figcaption>The front on the train days</figcaption>{plot}</figure>{_table(made, wanted)}"
        f"<h2>Searched</h2><ul>{''.join(f'<li>{escape(one.words)}</li>' for one in wanted.space)}</ul>"
        f"{rests_on(result['assumptions'])}",
    )


def _label(one: Member) -> str:
    return f"number {one.number}, turnover {one.train.turnover:.2f} a day"


def _table(made: Found, wanted: Search) -> str:
    keys = [one.key for one in wanted.space]
    head = "".join(f"<th>{escape(key.rpartition('.')[2])}</th>" for key in keys)
    rows = []
    for one in made.front:
        own = one.number == made.chosen.number
        after = one.holdout
        cells = [
            str(one.number),
            percent(one.train.net_return),
            percent(-one.train.drawdown),
            f"{one.train.turnover:.2f}",
            "-" if after is None else percent(after.net_return),
            "-" if after is None else percent(-after.drawdown),
            *(f"{one.values[key]:g}" for key in keys),
        ]
        rows.append(f"<tr class='{'own' if own else ''}'>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    return "<h2>The front</h2>" + table_of(
        "<tr><th>number</th><th>return</th><th>fall</th><th>turnover</th>"
        f"<th>after: return</th><th>fall</th>{head}</tr>{''.join(rows)}"
    )
