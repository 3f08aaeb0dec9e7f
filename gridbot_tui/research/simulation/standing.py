"""What stands on the exchange: orders nobody minds, orders that are not there, positions without protection."""

from typing import TYPE_CHECKING, Final

from gridbot_tui.exchange.simulated.records import Order
from gridbot_tui.orders.ids import parse
from gridbot_tui.orders.model import OrderState, Purpose, SlotState
from gridbot_tui.research.simulation import money
from gridbot_tui.units import ClientId, Market, Side, Symbol

if TYPE_CHECKING:
    from gridbot_tui.research.simulation.judge import Judge
    from gridbot_tui.research.simulation.process import Process

PATIENCE: Final = 180_000
"""ms in which what is wrong must be put right while the line works: three reconciles."""
CLOSING: Final = 240_000
_SURE: Final = (OrderState.RESTING, OrderState.PARTLY_FILLED)


def look(judge: "Judge", process: "Process") -> None:
    """Every few seconds."""
    ours = [order for order in judge.sim.world.exchange.history.open.values() if judge.ours(order)]
    _minded(judge, process, ours)
    _doubled(judge, process, ours)
    for symbol in judge.sim.scenario.symbols:
        _protected(judge, process, symbol, ours)
        _closed(judge, process, symbol, ours)
    _trimmed(judge, process)


def _minded(judge: "Judge", process: "Process", ours: list[Order]) -> None:
    """No order stands that the bot does not know, and none it believes in is gone."""
    known = {live.order.client_id: live for live in process.engine.desk.orders.all_live()}
    there = {order.client_id for order in ours}
    orphans = sorted(there - known.keys())
    for place in [p for p in judge.ages if p[0] == "no_order_is_orphaned" and p[1] not in orphans]:
        del judge.ages[place]
    for name in orphans:
        judge.orphans += 1
        judge.lasting("no_order_is_orphaned", name, True, PATIENCE, f"{name} stands and the bot does not know it")
        judge.orphans -= 1
    ghosts = sorted(name for name, live in known.items() if live.state in _SURE and name not in there)
    for place in [p for p in judge.ages if p[0] == "no_order_is_imagined" and p[1] not in ghosts]:
        del judge.ages[place]
    for name in ghosts:
        judge.lasting("no_order_is_imagined", name, True, PATIENCE, f"{name} is believed to stand and does not")


def _doubled(judge: "Judge", process: "Process", ours: list[Order]) -> None:
    """Never two orders for one rung: no more stand at a price than rungs are wanted there.

    Not judged while the bot's time stands still, as it does when a clock that was ahead has been set back: an order of
    which nothing was heard is asked about after a while, and cancelled only then.
    """
    if process.engine.desk.now > judge.sim.world.now:
        judge.forget("one_order_a_rung")
        return
    seen: dict[tuple[Symbol, Side, int], list[Order]] = {}
    for order in ours:
        if order.price is not None and not order.conditional and not order.reduce_only:
            seen.setdefault((order.symbol, order.side, order.price), []).append(order)
    twice: dict[str, str] = {}
    for (symbol, side, price), orders in seen.items():
        if len(orders) == 1:
            continue
        desired = process.engine.desk.symbols[symbol].desired
        slots = () if desired is None else desired.resting
        spacing = 0.0 if desired is None else desired.spacing
        wanted = [s for s in slots if s.side is side and _near(s.price, price, spacing)]
        if len(orders) > len(wanted):
            twice[f"{symbol}{side.name}{price}"] = " and ".join(order.client_id for order in orders)
    for place in [p for p in judge.ages if p[0] == "one_order_a_rung" and p[1] not in twice]:
        del judge.ages[place]
    for name, who in twice.items():
        judge.lasting("one_order_a_rung", name, True, 20_000, f"{who} stand at the same price")


def own_position(judge: "Judge", process: "Process", symbol: Symbol) -> int:
    """Our position by the exchange; by the ledger's lots only where others have traded the symbol too."""
    if symbol in judge.touched or judge.sim.scenario.market is Market.SPOT:
        return process.engine.desk.ledger.book(symbol).own_position
    return judge.sim.world.exchange.account.position(symbol)


def _locked(judge: "Judge", symbol: Symbol) -> int:
    """Steps of base that orders by hand hold: on spot the exchange sells them to nobody else."""
    there = judge.sim.world.exchange.history.open.values()
    return sum(o.steps - o.filled for o in there if o.manual and o.symbol == symbol and o.side is Side.SELL)


def _worthless(judge: "Judge", symbol: Symbol, steps: int) -> bool:
    """True for what the exchange takes no order for."""
    venue = judge.sim.world.exchange.venues[symbol]
    instrument = venue.instrument
    if instrument.market is Market.FUTURES:
        return abs(steps) < instrument.min_steps
    worth = abs(steps) * venue.last * instrument.unit_f
    return abs(steps) < instrument.min_steps or worth < 1.02 * float(instrument.min_notional)


def _protected(judge: "Judge", process: "Process", symbol: Symbol, ours: list[Order]) -> None:
    """Every futures position of ours has a stop on the exchange, on the right side, for all of it."""
    if judge.sim.scenario.market is Market.SPOT:
        return
    own = own_position(judge, process, symbol)
    held = judge.sim.world.exchange.account.position(symbol)
    wrong = ""
    if own and held * own > 0 and not _worthless(judge, symbol, own):
        side = Side.SELL if own > 0 else Side.BUY
        stops = [order for order in ours if order.symbol == symbol and order.conditional and order.side is side]
        covered = sum(order.steps for order in stops)
        whole = any(order.close_position for order in stops)
        if not stops:
            wrong = f"{symbol}: {own} steps held and no stop rests"
        elif not whole and covered < min(abs(own), abs(held)):
            wrong = f"{symbol}: {own} steps held, stops rest for {covered}"
    judge.lasting("positions_are_protected", symbol, bool(wrong), PATIENCE, wrong)


def _closed(judge: "Judge", process: "Process", symbol: Symbol, ours: list[Order]) -> None:
    """Where everything was to be closed, nothing is held and nothing rests; where paused and flat, nothing rests."""
    latches = process.engine.desk.latches
    closing = latches.kill or latches.shutdown == "flatten" or process.engine.desk.tiers.halted
    closing = closing or symbol in latches.flatten or "" in latches.flatten or symbol in latches.stopped
    own = own_position(judge, process, symbol)
    spot = judge.sim.scenario.market is Market.SPOT
    free = max(0, own - _locked(judge, symbol)) if spot else own
    mine = [order for order in ours if order.symbol == symbol]
    wrong = ""
    if closing and free and not _worthless(judge, symbol, free):
        wrong = f"{symbol}: {free} steps are still held although they are to be closed"
    elif closing and [order for order in mine if not order.reduce_only and not order.conditional]:
        wrong = f"{symbol}: {len(mine)} orders stand although everything is to be closed"
    judge.lasting("closing_closes", symbol, bool(wrong), CLOSING, wrong)
    naked = ""
    if symbol in judge.paused and not own and [o for o in mine if not o.conditional]:
        naked = f"{symbol}: paused and flat, and {len(mine)} orders stand"
    judge.lasting("no_naked_exits", symbol, bool(naked), PATIENCE, naked)


def _trimmed(judge: "Judge", process: "Process") -> None:
    """Drift beyond the trim level does not last."""
    latches = process.engine.desk.latches
    kept = latches.shutdown == "keep" and not latches.kill
    if judge.sim.scenario.market is Market.SPOT or judge.external() or kept:
        judge.forget("drift_is_trimmed")
        return
    equity = judge.nav.equity(judge)
    held = 0.0
    for symbol in judge.sim.scenario.symbols:
        venue = judge.sim.world.exchange.venues[symbol]
        mark = judge.marks[symbol][0] if symbol in judge.marks else venue.mark
        held += abs(judge.sim.world.exchange.account.position(symbol)) * mark * venue.instrument.unit_f
    limit = process.reloader.loaded.settings.risk.leverage_trim
    wrong = held > 0 and (equity <= 0 or held / equity > limit * 1.01)
    judge.lasting("drift_is_trimmed", "", wrong, CLOSING, f"{held:.0f} quote held on an equity of {equity:.0f}")


def remember_protection(judge: "Judge") -> None:
    """At the start of a life: which held positions have a stop."""
    exchange = judge.sim.world.exchange
    for symbol in judge.sim.scenario.symbols:
        stops = [o for o in exchange.history.open.values() if o.symbol == symbol and o.conditional]
        judge.protected_before[symbol] = bool(stops) or not exchange.account.position(symbol)


def flat_as_said(judge: "Judge", kind: str, symbols: tuple[Symbol, ...]) -> None:
    """A flatten or kill that is confirmed has left nothing of ours."""
    process = judge.sim.process
    if process is None or not money.agreed(judge, process):
        return
    for symbol in symbols:
        own = own_position(judge, process, symbol)
        if own and not _worthless(judge, symbol, own):
            judge.violated("done_means_done", f"{kind} is confirmed and {symbol} holds {own} steps")
        left = [o for o in judge.sim.world.exchange.history.open.values() if o.symbol == symbol and judge.ours(o)]
        if left:
            judge.violated("done_means_done", f"{kind} is confirmed and {left[0].client_id} stands")


def under_way(process: "Process") -> list[ClientId]:
    """Orders of which it is not known by now what has become of them."""
    return [live.order.client_id for live in process.engine.desk.orders.all_live() if live.state not in _SURE]


def converged(judge: "Judge", process: "Process") -> None:
    """With a quiet market and a working line, what stands is what is desired."""
    desk = process.engine.desk
    exchange = judge.sim.world.exchange
    unsure = under_way(process)
    if unsure:
        judge.violated("convergence", f"the fate of {unsure[:5]} is still open when all is quiet")
    ours = {o.client_id: o for o in exchange.history.open.values() if judge.ours(o)}
    known = {live.order.client_id for live in desk.orders.all_live()}
    if ours.keys() - known:
        judge.orphans += len(ours.keys() - known)
        judge.violated(
            "no_order_is_orphaned", f"{sorted(ours.keys() - known)[:5]} stand and the bot does not know them"
        )
    if known - ours.keys():
        judge.violated("no_order_is_imagined", f"{sorted(known - ours.keys())[:5]} are believed to stand and do not")
    for symbol, state in desk.symbols.items():
        _as_desired(judge, symbol, state.desired, [o for o in ours.values() if o.symbol == symbol])


def _as_desired(judge: "Judge", symbol: Symbol, desired: object, orders: list[Order]) -> None:
    from gridbot_tui.orders.model import Desired

    if not isinstance(desired, Desired):
        return
    # A slot that the gate left only the closing part of rests and has a reason all the same.
    wanted = [slot for slot in desired.resting if slot.state is SlotState.RESTING]
    plain = [o for o in orders if _purpose(o) is Purpose.GRID]
    working = [o.client_id for o in orders if _purpose(o) is Purpose.TARGET]
    if len(working) > (desired.target is not None):
        judge.violated("convergence", f"{working} work towards the target {desired.target}")
    held = [slot for slot in desired.resting if slot.state is not SlotState.RESTING]
    for order in plain:
        near = [
            s for s in desired.resting if s.side is order.side and _near(s.price, order.price or 0, desired.spacing)
        ]
        if not near:
            where = [(int(s.side), s.price, s.state.value) for s in desired.resting]
            judge.violated("convergence", f"{order.client_id} stands at {order.price}; desired are {where}")
    for slot in wanted:
        if not any(o.side is slot.side and _near(slot.price, o.price or 0, desired.spacing) for o in plain):
            judge.violated("convergence", f"{symbol}: {slot.side.name} at {slot.price} is desired and does not stand")
    if len(plain) > len(wanted) + len(held):
        judge.violated("convergence", f"{symbol}: {len(plain)} orders stand for {len(wanted)} slots")


def _purpose(order: Order) -> Purpose | None:
    """What the bot placed it for: on spot a target's order is no reduce-only one."""
    parts = parse(order.client_id)
    return None if parts is None else parts.purpose


def _near(price: int, other: int, spacing: float) -> bool:
    return abs(price - other) <= max(2.0, 0.5 * spacing * price)


def provable_end(judge: "Judge", process: "Process") -> None:
    """What a shutdown reports is what the exchange holds."""
    report = process.bot.report
    if report is None:
        return
    exchange = judge.sim.world.exchange
    ours = [o for o in exchange.history.open.values() if judge.ours(o)]
    stops = [o for o in ours if o.conditional]
    left = [o.client_id for o in ours if not (report.kept_positions and o.conditional)]
    on_way = [r for r in judge.sim.world.on_its_way() if type(r).__name__ == "Place"]
    if report.exit_code == 0 and (left or on_way):
        judge.violated("shutdown_is_provable", f"exit code 0, and {left[:5]} stand, {len(on_way)} are on their way")
    for symbol in judge.sim.scenario.symbols:
        own = own_position(judge, process, symbol)
        if not own or _worthless(judge, symbol, own):
            continue
        if report.exit_code == 0 and not report.kept_positions:
            judge.violated("shutdown_is_provable", f"exit code 0, and {symbol} holds {own} steps")
        kept = report.exit_code == 0 and report.kept_positions and judge.sim.futures
        if kept and symbol not in judge.touched and not [o for o in stops if o.symbol == symbol]:
            judge.violated("shutdown_is_provable", f"positions are kept and {symbol} has no stop")


def locked_by_others(judge: "Judge") -> bool:
    """True on spot where an order by hand holds base: what it holds nobody else can sell."""
    orders = judge.sim.world.exchange.history.open.values()
    spot = judge.sim.scenario.market is Market.SPOT
    return spot and any(order.manual and order.side is Side.SELL for order in orders)
