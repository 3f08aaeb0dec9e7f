"""Prices that go on in other units: a coin redenominated, or a contract renamed and joined with the one before."""

from typing import TYPE_CHECKING, Any, Final

from gridbot_tui.market.clock import moment
from gridbot_tui.units import Ms

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gridbot_tui.market.candles import Candles

    Floats = npt.NDArray[np.float64]
else:
    Candles = Floats = Any

_UNITS: Final = (1e3, 1e6)
"""What exchanges count coins in: SHIB and 1000SHIB, MOG and 1000000MOG. A tenth or a hundredth is left alone and only
said (``quality.jump_remark``): that much a gap may take, and a loss is not to be taken for a change of units."""
_NEAR: Final = 1.5
"""Times that the price may have moved besides: in a few ticks of a very cheap coin an open is as far from a close."""
_APART: Final = 100.0
"""Times that all of one bar lies from all of the other: of one wrong row, or a wrong price in it, that is not true."""


def in_first_units(candles: Candles, farthest: Ms) -> tuple[Candles, Floats | None]:
    """The candles in the units that they begin with, and what each row's prices were divided by, ``None`` for nothing.

    From one bar to the next, at most ``farthest`` later, no market makes a thousand times the price: who holds the
    coin there holds a thousandth as many, or as many times more, and is no richer. Only the two bars tell, none later.
    """
    import numpy as np

    opens, highs, lows, closes = candles.prices
    times = opens[1:] / closes[:-1]
    rows = np.flatnonzero((times >= _APART) | (times <= 1.0 / _APART))
    steps = {row + 1: size for row in rows.tolist() if (size := _step(candles, row, farthest)) is not None}
    if not steps:
        return candles, None
    units, size = np.ones(len(candles.times)), 1.0
    for row, step in steps.items():
        size = round(size * step, 6)
        units[row:] = size
    prices = (opens / units, highs / units, lows / units, closes / units)
    row, step = next(iter(steps.items()))
    more = f", the first of {len(steps)} such" if len(steps) > 1 else ""
    words = (
        f"from {moment(int(candles.times[row]))} on the price is {step:g} times the one before{more}: taken for other "
        f"units, as of a coin redenominated or a contract renamed. Its later prices are told, and traded, in the first"
    )
    remarks = [*candles.remarks, ("other_units", words)]
    return type(candles)(candles.times, prices, candles.volumes * units, remarks), units


def _step(candles: Candles, row: int, farthest: Ms) -> float | None:
    """By how many times the units change after ``row``, ``None`` where they do not."""
    if int(candles.times[row + 1] - candles.times[row]) > farthest:
        return None
    opens, highs, lows, closes = candles.prices
    times = float(opens[row + 1] / closes[row])
    up = times > 1.0
    apart = float(lows[row + 1] / highs[row] if up else lows[row] / highs[row + 1])
    size = next((one for one in _UNITS if 1.0 / _NEAR <= (times if up else 1.0 / times) / one <= _NEAR), None)
    if size is None or apart < _APART:
        return None
    return size if up else 1.0 / size
