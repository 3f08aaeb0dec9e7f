"""The report: one HTML file that needs nothing else, and its figures again as JSON."""

import json
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

from gridbot_tui.research import metrics
from gridbot_tui.research.analysis import TREND, WILD, Analysis, Slice, as_document
from gridbot_tui.research.backtest import Study, document
from gridbot_tui.research.quiet import held_back, nothing_traded
from gridbot_tui.research.svg import COLOURS, Dot, Line, chart, interval_bars
from gridbot_tui.research.verdict import assumptions, bounds, halt_words, liquidated, minute, number, percent, verdicts
from gridbot_tui.research.written import put
from gridbot_tui.units import Side

MOST_DOTS = 1_500
CARDS = (
    "A cycle is a lot bought and sold again. Funding above zero was received. Leverage is what is held over equity; "
    "the worst case counts every order that might fill as well. The residual is what the books cannot explain of the "
    "wallet: anything but 0 is a defect."
)
MARKETS = (
    f"Rising, falling, sideways: days after a week in which prices went more than {100 * TREND:g} % up, as far down, "
    f"or neither; calm, wild: after a week of up to {100 * WILD:g} % yearly volatility, or more; the mean of all "
    "symbols. Each day counts in both."
)
STYLE = """
:root{color-scheme:light dark}
body{font:15px/1.5 system-ui,sans-serif;max-width:1010px;margin:2em auto;padding:0 1em;color:#1c2326;background:#fdfdfb}
h1{font-size:1.6em;margin-bottom:.1em}h2{font-size:1.15em;margin-top:2em;border-bottom:1px solid #dcdcd4}
.sub{color:#6a7275}.cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(140px,1fr));gap:.6em;margin:1em 0}
.cards div{background:#f1f1ea;border-radius:6px;padding:.5em .8em}.cards b{display:block;font-size:1.25em}
.cards span{color:#6a7275;font-size:.85em}figure{margin:1em 0;overflow-x:auto}figcaption{font-weight:600}
svg{width:100%;min-width:760px;height:auto;font:11px system-ui,sans-serif}.wide{overflow-x:auto}
svg text{fill:#5c6467}.g{stroke:#e6e6de}.z{stroke:#888}
.legend{font-weight:400;font-size:.85em;color:#5c6467}.legend span{margin-left:.9em}
.legend i{display:inline-block;width:.8em;height:.8em;margin-right:.3em;border-radius:2px}
table{border-collapse:collapse;width:100%;font-size:.9em}
td,th{padding:.25em .5em;text-align:right;border-bottom:1px solid #e6e6de}
td:first-child,th:first-child{text-align:left}td+td{white-space:nowrap}tr.own td{font-weight:600;background:#eef5f1}
td.up{background:#dcefe4}td.down{background:#f6e2d8}ul{padding-left:1.2em}
@media (prefers-color-scheme:dark){
body{background:#16191a;color:#dfe3e2}.cards div{background:#22282a}.g{stroke:#2b3234}
h2,td,th{border-color:#2b3234}svg text,.legend,.sub,.cards span{fill:#9aa4a6;color:#9aa4a6}tr.own td{background:#1d2b26}
td.up{background:#1d3529}td.down{background:#3a2720}}
"""


def write(folder: Path, made: Study, found: Analysis) -> tuple[Path, Path]:
    """Write ``report.html`` and ``report.json`` into ``folder``. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    page, data = folder / "report.html", folder / "report.json"
    whole = {"result": document(made), "analysis": as_document(found), "assumptions": assumptions(made)}
    put({page: render(made, found), data: json.dumps(whole, indent=2, allow_nan=False) + "\n"})
    return page, data


def render(made: Study, found: Analysis) -> str:
    """The page."""
    names = ", ".join(made.prepared.market.symbols)
    quote = made.prepared.engine_config().quote
    sub = f"{minute(made.main.start)} to {minute(made.main.end)} UTC, capital {made.main.capital:,.0f} {quote}"
    body = [
        f"<h1>Back-test of {escape(names)}</h1><p class='sub'>{sub}</p>",
        _cards(made, found, quote) + f"<p class='sub'>{CARDS}</p>",
        "<h2>What it says</h2>" + _list([*nothing_traded(made), *liquidated(made), *verdicts(found)]),
        "<h2>Equity</h2>" + _equity(made) + _drawdown(made),
        "<h2>Beside the baselines</h2>" + _table(found) + _gaps(found),
        "<h2>How it traded</h2>" + _leverage(made) + _weights(made) + _prices(made) + _held_back(made),
        "<h2>By month, year and market</h2>" + _months(found) + _slices(found.years) + _slices(found.regimes, MARKETS),
        "<h2>Worst days</h2>" + _worst(found) + _halts(found),
        _sensitivity(found),
        rests_on(assumptions(made)),
    ]
    return whole(f"Back-test of {names}", "\n".join(body))


def whole(title: str, body: str) -> str:
    """A page of its own with this body; it fits a telephone and a dark room."""
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'>"
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def table_of(rows: str) -> str:
    """Rows as a table, which is scrolled for itself where the page is narrower."""
    return f"<div class='wide'><table>{rows}</table></div>"


def rests_on(assumed: Sequence[str]) -> str:
    """What the figures of a page were made with."""
    return "<h2>What was assumed</h2>" + _list(assumed)


def _list(lines: Sequence[str]) -> str:
    return "<ul>" + "".join(f"<li>{escape(line)}</li>" for line in lines) + "</ul>"


def _cards(made: Study, found: Analysis, quote: str) -> str:
    """The result document's own figures; what is reckoned by days, of those after the warm-up."""
    f: dict[str, Any] = made.main.figures
    own = found.rows[0]
    shown = (
        ("net return", percent(f["net_return"])),
        ("deepest fall", percent(f["max_drawdown"])),
        ("Sharpe after the warm-up", number(own.sharpe)),
        ("yearly mean after it, 95 %", bounds(found.growth)),
        ("fills / cycles", f"{f['fills']} / {f['cycles']}"),
        (f"fees / funding, {quote}", f"{float(f['fees']):,.2f} / {float(f['funding']):+,.2f}"),
        ("highest leverage", f"{f['max_leverage_observed']:.2f}x of {f['max_leverage']:.2f}x worst case"),
        ("liquidations / residual", f"{f['liquidations']} / {f['residual']}"),
    )
    return "<div class='cards'>" + "".join(f"<div><span>{n}</span><b>{v}</b></div>" for n, v in shown) + "</div>"


def _equity(made: Study) -> str:
    lines = [
        Line(one.name.replace("_", " "), one.at, [100 * v / one.capital - 100 for v in one.equity], COLOURS[i % 10])
        for i, one in enumerate(made.others.values(), 1)
    ]
    main = made.main
    values = [100 * v / main.capital - 100 for v in main.equity]
    lines.append(Line("strategy", main.at, values, COLOURS[0], wide=True))
    return chart("Equity, per cent of capital", lines, unit=" %", zero=True)


def _drawdown(made: Study) -> str:
    main = made.main
    falls = [100 * v for v in metrics.drawdowns(main.equity, main.capital)]
    return chart("Drawdown", [Line("strategy", main.at, falls, COLOURS[1], filled=True)], unit=" %", zero=True)


def _leverage(made: Study) -> str:
    main = made.main
    line = Line("exposure / equity", main.at, main.leverage, COLOURS[2], filled=True)
    return chart("Leverage held, hourly", [line], unit="x", zero=True)


def _weights(made: Study) -> str:
    main = made.main
    lines = [
        Line(name, main.at, column, COLOURS[i])
        for i, (name, column) in enumerate(zip(("up", "down", "neutral"), main.weights, strict=True))
    ]
    return chart("Weights of the systems", lines, zero=True)


def _prices(made: Study) -> str:
    main, out = made.main, []
    for symbol in main.prices:
        at, closes = made.closes(symbol)
        if len(at) < 2:
            continue
        marks = [mark for mark in main.marks if mark.symbol == symbol]
        step = max(1, -(-len(marks) // MOST_DOTS))
        dots = [Dot(m.at, m.price, COLOURS[0] if m.side is Side.BUY else COLOURS[1]) for m in marks[::step]]
        line = Line(symbol, at, closes, "#8a9294")
        shown = "" if step == 1 else f", one in {step} shown"
        out.append(chart(f"{symbol} with {len(marks)} fills (green bought, brown sold{shown})", [line], dots=dots))
    return "".join(out)


def _held_back(made: Study) -> str:
    said = held_back(made)
    return "<p>What held orders back:</p>" + _list(said) if said else ""


def _table(found: Analysis) -> str:
    head = ("", "return", "a year", "Sharpe", "deepest fall", "fills", "strategy ahead by, a year", "in Sharpe")
    rows = []
    for row in found.rows:
        own = row is found.rows[0]
        cells = (
            "strategy" if own else row.title,
            percent(row.net_return),
            percent(row.cagr),
            number(row.sharpe),
            percent(row.max_drawdown),
            str(row.fills if row.fills is not None else "-"),
            "" if own else bounds(row.advantage),
            "" if own else bounds(row.sharpe_advantage, as_percent=False),
        )
        rows.append(f"<tr class='{'own' if own else ''}'>" + "".join(f"<td>{escape(c)}</td>" for c in cells) + "</tr>")
    top = "".join(f"<th>{name}</th>" for name in head)
    said = ["Days after the warm-up; falls are of hourly values, those inside an hour may be deeper."]
    said += ["Sharpe ratios are yearly, of daily returns; brackets are 95 % intervals by block bootstrap."]
    said += [f"Best in hindsight: {escape(found.best)}. Nobody knew."] if found.best else []
    return table_of(f"<tr>{top}</tr>{''.join(rows)}") + f"<p class='sub'>{' '.join(said)}</p>"


def _gaps(found: Analysis) -> str:
    rows = [
        (row.title, 100 * row.advantage.value, 100 * row.advantage.low, 100 * row.advantage.high)
        for row in found.rows[1:]
        if row.advantage is not None and row.name != "best_in_hindsight"  # it is one of the others
    ]
    if not rows:
        return ""
    bars = interval_bars(rows)
    return f"<figure><figcaption>Strategy ahead by, a year, with its 95 % interval</figcaption>{bars}</figure>"


def _months(found: Analysis) -> str:
    if not found.months:
        return "<p class='sub'>No day ended after the warm-up.</p>"
    years = sorted({year for year, _, _ in found.months})
    by = {(year, month): value for year, month, value in found.months}
    names = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    out = ["<tr><th></th>" + "".join(f"<th>{n}</th>" for n in names) + "</tr>"]
    for year in years:
        cells = []
        for month in range(1, 13):
            value = by.get((year, month))
            mark = "" if value is None or abs(value) < 5e-4 else "up" if value > 0 else "down"
            cells.append(f"<td class='{mark}'>{'' if value is None else percent(value)}</td>")
        out.append(f"<tr><td>{year}</td>{''.join(cells)}</tr>")
    return table_of("".join(out))


def _slices(parts: Sequence[Slice], note: str = "") -> str:
    if not parts:
        return ""
    rows = "".join(
        f"<tr><td>{escape(p.name)}</td><td>{p.days}</td><td>{percent(p.total)}</td><td>{number(p.sharpe)}</td>"
        f"<td>{bounds(p.growth)}</td><td>{bounds(p.advantage)}</td></tr>"
        for p in parts
    )
    head = "<th></th><th>days</th><th>return</th><th>Sharpe</th><th>mean a year</th><th>ahead of buy and hold</th>"
    return table_of(f"<tr>{head}</tr>{rows}") + (f"<p class='sub'>{note}</p>" if note else "")


def _worst(found: Analysis) -> str:
    lost = [f"<tr><td>{day}</td><td>{percent(value, 2)}</td></tr>" for day, value in found.worst if value < 0.0]
    return table_of("".join(lost)) if lost else "<p class='sub'>No day lost anything.</p>"


def _halts(found: Analysis) -> str:
    if not found.halts:
        return "<p class='sub'>The drawdown halt never triggered.</p>"
    return _list([halt_words(one) for one in found.halts])


def _sensitivity(found: Analysis) -> str:
    if not found.sensitivity or not found.days:
        return ""
    rows = "".join(
        f"<tr><td>{escape(one.key)}</td><td>{one.before:g} to {one.after:g}</td><td>{percent(one.net_return)}</td>"
        f"<td>{number(one.sharpe)}</td><td>{percent(one.max_drawdown)}</td><td>{bounds(one.gain)}</td></tr>"
        for one in found.sensitivity
    )
    head = "<th>parameter</th><th>from, to</th><th>return</th><th>Sharpe</th><th>deepest fall</th><th>gain a year</th>"
    note = "One parameter at a time, the rest as it was. A gain here is no reason to change anything: ask walkforward."
    return f"<h2>How much hangs on each parameter</h2><p class='sub'>{note}</p>" + table_of(
        f"<tr>{head}</tr>{rows}"
    )
