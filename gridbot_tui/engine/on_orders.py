"""What becomes of our orders: reports move the life cycle, fills move the ledger, both make the symbol converge."""

from msgspec import structs

from gridbot_tui.engine import breaking, gone, planning, second_bot, watch
from gridbot_tui.engine.actions import (
    AdoptFact,
    AskAboutOrder,
    CashFact,
    FillFact,
    OrderFact,
    PriceFact,
    RequestResync,
    Touch,
)
from gridbot_tui.engine.converge import CIRCUIT_OPEN, CLEARS
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.events import Adopted, AssetPriced, Cash, CashKind, Fill, OrderReport, Outcome
from gridbot_tui.ledger.model import FillEffect
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.churn import AT_ONCE, LET_GO, NOTHING_TO_REDUCE, is_post_only_refusal
from gridbot_tui.orders.model import NewOrder, OrderState, Purpose
from gridbot_tui.orders.reconcile import ALL, BUYS, SELLS, SINGLES
from gridbot_tui.orders.table import ImpossibleTransition
from gridbot_tui.units import DAY, Ms, Side, Symbol, plain

# Members of enums looked up once: CPython 3.11 takes long to find one, and this runs at every decision.
_ABSENT = Outcome.ABSENT
_ACCEPTED = Outcome.ACCEPTED
_CANCELED = Outcome.CANCELED
_CANCEL_REFUSED = Outcome.CANCEL_REFUSED
_CANCEL_UNRESOLVED = Outcome.CANCEL_UNRESOLVED
_EXPIRED = Outcome.EXPIRED
_REFUSED = Outcome.REFUSED
_TRIGGERED = Outcome.TRIGGERED
_UNRESOLVED = Outcome.UNRESOLVED
_ORDER_CANCELLING, _ORDER_SENDING = OrderState.CANCELLING, OrderState.SENDING
_GRID, _STOP = Purpose.GRID, Purpose.STOP
_BUY = Side.BUY
_CASH_TRANSFER = CashKind.TRANSFER

_STANDING = (OrderState.RESTING, OrderState.PARTLY_FILLED)
_SAID = {
    Side.BUY: "bought with money beside the bot's capital: the base is not the bot's either",
    Side.SELL: "sold base that is not the bot's either",
}
_PUT_BACK = "what ought to stand is put back"
NEWS: Ms = 1_000
"""How much older than the last mark an execution may be and still be news of the price."""
AGAIN_FIRST: Ms = 500
"""Before the fate of an order is asked for whose cancel came to nothing twice; it stands, and is cancelled again."""
AGAIN_MOST: Ms = 8_000
"""That wait doubles up to here: long enough for the operator to be told of an order in doubt."""


def report(desk: Desk, event: OrderReport) -> None:
    """Apply news of one order. A repeat or an older one changes nothing and is not written down."""
    live = desk.orders.get(event.client_id)
    before = live.state if live is not None else None
    try:
        change = desk.orders.apply(event)
    except ImpossibleTransition as wrong:
        _contradicted(desk, event.symbol, f"order {event.client_id}: {wrong}")
        return
    state = desk.symbols.get(event.symbol)
    stands = event.outcome is _ACCEPTED and before is _ORDER_SENDING
    if not stands and not (event.outcome is _CANCELED and before is _ORDER_CANCELLING):
        desk.turn += 1
    if state is not None and not stands:  # what an accepted order may still do was counted when it left
        _count(state, live)
    if change is None:
        return
    refused = state is not None and (event.outcome is _REFUSED or _took_too_late(live, event))
    if refused and state is not None:
        state.touch = state.best  # look at the market afresh
    desk.emit(OrderFact(event.at, event, state.touch if refused and state is not None else None))
    if state is not None and _denied(live, event):
        state.denied_at = event.at
    if live is not None:
        breaking.answered(desk, live, before, event)
    if live is None or state is None:
        desk.orders_changed(event.symbol)
    else:
        state.open |= _opened(live, before, event.outcome)
        if not _expected(desk, state, live, before, event.outcome):
            desk.dirty.add(event.symbol)
    if event.outcome is _REFUSED and live is not None:
        _refused(desk, live.order, event)
    elif event.outcome is _ABSENT and live is not None and event.never_left:
        desk.reconciler.churn.taken_back(live.order)
    elif event.outcome is _ACCEPTED and live is not None:
        _taken(desk, live.order)
    elif event.outcome in (_UNRESOLVED, _CANCEL_UNRESOLVED, _CANCEL_REFUSED):
        conditional = live is not None and live.order.purpose is _STOP
        after = 0 if live is None or event.outcome is _UNRESOLVED else _patience(live)
        desk.emit(AskAboutOrder(event.symbol, event.client_id, conditional, after))
    elif event.outcome is _CANCELED and before in _STANDING and live is not None and not live.cancel_sent:
        # A life whose disk failed wrote down none of its cancels, and may have been the one that sent them.
        whose = "not by the bot" if desk.phase == "trading" else "no record here says that the bot did it"
        detail = f"order {event.client_id} was cancelled, and {whose}: {_PUT_BACK}"
        desk.note(event.symbol, "cancelled_elsewhere", detail, "warning")
    elif event.outcome is _TRIGGERED or (event.filled and live is not None and live.order.purpose is _STOP):
        _fired(desk, event.symbol, event.at)
    if live is not None and event.outcome in (_CANCELED, _EXPIRED) and not live.cancel_sent:
        _let_go(desk, live, event)


def _took_too_late(live: LiveOrder | None, event: OrderReport) -> bool:
    """An order that was taken, and ended because it would have taken: a post-only refusal that came late."""
    if event.outcome is not _EXPIRED or live is None:
        return False
    return is_post_only_refusal(live.order, event.code, event.detail)


def _denied(live: LiveOrder | None, event: OrderReport) -> bool:
    """A stop that the exchange had given a number, and knows nothing of: its word for the next one is not enough.

    What ended days ago, while nobody listened, is told of no more.
    """
    if event.outcome is not _ABSENT or live is None or event.at - live.sent_at >= DAY:
        return False
    return live.exchange_id != "" and live.order.purpose is _STOP


def _patience(live: LiveOrder) -> Ms:
    """How long to leave an order alone whose cancel came to nothing: asked for and cancelled by turns as fast as the
    exchange answers, a dozen of them use up its request limits, and then nothing is left to close positions with."""
    again = live.attempts - 2  # the first cancel is the second attempt
    return min(AGAIN_FIRST << min(again - 1, 10), AGAIN_MOST) if again > 0 else 0


def _let_go(desk: Desk, live: LiveOrder, event: OrderReport) -> None:
    """The exchange took an order and ended it unfilled: at once and again and again it is as good as refused."""
    if live.filled or event.filled or desk.now - live.sent_at >= AT_ONCE:
        return
    order, why = live.order, event.detail or event.outcome.value
    if desk.reconciler.circuits.let_go(order, desk.now):
        _held_back(desk, order, f"{LET_GO} ({why})")


def _fired(desk: Desk, symbol: Symbol, at: Ms) -> None:
    """The resting stop of a symbol has fired: what it executed says so as well as the word for it (it may be lost)."""
    if symbol not in desk.latches.stopped:
        desk.latch("stopped", symbol, str(at))
        desk.note(symbol, "stop_triggered", "the resting stop fired; the symbol is latched", "error")


def _count(state: SymbolDesk, live: LiveOrder | None) -> None:
    """Have the gate count an order as it is by now; of one that nothing is known of, everything anew."""
    if live is None:
        state.exposure = None
    elif state.exposure is not None:
        state.exposure.follow(live)


def _expected(
    desk: Desk, state: SymbolDesk, live: LiveOrder, before: OrderState | None, outcome: Outcome
) -> bool:
    """True for news after which a comparison would find what the last one found.

    Of orders sent together, the last one's acceptance is looked at; of cancels on a side, the last one's end.
    Not so where the gate withheld something, which any of them may set free.
    """
    order = live.order
    if order.purpose is not _GRID or state.withheld:
        return False
    if outcome is _ACCEPTED:
        if before is not _ORDER_SENDING:
            return False  # of an order in doubt: what was to become of it has waited for this
        return not state.waits and desk.orders.any_in(_ORDER_SENDING, order.symbol)
    return outcome is _CANCELED and desk.orders.any_in(_ORDER_CANCELLING, order.symbol, order.side)


def _opened(live: LiveOrder, before: OrderState | None, outcome: Outcome) -> int:
    """The part of the comparison that must be looked at again: none for news that was reckoned with.

    A grid order that was sent stands, as supposed; a stop that had to go is gone.
    """
    purpose = live.order.purpose
    if purpose is _GRID:
        if outcome is _ACCEPTED and before is _ORDER_SENDING:
            return 0
        return BUYS if live.order.side is _BUY else SELLS
    if purpose is _STOP:
        return 0 if outcome is _CANCELED and before is _ORDER_CANCELLING else SINGLES
    return ALL


def _contradicted(desk: Desk, symbol: Symbol, detail: str) -> None:
    """News that cannot be true of what we know: believe neither, ask the exchange."""
    desk.note(symbol, "contradiction", detail, "error")
    desk.emit(RequestResync(detail))
    desk.orders_changed(symbol)


def _taken(desk: Desk, order: NewOrder) -> None:
    """The exchange takes such orders, again where it had refused them."""
    circuits = desk.reconciler.circuits
    if circuits.accepted(order) and not circuits.refused_of(order.symbol):
        desk.blockers.clear(order.symbol, CIRCUIT_OPEN)


def _refused(desk: Desk, order: NewOrder, event: OrderReport) -> None:
    """A definite no; the same no three times in a row opens a circuit."""
    if event.code == NOTHING_TO_REDUCE:
        desk.emit(RequestResync(f"order {event.client_id} has nothing to reduce"))
    if desk.reconciler.circuits.refused(order, event.code, event.at, event.detail, passing=event.passing):
        _held_back(desk, order, f"error {event.code}, {event.detail}")


def _held_back(desk: Desk, order: NewOrder, why: str) -> None:
    """Such orders wait from now on. No slot of the ladder tells of what closes or protects: it is its own blocker."""
    detail = f"{order.purpose.value} {order.side.name.lower()} orders: {why}"
    desk.note(order.symbol, CIRCUIT_OPEN, detail, "warning")
    if order.purpose is not _GRID:
        desk.blockers.hold(order.symbol, CIRCUIT_OPEN, desk.now, detail, CLEARS[CIRCUIT_OPEN])


def fill(desk: Desk, event: Fill) -> None:
    """Book one execution, once; the ladder follows from the position it leaves."""
    live, state = desk.orders.get(event.client_id), desk.symbols.get(event.symbol)
    rung, epoch = (live.rung, live.epoch) if live is not None else (0, 0)
    if state is None:
        _foreign_fill(desk, event)
        return
    if live is None and event.at <= desk.ledger_at:
        return  # of a life before the ledger began: the statement it began with holds it already
    effect = apply_fill(desk, event, rung, epoch)
    if effect is None:
        return
    other = desk.foreign_orders.get(event.client_id)
    if other is not None:
        desk.foreign_orders[event.client_id] = structs.replace(other, filled=other.filled + event.steps)
        live = None
    state.touch = _touch_after(state, event)
    _count(state, live)
    desk.symbol_changed(event.symbol)
    if effect.also:
        desk.narrow, desk.walked = False, None  # the news is of two symbols
        desk.symbol_changed(effect.also)
        desk.note(effect.also, "fee_from_base", f"a fee of {event.symbol} was paid from base that was held to be sold")
    if not event.ours or event.forced:
        desk.others_changed()  # the leverage of the whole account may have jumped
    desk.emit(
        FillFact(
            at=event.at,
            fill=event,
            grid_profit=effect.grid_profit,
            cycles=effect.cycles,
            opened=effect.opened,
            closed=effect.closed,
            touch=state.touch,
            rung=rung,
            epoch=epoch,
        )
    )
    if live is not None and live.order.purpose is _STOP:
        _fired(desk, event.symbol, event.at)
    if event.forced:
        closed = f"{plain(state.instrument.quantity(event.steps))} {state.instrument.base}"
        desk.note(event.symbol, event.forced, f"the exchange closed {closed} by {event.forced}", "error")
    elif not event.ours:
        second_bot.sign(desk, event.client_id)
        said = "changed the position" if effect.before != effect.after else _SAID[event.side]
        desk.note(event.symbol, "external_fill", f"a trade that is not the bot's {said}", "warning")
    elif live is None and other is None and desk.phase == "trading":
        second_bot.sign(desk, event.client_id)  # our tag, and never sent from here: a copy closes what we hold


def _touch_after(state: SymbolDesk, event: Fill) -> Touch | None:
    """Best bid and ask as a fill leaves them. A maker's fill is news of the price: it was passed.

    Of quotes, heard four times a second, it is the newer news most often; where not, a post-only refusal says so. One
    that is heard of late says nothing of now.
    """
    best = state.best
    if best is None or not event.maker or (state.bid is not None and event.at + NEWS < state.mark_at):
        return best
    if event.side is _BUY:
        return min(best[0], event.price), min(best[1], event.price)
    return max(best[0], event.price), max(best[1], event.price)


def _foreign_fill(desk: Desk, event: Fill) -> None:
    """A trade by another hand in a symbol the bot does not trade: only the wallet is ours to book.

    Money that another hand makes or loses comes and goes as a transfer: it is no result of the bot's.
    """
    key = f"trade-{event.symbol}-{event.trade_id}"
    if event.realised:
        cash(desk, Cash(event.at, _CASH_TRANSFER, desk.config.quote, event.realised, f"{key}-realised"))
    if event.fee:
        cash(desk, Cash(event.at, _CASH_TRANSFER, event.fee_asset, -event.fee, f"{key}-fee"))
    desk.note(event.symbol, "foreign_fill", "a trade in a symbol that the bot does not trade", "warning")


def apply_fill(desk: Desk, event: Fill, rung: int, epoch: int) -> FillEffect | None:
    """The part of a fill that also runs when the journal is replayed; None for a duplicate."""
    live = desk.orders.get(event.client_id)
    grid = live is not None and live.order.purpose is _GRID
    state = desk.symbols.get(event.symbol)
    # A level of a plain grid owns its lot; the adaptive ladder's rungs own none.
    owns = grid and state is not None and state.plan is not None and state.plan.kind != "adaptive"
    before = desk.ledger.book(event.symbol).own_position if event.symbol in desk.gone else 0
    effect = desk.ledger.fill(event, rung=rung, epoch=epoch, grid=grid, level=rung if owns else None)
    if effect is not None and event.symbol in desk.gone:
        gone.filled(desk, event, before)
    if effect is not None and live is not None:
        try:
            desk.orders.fill(event.client_id, event.steps, event.at)
        except ImpossibleTransition as wrong:
            _contradicted(desk, event.symbol, f"order {event.client_id}: {wrong}")
    return effect


def cash(desk: Desk, event: Cash) -> None:
    """Book funding, a transfer or the like, once."""
    if not desk.started or event.at < desk.ledger_at:
        return  # the statement that the ledger begins with holds it already
    if event.trade_id and desk.ledger.has(event.symbol, event.trade_id):
        return  # of a symbol that was traded and is gone: its executions are booked
    if desk.ledger.cash(event):
        desk.emit(CashFact(event.at, event))
        if event.cash_kind is _CASH_TRANSFER:
            watch.write_drawdown(desk)
            desk.others_changed()  # every leverage and budget is another one now
            if event.amount > 0 and desk.phase == "trading":
                planning.renew_starved(desk)


def asset_priced(desk: Desk, event: AssetPriced) -> None:
    """Value what was paid in an asset, and what will be."""
    desk.ledger.set_asset_price(event.asset, event.price)
    desk.emit(PriceFact(event.at, event.asset, event.price))


def adopted(desk: Desk, event: Adopted) -> None:
    """Take an order with our id, unknown here or changed by another hand, into the book as it stands; convergence
    keeps it or cancels it."""
    order = event.order
    known = desk.orders.get(order.client_id)
    if known is None or known.ended or event.changed:
        desk.orders.adopt(order, event.filled, event.at)
        desk.emit(AdoptFact(event.at, event))
        if event.changed:
            what = f"price or quantity of order {order.client_id} was changed"
            desk.note(order.symbol, "changed_elsewhere", f"{what}, and not by the bot: {_PUT_BACK}", "warning")
        else:
            desk.note(order.symbol, "order_adopted", f"order {order.client_id} is ours, without a record here")
    desk.orders_changed(order.symbol)
