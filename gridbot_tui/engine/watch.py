"""The account under watch: equity, drawdown tiers, leverage, liquidation; at every mark, never a plan."""

from gridbot_tui.engine import breaking, doubts, exposure, planning, protection, told, walk
from gridbot_tui.engine.actions import AskAboutOrder, DrawdownFact, EquityFact, ModeFact, RequestResync
from gridbot_tui.engine.desk import Desk, SymbolDesk
from gridbot_tui.orders.model import OrderState, TargetStyle
from gridbot_tui.orders.plain import beyond_exits
from gridbot_tui.risk.liquidation import Guard
from gridbot_tui.risk.tiers import HALT
from gridbot_tui.units import ZERO, Ms, Symbol

ASK_AGAIN: Ms = 5_000
"""How long an order may stay in flight or unresolved before it is asked about (again)."""
LOOK_AT_MOST: Ms = 300_000
"""Longest pause between two comparisons while books and exchange disagree."""
PEAK_STEP = 1.0005
"""A unit value this much above the highest one written down is written down: a kill forgets no more of a peak."""
MANY = 8
"""Symbols from which the worst cases at new marks are counted with the bar, so that the fill after it need not."""
_IN_FLIGHT = (OrderState.SENDING, OrderState.CANCELLING, OrderState.UNRESOLVED)


def account(desk: Desk) -> None:
    """Mark the account: NAV, drawdown, tier, observed leverage; a point of the equity curve now and then."""
    if not desk.started:
        return
    if not desk.ledger.take(desk.now):
        desk.tiers.update(desk.now, 0.0, fresh=False)
        return
    fresh = all(
        walk.is_fresh(desk, state)
        for state in desk.symbols.values()
        if desk.ledger.position(state.symbol)
    )
    before = desk.tiers.tier
    if desk.tiers.update(desk.now, float(desk.ledger.capital.nav), fresh) is not None:
        _tier_changed(desk, before)
    if desk.tiers.peak > desk.peak_written * PEAK_STEP or desk.ledger.capital.base_equity != desk.base_written:
        write_drawdown(desk)
    drift(desk)
    if desk.now - desk.equity_fact_at >= desk.config.equity_every:
        equity_point(desk)


def write_drawdown(desk: Desk) -> None:
    """Write down tiers and fund as they are now."""
    fund, owed = desk.ledger.fund()
    desk.peak_written, desk.base_written = desk.tiers.peak, fund.base_equity
    desk.emit(DrawdownFact(desk.now, desk.tiers.state(), fund, owed))


def equity_point(desk: Desk) -> None:
    """Write down a point of the equity curve."""
    equity = desk.ledger.equity_quick()
    if equity is None:
        return
    desk.equity_fact_at = desk.now
    desk.emit(
        EquityFact(
            at=desk.now,
            equity=equity,
            wallet=desk.ledger.wallet,
            nav=desk.ledger.capital.nav,
            drawdown=desk.tiers.drawdown,
            tier=desk.tiers.tier,
            leverage=observed_leverage(desk) or 0.0,
            residual=desk.ledger.account.residual() or ZERO,
            max_leverage=desk.max_observed,
        )
    )


def observed_leverage(desk: Desk) -> float | None:
    """Sum of |position| x mark over equity; None where a price or equity is unknown."""
    equity = desk.ledger.equity_quick()
    if equity is None:
        return None
    held = 0.0
    for name, state in desk.symbols.items():
        position = desk.ledger.position(name)
        if position:
            if state.mark is None:
                return None
            held += abs(position) * state.mark * state.instrument.unit_f
    return held / float(equity) if equity > 0 else None


def each_bar(desk: Desk) -> None:
    """After the bars of a moment: guards, passive targets, and orders whose fate is overdue."""
    desk.repeg = True
    if len(desk.symbols) >= MANY:
        exposure.refresh(desk)
    _guard(desk)
    for name, state in desk.symbols.items():
        target = state.desired.target if state.desired is not None else None
        position = desk.ledger.position(name)
        worked = target is not None and bool(position or desk.orders.live(name))
        if worked and target is not None and (target.style is TargetStyle.TAKER or position != target.position):
            desk.dirty.add(name)
        if desk.blockers.holds(name, "churn"):
            desk.dirty.add(name)
        exits(desk, state)
    if desk.breakers:
        breaking.review(desk)
    _probe(desk)
    ask_overdue(desk)
    ask_truth(desk)


def exits(desk: Desk, state: SymbolDesk) -> None:
    """A plain grid whose mark has passed its stop or take-profit, or come back, is looked at."""
    plan = state.plan
    if plan is None or plan.kind == "adaptive" or state.mark is None:
        return
    beyond = beyond_exits(plan, state.mark * state.instrument.tick_f)
    if beyond != desk.blockers.holds(state.symbol, "beyond_exit"):
        desk.dirty.add(state.symbol)


def each_tick(desk: Desk) -> None:
    """Once a second: staleness, overdue answers."""
    for name, state in desk.symbols.items():
        stale = state.mark is not None and not walk.is_fresh(desk, state)
        if stale != desk.blockers.holds(name, "stale_mark"):
            desk.dirty.add(name)
    if desk.breakers:
        breaking.review(desk)
    doubts.each_tick(desk)
    _probe(desk)
    ask_overdue(desk)
    ask_truth(desk)


def _probe(desk: Desk) -> None:
    """What was refused is tried again when its time has come: nothing else may ever touch the symbol."""
    desk.dirty.update(desk.reconciler.circuits.due(desk.now) & desk.symbols.keys())


def ask_truth(desk: Desk) -> None:
    """While books and exchange disagree, or a position is held that is not ours, compare again: soon at first, ever
    more seldom if it stays; at once where a position was told without the trade that made it."""
    silent = told.without_trade(desk)
    if silent:
        desk.emit(RequestResync(f"the position of {silent} was told, and no trade that makes it so"))
    since = desk.blockers.since("position_unknown")
    pending = desk.ledger.account.pending_since()
    if since is None or (pending is not None and pending < since):
        since = pending
    why = "books and exchange disagree"
    if since is None and desk.blockers.holds("", "foreign_position"):
        since, why = desk.blockers.since("foreign_position"), "a position that is not the bot's is held"
    if since is None:
        return
    wait = min(max((desk.now - since) // 2, ASK_AGAIN), LOOK_AT_MOST)
    if desk.now - desk.truth_at >= wait:
        desk.emit(RequestResync(why))


def ask_overdue(desk: Desk) -> None:
    """Ask about orders that have been in flight or unresolved for too long."""
    for live in desk.orders.restless():
        if (live.state in _IN_FLIGHT or live.ended) and desk.now - live.changed_at >= ASK_AGAIN:
            desk.emit(AskAboutOrder(live.order.symbol, live.order.client_id, live.conditional))


def drift(desk: Desk) -> None:
    """Leverage, and whether it has drifted past the trim level."""
    leverage = observed_leverage(desk)
    if leverage is not None:
        desk.max_observed = max(desk.max_observed, leverage)
        if leverage > desk.gate.trim_at and desk.phase == "trading":
            desk.note("", "leverage_trim", f"leverage {leverage:.2f}x has drifted past the limit", "warning")
            desk.touch_all()


def _tier_changed(desk: Desk, before: int) -> None:
    tier, drawdown = desk.tiers.tier, 100 * desk.tiers.drawdown
    text = f"drawdown {drawdown:.2f} %: tier {before} -> {tier}"
    desk.note("", f"tier{tier}", text, "warning" if tier > before else "info")
    desk.emit(ModeFact(desk.now, "tier", "", str(tier)))
    write_drawdown(desk)
    say_tier(desk)
    equity_point(desk)
    if desk.phase == "trading" and tier != HALT:
        planning.renew_all(desk)
    desk.touch_all()


def say_tier(desk: Desk) -> None:
    """State the tier as a blocker, or clear it."""
    risk, tier = desk.config.risk, desk.tiers.tier
    drawdown = f"drawdown {100 * desk.tiers.drawdown:.2f} %"
    clears = {
        1: f"below {100 * risk.tier1_leave:g} %",
        2: f"below {100 * risk.tier2_leave:g} %",
        3: "by 'gridbot reset drawdown'",
    }
    for number in (1, 2, 3):
        if number == tier:
            detail = f"{drawdown}: leverage scaled by {desk.tiers.scale:g}"
            desk.blockers.hold("", f"tier{number}", desk.now, detail, clears[number])
        else:
            desk.blockers.clear("", f"tier{number}")
    if desk.tiers.absolute:
        far = f"the account has lost {100 * risk.absolute_halt:g} % of its highest value ever"
        desk.blockers.hold("", "absolute_drawdown", desk.now, far, clears[3])
    else:
        desk.blockers.clear("", "absolute_drawdown")


def _guard(desk: Desk) -> None:
    """Compare the distance to liquidation with its limits where there is any leverage to speak of."""
    leverage = observed_leverage(desk)
    if leverage is None or leverage < 1.0:
        for name in desk.symbols:
            _far(desk, name)
        return
    seen = protection.account_of(desk)
    if seen is None:
        return
    for name, state in desk.symbols.items():
        near = protection.guard_of(desk, state, seen)
        if near is None or near.entries:
            _far(desk, name)
        else:
            _near(desk, name, near)


def guard_at_mark(desk: Desk, state: SymbolDesk) -> None:
    """Between two bars: what has come near liquidation cannot wait for the next one.

    That it is far again is left to the bar, lest entries come and go with every mark at the limit; but for a
    position that is closed.
    """
    if not desk.ledger.position(state.symbol):
        _far(desk, state.symbol)
        return
    leverage = observed_leverage(desk)
    if leverage is None or leverage < 1.0:
        return
    seen = protection.account_of(desk)
    near = None if seen is None else protection.guard_of(desk, state, seen)
    if near is not None and not near.entries:
        _near(desk, state.symbol, near)


def _near(desk: Desk, symbol: Symbol, near: Guard) -> None:
    """Liquidation of a symbol is too near for anything that adds; how near, as of now."""
    risk, away = desk.config.risk, 100 * (near.distance or 0.0)
    detail = f"liquidation is {away:.1f} % away, entries stop at {100 * risk.liquidation_warn:g} %"
    if near.reduce_to is not None:
        detail += f"; below {100 * risk.liquidation_reduce:g} % the position is reduced by market"
    if not desk.blockers.holds(symbol, "liquidation_near"):
        desk.note(symbol, "liquidation_near", detail, "warning")
    breaking.trip(desk, "liquidation", detail, symbol)
    desk.dirty.add(symbol)


def _far(desk: Desk, symbol: Symbol) -> None:
    """Liquidation of a symbol is no concern, or no more."""
    if desk.blockers.clear(symbol, "liquidation_near"):
        breaking.fine(desk, "liquidation", symbol)
        desk.dirty.add(symbol)
