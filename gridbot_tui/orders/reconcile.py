"""What stands against what ought to stand: the few orders and cancels that close the difference.

Pure in effect: it changes neither book nor gates. The caller cancels first, lets the gate's final check
see each create, records intents (``book.intend``, ``churn.sent``) and notes the kept (``book.serve``).
"""

from collections.abc import Iterable
from typing import Final

from msgspec import Struct
from msgspec.structs import replace

from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.churn import ChurnGate, Circuits
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.match import Pair, match
from gridbot_tui.orders.model import (
    Desired,
    NewOrder,
    OrderKind,
    OrderState,
    Purpose,
    Slot,
    SlotState,
    TargetStyle,
)
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.orders.protect import price_in_thin_book, work_stop, work_target
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.orders.table import TERMINAL
from gridbot_tui.units import ClientId, Market, Ms, Side, Steps, Ticks

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_ORDER_CANCELLING = OrderState.CANCELLING
_ORDER_RESTING = OrderState.RESTING
_ORDER_SENDING = OrderState.SENDING
_ORDER_UNRESOLVED = OrderState.UNRESOLVED
_SPOT = Market.SPOT
_PASSIVE = TargetStyle.PASSIVE
_LIMIT = OrderKind.LIMIT

BUYS: Final = 1
SELLS: Final = 2
SINGLES: Final = 4
"""Stop and target."""
ALL: Final = BUYS | SELLS | SINGLES
"""Parts of a comparison; neither part looks at another's orders, but for a target."""

CANCEL_FIRST: Final = "cancel_first"
CHURN: Final = "churn"
PROBING: Final = "probing"
ORDER_LIMIT: Final = "order_limit"
PRICE_FILTER: Final = "price_filter"

# Members of enums looked up once: this runs on every decision.
_BUY, _SELL, _RESTING = Side.BUY, Side.SELL, SlotState.RESTING
_GRID, _STOP = Purpose.GRID, Purpose.STOP
_STANDS: Final = frozenset({OrderState.RESTING, OrderState.PARTLY_FILLED, OrderState.SENDING})
_IN_FLUX: Final = TERMINAL | {OrderState.CANCELLING}
"""A cancel on its way, or ended with trades still to come: its side waits."""


class Convergence(Struct, frozen=True):
    """The difference, and what was left alone."""

    creates: tuple[NewOrder, ...] = ()
    """Stop, target, exits, entries: protection first; to be sent after the cancels."""
    cancels: tuple[ClientId, ...] = ()
    kept: tuple[Pair, ...] = ()
    """Each kept grid order with the slot it serves now."""
    held: tuple[tuple[Slot, str], ...] = ()
    """Slots that ought to rest and get no order now, with the reason code."""
    waits: bool = False
    """True where news of an order of the grid, even that it stands, may let more be done."""

    open: int = 0
    """Parts (``BUYS | SELLS | SINGLES``) that another comparison with the same Desired may find work in, once the
    creates stand: a side with a slot held back or a fate open, a stop that waits to replace another."""

    @property
    def done(self) -> bool:
        """True where nothing is to be sent."""
        return not self.creates and not self.cancels


class Reconciler:
    """Closes the difference for one account: holds what all symbols share."""

    __slots__ = ("churn", "circuits", "ids", "params")

    def __init__(self, params: OrderParams, ids: IdFactory) -> None:
        self.params = params
        self.ids = ids
        self.churn = ChurnGate(params)
        self.circuits = Circuits(params)

    def obey(self, params: OrderParams) -> None:
        """Go by other settings from here on; what was counted stays."""
        self.params = self.churn.params = self.circuits.params = params

    def reconcile(
        self,
        desired: Desired,
        live: Iterable[LiveOrder],
        *,
        instrument: Instrument,
        position: Steps,
        touch: Touch,
        now: Ms,
        repeg: bool = True,
        free: Steps | None = None,
        mark: Ticks | None = None,
        parts: int = ALL,
    ) -> Convergence:
        """Compare one symbol. ``live``: ``book.live(symbol)``; ``repeg``: passive targets follow the touch;
        ``free``: what a target may sell at most, None = all. ``mark``: where there is a book of orders that may be
        thin, None = there are bars alone. ``parts``: those to be looked at, where the last comparison with the same
        Desired has left the others without anything open.

        Creates of a side wait until its cancels are confirmed (and until trades of ended orders have
        arrived); reduce-only ones do not. Never two orders for one slot.
        """
        work = _Work(self, desired, instrument, position, touch, now)
        work.sort(live)
        if parts & SINGLES:
            work.protect(repeg, free, mark)
        if parts & BUYS:
            work.side(_BUY)
        if parts & SELLS:
            work.side(_SELL)
        return Convergence(
            tuple(work.first + work.exits + work.entries),
            tuple(work.cancels),
            tuple(work.kept),
            tuple(work.held),
            bool(work.barred) or (bool(work.held) and any(reason == PROBING for _, reason in work.held)),
            work.still_open(parts),
        )


class _Work:
    """One comparison under way."""

    __slots__ = (
        "barred",
        "cancels",
        "desired",
        "doubted",
        "entries",
        "exits",
        "first",
        "held",
        "instrument",
        "kept",
        "now",
        "orders",
        "position",
        "r",
        "room",
        "stops",
        "targets",
        "touch",
    )

    def __init__(
        self,
        reconciler: Reconciler,
        desired: Desired,
        instrument: Instrument,
        position: Steps,
        touch: Touch,
        now: Ms,
    ) -> None:
        self.r = reconciler
        self.desired = desired
        self.instrument = instrument
        self.position = position
        self.touch = touch
        self.now = now
        self.orders: dict[Side, list[LiveOrder]] = {_BUY: [], _SELL: []}
        self.targets: list[LiveOrder] = []
        self.stops: list[LiveOrder] = []
        self.barred: set[Side] = set()
        """Sides with a cancel under way or a fill whose trades are not here yet."""
        self.doubted: set[Side] = set()
        """Sides with an order of which it is not known that it stands."""
        self.room = instrument.max_orders - reconciler.params.reserved_orders
        self.first: list[NewOrder] = []
        self.exits: list[NewOrder] = []
        self.entries: list[NewOrder] = []
        self.cancels: list[ClientId] = []
        self.kept: list[Pair] = []
        self.held: list[tuple[Slot, str]] = []

    def sort(self, live: Iterable[LiveOrder]) -> None:
        """Live orders by what they serve; a side with one in flux is barred."""
        buys, sells, standing = self.orders[_BUY], self.orders[_SELL], 0
        for one in live:
            order = one.order
            if order.purpose is _GRID:
                standing += 1
                state = one.state
                if state is not _ORDER_RESTING:
                    if state in _IN_FLUX:
                        self.barred.add(order.side)
                        continue
                    if state not in _STANDS:
                        self.doubted.add(order.side)
                if order.side is _BUY:
                    buys.append(one)
                else:
                    sells.append(one)
            elif order.purpose is _STOP:
                self.stops.append(one)
            else:
                standing += 1
                self.targets.append(one)
        self.room -= standing

    def still_open(self, parts: int) -> int:
        """See ``Convergence.open``; only parts that were looked at."""
        if self.targets or self.desired.target is not None:
            return ALL
        found = SINGLES if parts & SINGLES and self._stop_open() else 0
        for part, side in ((BUYS, _BUY), (SELLS, _SELL)):
            if parts & part and (
                side in self.barred or side in self.doubted or any(slot.side is side for slot, _ in self.held)
            ):
                found |= part
        return found

    def _stop_open(self) -> bool:
        """False where the stop that is wanted rests, alone but for cancelled ones; or none is wanted, and none is."""
        left = 0
        for one in self.stops:
            if one.state is _ORDER_RESTING:
                left += one.order.client_id not in self.cancels
            elif one.state is not _ORDER_CANCELLING:
                return True
        return bool(self.first) or left != (self.desired.stop is not None)

    def protect(self, repeg: bool, free: Steps | None, mark: Ticks | None) -> None:
        """Stop and target. On spot a target waits for sells that hold what it would sell."""
        stop, gone = work_stop(self.desired, self.stops, self.r.ids, self.now, self.r.params.stop_tolerance)
        self.cancels += gone
        if stop is not None and not self._held_back(stop):
            self.first.append(stop)
        spot = self.instrument.market is _SPOT
        target = self.desired.target
        if target is None and not self.targets:
            return
        passive = target is not None and target.style is _PASSIVE
        side = _SELL if self.position > 0 else _BUY
        standing = bool(self.orders[side]) or side in self.barred
        thin = None
        if mark is not None and self.r.circuits.thin(self.desired.symbol, side):
            thin = price_in_thin_book(self.instrument, side, mark)
        order, gone = work_target(
            self.desired,
            self.targets,
            self.position,
            self.touch,
            self.instrument,
            self.r.ids,
            self.now,
            repeg=repeg,
            clear=not (standing and (spot or passive)),
            free=free,
            thin=thin,
        )
        self.cancels += gone
        if order is not None and not self._held_back(order):
            self.first.append(order)

    def side(self, side: Side) -> None:
        """The grid orders of one side."""
        p = self.r.params
        wanted = [slot for slot in self.desired.resting if slot.side is side and slot.state is _RESTING]
        if self.instrument.max_notional is not None:
            wanted = [self._worth_allowed(slot) for slot in wanted]
        near = p.price_tolerance * self.desired.spacing
        kept, loose, missing = match(wanted, self.orders[side], near, p.quantity_tolerance, self.instrument.max_steps)
        kept = self._covered(side, kept, loose, missing)
        for live in loose:
            self.barred.add(side)
            if live.state not in (_ORDER_SENDING, _ORDER_UNRESOLVED):
                self.cancels.append(live.order.client_id)  # the others are cancelled once they are known to stand
        self.kept += kept
        if missing:
            self._create(side, missing)

    def _worth_allowed(self, slot: Slot) -> Slot:
        """A slot without what makes it worth more than one order may be: that follows once the order has filled."""
        most = self.instrument.most_steps(slot.price)
        return slot if slot.steps <= most else replace(slot, steps=most)

    def _covered(self, side: Side, kept: list[Pair], loose: list[LiveOrder], missing: list[Slot]) -> list[Pair]:
        """Where a side only closes inventory, kept orders may not sell more than is held: the hysteresis
        on quantities must never leave a naked entry."""
        for live, slot in kept:
            if live.remaining > slot.steps:
                break
        else:
            return kept
        total = 0
        for slot in self.desired.resting:
            if slot.side is side:
                if slot.entry:
                    return kept
                total += slot.steps
        excess = sum(live.remaining for live, _ in kept) + sum(slot.steps for slot in missing) - total
        if excess <= 0:
            return kept
        good: list[Pair] = []
        for live, slot in sorted(kept, key=lambda pair: -abs(pair[1].price - self.touch.bid)):
            if excess > 0 and live.remaining > slot.steps and live.state is not _ORDER_UNRESOLVED:
                excess -= live.remaining - slot.steps
                loose.append(live)
                missing.append(slot)
            else:
                good.append((live, slot))
        if excess > 0:
            self.barred.add(side)  # one of unknown fate covers more than its slot: nothing beside it until it is known
        return good

    def _create(self, side: Side, missing: list[Slot]) -> None:
        """New orders for the slots that have none, or the reason why not."""
        ids, taken = self.r.ids, {live.order.client_id for live in self.orders[side]}
        probing = self.r.circuits.probing(self.desired.symbol, _GRID, side)
        for slot in sorted(missing, key=lambda slot: abs(slot.price - self.touch.bid)):
            reason = self._withheld(slot)
            if not reason and probing and (self.exits or self.entries):
                reason = PROBING
            if reason:
                self.held.append((slot, reason))
                continue
            self.room -= 1
            client_id = ids.issue(slot.symbol, slot.epoch, slot.rung, side)
            while client_id in taken:
                client_id = ids.another(client_id)
            taken.add(client_id)  # a rung may carry two orders: an exit and an entry
            order = NewOrder(
                client_id=client_id,
                symbol=slot.symbol,
                side=side,
                kind=_LIMIT,
                steps=min(slot.steps, self.instrument.max_steps),
                price=slot.price,
                purpose=_GRID,
                created_at=self.now,
                post_only=True,
                epoch=slot.epoch,
                rung=slot.rung,
            )
            (self.entries if slot.entry else self.exits).append(order)

    def _withheld(self, slot: Slot) -> str:
        """Why a slot gets no order now, else an empty string."""
        if slot.side in self.barred:
            return CANCEL_FIRST
        if self.room <= 0:
            return ORDER_LIMIT
        if not self.instrument.min_price <= slot.price <= self.instrument.max_price:
            return PRICE_FILTER
        refused = self.r.circuits.holds(slot.symbol, _GRID, slot.side, self.now)
        if refused:
            return refused
        if self.r.circuits.would_take(slot.symbol, slot.side, slot.price, self.now):
            return PROBING
        far = abs(slot.price - self.touch.bid) > self.r.params.churn_near * self.touch.bid
        if far and slot.entry and self.r.churn.defers(slot.symbol, slot.side, slot.rung, self.now):
            return CHURN
        return ""

    def _held_back(self, order: NewOrder) -> bool:
        return bool(self.r.circuits.holds(order.symbol, order.purpose, order.side, self.now))
