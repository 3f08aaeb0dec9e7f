"""``gridbot data``: what recorded data hold, and what they lack."""

from typing import Annotated, Any

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, where
from gridbot_tui.commands.output import document, moment, say, table
from gridbot_tui.units import DAY, Market

app = typer.Typer(name="data", help="Recorded market data.", no_args_is_help=True, add_completion=False)


@app.callback()
def data() -> None:
    """Recorded market data: what is there, and what is missing."""


@app.command()
def check(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders or globs of candles.")],
    market: Annotated[Market | None, typer.Option("--market", help="Where the paths do not tell.")] = None,
    interval: Annotated[str | None, typer.Option("--interval", metavar="I", help="Interval, such as 1m.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol.")] = None,
    json: JsonOption = False,
) -> None:
    """Read candles as a back-test would, and report coverage, holes, doubtful rows and missing funding.

    Example: gridbot data check um/BTCUSDT/1m
    """
    from gridbot_tui.market.errors import DataError
    from gridbot_tui.market.files import load

    try:
        found = load(tuple(paths), market=market, interval=interval, symbol=symbol.upper() if symbol else None)
    except DataError as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    notes: list[dict[str, Any]] = [
        {"at": n.at, "symbol": n.symbol, "code": n.code, "detail": n.detail} for n in found.notes
    ]
    series: dict[str, Any] = {}
    for name, one in found.series.items():
        first, last, bars = found.coverage(name)
        expected = (last - first) // found.interval
        series[name] = {
            "market": one.instrument.market.value,
            "from": first,
            "to": last,
            "bars": bars,
            "missing_bars": expected - bars,
            "holes": sum(note["symbol"] == name and note["code"] in ("hole", "episode") for note in notes),
            "funding": len(one.funding),
            "mark_prices": one.mark is not None,
        }
    if where(ctx, json=json).json:
        document({"interval_ms": found.interval, "series": series, "notes": notes})
        return
    rows = [
        (
            name,
            moment(one["from"])[:10],
            moment(one["to"])[:16],
            f"{(one['to'] - one['from']) / DAY:.1f}",
            f"{one['bars']:,}",
            f"{one['missing_bars']:,}",
            str(one["holes"]),
            f"{one['funding']:,}",
            "yes" if one["mark_prices"] else "no",
        )
        for name, one in series.items()
    ]
    head = ("symbol", "from", "to", "days", "bars", "missing", "holes", "funding", "mark")
    print("\n".join(table(head, rows)))
    for note in notes:
        say(f"{moment(note['at'])}  {note['symbol']}  {note['code']}: {note['detail']}")
