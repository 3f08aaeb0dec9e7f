"""The rungs of an adaptive plan as ticks and steps.

With n = (position - plan position) / lot, rung a stands at exp(anchor - a x spacing): bids at a > n, asks
at a < n. A fill moves the reservation price by ``skew`` spacings; at skew 1 the rungs are absolute.
"""

from math import ceil, exp, floor, log
from typing import Final

from msgspec import Struct

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import Slot
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Side, Steps, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_BUY = Side.BUY

NEAR: Final = 1e-9
"""A number this close to a whole one (relatively) is that whole one: float noise, not price."""

_FARTHEST: Final = 900
"""Lots from the plan's position."""

_MOST_TICKS: Final = 2.0**62
"""No price is dearer: where a system's voice has almost died away a lot is a millionth of what is held, and the
rungs of what is held lie beyond any number."""


class Touch(Struct, frozen=True, gc=False):
    """Best bid and ask as of the decision; on bars both are the last close."""

    bid: Ticks
    ask: Ticks


def touch_for(instrument: Instrument, best: tuple[Ticks, Ticks]) -> Touch:
    """Best bid and ask as orders may have them: what others left in an older tick size lies between."""
    bid, ask = best
    if instrument.price_every == 1:
        return Touch(bid, ask)
    return Touch(instrument.order_down(bid), instrument.order_up(ask))


class Rungs:
    """The static part of a plan's ladder, computed once a plan: build one where a plan is asked for often."""

    __slots__ = (
        "_anchor",
        "_dearest",
        "_every",
        "_grid",
        "_kept",
        "_prices",
        "_skew",
        "_spacing",
        "_tick",
        "floor",
        "instrument",
        "last",
        "levels",
        "lot",
        "lower",
        "minimum",
        "origin",
        "plan",
        "upper",
    )

    def __init__(self, plan: GridPlan, instrument: Instrument) -> None:
        self.plan = plan
        self.instrument = instrument
        self.lot: Steps = instrument.steps_down(plan.lot)
        self.origin: Steps = round(plan.position / instrument.step_f)
        self.upper: Steps = instrument.steps_down(plan.upper)
        self.lower: Steps = instrument.steps_down(plan.lower)
        self.levels = plan.levels
        self._anchor = plan.anchor
        self._spacing = plan.spacing or 0.0
        self._skew = plan.skew
        self._tick = instrument.tick_f
        self._every = instrument.price_every
        self._dearest = log(_MOST_TICKS * self._tick)
        self.floor: Steps = max(1, instrument.min_steps)
        """The smallest order at any price."""
        self.minimum = instrument.minimum_f
        """Minimum notional in ticks x steps."""
        self.last: tuple[tuple[Steps, int, bool, bool, bool], Ticks, Ticks, tuple[Slot, ...]] | None = None
        """The ladder's last answer, of a ladder no rung of which the market had reached: what it was asked
        (position, depth, entries of either side, lot large enough), the touch between which it holds, slots."""
        self._prices: dict[tuple[int, Side, int], Ticks] = {}
        self._kept: tuple[dict[int, Ticks], dict[int, Ticks]] = ({}, {})
        self._grid: list[tuple[Ticks, Ticks]] | None = None

    @property
    def priced(self) -> bool:
        """True where the plan has rungs at all."""
        return self._anchor is not None and self._spacing > 0.0

    def split(self, position: Steps) -> tuple[int, Steps]:
        """(whole lots from the plan's position, steps of the next one): exact, the second in [0, lot).

        The first is kept within what a client id can name; no plan's ladder reaches that far.
        """
        lots, part = divmod(position - self.origin, max(1, self.lot))
        return max(-_FARTHEST, min(_FARTHEST, lots)), part

    def price(self, rung: int, side: Side, lots: int) -> Ticks:
        """Ticks of a rung, bids down and asks up; ``lots`` is n rounded to the side's own fill boundary."""
        if self._skew == 1.0:
            ticks = self.kept(side)[rung] = self._price(rung, side, lots)
            return ticks
        key = (rung, side, lots)
        known = self._prices.get(key)
        if known is None:
            known = self._prices[key] = self._price(rung, side, lots)
        return known

    def kept(self, side: Side) -> dict[int, Ticks]:
        """The ticks of one side's rungs that were asked for, where they hold at any position."""
        return self._kept[0 if side is _BUY else 1]

    @property
    def grid(self) -> list[tuple[Ticks, Ticks]]:
        """Each level of a plain grid in ticks, (down, up)."""
        if self._grid is None:
            instrument = self.instrument
            down, up = instrument.order_down, instrument.order_up
            self._grid = [(down(instrument.ticks_down(p)), up(instrument.ticks_up(p))) for p in self.plan.grid]
        return self._grid

    def least(self, ticks: Ticks) -> Steps:
        """The smallest order the exchange takes at this price."""
        return least_steps(self.instrument, self.minimum, ticks)

    def tradable_at(self, steps: Steps) -> Ticks:
        """The lowest price at which the exchange takes this quantity."""
        return self.instrument.order_up(ceil(self.minimum / steps - NEAR))

    def _price(self, rung: int, side: Side, lots: int) -> Ticks:
        if self._anchor is None:
            raise ValueError(f"the plan of {self.plan.symbol} has no rungs")
        place = rung + (self._skew - 1.0) * lots
        ratio = exp(min(self._dearest, self._anchor - place * self._spacing)) / self._tick
        near = round(ratio)
        whole = abs(ratio - near) <= NEAR * max(1.0, ratio)
        ticks = near if whole else floor(ratio) if side is _BUY else ceil(ratio)
        if self._every == 1:
            return ticks
        return self.instrument.order_down(ticks) if side is _BUY else self.instrument.order_up(ticks)


def least_steps(instrument: Instrument, limit: float, ticks: Ticks) -> Steps:
    """The smallest order at ``ticks``; ``limit`` is the minimum notional in units of tick x step."""
    if ticks <= 0:
        return instrument.max_steps + 1
    return max(1, instrument.min_steps, ceil(limit / ticks - NEAR))


def smallest_order(instrument: Instrument, ticks: Ticks) -> Steps:
    """The smallest order the exchange takes at this price."""
    return least_steps(instrument, instrument.minimum_f, ticks)
