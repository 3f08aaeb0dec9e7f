"""From plan, position and mode to orders: Desired, gate, reconcile, actions. Nothing else ever sends an order."""

import msgspec

from gridbot_tui.engine import exposure, protection, walk
from gridbot_tui.engine.actions import CancelFact, CancelOrder, IntentFact, PlaceOrder, ServeFact
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.locked import BASE_LOCKED, POSITION_LIMIT, free_base, within_free, within_most
from gridbot_tui.engine.planning import unwinds
from gridbot_tui.orders.churn import LET_GO
from gridbot_tui.orders.desired import desired, is_dust, strongest
from gridbot_tui.orders.model import Desired, NewOrder, OrderState, Purpose, Slot, SlotState, Target, TargetStyle
from gridbot_tui.orders.plain import HeldLot, beyond_exits, plan_exit, wrong_side
from gridbot_tui.orders.reconcile import ALL, BUYS, SELLS, SINGLES, Convergence
from gridbot_tui.orders.rungs import Touch, touch_for
from gridbot_tui.risk.breakers import BY_NAME
from gridbot_tui.risk.exposure import Portfolio
from gridbot_tui.risk.gate import LEVERAGE_CAP, LEVERAGE_HARD
from gridbot_tui.units import ClientId, Market, Side, Steps, Symbol

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_PASSIVE, _TAKER = TargetStyle.PASSIVE, TargetStyle.TAKER
_FUTURES, _SPOT = Market.FUTURES, Market.SPOT
_BUY = Side.BUY
_SLOT_BLOCKED, _SLOT_RESTING, _SLOT_WAITING = SlotState.BLOCKED, SlotState.RESTING, SlotState.WAITING
_GRID, _STOP, _TARGET = Purpose.GRID, Purpose.STOP, Purpose.TARGET
_ORDER_PARTLY_FILLED, _ORDER_RESTING = OrderState.PARTLY_FILLED, OrderState.RESTING

ONE_SIDE = "one_side"
"""Only what lowers a position is opened."""
CIRCUIT_OPEN = "circuit_open"
_LEAST = "lot_below_minimum"
"""A plan's reason or the ladder's own."""
WITHHELD = frozenset(
    {
        ONE_SIDE,
        "leverage_cap",
        "leverage_hard",
        "gap_budget",
        "stale_mark",
        "mark_unknown",
        "churn",
        "order_limit",
        "price_filter",
        _LEAST,
        "dust",
        CIRCUIT_OPEN,
        "equity_unknown",
        "stop_budget",
        "store_unavailable",
        "out_of_range",
        "beyond_exit",
        "no_room",
        BASE_LOCKED,
        POSITION_LIMIT,
        "loop_lag",
        "clock",
        "exchange_errors",
        "exchange_slow",
        "losses",
    }
)
"""Blockers that are stated anew by every convergence of a symbol."""

PASSING = frozenset({"cancel_first", "probing"})
"""Reasons that the next answer of the exchange lifts: not worth a blocker."""

BUDGETS = frozenset({"leverage_cap", "gap_budget", "stop_budget", "churn"})
"""Withheld in the ordinary course of things: told, no warning."""

CLEARS = {
    "gap_budget": "when a stress gap would cost less, or the drawdown heals",
    "stale_mark": "with fresh prices",
    "mark_unknown": "with prices of every held symbol",
    "churn": "when the rungs stop moving",
    "order_limit": "when orders of the symbol fill or leave",
    "price_filter": "when the rung is inside the exchange's price limits",
    "stop_budget": "when the stop has room again: smaller exposure or more equity",
    "store_unavailable": "when the disk takes writes again",
    "beyond_exit": "when price is back between them",
    "out_of_range": "when price is back in the range, or the range follows it",
    "no_room": "with smaller lots, or when the votes widen the bounds",
    _LEAST: "with that much allotted, or at a higher price",
    "dust": "when it joins a tradable amount",
    ONE_SIDE: "when the drawdown is over, or the position",
    BASE_LOCKED: "when the orders that hold it are gone",
    POSITION_LIMIT: "when the account holds less of it, or the exchange allows more",
    CIRCUIT_OPEN: "when the exchange takes one probe order again",
}


def converge(desk: Desk) -> None:
    """Close the difference between what ought to stand and what does, for every symbol touched."""
    names = sorted(desk.dirty)
    desk.dirty.clear()
    moment = (desk.turn, desk.now)
    asked = [name for name in names if desk.foreign_orders or desk.symbols[name].shaped != moment]
    view = exposure.portfolio(desk) if asked else None
    if view is not None:
        trims = desk.gate.trim(view)
        # A fill of one symbol can take the account past the trim level: then every position shrinks.
        joined = [name for name in trims if name not in names and desk.symbols[name].shaped != moment]
        if joined:
            asked, names = sorted([*asked, *joined]), sorted([*names, *joined])
        _shape(desk, asked, view, trims)
    for name in names:
        state = desk.symbols[name]
        if state.open and state.whole is not None:
            view = _close_difference(desk, state, state.whole, view)
    desk.repeg = False
    desk.dirty.update(desk.dirty_next)
    desk.dirty_next.clear()


def _shape(desk: Desk, names: list[Symbol], view: Portfolio, trims: dict[Symbol, int]) -> None:
    """What ought to stand of these symbols as of now, in their ``whole``: it depends on none of our grid orders."""
    account = protection.account_of(desk, desk.walked)
    wanted = {name: _wanted(desk, desk.symbols[name], trims, account) for name in names}
    slots = {name: one.resting for name, one in wanted.items()}
    strays = exposure.strays(desk, slots)
    foreign = exposure.foreign(desk, names)
    admitted, planned = desk.gate.shape(exposure.as_planned(desk, view, slots), slots, strays, foreign)
    for name in names:
        walk.plan(desk, desk.symbols[name], planned.symbols[name])
    for name in names:
        state, whole, reduced = desk.symbols[name], wanted[name], desk.symbols[name].stop_reduce_to
        if admitted[name] is not whole.resting:
            whole = msgspec.structs.replace(whole, resting=admitted[name])
        whole = protection.with_stop(desk, state, whole, planned, account)
        state.open |= ALL if desk.foreign_orders else _changed(whole, state.whole)
        state.whole = whole
        lasting = name not in strays and reduced is None and state.stop_reduce_to is None
        state.shaped = (desk.turn, desk.now) if lasting else None


def _changed(now: Desired, before: Desired | None) -> int:
    """Parts of the comparison in which a Desired is another than the one before."""
    if before is None or now.target is not None or before.target is not None:
        return ALL
    if now.resting != before.resting or now.spacing != before.spacing or now.notes != before.notes:
        return ALL
    return SINGLES if now.stop != before.stop else 0


def targets_for(
    desk: Desk, state: SymbolDesk, trims: dict[Symbol, int], account: protection.Account | None
) -> list[Target]:
    """Positions that operator or risk demand now; the strongest rules."""
    name = state.symbol
    found: list[Target] = []
    latched = desk.latches.target(name)
    if latched is not None:
        found.append(latched)
    if desk.tiers.halted:
        found.append(Target(0, _TAKER, "tier3"))
    if state.episode_over:
        found.append(Target(0, _TAKER, "episode"))
    if name in desk.beyond:
        found.append(Target(0, _TAKER, "beyond"))
    if name in trims:
        found.append(Target(_of_ours(desk, name, trims[name]), _TAKER, "cap"))
    for demand in protection.demands(desk, state, account):
        ours = _of_ours(desk, name, demand.position) if demand.reason == "liquidation" else demand.position
        found.append(msgspec.structs.replace(demand, position=ours))
    plan = state.plan
    if plan is not None:
        turned = wrong_side(plan, desk.own(name), lambda: _opened(desk, name, plan.epoch))
        if turned is not None:
            found.append(turned)
    if plan is not None and state.mark is not None:
        way_out = plan_exit(plan, state.mark * state.instrument.tick_f, desk.own(name))
        if way_out is not None:
            found.append(way_out)
    return found


def _of_ours(desk: Desk, symbol: Symbol, to: int) -> int:
    """The part of a reduction of the whole position that falls on ours: what others hold is never touched."""
    whole, own = desk.ledger.position(symbol), desk.own(symbol)
    if whole == own:
        return to
    if whole * own <= 0:
        return own
    left = max(0, abs(own) - abs(whole - to))
    return left if own > 0 else -left


def entries_allowed(desk: Desk, state: SymbolDesk) -> tuple[bool, bool]:
    """(buys, sells) that may grow the position now."""
    name = state.symbol
    if desk.no_new_risk(name):
        return False, False
    if desk.tiers.tier != 2:
        return True, True
    # On futures the exchange nets what others hold with ours into one position; on spot it is theirs.
    position = desk.own(name) if desk.config.market is _SPOT else desk.ledger.position(name)
    best = state.touch or state.best
    # Dust can't be sold: were it to count, a spot grid in tier 2 would wait for it for ever.
    if not position or (best is not None and is_dust(state.instrument, position, Touch(*best))):
        return True, True
    return position < 0, position > 0


def _wanted(
    desk: Desk, state: SymbolDesk, trims: dict[Symbol, int], account: protection.Account | None
) -> Desired:
    """Desired of one symbol before the gate has looked at it."""
    name, plan, instrument = state.symbol, state.plan, state.instrument
    if desk.latches.shutdown == "keep":
        # Positions stay under their stops; only a kill closes them all the same.
        return Desired(name, plan.epoch if plan else 0, target=desk.latches.target(name) if desk.latches.kill else None)
    targets = targets_for(desk, state, trims, account)
    position = desk.own(name)
    best = state.touch or state.best
    if plan is None or best is None:
        return Desired(name, 0, target=strongest([*targets, Target(0, _PASSIVE, "unwind")], position))
    buys, sells = entries_allowed(desk, state)
    asked = (plan, position, best, buys, sells, desk.config)
    adaptive = plan.kind == "adaptive" and not targets
    if adaptive and state.wanted is not None and _same(asked, state.wanted_for):
        return state.wanted
    plain = plan.kind != "adaptive"  # only a plain grid goes by lots, and only it has exits of its own
    mark = state.mark * instrument.tick_f if plain and state.mark is not None else None
    beyond = mark is not None and beyond_exits(plan, mark)
    whole = desired(
        plan,
        instrument,
        position,
        touch_for(instrument, best),
        desk.config.orders,
        lots=_held(desk, name, position) if plain else (),
        targets=targets,
        buy_entries=buys and not beyond,
        sell_entries=sells and not beyond and desk.config.market is _FUTURES,
        rungs=state.rungs_of(plan),
    )
    if buys is not sells:
        said = (ONE_SIDE, "drawdown tier 2: nothing is opened that adds to what is held")
        whole = msgspec.structs.replace(whole, notes=(*whole.notes, said))
    state.wanted, state.wanted_for = (whole, asked) if adaptive else (None, ())
    if beyond:
        said = ("beyond_exit", "price is beyond the grid's stop or take-profit: it stays out")
        return msgspec.structs.replace(whole, notes=(*whole.notes, said))
    return whole


def _same(asked: tuple[object, ...], before: tuple[object, ...]) -> bool:
    """True where the ladder was asked just this before: the same plan and config, equal numbers."""
    return (
        len(before) == len(asked)
        and asked[0] is before[0]
        and asked[-1] is before[-1]
        and asked[1:-1] == before[1:-1]
    )


def _opened(desk: Desk, symbol: Symbol, epoch: int) -> Steps:
    """What orders of a plan have opened, signed."""
    return sum(lot.side * lot.steps for lot in desk.ledger.book(symbol) if not lot.external and lot.epoch == epoch)


def _held(desk: Desk, symbol: Symbol, position: Steps) -> list[HeldLot]:
    """Lots of ours by level; where a part of them is gone, those whose exits are nearest, as far as ``position``."""
    held = [(lot.rung, lot.side, lot.steps) for lot in desk.ledger.book(symbol) if not lot.external]
    if symbol not in desk.gone:
        return held
    found, left = list[HeldLot](), abs(position)
    for rung, side, steps in held if position > 0 else reversed(held):
        if left and side * position > 0:
            found.append((rung, side, min(steps, left)))
            left -= min(steps, left)
    return found


def _close_difference(desk: Desk, state: SymbolDesk, whole: Desired, view: Portfolio | None) -> Portfolio | None:
    """Compare one symbol and act on it; ``view`` is made where anything is created, and returned for the next."""
    best = state.best or state.touch  # a passive target follows the market, whatever the ladder went by
    reasons: dict[str, int] = {}
    if best is None:
        _without_prices(desk, state, whole)
        return view
    own, free = desk.own(state.symbol), free_base(desk, state)
    whole = within_most(desk, within_free(whole, own, free, state), state)
    found = desk.reconciler.reconcile(
        whole,
        desk.orders.live(state.symbol),
        instrument=state.instrument,
        position=own,
        touch=touch_for(state.instrument, best),
        now=desk.now,
        repeg=desk.repeg,
        free=free,
        mark=state.mark if state.bid is not None else None,
        parts=state.open,
    )
    state.waits = found.waits
    served = desk.orders.serve(found.kept)
    if served:
        desk.emit(ServeFact(desk.now, state.symbol, served))
    for client_id in found.cancels:
        _cancel(desk, state, client_id)
    withheld: dict[tuple[int, Side], str] = {}
    if found.creates:
        view = view if view is not None else exposure.portfolio(desk)
        withheld = _create(desk, found, view)
    looked, state.open = state.open, found.open
    if looked == SINGLES and not withheld and not desk.dirty_next and state.desired is not None:
        # Nothing of the ladder was looked at, nor has it become another.
        state.desired = msgspec.structs.replace(state.desired, target=whole.target, stop=whole.stop)
        return view
    for _, side in withheld:
        state.open |= BUYS if side is _BUY else SELLS
    if desk.dirty_next:
        state.open = ALL
    state.withheld = bool(withheld)
    state.desired = _with_reasons(whole, found, withheld)
    for slot in state.desired.resting:
        if slot.reason:
            reasons[slot.reason] = reasons.get(slot.reason, 0) + 1
    _explain(desk, state, reasons, whole)
    return view


def _without_prices(desk: Desk, state: SymbolDesk, whole: Desired) -> None:
    """No price was ever heard: nothing can be placed, but what must not stand is cancelled, and why is said."""
    wanted = {(slot.rung, slot.side) for slot in whole.resting if slot.state is _SLOT_RESTING}
    for live in list(desk.orders.live(state.symbol)):
        unwanted = live.order.purpose is _GRID and (live.rung, live.order.side) not in wanted
        if unwanted and live.state in (_ORDER_RESTING, _ORDER_PARTLY_FILLED):
            _cancel(desk, state, live.order.client_id)
    state.desired, state.open = whole, ALL
    detail, clears = "no price was heard since the start", "with the next bar or quote"
    desk.blockers.hold(state.symbol, "no_data", desk.now, detail, clears)


def _create(desk: Desk, found: Convergence, view: Portfolio) -> dict[tuple[int, Side], str]:
    """Send what passes the last look; the reasons of what does not, by slot."""
    withheld: dict[tuple[int, Side], str] = {}
    no_disk = desk.blockers.holds("", "store_unavailable")
    for order in found.creates:
        # Without a disk an intent is not durable: nothing leaves but what reduces or protects.
        grid = order.purpose is _GRID and not order.reduce_only
        reason = "store_unavailable" if no_disk and grid else desk.gate.final_check(order, view)
        if reason is not None:
            withheld[order.rung, order.side] = reason
            continue
        send(desk, order, view)
    return withheld


def send(desk: Desk, order: NewOrder, view: Portfolio) -> None:
    """Record the intent of an order and let it leave; ``view`` counts it from here on."""
    view.add(order)
    desk.orders.intend(order)
    desk.reconciler.churn.sent(order)
    higher = view.worst(order.symbol) if not order.reduce_only and order.purpose is _GRID else 0.0
    if higher > desk.max_worst:
        desk.max_worst = higher
    else:
        higher = 0.0
    desk.emit(IntentFact(desk.now, order, higher))
    desk.emit(PlaceOrder(order))


def _cancel(desk: Desk, state: SymbolDesk, client_id: ClientId) -> None:
    live = desk.orders.get(client_id)
    conditional = live is not None and live.conditional
    desk.orders.cancelling(client_id, desk.now)
    desk.emit(CancelFact(desk.now, state.symbol, client_id))
    desk.emit(CancelOrder(state.symbol, client_id, conditional, desk.now))


def _with_reasons(whole: Desired, found: Convergence, withheld: dict[tuple[int, Side], str]) -> Desired:
    """Desired with the reasons of what does not rest although it ought to."""
    held = {(slot.rung, slot.side): reason for slot, reason in found.held}
    held.update(withheld)
    if not held:
        return whole
    resting = tuple(_marked(slot, held.get((slot.rung, slot.side), "")) for slot in whole.resting)
    return msgspec.structs.replace(whole, resting=resting)


def _marked(slot: Slot, reason: str) -> Slot:
    if not reason or slot.state is not _SLOT_RESTING:
        return slot
    state = _SLOT_WAITING if reason in PASSING else _SLOT_BLOCKED
    return msgspec.structs.replace(slot, state=state, reason=reason)


def _refused(desk: Desk, whole: Desired) -> set[Purpose]:
    """Purposes of the orders that are refused again and again; that one was which is not wanted any more holds
    nothing back."""
    if not desk.reconciler.circuits.waiting:
        return set()
    found = desk.reconciler.circuits.refused_of(whole.symbol)
    if whole.target is None:
        found.discard(_TARGET)
    if whole.stop is None:
        found.discard(_STOP)
    return found


def _clears(desk: Desk, code: str) -> str:
    """What lifts a reason. Screens show the hard limit of leverage beside the worst case, and entries have another."""
    limits = {LEVERAGE_CAP: desk.gate.cap, LEVERAGE_HARD: desk.gate.hard}
    if code in limits:
        return f"when the worst case falls below {limits[code]:g}x (risk.{code})"
    return CLEARS.get(code, "when the cause is gone")


def _explain(desk: Desk, state: SymbolDesk, reasons: dict[str, int], whole: Desired) -> None:
    """State as blockers what is withheld, once each; those that no longer hold are cleared."""
    name, stated, refused = state.symbol, set(), _refused(desk, whole)
    for reason, count in sorted(reasons.items()):
        if reason in PASSING:
            continue
        code = CIRCUIT_OPEN if reason.startswith("refused:") else reason
        more = ""
        if code == CIRCUIT_OPEN:
            more = f" ({LET_GO})" if reason.endswith(LET_GO) else f" (exchange error {reason[8:]})"
        detail = f"{count} order{'s' if count > 1 else ''} withheld{more}"
        stated.add(code)
        if code == CIRCUIT_OPEN and refused - {_GRID}:
            continue  # said where it was refused: what closes or protects matters more
        if desk.blockers.hold(name, code, desk.now, detail, _clears(desk, code)):
            desk.note(name, code, detail, "info" if code in BUDGETS else "warning")
    if refused:
        stated.add(CIRCUIT_OPEN)  # while its probe is out nothing is withheld, and nothing is taken either
    told = state.plan is not None and desk.blockers.holds(name, _LEAST) and _LEAST in dict(state.plan.reasons)
    if told:
        stated.add(_LEAST)  # in the plan's own words, with what would clear it
    for code, detail in whole.notes:
        stated.add(code)
        if code == _LEAST and told:
            continue
        desk.blockers.hold(name, code, desk.now, detail, _clears(desk, code))
    if state.plan is not None and desk.blockers.holds(name, "unwinding") and not unwinds(desk, state.plan):
        desk.blockers.clear(name, "unwinding")  # worked down: that is not left to the next plan to say
    if desk.breakers.blocks(name):  # no entry is desired then, so none is withheld: its blocker stays all the same
        stated.update(BY_NAME[one.name].code for one in desk.breakers.tripped() if one.symbol == name)
    desk.blockers.keep_only(name, WITHHELD, stated)
