"""From features to plans: on a closed decision bar, and when a tier changes what may be risked."""

from collections.abc import Iterable, Iterator

from gridbot_tui.engine.actions import PlanFact, WeightsFact
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.reconcile import ALL
from gridbot_tui.strategy.facade import AccountInputs, SymbolInputs, WeightsChange
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import Symbol


def renew(desk: Desk, decided: Iterable[SymbolDesk]) -> None:
    """Make new plans for the symbols whose decision bar closed; the whole account in one call."""
    wanted = [state for state in decided if not state.episode_over]
    ready = [state for state in wanted if desk.strategy.ready(state.symbol)]
    for state in wanted:
        _say_warming(desk, state, state in ready)
    if not ready:
        return
    plans = plans_for(desk, ready)
    for state in ready:
        plan = plans.get(state.symbol)
        if plan is not None:
            adopt_plan(desk, state, plan)


def renew_all(desk: Desk) -> None:
    """Plan every symbol that has a plan anew: a tier or a setting changed what may be risked."""
    renew(desk, [state for state in desk.symbols.values() if state.plan is not None])


def renew_kinds(desk: Desk) -> None:
    """Plan symbols anew whose grid is to be of another kind: what the old plan bought would fit no level of the new."""
    states = [state for state in desk.symbols.values() if state.plan is not None]
    renew(desk, [one for one in states if one.plan and one.plan.kind != desk.strategy.ladder_of(one.symbol).kind])


def renew_starved(desk: Desk) -> None:
    """Money came: plan anew what only money was missing for, as is said of it, and not an hour later."""
    planned = [state for state in desk.symbols.values() if state.plan is not None]
    renew(desk, [s for s in planned if any(desk.blockers.holds(s.symbol, code) for code in STARVED)])


def plans_for(desk: Desk, states: list[SymbolDesk]) -> dict[str, GridPlan]:
    """The plans as of now, without adopting them. Symbols without equity or price get none."""
    equity = desk.ledger.equity_quick()
    if equity is None:
        return {}
    inputs = {}
    for state in sorted(states, key=lambda s: s.symbol):
        symbol_inputs = _inputs(desk, state, float(equity))
        if symbol_inputs is not None:
            inputs[state.symbol] = symbol_inputs
    account = AccountInputs(drawdown_multiplier=desk.tiers.scale, equity=float(equity))
    previous = {s.symbol: s.plan for s in desk.symbols.values() if s.plan is not None}
    return desk.strategy.decide(desk.now, inputs, account, previous)


def adopt_plan(desk: Desk, state: SymbolDesk, plan: GridPlan) -> None:
    """Put a plan in force: remember it, and have the symbol converge to it."""
    state.plan = plan
    state.touch = state.best
    desk.walked = None
    desk.emit(PlanFact(desk.now, plan, state.touch, state.profit_peak))
    desk.dirty.add(state.symbol)
    _explain(desk, plan)


def explain_all(desk: Desk) -> None:
    """State anew what binds the plans in force: a restart knows the plans, not the words."""
    for state in desk.symbols.values():
        if state.plan is not None:
            _explain(desk, state.plan)


def weights_changed(desk: Desk, change: WeightsChange) -> None:
    """Write down what the learner changed and why; plans follow at their own cadence."""
    desk.emit(WeightsFact(desk.now, change.weights, change.cause, tuple(change.evidence)))


def _inputs(desk: Desk, state: SymbolDesk, equity: float) -> SymbolInputs | None:
    if state.close is None:
        return None
    instrument = state.instrument
    price = state.close * instrument.tick_f
    bid, ask = state.best or (state.close, state.close)
    notional_lot = float(instrument.min_notional) / price
    return SymbolInputs(
        price=price,
        position=desk.ledger.position(state.symbol) * instrument.step_f,
        equity=equity * desk.config.shares[state.symbol],
        tick=instrument.tick_f,
        spread=max(ask - bid, 1) * instrument.tick_f,
        maker_fee=float(desk.config.maker_fee),
        min_lot=max(instrument.min_steps * instrument.step_f, notional_lot),
        drawdown=_symbol_drawdown(desk, state, equity * desk.config.shares[state.symbol]),
    )


def _symbol_drawdown(desk: Desk, state: SymbolDesk, allotted: float) -> float:
    """Fall of the symbol's own profit from its peak, as a fraction (>= 0) of its allotment."""
    book = desk.ledger.book(state.symbol)
    if state.mark is None or allotted <= 0:
        return 0.0
    profit = float(book.realised + book.unrealised(state.mark) - book.fees_quote + book.funding)
    state.profit_peak = max(state.profit_peak, profit)
    return (state.profit_peak - profit) / allotted


def _say_warming(desk: Desk, state: SymbolDesk, ready: bool) -> None:
    if ready:
        desk.blockers.clear(state.symbol, "warming")
        return
    hours, wanted = desk.strategy.hours(state.symbol), desk.strategy.warm_hours_of(state.symbol)
    detail = f"{hours} of {wanted} hours of history seen"
    desk.blockers.hold(state.symbol, "warming", desk.now, detail, f"in {wanted - hours} hours of data")


FILTERS = {
    "volatility_filter": "volatility is beyond what is traded",
    "funding_filter": "a day's funding is beyond what is traded",
    "young_listing": "the symbol was listed too lately",
    "symbol_stop": "the symbol has lost its share at extreme volatility",
}
"""Reasons of a plan that can take its leverage to nothing, in words."""
PLAN_BLOCKERS = (
    "no_equity",
    "lot_below_minimum",
    "levels_too_close",
    "filtered",
    "no_votes",
    "neutral_silent",
    "unwinding",
)


STARVED = ("no_equity", "lot_below_minimum")
"""Those of them that money clears."""


def forget(desk: Desk, symbol: Symbol) -> None:
    """There is no plan any more: what it explained is over."""
    desk.walked = None
    for code in PLAN_BLOCKERS:
        desk.blockers.clear(symbol, code)


def _explain(desk: Desk, plan: GridPlan) -> None:
    """Turn what bound the plan into blockers that the operator can read."""
    said = {code: (detail, clears) for code, detail, clears in _reasons(desk, plan)}
    state = desk.symbols[plan.symbol]
    noted = dict(state.whole.notes) if state.whole is not None else {}
    for code in PLAN_BLOCKERS:
        if code in said:
            desk.blockers.hold(plan.symbol, code, desk.now, *said[code])
        elif code in noted:
            state.open = ALL  # the ladder's own word: it stands, or goes, with the next comparison
        else:
            desk.blockers.clear(plan.symbol, code)


def _reasons(desk: Desk, plan: GridPlan) -> Iterator[tuple[str, str, str]]:
    """(code, detail, what clears it) of everything the plan is bound by."""
    reasons, votes = dict(plan.reasons), plan.votes
    if plan.equity <= 0.0:
        yield "no_equity", "nothing is left that orders could be sized by", "with a deposit"
    needed = reasons.get("lot_below_minimum")
    if needed is not None:
        money = f"{needed:,.0f} {desk.config.quote}"
        detail = f"one lot is below the exchange's minimum order: it needs {money}"
        yield "lot_below_minimum", detail, f"with {money} allotted to {plan.symbol}"
    if "levels_too_close" in reasons:
        clears = f"with at most {reasons['levels_too_close']:.0f} levels in this range"
        yield "levels_too_close", "the levels are closer than fees and ticks allow", clears
    if plan.kind == "adaptive" and plan.lot == 0 and needed is None and plan.equity > 0.0:
        filters = [words for code, words in FILTERS.items() if code in reasons]
        if plan.leverage > 0:
            detail = f"up {votes.up:.2f}, down {votes.down:.2f}, neutral {votes.neutral:.2f}: no system votes"
            yield "no_votes", detail, "when a system votes again"
        elif reasons.get("drawdown_multiplier") == 0.0:
            pass  # the tier says so itself
        elif filters:
            yield "filtered", "; ".join(filters), "when that is over"
        else:
            yield "filtered", "strategy.leverage.base is 0: nothing is traded", "with another strategy.leverage.base"
    if plan.kind == "adaptive" and votes.neutral == 0:
        clears = f"above {100 * desk.config.strategy.votes.neutral_sigma:.2f} % an hour and no breakout"
        yield "neutral_silent", f"hourly volatility {100 * plan.sigma_hour:.2f} %", clears
    if unwinds(desk, plan):
        ours = desk.own(plan.symbol) * desk.instruments[plan.symbol].step_f
        detail = f"position {ours:g} is worked down to {plan.unwind:g} at the touch"
        yield "unwinding", detail, "when the position is there"


def unwinds(desk: Desk, plan: GridPlan) -> bool:
    """True while more is held of ours than the bound that the plan goes back to."""
    if plan.unwind is None:
        return False
    instrument = desk.instruments[plan.symbol]
    return abs(desk.own(plan.symbol)) > abs(instrument.steps_down(plan.unwind))
