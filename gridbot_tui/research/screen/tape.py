"""A recorded symbol as the columns that the screen runs over, made once for any number of sets."""

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from gridbot_tui.market.aggregate import HourBuilder
from gridbot_tui.research.request import Prepared
from gridbot_tui.strategy.features import Features
from gridbot_tui.units import DAY, Market

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
else:
    Floats = Integers = Any

NAMES = ("x", "ema12", "ema24", "sigma_hour", "sigma_fast", "sigma_year", "z24", "z48", "z96", "z168", "z336", "volr")
"""Columns of the features, then funding_mean, funding_day (nan = unknown) and whether the warm-up is over."""


class Tape(Struct):
    """Everything that does not depend on the set."""

    bars: Integers
    """Rows of (open, high, low, close, mark low, mark high, mark close), ticks."""
    volume: Floats
    hour: Integers
    """Row of ``features`` of the decision bar that a bar closes, -1 for none."""
    features: Floats
    funding: Floats
    """Rate that settles at a bar's close; nan = none."""
    midnight: "npt.NDArray[np.bool_]"
    """True where a UTC day ends with the bar."""
    minutes: float
    """Length of a bar."""


def fits(prepared: Prepared) -> str:
    """Why a market cannot be screened, or an empty string."""
    if len(prepared.market.symbols) != 1:
        return "several symbols share one account"
    instrument = next(iter(prepared.market.instruments.values()))
    if instrument.market is not Market.FUTURES:
        return "spot"
    if prepared.settings.ladders() or prepared.settings.ladder.kind != "adaptive":
        return "a ladder that is not the adaptive one"
    if any(note.code == "episode" for note in prepared.market.notes):
        return "episodes"
    return ""


def tape_of(prepared: Prepared) -> Tape:
    """The columns of the only symbol. Features and decision bars are the strategy's own."""
    market = prepared.market
    (symbol,) = market.symbols
    series = market.series[symbol]
    tick, interval = series.instrument.tick_f, market.interval
    high, low, close = (series.high, series.low, series.close) if series.mark is None else series.mark
    bars = np.column_stack((series.open, series.high, series.low, series.close, low, high, close)).astype(np.int64)
    closes = series.times + interval
    funding = np.full(len(closes), np.nan)
    rates = {rate.at: rate for rate in series.funding}
    hour = np.full(len(closes), -1, dtype=np.int64)
    rows: list[list[float]] = []
    features, builder = Features(), HourBuilder()
    warm = prepared.settings.strategy.warmup_hours
    for index, bar in enumerate(series.bars(0, len(closes), interval)):
        rate = rates.get(bar.close_at)
        if rate is not None:
            funding[index] = rate.rate
            features.funding(rate.at, rate.rate, rate.interval_hours)
        for one in builder.feed(bar):
            features.hour(one.close_at, one.close * tick)
            row = features.row
            if row is not None:
                hour[index] = len(rows)
                rows.append(_row(row, features.hours >= warm))
    midnight = np.concatenate(([False], np.diff(closes // DAY) > 0))
    made = np.array(rows) if rows else np.zeros((0, len(NAMES) + 3))
    return Tape(bars, series.volume.astype(np.float64), hour, made, funding, midnight, interval / 60_000)


def _row(row: Any, warm: bool) -> list[float]:
    known = [float(getattr(row, name)) for name in NAMES]
    mean = np.nan if row.funding_mean is None else row.funding_mean
    day = np.nan if row.funding_day is None else row.funding_day
    return [*known, mean, day, float(warm)]
