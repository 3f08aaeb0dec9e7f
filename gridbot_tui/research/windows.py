"""Stretches of a recording: train and test windows, the bars of one, and which of them hold data."""

from collections.abc import Sequence

from msgspec import Struct

from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.units import DAY, Ms

LEAST = 0.5
"""Share of a window's train days, of its test days, and of those that warm up before them, that must hold bars."""


class Window(Struct, frozen=True):
    """Days to choose on, and days to judge on."""

    train_from: Ms
    test_from: Ms
    test_to: Ms


def windows(start: Ms, end: Ms, train_days: int, test_days: int, warm: Ms) -> list[Window]:
    """Test windows one after the other, each with its train days before it; whole days, UTC."""
    first = -(-(start + warm) // DAY) * DAY
    found = []
    while first + (train_days + test_days) * DAY <= end:
        test = first + train_days * DAY
        found.append(Window(first, test, test + test_days * DAY))
        first += test_days * DAY
    return found


def part(market: RecordedMarket, frm: Ms, to: Ms, gap: Ms) -> RecordedMarket | None:
    """The bars that open in [frm, to), with what loading found of the whole; None where there are none."""
    kept: list[Series] = []
    for one in market.series.values():
        a, b = (int(one.times.searchsorted(at)) for at in (frm, to))
        if b <= a:
            continue
        marks = None
        if one.mark is not None:
            high, low, close = one.mark
            marks = (high[a:b], low[a:b], close[a:b])
        rates = [rate for rate in one.funding if frm < rate.at <= to]
        columns = (one.times, one.open, one.high, one.low, one.close)
        times, opened, high, low, close = (column[a:b] for column in columns)
        kept.append(Series(one.instrument, times, opened, high, low, close, one.volume[a:b], marks, rates, one.notes))
    absent = sorted({*market.absent, *market.symbols} - {one.instrument.symbol for one in kept})
    return RecordedMarket(kept, market.interval, gap, absent, market.passed_over) if kept else None


def covered(market: RecordedMarket, found: Sequence[Window], warm: Ms) -> list[Window]:
    """Those windows of which enough days hold bars, to choose on, to judge on, and to warm up on before either: a
    choice over a hole is none, and nobody is judged on days on which he could not trade yet."""
    days = sorted({int(day) for one in market.series.values() for day in set((one.times // DAY).tolist())})

    def held(frm: Ms, to: Ms) -> bool:
        inside = sum(frm // DAY <= day < to // DAY for day in days)
        return inside >= LEAST * (to - frm) / DAY

    def usable(one: Window) -> bool:
        cold = (one.train_from - warm, one.train_from), (one.test_from - warm, one.test_from)
        days = (one.train_from, one.test_from), (one.test_from, one.test_to)
        return all(held(*span) for span in (*cold, *days))

    return [one for one in found if usable(one)]
