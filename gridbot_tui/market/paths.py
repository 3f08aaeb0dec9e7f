"""What the path of a recorded file says of its market, symbol and interval, and which files a path means."""

import glob
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from gridbot_tui.market.derive import QUOTES
from gridbot_tui.market.errors import DataError
from gridbot_tui.units import Market, Symbol

SUFFIXES: Final = (".parquet", ".csv", ".csv.gz", ".zip")

_MARKETS: Final = {
    "um": Market.FUTURES,
    "usdm": Market.FUTURES,
    "futures": Market.FUTURES,
    "spot": Market.SPOT,
}
_INTERVAL: Final = re.compile(r"\d+(?:[smhdw]|mo|M)")
_LETTER: Final = r"[^\W_a-z]"
"""Of a symbol: Binance lists names in Chinese, too."""
_FOLDER_SYMBOL: Final = re.compile(rf"[A-Z0-9]{{3,20}}|{_LETTER}{{1,14}}(?:{'|'.join(QUOTES)})")
_FILE: Final = re.compile(
    rf"(?P<symbol>{_LETTER}{{1,14}}(?:{'|'.join(QUOTES)}))"
    r"(?!_\d{6}(?!\d))(?:[-_.](?P<interval>\d+(?:[smhdw]|mo|M)))?(?:[-_.]|$)"
)
"""SYMBOL-INTERVAL-...; ``BTCUSDT_250627`` is a dated future, which has no funding and is another market."""
# Folders that lie beside candles and hold something else.
_OTHER: Final = re.compile(
    r"funding\w*|aggtrades|trades|bookticker|bookdepth|metrics|liquidation\w*|premiumindexklines|indexpriceklines"
    r"|mark_\w+|markpriceklines",
    re.IGNORECASE,
)


_LOST: Final = "lost+found"
"""Of a file system, and readable to root alone."""
_SECOND: Final = re.compile(rf"^{_LETTER}+-([A-Za-z]+)-")
"""``BTCUSDT-fundingRate-2025-01.zip``: what a file of Binance's holds stands behind its symbol."""


class Origin(Struct, frozen=True):
    """One file and what its path says; ``None`` where it says nothing."""

    path: Path
    market: Market | None
    symbol: Symbol | None
    interval: str | None
    other: str = ""
    """What marks it as no candle file: its folder (``funding``, ``mark_1h``, ...) or name; "" for candles."""

    @property
    def symbol_folder(self) -> Path:
        """The folder that funding and mark folders lie in."""
        folder = self.path.parent
        return folder.parent if _INTERVAL.fullmatch(folder.name) else folder


def origin(path: Path) -> Origin:
    """Read a file's path: ``um/BTCUSDT/1m/x.parquet``, ``spot/...``, ``BTCUSDT-1m-2025-05.csv``, ..."""
    path = Path(os.path.abspath(path))
    folders = path.parts[:-1]
    market = next((_MARKETS[f.lower()] for f in reversed(folders) if f.lower() in _MARKETS), None)
    other = next((f for f in (*reversed(folders[-3:]), *_SECOND.findall(path.name)) if _OTHER.fullmatch(f)), "")
    symbol = interval = None
    named = _FILE.match(path.name)
    if named:
        symbol, interval = named["symbol"], named["interval"]
    parent = folders[-1] if folders else ""
    holder = parent
    if _INTERVAL.fullmatch(parent):
        interval = interval or parent
        holder = folders[-2] if len(folders) > 1 else ""
    elif other == parent and len(folders) > 1:
        holder = folders[-2]
    if symbol is None and _FOLDER_SYMBOL.fullmatch(holder) and not holder.isdigit():
        symbol = holder
    return Origin(path, market, symbol, interval, other)


def candle_files(paths: Sequence[str], *, others: bool = False) -> list[Origin]:
    """Every candle file that files, folders and globs name, each once, in path order.

    ``others``: what lies in folders of another kind as well; ``Origin.other`` says which.

    Raises:
        DataError: a path names nothing, or something that is no candle file.
    """
    if not paths:
        raise DataError("no recorded data named: give a file, folder or glob with --data")
    found: dict[Path, Origin] = {}
    for text in paths:
        for item in _named(text, others):
            found[item.path] = item
    return [found[path] for path in sorted(found)]


def at_home(text: str) -> Path:
    """A path as it was named, ``~`` and ``~name`` read as homes. Raises DataError where there is no such user."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise DataError(f"{text} does not exist: nobody knows that user's home") from error


def _named(text: str, others: bool) -> list[Origin]:
    path = at_home(text)
    if path.is_dir():
        return _in_folder(path, others)
    if path.exists():
        return [_single(path, others)]
    matches = sorted(glob.glob(str(path), recursive=True)) if glob.has_magic(text) else []
    if not matches:
        raise DataError(f"{text} does not exist: give an existing file, folder or glob")
    items: list[Origin] = []
    for match in map(Path, matches):
        if match.is_dir():
            items += _scan(match, others)
        elif match.name.endswith(SUFFIXES) and (others or not origin(match).other):
            items.append(origin(match))
    if not items:
        raise DataError(f"{text} matches no candle file: candles are {', '.join(SUFFIXES)}")
    return items


def _single(path: Path, others: bool) -> Origin:
    if not path.name.endswith(SUFFIXES):
        raise DataError(f"{path} is neither Parquet nor CSV by its name: candles are {', '.join(SUFFIXES)}")
    item = origin(path)
    if item.other and not others:
        raise DataError(
            f"{path} is {item.other} by its folder or name and holds no candles: give a file such as 1m/*.parquet"
        )
    return item


def _in_folder(folder: Path, others: bool) -> list[Origin]:
    items = _scan(folder, others)
    if not items:
        raise DataError(
            f"{folder} holds no candle files: candles are {', '.join(SUFFIXES)}, funding and trades are not"
        )
    return items


def _scan(folder: Path, others: bool) -> list[Origin]:
    items = [origin(path) for path in sorted(_below(folder)) if path.name.endswith(SUFFIXES) and path.is_file()]
    candles = [item for item in items if not item.other]
    # Where some files say their interval by name or folder, those that do not are something else.
    told = [item for item in candles if item.interval] or candles
    return [*told, *(item for item in items if item.other)] if others else told


def _below(folder: Path) -> Iterator[Path]:
    """Every file that is not hidden, in linked folders too; a folder that several links lead to is read once."""
    seen: set[str] = set()
    for place, folders, names in os.walk(folder, onerror=_unreadable, followlinks=True):
        real = os.path.realpath(place)
        folders[:] = [] if real in seen else sorted(name for name in folders if name[0] != "." and name != _LOST)
        if real not in seen:
            seen.add(real)
            yield from (Path(place, name) for name in names if not name.startswith("."))


def _unreadable(error: OSError) -> None:
    """A folder that cannot be looked into is no empty one: its candles would be missing unseen."""
    raise DataError(f"{error.filename} cannot be read: {error.strerror}")
