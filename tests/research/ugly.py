"""Markets uglier than the recorded ones, made from a seed.

A run with default settings must live through each without a broken promise.
"""

from collections.abc import Callable
from decimal import Decimal
from random import Random

import numpy as np
from msgspec.structs import replace

from gridbot_tui.market.recorded import RecordedMarket, Series
from gridbot_tui.market.source import FundingRate
from gridbot_tui.research.request import Prepared
from gridbot_tui.settings.load import load
from gridbot_tui.units import DAY, HOUR, MINUTE
from tests.research.markets import GAP, START, series

DAYS = 24
WARM = 15
"""Days before anything ugly happens: the plan is there, and often a position."""


def calm(draw: Random, symbol: str = "ETHUSDT", **given: object) -> Series:
    """A lively walk, with a trend as often as not, so that something is held when it matters."""
    sigma, drift = draw.uniform(0.007, 0.02), draw.choice((-0.02, 0.0, 0.01, 0.03))
    made = {"seed": draw.randrange(1_000_000), "sigma_hour": sigma, "drift_day": drift, **given}
    return series(symbol, DAYS, **made)  # type: ignore[arg-type]


def shaped(one: Series, factor: "np.ndarray[tuple[int], np.dtype[np.float64]]") -> Series:
    """The same series with its prices multiplied bar by bar; what a factor jumps over is a gap between two bars."""

    def scaled(column: "np.ndarray[tuple[int], np.dtype[np.int64]]") -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
        return np.maximum(1, np.rint(column * factor)).astype(np.int64)

    opened, high, low, close = (scaled(column) for column in (one.open, one.high, one.low, one.close))
    mark = None
    if one.mark is not None:
        up, down, last = (scaled(column) for column in one.mark)
        mark = (up, down, last)
    return Series(one.instrument, one.times, opened, high, low, close, one.volume, mark, one.funding, one.notes)


def moment(draw: Random, one: Series) -> int:
    """A bar after the warm-up."""
    first = int(one.times.searchsorted(START + WARM * DAY))
    return draw.randrange(first, len(one.times) - 10)


def gaps(draw: Random) -> list[Series]:
    """Price opens three times some 30 % away from where it closed."""
    one = calm(draw)
    factor = np.ones(len(one.times))
    for _ in range(3):
        factor[moment(draw, one) :] *= draw.choice((0.7, 1.3, 0.75))
    return [shaped(one, factor)]


def flash(draw: Random) -> list[Series]:
    """Half the price is gone within a few bars, and comes back."""
    one = calm(draw)
    at, factor = moment(draw, one), np.ones(len(one.times))
    depth, fall, rest = draw.uniform(0.3, 0.7), draw.randrange(1, 6), draw.randrange(0, 12)
    for step in range(fall):
        factor[at + step] = 1.0 - depth * (step + 1) / fall
    factor[at + fall : at + fall + rest] = 1.0 - depth
    return [shaped(one, factor[: len(one.times)])]


def spikes(draw: Random) -> list[Series]:
    """Single bars reach far beyond their neighbours, to both sides."""
    one = calm(draw)
    high, low = one.high.copy(), one.low.copy()
    for _ in range(12):
        at = moment(draw, one)
        high[at] = int(high[at] * draw.uniform(1.05, 1.6))
        low[at] = max(1, int(low[at] * draw.uniform(0.5, 0.95)))
    return [Series(one.instrument, one.times, one.open, high, low, one.close, one.volume, None, one.funding, [])]


def pump(draw: Random) -> list[Series]:
    """Three to eight times the price within a day, most of it lost on the next."""
    one = calm(draw)
    at = moment(draw, one)
    steps = np.zeros(len(one.times))
    up = np.log(draw.uniform(3.0, 8.0))
    steps[at : at + 288] += up / 288
    steps[at + 288 : at + 576] -= 0.8 * up / 288
    return [shaped(one, np.exp(np.cumsum(steps)))]


def delisted(draw: Random) -> list[Series]:
    """Falls to a hundredth within three days and is quoted no more, beside one that lives on."""
    one, other = calm(draw), calm(draw, "SOLUSDT")
    at = int(one.times.searchsorted(START + WARM * DAY)) + draw.randrange(0, 1_000)
    steps = np.zeros(len(one.times))
    steps[at : at + 864] = np.log(0.01) / 864
    whole, last = shaped(one, np.exp(np.cumsum(steps))), min(len(one.times), at + 864)
    times, volume = whole.times[:last], whole.volume[:last]
    opened, high, low, close = (column[:last] for column in (whole.open, whole.high, whole.low, whole.close))
    rates = [rate for rate in whole.funding if rate.at <= int(times[-1]) + 5 * MINUTE]
    return [Series(whole.instrument, times, opened, high, low, close, volume, None, rates, []), other]


def together(draw: Random) -> list[Series]:
    """Three symbols fall by a third in one bar, the same."""
    made = [calm(draw, name) for name in ("BTCUSDT", "ETHUSDT", "SOLUSDT")]
    at = moment(draw, made[0])
    found = []
    for one in made:
        factor = np.ones(len(one.times))
        factor[at:] = draw.uniform(0.6, 0.75)
        found.append(shaped(one, factor))
    return found


def outage(draw: Random) -> list[Series]:
    """The exchange is away while price falls, for less than an episode and for more."""
    begins = WARM + draw.random() * (DAYS - WARM - 1)
    one = calm(draw, holes=((begins, draw.choice((0.5, 0.9, 3.0, 26.0))),))
    at = int(one.times.searchsorted(START + begins * DAY))
    factor = np.ones(len(one.times))
    factor[at:] = draw.uniform(0.6, 1.5)
    return [shaped(one, factor)]


def funded(draw: Random) -> list[Series]:
    """Funding of 2 % every 8 hours, now one side paying, now the other."""
    one = calm(draw)
    sign = draw.choice((1, -1))
    rates = [
        FundingRate(one.instrument.symbol, START + i * 8 * HOUR, sign * (0.02 if i % 7 else -0.02), 8)
        for i in range(WARM * 3, DAYS * 3)
    ]
    one.funding = [rate for rate in one.funding if rate.at < START + WARM * DAY] + rates
    return [one]


def torn(draw: Random) -> list[Series]:
    """The mark price is a quarter away from the last price for two days."""
    one = calm(draw, marks=True)
    at = moment(draw, one)
    assert one.mark is not None
    factor = np.ones(len(one.times))
    factor[at : at + 576] = draw.choice((0.75, 1.25))
    high, low, close = (np.rint(column * factor).astype(np.int64) for column in one.mark)
    one.mark = (high, low, close)
    return [one]


def silent(draw: Random) -> list[Series]:
    """Days without any volume, at one price, with a jump at their end."""
    one = calm(draw)
    at = moment(draw, one)
    end = min(len(one.times), at + 288 * draw.randrange(1, 4))
    for column in (one.open, one.high, one.low, one.close):
        column[at:end] = one.close[at - 1]
    one.volume[at:end] = 0.0
    factor = np.ones(len(one.times))
    factor[end:] = draw.uniform(0.7, 1.3)
    return [shaped(one, factor)]


def thin(draw: Random) -> list[Series]:
    """Hardly any volume: orders fill in crumbs."""
    one = calm(draw)
    one.volume[:] = np.array([draw.choice((0.0, 0.001, 0.01, 0.5)) for _ in range(len(one.times))])
    return [one]


def cheap(draw: Random) -> list[Series]:
    """A price of some thousand ticks of a hundred-millionth."""
    one = calm(draw)
    factor = np.full(len(one.times), draw.uniform(1_500, 5_000) / float(one.close[0]))
    made = shaped(one, factor)
    made.instrument = replace(
        made.instrument, tick=Decimal("0.00000001"), step=Decimal(1), min_price=1, max_steps=10**11,
        market_max_steps=10**11,
    )  # fmt: skip
    made.volume[:] = 1e12
    return [made]


def dear(draw: Random) -> list[Series]:
    """A price of 100,000 and more, of which one step is a good part of the account."""
    one = calm(draw, "BTCUSDT")
    made = shaped(one, np.full(len(one.times), draw.uniform(1.7, 3.0)))
    made.instrument = replace(made.instrument, step=Decimal("0.01"))
    return [made]


def coarse(draw: Random) -> list[Series]:
    """A tick of half a per cent of the price."""
    one = calm(draw)
    made = shaped(one, np.full(len(one.times), 200 / float(one.close[0])))
    made.instrument = replace(made.instrument, tick=Decimal("10"), min_price=1)
    return [made]


def crowd(draw: Random) -> list[Series]:
    """Two to four of these on one account, each ugly in its own way."""
    return [_as(f"X{place}USDT", draw.choice(KINDS)(draw)[0]) for place in range(draw.randrange(2, 5))]


def _as(symbol: str, one: Series) -> Series:
    """The same under another name."""
    rates = [replace(rate, symbol=symbol) for rate in one.funding]
    instrument = replace(one.instrument, symbol=symbol, base=symbol.removesuffix("USDT"))
    return replace(one, instrument=instrument, funding=rates)


KINDS: tuple[Callable[[Random], list[Series]], ...] = (
    gaps, flash, spikes, pump, delisted, together, outage, funded, torn, silent, thin, cheap, dear, coarse,
)  # fmt: skip


def hourly(one: Series) -> Series:
    """The same in bars of an hour: everything is seen later."""
    hours, first = np.unique(one.times // HOUR, return_index=True)
    last = np.append(first[1:], len(one.times)) - 1
    high, low = np.maximum.reduceat(one.high, first), np.minimum.reduceat(one.low, first)
    volume = np.add.reduceat(one.volume, first)
    mark = None
    if one.mark is not None:
        mark = (np.maximum.reduceat(one.mark[0], first), np.minimum.reduceat(one.mark[1], first), one.mark[2][last])
    times = hours * HOUR
    return Series(
        one.instrument, times, one.open[first], high, low, one.close[last], volume, mark, one.funding, one.notes
    )


def ugly(index: int, seed: int) -> tuple[str, Prepared]:
    """One ugly market with default settings, and its name; every third in hours, every fifth with a small account."""
    kind = crowd if index % (len(KINDS) + 1) == len(KINDS) else KINDS[index % len(KINDS)]
    draw = Random(f"{kind.__name__}/{seed}/{index}")
    given = (("bot.capital", str(draw.choice((60, 300, 1_000)))),) if index % 5 == 4 else ()
    settings = load(None, {}, given).settings
    name = f"{kind.__name__} {seed}/{index}" + (f" with {given[0][1]}" if given else "")
    made = kind(draw)
    if index % 3 == 1:
        return f"{name} in hours", Prepared(settings, RecordedMarket([hourly(one) for one in made], HOUR, GAP))
    return name, Prepared(settings, RecordedMarket(made, 5 * MINUTE, GAP))
