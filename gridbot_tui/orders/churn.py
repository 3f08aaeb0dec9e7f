"""What slows creates down: the churn gate and the refusal circuits. In memory only."""

from collections import deque
from typing import Final, NamedTuple

from gridbot_tui.orders.model import NewOrder, Purpose
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.units import Ms, Side, Symbol, Ticks


class ChurnGate:
    """Defers ordinary far creates of a side that keeps creating the same rungs again.

    Proven churn: more than ``churn_creates`` creates of a symbol's side in the window, and this rung among
    them at least ``churn_repeats`` times. A first placing of the whole ladder proves nothing.
    """

    __slots__ = ("_made", "params")

    def __init__(self, params: OrderParams) -> None:
        self.params = params
        self._made: dict[tuple[Symbol, Side], deque[tuple[Ms, int]]] = {}

    def sent(self, order: NewOrder) -> None:
        """Count a grid order that leaves."""
        if order.purpose is not Purpose.GRID:
            return
        made = self._made.get((order.symbol, order.side))
        if made is None:
            made = self._made[order.symbol, order.side] = deque(maxlen=1_000)
        made.append((order.created_at, order.rung))
        start = order.created_at - self.params.churn_window_ms
        while made[0][0] <= start:
            made.popleft()

    def taken_back(self, order: NewOrder) -> None:
        """Forget an order that never left: no rung is re-created by what waited for its turn in vain."""
        made, one = self._made.get((order.symbol, order.side)), (order.created_at, order.rung)
        if made and one in made:
            made.remove(one)

    def defers(self, symbol: Symbol, side: Side, rung: int, now: Ms) -> bool:
        """True where churn is proven for this rung."""
        made = self._made.get((symbol, side))
        if not made:
            return False
        start = now - self.params.churn_window_ms
        while made and made[0][0] <= start:
            made.popleft()
        if len(made) <= self.params.churn_creates:
            return False
        return sum(1 for _, other in made if other == rung) >= self.params.churn_repeats


POST_ONLY_REFUSED: Final = -5022
"""Futures: the order would have taken. Spot says the same in words."""


def is_post_only_refusal(order: NewOrder, code: int, detail: str) -> bool:
    """True where a post-only order was refused because it would have taken: normal, decide again."""
    said = detail.lower()
    return order.post_only and (code == POST_ONLY_REFUSED or "immediately match" in said or "would have taken" in said)


NOTHING_TO_REDUCE: Final = -2022
"""Futures: a reduce-only order, and no position that it would reduce, or none so large."""

STALE_TOUCH: Final[Ms] = 250
"""Best prices are heard four times a second: before that, a price refused twice as taking would be refused again."""


class _Took(NamedTuple):
    """A post-only order that would have taken, and how often in a row at this very price."""

    price: Ticks | None
    at: Ms
    times: int

    def holds(self, side: Side, price: Ticks, now: Ms) -> bool:
        """Whether an order at a price would be refused once more, as far as is known."""
        return self.times >= 2 and now - self.at < STALE_TOUCH and _as_near(side, price, self.price)


def _as_near(side: Side, price: Ticks | None, other: Ticks | None) -> bool:
    """Whether a price lies at least as near to the other side of the book as another one."""
    if price is None or other is None:
        return False
    return price >= other if side is Side.BUY else price <= other


LET_GO: Final = "taken and let go of at once"
"""Why orders are held back that the exchange took and ended unfilled, again and again."""
AT_ONCE: Final[Ms] = 2_000
"""An order that ended unfilled so soon after it was sent came to nothing, whatever it was called."""


PERCENT_PRICE: Final = frozenset({-4131, -4016, -4024})
"""Futures: a price too far from the mark. The first is a market order's, which would meet nobody nearer."""
TOO_MUCH_AT_ONCE: Final = -4005
"""Futures: more than one order may be; for market orders the exchange may lower that at any time."""
_NO_MARKET_ORDER: Final = ("percent_price", "market_lot_size")
"""Filters by which spot refuses a market order, all under one code: too far from the average price, or more at once
than is traded lately; the latter moves from day to day."""


class _Circuit:
    __slots__ = ("code", "count", "probe_at", "since", "thin")

    def __init__(self, code: int, since: Ms) -> None:
        self.code = code
        self.count = 0
        self.since = since
        self.probe_at: Ms = 0
        self.thin = False
        """Whether the last refusal was of a market order that meets nobody near enough."""


class Circuits:
    """Opens on identical definite refusals in a row of one kind of order; then lets one probe pass.

    Post-only refusals open nothing: the order is priced anew. Only where that gives the same price again is the
    touch we know older than the exchange's, and such orders wait a moment for a newer one.

    Orders that are taken and ended at once are refused in other words: put back as fast as they go they would use up
    the order limit. After as many within a minute that kind of order waits as after refusals.
    """

    __slots__ = ("_gone", "_open", "_took", "params")

    def __init__(self, params: OrderParams) -> None:
        self.params = params
        self._open: dict[tuple[Symbol, Purpose, Side], _Circuit] = {}
        self._took: dict[tuple[Symbol, Side], list[_Took]] = {}
        """One for each price: two rungs that are refused by turns are refused again and again as well."""
        self._gone: dict[tuple[Symbol, Purpose, Side], list[Ms]] = {}
        """When the last of those came to nothing that were taken and let go of at once."""

    def refused(self, order: NewOrder, code: int, at: Ms, detail: str = "", *, passing: bool = False) -> bool:
        """Count a definite refusal. True where the circuit opens (or stays open after a probe).

        ``passing``: through no fault of the order. An exchange that is back is to be noticed soon: the first probe
        follows as for what protects, the next ones ever later.
        """
        if is_post_only_refusal(order, code, detail):
            known = self._took.setdefault((order.symbol, order.side), [])
            before = [took for took in known if took.price == order.price]
            again = sum(took.times for took in before if at - took.at < STALE_TOUCH)
            known[:] = [took for took in known if took.price != order.price]
            known.append(_Took(order.price, at, again + 1))
            return False
        key = (order.symbol, order.purpose, order.side)
        circuit = self._open.get(key)
        if circuit is None or (circuit.code != code and not {circuit.code, code} <= PERCENT_PRICE):
            circuit = self._open[key] = _Circuit(code, at)
        circuit.code = code
        said = detail.lower()
        no_market_order = code == TOO_MUCH_AT_ONCE or any(word in said for word in _NO_MARKET_ORDER)
        circuit.thin = no_market_order or code in PERCENT_PRICE
        circuit.count += 1
        if circuit.count < self.params.refusals:
            return False
        wait = self._wait(order.purpose)
        if passing:
            more = circuit.count - self.params.refusals
            wait = min(self.params.refusal_probe_protective_ms << min(more, 10), wait)
        circuit.probe_at = at + wait
        return True

    def let_go(self, order: NewOrder, at: Ms) -> bool:
        """Count an order that was taken and ended unfilled at once. True where its kind is held back from now on."""
        key = (order.symbol, order.purpose, order.side)
        lately = [one for one in self._gone.get(key, ()) if at - one < self.params.refusal_probe_ms]
        self._gone[key] = [*lately, at][-self.params.refusals :]
        return len(self._gone[key]) == self.params.refusals

    def _wait(self, purpose: Purpose) -> Ms:
        grid = purpose is Purpose.GRID
        return self.params.refusal_probe_ms if grid else self.params.refusal_probe_protective_ms

    def accepted(self, order: NewOrder) -> bool:
        """An order of this kind was taken: whatever refused it before is over. True where a circuit was open.

        What closes or protects is of one side at a time: refusals of the other were about a position that is gone.
        """
        circuit = self._open.pop((order.symbol, order.purpose, order.side), None) if self._open else None
        if self._open and order.purpose is not Purpose.GRID:
            other = self._open.pop((order.symbol, order.purpose, Side(-order.side)), None)
            if circuit is None or (other is not None and other.count > circuit.count):
                circuit = other
        known = self._took.get((order.symbol, order.side)) if self._took else None
        if known:
            known[:] = [took for took in known if not _as_near(order.side, order.price, took.price)]
        return circuit is not None and circuit.count >= self.params.refusals

    def refused_of(self, symbol: Symbol) -> set[Purpose]:
        """Purposes of which orders of the symbol are refused or let go of again and again, also while a probe is out:
        one that was sent proves nothing."""
        least = self.params.refusals
        refused = {key[1] for key, one in self._open.items() if key[0] == symbol and one.count >= least}
        return refused | {key[1] for key, gone in self._gone.items() if key[0] == symbol and len(gone) >= least}

    def would_take(self, symbol: Symbol, side: Side, price: Ticks, now: Ms) -> bool:
        """True where this price, or one nearer to the other side, was refused as taking a moment ago, twice."""
        known = self._took.get((symbol, side)) if self._took else None
        return any(took.holds(side, price, now) for took in known) if known else False

    def holds(self, symbol: Symbol, purpose: Purpose, side: Side, now: Ms) -> str:
        """The reason code where such orders are held back now, else an empty string."""
        gone = self._gone.get((symbol, purpose, side)) if self._gone else None
        if gone and len(gone) >= self.params.refusals and now < gone[-1] + self._wait(purpose):
            return f"refused:{LET_GO}"
        circuit = self._open.get((symbol, purpose, side))
        if circuit is None or circuit.count < self.params.refusals or now >= circuit.probe_at:
            return ""
        return f"refused:{circuit.code}"

    def thin(self, symbol: Symbol, side: Side) -> bool:
        """True where the exchange's last word on a target was that nobody trades near enough to the mark, or where it
        took one and ended it unfilled: spot does so with a market order that meets nobody."""
        key = (symbol, Purpose.TARGET, side)
        circuit = self._open.get(key) if self._open else None
        return (circuit is not None and circuit.thin) or bool(self._gone and self._gone.get(key))

    def probing(self, symbol: Symbol, purpose: Purpose, side: Side) -> bool:
        """True where the circuit is open, so that only one order may go out as a probe."""
        circuit = self._open.get((symbol, purpose, side))
        return circuit is not None and circuit.count >= self.params.refusals

    def due(self, now: Ms) -> set[Symbol]:
        """Symbols of which an open circuit may let a probe pass now, or whose wait for a newer touch is over."""
        if not self._open and not self._took and not self._gone:
            return set()
        waited = self._waited(now) | self._come_back(now)
        least = self.params.refusals
        return waited | {key[0] for key, one in self._open.items() if one.count >= least and now >= one.probe_at}

    def _waited(self, now: Ms) -> set[Symbol]:
        """Symbols whose wait for a newer touch is over; what is old is forgotten."""
        waited = set()
        for key, known in list(self._took.items()):
            waited |= {key[0] for took in known if took.times >= 2 and now - took.at >= STALE_TOUCH}
            known[:] = [took for took in known if now - took.at < STALE_TOUCH]
            if not known:
                del self._took[key]
        return waited

    def _come_back(self, now: Ms) -> set[Symbol]:
        """Symbols whose wait is over after orders that came to nothing; then they are counted anew."""
        over = [key for key, gone in self._gone.items() if now >= gone[-1] + self._wait(key[1])]
        held = {key[0] for key in over if len(self._gone[key]) >= self.params.refusals}
        for key in over:
            del self._gone[key]
        return held

    @property
    def waiting(self) -> bool:
        """True while anything that was refused waits for its time."""
        if not self._open and not self._took and not self._gone:
            return False
        least = self.params.refusals
        return (
            any(one.count >= least for one in self._open.values())
            or any(took.times >= 2 for known in self._took.values() for took in known)
            or any(len(gone) >= least for gone in self._gone.values())
        )

    def standing(self) -> list[tuple[Symbol, Purpose, Side, int, Ms]]:
        """(symbol, purpose, side, exchange code, since) of every open circuit."""
        return [
            (*key, circuit.code, circuit.since)
            for key, circuit in sorted(self._open.items())
            if circuit.count >= self.params.refusals
        ]
