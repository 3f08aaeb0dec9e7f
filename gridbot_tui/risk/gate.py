"""The leverage gate and the gap budget: which entries may rest, and the last look at every order.

``admit`` shapes Desired (what ought to stand may not pass the limits); ``final_check`` looks at each single
order before it leaves and counts everything that stands, is in flight or unresolved. Neither ever holds
back what only closes a position.
"""

from collections.abc import Iterable, Mapping
from math import inf, log
from typing import Final

import msgspec

from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import NewOrder, OrderState, Purpose, Slot, SlotState
from gridbot_tui.risk.exposure import Order, Portfolio, SymbolExposure
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.units import Side, Steps, Symbol, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_STOP, _TARGET = Purpose.STOP, Purpose.TARGET
_SELL = Side.SELL
_SLOT_BLOCKED, _SLOT_RESTING = SlotState.BLOCKED, SlotState.RESTING
_ORDER_UNRESOLVED = OrderState.UNRESOLVED

LEVERAGE_CAP: Final = "leverage_cap"
LEVERAGE_HARD: Final = "leverage_hard"
GAP_BUDGET: Final = "gap_budget"
STALE_MARK: Final = "stale_mark"
MARK_UNKNOWN: Final = "mark_unknown"
UNKNOWN_SYMBOL: Final = "unknown_symbol"
_SAFE: Final = 1.0 - 1e-9
"""Limits are compared this much early: float rounding never lets anything past."""
_SPOT_CAP: Final = 1.0
ForeignOrder = tuple[Side, Ticks, Steps]
"""What is left of an order of another hand's; a market order has the mark for its price."""
_RESTING, _BUY = SlotState.RESTING, Side.BUY  # looked up once: every decision asks them of every slot


class Gate:
    """The limits of one account."""

    __slots__ = ("cap", "hard", "params", "reserve", "trim_at", "unknown_gap")

    def __init__(self, params: RiskParams, *, spot: bool = False) -> None:
        self.params = params
        self.cap = min(_SPOT_CAP, params.leverage_cap) if spot else params.leverage_cap
        self.hard = min(_SPOT_CAP, params.leverage_hard) if spot else params.leverage_hard
        self.trim_at = inf if spot else params.leverage_trim
        self.reserve = params.gap_reserve
        self.unknown_gap = params.gap_unknown

    def verdict(self, view: Portfolio, around: Symbol = "") -> str:
        """The limit the worst case of ``view`` passes, or an empty string; ``around``: see ``Portfolio.worst``."""
        if around:
            view.set_aside(around, self.unknown_gap)
        worst = view.worst(around)
        if worst > self.hard * _SAFE:
            return LEVERAGE_HARD
        if worst > self.cap * _SAFE:
            return LEVERAGE_CAP
        if view.gap_cost(self.unknown_gap, around) > view.gap_budget(self.reserve) * _SAFE:
            return GAP_BUDGET
        return ""

    def admit(
        self,
        view: Portfolio,
        slots: Mapping[Symbol, tuple[Slot, ...]],
        strays: Mapping[Symbol, Iterable[LiveOrder]] | None = None,
    ) -> dict[Symbol, tuple[Slot, ...]]:
        """The slots, with entries withheld (BLOCKED and the reason) until the worst case fits.

        Counted are the positions of ``view``, the slots that ought to rest, and ``strays``: orders of
        unknown fate that no slot accounts for. For symbols without slots the orders in ``view`` count.
        Withheld are the farthest entries first (by relative distance from the mark), whatever the symbol,
        among those on the side that makes the worst case. An entry that also closes keeps that part.
        """
        return self.shape(view, slots, strays or {}, {})[0]

    def shape(
        self,
        view: Portfolio,
        slots: Mapping[Symbol, tuple[Slot, ...]],
        strays: Mapping[Symbol, Iterable[LiveOrder]],
        foreign: Mapping[Symbol, Iterable[ForeignOrder]],
    ) -> tuple[dict[Symbol, tuple[Slot, ...]], Portfolio]:
        """As ``admit``, with the account as it will be once all of it stands.

        ``foreign``: what others let rest, which ``final_check`` counts, too. Were it left out here, no far entry would
        make room for it, and the newest orders, those of the exits among them, would be the ones that may not leave.
        """
        plan = _Plan(view, slots, strays, foreign)
        plan.withhold_unmarked(view.blocked)
        around = next(iter(slots)) if len(slots) == 1 else ""
        code = self.verdict(plan.view, around)
        while code and plan.drop_farthest(code):
            code = self.verdict(plan.view, around)
        return plan.result(), plan.view

    def final_check(self, order: NewOrder, view: Portfolio) -> str | None:
        """Why this order may not leave, or None. Call ``view.add(order)`` once it is let through.

        ``view`` holds every order that stands, is in flight, unresolved or being cancelled.
        """
        if order.reduce_only or order.close_position or order.purpose is _STOP:
            return None
        symbol = view.symbols.get(order.symbol)
        if symbol is None:
            return UNKNOWN_SYMBOL
        if only_closes(order, symbol):
            return None
        if view.blocked:
            return view.blocked
        if symbol.mark is None:
            return MARK_UNKNOWN
        if not symbol.fresh:
            return STALE_MARK
        kept = symbol.remember()
        symbol.push(order.side, symbol.mark if order.price is None else order.price, order.steps)
        code = self.verdict(view, order.symbol)
        symbol.go_back(kept)
        return code or None

    def trim(self, view: Portfolio) -> dict[Symbol, Steps]:
        """Positions to be reached where drift took the account past the trim level; empty while it did not.

        Every position shrinks by the same factor to the cap, rounded towards flat.
        """
        observed = view.observed()
        if observed is None or observed <= self.trim_at:
            return {}
        keep = self.cap / observed if observed < inf else 0.0
        return {
            name: int(one.position * keep)
            for name, one in view.symbols.items()
            if int(one.position * keep) != one.position
        }


def only_closes(order: NewOrder, symbol: SymbolExposure) -> bool:
    """True where the order, with all that stands before it on its side, can only reduce the position."""
    position = symbol.position
    if position == 0 or (position > 0) == (order.side is _BUY):
        return False
    if order.purpose is _TARGET:
        return order.steps <= abs(position)
    standing = sum(steps for _, steps in (symbol.buys if order.side is _BUY else symbol.sells))
    return standing + order.steps <= abs(position)


def strays(live: Iterable[LiveOrder], slots: Iterable[Slot]) -> list[LiveOrder]:
    """Orders of unknown fate that none of the resting slots accounts for."""
    places = {(slot.epoch, slot.rung, slot.side) for slot in slots if slot.state is _SLOT_RESTING}
    return [
        one
        for one in live
        if one.state is _ORDER_UNRESOLVED and (one.epoch, one.rung, one.order.side) not in places
    ]


class _Plan:
    """Slots under consideration, and the worst case they make."""

    __slots__ = ("_changed", "_far", "_foreign", "_given", "_slots", "_strays", "view")

    def __init__(
        self,
        view: Portfolio,
        slots: Mapping[Symbol, tuple[Slot, ...]],
        strays: Mapping[Symbol, Iterable[LiveOrder]],
        foreign: Mapping[Symbol, Iterable[ForeignOrder]],
    ) -> None:
        self._given = slots
        self._foreign = foreign
        self._slots = {symbol: list(slots[symbol]) for symbol in sorted(slots)}
        self._changed: set[Symbol] = set()
        self._far: dict[Symbol, dict[Side, list[tuple[float, int]]]] = {}
        self._strays = {symbol: list(orders) for symbol, orders in strays.items()}
        self.view = Portfolio(view.equity, view.halt_left, view.symbols)
        for symbol in self._slots:
            self._count(symbol)

    def withhold_unmarked(self, blocked: str) -> None:
        """No entry under a general reason, on a stale mark, or anywhere while a held symbol has no mark."""
        unknown = False
        for one in self.view.symbols.values():  # all symbols at every decision: no generator
            if one.mark is None and one.position:
                unknown = True
        for symbol in self._slots:
            one = self.view.symbols[symbol]
            code = blocked
            if not code and (unknown or one.mark is None):
                code = MARK_UNKNOWN
            if not code and not one.fresh:
                code = STALE_MARK
            if not code:
                continue
            for index, slot in enumerate(self._slots[symbol]):
                if slot.entry and slot.state is _SLOT_RESTING:
                    self._drop(symbol, index, code)
            self._count(symbol)

    def drop_farthest(self, code: str) -> bool:
        """Withhold the farthest entry on a side that makes a worst case; False where there is none left."""
        best: tuple[float, Symbol, int] | None = None
        for only_worst in (True, False):
            for symbol in self._slots:
                far = self._farthest(symbol, only_worst)
                if far is not None and (best is None or far[0] > best[0]):
                    best = (far[0], symbol, -far[1])
            if best is not None:
                break
        if best is None:
            return False
        _, symbol, index = best
        self._drop(symbol, index, code)
        for entries in self._far[symbol].values():
            if entries and -entries[-1][1] == index:
                entries.pop()
        self._count(symbol)
        return True

    def _farthest(self, symbol: Symbol, only_worst: bool) -> tuple[float, int] | None:
        """(distance, -place) of the symbol's farthest entry, on the side that makes its worst case or on either."""
        one = self.view.symbols[symbol]
        if not one.mark:
            return None
        entries = self._far.get(symbol)
        if entries is None:
            entries = self._far[symbol] = self._by_distance(symbol, one.mark)
        sides = [side for side in (_BUY, _SELL) if entries[side]]
        if only_worst and sides:
            buys, sells = one.side_case(_BUY)[0], one.side_case(_SELL)[0]
            if buys != sells:
                worst = _BUY if buys > sells else _SELL
                sides = [side for side in sides if side is worst]
        return max([entries[side][-1] for side in sides], default=None)

    def _by_distance(self, symbol: Symbol, mark: Ticks) -> dict[Side, list[tuple[float, int]]]:
        """Entries that rest, (log distance from the mark, -place) of each side, the farthest last."""
        found: dict[Side, list[tuple[float, int]]] = {_BUY: [], _SELL: []}
        for index, slot in enumerate(self._slots[symbol]):
            if slot.entry and slot.state is _SLOT_RESTING:
                found[slot.side].append((abs(log(slot.price / mark)), -index))
        for entries in found.values():
            entries.sort()
        return found

    def result(self) -> dict[Symbol, tuple[Slot, ...]]:
        """The slots; where nothing was withheld, the very tuple that was given."""
        return {
            symbol: tuple(slots) if symbol in self._changed else self._given[symbol]
            for symbol, slots in self._slots.items()
        }

    def _drop(self, symbol: Symbol, index: int, code: str) -> None:
        slot = self._slots[symbol][index]
        self._changed.add(symbol)
        least = self.view.symbols[symbol].least_value
        if slot.exit_steps > 0 and slot.exit_steps * slot.price >= least:
            self._slots[symbol][index] = msgspec.structs.replace(slot, steps=slot.exit_steps, entry=False, reason=code)
        else:
            self._slots[symbol][index] = msgspec.structs.replace(slot, state=_SLOT_BLOCKED, reason=code)

    def _count(self, symbol: Symbol) -> None:
        """Let the symbol's exposure count exactly its resting slots, its strays and what others let rest."""
        buys: list[Order] = []
        sells: list[Order] = []
        for slot in self._slots[symbol]:
            if slot.state is _RESTING:
                (buys if slot.side is _BUY else sells).append((slot.price, slot.steps))
        one = self.view.symbols[symbol].with_orders(buys, sells)
        for live in self._strays.get(symbol, ()):
            one.add(live.order, live.remaining)
        for side, price, steps in self._foreign.get(symbol, ()):
            one.push(side, price, steps)
        self.view.symbols[symbol] = one
