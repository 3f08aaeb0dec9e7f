"""What the operator asks for. A command changes a durable mode; Desired does the rest; done when converged."""

from decimal import Decimal
from typing import Literal

from gridbot_tui.engine import breaking, planning, watch
from gridbot_tui.engine import on_truth as truth
from gridbot_tui.engine.actions import CommandDone, ModeFact
from gridbot_tui.engine.desk import Desk, Waiting
from gridbot_tui.engine.events import Operator
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import Purpose
from gridbot_tui.strategy.facade import WeightsChange
from gridbot_tui.strategy.plan import Weights
from gridbot_tui.units import Money, Symbol, plain


class CommandRefused(Exception):
    """The command makes no sense here; the message is for the operator."""

    kind: Literal["input", "safety"] = "input"


class NotSafe(CommandRefused):
    """The command makes sense, but something else must be lifted or known first."""

    kind = "safety"


def operator(desk: Desk, event: Operator) -> None:
    """Start a command; a refused one is answered at once and changes nothing."""
    handler = _HANDLERS.get(event.command)
    try:
        if handler is None:
            raise CommandRefused(f"'{event.command}' is not a command of the engine")
        text = handler(desk, event)
    except CommandRefused as refused:
        desk.emit(CommandDone(event.command_id, ok=False, text=str(refused), refused=refused.kind))
        return
    if text is not None:
        desk.emit(CommandDone(event.command_id, ok=True, text=text))


def finish_waiting(desk: Desk) -> None:
    """Answer the commands whose condition has come true; flattening symbols that are flat become paused."""
    for symbol in sorted(desk.latches.flatten):
        if symbol and is_flat(desk, symbol):
            desk.latch("flatten", symbol, "")
    still: list[Waiting] = []
    for waiting in desk.waiting:
        if _done(desk, waiting):
            desk.emit(CommandDone(waiting.command_id, ok=True, text=_done_text(desk, waiting)))
        else:
            still.append(waiting)
    desk.waiting = still


def _done(desk: Desk, waiting: Waiting) -> bool:
    """True where the condition holds of every symbol. Asked at each event: the one it was false of last goes first."""
    if waiting.missed and not _condition(desk, waiting.command, waiting.missed):
        return False
    for symbol in waiting.symbols:
        if not _condition(desk, waiting.command, symbol):
            waiting.missed = symbol
            return False
    return True


def is_flat(desk: Desk, symbol: Symbol) -> bool:
    """True where we hold nothing that can be closed and no order of ours stands."""
    return truth.closable(desk, symbol) == 0 and not desk.orders.live(symbol)


def _condition(desk: Desk, command: str, symbol: Symbol) -> bool:
    if command == "pause":
        return not any(_adds(desk, live) for live in desk.orders.live(symbol))
    return is_flat(desk, symbol)


def _adds(desk: Desk, live: LiveOrder) -> bool:
    """True where an order that stands could grow the position."""
    position = desk.ledger.position(live.order.symbol)
    return live.order.purpose is Purpose.GRID and position * live.order.side >= 0


def _done_text(desk: Desk, waiting: Waiting) -> str:
    names = ", ".join(waiting.symbols)
    if waiting.command == "pause":
        return f"paused: {names}; exits stay"
    text = f"{waiting.command}: {names} flat, no order of ours stands; equity {_amount(desk.ledger.equity_quick())}"
    others = [f"{name} {plain(held)}" for name in waiting.symbols if (held := _of_others(desk, name))]
    return f"{text}; not the bot's, and left as it is: {', '.join(others)}" if others else text


def _of_others(desk: Desk, symbol: Symbol) -> Decimal:
    book = desk.ledger.book(symbol)
    return book.instrument.quantity(book.external_position)


def _amount(value: Money | None) -> str:
    return "unknown" if value is None else plain(value)


def _chosen(desk: Desk, symbol: Symbol) -> tuple[Symbol, ...]:
    if not symbol:
        return tuple(desk.symbols)
    if symbol not in desk.symbols:
        raise CommandRefused(f"{symbol} is not traded here; traded are {', '.join(desk.symbols)}")
    return (symbol,)


def _pause(desk: Desk, event: Operator) -> None:
    symbols = _chosen(desk, event.symbol)
    for symbol in symbols:
        desk.latch("paused", symbol, "operator")
    desk.waiting.append(Waiting(event.command_id, "pause", symbols))


def _overtake(desk: Desk, commands: set[str], symbols: tuple[Symbol, ...], by: str) -> None:
    """End commands that another has lifted before they had converged: they must not be confirmed later."""
    for waiting in [one for one in desk.waiting if one.command in commands and set(one.symbols) & set(symbols)]:
        desk.waiting.remove(waiting)
        desk.emit(CommandDone(waiting.command_id, ok=False, text=f"lifted by '{by}' before it had converged"))


def _resume(desk: Desk, event: Operator) -> str:
    if desk.latches.kill:
        raise NotSafe("killed: 'gridbot reset kill' comes first")
    if desk.tiers.halted:
        raise NotSafe("halted by drawdown: 'gridbot reset drawdown' comes first")
    symbols = _chosen(desk, event.symbol)
    _overtake(desk, {"pause", "flatten"}, symbols, "resume")
    for symbol in symbols:
        desk.latch("paused", symbol, "")
        desk.latch("flatten", symbol, "")
    free = [symbol for symbol in symbols if not desk.latches.blocks(symbol)]
    return "; ".join([*([f"running: {', '.join(free)}"] if free else []), *_still(desk, symbols)])


_STILL = {
    "kill": "killed ('gridbot reset kill')",
    "shutdown": "being stopped",
    "flatten": "being flattened",
    "stop_latched": "latched by the stop ('gridbot reset stop --symbol S')",
    "paused": "paused ('gridbot resume')",
}


def _still(desk: Desk, symbols: tuple[Symbol, ...]) -> list[str]:
    """What else keeps symbols from trading: whoever lifts one latch must not believe that it was the last."""
    if desk.tiers.halted:
        return ["still halted by drawdown ('gridbot reset drawdown')"]
    by = {symbol: _STILL.get(desk.latches.blocks(symbol), "") for symbol in symbols}
    return [
        f"still {words}: {', '.join(symbol for symbol in symbols if by[symbol] == words)}"
        for words in _STILL.values()
        if words in by.values()
    ]


def _flatten(desk: Desk, event: Operator) -> None:
    symbols = _chosen(desk, event.symbol)
    for symbol in symbols:
        desk.latch("paused", symbol, "operator")
        desk.latch("flatten", symbol, "operator")
    desk.waiting.append(Waiting(event.command_id, "flatten", symbols))


def _stop(desk: Desk, event: Operator) -> None:
    keep = event.args.get("keep_positions") == "true"
    desk.latch("shutdown", "", "keep" if keep else "flatten")


def _kill(desk: Desk, event: Operator) -> None:
    desk.latch("kill", "", event.args.get("by") or "operator")
    desk.waiting.append(Waiting(event.command_id, "kill", tuple(desk.symbols)))


def _reset(desk: Desk, event: Operator) -> str:
    what, before = event.args.get("what", ""), desk.latches.state()
    if what == "kill":
        _overtake(desk, {"kill"}, tuple(desk.symbols), "reset kill")
        desk.latch("kill", "", "")
        if desk.latches.state() == before:
            return "no kill is latched"
        still = _still(desk, tuple(desk.symbols)) or ["trading goes on"]
        return "; ".join(["kill latch cleared", *still])
    if what == "drawdown":
        equity = desk.ledger.equity_quick()
        if equity is None:
            raise NotSafe("equity is unknown, so drawdown cannot be measured anew; wait for prices")
        desk.ledger.sample(desk.now)  # what happened since the last mark belongs to the drawdown that ends here
        desk.ledger.capital.rebase(0.0)
        desk.tiers.reset(float(desk.ledger.capital.nav))
        desk.emit(ModeFact(desk.now, "tier", "", "0"))
        watch.write_drawdown(desk)
        breaking.forget_losses(desk)
        watch.say_tier(desk)
        desk.touch_all()
        planning.renew_all(desk)
        said = f"drawdown is measured anew from {plain(equity)} {desk.config.quote}"
        return "; ".join([said, *_still(desk, tuple(desk.symbols))])
    if what == "stop":
        symbols = _chosen(desk, event.symbol)
        for symbol in symbols:
            desk.latch("stopped", symbol, "")
        if desk.latches.state() == before:
            return "no stop is latched there"
        return "; ".join(["stop latch cleared", *_still(desk, symbols)])
    if what == "breakers":
        names = breaking.reset(desk)
        return f"closed: {', '.join(names)}; one whose cause goes on opens again" if names else "no breaker is open"
    raise CommandRefused(f"'{what}' cannot be reset; drawdown, kill, stop and breakers can")


def _learning(desk: Desk, event: Operator) -> str:
    action, strategy = event.args.get("action", ""), desk.strategy
    if action == "freeze":
        strategy.freeze()
        desk.emit(ModeFact(desk.now, "learning_frozen", "", "1"))
        return "weights are frozen; shadows and evidence go on"
    if action == "thaw":
        strategy.thaw()
        desk.emit(ModeFact(desk.now, "learning_frozen", "", ""))
        return "weights may move again from the next day on"
    change = _weights_change(desk, action, event.args)
    planning.weights_changed(desk, change)
    w = change.weights
    return f"weights are UP {w.up:.3f}, DOWN {w.down:.3f}, NEUTRAL {w.neutral:.3f} from the next decision on"


def _weights_change(desk: Desk, action: str, args: dict[str, str]) -> WeightsChange:
    try:
        if action == "reset":
            return desk.strategy.reset(desk.now)
        if action == "rollback":
            return desk.strategy.rollback(int(args.get("version", "")), desk.now)
        if action == "set":
            up, down, neutral = (float(args.get(name, "")) for name in ("up", "down", "neutral"))
            return desk.strategy.set_weights(Weights(up, down, neutral), desk.now)
    except (ValueError, KeyError) as wrong:
        raise CommandRefused(f"learning {action}: {wrong}") from wrong
    raise CommandRefused(f"learning has no '{action}'; freeze, thaw, reset, rollback and set it has")


_HANDLERS = {
    "pause": _pause,
    "resume": _resume,
    "flatten": _flatten,
    "stop": _stop,
    "kill": _kill,
    "reset": _reset,
    "learning": _learning,
}
