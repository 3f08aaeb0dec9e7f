"""The synthetic year that every back-tester of the comparison gets: 525,600 minutes of one symbol."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl

from gridbot_tui.units import DAY, MINUTE, Ms

SEED = 20260101
START: Ms = 1_735_689_600_000
assert START % DAY == 0
MINUTES = 365 * 24 * 60
INNER = 12
"""Ticks a bar is made of."""
VOLATILITIES = (0.25, 0.55, 1.30)
"""Yearly volatility of the three regimes."""
STAY = 0.9995
"""Chance a minute that a regime lasts on."""
REVERSION = 2e-7
"""Pull to the first price, of the log distance, a tick."""
PRICE = 60_000.0
TICK = 0.1

Floats = npt.NDArray[np.float64]


def year(minutes: int = MINUTES, seed: int = SEED) -> tuple[Floats, Floats, Floats, Floats]:
    """Open, high, low, close, in whole ticks of 0.1: Markov volatility, Student-t(5) steps, mild reversion."""
    rng = np.random.default_rng(seed)
    switches = rng.random(minutes) > STAY
    regimes = np.zeros(minutes, dtype=np.int64)
    regime = 1
    for row in np.flatnonzero(switches).tolist():
        regime = (regime + 1 + int(rng.integers(0, 2))) % 3
        regimes[row:] = regime
    sigma = np.array(VOLATILITIES)[regimes] / np.sqrt(MINUTES * INNER)
    steps = rng.standard_t(5, size=(minutes, INNER)) * np.sqrt(3 / 5) * sigma[:, None]
    flat = steps.reshape(-1)
    x = np.empty(flat.size)
    level = 0.0
    for i, step in enumerate(flat.tolist()):
        level += step - REVERSION * level
        x[i] = level
    path = np.round(PRICE * np.exp(x) / TICK).reshape(minutes, INNER) * TICK
    opened = np.concatenate(([PRICE], path[:-1, -1]))
    high = np.maximum(path.max(axis=1), opened)
    low = np.minimum(path.min(axis=1), opened)
    return opened, high, low, path[:, -1].copy()


def write(folder: Path, minutes: int = MINUTES, symbol: str = "BTCUSDT", seed: int = SEED) -> Path:
    """The year as the Parquet file that gridbot reads."""
    opened, high, low, close = year(minutes, seed)
    path = folder / "um" / symbol / "1m" / "year.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    times = START + np.arange(minutes, dtype=np.int64) * MINUTE
    pl.DataFrame(
        {
            "open_time": times,
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": np.full(minutes, 100.0),
        }
    ).write_parquet(path)
    return path
