"""``gridbot walkforward``: would choosing parameters on the past have helped on what came after?"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.output import document as print_document
from gridbot_tui.commands.output import interval, moment, percent, say, table, wrapped
from gridbot_tui.commands.recorded import (
    Asked,
    PlayedBy,
    PlayedByOption,
    folder_for,
    over_recorded_data,
    progress,
    writing,
)
from gridbot_tui.ops.collecting import seldom_collecting

if TYPE_CHECKING:
    from gridbot_tui.research.walkforward import Walk


@over_recorded_data
@seldom_collecting()
def walkforward(
    asked: Asked,
    train: Annotated[int, typer.Option("--train", metavar="DAYS", min=14, help="Days to choose on.")] = 60,
    test: Annotated[int, typer.Option("--test", metavar="DAYS", min=5, help="Days to judge on.")] = 30,
    tried: Annotated[
        list[str] | None,
        typer.Option("--try", metavar="KEY=V1,V2", help="Values to choose among; repeatable: all combinations."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option("--report", metavar="DIR", help="Write walkforward.html and walkforward.json there.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", metavar="N", min=1, help="Processes (default: one a core).")
    ] = None,
    played_by: PlayedByOption = PlayedBy.AUTO,
) -> None:
    """Choose parameters on rolling train windows, judge them on the windows after, show one honest curve.

    Example: gridbot walkforward --data um/BTCUSDT/15m --train 90 --test 30 --try ladder.skew=1.0,1.25
    """
    from gridbot_tui.research import walkforward as research

    if report is not None:
        folder_for(report)
    try:
        made = research.walk(
            asked.request,
            train_days=train,
            test_days=test,
            sets=research.sets_from(tried) if tried else research.SETS,
            processes=workers,
            progress=progress(),
            by=played_by.value,
            tell=say,
        )
    except ValueError as refused:
        raise CommandFailed(str(refused), Exit.USAGE) from refused
    result = research.document(made)
    if report is not None:
        from gridbot_tui.research.walk_html import write

        with writing():
            page, figures = write(report, made, result)
        say(f"report: {page}\nfigures: {figures}")
    if asked.json:
        print_document(result)
    else:
        print("\n".join(_lines(made, result)))


def _lines(made: "Walk", result: dict[str, Any]) -> list[str]:
    """The walk for a person."""
    from gridbot_tui.research.walk_html import sentences

    rows = [
        (
            moment(one["test_from"])[:10],
            one["chosen"],
            one["train_sharpe"],
            percent(one["test_return"]),
            percent(one["default_return"]),
        )
        for one in result["windows"]
    ]
    curves = [("chosen on the past", result["out_of_sample"])]
    curves += [(name.replace("_", " "), one) for name, one in result["baselines"].items()]
    sums = [
        (name, percent(one["net_return"]), percent(one["max_drawdown"]), one["sharpe"], _ahead(one))
        for name, one in curves
    ]
    left = result["left_out"]
    aside = [f"{left} windows left out: too few of the days that they need hold data"] if left else []
    return [
        *table(("test from", "chosen", "train Sharpe", "return", "defaults"), rows, left=2),
        *aside,
        "",
        *table((f"{result['days']} test days", "return", "deepest fall", "Sharpe", "chosen ahead by, a year"), sums),
        "",
        *(line for said in sentences(made, result) for line in wrapped(said)),
    ]


def _ahead(one: dict[str, Any]) -> str:
    """What choosing made beyond a baseline; nothing beside itself."""
    return interval(one["advantage"], 1) if "advantage" in one else ""
