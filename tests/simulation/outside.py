"""The promises as the exchange sees them: its own books against what the bot believes and wants."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from gridbot_tui.exchange.port import Place
from gridbot_tui.orders.model import NewOrder, OrderState, Purpose, SlotState
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.units import ZERO, Market, Side, Symbol

if TYPE_CHECKING:
    from tests.simulation.rig import Rig

Said = tuple[str, str]
"""What it is about, the same while it lasts, and the sentence."""


def outside(rig: Rig) -> dict[str, str]:
    """Every promise that the exchange's own books break now: what it is about, and one sentence."""
    found = dict(liquidated(rig))
    found.update(capped(rig))
    if rig.quiet:
        rig.looks += 1
        for check in (tie_out, positions, orders, converged):
            found.update(check(rig))
    return found


def capped(rig: Rig) -> Iterator[Said]:
    """No order on its way to the exchange could take the account past the cap, by the exchange's own books."""
    sent = [request.order for request in rig.world.on_its_way() if isinstance(request, Place)]
    if not any(order.purpose is Purpose.GRID for order in sent):
        return
    worst, before = _worst(rig, sent), _worst(rig, [])
    if worst > max(before, rig.engine.desk.gate.cap) * (1 + 1e-9) and worst > before * (1 + 1e-9):
        yield "cap", f"orders left that take the account from {before:.4f}x to {worst:.4f}x"


def _worst(rig: Rig, sent: list[NewOrder]) -> float:
    """Exposure if one side of every symbol fills (the dearer), over equity marked at the farthest of it."""
    exchange = rig.world.exchange
    exposure, loss, equity = 0.0, 0.0, _equity(rig)
    for symbol, venue in exchange.venues.items():
        unit, position, mark = venue.instrument.unit_f, _position(rig, symbol), venue.mark
        resting = [
            (o.side, o.price or mark, o.left)
            for o in exchange.history.open.values()
            if o.symbol == symbol and not o.conditional and not o.reduce_only
        ]
        resting += [(o.side, o.price or mark, o.steps) for o in sent if o.symbol == symbol and _adds(o)]
        cases = [abs(position) * mark * unit]
        costs = [0.0]
        for side in Side:
            mine = [(price, steps) for way, price, steps in resting if way is side]
            far = min([mark, *(p for p, _ in mine)]) if side is Side.BUY else max([mark, *(p for p, _ in mine)])
            after = position + side * sum(steps for _, steps in mine)
            own = sum((price if side is Side.BUY else far) * steps for price, steps in mine)
            if position * side >= 0:
                cases.append((abs(position) * (mark if side is Side.BUY else far) + own) * unit)
            else:
                cases.append(abs(after) * far * unit if after * side > 0 else 0.0)
            change = position * (far - mark) + side * sum((far - price) * steps for price, steps in mine)
            costs.append(-change * unit)
        exposure += max(cases)
        loss += 0.0 if rig.config.market is Market.SPOT else max(costs)
    return exposure / (equity - loss) if equity > loss else float("inf") if exposure else 0.0


def _adds(order: NewOrder) -> bool:
    return not order.reduce_only and not order.close_position and order.purpose is Purpose.GRID


def _position(rig: Rig, symbol: Symbol) -> int:
    if rig.config.market is Market.SPOT:
        return rig.engine.desk.ledger.position(symbol)
    return rig.world.exchange.account.position(symbol)


def _equity(rig: Rig) -> float:
    """Wallet and unrealised profit at mark, by the exchange."""
    futures = rig.world.exchange.futures
    if futures is not None:
        return float(futures.margin()[0])
    return float(rig.engine.desk.ledger.equity_quick() or 0)


def liquidated(rig: Rig) -> Iterator[Said]:
    """The exchange never had to liquidate."""
    if rig.world.exchange.liquidations:
        yield "liquidation", f"{rig.world.exchange.liquidations} liquidations"
        rig.world.exchange.liquidations = 0


def tie_out(rig: Rig) -> Iterator[Said]:
    """Wallets are the ledger's, to the last digit."""
    account, ledger = rig.world.exchange.account, rig.engine.desk.ledger.account
    wallets = {view.asset: view.wallet for view in account.balances()}
    for asset in wallets.keys() | set(ledger):
        theirs, ours = wallets.get(asset, ZERO), ledger.wallet(asset)
        if theirs != ours:
            yield f"wallet {asset}", f"{asset}: the exchange has {theirs}, the ledger {ours}"


def positions(rig: Rig) -> Iterator[Said]:
    """Positions are the ledger's."""
    if rig.config.market is Market.SPOT:
        return
    for name in rig.engine.symbols:
        theirs, ours = rig.world.exchange.account.position(name), rig.engine.desk.ledger.position(name)
        if theirs != ours:
            yield f"position {name}", f"{name}: the exchange holds {theirs} steps, the ledger {ours}"


def orders(rig: Rig) -> Iterator[Said]:
    """What stands is what the bot minds: no orphan, no ghost."""
    desk = rig.engine.desk
    standing = Counter(o.client_id for o in rig.world.exchange.history.open.values() if not o.manual)
    for client_id, count in standing.items():
        if count > 1:
            yield f"twice {client_id}", f"{client_id} stands {count} times"
    minded = {live.order.client_id for live in desk.orders.all_live() if live.state is not OrderState.UNRESOLVED}
    doubtful = {live.order.client_id for live in desk.orders.all_live()} - minded
    for client_id in sorted(standing.keys() - minded - doubtful):
        yield f"orphan {client_id}", f"{client_id} stands and nobody minds it"
    if not desk.links and not rig.bot._asking:
        for client_id in sorted(minded - standing.keys()):
            live = desk.orders.get(client_id)
            if live is not None and live.state in (OrderState.RESTING, OrderState.PARTLY_FILLED):
                yield f"ghost {client_id}", f"{client_id} is minded as {live.state} and does not stand"


def converged(rig: Rig) -> Iterator[Said]:
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
            touch=Touch(*state.best),
            now=desk.now,
            repeg=False,
        )
        if found.creates or found.cancels:
            made = [(o.side.name, o.price, o.steps, o.purpose.value) for o in found.creates]
            yield f"convergence {name}", f"{name}: quiet, and yet to do: create {made}, cancel {found.cancels}"
        wanted_slots = [slot for slot in wanted.resting if slot.state is SlotState.RESTING]
        if len(found.kept) > len(wanted_slots):
            yield f"slots {name}", f"{name}: {len(found.kept)} orders for {len(wanted_slots)} slots"
