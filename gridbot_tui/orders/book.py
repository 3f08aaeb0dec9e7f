"""Our orders, all symbols: what was intended, what is known of it, what it still may do.

``filled`` counts executions that reached us as trades (they move the position); ``reported`` is what the
exchange says in total. An order that ended before its trades arrived is *unsettled*: it stays among the
live ones, so that nobody fills its slot a second time on a position that is not up to date.
"""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from typing import Final, Protocol

from msgspec import Struct

from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import NewOrder, OrderState, Purpose, Slot
from gridbot_tui.orders.table import TERMINAL, ImpossibleTransition, Trigger, advance, meaning
from gridbot_tui.units import ClientId, Ms, Side, Steps, Symbol

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_GRID = Purpose.GRID
_ORDER_PARTLY_FILLED = OrderState.PARTLY_FILLED
_ORDER_RESTING = OrderState.RESTING
_ORDER_SENDING = OrderState.SENDING
_ORDER_UNRESOLVED = OrderState.UNRESOLVED
_TRIGGER_CANCEL_SENT = Trigger.CANCEL_SENT
_TRIGGER_DOUBTED = Trigger.DOUBTED
_TRIGGER_FILLED = Trigger.FILLED
_TRIGGER_PARTLY_FILLED = Trigger.PARTLY_FILLED
_BUY = Side.BUY

ENDED_KEPT: Final = 500
"""Ended orders remembered for late and repeated events."""


class Report(Protocol):
    """News of an order; ``engine.events.OrderReport`` is one."""

    @property
    def at(self) -> Ms: ...
    @property
    def client_id(self) -> ClientId: ...
    @property
    def outcome(self) -> str: ...
    @property
    def filled(self) -> Steps: ...
    @property
    def exchange_id(self) -> str: ...


class LiveOrder:
    """An order of ours and all that is known of it. Changed by OrderBook alone."""

    __slots__ = (
        "attempts",
        "changed_at",
        "entered",
        "epoch",
        "exchange_id",
        "filled",
        "order",
        "remaining",
        "reported",
        "rung",
        "sent_at",
        "state",
    )

    def __init__(self, order: NewOrder, state: OrderState, sent_at: Ms) -> None:
        self.order = order
        self.state = state
        self.filled: Steps = 0
        """Executed, by trades."""
        self.reported: Steps = 0
        """Executed, as the exchange says."""
        self.remaining: Steps = order.steps
        """What it may still add to the position: ``steps - filled``; 0 once settled and ended."""
        self.entered = 0
        """Place in the order in which orders came into the book."""
        self.sent_at = sent_at
        self.changed_at = sent_at
        self.attempts = 1
        """Times it was sent, or its cancel."""
        self.exchange_id = ""
        self.epoch = order.epoch
        """With ``rung``: the slot it serves now."""
        self.rung = order.rung

    @property
    def ended(self) -> bool:
        """True where it stands no more on the exchange."""
        return self.state in TERMINAL

    @property
    def settled(self) -> bool:
        """True where all executions the exchange reported have arrived as trades."""
        return self.filled >= self.reported

    @property
    def cancel_sent(self) -> bool:
        """True where a cancel of ours has left: whatever became of that, the order may end by it at any time."""
        return self.attempts > 1

    @property
    def conditional(self) -> bool:
        """True for a stop."""
        return self.order.trigger is not None


class OrderRecord(Struct, frozen=True):
    """A LiveOrder as stored."""

    order: NewOrder
    state: OrderState
    filled: Steps
    reported: Steps
    sent_at: Ms
    changed_at: Ms
    attempts: int
    exchange_id: str
    epoch: int
    rung: int


class BookState(Struct, frozen=True):
    """Everything the book must not forget."""

    live: tuple[OrderRecord, ...] = ()
    ended: tuple[OrderRecord, ...] = ()


class OrderBook:
    """All orders of ours that stand or may stand, and the last ones that ended."""

    __slots__ = ("_all", "_ended", "_entered", "_ids", "_live", "_restless")

    def __init__(self, ids: IdFactory) -> None:
        self._ids = ids
        self._all: dict[ClientId, LiveOrder] = {}
        self._live: dict[Symbol, dict[ClientId, LiveOrder]] = {}
        self._ended: deque[ClientId] = deque()
        self._restless: dict[Symbol, dict[ClientId, LiveOrder]] = {}
        """Live orders in any other state than RESTING."""
        self._entered = 0

    def __len__(self) -> int:
        return sum(len(orders) for orders in self._live.values())

    def get(self, client_id: ClientId) -> LiveOrder | None:
        """The order, live or lately ended; None where nothing is known of it."""
        return self._all.get(client_id)

    def knows(self, symbol: Symbol) -> bool:
        """Whether any order of the symbol is known, live or lately ended."""
        return any(one.order.symbol == symbol for one in self._all.values())

    def live(self, symbol: Symbol) -> Collection[LiveOrder]:
        """Orders of a symbol that stand, may stand, or ended with trades still to come; oldest first."""
        orders = self._live.get(symbol)
        return orders.values() if orders is not None else ()

    def all_live(self) -> Iterable[LiveOrder]:
        """The live orders of every symbol, symbols in name order."""
        for symbol in sorted(self._live):
            yield from self._live[symbol].values()

    def restless(self) -> list[LiveOrder]:
        """The live orders that do not simply rest, symbols in name order: mostly none, and then this costs nothing."""
        found: list[LiveOrder] = []
        for _, orders in sorted(self._restless.items()):
            found += sorted(orders.values(), key=lambda one: one.entered)
        return found

    def any_in(self, state: OrderState, symbol: Symbol, grid_side: Side | None = None) -> bool:
        """True where an order of the symbol (a grid order on that side) is in ``state``, which is any but RESTING."""
        for one in self._restless.get(symbol, {}).values():
            if one.state is state:
                order = one.order
                if grid_side is None or (order.side is grid_side and order.purpose is _GRID):
                    return True
        return False

    def unresolved(self) -> list[LiveOrder]:
        """Orders whose fate must be asked for, symbols in name order."""
        return [order for order in self.restless() if order.state is _ORDER_UNRESOLVED]

    def intend(self, order: NewOrder) -> LiveOrder:
        """Record an intent that is about to be sent. One client id names one intent, for ever."""
        if order.client_id in self._all:
            raise ValueError(f"client id {order.client_id} names another intent already")
        return self._enter(LiveOrder(order, _ORDER_SENDING, order.created_at))

    def cancelling(self, client_id: ClientId, at: Ms) -> OrderState | None:
        """A cancel is about to be sent. Returns the new state where it changed."""
        live = self._all[client_id]
        live.attempts += 1
        return self._move(live, _TRIGGER_CANCEL_SENT, at)

    def doubt(self, client_id: ClientId, at: Ms) -> OrderState | None:
        """The exchange's list of open orders does not hold it: unresolved until asked by id."""
        return self._move(self._all[client_id], _TRIGGER_DOUBTED, at)

    def apply(self, report: Report) -> OrderState | None:
        """Take in news of an order. Returns the new state where it changed, None where nothing did.

        Repeated, late and reordered news change nothing. Raises ImpossibleTransition where the news
        contradicts what is known. News of an order not in the book is None: see ``get``.
        """
        live = self._all.get(report.client_id)
        if live is None:
            return None
        if report.exchange_id:
            live.exchange_id = report.exchange_id
        trigger = meaning(live.state, live.filled, live.reported, report.outcome, report.filled)
        # Filled whole is filled as far as it says: another hand may have made it smaller.
        told = live.order.steps if report.outcome == _TRIGGER_FILLED and not report.filled else report.filled
        live.reported = max(live.reported, told)
        if trigger is None:
            return None
        change = self._move(live, trigger, report.at)
        self._refile(live)
        return change

    def fill(self, client_id: ClientId, steps: Steps, at: Ms) -> OrderState | None:
        """Count one trade of the order; ``steps`` > 0. Returns the new state where it changed.

        Raises:
            ImpossibleTransition: more than the order is of. The trade counts all the same, and what the order is by
                now (another hand may have made it larger) must be asked for.
        """
        live = self._all[client_id]
        whole, before = live.order.steps, live.filled
        live.filled += steps
        live.reported = max(live.reported, live.filled)
        live.remaining = max(0, whole - live.filled)
        live.changed_at = at
        if whole and live.filled > whole:
            state = live.state
            if not live.ended:
                self._move(live, _TRIGGER_DOUBTED, at)
            self._refile(live)
            raise ImpossibleTransition(state, "fill", f"{before} + {steps} of {whole} steps")
        complete = whole > 0 and live.remaining == 0
        change = None
        if complete and not live.ended:
            change = self._move(live, _TRIGGER_FILLED, at)
        elif not live.ended and live.state is not _ORDER_UNRESOLVED:
            # A trade of an unresolved order tells that it stood, not that it still does.
            change = self._move(live, _TRIGGER_PARTLY_FILLED, at)
        self._refile(live)
        return change

    def adopt(self, order: NewOrder, filled: Steps, at: Ms) -> LiveOrder:
        """An open order with one of our ids stands on the exchange: it is ours, as it stands, whatever we thought."""
        known = self._all.get(order.client_id)
        state = _ORDER_PARTLY_FILLED if filled else _ORDER_RESTING
        if known is not None and not known.ended:
            known.order = order
            known.reported = max(filled, known.reported)
            known.remaining = max(0, order.steps - known.filled)
            known.state = state
            known.changed_at = at
            self._sort(known)
            return known
        if known is not None:
            self._ended = deque(cid for cid in self._ended if cid != order.client_id)
        live = LiveOrder(order, state, order.created_at)
        live.filled = live.reported = max(filled, known.filled if known is not None else 0)
        live.remaining = max(0, order.steps - live.filled)
        live.changed_at = at
        return self._enter(live)

    def serve(self, kept: Iterable[tuple[LiveOrder, Slot]]) -> dict[ClientId, tuple[int, int]]:
        """Note which slot each kept order serves from now on; the (epoch, rung) of those that served another."""
        changed: dict[ClientId, tuple[int, int]] = {}
        for live, slot in kept:
            if live.epoch != slot.epoch or live.rung != slot.rung:
                live.epoch = slot.epoch
                live.rung = slot.rung
                changed[live.order.client_id] = (slot.epoch, slot.rung)
        return changed

    def recall_slots(self, slots: Mapping[ClientId, tuple[int, int]]) -> None:
        """What ``serve`` returned in another life."""
        for client_id, (epoch, rung) in slots.items():
            live = self._all.get(client_id)
            if live is not None:
                live.epoch, live.rung = epoch, rung

    def state(self) -> BookState:
        """Everything, to be stored."""
        return BookState(
            live=tuple(_record(order) for order in self.all_live()),
            ended=tuple(_record(self._all[client_id]) for client_id in self._ended),
        )

    @classmethod
    def restore(cls, ids: IdFactory, state: BookState) -> "OrderBook":
        """The book as it was stored; makes its ids known to ``ids``."""
        book = cls(ids)
        for record in state.live:
            book._enter(_from_record(record))
        for record in state.ended:
            live = _from_record(record)
            ids.sent(record.order.client_id)
            ids.ended(record.order.client_id)
            book._all[record.order.client_id] = live
            book._ended.append(record.order.client_id)
        return book

    def _enter(self, live: LiveOrder) -> LiveOrder:
        order = live.order
        self._all[order.client_id] = live
        self._entered += 1
        live.entered = self._entered
        self._sort(live)
        self._live.setdefault(order.symbol, {})[order.client_id] = live
        self._ids.sent(order.client_id)
        return live

    def _move(self, live: LiveOrder, trigger: str, at: Ms) -> OrderState | None:
        after = advance(live.state, trigger)
        if after is live.state:
            return None
        live.state = after
        live.changed_at = at
        self._sort(live)
        return after

    def _sort(self, live: LiveOrder, *, gone: bool = False) -> None:
        """Keep the restless ones apart."""
        order = live.order
        if live.state is not _ORDER_RESTING and not gone:
            self._restless.setdefault(order.symbol, {})[order.client_id] = live
            return
        orders = self._restless.get(order.symbol)
        if orders is not None and orders.pop(order.client_id, None) is not None and not orders:
            del self._restless[order.symbol]

    def _refile(self, live: LiveOrder) -> None:
        """Move an order between the live and the ended ones, as its state and trades say."""
        client_id = live.order.client_id
        orders = self._live.setdefault(live.order.symbol, {})
        if live.ended and live.settled:
            live.remaining = 0
            self._sort(live, gone=True)
            if orders.pop(client_id, None) is not None:
                self._ids.ended(client_id)
                self._ended.append(client_id)
                if len(self._ended) > ENDED_KEPT:
                    self._all.pop(self._ended.popleft(), None)
        elif client_id not in orders:  # back from the dead: late trades or news of it
            self._ended.remove(client_id)
            whole = live.reported if live.ended else live.order.steps
            live.remaining = max(0, whole - live.filled)
            self._enter(live)
        elif live.ended:
            live.remaining = live.reported - live.filled  # only the trades still on their way


def _record(live: LiveOrder) -> OrderRecord:
    return OrderRecord(
        live.order,
        live.state,
        live.filled,
        live.reported,
        live.sent_at,
        live.changed_at,
        live.attempts,
        live.exchange_id,
        live.epoch,
        live.rung,
    )


def _from_record(record: OrderRecord) -> LiveOrder:
    live = LiveOrder(record.order, record.state, record.sent_at)
    live.filled = record.filled
    live.reported = record.reported
    whole = record.order.steps if record.state not in TERMINAL else record.reported
    live.remaining = max(0, whole - record.filled)
    live.changed_at = record.changed_at
    live.attempts = record.attempts
    live.exchange_id = record.exchange_id
    live.epoch = record.epoch
    live.rung = record.rung
    return live
