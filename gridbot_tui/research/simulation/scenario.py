"""One seed's story before it begins: config, market, account, and what will happen when."""

from decimal import Decimal
from random import Random
from typing import Final

from msgspec import Struct

from gridbot_tui.market.source import FundingRate
from gridbot_tui.research.simulation.levels import Level
from gridbot_tui.units import HOUR, MINUTE, Market, Ms, Symbol

BEGIN: Final[Ms] = 1_767_225_600_000
"""2026-01-01: fixed, so that a seed is a whole story."""
SETTLE_IN: Final[Ms] = 10 * MINUTE
"""Nothing happens before the first plans stand."""
MARKET_KINDS: Final = frozenset({"gap", "funding_spike"})
"""Happenings that are part of the market and known before it begins."""
_SYMBOLS: Final = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "XRPUSDT", "DOGEUSDT", "ADAUSDT", "LTCUSDT", "LINKUSDT")
_MORE: Final = (*_SYMBOLS, "BNBUSDT", "AVAXUSDT", "SUIUSDT", "NEARUSDT", "FILUSDT", "APEUSDT")
"""For runs that ask for a number of symbols."""


class Happening(Struct, frozen=True):
    """Something that happens at a time; ``draw`` seeds what is still to be drawn when it does."""

    at: Ms
    kind: str
    draw: int


class Gap(Struct, frozen=True):
    """A symbol ("" = all) opens at ``factor`` times the price from ``at`` on."""

    at: Ms
    symbol: Symbol
    factor: float


class Scenario(Struct, frozen=True):
    """Everything a seed decides beforehand."""

    seed: int
    level: Level
    market: Market
    symbols: tuple[Symbol, ...]
    start: Ms
    end: Ms
    volatility: float
    wallet: Decimal
    bnb: Decimal
    config: str
    edits: tuple[str, ...]
    """Further texts of the config file; the last is one that must be refused."""
    happenings: tuple[Happening, ...]
    gaps: tuple[Gap, ...]
    funding: tuple[FundingRate, ...]
    partial: float
    keep_positions: bool
    without: frozenset[str]
    calm_shutdown: bool
    """The last shutdown runs with a working line."""


def draw(
    seed: int,
    hours: float,
    level: Level,
    *,
    symbols: int | None = None,
    without: frozenset[str] = frozenset(),
    learning: bool = True,
) -> Scenario:
    """The scenario of a seed. ``without`` leaves kinds of happenings out and changes nothing else."""
    rng = Random(f"scenario/{seed}")
    market = Market.SPOT if seed % 8 == 7 else Market.FUTURES
    count = symbols or rng.choice((3, 3, 3, 4))
    names = tuple(sorted(rng.sample(_SYMBOLS if symbols is None else _MORE, count)))
    # A few minutes before a full hour: the first plans come with the first hour's close.
    start = BEGIN + rng.randrange(0, 20) * HOUR + rng.randrange(54, 58) * MINUTE
    end = start + round(hours * HOUR)
    found = _happenings(rng, level, start, end)
    kept = tuple(one for one in found if one.kind not in without)
    side = "long" if market is Market.SPOT else rng.choice(("neutral", "neutral", "long", "short"))
    tables = [_config(rng, market, side, learning) for _ in range(4)]
    return Scenario(
        seed=seed,
        level=level,
        market=market,
        symbols=names,
        start=start,
        end=end,
        volatility=rng.choice((1.5, 2.5, 4.0)),
        wallet=Decimal(rng.choice((5_000, 20_000, 100_000))),
        bnb=Decimal(rng.choice((0, 0, 2))),
        config=tables[0],
        edits=(*tables[1:], tables[0].replace("leverage_cap = ", "leverage_cap = 50")),
        happenings=tuple(one for one in kept if one.kind not in MARKET_KINDS),
        gaps=tuple(_gap(one, names) for one in kept if one.kind == "gap"),
        funding=tuple(_spike(one, names) for one in kept if one.kind == "funding_spike" and market is Market.FUTURES),
        partial=rng.choice((0.0, 0.3, 0.6)),
        keep_positions=rng.random() < 0.3,
        without=without,
        calm_shutdown=rng.random() < 0.5,
    )


def stretch(scenario: Scenario, hour: int) -> list[Happening]:
    """What happens in a further hour after the end of a scenario; its market has no more gaps and spikes."""
    rng = Random(f"stretch/{scenario.seed}/{hour}")
    start = scenario.end + hour * HOUR
    found = _happenings(rng, scenario.level, start - SETTLE_IN, start + HOUR + 5 * MINUTE)
    return [one for one in found if one.kind not in MARKET_KINDS and one.kind not in scenario.without]


def _happenings(rng: Random, level: Level, start: Ms, end: Ms) -> list[Happening]:
    found = []
    for kind, rate in sorted(level.per_hour.items()):
        at = float(start + SETTLE_IN)
        own = Random(f"{kind}/{rng.random()}")
        while (at := at + own.expovariate(rate) * HOUR) < end - 5 * MINUTE:
            found.append(Happening(round(at), kind, own.randrange(1 << 30)))
    return sorted(found, key=lambda one: (one.at, one.kind))


def _config(rng: Random, market: Market, side: str, learning: bool) -> str:
    kind = rng.choice(("adaptive", "adaptive", "geometric", "arithmetic"))
    leverage = rng.choice((0.5, 0.9)) if market is Market.SPOT else rng.choice((0.8, 1.5, 3.0))
    span = rng.choice((0.05, 0.1))
    # Mostly the gap budget binds; a low cap makes the leverage gate work.
    cap = rng.choice((0.3, 0.6, 1.0, 5.0))
    return f"""\
[ladder]
kind = "{kind}"
max_levels = {rng.choice((6, 8, 12))}
spacing_trend = {rng.choice((1.0, 1.5))}
spacing_neutral = {rng.choice((0.5, 0.8))}
spacing_floor = {rng.choice((0.001, 0.002))}
spot_spacing_floor = 0.004
spot_spacing_trend = 2.0
spot_spacing_neutral = 1.0

[ladder.plain]
side = "{side}"
levels = {rng.choice((12, 20, 30))}
range_below = {span}
range_above = {span}
leverage = {leverage}
trailing_up = true
trailing_down = {"false" if market is Market.SPOT else "true"}

[orders]
depth = {rng.choice((6, 8, 10))}

[risk]
leverage_cap = {cap}
leverage_trim = {1.1 * cap:g}
leverage_hard = {1.2 * cap:g}
gap_reserve = {rng.choice((0.1, 0.5) if market is Market.FUTURES else (0.5, 0.5))}

[strategy.votes]
neutral_sigma = 0.002
neutral_ramp = 0.002
breakout = 6.0

[strategy.leverage]
base = {rng.choice((0.5, 1.0))}
filter_volatility = 10.0

[strategy.portfolio]
gross = 5.0
net = 5.0
crash = 0.5
cluster = 1.0

[strategy.learning]
enabled = {"true" if learning else "false"}

[simulation.exchange]
spot_maker = 0.0002
spot_taker = 0.0005
"""


def _gap(one: Happening, names: tuple[Symbol, ...]) -> Gap:
    rng = Random(one.draw)
    size = rng.uniform(0.10, 0.30)
    symbol = rng.choice(("", *names))
    return Gap(one.at - one.at % MINUTE, symbol, 1.0 - size if rng.random() < 0.6 else 1.0 + size)


def _spike(one: Happening, names: tuple[Symbol, ...]) -> FundingRate:
    rng = Random(one.draw)
    rate = rng.choice((-1, 1)) * rng.uniform(0.002, 0.02)
    return FundingRate(rng.choice(names), one.at - one.at % MINUTE, round(rate, 8), rng.choice((1, 2, 4, 8)))
