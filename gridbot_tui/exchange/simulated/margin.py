"""Margin arithmetic of one USD-M position: maintenance, the bracket's leverage, the liquidation price.

Binance: maintenance = notional x maintMarginRatio - cum, of the bracket the notional lies in.
"""

from decimal import Decimal

from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.units import ZERO, Money, Steps

DEFAULT_BRACKETS = (Bracket(ZERO, Decimal(10) ** 12, 20, Decimal("0.025"), ZERO),)
"""For a symbol of which no bracket is known: 20x, half of the initial margin as maintenance."""


def brackets_of(instrument: Instrument) -> tuple[Bracket, ...]:
    """The brackets that apply to a symbol."""
    return instrument.brackets or DEFAULT_BRACKETS


def bracket_for(instrument: Instrument, notional: Money) -> Bracket:
    """The bracket in which an absolute notional lies; the last one also above its cap."""
    brackets = brackets_of(instrument)
    for bracket in brackets:
        if notional <= bracket.cap:
            return bracket
    return brackets[-1]


def maintenance(instrument: Instrument, notional: Money) -> Money:
    """Maintenance margin of an absolute notional."""
    bracket = bracket_for(instrument, notional)
    return notional * bracket.maintenance_ratio - bracket.cum


def max_notional(instrument: Instrument, leverage: int) -> Money:
    """The largest position allowed at a leverage."""
    caps = [b.cap for b in brackets_of(instrument) if b.max_leverage >= leverage]
    return max(caps, default=ZERO)


def max_leverage(instrument: Instrument) -> int:
    """The highest leverage any position of the symbol may have."""
    return max(b.max_leverage for b in brackets_of(instrument))


def liquidation_price(instrument: Instrument, steps: Steps, cost: Money, free: Money) -> Money | None:
    """Mark price at which the margin balance meets the maintenance margin, all other symbols standing still.

    Args:
        instrument: of the position.
        steps: signed position, not 0.
        cost: signed entry value.
        free: wallet + unrealised PnL of all other positions - their maintenance.

    Returns:
        The price, or None where no price liquidates the position (a long held by a large enough wallet).

    From free + q p - cost = |q| p ratio - cum, in the bracket that holds |q| p.
    """
    quantity = instrument.quantity(steps)
    size = abs(quantity)
    for bracket in brackets_of(instrument):
        slope = size * bracket.maintenance_ratio - quantity
        if slope == 0:
            continue
        price = (free + bracket.cum - cost) / slope
        if price > 0 and bracket.floor < size * price <= bracket.cap:
            return price
    return None
