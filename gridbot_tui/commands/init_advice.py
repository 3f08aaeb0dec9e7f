"""Suggestions for a first config, each with its reason and the data behind it. Pure."""

import math
from collections.abc import Mapping, Sequence
from decimal import Decimal

from msgspec import Struct

from gridbot_tui.commands.init_market import Measured
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.strategy.plain import levels, most_levels
from gridbot_tui.strategy.plan import LadderKind
from gridbot_tui.units import Market, Symbol

LOT_SHARE = 0.15
"""A lot of the adaptive ladder over a symbol's share of the capital, at usual volatility (about leverage x u)."""
ROOM = 1.5
"""A lot must be so many times the smallest order: drawdown tiers shrink lots to 0.4 of their size at last."""
LEVERAGE = LadderParams().plain.leverage
"""Of a plain grid with every level filled."""
FEES = {Market.FUTURES: 0.0002, Market.SPOT: 0.001}
"""Maker fee, VIP 0."""
PLAIN: tuple[LadderKind, ...] = ("arithmetic", "geometric")


class Advice(Struct, frozen=True):
    """One suggested value."""

    key: str
    value: object
    reason: str
    """A sentence; names the sample it rests on."""


def sample(facts: Mapping[Symbol, Measured], source: str) -> str:
    """``504 hours of synthetic market``: what advice rests on."""
    hours = max((one.hours for one in facts.values()), default=0)
    return f"{hours} hours ({round(hours / 24)} days) of {source}"


def affordable(capital: Decimal, facts: Sequence[Measured]) -> int:
    """How many of the symbols, in this order, the capital covers; at least one."""
    count = len(facts)
    while count > 1:
        lot = float(capital) / count * LOT_SHARE
        if all(lot >= ROOM * one.smallest for one in facts[:count]):
            return count
        count -= 1
    return count


def symbols(capital: Decimal, facts: Mapping[Symbol, Measured], source: str) -> Advice:
    """As many of the measured ones as the capital covers."""
    found = list(facts.values())
    count = affordable(capital, found)
    chosen = [one.symbol for one in found[:count]]
    lot = float(capital) / count * LOT_SHARE
    largest = max((one.smallest for one in found[:count]), default=0.0)
    reason = f"an adaptive lot is about {lot:,.0f} of quote each, the largest smallest order {largest:,.4g}"
    if count < len(found):
        reason += f"; {found[count].symbol} and more would make lots too small"
    if lot < ROOM * largest:
        reason += ": too little capital, most orders would be refused"
    return Advice("symbols", chosen, f"{reason}; from {sample(facts, source)}")


def spacing_words(one: Measured, ladder: LadderParams, market: Market) -> str:
    """What spacing the adaptive ladder would take, and from what."""
    trend, neutral, floor = ladder.spacings_of(market)
    low, high = (max(floor, factor * one.sigma_hour) for factor in (neutral, trend))
    return (
        f"{one.symbol} moves {100 * one.sigma_hour:.2f} % an hour ({100 * one.sigma_year:.0f} % a year, "
        f"{one.hours} hours): rungs {100 * low:.2f} % apart in a range, {100 * high:.2f} % in a trend"
    )


def adaptive(facts: Mapping[Symbol, Measured], ladder: LadderParams, market: Market) -> Advice:
    """The grid that sizes its own rungs."""
    words = "; ".join(spacing_words(one, ladder, market) for one in list(facts.values())[:3])
    return Advice("ladder.kind", "adaptive", f"the rungs follow votes and volatility. {words}")


def plain(facts: Mapping[Symbol, Measured], market: Market, source: str, capital: Decimal) -> list[Advice]:
    """Range and levels of a plain grid: wide enough for nine weeks in ten, rungs that pay their fees, lots that
    the exchange takes."""
    known = [one for one in facts.values() if one.week_low is not None and one.week_high is not None]
    if not known:
        return []
    below = min(0.9, max(0.03, *(-_known(one.week_low) for one in known)))
    above = min(5.0, max(0.03, *(_known(one.week_high) for one in known)))
    sigma = max(one.sigma_hour for one in known)
    room = min(_room(one, below, above, FEES[market]) for one in known)
    if room < 2:
        return []
    wanted = min(room, max(4, min(60, math.floor((below + above) / (1.5 * sigma or 1.0)) + 1)))
    share = float(capital) / len(facts)
    paid = min(_paid(one, below, above, wanted, share) for one in known)
    count = paid or wanted
    why = f"1.5 hourly sigmas ({100 * sigma:.2f} %), and no closer than six round trips' fees"
    if count < wanted:
        why = f"with more, lots would be too near the smallest order at {share:,.0f} of quote a symbol"
    elif not paid:
        why += "; TOO LITTLE CAPITAL: a lot is below the smallest order, or would be after a drawdown"
    rests = f"{min(one.weeks for one in known)} overlapping weeks of {source}"
    return [
        Advice("ladder.plain.range_below", round(below, 3), f"nine weeks in ten fell no further; {rests}"),
        Advice("ladder.plain.range_above", round(above, 3), f"nine weeks in ten rose no further; {rests}"),
        Advice(
            "ladder.plain.levels",
            count,
            f"rungs about {100 * (below + above) / (count - 1):.2f} % apart, a lot about "
            f"{share * LEVERAGE / (count - 1):,.0f} of quote: {why}; {sample(facts, source)}",
        ),
    ]


def _room(one: Measured, below: float, above: float, fee: float) -> int:
    """Levels that the engine takes in a range around the last price: fees and ticks keep them apart."""
    lower, upper = one.price * (1.0 - below), one.price * (1.0 + above)
    return min(most_levels(kind, lower, upper, one.tick, fee) for kind in PLAIN)


def _paid(one: Measured, below: float, above: float, most: int, share: float) -> int:
    """So many levels at most that every lot has room above the smallest order; 0: not even two."""
    lower, upper = one.price * (1.0 - below), one.price * (1.0 + above)
    least = one.least(lower)
    for count in range(most, 1, -1):
        dearest = max(sum(levels(kind, lower, upper, count)[:-1]) for kind in PLAIN)
        if share * LEVERAGE >= ROOM * least * dearest:
            return count
    return 0


def _known(value: float | None) -> float:
    assert value is not None
    return value


RISKS: Mapping[str, Sequence[Advice]] = {
    "normal": (),
    "careful": (
        Advice("risk.leverage_cap", 2.0, "careful: entries are admitted up to 2x in the worst case, not 5x"),
        Advice("risk.leverage_trim", 2.5, "careful: positions are trimmed from 2.5x"),
        Advice("risk.leverage_hard", 3.0, "careful: no order passes 3x, and the exchange's own ceiling is 3x"),
        Advice("risk.tier1_enter", 0.03, "careful: risk is reduced from a drawdown of 3 %"),
        Advice("risk.tier1_leave", 0.015, "careful: half of its entry, against flapping"),
        Advice("risk.tier2_enter", 0.06, "careful: defensive from 6 %"),
        Advice("risk.tier2_leave", 0.045, "careful: back to tier 1 under 4.5 %"),
        Advice("risk.tier3_enter", 0.10, "careful: everything is closed at 10 %, not 15 %"),
    ),
}
"""What a choice of risk sets beside the defaults."""


def risk_keys(risk: str, market: Market) -> list[Advice]:
    """What a choice of risk sets on a market: spot holds its equity once at most, and nothing is trimmed there."""
    return [one for one in RISKS[risk] if not (market is Market.SPOT and one.key.startswith("risk.leverage_"))]
