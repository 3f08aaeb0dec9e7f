"""One symbol as a face may see it. Reads the desk, changes nothing; what is unknown is None."""

from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final

from gridbot_tui.control.snapshot import (
    FeaturesView,
    StopView,
    SymbolView,
    VotesView,
)
from gridbot_tui.engine import exposure, on_truth, protection
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.engine.locked import locked_base
from gridbot_tui.engine.planning import unwinds
from gridbot_tui.engine.protection import Account
from gridbot_tui.engine.view_kept import SymbolKept
from gridbot_tui.engine.view_ladder import exits_of, ladder_view, lots_view
from gridbot_tui.engine.view_whatif import what_if
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.model import Purpose
from gridbot_tui.strategy.plan import Votes, Weights
from gridbot_tui.units import Side, Ticks, plain


def text(value: Decimal | None) -> str | None:
    """A decimal as plain digits; None stays unknown."""
    return None if value is None else format(value, "f")


def symbol_view(
    desk: Desk, state: SymbolDesk, kept: SymbolKept | None = None, account: Account | None = None
) -> SymbolView:
    """The whole view of one symbol.

    ``kept`` is what the last view of this symbol left for the next, ``account`` what ``protection.account_of``
    says now: both only spare work.
    """
    account = account or protection.account_of(desk)
    exits = exits_of(desk, state)
    symbol, instrument, plan = state.symbol, state.instrument, state.plan
    book = desk.ledger.book(symbol)
    votes = desk.strategy.votes(symbol)
    weights = desk.strategy.weights
    mark = state.mark
    closable = on_truth.closable(desk, symbol)
    return SymbolView(
        price=_price(instrument, state.close),
        mark=_price(instrument, mark),
        bid=_price(instrument, state.bid),
        ask=_price(instrument, state.ask),
        position=format(book.quantity, "f"),
        entry_price=text(_rounded(instrument, book.entry_price())),
        break_even=text(_rounded(instrument, book.break_even(desk.config.maker_fee))),
        liquidation_price=_liquidation(desk, state, account),
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
        ladder=ladder_view(desk, state, exits),
        lots=lots_view(desk, state, exits),
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
        bars=(kept or SymbolKept()).bars(instrument, state.bars),
        vote_history=tuple(state.votes),
        what_if=what_if(desk, state, account, standing=True),
        tick_decimals=max(0, -int(instrument.tick.normalize().as_tuple().exponent)),
        base=instrument.base,
        quote=instrument.quote,
        closable=plain(instrument.quantity(closable)),
        others=plain(instrument.quantity(book.external_position)),
        locked=plain(instrument.quantity(locked_base(desk, state, closable))),
    )


def votes_view(three: Votes | Weights) -> VotesView:
    """Three numbers for the face."""
    return VotesView(three.up, three.down, three.neutral)


def _price(instrument: Instrument, ticks: Ticks | None) -> str | None:
    return None if ticks is None else format(instrument.price(ticks), "f")


def _rounded(instrument: Instrument, price: Decimal | None) -> Decimal | None:
    return None if price is None else price.quantize(instrument.tick, ROUND_HALF_EVEN)


def _liquidation(desk: Desk, state: SymbolDesk, account: Account | None) -> str | None:
    near = None if account is None else protection.guard_of(desk, state, account)
    if near is None or near.liquidation is None:
        return None
    return _price(state.instrument, round(near.liquidation))


def _allotted(desk: Desk, state: SymbolDesk) -> str:
    equity = desk.ledger.equity_quick()
    share = Decimal(repr(desk.config.shares[state.symbol]))
    return "0" if equity is None else format((equity * share).quantize(Decimal("0.01"), ROUND_HALF_EVEN), "f")


_LATCHED: Final = {
    "kill": "halted",
    "shutdown": "stopping",
    "tier3": "halted",
    "flatten": "flattening",
    "stop_latched": "latched",
    "paused": "paused",
}


def _state(desk: Desk, state: SymbolDesk) -> str:
    latched = desk.latches.blocks(state.symbol)
    if desk.tiers.halted and latched not in ("kill", "shutdown"):
        return "halted"
    if latched:
        return _LATCHED[latched]
    if not state.bar_at or state.episode_over:
        return "no data"
    if state.plan is None:
        return "warming"
    return "unwinding" if unwinds(desk, state.plan) else "running"


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
