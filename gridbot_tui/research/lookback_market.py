"""The recent bars of a running bot as a recorded market: of files, of the synthetic market, of an exchange's REST."""

import time
from collections.abc import Sequence
from itertools import takewhile
from pathlib import Path
from typing import Final

import msgspec

from gridbot_tui.market.bar import Bar
from gridbot_tui.market.errors import DataError
from gridbot_tui.market.files import load
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.market.source import FundingRate
from gridbot_tui.market.synthetic import SyntheticMarket, SyntheticState
from gridbot_tui.research.history.fetch import FetchFailed
from gridbot_tui.research.history.layout import Kind, Piece, Wish
from gridbot_tui.research.history.shelf import Shelf, ShelfFailed
from gridbot_tui.research.history.sources import column_of_time, from_rest
from gridbot_tui.service.beside.lookback import Past
from gridbot_tui.settings.model import Settings
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol

INTERVAL: Final = "15m"
"""Candles asked of an exchange: a sixtieth part of the requests that minutes cost at little loss of truth."""
PAUSE_S: Final = 1.0
"""Between two requests: they take a quarter of the weight an address may use at most, beside a trading bot."""
FRESH: Final[Ms] = 6 * HOUR
"""What was fetched less than this before the end is not fetched again."""


class LookbackFailed(Exception):
    """There are no recent bars; one sentence."""


def market_of(past: Past, frm: Ms, settings: Settings) -> RecordedMarket:
    """The bars from ``frm`` to the end of the past. Raises DataError, LookbackFailed."""
    if past.synthetic:
        return _synthetic(past, frm, settings)
    if past.data:
        return _files(past.data, past.symbols, past, frm, settings)
    there = _fetched(past, frm)
    return _files(list(there.values()), tuple(there), past, frm, settings)


def _files(
    data: Sequence[str], only: Sequence[Symbol], past: Past, frm: Ms, settings: Settings
) -> RecordedMarket:
    params = settings.market
    own = bool(past.data)  # an exchange tells its filters itself; those of the config are for recordings
    return load(
        data,
        market=past.market,
        symbol=only[0] if len(only) == 1 else None,
        only=only if len(only) > 1 else (),
        interval=past.interval,
        exchange_info=Path(params.exchange_info) if own and params.exchange_info else None,
        leverage=Path(params.leverage_brackets) if own and params.leverage_brackets else None,
        frm=frm,
        to=past.end,
        params=params,
        plain=settings.plain,
    )


# -- the synthetic market -----------------------------------------------------------------------------------


def _synthetic(past: Past, frm: Ms, settings: Settings) -> RecordedMarket:
    try:
        state = msgspec.json.decode(Path(past.synthetic).read_bytes(), type=SyntheticState)
    except (OSError, msgspec.MsgspecError) as wrong:
        raise LookbackFailed(f"the synthetic market's state cannot be read ({wrong})") from wrong
    market = SyntheticMarket.restore(state)
    bars: dict[Symbol, list[Bar]] = {name: [] for name in market.instruments}
    rates: dict[Symbol, list[FundingRate]] = {name: [] for name in market.instruments}
    for batch in takewhile(lambda one: one.at <= past.end, market.batches(max(frm, market.start))):
        for name, bar in batch.bars:
            bars[name].append(bar)
        for rate in batch.funding:
            rates[rate.symbol].append(rate)
    made = [_series(one, bars[name], rates[name]) for name, one in market.instruments.items() if bars[name]]
    if not made:
        raise LookbackFailed("no bar of the synthetic market has closed yet")
    return RecordedMarket(made, market.interval, settings.market.episode_gap_minutes * MINUTE)


def _series(instrument: Instrument, bars: list[Bar], rates: list[FundingRate]) -> Series:
    import numpy as np

    rows = np.array(
        [(b.open_at, b.open, b.high, b.low, b.close, b.mark_high, b.mark_low, b.mark_close) for b in bars],
        dtype=np.int64,
    ).T.copy()
    volumes = np.array([bar.volume for bar in bars])
    times, opened, high, low, close, *marks = rows
    mark = (marks[0], marks[1], marks[2]) if instrument.market is Market.FUTURES else None
    return Series(instrument, times, opened, high, low, close, volumes, mark, rates, [])


# -- an exchange ------------------------------------------------------------------------------------------------


def _fetched(past: Past, frm: Ms) -> dict[Symbol, str]:
    """Folder of each symbol's candles, fetched where what is kept is too old or too short."""
    root = past.rest.removesuffix("/api").removesuffix("/fapi")
    try:
        shelf = Shelf(Path(past.kept))
        for symbol in past.symbols:
            wishes = [Wish(past.market, symbol, Kind.CANDLES, INTERVAL)]
            if past.market is Market.FUTURES:
                wishes.append(Wish(past.market, symbol, Kind.FUNDING))
            for wish in wishes:
                _fetch(shelf, root, wish, frm, past.end)
    except (FetchFailed, ShelfFailed, OSError) as failed:
        raise LookbackFailed(f"the recent candles could not be had: {failed}") from failed
    found = {one: shelf.root / Wish(past.market, one, Kind.CANDLES, INTERVAL).folder for one in past.symbols}
    there = {symbol: str(folder) for symbol, folder in found.items() if folder.is_dir()}
    if not there:
        raise DataError(f"the exchange has no candles of {', '.join(past.symbols)}")
    return there


def _fetch(shelf: Shelf, root: str, wish: Wish, frm: Ms, to: Ms) -> None:
    """One series into its one file."""
    path = wish.folder / "recent.parquet"
    known, asked = shelf.entry(path), f"{root} from {frm // DAY}"
    if known is not None and known.last >= to - FRESH - wish.step:
        reaches = known.source.startswith(f"{root} ") and known.first <= frm + DAY
        if reaches or known.source == asked:  # a young symbol has no row at the beginning, however often asked for
            return
    time.sleep(PAUSE_S)
    frame, _, _ = from_rest(root, Piece(wish, frm, to, False), lambda wait: time.sleep(max(wait, PAUSE_S)))
    if frame.height:
        shelf.put(path, frame, column_of_time(wish.kind), asked)
