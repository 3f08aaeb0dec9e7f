"""``gridbot data``: fetch recorded data, take files in, and say what they hold and what they lack."""

import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import JsonOption, where
from gridbot_tui.commands.output import document, moment, say, table, wiped
from gridbot_tui.commands.recorded import day, progress
from gridbot_tui.units import DAY, Market, Symbol

if TYPE_CHECKING:
    from gridbot_tui.market.recorded import RecordedMarket
    from gridbot_tui.research.history.download import Report
    from gridbot_tui.research.history.layout import Wish
    from gridbot_tui.research.history.shelf import Shelf

app = typer.Typer(name="data", help="Recorded market data.", no_args_is_help=True, add_completion=False)
IntoOption = Annotated[Path, typer.Option("--into", metavar="DIR", help="Folder of the store.")]
STORE = Path("gridbot-data")


@app.callback()
def data() -> None:
    """Recorded market data: fetch it, what is there, and what is missing."""


@app.command()
def download(
    ctx: typer.Context,
    symbol: Annotated[list[str], typer.Option("--symbol", metavar="S", help="Symbol; repeatable.")],
    frm: Annotated[str, typer.Option("--from", metavar="DATE", help="First day (UTC).")],
    to: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Day (UTC) to stop before (today).")] = None,
    market: Annotated[Market, typer.Option("--market", help="Which market.")] = Market.FUTURES,
    interval: Annotated[str, typer.Option("--interval", metavar="I", help="Interval of the candles.")] = "1m",
    source: Annotated[str, typer.Option("--source", help="auto, files or rest; auto: files, else rest.")] = "auto",
    into: IntoOption = STORE,
    funding: Annotated[bool, typer.Option("--funding/--no-funding", help="Funding of futures too.")] = True,
    mark: Annotated[bool, typer.Option("--mark/--no-mark", help="Mark prices of futures too.")] = False,
    files_url: Annotated[str | None, typer.Option("--files-url", metavar="URL", help="Address of the files.")] = None,
    rest_url: Annotated[str | None, typer.Option("--rest-url", metavar="URL", help="Address of the exchange.")] = None,
    json: JsonOption = False,
) -> None:
    """Fetch candles and funding of Binance into a local store: checked, resumed where they stopped, gaps told.

    Example: gridbot data download --symbol BTCUSDT --interval 1m --from 2025-01-01 --to 2025-03-01
    """
    from gridbot_tui.market.errors import DataError
    from gridbot_tui.research.history import download as fetching
    from gridbot_tui.research.history.fetch import FetchFailed
    from gridbot_tui.research.history.layout import FILES_URL, REST_URLS
    from gridbot_tui.research.history.shelf import Shelf, ShelfFailed

    now = int(time.time() * 1000)
    first, last = day(frm, "--from"), min(day(to, "--to") or now, now)
    if first is None or first >= last:
        raise CommandFailed(f"--from {frm}: nothing lies between it and {moment(last)}", Exit.USAGE)
    odd = [one for one in symbol if not re.fullmatch(r"[A-Za-z0-9_]{1,30}", one)]
    if odd:
        raise CommandFailed(f"--symbol {odd[0]}: not a symbol such as BTCUSDT", Exit.USAGE)
    if source not in list(fetching.Source):
        raise CommandFailed(f"--source {source}: wants auto, files or rest", Exit.USAGE)
    for option, url in (("--files-url", files_url), ("--rest-url", rest_url)):
        if url is not None and re.search(r"[@?#\s]", url):  # it stands in whatever is said of it
            raise CommandFailed(f"{option}: wants an address without user, password and query", Exit.USAGE)
    places = fetching.Places(files_url or FILES_URL, rest_url or REST_URLS[market])
    try:
        wishes = _wishes([one.upper() for one in symbol], market, interval, funding=funding, mark=mark)
        shelf = Shelf(into)
        made = fetching.download(
            shelf, wishes, first, last, fetching.Source(source), places, progress("pieces")
        )
    except (DataError, ShelfFailed) as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    except FetchFailed as failed:
        raise CommandFailed(str(failed), Exit.FAILED) from failed
    finally:
        wiped()
    _tell(made, wishes, shelf, json=where(ctx, json=json).json)
    if not made.fetched + made.kept:
        named = ", ".join(one.upper() for one in symbol)
        raise CommandFailed(f"nothing was found of {named}: was it traded on {market}, on those days?", Exit.FAILED)


@app.command(name="import")
def import_files(
    ctx: typer.Context,
    paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Files, folders or globs of candles.")],
    into: IntoOption = STORE,
    market: Annotated[Market | None, typer.Option("--market", help="Where the paths do not tell.")] = None,
    interval: Annotated[str | None, typer.Option("--interval", metavar="I", help="Interval, such as 1m.")] = None,
    symbol: Annotated[str | None, typer.Option("--symbol", metavar="S", help="Only this symbol.")] = None,
    json: JsonOption = False,
) -> None:
    """Take files of candles, mark prices and funding (CSV, zip, Parquet) into the local store: checked, cut by month.

    Example: gridbot data import BTCUSDT-1m-2025-05.zip --market futures
    """
    from gridbot_tui.market.errors import DataError
    from gridbot_tui.market.params import DataParams
    from gridbot_tui.research.history.importing import take
    from gridbot_tui.research.history.shelf import Shelf, ShelfFailed

    share = DataParams().bad_rows_percent / 100
    try:
        taken = take(Shelf(into), paths, market, symbol.upper() if symbol else None, interval, share)
    except (DataError, ShelfFailed) as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    for code, detail in taken.remarks:
        say(f"{code}: {detail}")
    if where(ctx, json=json).json:
        remarks = [{"code": code, "detail": detail} for code, detail in taken.remarks]
        numbers = {"files": taken.files, "rows": taken.rows, "funding": taken.funding, "mark_prices": taken.marks}
        document({"into": str(into), **numbers, "checksums_agreed": taken.checked, "remarks": remarks})
    else:
        beside = f", {taken.funding:,} of funding" if taken.funding else ""
        beside += f", {taken.marks:,} of mark prices" if taken.marks else ""
        print(f"{taken.rows:,} rows of candles{beside} in {taken.files} files of {into}; ", end="")
        print(f"{taken.checked} checksums agreed")


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
    from gridbot_tui.market.params import DataParams
    from gridbot_tui.research.history.shelf import ShelfFailed

    try:
        found = load(
            tuple(paths),
            market=market,
            interval=interval,
            symbol=symbol.upper() if symbol else None,
            params=DataParams(assumed_funding=0.0),  # what is recorded, not what a back-test would assume
        )
        damaged = [line for path in paths for line in _damaged(Path(path))]
    except (DataError, ShelfFailed) as wrong:
        raise CommandFailed(str(wrong), Exit.USAGE) from wrong
    notes = [
        {"at": note.at, "symbol": note.symbol, "code": note.code, "detail": _uncharged(note.detail)}
        for note in found.notes
    ]
    series = {name: _coverage(found, name) for name in found.symbols}
    if where(ctx, json=json).json:
        told = {"notes": notes, "passed_over": found.passed_over, "damaged": damaged}
        document({"interval_ms": found.interval, "series": series, **told})
    else:
        print("\n".join(_checked(series)))
        if found.passed_over:
            say(found.passed_over)
        for note in found.notes:
            say(f"{moment(note.at)}  {note.symbol}  {note.code}: {_uncharged(note.detail)}")
    _fail_if(damaged)


def _uncharged(detail: str) -> str:
    """What is said of missing funding: what a back-test charges instead is its config's to say."""
    from gridbot_tui.market.settlements import NONE_CHARGED

    return detail.replace(NONE_CHARGED, "a back-test charges what market.assumed_funding says")


def _coverage(found: "RecordedMarket", name: Symbol) -> dict[str, Any]:
    """What is there of one symbol, and what is not."""
    one = found.series[name]
    first, last, bars = found.coverage(name)
    return {
        "market": one.instrument.market.value,
        "from": first,
        "to": last,
        "bars": bars,
        "missing_bars": (last - first) // found.interval - bars,
        "holes": sum(note.symbol == name and note.code in ("hole", "episode") for note in found.notes),
        "funding": sum(first < rate.at <= last for rate in one.funding),
        "mark_prices": one.mark is not None,
    }


def _checked(series: dict[str, dict[str, Any]]) -> list[str]:
    """The same as a table."""
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
    return table(("symbol", "from", "to", "days", "bars", "missing", "holes", "funding", "mark"), rows)


def _fail_if(damaged: list[str]) -> None:
    if damaged:
        raise CommandFailed(f"{len(damaged)} files of the store are damaged: {'; '.join(damaged[:5])}", Exit.FAILED)


def _damaged(path: Path) -> list[str]:
    """What a store's own checksums say, where the path is one or lies in one."""
    from gridbot_tui.research.history.shelf import MANIFEST, Shelf

    absolute = path.absolute()
    for folder in (absolute, *list(absolute.parents)[:4]):
        if (folder / MANIFEST).exists():
            inside = "" if absolute == folder else absolute.relative_to(folder).as_posix()
            return [line for line in Shelf(folder).damaged() if line.startswith(inside)]
    return []


def _wishes(symbols: list[str], market: Market, interval: str, *, funding: bool, mark: bool) -> "list[Wish]":
    """What is to be fetched. Raises DataError for an interval that there is none of."""
    from gridbot_tui.market.clock import interval_ms
    from gridbot_tui.research.history.layout import Kind, Wish

    interval_ms(interval)
    found = [Wish(market, symbol, Kind.CANDLES, interval) for symbol in symbols]
    if market is Market.FUTURES:
        found += [Wish(market, symbol, Kind.FUNDING) for symbol in symbols if funding]
        found += [Wish(market, symbol, Kind.MARK, interval) for symbol in symbols if mark]
    return found


def _tell(made: "Report", wishes: "list[Wish]", shelf: "Shelf", *, json: bool) -> None:
    """What came, what is missing, where the holes are."""
    gaps = [{"series": name, "from": frm, "to": to} for name, frm, to in made.gaps]
    if json:
        folders = sorted({one.folder.as_posix() for one in wishes})
        numbers = {"fetched": made.fetched, "kept": made.kept, "rows": made.rows}
        document({"into": str(shelf.root), "series": folders, **numbers, "missing": made.missing, "gaps": gaps})
        return
    print(f"{made.fetched} files fetched with {made.rows:,} rows, {made.kept} were there already, in {shelf.root}")
    for line in made.missing[:20]:
        print(f"missing: {line}")
    for one in made.gaps[:20]:
        print(f"gap: {one[0]} from {moment(one[1])} to {moment(one[2])}")
    more = max(0, len(made.missing) - 20) + max(0, len(made.gaps) - 20)
    if more:
        print(f"and {more} more")
