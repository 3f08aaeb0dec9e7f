"""``gridbot backtest``: would this have worked, and can the answer be trusted?"""

import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, where
from gridbot_tui.commands.output import document as print_document
from gridbot_tui.commands.output import pairs, percent, say, table
from gridbot_tui.units import Market, Ms

if TYPE_CHECKING:
    from gridbot_tui.research.backtest import Study
    from gridbot_tui.research.request import Request

DataOption = Annotated[
    list[str], typer.Option("--data", metavar="PATH...", help="Files, folders or globs of recorded candles.")
]
SymbolsOption = Annotated[list[str] | None, typer.Option("--symbol", metavar="S", help="Symbol; repeatable.")]
MarketOption = Annotated[Market | None, typer.Option("--market", help="Market of the data, where paths do not tell.")]
ConfigOption = Annotated[Path | None, typer.Option("--config", metavar="FILE", help="Config file.")]
FromOption = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day (UTC) to use.")]
ToOption = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Day (UTC) to stop before.")]
IntervalOption = Annotated[str | None, typer.Option("--interval", metavar="I", help="Interval of --data.")]
SetOption = Annotated[
    list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Set a key over the config; repeatable.")
]


def backtest(
    ctx: typer.Context,
    data: DataOption,
    symbol: SymbolsOption = None,
    market: MarketOption = None,
    interval: IntervalOption = None,
    config: ConfigOption = None,
    sets: SetOption = None,
    frm: FromOption = None,
    to: ToOption = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write report.html and report.json there.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the curves in the terminal.")] = False,
    trials: Annotated[
        int, typer.Option("--trials", min=1, help="Configurations tried so far, for the deflated Sharpe ratio.")
    ] = 180,
    json: JsonOption = False,
) -> None:
    """Run the engine on recorded candles and compare it with simple alternatives.

    Example: gridbot backtest --data um/BTCUSDT/1m --from 2025-01-01 --report out --plot
    """
    from gridbot_tui.research.backtest import document, study
    from gridbot_tui.research.ring import RingFailed
    from gridbot_tui.service.assemble import RunRefused

    at = where(ctx, json=json)
    request = request_of(ctx, data, symbol, market, interval, config, sets, frm, to)
    try:
        made = study(request, full=report is not None)
    except RunRefused as refused:
        raise CommandFailed(str(refused), Exit.USAGE) from refused
    except RingFailed as failed:
        raise CommandFailed(str(failed), Exit.FAILED) from failed
    result = document(made)
    if report is not None:
        _report(report, made, trials)
    if at.json:
        print_document(result)
    else:
        print("\n".join(_lines(result)))
    if plot:
        from gridbot_tui.research.plot import terminal

        out = sys.stderr if at.json else sys.stdout
        print(terminal(made, colour=out.isatty() and not os.environ.get("NO_COLOR")), file=out)


def request_of(
    ctx: typer.Context,
    data: list[str],
    symbol: list[str] | None,
    market: Market | None,
    interval: str | None,
    config: Path | None,
    sets: list[str] | None,
    frm: str | None,
    to: str | None,
) -> "Request":
    """The options of a run over recorded data, understood. Raises CommandFailed."""
    from gridbot_tui.research.request import Request
    from gridbot_tui.settings.load import pair
    from gridbot_tui.settings.problems import ConfigError

    at = where(ctx)
    try:
        given = tuple(pair(text) for text in sets or ())
    except (ConfigError, ValueError) as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    return Request(
        data=tuple(data),
        symbols=tuple(name.upper() for name in symbol or ()),
        market=market,
        interval=interval,
        config=config or at.config,
        overrides=at.overrides + given,
        frm=day(frm, "--from"),
        to=day(to, "--to"),
    )


def day(text: str | None, option: str) -> Ms | None:
    """A date, or a date with a time, in UTC, as milliseconds. Raises CommandFailed."""
    if text is None:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError as wrong:
        raise CommandFailed(f"{option} {text}: not a date such as 2025-01-31", Exit.USAGE) from wrong
    aware = found if found.tzinfo is not None else found.replace(tzinfo=UTC)
    return round(aware.timestamp() * 1000)


def _report(folder: Path, made: "Study", trials: int) -> None:
    from gridbot_tui.research.analysis import analyse
    from gridbot_tui.research.html import write

    try:
        page, data = write(folder, made, analyse(made, trials))
    except OSError as wrong:
        raise CommandFailed(f"the report could not be written: {wrong}", Exit.FAILED) from wrong
    say(f"report: {page}\nfigures: {data}")


def _lines(result: dict[str, Any]) -> list[str]:
    """The result for a person."""

    def number(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    lines = pairs(
        [
            ("symbols", ", ".join(result["symbols"])),
            ("bars", f"{result['bars']:,} in {result['elapsed_s']:.2f} s, {result['bars_per_s']:,} a second"),
            ("net return", percent(result["net_return"])),
            ("a year", percent(result["cagr"])),
            ("deepest fall", percent(result["max_drawdown"])),
            ("Sharpe, Sortino, Calmar", ", ".join(number(result[k]) for k in ("sharpe", "sortino", "calmar"))),
            ("fills, cycles, won", f"{result['fills']}, {result['cycles']}, {percent(result['win_rate'], 0)}"),
            ("turnover a day", f"{result['turnover']:.2f}"),
            ("fees, funding", f"{float(result['fees']):.2f}, {float(result['funding']):.2f}"),
            ("final equity", result["final_equity"]),
            ("highest leverage", f"{result['max_leverage_observed']:.2f}x, worst case {result['max_leverage']:.2f}x"),
            ("liquidations, residual", f"{result['liquidations']}, {result['residual']}"),
        ]
    )
    rows = [
        (
            name.replace("_", " "),
            percent(one.get("net_return")),
            percent(one.get("max_drawdown")),
            number(one.get("sharpe")),
        )
        for name, one in result["baselines"].items()
    ]
    return [*lines, "", *table(("baseline", "return", "deepest fall", "Sharpe"), rows)]
