"""One played run as numbers: the figures every run has, and the curves a report draws."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from decimal import Decimal

import msgspec
from msgspec import Struct

from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.market.cursor import Cursor
from gridbot_tui.market.recorded import RecordedMarket
from gridbot_tui.research import metrics
from gridbot_tui.research.halts import Halt, halts
from gridbot_tui.research.metrics import DIGITS
from gridbot_tui.research.request import Prepared
from gridbot_tui.research.ring import Ring
from gridbot_tui.research.tape import WARMING, Record
from gridbot_tui.settings.model import Settings
from gridbot_tui.strategy.plan import Weights
from gridbot_tui.units import DAY, HOUR, Ms, Side, Symbol

EXTREME_DIGITS = 10
"""Of extremes over all bars, which compiled code finds in sums of floats."""
OFF_TIES = 1e-12 / 3
"""More than such sums differ by. A fall from the capital to an equity of cents is a decimal that may lie just between
two of those digits, where the last bit of a sum would decide."""


class Mark(Struct, frozen=True):
    """One fill on a chart."""

    at: Ms
    symbol: Symbol
    side: Side
    price: float
    forced: bool


class Reason(Struct, frozen=True):
    """Something that held orders back."""

    code: str
    symbol: Symbol
    """"" for the whole account."""
    share: float
    """Of the hours in which something could be traded; of ``warming`` itself, of all."""
    words: str
    """What it said last."""


class Outcome(Struct, frozen=True):
    """What one run came to."""

    name: str
    start: Ms
    """Open time of its first bar."""
    end: Ms
    capital: float
    figures: dict[str, object]
    """The scalar keys of the result document, ``bars`` to ``residual``."""
    at: array[int]
    equity: array[float]
    leverage: array[float]
    weights: tuple[array[float], array[float], array[float]]
    prices: dict[Symbol, array[float]]
    marks: tuple[Mark, ...]
    weight_means: tuple[float, float, float]
    shadow_returns: tuple[float, float, float]
    codes: dict[str, int]
    tiers: tuple[tuple[Ms, int, float, float], ...]
    """(time, tier, equity, leverage) of every change of tier."""
    halts: tuple[Halt, ...] = ()
    reasons: tuple[Reason, ...] = ()
    """What held orders back, the most frequent first."""
    leaps: frozenset[int] = frozenset()
    """Days that bring what prices did in a hole of the recording as well, while something was held: their return is no
    day's."""

    def daily(self, since: Ms = 0) -> metrics.Daily:
        """Returns of single days after ``since``."""
        return metrics.daily(self.at, self.equity, self.capital, since, self.leaps)


def ring_of(
    prepared: Prepared,
    settings: Settings | None = None,
    *,
    weights: tuple[float, float, float] | None = None,
    start_after: Ms | None = None,
    every_bar: bool = False,
) -> Ring:
    """A run, ready to go.

    Args:
        prepared: market and settings.
        settings: others than the prepared ones.
        weights: fixed weights instead of learned ones, (up, down, neutral).
        start_after: play only what comes after this time.
        every_bar: handle each bar by itself; the same result, slowly.
    """
    config = prepared.engine_config(settings)
    cursor = Cursor(prepared.market)
    engine = Engine(config, prepared.market.instruments)
    if weights is not None:
        engine.desk.strategy.set_weights(Weights(*weights), start_after or prepared.market.start)
    world = World(cursor, prepared.account(config, settings), start_after=start_after)
    return Ring(engine, world, None if every_bar else cursor)


def by_engine(name: str, prepared: Prepared, start_after: Ms | None = None) -> Outcome:
    """The strategy's own run, by the engine. Raises RingFailed."""
    ring = ring_of(prepared, start_after=start_after)
    ring.run()
    return outcome_of(name, ring, prepared)


class Left(Struct, frozen=True):
    """What a run leaves, whoever played it: all that an ``Outcome`` is counted up from."""

    record: Record
    ledger: Ledger
    start: Ms
    end: Ms
    fall: float
    """Deepest fall of the unit value, <= 0."""
    worst: float
    """Highest leverage of a worst case that an order left with."""
    observed: float
    """Highest leverage at a mark."""
    liquidations: int
    shadows: tuple[float, float, float]
    """Sum of the daily returns of each system's paper grid."""
    residual: Decimal | None


def outcome_of(name: str, ring: Ring, prepared: Prepared) -> Outcome:
    """Count up a run of the engine that has ended."""
    desk = ring.engine.desk
    left = Left(
        record=ring.tape,
        ledger=desk.ledger,
        start=ring.start,
        end=ring.world.now,
        fall=desk.ledger.capital.max_drawdown,
        worst=desk.max_worst,
        observed=desk.max_observed,
        liquidations=ring.world.exchange.liquidations,
        shadows=desk.strategy.shadow_returns(),
        residual=desk.ledger.account.residual(),
    )
    made = counted(name, left, prepared, desk.config)
    return msgspec.structs.replace(made, codes=dict(sorted(ring.tape.codes.items())), reasons=_reasons(ring))


def to_the_end(record: Record, ledger: Ledger, end: Ms, market: RecordedMarket) -> None:
    """Take the curve to the end of a run whose data end inside an hour: what happened since the last whole one counts
    as well. A run without a whole hour has no curve."""
    curve, equity = record.curve, ledger.equity_quick()
    if not curve.at or end <= curve.at[-1] or equity is None:
        return
    held = 0.0
    for name, one in market.series.items():
        position, mark = ledger.position(name), ledger.book(name).mark
        held += abs(position) * (mark or 0) * one.instrument.unit_f
        fresh = int(one.times[-1]) + market.interval > curve.at[-1]
        curve.prices[name].append(int(one.close[-1]) * one.instrument.tick_f if fresh else curve.prices[name][-1])
    for column in curve.weights:
        column.append(column[-1])
    curve.at.append(end)
    curve.equity.append(float(equity))
    curve.leverage.append(held / float(equity) if equity > 0 else 0.0)


def warmed(start: Ms, warmup_hours: int) -> Ms:
    """When the first adaptive plan of a market that begins at ``start`` can be made: the end of its warm-up hours."""
    return start - start % HOUR + warmup_hours * HOUR


def _trading_from(start: Ms, config: EngineConfig) -> Ms:
    """When a run that begins at ``start`` may first trade: plain grids need no warm-up."""
    kinds = {config.ladder_of(symbol).kind for symbol in config.shares}
    return warmed(start, config.strategy.warmup_hours) if kinds == {"adaptive"} else start


def counted(name: str, left: Left, prepared: Prepared, config: EngineConfig) -> Outcome:
    """Count up what a run with this config has left."""
    record, curve = left.record, left.record.curve
    to_the_end(record, left.ledger, left.end, prepared.market)
    capital = float(left.ledger.allotted)
    means = tuple(round(metrics.mean(column), DIGITS) for column in curve.weights)
    shadows = tuple(round(value, DIGITS) for value in left.shadows)
    return Outcome(
        name=name,
        start=left.start,
        end=left.end,
        capital=capital,
        figures=_figures(left, prepared, capital, _trading_from(left.start, config)),
        at=curve.at,
        equity=curve.equity,
        leverage=curve.leverage,
        weights=curve.weights,
        prices=curve.prices,
        marks=_marks(record, prepared),
        weight_means=(means[0], means[1], means[2]),
        shadow_returns=(shadows[0], shadows[1], shadows[2]),
        codes={},
        tiers=tuple((t.at, t.tier, t.equity, t.leverage) for t in record.tiers),
        halts=halts(record, prepared, config.risk.tier3_enter),
    )


def _reasons(ring: Ring) -> tuple[Reason, ...]:
    curve = ring.tape.curve
    hours = len(curve.at)
    found = [
        Reason(code, symbol, count / max(hours if code == WARMING else curve.ready, 1), words)
        for (symbol, code), (count, words) in curve.reasons.items()
    ]
    if hours and not curve.ready:
        found.append(Reason(WARMING, "", 1.0, "no symbol ever had its warm-up behind it"))
    return tuple(sorted(found, key=lambda one: (-one.share, one.symbol, one.code)))


def _marks(record: Record, prepared: Prepared) -> tuple[Mark, ...]:
    instruments = prepared.market.instruments
    return tuple(
        Mark(
            one.at,
            one.fill.symbol,
            one.fill.side,
            one.fill.price * instruments[one.fill.symbol].tick_f,
            bool(one.fill.forced),
        )
        for one in record.fills
    )


def _figures(left: Left, prepared: Prepared, capital: float, since: Ms) -> dict[str, object]:
    """The scalar keys of the result document, but for those of time. What is reckoned by days is of those after
    ``since``: a warm-up without a trade would make every rate smaller than that of a baseline beside it."""
    record, curve, instruments = left.record, left.record.curve, prepared.market.instruments
    pnl = left.ledger.pnl()
    final = left.ledger.equity_quick()
    days = max(left.end - since, 0) / DAY
    returns = metrics.daily(curve.at, curve.equity, capital, since).returns
    first = bisect_right(curve.at, since)
    held = curve.leverage[first:]
    traded = sum(float(instruments[f.fill.symbol].notional(f.fill.price, f.fill.steps)) for f in record.fills)
    middle = metrics.mean(curve.equity[first:]) or capital
    drawdown = extreme(min(left.fall, 0.0))
    growth = None if final is None else metrics.cagr(capital, float(final), days)
    return {
        "bars": prepared.market.bars_total,
        "symbols": list(prepared.market.symbols),
        "episodes": len(prepared.market.symbols) + sum(note.code == "episode" for note in prepared.market.notes),
        "net_return": None if final is None else _round(float(final) / capital - 1.0),
        "cagr": _round(growth),
        "max_drawdown": drawdown,
        "sharpe": _round(metrics.sharpe(returns)),
        "sortino": _round(metrics.sortino(returns)),
        "calmar": _round(metrics.ratio(growth, -drawdown)),
        "win_rate": _round(pnl.wins / pnl.cycles) if pnl.cycles else None,
        "fills": len(record.fills),
        "cycles": pnl.cycles,
        "turnover": _round(traded / middle / days) if days else 0.0,
        "fees": format(pnl.fees_total, "f"),
        "funding": format(pnl.funding, "f"),
        "final_equity": None if final is None else format(final.normalize(), "f"),
        "max_leverage": extreme(left.worst),
        "max_leverage_observed": extreme(left.observed),
        "liquidations": left.liquidations,
        "time_in_market": _round(sum(1 for one in held if one > 0.0) / len(held)) if held else 0.0,
        "residual": None if left.residual is None else format(left.residual.normalize(), "f"),
        "days": _round(days),
    }


def extreme(value: float) -> float:
    """As a document tells it, the same from sums that were added in another order."""
    return round(value + OFF_TIES, EXTREME_DIGITS) + 0.0


def _round(value: float | None) -> float | None:
    """Twelve decimals, and of what is large twelve digits."""
    if value is None:
        return None
    return round(value, DIGITS) + 0.0 if abs(value) < 1.0 else float(f"{value:.{DIGITS}g}")
