"""Names of candle intervals, and moments written for people."""

from datetime import UTC, datetime
from typing import Final

from gridbot_tui.market.errors import DataError
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms

_UNITS: Final = {"m": MINUTE, "h": HOUR, "d": DAY}

BASE_INTERVALS: Final[dict[str, Ms]] = {
    "1m": MINUTE,
    "3m": 3 * MINUTE,
    "5m": 5 * MINUTE,
    "15m": 15 * MINUTE,
    "30m": 30 * MINUTE,
    "1h": HOUR,
}
"""Binance's intervals that divide the decision hour, ascending."""


def interval_ms(name: str) -> Ms:
    """The length of a base interval such as ``1m``.

    Raises:
        DataError: the name is no interval, or one that does not divide an hour.
    """
    known = BASE_INTERVALS.get(name)
    if known is not None:
        return known
    choices = ", ".join(BASE_INTERVALS)
    if name[:-1].isdigit() and name[-1:] in _UNITS:
        raise DataError(f"the interval {name} does not build the decision hour: use one of {choices}")
    raise DataError(f"the interval {name!r} is unknown: use one of {choices}")


def interval_name(length: Ms) -> str:
    """``60_000`` as ``1m``; the largest unit that fits whole, else milliseconds."""
    for unit, size in reversed(_UNITS.items()):
        if length >= size and length % size == 0:
            return f"{length // size}{unit}"
    return f"{length}ms"


def moment(at: Ms) -> str:
    """A moment as ``2025-05-04 00:00`` UTC, for notes and errors."""
    return datetime.fromtimestamp(at / 1000, UTC).strftime("%Y-%m-%d %H:%M")
