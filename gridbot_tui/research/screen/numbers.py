"""A config and an instrument as the flat record that the compiled run reads."""

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.exchange.simulated.margin import brackets_of, max_leverage, max_notional
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.risk.liquidation import Margins
from gridbot_tui.strategy.ensemble import shape_of
from gridbot_tui.units import DAY, HOUR, MINUTE, Market, Ms

BRACKETS: Final = 32
"""Margin brackets of a symbol at most."""
CUT: Final = 100_000_000
"""Parts of an asset that an exchange counts in."""
SPOT_CAP: Final = 1.0

_INTS: Final = (
    "spot", "tilt", "warmup", "most_levels", "depth", "room", "learns", "skip_days", "fallback_days", "auto_rearm",
    "rearm_ms", "stale_after", "min_steps", "max_steps", "market_max_steps", "min_price", "max_price", "max_orders",
    "least_value", "lines", "brackets", "most_value", "leverage", "max_stops", "step_units", "maker_units",
    "taker_units", "probe_ms", "probe_stop_ms", "refusals", "churn_ms", "churn_creates", "churn_repeats",
    "breaker_rejects", "interval", "hour_bars", "plain", "plain_side", "plain_geometric", "plain_levels",
    "plain_inventory", "plain_reinvests", "unit_parts",
)  # fmt: skip
_FLOATS: Final = (
    "neutral_sigma", "neutral_ramp", "breakout", "down_volatility", "gain", "swing", "ramp", "lot_trend",
    "lot_neutral", "prior_up", "prior_down", "prior_neutral", "base", "reference", "closed_at", "funding_limit",
    "survival", "stop_drawdown", "stop_volatility", "gross", "net", "crash", "cluster", "skew", "trend", "neutral",
    "least_spacing", "recentre", "excess", "near", "quantity", "stop_tolerance", "churn_near", "rate", "share_in",
    "shrink", "floor", "cap_weight", "change", "trust", "bet", "evidence_limit", "enter1", "leave1", "enter2",
    "leave2", "enter3", "scale1", "scale2", "tau", "usual_pull", "hour_kept", "absolute_halt", "rearm_drawdown",
    "cap", "trim", "hard", "reserve", "unknown_gap", "stop_floor", "stop_beyond", "clearance", "warn", "reduce",
    "breaker_loss", "tick", "step", "unit", "min_value", "percent_up", "percent_down", "maker", "taker", "slip",
    "volume_share", "liquidation_fee", "capital", "share", "plain_lower", "plain_upper", "plain_below", "plain_above",
    "plain_leverage",
)  # fmt: skip
NUMBERS: Final = np.dtype(
    [(name, np.int64) for name in _INTS]
    + [(name, np.float64) for name in _FLOATS]
    + [("line", np.float64, (BRACKETS, 3)), ("bracket", np.float64, (BRACKETS, 3))]
)
"""``line``: (rate, amount, cap) as the engine reckons margin; ``bracket``: (cap, rate, amount) as the exchange does."""

if TYPE_CHECKING:

    class Numbers:
        """See ``_INTS`` and ``_FLOATS``."""

        def __getattr__(self, name: str) -> Any: ...

    class AllNumbers:
        """One record a symbol."""

        def __getitem__(self, place: int) -> Numbers: ...
        def __len__(self) -> int: ...

else:
    Numbers = AllNumbers = Any


def fill(
    n: Any, config: EngineConfig, instrument: Instrument, capital: float, exchange: ExchangeParams, interval: Ms
) -> None:
    """Write everything one run needs to know into a record of ``NUMBERS``."""
    for name, value in {
        **_strategy(config),
        **_plain(config, instrument),
        **_orders(config, instrument),
        **_risk(config, interval),
        **_instrument(instrument),
        **_costs(config, instrument, exchange),
    }.items():
        n[name] = value
    n["interval"], n["capital"], n["share"] = interval, capital, config.shares[instrument.symbol]
    lines = Margins(instrument.brackets).lines
    n["lines"] = len(lines)
    for i, (rate, amount, _, _) in enumerate(lines):
        n["line"][i] = rate, amount, lines[i + 1][2] if i + 1 < len(lines) else np.inf
    brackets = brackets_of(instrument)
    n["brackets"] = len(brackets)
    for i, one in enumerate(brackets):
        n["bracket"][i] = float(one.cap), float(one.maintenance_ratio), float(one.cum)


def _strategy(config: EngineConfig) -> dict[str, float]:
    s, ladder = config.strategy, config.ladder
    shape, prior = shape_of(s.ensemble, config.market), s.ensemble.prior_of(config.market).triple
    votes, lev, learning = s.votes, s.leverage, s.learning
    trend, neutral, least = ladder.spacings_of(config.market)
    return {
        "spot": shape.spot, "warmup": s.warmup_hours, "tilt": votes.funding_tilt,
        "neutral_sigma": votes.neutral_sigma, "neutral_ramp": votes.neutral_ramp, "breakout": votes.breakout,
        "down_volatility": votes.down_volatility, "gain": shape.gain, "swing": shape.swing, "ramp": shape.ramp,
        "lot_trend": shape.lot_trend, "lot_neutral": shape.lot_neutral,
        "prior_up": prior[0], "prior_down": prior[1], "prior_neutral": prior[2],
        "base": lev.base, "reference": lev.reference_volatility, "closed_at": lev.filter_volatility,
        "funding_limit": lev.funding_limit, "survival": lev.survival,
        "stop_drawdown": lev.stop_drawdown, "stop_volatility": lev.stop_volatility,
        "gross": s.portfolio.gross, "net": s.portfolio.net, "crash": s.portfolio.crash,
        "cluster": s.portfolio.cluster,
        "skew": ladder.skew, "trend": trend, "neutral": neutral, "least_spacing": least,
        "most_levels": ladder.max_levels, "recentre": ladder.recentre, "excess": ladder.unwind_excess,
        "learns": learning.enabled, "rate": learning.rate, "share_in": learning.share, "shrink": learning.shrink,
        "floor": learning.floor, "cap_weight": learning.cap, "skip_days": learning.skip_days,
        "change": learning.max_change, "trust": learning.trust_rate, "bet": learning.bet,
        "evidence_limit": learning.evidence_limit, "fallback_days": learning.fallback_days,
    }  # fmt: skip


def _plain(config: EngineConfig, instrument: Instrument) -> dict[str, float]:
    """A plain grid; lower and upper are 0 where it is laid around the price."""
    ladder = config.ladder
    p = ladder.plain
    return {
        "plain": ladder.kind != "adaptive", "plain_geometric": ladder.kind == "geometric",
        "plain_side": 1 if p.side == "long" else -1, "plain_levels": p.levels, "plain_inventory": p.initial_inventory,
        "plain_reinvests": p.reinvest, "plain_lower": p.lower or 0.0, "plain_upper": p.upper or 0.0,
        "plain_below": p.range_below, "plain_above": p.range_above, "plain_leverage": p.leverage,
        "unit_parts": int(instrument.unit * CUT),
    }  # fmt: skip


def _orders(config: EngineConfig, instrument: Instrument) -> dict[str, float]:
    p = config.orders
    room = instrument.max_orders - p.reserved_orders
    return {
        "depth": min(p.depth, max(1, room // 2)), "room": room, "near": p.price_tolerance,
        "quantity": p.quantity_tolerance, "stop_tolerance": p.stop_tolerance, "churn_ms": p.churn_window_ms,
        "churn_creates": p.churn_creates, "churn_repeats": p.churn_repeats, "churn_near": p.churn_near,
        "refusals": p.refusals, "probe_ms": p.refusal_probe_ms, "probe_stop_ms": p.refusal_probe_protective_ms,
    }  # fmt: skip


def _risk(config: EngineConfig, interval: Ms) -> dict[str, float]:
    r, spot = config.risk, config.market is Market.SPOT
    tau, bars, most = r.drawdown_ema_minutes * MINUTE, HOUR // interval - 1, SPOT_CAP if spot else np.inf
    return {
        "enter1": r.tier1_enter, "leave1": r.tier1_leave, "enter2": r.tier2_enter, "leave2": r.tier2_leave,
        "enter3": r.tier3_enter, "scale1": r.tier1_scale, "scale2": r.tier2_scale,
        "tau": tau, "usual_pull": 1.0 - float(np.exp(-interval / tau)), "hour_bars": bars,
        "hour_kept": float(np.exp(-bars * interval / tau)), "absolute_halt": r.absolute_halt,
        "auto_rearm": r.auto_rearm, "rearm_ms": int(r.auto_rearm_days * DAY), "rearm_drawdown": r.auto_rearm_drawdown,
        "cap": min(most, r.leverage_cap), "hard": min(most, r.leverage_hard),
        "trim": np.inf if spot else r.leverage_trim, "reserve": r.gap_reserve, "unknown_gap": r.gap_unknown,
        "stop_floor": r.stop_budget_floor, "stop_beyond": r.stop_beyond, "clearance": r.liquidation_clearance,
        "warn": r.liquidation_warn, "reduce": r.liquidation_reduce, "breaker_loss": r.breaker_loss,
        "breaker_rejects": r.breaker_rejects, "stale_after": config.stale_after,
    }  # fmt: skip


def _instrument(one: Instrument) -> dict[str, float]:
    return {
        "tick": one.tick_f, "step": one.step_f, "unit": one.unit_f,
        "min_value": float(one.min_notional) / one.unit_f, "least_value": one.least_value,
        "min_steps": one.min_steps, "max_steps": one.max_steps, "market_max_steps": one.market_max_steps,
        "min_price": one.min_price, "max_price": one.max_price, "max_orders": one.max_orders,
        "percent_up": float(one.percent_up), "percent_down": float(one.percent_down),
        "step_units": int(one.step * CUT),
    }  # fmt: skip


def _costs(config: EngineConfig, instrument: Instrument, exchange: ExchangeParams) -> dict[str, float]:
    leverage = min(config.risk.exchange_leverage, max_leverage(instrument))
    if leverage < config.risk.exchange_leverage:  # refused: the default stays
        leverage = min(exchange.leverage, max_leverage(instrument))
    return {
        "maker": float(config.maker_fee), "taker": float(config.taker_fee),
        "maker_units": int(config.maker_fee * CUT), "taker_units": int(config.taker_fee * CUT),
        "slip": (exchange.half_spread_bp + exchange.slippage_bp) * 1e-4, "volume_share": exchange.volume_share,
        "liquidation_fee": float(exchange.liquidation_fee), "max_stops": exchange.max_stops, "leverage": leverage,
        "most_value": min(int(max_notional(instrument, leverage) // instrument.unit), 1 << 62),
    }  # fmt: skip
