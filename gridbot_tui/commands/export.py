"""``gridbot export``: what a profile remembers, as CSV, JSON or Parquet; also while its bot runs."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gridbot_tui.commands import output
from gridbot_tui.commands.exits import CommandFailed, Exit
from gridbot_tui.commands.options import HomeOption, JsonOption, ProfileOption, where
from gridbot_tui.service.books.profile import Profile, find_existing

if TYPE_CHECKING:
    from gridbot_tui.store.reader import Reader

app = typer.Typer(
    help="Export what a profile remembers, also while its bot runs.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


class Format(StrEnum):
    """How rows are written."""

    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"


FormatOption = Annotated[Format, typer.Option("--format", help="How rows are written.")]
OutputOption = Annotated[
    Path | None, typer.Option("--output", "-o", metavar="FILE", help="Write here instead of stdout.")
]


@app.command()
def trades(
    ctx: typer.Context,
    format: FormatOption = Format.CSV,
    file: OutputOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Every fill, oldest first: price, quantity, fee, grid profit.

    Example: gridbot export trades --format csv -o trades.csv
    """
    _rows("trades", ctx, format, file, home, profile, json)


@app.command()
def orders(
    ctx: typer.Context,
    format: FormatOption = Format.CSV,
    file: OutputOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """Every order of ours with its latest state, oldest first.

    Example: gridbot export orders --profile sim-futures-main-usdt --format json
    """
    _rows("orders", ctx, format, file, home, profile, json)


@app.command()
def ledger(
    ctx: typer.Context,
    format: FormatOption = Format.CSV,
    file: OutputOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """The opening balances and every change of the wallets since, an asset a line, in order of time.

    Per asset the lines sum to the wallet.

    Example: gridbot export ledger --format json
    """
    _rows("ledger", ctx, format, file, home, profile, json)


@app.command()
def audit(
    ctx: typer.Context,
    verify: bool = typer.Option(False, "--verify", help="Only check that no line was changed or taken out."),
    format: FormatOption = Format.JSON,
    file: OutputOption = None,
    home: HomeOption = None,
    profile: ProfileOption = None,
    json: JsonOption = False,
) -> None:
    """The audit trail: what the operator did, what was decided, which orders went out.

    Exit code 1 with --verify: the trail was changed.

    Example: gridbot export audit --verify
    """
    at = where(ctx, home, profile, json)
    own = find_existing(at.home, at.profile)
    if verify:
        _verify(own, at.json)
        return
    from gridbot_tui.commands import export_rows

    with _explained(file):
        _write(export_rows.audit(own.audit), Format.JSON if at.json else format, file)


def _rows(
    what: str, ctx: typer.Context, format: Format, file: Path | None, home: Any, profile: Any, json: bool
) -> None:
    at = where(ctx, home, profile, json)
    own = find_existing(at.home, at.profile)
    from gridbot_tui.commands import export_rows
    from gridbot_tui.store.reader import reading

    with _explained(file), reading(own.database) as reader:
        _mind_lag(reader, own)
        rows = getattr(export_rows, what)(reader)
        _write(rows, Format.JSON if at.json else format, file)


def _mind_lag(reader: "Reader", profile: Profile) -> None:
    """A bot that was killed may have left its latest facts in the journal only; a running one shows them at once."""
    missing = reader.behind()
    if missing and not profile.running:
        output.say(
            f"{profile.database}: the latest {missing} facts are not among these rows, for the bot was killed while it "
            "wrote them; its next start brings them up."
        )


def _verify(profile: Profile, json: bool) -> None:
    from gridbot_tui.commands.export_rows import audit_anchor
    from gridbot_tui.ops.verify import files_of, verify

    if not files_of(profile.audit):
        raise CommandFailed(f"{profile.audit}: there is no audit trail", Exit.USAGE)
    with _explained():
        anchor = audit_anchor(profile.database)
        found = verify(profile.audit, anchor)
    if json:
        output.document(
            {
                "ok": found.ok,
                "lines": found.lines,
                "first_bad": found.first_bad,
                "detail": found.detail,
                "last": {"seq": found.head.seq, "hash": found.head.hash},
                "anchored": anchor is not None,
            }
        )
    elif found.ok:
        print(found.detail, flush=True)
    if not found.ok:
        raise CommandFailed(f"{profile.audit}: {found.detail}", Exit.FAILED)


@contextmanager
def _explained(file: Path | None = None) -> Iterator[None]:
    from gridbot_tui.store.errors import StoreError

    try:
        yield
    except StoreError as error:
        raise CommandFailed(str(error), Exit.USAGE) from error
    except BrokenPipeError:
        raise
    except OSError as error:
        name = error.filename or file  # a full disk names no file
        if name is None:
            raise
        raise CommandFailed(f"{name}: {error.strerror}", Exit.FAILED) from error


def _write(rows: Iterable[dict[str, Any]], format: Format, file: Path | None) -> None:
    from gridbot_tui.commands import export_rows

    if format is Format.PARQUET:
        _write_parquet(rows, file)
        return
    chunks = export_rows.as_csv(rows) if format is Format.CSV else export_rows.as_json(rows)
    if file is None:
        for chunk in chunks:
            print(chunk, end="")
        print(end="", flush=True)
        return
    with file.open("w", encoding="utf-8", newline="") as opened:
        opened.writelines(chunks)


def _write_parquet(rows: Iterable[dict[str, Any]], file: Path | None) -> None:
    from gridbot_tui.commands.export_parquet import as_parquet

    if file is None and sys.stdout.isatty():
        raise CommandFailed("Parquet is no text for a terminal: name a file with -o FILE", Exit.USAGE)
    data = as_parquet(rows)
    if file is not None:
        file.write_bytes(data)
        return
    sys.stdout.buffer.write(data)
    sys.stdout.flush()
