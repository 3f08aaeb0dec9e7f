"""Everything that happens to a bot beside the market and the line: one function a kind."""

import sqlite3
from collections.abc import Callable
from decimal import ROUND_DOWN, Decimal
from random import Random
from typing import Final

from gridbot_tui.exchange.simulated.liquidation import deleverage
from gridbot_tui.exchange.simulated.owner import HAND
from gridbot_tui.orders.model import NewOrder, OrderKind, Purpose
from gridbot_tui.research.simulation.scenario import Happening
from gridbot_tui.research.simulation.simulation import Simulation
from gridbot_tui.settings.load import load_text
from gridbot_tui.settings.problems import ConfigError
from gridbot_tui.store.errors import StoreError
from gridbot_tui.units import MINUTE, Market, Ms, Side, Symbol

CENT: Final = Decimal("0.01")
Act = Callable[[Simulation, Random], bool]
"""True where it happened."""


def happen(sim: Simulation, one: Happening) -> None:
    """Let something come to pass, and count it where it did."""
    rng = Random(one.draw)
    sim.history.note(sim.world.now, "!", one.kind)
    if KINDS[one.kind](sim, rng):
        sim.trouble.injected[one.kind] += 1


def _later(sim: Simulation, rng: Random, kind: str, least: Ms, most: Ms) -> None:
    sim.postpone(Happening(sim.world.now + rng.randint(least, most), kind, rng.randrange(1 << 30)))


def _symbol(sim: Simulation, rng: Random) -> Symbol:
    return rng.choice(sim.scenario.symbols)


# -- the process ----------------------------------------------------------------------------------------------


def _death(sim: Simulation, rng: Random) -> bool:
    if sim.process is None:
        return False
    point = rng.choice(("now", "write", "written", "send", "send"))
    if point == "now":
        sim.die()
    else:
        sim.fuse.set(point, rng.randrange(4) if point == "send" else 0)
    if rng.random() < 0.25:
        _later(sim, rng, "death", 100, 4_000)  # and again while it recovers
    return True


def _edit_and_death(sim: Simulation, rng: Random) -> bool:
    if sim.process is None:
        return False
    text = rng.choice(sim.scenario.edits[:-1])
    sim.config_text = text
    process, now = sim.process, sim.world.now
    sim.fuse.set(rng.choice(("write", "written", "send")), rng.randrange(3))
    sim.guarded(lambda: _offer(sim, text, now))
    if sim.process is process and sim.fuse.point:
        sim.die()
    return True


def _offer(sim: Simulation, text: str, now: Ms) -> None:
    process = sim.process
    if process is None:
        return
    try:
        ok, words, _ = process.reloader.offer(text, now, preview=False)
    except StoreError as error:
        ok, words = False, str(error)
    sim.judge.reloaded(text, ok=ok)
    sim.history.note(now, "!", f"reload: ok={ok} {words}")


def _reload(sim: Simulation, rng: Random) -> bool:
    if sim.process is None or not sim.process.bot.recovered:
        return False
    text = rng.choice(sim.scenario.edits)
    try:
        load_text(text, None, {}, ())
        sim.config_text = text
    except ConfigError:
        sim.trouble.injected["reload_refused"] += 1
    sim.guarded(lambda: _offer(sim, text, sim.world.now))
    return True


def _handover(sim: Simulation, rng: Random) -> bool:
    if sim.process is None or sim.disk.failing:
        return False
    sim.hand_over()
    return True


# -- line, market, clock, disk --------------------------------------------------------------------------------


def _outage(sim: Simulation, rng: Random) -> bool:
    sim.trouble.outage_until = sim.world.now + rng.choice((10_000, 30_000, 2 * MINUTE, 6 * MINUTE))
    return True


def _stream_silent(sim: Simulation, rng: Random) -> bool:
    sim.trouble.stream_silent_until = sim.world.now + rng.choice((60_000, 2 * MINUTE))
    return True


def _market_silent(sim: Simulation, rng: Random) -> bool:
    sim.silent_market_until = sim.world.now + rng.choice((3 * MINUTE, 8 * MINUTE))
    return True


def _market_hole(sim: Simulation, rng: Random) -> bool:
    sim.hole_until = sim.world.now + rng.choice((2 * MINUTE, 6 * MINUTE))
    return True


def _rate_ban(sim: Simulation, rng: Random) -> bool:
    sim.trouble.ban_until = sim.world.now + rng.choice((20_000, 2 * MINUTE))
    return True


def _clock_jump(sim: Simulation, rng: Random) -> bool:
    sim.clock_off = rng.choice((-3_600_000, -60_000, 2_000, 30_000, 90_000))
    return True


def _slow_line(sim: Simulation, rng: Random) -> bool:
    """For minutes every word takes seconds."""
    sim.latency.factor = rng.choice((20.0, 60.0))
    sim.slow_until = sim.world.now + rng.choice((MINUTE, 4 * MINUTE))
    return True


def _stall(sim: Simulation, rng: Random) -> bool:
    """The process attends to nothing for a while; then everything that came meanwhile comes at once."""
    if sim.process is None:
        return False
    sim.stalled_since = sim.world.now
    sim.stalled_until = sim.world.now + rng.choice((1_000, 6_000, 25_000))
    return True


def _refusals(sim: Simulation, rng: Random) -> bool:
    """For minutes the exchange takes no order that may add to a position."""
    sim.trouble.refusing_until = sim.world.now + rng.choice((2 * MINUTE, 6 * MINUTE))
    return True


def _disk_full(sim: Simulation, rng: Random) -> bool:
    if sim.process is None or sim.disk.failing:
        return False
    sim.disk.fill(sim.process.store, sim.world.now + rng.choice((10_000, 90_000, 4 * MINUTE)))
    return True


def _database_locked(sim: Simulation, rng: Random) -> bool:
    if sim.process is None or sim.disk.failing:
        return False
    try:
        sim.disk.lock(sim.process.store, sim.world.now + rng.choice((10_000, 60_000, 2 * MINUTE)))
    except sqlite3.OperationalError:
        return False  # the bot holds the lock itself: nothing to add
    return True


# -- the operator, through the bot ----------------------------------------------------------------------------


def _pause(sim: Simulation, rng: Random) -> bool:
    symbol = rng.choice(("", _symbol(sim, rng)))
    _later(sim, rng, "resume", MINUTE, 8 * MINUTE)
    return bool(sim.command("pause", symbol))


def _resume(sim: Simulation, rng: Random) -> bool:
    return bool(sim.command("resume"))


def _flatten(sim: Simulation, rng: Random) -> bool:
    symbol = rng.choice(("", _symbol(sim, rng)))
    _later(sim, rng, "resume", 4 * MINUTE, 8 * MINUTE)
    return bool(sim.command("flatten", symbol))


def _kill(sim: Simulation, rng: Random) -> bool:
    _later(sim, rng, "reset_kill", 4 * MINUTE, 8 * MINUTE)
    return bool(sim.command("kill"))


def _reset_kill(sim: Simulation, rng: Random) -> bool:
    return bool(sim.command("reset", what="kill"))


def _reset_drawdown(sim: Simulation, rng: Random) -> bool:
    return bool(sim.command("reset", what="drawdown"))


def _reset_stop(sim: Simulation, rng: Random) -> bool:
    return bool(sim.command("reset", what="stop"))


def _learning(sim: Simulation, rng: Random) -> bool:
    action = rng.choice(("freeze", "thaw", "reset", "set"))
    return bool(sim.command("learning", action=action, up="0.3", down="0.2", neutral="0.5"))


def _stop(sim: Simulation, rng: Random) -> bool:
    """A graceful shutdown in the middle; the operator starts the bot again later, as the service then does."""
    keep = "true" if rng.random() < 0.4 else "false"
    if not sim.command("stop", keep_positions=keep):
        return False
    if rng.random() < 0.5:
        _later(sim, rng, "death", 200, 20_000)
    return True


# -- the operator, on the exchange ----------------------------------------------------------------------------


def _manual_order(sim: Simulation, rng: Random) -> bool:
    symbol = _symbol(sim, rng)
    venue = sim.world.exchange.venues[symbol]
    if not venue.last:
        return False
    side = rng.choice((Side.BUY, Side.SELL))
    price = max(1, round(venue.last * (1 - 0.02 * side)))
    steps = _least(sim, symbol) * rng.randint(2, 6)
    number = sim.world.exchange.next_order_id
    order = NewOrder(f"{HAND}m{number}", symbol, side, OrderKind.LIMIT, steps, price, Purpose.GRID, sim.world.now)
    return sim.world.owner.manual_order(order) is None


def _manual_cancel(sim: Simulation, rng: Random) -> bool:
    """The operator deletes one of the bot's orders in the web page, the stop as likely as not."""
    ours = sorted(
        (order for order in sim.world.exchange.history.open.values() if not order.manual and not order.forced),
        key=lambda order: order.exchange_id,
    )
    stops = [order for order in ours if order.conditional]
    if not ours:
        return False
    order = rng.choice(stops if stops and rng.random() < 0.5 else ours)
    return sim.world.owner.manual_cancel(order.symbol, order.client_id, order.conditional) is None


def _manual_trade(sim: Simulation, rng: Random) -> bool:
    symbol = _symbol(sim, rng)
    side = rng.choice((Side.BUY, Side.SELL)) if sim.futures else Side.BUY
    return sim.world.owner.manual_trade(symbol, side, _least(sim, symbol) * rng.randint(1, 5)) is None


def _manual_leverage(sim: Simulation, rng: Random) -> bool:
    if not sim.futures:
        return False
    symbol, leverage = _symbol(sim, rng), rng.choice((3, 5, 10, 20))
    return sim.world.act(lambda exchange: exchange.set_leverage(symbol, leverage)) is None


def _quote(sim: Simulation) -> str:
    return next(iter(sim.market.instruments.values())).quote


def _deposit(sim: Simulation, rng: Random) -> bool:
    sim.world.owner.deposit(_quote(sim), (sim.scenario.wallet * rng.randint(5, 30) / 100).quantize(CENT))
    return True


def _withdrawal(sim: Simulation, rng: Random) -> bool:
    free = sim.world.exchange.account.spendable(_quote(sim))
    amount = (min(free, sim.scenario.wallet) * rng.randint(5, 30) / 100).quantize(CENT, ROUND_DOWN)
    if amount <= 0:
        return False
    sim.world.owner.withdraw(_quote(sim), amount)
    return True


def _deleveraging(sim: Simulation, rng: Random) -> bool:
    held = [symbol for symbol in sim.scenario.symbols if sim.world.exchange.account.position(symbol)]
    if not sim.futures or not held:
        return False
    symbol = rng.choice(held)
    most = abs(sim.world.exchange.account.position(symbol))
    steps = rng.randint(1, most)

    def act(exchange: object) -> None:
        deleverage(sim.world.exchange, symbol, steps)

    sim.world.act(act)
    return True


def _whale(sim: Simulation, rng: Random) -> bool:
    """By hand, at eighteen times the equity: the next move liquidates the account; then fresh money comes."""
    if sim.scenario.market is Market.SPOT:
        return False
    symbol = _symbol(sim, rng)
    exchange = sim.world.exchange
    venue = exchange.venues[symbol]
    exchange.set_leverage(symbol, 20)
    free = float(exchange.account.spendable(_quote(sim)))
    steps = int(17 * free / (venue.instrument.unit_f * max(1, venue.last)))
    steps = min(steps, venue.instrument.market_max_steps)
    if steps < _least(sim, symbol) or sim.world.owner.manual_trade(symbol, rng.choice(list(Side)), steps) is not None:
        return False
    _later(sim, rng, "refill", 5 * MINUTE, 15 * MINUTE)
    return True


def _refill(sim: Simulation, rng: Random) -> bool:
    """The operator closes what is his and pays in what is missing; he looks at the bot's books for what is whose."""
    if sim.process is None or not sim.process.bot.recovered:
        _later(sim, rng, "refill", MINUTE, 2 * MINUTE)
        return False
    wallet = sim.world.exchange.account.spendable(_quote(sim))
    if wallet < sim.scenario.wallet / 2:
        sim.world.owner.deposit(_quote(sim), (sim.scenario.wallet - wallet).quantize(CENT))
    for symbol, steps in sorted(sim.judge.external().items()):
        side, left = Side.SELL if steps > 0 else Side.BUY, abs(steps)
        most = sim.world.exchange.venues[symbol].instrument.market_max_steps
        while left > 0 and sim.world.owner.manual_trade(symbol, side, min(left, most)) is None:
            left -= min(left, most)
    _later(sim, rng, "reset_drawdown", MINUTE, 2 * MINUTE)
    return True


def _least(sim: Simulation, symbol: Symbol) -> int:
    venue = sim.world.exchange.venues[symbol]
    instrument = venue.instrument
    worth = float(instrument.min_notional) / (instrument.unit_f * max(1, venue.last))
    return max(instrument.min_steps, int(1.5 * worth) + 1)


KINDS: Final[dict[str, Act]] = {
    "death": _death,
    "edit_and_death": _edit_and_death,
    "handover": _handover,
    "reload": _reload,
    "outage": _outage,
    "stream_silent": _stream_silent,
    "market_silent": _market_silent,
    "market_hole": _market_hole,
    "rate_ban": _rate_ban,
    "clock_jump": _clock_jump,
    "slow_line": _slow_line,
    "stall": _stall,
    "refusals": _refusals,
    "disk_full": _disk_full,
    "database_locked": _database_locked,
    "pause": _pause,
    "resume": _resume,
    "flatten": _flatten,
    "kill": _kill,
    "reset_kill": _reset_kill,
    "reset_drawdown": _reset_drawdown,
    "reset_stop": _reset_stop,
    "learning": _learning,
    "stop": _stop,
    "manual_order": _manual_order,
    "manual_cancel": _manual_cancel,
    "manual_trade": _manual_trade,
    "manual_leverage": _manual_leverage,
    "deposit": _deposit,
    "withdrawal": _withdrawal,
    "deleveraging": _deleveraging,
    "whale": _whale,
    "refill": _refill,
}
"""Every kind of happening that is no part of the market."""
