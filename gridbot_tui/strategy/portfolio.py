"""Caps over all symbols: what exceeds one scales leverage down, in proportion."""

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from gridbot_tui.strategy.params import PortfolioParams
from gridbot_tui.units import Symbol, added


class Exposure(NamedTuple):
    """One symbol's plan before the caps, in multiples of account equity."""

    largest: float
    """b L max(hi, |lo|)"""
    bias: float
    """b L e"""
    crash: float
    """b L hi x: loss of the full long side in its stress gap."""
    position: float
    """Signed notional held."""


class Scale(NamedTuple):
    """Factor on a symbol's leverage, and the caps that made it, as (code, factor)."""

    factor: float
    reasons: tuple[tuple[str, float], ...]


def _fit(limit: float, value: float) -> float:
    return 1.0 if value <= limit else limit / value


def scales(
    exposures: Mapping[Symbol, Exposure], groups: Iterable[tuple[Symbol, ...]], params: PortfolioParams
) -> dict[Symbol, Scale]:
    """Cluster cap first, then gross, net and crash together; the tightest of these scales everybody.

    The cluster cap is a share of the gross cap, not of today's sum: as a share of the sum no portfolio of
    fewer than three independent symbols could ever trade.
    """
    own = dict.fromkeys(exposures, 1.0)
    for members in groups:
        inside = [name for name in members if name in exposures]
        if len(inside) > 1:
            factor = _fit(params.cluster * params.gross, added(exposures[name].largest for name in inside))
            for name in inside:
                own[name] = factor
    items = sorted(exposures.items())
    gross = _fit(params.gross, added(own[name] * e.largest for name, e in items))
    bias = abs(added(own[name] * e.bias for name, e in items))
    held = abs(added(e.position for _, e in items))
    net = min(_fit(params.net, bias), _fit(params.net, held))
    crash = _fit(params.crash, added(own[name] * e.crash for name, e in items))
    common = min(gross, net, crash)
    shared = tuple(
        (code, factor)
        for code, factor in (("gross_cap", gross), ("net_cap", net), ("crash_budget", crash))
        if factor < 1.0
    )
    return {
        name: Scale(own[name] * common, ((("cluster_cap", own[name]),) if own[name] < 1.0 else ()) + shared)
        for name, _ in items
    }
