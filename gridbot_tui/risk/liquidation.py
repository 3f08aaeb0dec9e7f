"""Cross-margin liquidation: where it is, how far, and what would keep it away.

The exchange liquidates where the account's equity equals its maintenance margin. With E the equity at the
present mark m less the maintenance of all other positions, position P (unit included), and a bracket of
rate r and amount c (margin = notional x r - c):

    long   s = (P m - E - c) / (P (1 - r))          short  s = (E + |P| m + c) / (|P| (1 + r))

Rates rise from bracket to bracket and the margin is continuous, so it is the largest of all brackets'
lines: liquidation is at the first of all s that the price would reach, without asking for the bracket.
Others' unrealised profit is in E as of now; if they lose too, it is nearer.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from msgspec import Struct

from gridbot_tui.market.instrument import Bracket, Instrument
from gridbot_tui.risk.exposure import Order, ratio
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import Side, Steps, Ticks

_UNKNOWN: Final = ((0.05, 0.0, 0.0, 10.0),)
"""Where a futures instrument came without brackets: dearer than any liquid symbol's first one."""


class Margins:
    """The brackets of one symbol in floats: (rate, amount, floor, highest leverage), ascending."""

    __slots__ = ("_maintenance", "_notional", "lines")

    def __init__(self, brackets: Sequence[Bracket]) -> None:
        self.lines: tuple[tuple[float, float, float, float], ...] = (
            tuple((float(b.maintenance_ratio), float(b.cum), float(b.floor), float(b.max_leverage)) for b in brackets)
            or _UNKNOWN
        )
        # The account is valued far more often than a symbol's notional changes: the last answer is kept.
        self._notional: float | None = None
        self._maintenance = 0.0

    def maintenance(self, notional: float) -> float:
        """Maintenance margin of a notional, quote."""
        if notional == self._notional:
            return self._maintenance
        most = 0.0
        for rate, amount, _, _ in self.lines:
            margin = notional * rate - amount
            if margin > most:
                most = margin
        self._notional = notional
        self._maintenance = most
        return most

    def initial(self, notional: float, leverage: float) -> float:
        """Initial margin at the exchange leverage, as far as the bracket allows it, quote."""
        allowed = leverage
        for _, _, floor, highest in self.lines:
            if notional > floor:
                allowed = min(leverage, highest)
        return notional / allowed


def liquidation_price(position: Steps, mark: Ticks, unit: float, free_equity: float, margins: Margins) -> float | None:
    """Mark price in ticks (float) at which the account is liquidated by this symbol alone; None = nowhere.

    ``free_equity``: the account's equity at mark less the maintenance of its other positions, quote.
    A price beyond the mark means that it is due already.
    """
    if position == 0:
        return None
    size = abs(position) * unit
    if position > 0:
        falls = [(size * mark - free_equity - amount) / (size * (1.0 - rate)) for rate, amount, _, _ in margins.lines]
        highest = max(falls)
        return highest if highest > 0.0 else None
    return min((free_equity + size * mark + amount) / (size * (1.0 + rate)) for rate, amount, _, _ in margins.lines)


def distance(position: Steps, mark: Ticks, liquidation: float | None) -> float | None:
    """How far the mark is from liquidation, as a fraction of the mark; None = there is none."""
    if liquidation is None or position == 0:
        return None
    return (mark - liquidation) / mark if position > 0 else (liquidation - mark) / mark


def largest_position(side: Side, mark: Ticks, unit: float, free_equity: float, margins: Margins, away: float) -> Steps:
    """The largest |position| whose liquidation is at least ``away`` (a fraction) from the mark."""
    end = mark * (1.0 - side * away)
    most = min((free_equity + amount) / (unit * (mark * away + end * rate)) for rate, amount, _, _ in margins.lines)
    return max(0, int(most * (1.0 - 1e-9)))


class Guard(Struct, frozen=True):
    """What the distance to liquidation demands."""

    liquidation: float | None
    """Ticks; None = nowhere."""
    distance: float | None
    entries: bool
    """False: too near for anything that adds."""
    reduce_to: Steps | None
    """Signed position to be reached now by market, None = none; reason code ``liquidation``."""


def guard(position: Steps, mark: Ticks, unit: float, free_equity: float, margins: Margins, params: RiskParams) -> Guard:
    """Compare the distance to liquidation with the two thresholds."""
    price = liquidation_price(position, mark, unit, free_equity, margins)
    away = distance(position, mark, price)
    if away is None or away >= params.liquidation_warn:
        return Guard(price, away, True, None)
    if away >= params.liquidation_reduce:
        return Guard(price, away, False, None)
    side = Side.BUY if position > 0 else Side.SELL
    most = largest_position(side, mark, unit, free_equity, margins, params.liquidation_warn)
    return Guard(price, away, False, side * min(most, abs(position)))


class AllFilled(Struct, frozen=True):
    """One direction of a ladder, all of it filled. Floats: an estimate for the eye, not for the books."""

    side: Side
    fills: int
    position: Steps
    average_price: float | None
    """Of the filled orders, ticks."""
    at_price: Ticks | None
    """The farthest order."""
    equity: float
    exposure: float
    leverage: float
    """Of this symbol at ``at_price``."""
    initial_margin: float
    maintenance: float
    liquidation: float | None


def all_filled(
    side: Side,
    position: Steps,
    mark: Ticks,
    orders: Iterable[Order],
    instrument: Instrument,
    equity: float,
    *,
    others_maintenance: float = 0.0,
    exchange_leverage: float = 6.0,
) -> AllFilled:
    """What if every order of one side filled, the mark being at the farthest of them."""
    unit, margins = instrument.unit_f, Margins(instrument.brackets)
    quantity = value = fills = 0
    far = mark
    for price, steps in orders:
        quantity += steps
        value += price * steps
        fills += 1
        far = min(far, price) if side is Side.BUY else max(far, price)
    after = position + side * quantity
    left = equity + unit * (position * (far - mark) + side * (far * quantity - value))
    exposure = abs(after) * far * unit
    return AllFilled(
        side=side,
        fills=fills,
        position=after,
        average_price=value / quantity if quantity else None,
        at_price=far if fills else None,
        equity=left,
        exposure=exposure,
        leverage=ratio(exposure, left),
        initial_margin=margins.initial(exposure, exchange_leverage),
        maintenance=margins.maintenance(exposure),
        liquidation=liquidation_price(after, far, unit, left - others_maintenance, margins),
    )
