"""The instruments gridbot knows without asking: Binance's filters and margin brackets of 2025/26 as a table.

Sources: the exchange's public exchangeInfo and leverageBracket documents. Live modes ask the exchange.
"""

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Final

from gridbot_tui.market.derive import laddered, split_symbol
from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.units import DAY, Market, Ms, Symbol

# symbol tick step max_qty market_max_qty min_notional min_price max_price
_FUTURES: Final = """
BTCUSDT      0.1       0.001 1000     120      50 261.1  809484
ETHUSDT      0.01      0.001 10000    2000     20 39.86  306177
BNBUSDT      0.01      0.01  10000    2000     5  6.6    100000
SOLUSDT      0.01      0.01  1000000  6000     5  0.42   6857
XRPUSDT      0.0001    0.1   10000000 1000000  5  0.0143 100000
DOGEUSDT     0.00001   1     50000000 30000000 5  0.00244 30
ADAUSDT      0.0001    1     2000000  300000   5  0.0174 20000
LTCUSDT      0.01      0.001 10000    5000     5  3.61   100000
LINKUSDT     0.001     0.01  100000   20000    5  0.464  100000
AVAXUSDT     0.001     1     100000   5000     5  0.35   2403
SUIUSDT      0.0001    0.1   1000000  150000   5  0.0001 2000
NEARUSDT     0.001     1     500000   100000   5  0.048  1000
FILUSDT      0.001     0.1   100000   40000    5  0.001  10000
APEUSDT      0.0001    1     1000000  250000   5  0.001  100000
1000PEPEUSDT 0.0000001 1     100000000 40000000 5 0.0000001 200
ZECUSDT      0.01      0.001 10000    1000     5  2.85   100000
"""

# The same columns; market orders as of 2024-09 (Binance moves that limit with the volume).
_SPOT: Final = """
BTCUSDT  0.01       0.00001 9000        129.84957 5 0.01       1000000
ETHUSDT  0.01       0.0001  9000        3125.7526 5 0.01       1000000
BNBUSDT  0.01       0.001   900000      4883.522  5 0.01       100000
SOLUSDT  0.01       0.001   90000       64306.319 5 0.01       10000
XRPUSDT  0.0001     0.1     9222449     4886361.7 5 0.0001     10000
DOGEUSDT 0.00001    1       9000000     9000000   1 0.00001    1000
ADAUSDT  0.0001     0.1     900000      900000    5 0.0001     1000
LTCUSDT  0.01       0.001   90000       16571.043 5 0.01       100000
LINKUSDT 0.01       0.01    90000       79751.87  5 0.01       10000
AVAXUSDT 0.01       0.01    90000       40749.41  5 0.01       10000
SUIUSDT  0.0001     0.1     92141578    1688552.3 5 0.0001     1000
NEARUSDT 0.001      0.1     900000      206314.9  5 0.001      1000
FILUSDT  0.001      0.01    9222449     158566.7  5 0.001      10000
APEUSDT  0.001      0.01    92141578    253603.41 5 0.001      1000
PEPEUSDT 0.00000001 1       92233720368 92233720368 1 0.00000001 0.1
ZECUSDT  0.01       0.001   90000       3010.037  5 0.01       100000
"""

# What was quoted more finely for a while than it is today: the last day it was, UTC, and the tick.
_FINER_ONCE: Final = {
    (Market.FUTURES, "SOLUSDT"): (date(2024, 11, 30), Decimal("0.001")),
}

# symbol, then cap:leverage:maintenance ratio of each bracket, caps in thousands of quote.
_BRACKETS: Final = """
BTCUSDT 300:150:.004 800:100:.005 3000:75:.0065 12000:50:.01 70000:25:.02 100000:20:.025 230000:10:.05
 480000:5:.1 600000:4:.125 800000:3:.15 1200000:2:.25 1800000:1:.5
ETHUSDT 300:150:.004 800:100:.005 3000:75:.0065 12000:50:.01 50000:25:.02 65000:20:.025 150000:10:.05
 320000:5:.1 400000:4:.125 530000:3:.15 800000:2:.25 1200000:1:.5
BNBUSDT 10:75:.005 200:50:.006 400:40:.01 1500:25:.02 3000:20:.025 15000:10:.05 30000:5:.1 37500:4:.125
 75000:2:.25 150000:1:.5
SOLUSDT 50:100:.005 400:75:.0065 1000:50:.01 4000:25:.02 8000:20:.025 40000:10:.05 80000:5:.1
 100000:4:.125 200000:2:.25 400000:1:.5
XRPUSDT 40:100:.005 80:75:.006 150:50:.01 400:40:.0125 1000:25:.02 2000:20:.025 10000:10:.05 20000:5:.1
 25000:4:.125 50000:2:.25 100000:1:.5
DOGEUSDT 80:75:.0065 150:50:.01 750:40:.0125 2000:25:.02 4000:20:.025 20000:10:.05 40000:5:.1
 50000:4:.125 100000:2:.25 200000:1:.5
ADAUSDT 10:75:.005 50:50:.01 200:40:.015 1000:25:.02 2000:20:.025 10000:10:.05 20000:5:.1 25000:4:.125
 50000:2:.25 100000:1:.5
LTCUSDT 10:75:.005 50:50:.01 160:40:.015 800:25:.02 1600:20:.025 8000:10:.05 16000:5:.1 20000:4:.125
 40000:2:.25 80000:1:.5
LINKUSDT 10:75:.005 200:50:.01 400:40:.015 800:25:.02 1600:20:.025 8000:10:.05 16000:5:.1 20000:4:.125
 40000:2:.25 80000:1:.5
AVAXUSDT 25:75:.005 80:50:.01 160:40:.015 800:25:.02 1600:20:.025 8000:10:.05 16000:5:.1 20000:4:.125
 40000:2:.25 80000:1:.5
SUIUSDT 20:75:.01 200:50:.015 1000:25:.02 2000:20:.025 10000:10:.05 20000:5:.1 25000:4:.125 50000:2:.25
 100000:1:.5
NEARUSDT 20:75:.01 200:50:.015 1000:25:.02 2000:20:.025 10000:10:.05 20000:5:.1 25000:4:.125 30000:2:.25
 35000:1:.5
FILUSDT 20:75:.01 200:50:.015 400:25:.02 800:20:.025 3000:10:.05 7500:5:.1 10000:4:.125 12500:2:.25
 15000:1:.5
APEUSDT 5:50:.015 10:25:.02 25:20:.025 62.5:10:.05 125:5:.1 250:4:.125 500:3:.1667 7500:2:.25 12500:1:.5
1000PEPEUSDT 20:75:.0065 200:50:.01 300:40:.015 1500:25:.02 3000:20:.025 15000:10:.05 20000:5:.1
 25000:4:.125 30000:2:.25 35000:1:.5
ZECUSDT 20:75:.01 200:50:.015 1000:25:.02 2000:20:.025 5000:10:.05 7500:5:.1 10000:4:.125 25000:2:.25
 60000:1:.5
"""


@cache
def builtin(market: Market) -> dict[Symbol, Instrument]:
    """The built-in instruments of a market by symbol. Shared: not to be changed."""
    ladders = _ladders() if market is Market.FUTURES else {}
    rows = _FUTURES if market is Market.FUTURES else _SPOT
    return {line.split()[0]: _instrument(line, market, ladders) for line in rows.strip().splitlines()}


def finest_tick(market: Market, symbol: Symbol, first: Ms) -> Decimal | None:
    """A finer tick than today's that a symbol is known to have had from ``first`` on, for a while or later, if any.

    Whether a recording lasts until then is not asked: how long it is may decide nothing on its first days.
    """
    known = _FINER_ONCE.get((market, symbol))
    return None if known is None or first // DAY > (known[0] - date(1970, 1, 1)).days else known[1]


def _instrument(line: str, market: Market, ladders: dict[Symbol, tuple[Bracket, ...]]) -> Instrument:
    symbol, *numbers = line.split()
    tick, step, largest, market_largest, notional, lowest, highest = map(Decimal, numbers)
    base, quote = split_symbol(symbol)
    futures = market is Market.FUTURES
    return Instrument(
        symbol=symbol,
        market=market,
        base=base,
        quote=quote,
        tick=tick,
        step=step,
        min_steps=1,
        max_steps=int(largest / step),
        market_max_steps=int(market_largest / step),
        min_notional=notional,
        min_price=int(lowest / tick),
        max_price=int(highest / tick),
        percent_up=Decimal("1.05") if futures else Decimal(5),
        percent_down=Decimal("0.95") if futures else Decimal("0.2"),
        max_orders=200,
        brackets=ladders.get(symbol, ()),
    )


def _ladders() -> dict[Symbol, tuple[Bracket, ...]]:
    ladders = {}
    for line in _BRACKETS.strip().replace("\n ", " ").splitlines():
        symbol, *tiers = line.split()
        parts = [tier.split(":") for tier in tiers]
        ladders[symbol] = laddered(
            tuple((int(Decimal(cap) * 1000), int(leverage), ratio) for cap, leverage, ratio in parts)
        )
    return ladders
