"""Worst cases: what position and orders of a symbol could come to, and what that would cost.

In ticks x steps x unit = quote. With position P, mark m, and on one side orders (price p_i, steps s_i):

    buys   f = min(m, lowest p_i)    change = P (f - m) + sum s_i (f - p_i)
    sells  f = max(m, highest p_i)   change = P (f - m) - sum s_i (f - p_i)

``change`` is what equity gains or loses if all of the side fill and the mark ends at the farthest. The
exposure of that case counts each part at the dearer of its own price and f: the position at m (buys) or f
(sells), bought entries at p_i, sold ones at f. Where the side first closes a position of the other sign,
only what it opens beyond zero counts (nearest prices close first). A case whose end is cheaper than the
position as it stands is that position at m.

    exposure of a symbol = max(|P| m, buys, sells)        loss = max(0, -change of buys, -change of sells)
    worst case of the account = sum of exposures / (equity - sum of losses)

Sums have no netting; the losses of all symbols are taken together whichever side they come from, so the
account's figure is never below a symbol's own. Spot has no borrowing: exposure at own prices over equity.
"""

from collections.abc import Iterable, Mapping
from math import inf

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import NewOrder, Purpose
from gridbot_tui.units import ClientId, Market, Side, Steps, Symbol, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_SPOT = Market.SPOT
_STOP = Purpose.STOP
_BUY, _SELL = Side.BUY, Side.SELL

Order = tuple[Ticks, Steps]
"""(price, steps still to be executed)."""


Totals = tuple[Steps, int, Ticks]
"""(quantity, value, farthest price) of one side."""
Kept = tuple[int, int, tuple[float, float] | None, Totals | None, Totals | None, tuple[Steps, int] | None]
"""A ``SymbolExposure`` before orders were pushed, to try something on."""


class SymbolExposure:
    """One symbol as the gate sees it. Change it through its methods, so that the cached case stays true."""

    __slots__ = (
        "_bought",
        "_case",
        "_counted",
        "_opening",
        "_sold",
        "at_mark",
        "buys",
        "fresh",
        "gap",
        "least_value",
        "mark",
        "position",
        "sells",
        "spot",
        "unit",
    )

    def __init__(
        self,
        instrument: Instrument,
        position: Steps,
        mark: Ticks | None,
        *,
        gap: float | None = None,
        fresh: bool = True,
        orders: Iterable[LiveOrder] = (),
    ) -> None:
        """``position``: all of the symbol's, foreign included. ``gap``: the plan's stress gap or None.

        ``orders``: every live order of ours; stops and reduce-only ones are left out.
        """
        self.unit = instrument.unit_f
        self.spot = instrument.market is _SPOT
        self.least_value = instrument.minimum_f
        """Minimum notional in ticks x steps."""
        self.position = position
        self.mark = mark
        self.gap = gap
        self.fresh = fresh
        self.at_mark = False
        """True where an order without a price of its own is counted at the mark as it was then."""
        self.buys: list[Order] = []
        self.sells: list[Order] = []
        self._counted: dict[ClientId, Order] = {}
        """What each order of ours is counted with, so that news of one needs no count of all."""
        self._case: tuple[float, float] | None = None
        # (quantity, value, farthest price) of each side: these outlive a change of the mark.
        self._bought: Totals | None = None
        self._sold: Totals | None = None
        # (position, value of what the buys open beyond it), where they turn a short.
        self._opening: tuple[Steps, int] | None = None
        for live in orders:
            self.add(live.order, live.remaining)

    def outlives(self, mark: Ticks | None, gap: float | None) -> bool:
        """False where the orders must be counted anew: another plan's gap, or a mark that priced some of them."""
        return self.gap == gap and not (self.at_mark and mark is not None and mark != self.mark)

    def move(self, position: Steps, mark: Ticks | None, fresh: bool) -> None:
        """New position or mark."""
        if position != self.position or mark != self.mark:
            self.position = position
            self.mark = mark
            self._case = None
        self.fresh = fresh

    def add(self, order: NewOrder, remaining: Steps | None = None) -> None:
        """Count an order that stands or may stand, or one that is about to leave."""
        steps = order.steps if remaining is None else remaining
        if order.reduce_only or order.close_position or order.purpose is _STOP or steps <= 0:
            return
        price = order.price if order.price is not None else self.mark
        if price is None:
            raise ValueError(f"an order of {order.symbol} without price and mark cannot be counted")
        self.at_mark = self.at_mark or order.price is None
        self._counted[order.client_id] = price, steps
        self.push(order.side, price, steps)

    def follow(self, live: LiveOrder) -> None:
        """Count one of the orders as it is by now, whatever it was counted with before."""
        known = self._counted.pop(live.order.client_id, None)
        if known is not None:
            self._pull(live.order.side, known)
        if live.remaining > 0:
            self.add(live.order, live.remaining)

    def push(self, side: Side, price: Ticks, steps: Steps) -> None:
        """Count ``steps`` at ``price``."""
        if side is _BUY:
            self.buys.append((price, steps))
            self._opening = None
            if self._bought is not None:
                quantity, value, far = self._bought
                self._bought = quantity + steps, value + price * steps, price if price < far or not quantity else far
        else:
            self.sells.append((price, steps))
            if self._sold is not None:
                quantity, value, far = self._sold
                self._sold = quantity + steps, value + price * steps, price if price > far else far
        self._case = None

    def _pull(self, side: Side, order: Order) -> None:
        """Count an order no more."""
        price, steps = order
        if side is _BUY:
            self.buys.remove(order)
            self._opening = None
            self._bought = _less(self._bought, price, steps)
        else:
            self.sells.remove(order)
            self._sold = _less(self._sold, price, steps)
        self._case = None

    def replace(self, buys: list[Order], sells: list[Order]) -> None:
        """Count exactly these orders, whoever's they are."""
        self.buys = buys
        self.sells = sells
        self._counted = {}
        self._case = self._bought = self._sold = self._opening = None

    def go_back(self, kept: "Kept") -> None:
        """Forget the orders pushed since ``remember`` gave ``kept``."""
        buys, sells, self._case, self._bought, self._sold, self._opening = kept
        del self.buys[buys:]
        del self.sells[sells:]

    def remember(self) -> "Kept":
        """What ``go_back`` goes back to."""
        return len(self.buys), len(self.sells), self._case, self._bought, self._sold, self._opening

    def copy(self) -> "SymbolExposure":
        """The same, to try something on."""
        other = self.with_orders(self.buys[:], self.sells[:])
        other._counted = dict(self._counted)
        other._case = self._case
        other._bought = self._bought
        other._sold = self._sold
        other._opening = self._opening
        return other

    def with_orders(self, buys: list[Order], sells: list[Order]) -> "SymbolExposure":
        """The same position with other orders, whoever's they are."""
        other = SymbolExposure.__new__(SymbolExposure)
        other.unit = self.unit
        other.spot = self.spot
        other.least_value = self.least_value
        other.position = self.position
        other.mark = self.mark
        other.gap = self.gap
        other.fresh = self.fresh
        other.at_mark = self.at_mark
        other.buys = buys
        other.sells = sells
        other._counted = {}
        other._case = other._bought = other._sold = other._opening = None
        return other

    def held(self) -> float | None:
        """|position| at mark, quote; None where the mark is unknown and something is held."""
        if self.mark is None:
            return 0.0 if self.position == 0 else None
        return abs(self.position) * self.mark * self.unit

    def case(self) -> tuple[float, float]:
        """(worst exposure, worst loss) in quote; infinite where it cannot be known."""
        if self._case is None:
            self._case = self._worst()
        return self._case

    def side_case(self, side: Side) -> tuple[float, float]:
        """(exposure, change of equity) in quote if every order of ``side`` fills."""
        if self.mark is None:
            return (inf, 0.0) if self.position or self.buys or self.sells else (0.0, 0.0)
        exposure, change = (self._buys if side is _BUY else self._sells)(self.mark)
        return exposure * self.unit, change * self.unit

    def _worst(self) -> tuple[float, float]:
        mark = self.mark
        if mark is None:
            return (inf, 0.0) if self.position or self.buys or self.sells else (0.0, 0.0)
        bought, falls = self._buys(mark)
        sold, rises = self._sells(mark)
        exposure = max(abs(self.position) * mark, bought, sold) * self.unit
        return exposure, (0.0 if self.spot else max(0, -falls, -rises) * self.unit)

    def _buys(self, mark: Ticks) -> tuple[int, int]:
        position = self.position
        if self._bought is None:
            self._bought = _totals(self.buys, _BUY)
        quantity, value, far = self._bought
        if not quantity or mark < far:
            far = mark
        change = position * (far - mark) + far * quantity - value
        if position >= 0:
            return position * mark + value, change
        if quantity <= -position:
            return (-position - quantity) * mark, change
        if self._opening is None or self._opening[0] != position:
            self._opening = position, opened(sorted(self.buys, reverse=True), -position)
        return self._opening[1], change

    def _sells(self, mark: Ticks) -> tuple[int, int]:
        position = self.position
        if self._sold is None:
            self._sold = _totals(self.sells, _SELL)
        quantity, value, far = self._sold
        if mark > far:
            far = mark
        change = position * (far - mark) - far * quantity + value
        if position > 0 and quantity <= position:
            return (position - quantity) * mark, change
        return (quantity - position) * far, change


def _totals(orders: list[Order], side: Side) -> Totals:
    """(quantity, value, farthest price) of one side; the price is 0 where there are no orders."""
    if not orders:
        return 0, 0, 0
    quantity = value = 0
    for price, steps in orders:
        quantity += steps
        value += price * steps
    return quantity, value, (min(orders) if side is _BUY else max(orders))[0]


def _less(totals: Totals | None, price: Ticks, steps: Steps) -> Totals | None:
    """The totals without an order; None where the farthest price must be looked for anew."""
    if totals is None or totals[2] == price:
        return None
    return totals[0] - steps, totals[1] - price * steps, totals[2]


def opened(orders: Iterable[Order], closing: Steps) -> int:
    """Value of what ``orders`` (nearest first) open after the first ``closing`` steps closed a position."""
    value = 0
    for price, steps in orders:
        part = steps - min(steps, closing)
        closing -= steps - part
        value += price * part
    return value


class Portfolio:
    """The account as the gate sees it."""

    __slots__ = ("_beside", "blocked", "equity", "halt_left", "symbols")

    def __init__(
        self,
        equity: float,
        halt_left: float,
        symbols: Mapping[Symbol, SymbolExposure],
        blocked: str = "",
    ) -> None:
        """``equity`` at mark, quote. ``halt_left``: fraction of it that may be lost until tier 3
        (``DrawdownTiers.left``). ``blocked``: a reason for which no entry at all may leave, or ""."""
        self.equity = equity
        self.halt_left = halt_left
        self.symbols = dict(symbols)
        self.blocked = blocked
        self._beside: tuple[Symbol, float, float, float] | None = None
        """(symbol, exposure, loss and gap cost of all others): orders come symbol by symbol."""

    def add(self, order: NewOrder) -> None:
        """Count an order that was let through."""
        if self._beside is not None and self._beside[0] != order.symbol:
            self._beside = None
        self.symbols[order.symbol].add(order)

    def observed(self) -> float | None:
        """Sum of |position| x mark over equity; None where a mark is unknown; infinite without equity."""
        total = 0.0
        for symbol in self.symbols.values():
            if symbol.position:
                if symbol.mark is None:
                    return None
                total += abs(symbol.position) * symbol.mark * symbol.unit
        return ratio(total, self.equity)

    def exposure(self) -> float:
        """The worst exposures of all symbols together, quote."""
        total = 0.0
        for symbol in self.symbols.values():
            total += (symbol._case or symbol.case())[0]
        return total

    def worst(self, around: Symbol = "") -> float:
        """The account's worst case over both sides of every symbol.

        ``around``: only this symbol has changed, through ``add`` or by itself, since it was last asked for.
        """
        if around:
            _, total, loss, _ = self._others(around, 0.0)
            exposure, cost = self.symbols[around].case()
            return ratio(total + exposure, self.equity - loss - cost)
        total = loss = 0.0
        for symbol in self.symbols.values():
            exposure, cost = symbol._case or symbol.case()  # asked for every symbol at every order
            total += exposure
            loss += cost
        return ratio(total, self.equity - loss)

    def set_aside(self, symbol: Symbol, unknown: float) -> None:
        """Sum up all other symbols once, gaps too, before ``worst`` and ``gap_cost`` are asked around this one."""
        self._others(symbol, unknown)

    def _others(self, symbol: Symbol, unknown: float) -> tuple[Symbol, float, float, float]:
        """The sums over all other symbols; ``unknown`` > 0 is the gap of those that have none."""
        known = self._beside
        if known is not None and known[0] == symbol and not (unknown and known[3] < 0.0):
            return known
        total = loss = gaps = 0.0
        for name, one in self.symbols.items():
            if name != symbol:
                exposure, cost = one._case or one.case()
                total += exposure
                loss += cost
                gaps += exposure * (one.gap or unknown)
        self._beside = (symbol, total, loss, gaps if unknown else -1.0)
        return self._beside

    def worst_of(self, symbol: Symbol) -> float:
        """One symbol's own worst case."""
        one = self.symbols[symbol]
        worst = ratio(one.held() if one.mark is not None else inf if one.position else 0.0, self.equity)
        for side in (_BUY, _SELL):
            exposure, change = one.side_case(side)
            worst = max(worst, ratio(exposure, self.equity + (0.0 if one.spot else min(0.0, change))))
        return worst

    def gap_cost(self, unknown: float, around: Symbol = "") -> float:
        """What the stress gap of every symbol at once would cost in the worst case, quote; ``around``: as above."""
        if around:
            one = self.symbols[around]
            return self._others(around, unknown)[3] + one.case()[0] * (one.gap or unknown)
        total = 0.0
        for symbol in self.symbols.values():
            exposure = (symbol._case or symbol.case())[0]
            total += exposure * (symbol.gap if symbol.gap else unknown)
        return total

    def gap_budget(self, reserve: float) -> float:
        """What a gap may cost: the rest to tier 3 and the reserve, quote."""
        return max(0.0, self.equity) * (self.halt_left + reserve)


def ratio(exposure: float | None, equity: float) -> float:
    """Exposure over equity; 0 for nothing, infinite where there is no equity or it is unknown."""
    if exposure is None:
        return inf
    if exposure <= 0.0:
        return 0.0
    return exposure / equity if equity > 0.0 else inf
