"""Funding of a recorded futures series: what is known, and a stated constant where nothing is."""

from typing import TYPE_CHECKING, Any, Final

from gridbot_tui.market.source import FundingRate
from gridbot_tui.units import DAY, HOUR, MINUTE, Ms, Symbol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    Integers = npt.NDArray[np.int64]
else:
    Integers = Any

SCHEDULE: Final = 8 * HOUR
"""The longest time between two settlements, and the time between two assumed ones."""
NONE_CHARGED: Final = "none is charged"


def in_order(rates: list[FundingRate]) -> list[FundingRate]:
    """Ascending, one a moment, where several folders held a symbol's funding."""
    by_time = {rate.at: rate for rate in reversed(rates)}
    return [by_time[at] for at in sorted(by_time)]


def complete(
    symbol: Symbol,
    known: list[FundingRate],
    times: Integers,
    interval: Ms,
    assumed: float,
    remarks: list[tuple[str, str]],
) -> list[FundingRate]:
    """``known`` with ``assumed`` settled every 8 hours (00, 08, 16 UTC) where none is known near.

    Args:
        symbol: whose funding it is.
        known: recorded settlements, ascending.
        times: open times of the bars.
        interval: of the bars.
        assumed: rate of 8 hours, fraction; 0 charges nothing where nothing is known.
        remarks: gets ``no_funding`` or ``partial_funding``, with what is charged instead.
    """
    first, last = int(times[0]), int(times[-1]) + interval
    inside = [rate for rate in known if first < rate.at <= last]
    charged = f"{100 * assumed:g} % every 8 h is assumed" if assumed else NONE_CHARGED
    if not inside:
        if last - first >= DAY:
            remarks.append(("no_funding", f"no funding is recorded: {charged}"))
    elif (unknown := _unknown(inside, times, interval)) >= DAY:
        remarks.append(
            ("partial_funding", f"funding of {unknown / DAY:.0f} days is not recorded: {charged} there")
        )
    if not assumed:
        return known
    return in_order(known + _assumed(symbol, inside, first, last, assumed))


def _unknown(inside: list[FundingRate], times: Integers, interval: Ms) -> Ms:
    """Time of bars that have no settlement within one schedule of their close, before or after."""
    import numpy as np

    moments = np.array([0, *(rate.at for rate in inside), 2**62])
    closes = times + interval
    following = np.searchsorted(moments, closes)
    far = (moments[following] - closes > SCHEDULE) & (closes - moments[following - 1] > SCHEDULE)
    return int(far.sum()) * interval


def _assumed(symbol: Symbol, inside: list[FundingRate], first: Ms, last: Ms, rate: float) -> list[FundingRate]:
    """Settlements of the usual schedule that are at least (nearly) one schedule away from any known one."""
    import numpy as np

    usual = np.arange(first - first % SCHEDULE + SCHEDULE, last + 1, SCHEDULE)
    moments = np.array([-(2**61), *(one.at for one in inside), 2**61])
    following = np.searchsorted(moments, usual)
    nearest = np.minimum(moments[following] - usual, usual - moments[following - 1])
    return [FundingRate(symbol, at, rate, 8) for at in usual[nearest > SCHEDULE - MINUTE].tolist()]
