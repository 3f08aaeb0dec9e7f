"""Orders a second through engine and simulated exchange: pause takes a ladder of 40 away, resume puts it back.

Counted is an order's whole life: intent, the gate's last look, the exchange's checks and its answer, later its cancel
and the end of it. Nothing is stored. The clock stands still inside a cycle and goes on a quarter of an hour between.
"""

import statistics
from time import perf_counter, process_time

from msgspec import structs

from gridbot_tui.engine.actions import Action, PlaceOrder
from gridbot_tui.engine.events import Event, Operator
from gridbot_tui.units import DAY, MINUTE
from tests.bench.engine import SLOTS, Rig
from tests.bench.report import Report

CYCLES = 40
EXPECTED = 10_000


def run(report: Report) -> None:
    """Print orders a second with 1 and with 50 symbols."""
    report.title(f"orders through engine and simulated exchange, {SLOTS} slots a symbol")
    for symbols in (1, 50):
        cycled(report, symbols)


def cycled(report: Report, symbols: int) -> None:
    """Take all ladders away and put them back, many times."""
    rig = Rig(symbols, 1)
    rig.run()
    desk = rig.engine.desk
    desk.config = structs.replace(desk.config, stale_after=365 * DAY)  # the market stands still while we measure
    sent = 0
    handle = rig.engine.handle

    def counted(event: Event) -> list[Action]:
        nonlocal sent
        actions = handle(event)
        sent += sum(1 for action in actions if type(action) is PlaceOrder)
        return actions

    rig.engine.handle = counted  # type: ignore[method-assign]
    elapsed, worked = [], []
    at = rig.world.now
    for cycle in range(max(4, CYCLES // symbols)):
        before, began, spent = sent, perf_counter(), process_time()
        for command in ("pause", "resume"):
            at += 15 * MINUTE
            rig.world.now = at
            rig.bot.operator(Operator(at, f"{command}-{cycle}", command))
            settle(rig)
        if sent > before:
            elapsed.append((perf_counter() - began) / (sent - before))
            worked.append((process_time() - spent) / (sent - before))
    name = f"{symbols} symbol{'s' if symbols > 1 else ''}"
    report.figure(f"{name}, orders placed and cancelled", 1 / statistics.median(elapsed), "orders/s", above=EXPECTED)
    report.figure(f"{name}, the same on the processor", 1 / statistics.median(worked), "orders/s")
    report.say(f"{sent:,} orders")


def settle(rig: Rig) -> None:
    """Let everything that was sent arrive, and everything that came back be heard."""
    while (incoming := rig.world.next(until=rig.world.now)) is not None:
        rig.bot.receive(incoming)
