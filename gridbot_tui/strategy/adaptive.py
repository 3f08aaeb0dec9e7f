"""The adaptive plan of one symbol: a draft on its own, then the plan under the portfolio's scale."""

from typing import NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.strategy import leverage as lev
from gridbot_tui.strategy.ensemble import Mix, Shape, Triple, combine, confidence, label
from gridbot_tui.strategy.features import FeatureRow
from gridbot_tui.strategy.ladder import (
    centre_price,
    level_count,
    recentred,
    reservation,
    spacing_floor,
    spacing_of,
    unwind_to,
)
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.strategy.plan import GridPlan, Votes, Weights
from gridbot_tui.strategy.portfolio import Exposure, Scale
from gridbot_tui.units import Market, Ms, Symbol

Reason = tuple[str, float]


FAINTEST = 1e-9
"""A lot smaller than this part of equity x leverage comes from a vote that is float noise: there are no rungs."""


class SymbolInputs(Struct, frozen=True):
    """One symbol at a decision, as the account sees it."""

    price: float
    """Close of the decision bar, quote."""
    position: float
    """Signed base quantity held."""
    equity: float
    """Equity allotted to the symbol, quote."""
    tick: float
    """Tick size, quote."""
    spread: float
    """Best ask - best bid, quote; one tick when unknown."""
    maker_fee: float
    min_lot: float
    """Smallest base quantity an entry may have (minimum quantity and minimum notional at the price)."""
    drawdown: float = 0.0
    """The symbol's own drawdown of its allotment, fraction >= 0."""
    listed_days: float | None = None
    """Days since listing; None = not known, which filters nothing."""


class AccountInputs(Struct, frozen=True):
    """The account at a decision."""

    drawdown_multiplier: float
    """m_DD of the tier, in [0, 1]."""
    equity: float
    """Quote."""


class Draft(NamedTuple):
    """A symbol's numbers before the portfolio has its say."""

    row: FeatureRow
    votes: Votes
    mix: Mix
    confidence: float
    leverage: float
    gap: float
    reasons: tuple[Reason, ...]


def draft(
    row: FeatureRow,
    votes: Votes,
    weights: Triple,
    shape: Shape,
    now: SymbolInputs,
    m_dd: float,
    params: StrategyParams,
) -> Draft:
    """Votes, mix and leverage of one symbol on its own; ``reasons`` names everything that bound."""
    voted = (votes.up, votes.down, votes.neutral)
    mixed = combine(weights, voted, shape)
    sure = confidence(weights, voted)
    p = params.leverage
    reasons: list[Reason] = []
    multiple = lev.base_leverage(p.base, p.reference_volatility, row.sigma_year) * sure
    multiple *= _filters(row, now, params, reasons)
    if m_dd < 1.0:
        reasons.append(("drawdown_multiplier", m_dd))
        multiple *= m_dd
    gap = lev.stress_gap(row.sigma_hour, row.sigma_fast)
    multiple = _survivable(multiple, mixed, gap, p.survival, shape.spot, reasons)
    return Draft(row, votes, mixed, sure, multiple, gap, tuple(reasons))


def _filters(row: FeatureRow, now: SymbolInputs, params: StrategyParams, reasons: list[Reason]) -> float:
    """h with its companions: a factor in [0, 1]."""
    p = params.leverage
    factor = lev.volatility_filter(row.sigma_year, p.filter_volatility)
    if factor < 1.0:
        reasons.append(("volatility_filter", factor))
    if now.listed_days is not None and now.listed_days < p.young_days:
        reasons.append(("young_listing", now.listed_days))
        factor = 0.0
    if row.funding_day is not None and abs(row.funding_day) > p.funding_limit:
        reasons.append(("funding_filter", row.funding_day))
        factor = 0.0
    if now.drawdown >= p.stop_drawdown and row.sigma_month > p.stop_volatility:
        reasons.append(("symbol_stop", now.drawdown))
        factor = 0.0
    return factor


def _survivable(
    multiple: float, mixed: Mix, gap: float, limit: float, spot: bool, reasons: list[Reason]
) -> float:
    """Leverage whose full bounds survive the stress gap; on spot, that needs no borrowing."""
    if spot:
        if multiple * mixed.upper > 1.0:
            reasons.append(("spot_cap", 1.0))
            return 1.0 / mixed.upper
        return multiple
    longest, shortest = lev.survival_long(limit, gap), lev.survival_short(limit, gap)
    if multiple * mixed.upper > longest:
        reasons.append(("survival_cap_long", longest))
        multiple = longest / mixed.upper
    if multiple * -mixed.lower > shortest:
        reasons.append(("survival_cap_short", shortest))
        multiple = shortest / -mixed.lower
    return multiple


def exposure(made: Draft, now: SymbolInputs, account_equity: float) -> Exposure:
    """A draft in multiples of account equity."""
    unit = made.leverage * now.equity / account_equity
    return Exposure(
        largest=unit * max(made.mix.upper, -made.mix.lower),
        bias=unit * made.mix.bias,
        crash=unit * made.mix.upper * made.gap,
        position=now.position * now.price / account_equity,
    )


def plan(
    symbol: Symbol,
    at: Ms,
    made: Draft,
    scale: Scale,
    now: SymbolInputs,
    weights: Triple,
    ladder: LadderParams,
    market: Market,
    previous: GridPlan | None,
) -> GridPlan:
    """The numbers a ladder is built from.

    No lot (no vote, no leverage, no equity): no rungs, and the position is to be left passively
    (``unwind`` 0). A lot below the minimum keeps all numbers, so that an existing position keeps its
    exits; the reason ``lot_below_minimum``, whose value is the equity needed, forbids entries.
    """
    multiple, mixed = made.leverage * scale.factor, made.mix
    unit = multiple * max(now.equity, 0.0) / now.price
    lot = mixed.lot * unit
    bare = GridPlan(
        symbol=symbol,
        epoch=previous.epoch + 1 if previous is not None else 1,
        at=at,
        kind="adaptive",
        price=now.price,
        position=now.position,
        equity=now.equity,
        votes=made.votes,
        weights=Weights(*weights),
        bias=mixed.bias,
        label=label(mixed.bias, mixed.upper, mixed.lower),
        confidence=made.confidence,
        leverage=multiple,
        lot=0.0,
        target=0.0,
        upper=0.0,
        lower=0.0,
        levels=0,
        skew=ladder.skew,
        unwind=0.0,
        sigma_hour=made.row.sigma_hour,
        gap=made.gap,
        reasons=made.reasons + scale.reasons,
    )
    if mixed.lot < FAINTEST or lot <= 0.0:
        return bare
    return _with_rungs(bare, made, lot, unit, now, ladder, market, previous)


def _with_rungs(
    bare: GridPlan,
    made: Draft,
    lot: float,
    unit: float,
    now: SymbolInputs,
    ladder: LadderParams,
    market: Market,
    previous: GridPlan | None,
) -> GridPlan:
    mixed, row, reasons = made.mix, made.row, bare.reasons
    share = mixed.neutral_share
    trend, neutral, least = ladder.spacings_of(market)
    spacing = spacing_of(share, row.sigma_hour, trend, neutral)
    floor = spacing_floor(least, now.maker_fee, now.tick, now.spread, now.price)
    if spacing < floor:
        spacing = floor
        reasons += (("spacing_floor", floor),)
    if lot < now.min_lot:
        reasons += (("lot_below_minimum", now.equity * now.min_lot / lot),)
    kept = previous.centre if previous is not None and previous.kind == "adaptive" else None
    centre = recentred(centre_price(share, row.ema12, row.ema24), kept, spacing, ladder.recentre)
    target, upper, lower = mixed.bias * unit, mixed.upper * unit, mixed.lower * unit
    return replace(
        bare,
        lot=lot,
        target=target,
        upper=upper,
        lower=lower,
        levels=level_count(upper, lower, lot, ladder.max_levels),
        centre=centre,
        spacing=spacing,
        anchor=reservation(centre, bare.skew, spacing, now.position, target, lot),
        neutral_share=share,
        unwind=unwind_to(now.position, upper, lower, ladder.unwind_excess),
        reasons=reasons,
    )
