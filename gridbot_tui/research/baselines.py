"""What the strategy has to beat, played by the same engine on the same market with the same costs.

All start when the adaptive plan could first have traded, so that nobody has days the others lack. What is
known only afterwards (the best in hindsight) is named so.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Callable

from msgspec import Struct

from gridbot_tui.exchange.simulated.margin import brackets_of
from gridbot_tui.research import metrics
from gridbot_tui.research.metrics import DIGITS
from gridbot_tui.research.outcome import Outcome, outcome_of, ring_of, warmed
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.ring import RingFailed
from gridbot_tui.settings.model import Settings
from gridbot_tui.strategy.params import LadderParams
from gridbot_tui.units import DAY, Market, Ms

RANGE = 0.25
"""Half width of the static grids' range as a fraction of the first price: a usual choice on the venues' own."""
LEVELS = 25


class Variant(Struct, frozen=True):
    """A run to compare with."""

    name: str
    title: str
    settings: Callable[[Settings], Settings] = lambda settings: settings
    weights: tuple[float, float, float] | Callable[[Settings, Market], tuple[float, float, float]] | None = None
    late: bool = False
    """True where it needs no history: it starts with the adaptive plan's first hour."""


def _plain(kind: str) -> Callable[[Settings], Settings]:
    def change(settings: Settings) -> Settings:
        ladder = settings.ladder
        plain = ladder.plain.model_copy(
            update={
                "side": "long",
                "levels": LEVELS,
                "lower": None,
                "upper": None,
                "range_below": RANGE,
                "range_above": RANGE,
                "leverage": 1.0,
                "initial_inventory": True,
                "stop": None,
                "stop_above": None,
                "take_profit": None,
            }
        )
        symbols = {name: one.model_copy(update={"ladder": None}) for name, one in settings.symbols.items()}
        common = ladder.model_copy(update={"kind": kind, "plain": plain})
        return settings.model_copy(update={"ladder": common, "symbols": symbols})

    return change


def _adaptive(settings: Settings) -> Settings:
    """The systems' own ladder everywhere: a config of plain grids has no use for their votes, and would be beside
    itself under their names."""

    def moved(ladder: LadderParams) -> LadderParams:
        return ladder.model_copy(update={"kind": "adaptive"})

    symbols = {
        name: one if one.ladder is None else one.model_copy(update={"ladder": moved(one.ladder)})
        for name, one in settings.symbols.items()
    }
    return settings.model_copy(update={"ladder": moved(settings.ladder), "symbols": symbols})


def _ungated(settings: Settings) -> Settings:
    """NEUTRAL always at full vote: spacing follows volatility, nothing switches it off."""
    settings = _adaptive(settings)
    votes = settings.strategy.votes.model_copy(update={"neutral_sigma": 0.001, "neutral_ramp": 0.0005, "breakout": 6.0})
    strategy = settings.strategy.model_copy(update={"votes": votes})
    return settings.model_copy(update={"strategy": strategy})


def _prior(settings: Settings, market: Market) -> tuple[float, float, float]:
    prior = settings.strategy.ensemble.prior_of(market)
    return prior.up, prior.down, prior.neutral


THIRD = 1.0 / 3.0
USUAL = (
    Variant("static_grid", "static grid, geometric, long", _plain("geometric"), late=True),
    Variant("equal_weights", "equal weights", _adaptive, weights=(THIRD, THIRD, 1.0 - 2 * THIRD)),
)
"""In every result document, with buy and hold."""
MORE = (
    Variant("static_arithmetic", "static grid, arithmetic, long", _plain("arithmetic"), late=True),
    Variant("ungated_neutral", "volatility-scaled grid without gate", _ungated, weights=(0.0, 0.0, 1.0)),
    Variant("up_alone", "UP alone", _adaptive, weights=(1.0, 0.0, 0.0)),
    Variant("down_alone", "DOWN alone", _adaptive, weights=(0.0, 1.0, 0.0)),
    Variant("neutral_alone", "NEUTRAL alone", _adaptive, weights=(0.0, 0.0, 1.0)),
    Variant("fixed_prior", "fixed prior weights, no learning", _adaptive, weights=_prior),
)
"""In every report."""
TITLES = {"buy_and_hold": "buy and hold", **{one.name: one.title for one in (*USUAL, *MORE)}}


def warm_at(prepared: Prepared) -> Ms:
    """When the first adaptive plan of the market can be made: the end of its warm-up hours."""
    return warmed(prepared.market.start, prepared.settings.strategy.warmup_hours)


def play(prepared: Prepared, variant: Variant, since: Ms, hourly: Callable[[Ms], None] | None = None) -> Outcome:
    """Run one variant; ``hourly`` is told of every hour played.

    Raises ValueError or RingFailed where it cannot be run on this market.
    """
    settings = variant.settings(prepared.settings)
    market = next(iter(prepared.market.instruments.values())).market
    weights = variant.weights
    given = weights(settings, market) if callable(weights) else weights
    start = since if variant.late else None
    ring = ring_of(prepared, settings, weights=given, start_after=start)
    ring.hourly = hourly
    ring.run()
    return outcome_of(variant.name, ring, prepared)


def try_play(
    prepared: Prepared, variant: Variant, since: Ms, hourly: Callable[[Ms], None] | None = None
) -> Outcome | str:
    """As ``play``; a reason instead of an exception where the variant does not fit the market."""
    try:
        return play(prepared, variant, since, hourly)
    except (ValueError, RingFailed) as wrong:
        return str(wrong)


def buy_and_hold(prepared: Prepared, main: Outcome, since: Ms) -> Outcome:
    """Equal shares bought with all capital at the first hour's end after ``since``, taker costs, funding paid.

    Unlevered: on futures this is a 1x long, which funding of years may leave without the margin that it must keep. Then
    it is liquidated, and nothing more is bought. Marked hourly, before what is bought at that moment: its costs are of
    the days that are judged. A symbol that ends is held at its last price, and so is one through a hole of the
    recording: what it did there counts, but in no daily figure, for it falls on one day.
    """
    settings = prepared.settings
    config = prepared.engine_config()
    cost = float(config.taker_fee) + 1e-4 * settings.simulation.exchange.slippage_bp
    penalty = float(settings.simulation.exchange.liquidation_fee)
    capital = main.capital
    at, equity = array("q"), array("d")
    bought: dict[str, float] = {}
    cash, paid, fees = capital, 0.0, 0.0
    futures = config.market is Market.FUTURES
    rates = _funding(prepared) if futures else []
    brackets = _brackets(prepared) if futures else {}
    due = fills = liquidations = 0
    for index, moment in enumerate(main.at):
        if moment < since:
            continue
        while due < len(rates) and rates[due][0] <= moment:
            settled, symbol, rate = rates[due]
            if symbol in bought:
                paid -= rate * bought[symbol] * _price(main, symbol, index, settled)
            due += 1
        held = {symbol: units * main.prices[symbol][index] for symbol, units in bought.items()}
        worth = sum(held.values())
        if futures and cash + worth + paid < _maintenance(brackets, held):
            left = max(0.0, cash + worth + paid - worth * penalty)
            fees += max(0.0, cash + worth + paid) - left
            cash, worth, bought, liquidations = left - paid, 0.0, {}, 1
        at.append(moment)
        equity.append(cash + worth + paid)
        for symbol, column in main.prices.items():
            price = column[index]
            if symbol not in bought and price > 0.0 and not liquidations:
                money = capital * config.shares[symbol] / (1.0 + cost)
                bought[symbol] = money / price
                fees += money * cost
                cash -= money * (1.0 + cost)
                fills += 1
    return _held(main, at, equity, fees, paid, fills, liquidations, _leaps(prepared, main, since))


def _price(main: Outcome, symbol: str, index: int, at: Ms) -> float:
    """The price of a settlement, on the straight line to the point of the curve that follows it: of one in a hole of
    months neither end is the price."""
    column, before, after = main.prices[symbol], main.at[index - 1], main.at[index]
    return column[index - 1] + (column[index] - column[index - 1]) * (at - before) / (after - before)


def _leaps(prepared: Prepared, main: Outcome, since: Ms) -> frozenset[int]:
    """Days on which a price comes back after more than a day without bars, while it may be held."""
    market, found = prepared.market, set()
    for one in market.series.values():
        holes = one.times[1:] - one.times[:-1] > DAY
        for opened in one.times[1:][holes].tolist():
            index = bisect_left(main.at, opened + market.interval)
            if 0 < index < len(main.at) and main.at[index - 1] >= since:
                found.add((main.at[index] - 1) // DAY)
    return frozenset(found)


_Brackets = dict[str, list[tuple[float, float, float]]]
"""(cap, maintenance ratio, cum) of each symbol's brackets: ``maintenance`` of every hour of years, in floats."""


def _brackets(prepared: Prepared) -> _Brackets:
    return {
        name: [(float(b.cap), float(b.maintenance_ratio), float(b.cum)) for b in brackets_of(one)]
        for name, one in prepared.market.instruments.items()
    }


def _maintenance(brackets: _Brackets, held: dict[str, float]) -> float:
    """The margin that positions worth so much must keep together."""
    whole = 0.0
    for symbol, worth in held.items():
        _, ratio, cum = next((one for one in brackets[symbol] if worth <= one[0]), brackets[symbol][-1])
        whole += worth * ratio - cum
    return whole


def _funding(prepared: Prepared) -> list[tuple[Ms, str, float]]:
    found = [(r.at, s, r.rate) for s, one in prepared.market.series.items() for r in one.funding]
    return sorted(found)


def _held(
    main: Outcome,
    at: array[int],
    equity: array[float],
    fees: float,
    funding: float,
    fills: int,
    liquidations: int,
    leaps: frozenset[int],
) -> Outcome:
    final = equity[-1] if equity else main.capital
    days = (at[-1] - at[0]) / DAY if len(at) > 1 else 0.0
    returns = metrics.daily(at, equity, main.capital, at[0] if at else 0, leaps).returns
    fall = metrics.max_drawdown(equity, main.capital)
    growth = metrics.cagr(main.capital, final, days)

    def shown(value: float | None) -> float | None:
        return None if value is None else round(value, DIGITS)

    figures: dict[str, object] = {
        "net_return": shown(final / main.capital - 1.0),
        "cagr": shown(growth),
        "max_drawdown": shown(fall),
        "sharpe": shown(metrics.sharpe(returns)),
        "sortino": shown(metrics.sortino(returns)),
        "calmar": shown(metrics.ratio(growth, -fall)),
        "fills": fills,
        "fees": f"{fees:.8f}",
        "funding": f"{funding:.8f}",
        "final_equity": f"{final:.8f}",
        "liquidations": liquidations,
    }
    return Outcome(
        name="buy_and_hold",
        start=main.start,
        end=main.end,
        capital=main.capital,
        figures=figures,
        at=at,
        equity=equity,
        leverage=array("d"),
        weights=(array("d"), array("d"), array("d")),
        prices={},
        marks=(),
        weight_means=(0.0, 0.0, 0.0),
        shadow_returns=(0.0, 0.0, 0.0),
        codes={},
        tiers=(),
        leaps=leaps,
    )
