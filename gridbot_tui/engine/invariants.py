"""The promises as named checks over the engine's desk: what must hold after every event, whatever happened.

Each check returns one sentence a violation. Tests, the simulation campaign and the running bot call the
same list; what can only be seen from the exchange's own books is checked there, by the tests.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from msgspec import Struct

from gridbot_tui.engine import converge, exposure, walk
from gridbot_tui.engine.actions import Action, CancelOrder, IntentFact, PlaceOrder
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.desired import is_dust, reduction
from gridbot_tui.orders.model import OrderState, Purpose, SlotState
from gridbot_tui.orders.rungs import Touch
from gridbot_tui.risk.gate import only_closes
from gridbot_tui.risk.tiers import HALT
from gridbot_tui.units import ZERO, Market, Side

Check = Callable[[Desk], Iterator[str]]
_EPSILON: Final = 1e-9


class Violation(Struct, frozen=True):
    """A promise that does not hold."""

    name: str
    promise: int
    """Number of the promise in the plan of the house."""
    detail: str


class Invariant(Struct, frozen=True):
    """One named check."""

    name: str
    promise: int
    check: Check


def violations(desk: Desk) -> list[Violation]:
    """Everything that does not hold now; empty as it should be. Ask between two events."""
    walked, stirred = desk.walked, set(desk.stirred)
    found = [Violation(one.name, one.promise, said) for one in INVARIANTS for said in one.check(desk)]
    desk.walked, desk.stirred = walked, stirred  # what was looked at here is not what the engine has looked at
    return found


def of_actions(desk: Desk, actions: Iterable[Action]) -> list[Violation]:
    """What is wrong with the actions of one event; ``desk`` as it is after it."""
    found: list[Violation] = []
    intended: set[str] = set()
    for action in actions:
        if isinstance(action, IntentFact):
            if action.order.client_id in intended:
                found.append(Violation("one_intent", 2, f"{action.order.client_id} intended twice"))
            intended.add(action.order.client_id)
        elif isinstance(action, PlaceOrder):
            client_id = action.order.client_id
            if client_id not in intended:
                found.append(Violation("intent_first", 2, f"{client_id} leaves without an intent before it"))
            intended.discard(client_id)
        elif isinstance(action, CancelOrder) and not desk.ids.is_ours(action.client_id):
            found.append(Violation("ours_only", 9, f"cancels {action.client_id}, which is not ours"))
    found += [Violation("leverage_cap", 1, said) for said in _past_the_cap(desk, actions)]
    return found


def _past_the_cap(desk: Desk, actions: Iterable[Action]) -> Iterator[str]:
    """Entries that left although the worst case, with them in it, is past the cap."""
    sent = [action.order for action in actions if isinstance(action, IntentFact)]
    if not sent:
        return
    view = exposure.portfolio(desk)
    worst = view.worst()
    if worst <= desk.gate.cap + _EPSILON:
        return
    for order in sent:
        if order.reduce_only or order.close_position or order.purpose is not Purpose.GRID:
            continue
        one = view.symbols[order.symbol].copy()
        orders = one.buys if order.side is Side.BUY else one.sells
        orders.remove((order.price or 0, order.steps))
        one.replace(one.buys, one.sells)
        if not only_closes(order, one):
            yield f"{order.client_id} left and the worst case is {worst:.4f}x, the cap {desk.gate.cap:g}x"


def _current(desk: Desk) -> Iterator[str]:
    """The kept exposure of a symbol is what would be counted anew."""
    for name, state in desk.symbols.items():
        kept = state.exposure
        if kept is None:
            continue
        state.exposure = None
        fresh, state.exposure = walk.of_symbol(desk, state), kept
        if sorted(kept.buys) != sorted(fresh.buys) or sorted(kept.sells) != sorted(fresh.sells):
            yield f"{name}: orders are counted as {kept.buys} and {kept.sells}, not {fresh.buys} and {fresh.sells}"


def _walked(desk: Desk) -> Iterator[str]:
    """What the last walk over all symbols found is still so of those that nothing has stirred since."""
    known = desk.walked
    for name, state in desk.symbols.items() if known is not None else ():
        if known is None or name in desk.stirred:
            continue
        now, position = known.symbols[name], desk.ledger.position(name)
        if now is not state.exposure or (now.position, now.mark) != (position, state.mark):
            yield f"{name}: the walk has {now.position} at {now.mark}, it is {position} at {state.mark}"
        if state.planned is not None and known.planned[name] is not state.planned:
            yield f"{name}: the walk has another desired exposure"
        if (name in known.maintenance) != bool(position and state.mark is not None):
            yield f"{name}: the walk's maintenance margin is of another position"


def _lots(desk: Desk) -> Iterator[str]:
    for name, book in desk.ledger.books.items():
        sides = {lot.side for lot in book}
        if len(sides) > 1:
            yield f"{name}: long and short lots coexist"
        total = sum(lot.steps * lot.side for lot in book)
        if total != book.position:
            yield f"{name}: lots add up to {total} steps, the position is {book.position}"


def _account(desk: Desk) -> Iterator[str]:
    gaps = desk.ledger.account.gaps()
    if gaps:
        yield f"wallets do not tie out by {gaps}"


def _explained(desk: Desk) -> Iterator[str]:
    if not desk.started:
        return
    equity, pnl = desk.ledger.equity_quick(), desk.ledger.pnl()
    if equity is not None and pnl.change is not None and equity != desk.ledger.allotted + pnl.change:
        left = equity - desk.ledger.allotted - pnl.change
        yield f"profit in its parts misses the change of equity by {left}"


def _spot_long_only(desk: Desk) -> Iterator[str]:
    if desk.config.market is Market.SPOT:
        for name, book in desk.ledger.books.items():
            if book.position < 0:
                yield f"{name}: a short of {book.position} steps on spot"


def _slots(desk: Desk) -> Iterator[str]:
    """No two orders of ours stand for one slot, but for one that is on its way in or out, or of unknown fate."""
    if desk.phase != "trading":
        return  # which slot an order was kept for is found out again by the first comparison
    for name in desk.symbols:
        served: set[tuple[int, int, Side]] = set()
        for live in desk.orders.live(name):
            if live.order.purpose is not Purpose.GRID or live.state not in _RESTING:
                continue
            slot = (live.epoch, live.rung, live.order.side)
            if slot in served:
                yield f"{name}: two orders for rung {live.rung} {live.order.side.name} of epoch {live.epoch}"
            served.add(slot)


_RESTING = (OrderState.RESTING, OrderState.PARTLY_FILLED)
_STANDING = (OrderState.SENDING, OrderState.RESTING, OrderState.PARTLY_FILLED)


def _one_target(desk: Desk) -> Iterator[str]:
    for name in desk.symbols:
        working = [
            live
            for live in desk.orders.live(name)
            if live.order.purpose is Purpose.TARGET and live.state in _STANDING
        ]
        if len(working) > 1:
            yield f"{name}: {len(working)} orders work towards one target"


def _no_entries(desk: Desk) -> Iterator[str]:
    """Where no new risk may be taken, nothing that would grow the position is wanted or left to rest."""
    if desk.phase != "trading":
        return
    for name, state in desk.symbols.items():
        why = _forbidden(desk, state)
        if not why or state.desired is None:
            continue
        wanted = [slot for slot in state.desired.resting if slot.entry and slot.state is SlotState.RESTING]
        if wanted:
            yield f"{name}: {len(wanted)} entries wanted although {why}"
        room = {side: max(0, -side * desk.own(name)) for side in Side}
        for live in desk.orders.live(name):
            if live.order.purpose is not Purpose.GRID or live.state not in _RESTING:
                continue
            room[live.order.side] -= live.remaining
        for side, left in room.items():
            if left < 0:
                yield f"{name}: {-left} steps of {side.name.lower()} entries rest although {why}"


def _forbidden(desk: Desk, state: SymbolDesk) -> str:
    """Why a symbol may have no entry at all; "" where it may."""
    if desk.tiers.halted:
        return "halted"
    if state.episode_over:
        return "the episode is over"
    return desk.no_new_risk(state.symbol)


def _halted(desk: Desk) -> Iterator[str]:
    if desk.phase != "trading" or not desk.tiers.halted or _left_alone(desk):
        return
    for name, state in desk.symbols.items():
        own = desk.own(name)
        target = state.desired.target if state.desired is not None else None
        if own and (target is None or target.position != 0):
            yield f"{name}: halted and {own} steps are not being closed"


def _tiers(desk: Desk) -> Iterator[str]:
    """A fresh mark beyond a tier's entry has raised it (tier 3 on the second such mark)."""
    tiers, risk = desk.tiers, desk.config.risk
    lost = -tiers.drawdown
    if lost >= risk.tier3_enter and tiers.tier != HALT and tiers.over < 1 and not risk.auto_rearm:
        yield f"drawdown {100 * lost:.2f} % and neither halted nor about to"
    score = min(lost, tiers.average)
    if score > risk.tier2_enter + _EPSILON and tiers.tier < 2:
        yield f"drawdown score {100 * score:.2f} % in tier {tiers.tier}"
    if score > risk.tier1_enter + _EPSILON and tiers.tier < 1:
        yield f"drawdown score {100 * score:.2f} % in tier 0"


def _stale(desk: Desk) -> Iterator[str]:
    """No entry is wanted on a mark that is not known."""
    for name, state in desk.symbols.items():
        if state.desired is None or state.mark is not None:
            continue
        if any(slot.entry and slot.state is SlotState.RESTING for slot in state.desired.resting):
            yield f"{name}: entries wanted without a mark"


def _way_out(desk: Desk) -> Iterator[str]:
    """Every position of ours has exits for all of it, a target, or the words for why not."""
    if desk.phase != "trading" or desk.latches.shutdown == "keep":
        return
    for name, state in desk.symbols.items():
        own, best = desk.own(name), state.best
        wanted = state.desired
        if not own or best is None or is_dust(state.instrument, own, Touch(*best)):
            continue
        if wanted is None:
            yield f"{name}: {own} steps held and nothing was ever desired"
            continue
        if reduction(own, wanted.target):
            continue
        covered = sum(slot.exit_steps for slot in wanted.resting if slot.side * own < 0)
        if covered < abs(own) and not any(code == "dust" for code, _ in wanted.notes):
            yield f"{name}: {own} steps held, exits for {covered}"


def _stopped(desk: Desk) -> Iterator[str]:
    """Every futures position has its resting stop wanted, or is being reduced because none is possible."""
    if desk.phase != "trading" or desk.config.market is Market.SPOT:
        return
    for name, state in desk.symbols.items():
        own, wanted = desk.own(name), state.desired
        if not own or wanted is None or state.mark is None or desk.ledger.equity_quick() is None:
            continue
        if wanted.stop is None and state.stop_reduce_to is None and not reduction(own, wanted.target):
            yield f"{name}: {own} steps without a stop"
        if wanted.stop is not None and wanted.stop.side * own > 0:
            yield f"{name}: the stop is on the side of the position"


def _left_alone(desk: Desk) -> bool:
    """A stop that keeps positions: they stay under their stops, whatever comes, but for a kill."""
    return desk.latches.shutdown == "keep" and not desk.latches.kill


def _trimmed(desk: Desk) -> Iterator[str]:
    """Leverage past the trim level is being trimmed."""
    if desk.phase != "trading" or _left_alone(desk):
        return
    trims = desk.gate.trim(exposure.portfolio(desk))
    for name, to in trims.items():
        wanted = desk.symbols[name].desired
        own = desk.own(name)
        if own and reduction(own, wanted.target if wanted is not None else None) == 0:
            yield f"{name}: leverage is past the trim level and {own} steps are not brought to {to}"


def _spoken(desk: Desk) -> Iterator[str]:
    """Why is nothing happening? There is always an answer."""
    if desk.phase != "trading" or desk.dirty:
        return
    for name, state in desk.symbols.items():
        busy = state.desired is not None and (
            state.desired.target is not None
            or any(slot.state is SlotState.RESTING or slot.reason in converge.PASSING for slot in state.desired.resting)
        )
        if busy or desk.orders.live(name):
            continue
        said = any(one.symbol in ("", name) for one in desk.blockers.ranked())
        latched = desk.no_new_risk(name) or desk.tiers.halted or state.episode_over
        if state.plan is not None and not said and not latched:
            yield f"{name}: nothing rests and no blocker says why"


def _money(desk: Desk) -> Iterator[str]:
    ledger = desk.ledger
    if desk.started and ledger.capital.nav < ZERO and (ledger.capital.at or 0) > (ledger.last_cash_at or 0):
        # What an insurance pays is heard of after the liquidation: until the next mark the value lacks it.
        yield f"the unit value is {ledger.capital.nav}"


def _withheld_known(desk: Desk) -> Iterator[str]:
    """What is withheld has a reason."""
    for name, state in desk.symbols.items():
        for slot in state.desired.resting if state.desired is not None else ():
            if slot.state is SlotState.BLOCKED and not slot.reason:
                yield f"{name}: rung {slot.rung} is blocked without a reason"
            known = slot.reason in converge.WITHHELD | converge.PASSING or slot.reason.startswith("refused:")
            if slot.reason and not known and not desk.no_new_risk(name):
                yield f"{name}: rung {slot.rung} gives {slot.reason!r}, which no blocker can show"


INVARIANTS: Final = (
    Invariant("walk_is_current", 1, _walked),  # first: the others walk anew
    Invariant("one_order_a_slot", 2, _slots),
    Invariant("one_target_order", 2, _one_target),
    Invariant("lots_are_the_position", 5, _lots),
    Invariant("wallets_tie_out", 5, _account),
    Invariant("profit_is_explained", 5, _explained),
    Invariant("spot_is_long_only", 5, _spot_long_only),
    Invariant("nav_is_real", 5, _money),
    Invariant("positions_have_a_way_out", 6, _way_out),
    Invariant("positions_have_a_stop", 6, _stopped),
    Invariant("drawdown_raises_the_tier", 7, _tiers),
    Invariant("a_halt_flattens", 7, _halted),
    Invariant("no_entries_where_none_may_be", 7, _no_entries),
    Invariant("drift_is_trimmed", 1, _trimmed),
    Invariant("exposure_is_current", 1, _current),
    Invariant("no_entries_without_a_mark", 10, _stale),
    Invariant("withheld_is_explained", 12, _withheld_known),
    Invariant("silence_is_explained", 12, _spoken),
)
"""The list."""
