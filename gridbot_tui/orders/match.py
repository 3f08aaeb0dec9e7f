"""Which standing order serves which slot of a side: at most one order a slot, one slot an order."""

from collections.abc import Sequence
from typing import Final

from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import OrderState, Slot
from gridbot_tui.units import Steps

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_ORDER_UNRESOLVED = OrderState.UNRESOLVED

Pair = tuple[LiveOrder, Slot]

_OCCUPIES: Final = 0.5
"""In spacings: how far an order of unknown fate may be from the slot it keeps occupied."""


def match(
    slots: Sequence[Slot], orders: Sequence[LiveOrder], near: float, quantity: float, most: Steps
) -> tuple[list[Pair], list[LiveOrder], list[Slot]]:
    """(kept pairs, orders without a slot, slots without an order) of one side.

    An order stays where price and quantity are within the hysteresis: ``near`` is that of the price as a
    fraction of it, ``quantity`` that of the slot's steps, ``most`` the largest order. An order keeps the
    slot it was made for, else it goes to the nearest in price. One of unknown fate occupies its slot even
    if it does not fit.
    """
    kept: list[Pair] = []
    loose: list[LiveOrder] = []
    if not orders:
        return kept, loose, list(slots)
    places = {(slot.epoch, slot.rung): slot for slot in slots}
    for live in orders:
        place = live.epoch, live.rung
        own = places.get(place)
        if own is None:
            loose.append(live)
        elif (live.remaining == own.steps and live.order.price == own.price) or _serves(
            live, own, near, quantity, most
        ):  # mostly the order is just what the slot wants
            kept.append((live, own))
            del places[place]
        else:
            loose.append(live)
    if not loose or not places:
        return kept, loose, list(places.values())
    free = list(places.values())
    unserved: list[LiveOrder] = []
    for live in loose:
        slot = _nearest(live, free, near, quantity, most)
        if slot is None:
            unserved.append(live)
        else:
            kept.append((live, slot))
            free.remove(slot)
    return kept, unserved, free


def _serves(live: LiveOrder, slot: Slot, near: float, quantity: float, most: Steps) -> bool:
    """True where an order may stay in the slot it was made for."""
    price, wanted, remaining, steps = live.order.price, slot.price, live.remaining, slot.steps
    if price is not None:
        if steps > most:
            steps = most
        if abs(price - wanted) <= near * wanted and abs(remaining - steps) <= quantity * steps:
            return True
    return live.state is _ORDER_UNRESOLVED


def _nearest(live: LiveOrder, free: Sequence[Slot], near: float, quantity: float, most: Steps) -> Slot | None:
    """The free slot nearest in price that the order fits (of unknown fate: that it may be meant for)."""
    price, remaining = live.order.price, live.remaining
    if price is None:
        return None
    unresolved = live.state is _ORDER_UNRESOLVED
    best: Slot | None = None
    best_gap = 0
    for slot in free:
        gap = price - slot.price if price > slot.price else slot.price - price
        if best is not None and gap >= best_gap:
            continue
        if unresolved:
            if gap > max(near, near * _OCCUPIES / 0.15) * slot.price:
                continue
        else:
            steps = slot.steps if slot.steps < most else most
            if gap > near * slot.price or abs(remaining - steps) > quantity * steps:
                continue
        best, best_gap = slot, gap
    return best
