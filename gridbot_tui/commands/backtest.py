"""``gridbot backtest``: would this have worked, and can the answer be trusted?"""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands.output import document as print_document
from gridbot_tui.commands.output import encoding, interval, pairs, percent, say, shown, table, wrapped
from gridbot_tui.commands.recorded import (
    Asked,
    PlayedBy,
    PlayedByOption,
    folder_for,
    over_recorded_data,
    progress_share,
    writing,
)
from gridbot_tui.ops.collecting import seldom_collecting

if TYPE_CHECKING:
    from gridbot_tui.research.backtest import Study


class Sensitivity(StrEnum):
    """Which parameters a report changes, one at a time."""

    ALL = "all"
    MAIN = "main"
    NONE = "none"


@over_recorded_data
@seldom_collecting()
def backtest(
    asked: Asked,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write report.html and report.json there.")
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="Draw the curves in the terminal.")] = False,
    trials: Annotated[
        int, typer.Option("--trials", min=1, max=10**18, help="Configurations tried, for the deflated Sharpe ratio.")
    ] = 180,
    sensitivity: Annotated[
        Sensitivity, typer.Option("--sensitivity", help="Parameters that a report changes one at a time.")
    ] = Sensitivity.MAIN,
    played_by: PlayedByOption = PlayedBy.AUTO,
    verify: Annotated[
        bool, typer.Option("--verify", help="Have the engine play what compiled code has played, and compare.")
    ] = False,
) -> None:
    """Run the engine on recorded candles and compare it with simple alternatives.

    Compiled code plays what it covers once it has been compiled on this machine; a report's own run is always the
    engine's as well.

    Example: gridbot backtest --data um/BTCUSDT/1m --from 2025-01-01 --report out --plot
    """
    from gridbot_tui.research.backtest import document, study_of
    from gridbot_tui.research.quiet import nothing_traded, other_than_asked, remarks
    from gridbot_tui.research.request import prepare

    full = report is not None
    if report is not None:
        folder_for(report)
    made = study_of(
        prepare(asked.request),
        full=full,
        keys=_keys(sensitivity) if full else (),
        progress=progress_share(),
        by=played_by.value,
        verify=verify,
        tell=say,
    )
    result = document(made)
    if report is not None:
        _report(report, made, trials)
    for line in (*other_than_asked(made.prepared), *remarks(made.prepared.market), *nothing_traded(made)):
        say(line)
    if asked.json:
        print_document(result)
    else:
        print("\n".join([*_lines(result, _played(made)), *_halted(made)]))
    if plot:
        from gridbot_tui.research.plot import terminal, written_for

        out = sys.stderr if asked.json else sys.stdout
        drawn = terminal(made, colour=out.isatty() and not os.environ.get("NO_COLOR"))
        print(written_for(drawn, encoding(out)), file=out)


def _played(made: "Study") -> str:
    """Who played it."""
    if not made.compiled:
        return "by the engine"
    return "compiled, the same by the engine" if made.verified else "compiled"


def _halted(made: "Study") -> list[str]:
    """What the drawdown halt cost, if it came."""
    from gridbot_tui.research.verdict import halt_words

    return [line for one in made.main.halts for line in ("", *wrapped(halt_words(one)))]


def _keys(wanted: Sensitivity) -> tuple[str, ...]:
    from gridbot_tui.research.sensitivity import MAIN, REST

    return {Sensitivity.ALL: MAIN + REST, Sensitivity.MAIN: MAIN, Sensitivity.NONE: ()}[wanted]


def _report(folder: Path, made: "Study", trials: int) -> None:
    from gridbot_tui.research.analysis import analyse
    from gridbot_tui.research.html import write

    with writing():
        page, data = write(folder, made, analyse(made, trials))
    say(f"report: {page}\nfigures: {data}")


def _lines(result: dict[str, Any], played: str) -> list[str]:
    """The result for a person."""
    over = "" if result["cagr"] is None else f" at the rate of {result['days']:,.1f} days"
    lines = pairs(
        [
            ("symbols", ", ".join(result["symbols"])),
            ("bars", f"{result['bars']:,} in {result['elapsed_s']:.2f} s, {result['bars_per_s']:,} a second"),
            ("played", played),
            ("net return", percent(result["net_return"])),
            ("a year", percent(result["cagr"]) + over),
            ("deepest fall", percent(result["max_drawdown"])),
            ("Sharpe, Sortino, Calmar", ", ".join(shown(result[k]) for k in ("sharpe", "sortino", "calmar"))),
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
            one.get("sharpe"),
            interval(one["advantage"]),
        )
        for name, one in result["baselines"].items()
    ]
    return [*lines, "", *table(("baseline", "return", "deepest fall", "Sharpe", "strategy ahead by, a year"), rows)]
