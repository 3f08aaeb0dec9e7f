"""The ring of engine and simulated exchange, driven directly: no queue, socket, thread or disk.

The same engine, the same exchange and the same order of things as in a replay by the service; what is left
out is what waits and writes. Bars in which nothing can happen are passed over in one step (``engine.quiet``).
"""

from collections.abc import Callable

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
from gridbot_tui.exchange.port import Cancel, Place, Reply, SetLeverage
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.source import Foreseen
from gridbot_tui.ops.collecting import seldom_collecting
from gridbot_tui.research.tape import Tape
from gridbot_tui.service.ahead import Ahead
from gridbot_tui.service.dialogs.dialog import Dialogs
from gridbot_tui.service.dialogs.truth import StepTime, Truth
from gridbot_tui.units import HOUR, ClientId, Market, Ms


class RingFailed(Exception):
    """The run could not go on; the message says why."""


class Spent(Struct):
    """How the bars of a run were handled."""

    passed_over: int = 0
    one_by_one: int = 0


class Ring:
    """One run over one market."""

    def __init__(self, engine: Engine, world: World, source: Foreseen | None = None) -> None:
        """``source`` is the World's own, where bars may be passed over; None drives every bar."""
        self.engine = engine
        self.world = world
        self.tape = Tape(engine)
        self.spent = Spent()
        self.start: Ms = world.now
        self._dialogs = Dialogs(world.send)
        self._ahead = None if source is None else Ahead(engine, world, source, self._dialogs)
        self._truth = Truth(engine.symbols, engine, self._feed, self._dialogs.new_id, lambda: engine.now)
        self._inbox: list[Event] = []
        self._handling = False
        self._asking: set[ClientId] = set()
        self._failure = ""
        self.hourly: Callable[[Ms], None] | None = None
        """Told every hour of the market that has been played."""

    def run(self, until: Ms | None = None) -> None:
        """Play the market to its end, or up to a time. Raises RingFailed."""
        if not self.engine.now:
            self._begin()
        with seldom_collecting():
            self._play(until)

    def _play(self, until: Ms | None) -> None:
        world, ahead = self.world, self._ahead
        while True:
            if ahead is not None and (passed := ahead.skip(until)):
                self.spent.passed_over += passed
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
                        if self.hourly is not None:
                            self.hourly(incoming.at)
            if self._failure:
                raise RingFailed(self._failure)

    def order(self, event: Operator) -> None:
        """Let an operator's command in, as the service would."""
        self._feed(event)

    def _begin(self) -> None:
        engine, world = self.engine, self.world
        if engine.desk.config.market is Market.FUTURES:
            for symbol in engine.symbols:
                world.send(SetLeverage(symbol, engine.desk.config.risk.exchange_leverage))
        engine.begin_recovery(world.now)
        self._dialogs.start(self._truth.recover(), self._recovered, world.now)

    def _recovered(self, steps: list[StepTime] | None, error: Exception | None) -> None:
        if steps is None:
            self._failure = f"the books could not be opened: {error}"

    # -- events in, requests out -----------------------------------------------------------------------------

    def _feed(self, event: Event) -> None:
        """Handle an event, behind the one being handled: dialogs feed from inside a reply."""
        if self._handling:
            self._inbox.append(event)
            return
        self._handling = True
        try:
            self._act(self.engine.handle(event))
            while self._inbox:
                self._act(self.engine.handle(self._inbox.pop(0)))
        finally:
            self._handling = False

    def _act(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Fact):
                self.tape.take(action)
            elif isinstance(action, PlaceOrder):
                self.world.send(Place(action.order))
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
