"""Recorded-looking markets made of random walks: columns of whole ticks, holes, funding, mark prices."""

import numpy as np

from gridbot_tui.market.builtin import builtin
from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.market.source import FundingRate
from gridbot_tui.research.request import Prepared
from gridbot_tui.settings.load import load
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms, Symbol

START: Ms = 1_700_006_400_000
assert START % DAY == 0
PRICES = {"BTCUSDT": 60_000.0, "ETHUSDT": 2_500.0, "SOLUSDT": 150.0}
GAP: Ms = HOUR


def series(
    symbol: Symbol,
    days: float,
    *,
    seed: int = 1,
    sigma_hour: float = 0.008,
    drift_day: float = 0.0,
    interval: Ms = 5 * MINUTE,
    holes: tuple[tuple[float, float], ...] = (),
    funding: bool = True,
    marks: bool = False,
    market: Market = Market.FUTURES,
) -> Series:
    """A walk of ``days``; ``holes`` are (day it begins, hours it lasts)."""
    rng = np.random.default_rng(seed)
    count = int(days * DAY // interval)
    sigma = sigma_hour * (interval / HOUR) ** 0.5
    inner = 6
    steps = rng.standard_t(5, size=(count, inner)) * (sigma / inner**0.5) * 0.77 + drift_day * interval / DAY / inner
    path = np.log(PRICES[symbol]) + np.cumsum(steps.reshape(-1)).reshape(count, inner)
    before = np.concatenate(([np.log(PRICES[symbol])], path[:-1, -1]))
    whole = np.exp(np.column_stack((before, path)))
    instrument = builtin(market)[symbol]
    ticks = np.rint(whole / instrument.tick_f).astype(np.int64)
    times = START + np.arange(count, dtype=np.int64) * interval
    keep = np.ones(count, dtype=bool)
    for begins, hours in holes:
        first = int(begins * DAY // interval)
        keep[first : first + int(hours * HOUR // interval)] = False
    opened, high, low, close = ticks[:, 0], ticks.max(axis=1), ticks.min(axis=1), ticks[:, -1]
    shift = np.rint(close * rng.normal(0, 4e-4, count)).astype(np.int64)
    mark = tuple(column[keep] for column in (high + shift, low + shift, close + shift)) if marks else None
    settled = range(1, int(days * 3))
    rates = [FundingRate(symbol, START + i * 8 * HOUR, float(rng.normal(1e-4, 1e-4)), 8) for i in settled]
    return Series(
        instrument,
        times[keep],
        opened[keep],
        high[keep],
        low[keep],
        close[keep],
        np.full(int(keep.sum()), 1e6),
        mark,
        rates if funding and market is Market.FUTURES else [],
        [],
    )


def prepared(*parts: Series, interval: Ms = 5 * MINUTE, **keys: str) -> Prepared:
    """Ready to be played, with config keys such as ``risk__tier1_enter="0.01"``."""
    given = tuple((name.replace("__", "."), value) for name, value in keys.items())
    return Prepared(load(None, {}, given).settings, RecordedMarket(parts, interval, GAP))
