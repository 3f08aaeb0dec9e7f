"""The ladder of one symbol and what it holds: slots, the orders that stand for them, lots with their exits."""

from typing import NamedTuple

from gridbot_tui.control.snapshot import LotView, RungView
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.ledger.buckets import PER_PRICE
from gridbot_tui.ledger.model import Lot
from gridbot_tui.ledger.shelf import Shelf
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import OrderState, Purpose, Slot, SlotState
from gridbot_tui.units import Side, Steps, Ticks, plain

SLOT_OF_ORDER = {
    OrderState.SENDING: SlotState.SENDING,
    OrderState.RESTING: SlotState.RESTING,
    OrderState.PARTLY_FILLED: SlotState.PARTLY_FILLED,
    OrderState.CANCELLING: SlotState.RESTING,
    OrderState.UNRESOLVED: SlotState.UNRESOLVED,
}


class Exits(NamedTuple):
    """Which slot closes which lot, were the slots of the exit side to fill one after the other."""

    prices: dict[int, Ticks]
    """Lot id to the price of the first order that closes some of it; a lot without an exit is not here."""
    closed_by: dict[tuple[int, Side], tuple[int, ...]]
    """(rung, side) to the ids of the lots it closes, wholly or in part."""


def exits_of(desk: Desk, state: SymbolDesk) -> Exits:
    """The exits of our lots under what is desired now."""
    found = Exits({}, {})
    book = desk.ledger.book(state.symbol)
    held, left = Shelf(), dict[int, Steps]()
    for one in book:
        if not one.external:
            held.add(one)
            left[one.id] = one.steps
    if state.desired is None or not held:
        return found
    side = Side.BUY if held.position > 0 else Side.SELL
    closing, fees = side.opposite, 2 * desk.config.maker_fee
    slots = [slot for slot in state.desired.resting if slot.side is closing and slot.exit_steps]
    standing = {
        (live.rung, live.order.side): live.order.price
        for live in desk.orders.live(state.symbol)
        if live.order.purpose is Purpose.GRID
    }
    levels = state.plan is not None and state.plan.kind != "adaptive"  # which own their lots
    for slot in sorted(slots, key=lambda one: -one.price * one.side):  # the nearest to the market first
        room, ids = slot.exit_steps, []
        while room > 0:
            lot = (held.of_level(slot.rung) if levels else None) or held.nearest(
                side, slot.price, int(fees * slot.price)
            )
            if lot is None:
                break
            ids.append(lot.id)
            # An order that was kept may rest a little beside the price that its slot has now.
            found.prices.setdefault(lot.id, standing.get((slot.rung, slot.side)) or slot.price)
            taken: Steps = min(room, left[lot.id])
            room -= taken
            left[lot.id] -= taken
            if not left[lot.id]:
                held.remove(lot)
        if ids:
            found.closed_by[slot.rung, slot.side] = tuple(ids)
    return found


def _reach(state: SymbolDesk) -> float:
    """What counts as near a rung, as a part of its price: half way to the next, so that none counts twice."""
    step = 0.0 if state.desired is None else state.desired.spacing
    return max(0.0, step / 2 - 0.5 / PER_PRICE)


def ladder_view(desk: Desk, state: SymbolDesk, exits: Exits) -> tuple[RungView, ...]:
    """Slots as desired joined with the orders that stand for them, descending by price."""
    slots = state.desired.resting if state.desired is not None else ()
    serving: dict[tuple[int, Side], LiveOrder] = {}
    others: list[LiveOrder] = []
    for live in desk.orders.live(state.symbol):
        if live.order.purpose is Purpose.GRID and live.order.price is not None:
            key = (live.rung, live.order.side)
            if key in serving:
                others.append(live)
            else:
                serving[key] = live
    reach = _reach(state)
    rungs = [
        (slot.price, _rung(desk, state, slot, serving.pop((slot.rung, slot.side), None), exits, reach))
        for slot in slots
    ]
    rungs.extend((live.order.price or 0, _lone(desk, state, live)) for live in [*serving.values(), *others])
    rungs.sort(key=lambda pair: -pair[0])
    return tuple(view for _, view in rungs)


def _rung(
    desk: Desk, state: SymbolDesk, slot: Slot, live: LiveOrder | None, exits: Exits, reach: float
) -> RungView:
    price, steps, shown = slot.price, slot.steps, slot.state
    filled, since = 0, None
    if live is not None and live.order.price is not None:
        price, steps, filled, since = live.order.price, live.order.steps, live.filled, live.sent_at
        shown = SLOT_OF_ORDER.get(live.state, SlotState.SENDING)
    elif slot.state is SlotState.RESTING:
        shown = SlotState.WAITING
    instrument = state.instrument
    count = desk.ledger.book(state.symbol).buckets.near(price, int(price * reach))
    closes = exits.closed_by.get((slot.rung, slot.side), ())
    return RungView(
        side="buy" if slot.side is Side.BUY else "sell",
        price=format(instrument.price(price), "f"),
        quantity=format(instrument.quantity(steps), "f"),
        state=shown.value,
        rung=slot.rung,
        entry=slot.entry,
        reason=slot.reason,
        since=since,
        filled=format(instrument.quantity(filled), "f"),
        fills=count.fills,
        cycles=count.cycles,
        profit=plain(count.profit),
        lot=closes[0] if closes else None,
        closes=len(closes),
    )


def _lone(desk: Desk, state: SymbolDesk, live: LiveOrder) -> RungView:
    """An order that serves no slot any more and is on its way out; before a first decision nobody knows that."""
    order, instrument, decided = live.order, state.instrument, state.desired is not None
    return RungView(
        side="buy" if order.side is Side.BUY else "sell",
        price=format(instrument.price(order.price or 0), "f"),
        quantity=format(instrument.quantity(order.steps), "f"),
        state=SLOT_OF_ORDER.get(live.state, SlotState.SENDING).value,
        rung=live.rung,
        entry=not decided,
        reason="leaving" if decided else "",
        since=live.sent_at,
        filled=format(instrument.quantity(live.filled), "f"),
    )


def lots_view(desk: Desk, state: SymbolDesk, exits: Exits) -> tuple[LotView, ...]:
    """Lots, descending by price."""
    return tuple(_lot(state, lot, exits) for lot in desk.ledger.book(state.symbol).lots)


def _lot(state: SymbolDesk, lot: Lot, exits: Exits) -> LotView:
    instrument = state.instrument
    profit = None
    if state.mark is not None:
        gain = instrument.notional(state.mark - lot.price, lot.steps * lot.side) - lot.fee
        profit = plain(gain)
    exit_price = exits.prices.get(lot.id)
    return LotView(
        id=lot.id,
        side="long" if lot.side is Side.BUY else "short",
        quantity=format(instrument.quantity(lot.steps), "f"),
        price=format(instrument.price(lot.price), "f"),
        opened_at=lot.opened_at,
        exit_price=None if exit_price is None else format(instrument.price(exit_price), "f"),
        profit=profit,
        external=lot.external,
    )
