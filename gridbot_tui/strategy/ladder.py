"""Centre, spacing and reservation price of an adaptive ladder. Prices are logs, distances log distances."""

import math


def centre_price(neutral_share: float, ema12: float, ema24: float) -> float:
    """m: the fair value the ladder is centred on; NEUTRAL follows faster."""
    return neutral_share * ema12 + (1.0 - neutral_share) * ema24


def recentred(centre: float, previous: float | None, spacing: float, hysteresis: float) -> float:
    """The centre to use: the previous one unless it has moved by more than ``hysteresis`` spacings."""
    if previous is not None and abs(centre - previous) <= hysteresis * spacing:
        return previous
    return centre


def spacing_floor(least: float, maker_fee: float, tick: float, spread: float, price: float) -> float:
    """Least spacing that fees, tick and spread leave worth trading."""
    return max(least, 12.0 * maker_fee, 10.0 * tick / price, 4.0 * spread / price)


def spacing_of(neutral_share: float, sigma_hour: float, trend: float, neutral: float) -> float:
    """s before its floor: hourly volatility times the mix of both systems' widths."""
    return (neutral_share * neutral + (1.0 - neutral_share) * trend) * sigma_hour


def reservation(
    centre: float, skew: float, spacing: float, position: float, target: float, lot: float
) -> float:
    """r: the centre moved against inventory, ``skew`` spacings for each lot away from the target."""
    return centre - skew * spacing * (position - target) / lot


def level_count(upper: float, lower: float, lot: float, most: int) -> int:
    """n: rungs a side that the whole range has room for."""
    return min(most, math.ceil((upper - lower) / lot - 1e-9))


def unwind_to(position: float, upper: float, lower: float, excess: float) -> float | None:
    """The bound to go back to, where the position is beyond it by more than ``excess`` of the range."""
    slack = excess * (upper - lower)
    if position > upper + slack:
        return upper
    if position < lower - slack:
        return lower
    return None
