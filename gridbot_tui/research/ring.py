"""The ring of engine and simulated exchange, driven directly: no queue, socket, thread or disk.

The same engine, the same exchange and the same order of things as in a replay by the service; what is left
out is what waits and writes. Bars in which nothing can happen are passed over in one step (``engine.quiet``).
"""

import contextlib
import gc
from collections.abc import Iterator

from msgspec import Struct

from gridbot_tui.engine.actions import (
    Action,
    AskAboutOrder,
    CancelOrder,
    Fact,
    PlaceOrder,
    RequestResync,
)
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import BarsClosed, Event, Operator
from gridbot_tui.engine.quiet import Columns, Quiet
from gridbot_tui.exchange.port import Cancel, Place, Reply, SetLeverage
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.cursor import Cursor, Run
from gridbot_tui.research.tape import Tape
from gridbot_tui.service.dialog import Dialogs
from gridbot_tui.service.truth import StepTime, Truth
from gridbot_tui.units import HOUR, ClientId, Market, Ms, Symbol


class RingFailed(Exception):
    """The run could not go on; the message says why."""


class Spent(Struct):
    """How the bars of a run were handled."""

    passed_over: int = 0
    one_by_one: int = 0


class Ring:
    """One run over one market."""

    def __init__(self, engine: Engine, world: World, cursor: Cursor | None = None) -> None:
        """``cursor`` is the World's own source, where bars may be passed over; None drives every bar."""
        self.engine = engine
        self.world = world
        self.tape = Tape(engine)
        self.spent = Spent()
        self.start: Ms = world.now
        self._cursor = cursor
        self._quiet = Quiet(engine.desk)
        self._dialogs = Dialogs(world.send)
        self._truth = Truth(engine.symbols, engine, self._feed, self._dialogs.new_id, lambda: engine.now)
        self._inbox: list[Event] = []
        self._handling = False
        self._asking: set[ClientId] = set()
        self._failure = ""

    def run(self, until: Ms | None = None) -> None:
        """Play the market to its end, or up to a time. Raises RingFailed."""
        if not self.engine.now:
            self._begin()
        with _seldom_collecting():
            self._play(until)

    def _play(self, until: Ms | None) -> None:
        world, cursor = self.world, self._cursor
        while True:
            if cursor is not None and self._skip(cursor, until):
                continue
            incoming = world.next(until)
            if incoming is None:
                return
            if isinstance(incoming, Reply):
                self._dialogs.reply(incoming)
            else:
                self._feed(incoming)
                if type(incoming) is BarsClosed:
                    self.spent.one_by_one += len(incoming.bars)
                    if incoming.at % HOUR == 0:
                        self.tape.curve.sample(self.engine)
            if self._failure:
                raise RingFailed(self._failure)

    def order(self, event: Operator) -> None:
        """Let an operator's command in, as the service would."""
        self._feed(event)

    def _begin(self) -> None:
        engine, world = self.engine, self.world
        if engine.desk.config.market is Market.FUTURES:
            for symbol in engine.symbols:
                world.send(SetLeverage(symbol, int(engine.desk.config.risk.leverage_hard)))
        engine.begin_recovery(world.now)
        self._dialogs.start(self._truth.recover(), self._recovered, world.now)

    def _recovered(self, steps: list[StepTime] | None, error: Exception | None) -> None:
        if steps is None:
            self._failure = f"the books could not be opened: {error}"

    # -- events in, requests out -----------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        """Handle an event, behind the one being handled: dialogs feed from inside a reply."""
        self._inbox.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._inbox:
                for action in self.engine.handle(self._inbox.pop(0)):
                    self._act(action)
        finally:
            self._handling = False

    def _act(self, action: Action) -> None:
        kind = type(action)
        if kind is PlaceOrder:
            self.world.send(Place(action.order))  # type: ignore[attr-defined]
        elif isinstance(action, Fact):
            self.tape.take(action)
        elif isinstance(action, CancelOrder):
            self.world.send(Cancel(action.symbol, action.client_id, action.conditional))
        elif isinstance(action, AskAboutOrder):
            self._ask_about(action)
        elif isinstance(action, RequestResync):
            self._dialogs.start(self._truth.reconcile(), lambda *_: None, self.engine.now)

    def _ask_about(self, action: AskAboutOrder) -> None:
        if action.client_id in self._asking:
            return
        self._asking.add(action.client_id)
        dialog = self._truth.one_order(action.symbol, action.client_id, action.conditional)
        self._dialogs.start(dialog, lambda *_: self._asking.discard(action.client_id), self.engine.now)

    # -- bars that concern nobody ----------------------------------------------------------------------------

    def _skip(self, cursor: Cursor, until: Ms | None) -> bool:
        """Pass over the bars that come next and concern nobody; False where there is none."""
        world, quiet = self.world, self._quiet
        if not world.plain or not quiet.idle() or self._dialogs.busy:
            return False
        at, interval = world.now, cursor.interval
        limit = quiet.last_bar(at)
        count, runs = cursor.ahead(at, limit if until is None else min(limit, until))
        if not count or not all(quiet.ready(name, at, name in runs) for name in self.engine.symbols):
            return False
        for symbol, run in runs.items():
            count = self._undisturbed(symbol, run, count)
            if not count:
                return False
        count = quiet.mark({symbol: run.mark[:count] for symbol, run in runs.items()}, at, interval)
        if not count:
            return False
        for symbol, run in runs.items():
            quiet.pass_over(symbol, _columns(run, count), at, interval)
        self.spent.passed_over += count * len(runs)
        cursor.seek(at + count * interval)
        closes = {symbol: (run.close[count - 1], run.mark[count - 1]) for symbol, run in runs.items()}
        world.skip(at + count * interval, closes)
        return True

    def _undisturbed(self, symbol: Symbol, run: Run, count: int) -> int:
        """How many of the first ``count`` bars touch neither an order, nor a watched price, nor a shadow."""
        venue = self.world.exchange.venues[symbol]
        below, above = self._quiet.bounds(symbol)
        tick = venue.instrument.tick_f
        low, high = run.low[:count], run.high[:count]
        mark_low, mark_high = run.mark_low[:count], run.mark_high[:count]
        buy, sell = venue.next_buy, venue.next_sell
        watch_low, watch_high = venue.mark_low_watch, venue.mark_high_watch
        lowest, highest = min(low), max(high)
        if (
            lowest >= buy
            and highest <= sell
            and lowest * tick >= below
            and highest * tick <= above
            and min(mark_low) > watch_low
            and max(mark_high) < watch_high
        ):
            return count
        for i in range(count):
            if (
                low[i] < buy
                or high[i] > sell
                or low[i] * tick < below
                or high[i] * tick > above
                or mark_low[i] <= watch_low
                or mark_high[i] >= watch_high
            ):
                return i
        return count


@contextlib.contextmanager
def _seldom_collecting() -> Iterator[None]:
    """Look for reference cycles seldom: a run keeps much and makes few, and each search walks all that is kept."""
    before = gc.get_threshold()
    gc.set_threshold(100_000, 50, 100)
    try:
        yield
    finally:
        gc.set_threshold(*before)


def _columns(run: Run, count: int) -> Columns:
    return Columns(
        run.open[:count],
        run.high[:count],
        run.low[:count],
        run.close[:count],
        run.volume[:count],
        run.mark[:count],
    )
