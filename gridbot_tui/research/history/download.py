"""Fetch series into the store: what is there is left alone, what stops goes on where it stopped."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from enum import StrEnum
from pathlib import Path
from typing import Final

import polars as pl
from msgspec import Struct

from gridbot_tui.research.history.fetch import Damaged, FetchFailed, Missing
from gridbot_tui.research.history.layout import Kind, Piece, Wish, pieces
from gridbot_tui.research.history.shelf import Shelf
from gridbot_tui.research.history.sources import column_of_time, from_files, from_rest
from gridbot_tui.units import Ms

AT_ONCE: Final = 4
"""Pieces fetched beside each other."""


class Source(StrEnum):
    """Where from."""

    AUTO = "auto"
    """The public files; what they lack yet, by REST."""
    FILES = "files"
    REST = "rest"


class Places(Struct, frozen=True):
    """Addresses."""

    files: str
    rest: str


class Report(Struct):
    """What a download came to."""

    fetched: int = 0
    kept: int = 0
    rows: int = 0
    missing: list[str] = []
    """Pieces that no source has, with what it said."""
    gaps: list[tuple[str, Ms, Ms]] = []
    """(folder, from, to) of times without rows between two rows of the store."""


Fetched = tuple[Piece, pl.DataFrame, str, str]
Progress = Callable[[int, int], None]


def download(
    shelf: Shelf,
    wishes: Sequence[Wish],
    frm: Ms,
    to: Ms,
    source: Source,
    places: Places,
    progress: Progress = lambda done, whole: None,
) -> Report:
    """Fetch [frm, to) of every wish.

    Raises:
        FetchFailed: a piece cannot be had for another reason than that nobody has it. What came before it stays; of a
            file that is damaged, everything else as well.
    """
    report = Report(missing=[], gaps=[])
    wanted = [piece for wish in wishes for piece in pieces(wish, frm, to)]
    missing = [piece for piece in wanted if not _there(shelf, piece, to)]
    report.kept = len(wanted) - len(missing)
    progress(0, len(missing))
    fetch = _Fetch(shelf, to, source, places)
    _fetch_all(shelf, missing, fetch, report, progress)
    if fetch.damaged:
        first, *more = sorted(fetch.damaged)
        others = f", and {len(more)} more like it" if more else ""
        raise FetchFailed(
            f"{first}{others}; everything else is in the store: the same command asks again, and --source rest takes "
            "what is missing from the exchange"
        )
    report.missing.sort()  # whichever came first
    for wish in wishes:
        report.gaps += [(wish.folder.as_posix(), *gap) for gap in gaps(shelf, wish)]
    return report


def now_ms() -> Ms:
    """The machine's time."""
    return int(time.time() * 1000)


def _there(shelf: Shelf, piece: Piece, to: Ms) -> bool:
    """True where the store has a piece, its month, or every day of it."""
    if _whole(shelf, piece, to) or _whole(shelf, piece.month, to):
        return True
    return piece.whole_month and all(_whole(shelf, day, to) for day in piece.days())


def _whole(shelf: Shelf, piece: Piece, to: Ms) -> bool:
    """A piece fetched while its time was still running is fetched again once it may be longer."""
    entry = shelf.entry(piece.path)
    if entry is None:
        return False
    end = min(piece.to, to)
    if entry.source_sha256 or entry.asked_until >= end:
        return True
    # Settlements may come more often than their longest schedule: only the moment of asking says whether all are there.
    return (piece.wish.kind is not Kind.FUNDING or not entry.asked_until) and entry.last + piece.wish.step >= end


def _fetch_all(
    shelf: Shelf, missing: Sequence[Piece], fetch: "_Fetch", report: Report, progress: Progress
) -> None:
    """Several at once; the store is written by this thread alone."""
    queue = list(reversed(missing))
    done = 0
    with ThreadPoolExecutor(AT_ONCE) as pool:
        running: set[Future[list[Fetched] | str]] = set()
        try:
            while queue or running:
                while queue and len(running) < AT_ONCE:
                    running.add(pool.submit(fetch, queue.pop()))
                ready, running = wait(running, return_when=FIRST_COMPLETED)
                for one in ready:
                    _keep(shelf, one.result(), report)
                    done += 1
                    progress(done, len(missing))
        finally:
            for one in running:
                one.cancel()


def _keep(shelf: Shelf, got: list[Fetched] | str, report: Report) -> None:
    if isinstance(got, str):
        report.missing.append(got)
        return
    for piece, frame, address, digest in got:
        until = min(piece.to, now_ms())
        shelf.put(piece.path, frame, column_of_time(piece.wish.kind), address, digest, asked_until=until)
        report.fetched += 1
        report.rows += frame.height
        if piece.whole_month:
            for day in piece.days():
                if shelf.entry(day.path) is not None:
                    shelf.drop(day.path)


class _Fetch:
    """Fetches a piece: the public file of its month, of its days, or the exchange's own answer."""

    def __init__(self, shelf: Shelf, to: Ms, source: Source, places: Places) -> None:
        self._shelf = shelf
        self._to = to
        self._source = source
        self._places = places
        self.damaged: list[str] = []
        """What is wrong with files that were left: asked for again, they may be as wrong, and the rest is not."""

    def __call__(self, piece: Piece) -> list[Fetched] | str:
        """The piece, or its days, or why there is none. Raises FetchFailed."""
        said, candles = "", piece.wish.kind is not Kind.FUNDING
        if self._source is not Source.REST and (piece.whole_month or candles):
            try:
                return [(piece, *from_files(self._places.files, piece))]
            except Missing as none:
                said = str(none)
            except Damaged as wrong:
                self.damaged.append(str(wrong))
                return []
            if piece.whole_month and candles:
                return self._days(piece) or said
        if self._source is Source.FILES:
            return said or f"{piece.wish.folder.as_posix()} {piece.stamp}: the public files have funding by the month"
        frame, address, digest = from_rest(self._places.rest, piece)
        if not frame.height:
            return f"{piece.wish.folder.as_posix()} {piece.stamp}: neither files nor exchange have a row of it"
        return [(piece, frame, address, digest)]

    def _days(self, month: Piece) -> list[Fetched]:
        found: list[Fetched] = []
        for day in month.days():
            if not _whole(self._shelf, day, self._to):
                got = self(day)
                found += [] if isinstance(got, str) else got
        return found


def gaps(shelf: Shelf, wish: Wish) -> list[tuple[Ms, Ms]]:
    """Times between two rows of a series where rows are missing, over all its files."""
    column = column_of_time(wish.kind)
    files = sorted((shelf.root / wish.folder).glob("*.parquet"))
    if not files:
        return []
    times = pl.concat([_times(path, column) for path in files])[column].unique().sort()
    slack = wish.step + (60_000 if wish.kind is Kind.FUNDING else 0)
    frame = times.to_frame("at").with_columns(pl.col("at").diff().alias("step")).filter(pl.col("step") > slack)
    return [(at - step + wish.step, at) for at, step in frame.iter_rows()]


def _times(path: Path, column: str) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, columns=[column])
    except pl.exceptions.PolarsError as wrong:
        raise FetchFailed(f"{path}: the file cannot be read ({wrong}): remove it and download again") from wrong
