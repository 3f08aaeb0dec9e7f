"""Holes in a symbol's recorded bars, and prices that no market moved."""

from typing import TYPE_CHECKING, Any, Final

from gridbot_tui.market.clock import interval_name, moment
from gridbot_tui.market.source import QualityNote
from gridbot_tui.units import MINUTE, Ms, Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from gridbot_tui.market.candles import Candles

    Integers = npt.NDArray[np.int64]
    Remark = tuple[str, str]
else:
    Candles = Integers = Remark = Any

_JUMP: Final = 2.0
"""Times from one bar's close to the next one's open: in markets that go on these are hardly ever 1.2 apart."""
_SPIKE: Final = 2.0
"""Times that a bar goes beyond both its open and its close: in crashes, too, these are hardly ever 1.3 apart."""


def gap_note(symbol: Symbol, last_open: Ms, opened: Ms, interval: Ms, episode_gap: Ms) -> QualityNote | None:
    """What to say of two neighbouring bars of one symbol; ``None`` where nothing is missing between them.

    The note carries the close of the first bar after the hole. Its code is ``hole`` up to ``episode_gap``
    of missing time, ``episode`` beyond, ``out_of_order`` for a bar that is not newer than the last.
    """
    missing = opened - last_open - interval
    if missing == 0:
        return None
    at = opened + interval
    if missing < 0:
        return QualityNote(
            at, symbol, "out_of_order", f"bar of {moment(opened)} after that of {moment(last_open)}"
        )
    length = f"{missing // MINUTE} min from {moment(last_open + interval)}"
    if missing <= episode_gap:
        count = missing // interval
        return QualityNote(at, symbol, "hole", f"{count} x {interval_name(interval)} missing: {length}")
    return QualityNote(
        at, symbol, "episode", f"no bars for {length}: the episode ended there, a new one starts"
    )


def jump_remark(candles: Candles, farthest: Ms) -> Remark | None:
    """The first price that is a multiple of the one before, of bars at most ``farthest`` apart, ``None`` where none is.

    So looks a coin that was given other units: what is held there is valued, and liquidated, as if its price had moved.
    """
    import numpy as np

    opens, _, _, closes = candles.prices
    times = opens[1:] / closes[:-1]
    near = np.diff(candles.times) <= farthest
    found = np.flatnonzero(near & ((times >= _JUMP) | (times <= 1.0 / _JUMP)))
    if not len(found):
        return None
    row = int(found[0])
    at = moment(int(candles.times[row + 1]))
    more = f", the first of {len(found)} such" if len(found) > 1 else ""
    return (
        "price_jump",
        f"at {at} the price is {float(times[row]):.3g} times the one before{more}: other units? positions are valued "
        "as if it had moved; play the days before and after by themselves",
    )


def apart_remark(times: Integers, marks: Integers, closes: Integers) -> Remark | None:
    """The first bar whose mark price is a multiple of its close, or the other way, ``None`` where none is.

    So look the mark prices of another symbol, or in other units.
    """
    import numpy as np

    ratios = marks / closes
    found = np.flatnonzero((ratios >= _JUMP) | (ratios <= 1.0 / _JUMP))
    if not len(found):
        return None
    at, more = moment(int(times[found[0]])), f", the first of {len(found)} such" if len(found) > 1 else ""
    return (
        "mark_apart",
        f"in the bar of {at} the mark price is {float(ratios[found[0]]):.3g} times the close{more}: another symbol's, "
        "or in other units? positions are valued, stopped and liquidated by it",
    )


def spike_remark(candles: Candles) -> Remark | None:
    """The first bar that goes a multiple beyond both its open and its close, ``None`` where none does.

    So looks a wrong row: nothing else shows it, and in a back-test all fills, and triggers, that lies within it.
    """
    import numpy as np

    opens, highs, lows, closes = candles.prices
    up, down = highs / np.maximum(opens, closes), np.minimum(opens, closes) / lows
    found = np.flatnonzero(np.maximum(up, down) >= _SPIKE)
    if not len(found):
        return None
    row = int(found[0])
    at = moment(int(candles.times[row]))
    reached = float(highs[row] if up[row] >= down[row] else lows[row])
    more = f", the first of {len(found)} such" if len(found) > 1 else ""
    return (
        "price_spike",
        f"the bar of {at} opens at {float(opens[row]):g}, closes at {float(closes[row]):g} and reaches to "
        f"{reached:g}{more}: a wrong row? what rests between is filled as if it had traded there",
    )
