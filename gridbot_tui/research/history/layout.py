"""What is fetched from where, and where it lies in the store: one piece a month, or a day, of one series."""

from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Final

from msgspec import Struct

from gridbot_tui.market.clock import interval_ms
from gridbot_tui.units import DAY, Market, Ms, Symbol

FILES_URL: Final = "https://data.binance.vision"
REST_URLS: Final = {Market.FUTURES: "https://fapi.binance.com", Market.SPOT: "https://api.binance.com"}
FOLDERS: Final = {Market.FUTURES: "um", Market.SPOT: "spot"}


class Kind(StrEnum):
    """What a series holds."""

    CANDLES = "klines"
    MARK = "markPriceKlines"
    FUNDING = "fundingRate"


class Wish(Struct, frozen=True):
    """One series to fetch; funding has no interval."""

    market: Market
    symbol: Symbol
    kind: Kind
    interval: str = ""

    @property
    def folder(self) -> Path:
        """Where it lies below the store."""
        name = {Kind.FUNDING: "funding", Kind.MARK: f"mark_{self.interval}"}.get(self.kind, self.interval)
        return Path(FOLDERS[self.market], self.symbol, name)

    @property
    def step(self) -> Ms:
        """Time between two rows; funding settles at least so often."""
        return 8 * 3_600_000 if self.kind is Kind.FUNDING else interval_ms(self.interval)


class Piece(Struct, frozen=True):
    """A month or a day of a series: [frm, to)."""

    wish: Wish
    frm: Ms
    to: Ms
    whole_month: bool

    @property
    def stamp(self) -> str:
        """``2025-05`` or ``2025-05-31``."""
        return datetime.fromtimestamp(self.frm / 1000, UTC).strftime("%Y-%m" if self.whole_month else "%Y-%m-%d")

    @property
    def path(self) -> Path:
        """Its file in the store, below the store's folder."""
        return self.wish.folder / f"{self.stamp}.parquet"

    @property
    def url_path(self) -> str:
        """Its zip below the public files' address; funding has months only."""
        wish = self.wish
        market = "futures/um" if wish.market is Market.FUTURES else "spot"
        span = "monthly" if self.whole_month else "daily"
        if wish.kind is Kind.FUNDING:
            return f"data/{market}/{span}/{wish.kind}/{wish.symbol}/{wish.symbol}-{wish.kind}-{self.stamp}.zip"
        name = f"{wish.symbol}-{wish.interval}-{self.stamp}.zip"
        return f"data/{market}/{span}/{wish.kind}/{wish.symbol}/{wish.interval}/{name}"

    @property
    def month(self) -> "Piece":
        """The month that holds it."""
        return self if self.whole_month else Piece(self.wish, *_month(self.frm), True)

    def days(self) -> Iterator["Piece"]:
        """A month as its days."""
        at = self.frm
        while at < self.to:
            yield Piece(self.wish, at, min(at + DAY, self.to), False)
            at += DAY


def pieces(wish: Wish, frm: Ms, to: Ms) -> list[Piece]:
    """Whole months where [frm, to) holds them, days at its ends."""
    found: list[Piece] = []
    at = frm - frm % DAY
    end = -(-to // DAY) * DAY
    while at < end:
        month, following = _month(at)
        if at == month and following <= end:
            found.append(Piece(wish, at, following, True))
            at = following
        else:
            found.append(Piece(wish, at, at + DAY, False))
            at += DAY
    return found


def _month(at: Ms) -> tuple[Ms, Ms]:
    """Start of the month that holds ``at``, and of the next."""
    day = datetime.fromtimestamp(at / 1000, UTC)
    first = datetime(day.year, day.month, 1, tzinfo=UTC)
    after = datetime(day.year + day.month // 12, day.month % 12 + 1, 1, tzinfo=UTC)
    return round(first.timestamp() * 1000), round(after.timestamp() * 1000)
