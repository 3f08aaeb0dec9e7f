"""Spot: a smaller quantity at the same place in the queue."""

from gridbot_tui.exchange.server.codes import Denied, raise_for
from gridbot_tui.exchange.server.desk import Desk
from gridbot_tui.exchange.simulated.filters import check_client_id
from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.units import ZERO, Market, Money, Side, Steps

MOST = 10


def amend(desk: Desk, order: Order, steps: Steps, new_id: str) -> None:
    """Shrink an open order and give it a new client id; both legs of a list, as they have one quantity.

    Each leg's amendment is an execution of its own; only the order that was named has another id.

    Raises:
        Denied: the order stays as it is.
    """
    _check(desk, order, steps, new_id)
    terms, before = desk.terms_of(order), order.steps
    found = desk.lists.of(order)
    legs = [leg for leg in found.pair if leg.open] if found is not None and order in found.pair else [order]
    for leg in legs:
        if leg.resting:
            desk.venues[leg.symbol].filled(leg, leg.steps - steps)  # what no longer stands counts as what was filled
        leg.steps = steps
    _lock_anew(desk, legs)
    for leg in legs:
        desk.terms_of(leg).old_id = leg.client_id
    del desk.history.open[desk._key_of(order)]
    order.client_id = new_id
    terms.amends += 1
    desk.history.open[desk._key_of(order)] = order
    for leg in legs:
        _told(desk, leg, before)
    if found is not None and new_id != terms.old_id:
        desk.lists.renamed(found)
    venue = desk.venues[order.symbol]
    desk._tell_account(venue, venue.instrument.quote)


def _told(desk: Desk, order: Order, before: Steps) -> None:
    """The amendment of one order in its history and in the account's events."""
    terms, f = desk.terms_of(order), desk.tapes[order.symbol].format
    terms.amended_as = desk.ids.next_execution()
    desk.changes.append((order, {
        "symbol": order.symbol, "orderId": order.exchange_id, "executionId": terms.amended_as,
        "origClientOrderId": terms.old_id, "newClientOrderId": order.client_id, "origQty": f.qty(before),
        "newQty": f.qty(order.steps), "time": desk.now,
    }))  # fmt: skip
    desk.updates_amended(order)


def _check(desk: Desk, order: Order, steps: Steps, new_id: str) -> None:
    instrument = desk.venues[order.symbol].instrument
    if desk.terms_of(order).amends >= MOST:
        raise Denied(-2038, msg="The order has been amended too many times.")
    if not order.filled < steps < order.steps:
        raise Denied(-2038, msg="The new quantity must be less than the order's and more than what is filled.")
    raise_for(check_client_id(Market.SPOT, new_id))
    if new_id != order.client_id and desk.key(order.symbol, new_id, False) in desk.history.open:
        raise Denied(-2038, msg="Duplicate order sent.")
    if steps < instrument.min_steps:
        raise Denied(-1013, "LOT_SIZE")
    if instrument.notional(order.price or order.trigger or 0, steps) < instrument.min_notional:
        raise Denied(-1013, "NOTIONAL")


def _lock_anew(desk: Desk, legs: list[Order]) -> None:
    """Hold what is needed now: a list holds the need of its first leg, and what the other needs beyond that."""
    spot = desk.spot
    assert spot is not None
    instrument = desk.venues[legs[0].symbol].instrument
    asset = instrument.quote if legs[0].side is Side.BUY else instrument.base
    held: Money = ZERO
    for leg in legs:
        beyond = max(ZERO, desk.lists.holds(leg) - held)
        spot.locked[asset] += beyond - leg.locked
        leg.locked = beyond
        held += beyond
