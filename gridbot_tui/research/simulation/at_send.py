"""What is checked the moment a request leaves the bot, from the books of the exchange."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from gridbot_tui.exchange.port import Cancel, Place
from gridbot_tui.orders.ids import parse
from gridbot_tui.orders.model import NewOrder, Purpose
from gridbot_tui.store.pending import reduces
from gridbot_tui.units import Market, Side, Symbol

if TYPE_CHECKING:
    from gridbot_tui.research.simulation.judge import Judge

SLACK: Final = 1.0 + 1e-6
STALE_SLACK: Final = 10_000


def place(judge: "Judge", order: NewOrder) -> None:
    """An order leaves."""
    _intent_first(judge, order)
    _posted_once(judge, order)
    if order.reduce_only or order.close_position:
        return
    if judge.sim.scenario.market is Market.FUTURES and order.purpose is not Purpose.GRID:
        judge.violated("targets_only_reduce", f"{order.client_id} is no grid order and may open a position")
    if not _entry(judge, order):
        return
    if not judge.agreed:
        judge.unchecked += 1  # the bot cannot know yet what has just moved the account
        return
    judge.checked += 1
    _forbidden(judge, order)
    _leverage(judge, order)


def cancel(judge: "Judge", request: Cancel) -> None:
    """A cancel leaves."""
    if parse(request.client_id) is None:
        judge.violated("ours_only", f"a cancel of {request.client_id}, which is not the bot's")


def _intent_first(judge: "Judge", order: NewOrder) -> None:
    process = judge.sim.process
    if process is None:
        return
    row = process.store.connection.execute("SELECT 1 FROM orders WHERE client_id = ?", (order.client_id,)).fetchone()
    if row is not None and not process.store.connection.in_transaction:
        return
    if (judge.sim.disk.failing or process.journal.failing) and reduces(order):
        return  # protection goes out although the disk fails
    judge.violated("intent_first", f"{order.client_id} leaves and the database knows nothing of it")


def _posted_once(judge: "Judge", order: NewOrder) -> None:
    """An id that was sent before may be sent again only where its order never came to stand."""
    if judge.places[order.client_id] > 1:
        judge.duplicates += 1
        judge.violated("one_intent_one_order", f"{order.client_id} is sent again")


def _entry(judge: "Judge", order: NewOrder) -> bool:
    """True where the order could grow the position, as the exchange sees it."""
    position = judge.sim.world.exchange.account.position(order.symbol)
    if judge.sim.scenario.market is Market.SPOT:
        return order.side is Side.BUY
    if position * order.side >= 0:
        return True
    before = sum(steps for _, steps in _standing(judge, order.symbol, order.side, order.client_id))
    return before + order.steps > abs(position)


def _forbidden(judge: "Judge", order: NewOrder) -> None:
    name, symbol = order.client_id, order.symbol
    if symbol in judge.paused:
        judge.violated("paused_stays_paused", f"entry {name} leaves although {symbol} is paused")
    if judge.killed:
        judge.violated("killed_stays_killed", f"entry {name} leaves although the kill was confirmed")
    if judge.halt_due >= 3:
        judge.violated("tier3_halts", f"entry {name} leaves at a drawdown of {100 * judge.nav.drawdown:.1f} %")
    marked = judge.marks.get(symbol)
    from gridbot_tui.research.simulation.process import STALE_AFTER

    now = judge.sim.world.now
    if marked is None or now - marked[1] > STALE_AFTER + STALE_SLACK:
        age = "never seen" if marked is None else f"{(now - marked[1]) // 1000} s old"
        judge.violated("stale_marks_admit_nothing", f"entry {name} leaves, the mark is {age}")


def _leverage(judge: "Judge", order: NewOrder) -> None:
    """The worst case over both sides of every symbol, counted anew: never past the cap."""
    process = judge.sim.process
    if process is None:
        return
    equity = judge.nav.equity(judge)
    total = lost = 0.0
    for symbol in judge.sim.scenario.symbols:
        extra = order if symbol == order.symbol else None
        exposure, loss = worst(judge, symbol, extra)
        total += exposure
        lost += loss
    left = equity - lost
    ratio = total / left if left > 0 else float("inf")
    judge.max_sent = max(judge.max_sent, ratio)
    cap = process.reloader.loaded.settings.risk.leverage_cap
    if judge.sim.scenario.market is Market.SPOT:
        cap = 1.0
    if ratio > cap * SLACK:
        judge.violated(
            "leverage_cap",
            f"{order.client_id} leaves at a worst case of {ratio:.4f}x of {equity:.2f}, the cap is {cap:g}x",
        )


def worst(judge: "Judge", symbol: Symbol, extra: NewOrder | None) -> tuple[float, float]:
    """(exposure, loss) in quote of the worse side if all its orders fill at their own prices."""
    exchange = judge.sim.world.exchange
    unit = exchange.venues[symbol].instrument.unit_f
    position = exchange.account.position(symbol)
    if judge.sim.scenario.market is Market.SPOT:
        position = judge.sim.process.engine.desk.ledger.position(symbol) if judge.sim.process else 0
    mark = judge.marks[symbol][0] if symbol in judge.marks else exchange.venues[symbol].mark
    most, loss = abs(position) * mark * unit, 0.0
    for side in (Side.BUY, Side.SELL):
        orders = list(_standing(judge, symbol, side, "" if extra is None else extra.client_id))
        if extra is not None and extra.side is side and extra.price is not None:
            orders.append((extra.price, extra.steps))
        orders.sort(key=lambda one: -one[0] * side)
        far = min([mark, *(p for p, _ in orders)]) if side is Side.BUY else max([mark, *(p for p, _ in orders)])
        held, value, change = position, 0.0, float(position * (far - mark))
        for price, steps in orders:
            closing = min(steps, max(0, -held * side))
            held += steps * side
            value += price * (steps - closing)
            change += steps * side * (far - price)
        value += max(0, position * side) * mark
        most = max(most, value * unit)
        loss = max(loss, -change * unit)
    return most, 0.0 if judge.sim.scenario.market is Market.SPOT else loss


def _standing(judge: "Judge", symbol: Symbol, side: Side, but: str) -> Iterator[tuple[int, int]]:
    """(price, steps left) of our orders of a side that stand on the exchange or are on their way to it."""
    exchange = judge.sim.world.exchange
    venue = exchange.venues[symbol]
    for order in venue.bids if side is Side.BUY else venue.asks:
        if not order.reduce_only and not order.manual and order.client_id != but:
            yield order.price or 0, order.left
    for request in judge.sim.world.on_its_way():
        if isinstance(request, Place):
            new = request.order
            mine = new.symbol == symbol and new.side is side and new.client_id != but
            if mine and new.price is not None and new.purpose is Purpose.GRID and not new.reduce_only:
                yield new.price, new.steps
