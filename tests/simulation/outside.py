"""The promises as the exchange sees them: its own books against what the bot believes and wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gridbot_tui.orders.model import OrderState, SlotState
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import ZERO, Market

if TYPE_CHECKING:
    from tests.simulation.rig import Rig


def outside(rig: Rig) -> Iterator[str]:
    """Every promise that the exchange's own books break now, one sentence each."""
    yield from liquidated(rig)
    if not rig.quiet:
        return
    yield from tie_out(rig)
    yield from positions(rig)
    yield from orders(rig)
    yield from converged(rig)


def liquidated(rig: Rig) -> Iterator[str]:
    """The exchange never had to liquidate."""
    if rig.world.exchange.liquidations:
        yield f"{rig.world.exchange.liquidations} liquidations"
        rig.world.exchange.liquidations = 0


def tie_out(rig: Rig) -> Iterator[str]:
    """Wallets are the ledger's, to the last digit."""
    account, ledger = rig.world.exchange.account, rig.engine.desk.ledger.account
    wallets = {view.asset: view.wallet for view in account.balances()}
    for asset in wallets.keys() | set(ledger):
        if wallets.get(asset, ZERO) != ledger.wallet(asset):
            yield f"{asset}: the exchange has {wallets.get(asset, ZERO)}, the ledger {ledger.wallet(asset)}"


def positions(rig: Rig) -> Iterator[str]:
    """Positions are the ledger's."""
    if rig.config.market is Market.SPOT:
        return
    for name in rig.engine.symbols:
        theirs, ours = rig.world.exchange.account.position(name), rig.engine.desk.ledger.position(name)
        if theirs != ours:
            yield f"{name}: the exchange holds {theirs} steps, the ledger {ours}"


def orders(rig: Rig) -> Iterator[str]:
    """What stands is what the bot minds: no orphan, no ghost."""
    desk = rig.engine.desk
    standing = Counter(o.client_id for o in rig.world.exchange.history.open.values() if not o.manual)
    for client_id, count in standing.items():
        if count > 1:
            yield f"{client_id} stands {count} times"
    minded = {live.order.client_id for live in desk.orders.all_live() if live.state is not OrderState.UNRESOLVED}
    doubtful = {live.order.client_id for live in desk.orders.all_live()} - minded
    for client_id in sorted(standing.keys() - minded - doubtful):
        yield f"{client_id} stands and nobody minds it"
    if not desk.links and not rig.bot._asking:
        for client_id in sorted(minded - standing.keys()):
            live = desk.orders.get(client_id)
            if live is not None and live.state in (OrderState.RESTING, OrderState.PARTLY_FILLED):
                yield f"{client_id} is minded as {live.state} and does not stand"


def converged(rig: Rig) -> Iterator[str]:
    """With everything quiet, what stands is what is desired."""
    desk = rig.engine.desk
    if desk.phase != "trading":
        return
    for name, state in desk.symbols.items():
        wanted = state.desired
        if wanted is None or state.best is None or name in desk.dirty:
            continue
        live = desk.orders.live(name)
        if any(one.state not in (OrderState.RESTING, OrderState.PARTLY_FILLED) for one in live):
            continue
        found = desk.reconciler.reconcile(
            wanted,
            live,
            instrument=state.instrument,
            position=desk.ledger.book(name).own_position,
            touch=Touch(*(state.touch or state.best)),
            now=desk.now,
            repeg=False,
        )
        if found.creates or found.cancels:
            made = [(o.side.name, o.price, o.steps, o.purpose.value) for o in found.creates]
            yield f"{name}: quiet, and yet to do: create {made}, cancel {found.cancels}"
        wanted_slots = [slot for slot in wanted.resting if slot.state is SlotState.RESTING]
        if len(found.kept) > len(wanted_slots):
            yield f"{name}: {len(found.kept)} orders for {len(wanted_slots)} slots"
