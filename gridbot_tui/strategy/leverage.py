"""Leverage of one symbol: volatility, filters, and what survives a gap."""

import math

from gridbot_tui.strategy.votes import clip

FILTER_RAMP = 0.5
"""Yearly volatility over which the filter closes."""
GAP_LEAST, GAP_MOST = 0.20, 0.70


def base_leverage(base: float, reference: float, sigma_year: float) -> float:
    """L0 at the reference volatility, falling with the square root of volatility."""
    return base * math.sqrt(reference / sigma_year)


def volatility_filter(sigma_year: float, closed_at: float) -> float:
    """h in [0, 1]: 0 from ``closed_at`` yearly volatility on."""
    return clip((closed_at - sigma_year) / FILTER_RAMP, 0.0, 1.0)


def stress_gap(sigma_hour: float, sigma_fast: float) -> float:
    """x: the jump against us that must be survived, fraction of price."""
    return clip(8.0 * max(sigma_hour, sigma_fast) * math.sqrt(24.0), GAP_LEAST, GAP_MOST)


def survival_long(limit: float, gap: float) -> float:
    """Largest long exposure whose leverage is still within ``limit`` after a fall of ``gap``."""
    return limit / (1.0 + (limit - 1.0) * gap)


def survival_short(limit: float, gap: float) -> float:
    """Largest short exposure whose leverage is still within ``limit`` after a rise of ``gap``."""
    return limit / (1.0 + (limit + 1.0) * gap)
