"""Small makers of inputs for the tests of this room."""

import math
import random
from collections.abc import Iterator

from gridbot_tui.strategy.facade import AccountInputs, Strategy, SymbolInputs, SymbolSpec
from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.params import ROOT_YEAR, LadderParams, StrategyParams
from gridbot_tui.units import HOUR, Market, Ms

SPEC = SymbolSpec(tick=0.01, maker_fee=2e-4, taker_fee=5e-4)
ACCOUNT = AccountInputs(drawdown_multiplier=1.0, equity=10_000.0)

Candle = tuple[Ms, float, float, float]
"""(close time, high, low, close)."""


def row(
    price: float = 60_000.0,
    *,
    sigma: float = 0.008,
    fast: float | None = None,
    month: float = 0.0,
    z: tuple[float, float, float, float, float] = (0.0, 0.0, 0.0, 0.0, 0.0),
    volr: float = 0.0,
    funding_mean: float | None = None,
    funding_day: float | None = None,
) -> FeatureRow:
    """A feature row with the averages at the price."""
    x = math.log(price)
    return FeatureRow(
        at=HOUR,
        x=x,
        ema12=x,
        ema24=x,
        sigma_hour=sigma,
        sigma_fast=sigma if fast is None else fast,
        sigma_year=sigma * ROOT_YEAR,
        sigma_month=month,
        z24=z[0],
        z48=z[1],
        z96=z[2],
        z168=z[3],
        z336=z[4],
        volr=volr,
        funding_mean=funding_mean,
        funding_day=funding_day,
    )


def inputs(
    price: float = 60_000.0,
    *,
    position: float = 0.0,
    equity: float = 10_000.0,
    tick: float = 0.1,
    spread: float = 0.1,
    min_lot: float = 0.001,
    drawdown: float = 0.0,
    listed_days: float | None = None,
) -> SymbolInputs:
    """A symbol at a decision."""
    return SymbolInputs(
        price=price,
        position=position,
        equity=equity,
        tick=tick,
        spread=spread,
        maker_fee=2e-4,
        min_lot=min_lot,
        drawdown=drawdown,
        listed_days=listed_days,
    )


def walk(
    seed: int, hours: int, *, bars_an_hour: int = 1, sigma: float = 0.01, sign: int = 1, start: float = 100.0
) -> Iterator[Candle]:
    """A martingale in price: candles of a geometric Brownian motion with ``sigma`` an hour.

    ``sign`` -1 mirrors the path of the same seed.
    """
    rng = random.Random(seed)
    inner = 4
    deviation = sigma / math.sqrt(bars_an_hour * inner)
    drift = -deviation * deviation / 2.0
    x = math.log(start)
    for k in range(hours * bars_an_hour):
        high = low = x
        for _ in range(inner):
            x += drift + sign * rng.gauss(0.0, deviation)
            high, low = max(high, x), min(low, x)
        yield (k + 1) * HOUR // bars_an_hour, math.exp(high), math.exp(low), math.exp(x)


def strategy(
    *names: str,
    params: StrategyParams | None = None,
    ladder: LadderParams | None = None,
    market: Market = Market.FUTURES,
) -> Strategy:
    """A strategy of some symbols that all look alike."""
    symbols = dict.fromkeys(names or ("AAA",), SPEC)
    return Strategy(params or StrategyParams(), ladder or LadderParams(), market, symbols)
