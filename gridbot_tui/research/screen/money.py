"""What the run counts with, compiled: equity, cut amounts, whole steps, margin. Formulas of ledger, market and risk."""

import math
from typing import Final

from gridbot_tui.research.screen.compiled import compiled, inlined
from gridbot_tui.research.screen.numbers import CUT, Numbers
from gridbot_tui.research.screen.state import State

HAIR: Final = 1.0 + 6.7e-16
"""Factors and their products are off by no more; with more, amounts just under a whole would be taken for it."""


@inlined
def worth_at(w: State, n: Numbers, mark: int) -> float:
    """The engine's equity with the symbol at ``mark``."""
    worth = n.capital + w.beside + (w.cash + w.pos * mark) * n.unit - w.fees + w.paid
    if n.spot:
        worth += w.dust / CUT * mark * n.tick
    return float(worth)


@inlined
def equity(w: State, n: Numbers) -> float:
    """The engine's equity at its mark."""
    return worth_at(w, n, w.mark)


@inlined
def balance(w: State, n: Numbers, mark: int) -> float:
    """The exchange's margin balance with the symbol at ``mark``."""
    return float(n.capital + w.xbeside + (w.xcash + w.xpos * mark) * n.unit - w.xfees + w.xpaid)


@compiled
def cut(amount: float) -> float:
    """Eight decimals, towards zero, as an exchange charges; what floats leave a hair off a whole is that whole."""
    if amount < 0.0:
        return -math.floor(-amount * CUT * HAIR) / CUT
    return math.floor(amount * CUT * HAIR) / CUT


@inlined
def fee_in_base(whole: int, rate: int) -> int:
    """What a fee takes of a base, both in parts, rounded down. Their product would not fit for a million coins."""
    return whole // CUT * rate + whole % CUT * rate // CUT


@compiled
def steps_down(quantity: float, step: float) -> int:
    """``Instrument.steps_down``."""
    sign = -1 if quantity < 0.0 else 1
    ratio = sign * quantity / step
    near = round(ratio)
    if abs(ratio - near) <= 1e-9 * max(1.0, ratio):
        return int(sign * near)
    return int(sign * math.floor(ratio))


@inlined
def least(n: Numbers, ticks: int) -> int:
    """The smallest order that the exchange takes at a price."""
    if ticks <= 0:
        return int(n.max_steps + 1)
    return int(max(1, n.min_steps, math.ceil(n.min_value / ticks - 1e-9)))


@inlined
def takes(n: Numbers, steps: int, ticks: int) -> bool:
    """True where ``steps`` are no less than ``least``; a division is spared where they are worth enough."""
    if steps >= n.min_steps and ticks > 0 and steps > 0 and steps * ticks >= n.min_value:
        return True
    return bool(steps >= least(n, ticks))


@inlined
def slipped(price: int, side: int, n: Numbers) -> int:
    """What a taker gets."""
    if side > 0:
        above: int = math.ceil(price + price * n.slip - 1e-9)
        return above
    return int(max(1, math.floor(price - price * n.slip + 1e-9)))


@inlined
def reduction(position: int, target: int) -> int:
    """``orders.desired.reduction``."""
    delta = target - position
    if position > 0 and delta < 0:
        return max(delta, -position)
    if position < 0 and delta > 0:
        return min(delta, -position)
    return 0


@inlined
def maintenance(n: Numbers, notional: float) -> float:
    """The exchange's maintenance margin."""
    for i in range(n.brackets):
        if notional <= n.bracket[i, 0] or i == n.brackets - 1:
            return float(notional * n.bracket[i, 1] - n.bracket[i, 2])
    return 0.0


@compiled
def liquidation_price(position: int, mark: int, free: float, n: Numbers) -> float:
    """``risk.liquidation.liquidation_price`` in ticks; nan = nowhere."""
    size = abs(position) * n.unit
    if position > 0:
        highest = -math.inf
        for i in range(n.lines):
            at = (size * mark - free - n.line[i, 1]) / (size * (1.0 - n.line[i, 0]))
            highest = max(highest, at)
            if size * max(highest, mark) <= n.line[i, 2]:
                break  # the lines of higher brackets are lower here
        return highest if highest > 0.0 else math.nan
    lowest = math.inf
    for i in range(n.lines):
        lowest = min(lowest, (free + size * mark + n.line[i, 1]) / (size * (1.0 + n.line[i, 0])))
        if size * lowest <= n.line[i, 2]:
            break
    return lowest


@compiled
def largest_position(side: int, mark: int, free: float, away: float, n: Numbers) -> int:
    """``risk.liquidation.largest_position``."""
    end = mark * (1.0 - side * away)
    most = math.inf
    for i in range(n.lines):
        most = min(most, (free + n.line[i, 1]) / (n.unit * (mark * away + end * n.line[i, 0])))
    return max(0, int(most * (1.0 - 1e-9)))
