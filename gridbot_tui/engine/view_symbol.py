"""One symbol as a face may see it. Reads the desk, changes nothing; what is unknown is None."""

from decimal import ROUND_HALF_EVEN, Decimal

from gridbot_tui.control.snapshot import (
    BarView,
    FeaturesView,
    LotView,
    RungView,
    StopView,
    SymbolView,
    VotesView,
)
from gridbot_tui.engine import exposure, protection
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.view_whatif import what_if
from gridbot_tui.ledger.model import Lot
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import OrderState, Purpose, Slot, SlotState
from gridbot_tui.strategy.plan import Votes, Weights
from gridbot_tui.units import Ms, Side, Ticks, plain

SLOT_OF_ORDER = {
    OrderState.SENDING: SlotState.SENDING,
    OrderState.RESTING: SlotState.RESTING,
    OrderState.PARTLY_FILLED: SlotState.PARTLY_FILLED,
    OrderState.CANCELLING: SlotState.RESTING,
    OrderState.UNRESOLVED: SlotState.UNRESOLVED,
}


def text(value: Decimal | None) -> str | None:
    """A decimal as plain digits; None stays unknown."""
    return None if value is None else format(value, "f")


def symbol_view(desk: Desk, state: SymbolDesk) -> SymbolView:
    """The whole view of one symbol."""
    symbol, instrument, plan = state.symbol, state.instrument, state.plan
    book = desk.ledger.book(symbol)
    votes = desk.strategy.votes(symbol)
    weights = desk.strategy.weights
    mark = state.mark
    return SymbolView(
        price=_price(instrument, state.close),
        mark=_price(instrument, mark),
        bid=_price(instrument, state.bid),
        ask=_price(instrument, state.ask),
        position=format(book.quantity, "f"),
        entry_price=text(_rounded(instrument, book.entry_price())),
        break_even=text(_rounded(instrument, book.break_even(desk.config.maker_fee))),
        liquidation_price=_liquidation(desk, state),
        votes=None if votes is None else votes_view(votes),
        weights=votes_view(weights),
        bias=None if plan is None else plan.bias,
        label=None if plan is None else plan.label,
        spacing=None if plan is None else plan.spacing,
        confidence=None if plan is None else plan.confidence,
        plan_leverage=None if plan is None else plan.leverage,
        leverage=exposure.symbol_leverage(desk, state),
        worst_leverage=exposure.symbol_worst(desk, state),
        epoch=0 if plan is None else plan.epoch,
        plan_at=None if plan is None else plan.at,
        plan_reasons=() if plan is None else plan.reasons,
        features=_features(desk, state),
        ladder=_ladder(desk, state),
        lots=_lots(desk, state),
        stop=_stop(desk, state),
        open_orders=len(desk.orders.live(symbol)),
        fills=book.fills,
        cycles=book.cycles,
        wins=book.wins,
        realised=plain(book.realised),
        unrealised=None if mark is None else plain(book.unrealised(mark)),
        grid_profit=plain(book.grid_profit),
        inventory_profit=None if mark is None else plain(book.inventory(mark)),
        fees=plain(book.fees_quote),
        funding=plain(book.funding),
        allotted=_allotted(desk, state),
        state=_state(desk, state),
        age_ms=desk.now - max(state.bar_at, state.mark_at) if state.bar_at else None,
        next_funding_at=state.next_funding_at,
        funding_rate=state.funding_rate,
        bars=_bars(state),
        vote_history=tuple(state.votes),
        what_if=what_if(desk, state),
        tick_decimals=max(0, -int(instrument.tick.normalize().as_tuple().exponent)),
        base=instrument.base,
        quote=instrument.quote,
    )


def votes_view(three: Votes | Weights) -> VotesView:
    """Three numbers for the face."""
    return VotesView(three.up, three.down, three.neutral)


def _price(instrument: Instrument, ticks: Ticks | None) -> str | None:
    return None if ticks is None else format(instrument.price(ticks), "f")


def _rounded(instrument: Instrument, price: Decimal | None) -> Decimal | None:
    return None if price is None else price.quantize(instrument.tick, ROUND_HALF_EVEN)


def _liquidation(desk: Desk, state: SymbolDesk) -> str | None:
    account = protection.account_of(desk)
    near = None if account is None else protection.guard_of(desk, state, account)
    if near is None or near.liquidation is None:
        return None
    return _price(state.instrument, round(near.liquidation))


def _allotted(desk: Desk, state: SymbolDesk) -> str:
    equity = desk.ledger.equity_quick()
    share = Decimal(repr(desk.config.shares[state.symbol]))
    return "0" if equity is None else format((equity * share).quantize(Decimal("0.01"), ROUND_HALF_EVEN), "f")


def _state(desk: Desk, state: SymbolDesk) -> str:
    latched = desk.latches.blocks(state.symbol)
    words = {"stop_latched": "latched", "flatten": "flattening", "paused": "paused"}
    if latched:
        return words.get(latched, latched)
    if not state.bar_at or state.episode_over:
        return "no data"
    if state.plan is None:
        return "warming"
    return "unwinding" if state.plan.unwind is not None and desk.ledger.position(state.symbol) else "running"


def _features(desk: Desk, state: SymbolDesk) -> FeaturesView:
    row = desk.strategy.features(state.symbol)
    hours, warm = desk.strategy.hours(state.symbol), desk.strategy.warm_hours_of(state.symbol)
    if row is None:
        return FeaturesView(hours=hours, warm_hours=warm)
    return FeaturesView(
        sigma_hour=row.sigma_hour,
        sigma_fast=row.sigma_fast,
        sigma_year=row.sigma_year,
        z24=row.z24,
        z48=row.z48,
        z96=row.z96,
        z168=row.z168,
        z336=row.z336,
        volr=row.volr,
        funding_mean=row.funding_mean,
        hours=hours,
        warm_hours=warm,
    )


def _ladder(desk: Desk, state: SymbolDesk) -> tuple[RungView, ...]:
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
    rungs = [
        (slot.price, _rung(desk, state, slot, serving.pop((slot.rung, slot.side), None))) for slot in slots
    ]
    rungs.extend((live.order.price or 0, _lone(desk, state, live)) for live in [*serving.values(), *others])
    rungs.sort(key=lambda pair: -pair[0])
    return tuple(view for _, view in rungs)


def _rung(desk: Desk, state: SymbolDesk, slot: Slot, live: LiveOrder | None) -> RungView:
    price, steps, shown = slot.price, slot.steps, slot.state
    filled, since = 0, None
    if live is not None and live.order.price is not None:
        price, steps, filled, since = live.order.price, live.order.steps, live.filled, live.sent_at
        shown = SLOT_OF_ORDER.get(live.state, SlotState.SENDING)
    elif slot.state is SlotState.RESTING:
        shown = SlotState.WAITING
    instrument = state.instrument
    count = desk.ledger.book(state.symbol).buckets.near(price)
    lot = None if slot.entry else desk.ledger.book(state.symbol).nearest(slot.side, price)
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
        lot=None if lot is None else lot.id,
    )


def _lone(desk: Desk, state: SymbolDesk, live: LiveOrder) -> RungView:
    """An order that serves no slot any more and is on its way out."""
    order, instrument = live.order, state.instrument
    return RungView(
        side="buy" if order.side is Side.BUY else "sell",
        price=format(instrument.price(order.price or 0), "f"),
        quantity=format(instrument.quantity(order.steps), "f"),
        state=SLOT_OF_ORDER.get(live.state, SlotState.SENDING).value,
        rung=live.rung,
        entry=False,
        reason="leaving",
        since=live.sent_at,
        filled=format(instrument.quantity(live.filled), "f"),
    )


def _lots(desk: Desk, state: SymbolDesk) -> tuple[LotView, ...]:
    return tuple(_lot(desk, state, lot) for lot in desk.ledger.book(state.symbol).lots)


def _lot(desk: Desk, state: SymbolDesk, lot: Lot) -> LotView:
    instrument = state.instrument
    profit = None
    if state.mark is not None:
        gain = instrument.notional(state.mark - lot.price, lot.steps * lot.side) - lot.fee
        profit = plain(gain)
    return LotView(
        id=lot.id,
        side="long" if lot.side is Side.BUY else "short",
        quantity=format(instrument.quantity(lot.steps), "f"),
        price=format(instrument.price(lot.price), "f"),
        opened_at=lot.opened_at,
        exit_price=_exit_price(desk, state, lot),
        profit=profit,
        external=lot.external,
    )


def _exit_price(desk: Desk, state: SymbolDesk, lot: Lot) -> str | None:
    if lot.external or state.desired is None:
        return None
    book = desk.ledger.book(state.symbol)
    for slot in state.desired.resting:
        if slot.side is lot.side.opposite and not slot.entry:
            nearest = book.nearest(slot.side, slot.price)
            if nearest is not None and nearest.id == lot.id:
                return format(state.instrument.price(slot.price), "f")
    return None


def _stop(desk: Desk, state: SymbolDesk) -> StopView | None:
    for live in desk.orders.live(state.symbol):
        order = live.order
        if order.purpose is Purpose.STOP and order.trigger is not None:
            return StopView(
                trigger=format(state.instrument.price(order.trigger), "f"),
                side="buy" if order.side is Side.BUY else "sell",
                quantity=format(state.instrument.quantity(order.steps), "f"),
                state=live.state.value,
            )
    return None


def _bars(state: SymbolDesk) -> tuple[BarView, ...]:
    price = state.instrument.price
    return tuple(
        BarView(
            at, format(price(o), "f"), format(price(h), "f"), format(price(low), "f"), format(price(c), "f")
        )
        for at, o, h, low, c in state.bars
    )


def plan_age(desk: Desk, state: SymbolDesk) -> Ms | None:
    """Since the plan was made."""
    return None if state.plan is None else desk.now - state.plan.at
