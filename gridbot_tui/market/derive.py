"""Instruments for what no filter table knows: tick and step from recorded prices, brackets conservative."""

import math
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from msgspec.structs import replace

from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.units import Asset, Market, Money, Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Mask = npt.NDArray[np.bool_]
else:
    Floats = Mask = Any

QUOTES: Final = (
    "FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USD1", "USDP", "USDS", "DAI", "BTC", "ETH", "BNB", "EURI", "EUR",
    "TRY", "GBP", "AUD", "JPY", "BRL", "ARS", "MXN", "COP", "ZAR", "PLN", "RON", "CZK", "UAH", "RUB", "NGN", "IDRT",
    "BIDR",
)  # fmt: skip
"""What Binance quotes in, or has quoted in, but for AEUR: ADAEUR is ADA in EUR."""

_UNITS: Final = {"BTC": Decimal("0.00002"), "ETH": Decimal("0.0005"), "BNB": Decimal("0.002")}
"""What of a coin that others are quoted in is worth about as little as one of a currency."""
_SMALLEST_ORDER: Final = 5
_MOST_DECIMALS: Final = 10
# More rows than this off a grid and the grid is too coarse; fewer are stray quotes and are rounded.
_OFF_SHARE: Final = 0.001
_PIECE: Final = 65_536
_FEW_TICKS: Final = 500
"""Fewer of a price are each more than half of the least spacing, 0.4 %: noise of one moves from rung to rung."""
_MOVES: Final = 20
"""From one price to the next: so many do not all lie on a grid ten times as coarse as their own by chance."""


def laddered(tiers: tuple[tuple[int, int, str], ...]) -> tuple[Bracket, ...]:
    """Brackets from (cap, max leverage, maintenance ratio); floors and cumulative amounts follow.

    ``cum`` makes the maintenance margin continuous: cum_k = cum_(k-1) + floor_k (ratio_k - ratio_(k-1)).
    """
    brackets: list[Bracket] = []
    floor = cum = Decimal(0)
    last = Decimal(0)
    for cap, leverage, text in tiers:
        ratio = Decimal(text)
        if brackets:
            cum += floor * (ratio - last)
        brackets.append(Bracket(floor, Decimal(cap), leverage, ratio, cum))
        floor, last = Decimal(cap), ratio
    return tuple(brackets)


_ASSET_DECIMALS: Final = 8
"""Binance counts every asset to so many."""
CONSERVATIVE_BRACKETS: Final = laddered(
    (
        (5_000, 50, "0.015"),
        (10_000, 25, "0.02"),
        (25_000, 20, "0.025"),
        (62_500, 10, "0.05"),
        (125_000, 5, "0.1"),
        (250_000, 4, "0.125"),
        (500_000, 3, "0.1667"),
        (7_500_000, 2, "0.25"),
        (12_500_000, 1, "0.5"),
    )
)
"""The margin ladder of a small, newly listed USD-M symbol: nothing Binance lists is stricter by much."""


def decimals_of(prices: Floats) -> int:
    """The fewest decimals that write (nearly) all of ``prices`` exactly, at most 10."""
    import numpy as np

    def off(part: Floats) -> Mask:
        scaled = part * 10.0**digits
        # A float carries about 16 digits: what is left of them after scaling is noise.
        noise = np.abs(scaled) * 1e-15 + 1e-6
        whole = np.rint(scaled)
        # A price that comes to none of these units is not written by them, however near to nothing it is.
        found: Mask = (np.abs(scaled - whole) > noise) | (whole == 0.0)
        return found

    for digits in range(_MOST_DECIMALS):
        if _share(prices, off) <= _OFF_SHARE:
            return digits
    return _MOST_DECIMALS


def off_tick(prices: Floats, tick: Decimal) -> float:
    """Share of ``prices`` that are no whole number of ticks."""
    import numpy as np

    def off(part: Floats) -> Mask:
        ratio = part / float(tick)
        found: Mask = np.abs(ratio - np.rint(ratio)) > np.abs(ratio) * 1e-14 + 1e-4
        return found

    return _share(prices, off)


def _share(prices: Floats, off: Callable[[Floats], Mask]) -> float:
    """Share of ``prices`` that ``off`` finds, a piece at a time: no column is held many times over."""
    count = sum(int(off(prices[first : first + _PIECE]).sum()) for first in range(0, len(prices), _PIECE))
    return count / len(prices)


def split_symbol(symbol: Symbol) -> tuple[str, str]:
    """Base and quote asset of a symbol by its ending; the quote is USDT where none is recognised."""
    for quote in QUOTES:
        if symbol.endswith(quote) and len(symbol) > len(quote):
            return symbol.removesuffix(quote), quote
    return symbol, "USDT"


def smallest_order(quote: Asset) -> Money:
    """What an exchange's smallest order is usually worth, in this quote asset."""
    return _SMALLEST_ORDER * _UNITS.get(quote, Decimal(1))


def derive(symbol: Symbol, market: Market, prices: Floats) -> Instrument:
    """An instrument for recorded ``prices`` (any of open, high, low, close; finite and above zero).

    The tick has the decimals of the prices, at least 1e-6 of the price's power of ten, and at most 1e-2 of it where too
    few moves tell: between ticks that the market has not, each turn from one to the next would be a fill and a gain.
    One step is worth at most one quote at the highest price, unless that were finer than an asset is counted; of a
    quote that is a coin, as much as is worth about that.
    """
    top = float(prices.max())
    middle = float(prices[len(prices) // 2])
    power = math.floor(math.log10(middle))
    told = decimals_of(prices)
    digits = min(told if _tell_a_coarse_tick(prices, told) else max(told, 2 - power), 6 - power)
    tick = Decimal(1).scaleb(-digits)
    base, quote = split_symbol(symbol)
    unit = _UNITS.get(quote, Decimal(1))
    step = Decimal(1).scaleb(max(math.floor(math.log10(unit) - math.log10(top)), -_ASSET_DECIMALS))
    futures = market is Market.FUTURES
    return Instrument(
        symbol=symbol,
        market=market,
        base=base,
        quote=quote,
        tick=tick,
        step=step,
        min_steps=1,
        max_steps=10_000_000,
        market_max_steps=1_000_000,
        min_notional=smallest_order(quote),
        min_price=1,
        max_price=int(Decimal(top) * 1000 / tick),
        percent_up=Decimal("1.05") if futures else Decimal(5),
        percent_down=Decimal("0.95") if futures else Decimal("0.2"),
        max_orders=200,
        brackets=CONSERVATIVE_BRACKETS if futures else (),
        derived=True,
    )


def finer(instrument: Instrument, prices: Floats) -> Instrument:
    """The instrument with the tick of older recordings where ``prices`` have more decimals than its own.

    Everything else stays; the same instrument where its tick fits.
    """
    if off_tick(prices, instrument.tick) <= _OFF_SHARE:
        return instrument
    return with_tick(instrument, Decimal(1).scaleb(-decimals_of(prices)))


def coarser(instrument: Instrument, prices: Floats) -> Instrument:
    """The instrument with the tick of ``prices`` that lie so far apart as to matter, ten of its own or more: of rounded
    ones, or of those of a time in which its tick was that.

    Everything else stays; the same instrument where its tick fits.
    """
    told = decimals_of(prices)
    tick = Decimal(1).scaleb(-told)
    few = float(prices[len(prices) // 2]) < _FEW_TICKS * float(tick)
    if not few or tick < 10 * instrument.tick or not _tell_a_coarse_tick(prices, told):
        return instrument
    return _retold(instrument, tick)


def _tell_a_coarse_tick(prices: Floats, decimals: int) -> bool:
    """Whether prices written in so many ``decimals`` have moved so often that a finer tick would have shown."""
    import numpy as np

    return decimals < _MOST_DECIMALS and int(np.count_nonzero(np.diff(prices))) >= _MOVES


def with_tick(instrument: Instrument, tick: Decimal) -> Instrument:
    """The instrument quoted in a finer tick; the same one where it is not finer."""
    if tick >= instrument.tick:
        return instrument
    return _retold(instrument, tick)


def _retold(instrument: Instrument, tick: Decimal) -> Instrument:
    scale = instrument.tick / tick
    return replace(
        instrument,
        tick=tick,
        min_price=max(1, int(instrument.min_price * scale)),
        max_price=int(instrument.max_price * scale),
    )
