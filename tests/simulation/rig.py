"""A bot on a simulated exchange, stepped event by event, with everything checked that can be checked."""

import copy
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gridbot_tui.engine.actions import (
    Action,
    CommandDone,
    DecisionFact,
    EquityFact,
    Fact,
    IntentFact,
    PlanFact,
    StartFact,
)
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import Event, Operator, Tick
from gridbot_tui.engine.invariants import of_actions, violations
from gridbot_tui.exchange.port import Incoming
from gridbot_tui.exchange.simulated.config import AccountConfig
from gridbot_tui.exchange.simulated.params import ExchangeParams
from gridbot_tui.exchange.simulated.world import World
from gridbot_tui.market.source import MarketSource
from gridbot_tui.ops.log import get_logger
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.orders.params import OrderParams
from gridbot_tui.risk.params import RiskParams
from gridbot_tui.service.books.saving import SNAPSHOT_AFTER
from gridbot_tui.service.books.telling import Level
from gridbot_tui.service.bot import Bot
from gridbot_tui.store import codec
from gridbot_tui.strategy.params import LadderParams, StrategyParams
from gridbot_tui.units import HOUR, MINUTE, Market, Ms, Symbol
from tests.simulation.outside import outside

D = Decimal


def config(market: Market, symbols: Sequence[Symbol], **changes: Any) -> EngineConfig:
    """The defaults for some symbols, equally shared."""
    fees = ExchangeParams()
    futures = market is Market.FUTURES
    fields: dict[str, Any] = {
        "version": 1,
        "market": market,
        "quote": "USDT",
        "bot": "gb",
        "account": "t",
        "shares": {name: 1.0 / len(symbols) for name in symbols},
        "capital": None,
        "strategy": StrategyParams(),
        "ladder": LadderParams(),
        "ladders": {},
        "orders": OrderParams(),
        "risk": RiskParams(),
        "maker_fee": fees.futures_maker if futures else fees.spot_maker,
        "taker_fee": fees.futures_taker if futures else fees.spot_taker,
        "equity_every": 15 * MINUTE,
        "stale_after": 2 * HOUR,
    }
    return EngineConfig(**{**fields, **changes})


_TICK = 2  # as the world files its ticks
IDLE_LOOKS = 8
"""Seconds in which nothing happens are most of a life: of those, one in so many is looked at."""


class Killed(BaseException):
    """The process dies here."""


class Memory:
    """A journal in memory: facts as they would be stored, snapshots when the real journal takes them."""

    def __init__(self, state_every: Ms = HOUR) -> None:
        self.bodies: list[bytes] = []
        self.blob: tuple[int, bytes] | None = None
        self.state_at: Ms | None = None
        self.state_every = state_every
        self.encode_state: Callable[[], bytes] | None = None
        self.commits = 0
        self.kill_at: Callable[[int, bool], bool] = lambda commit, sent: False
        """Asked with the number of the commit, after it (False) and after its requests left (True)."""
        self.intents: set[str] = set()
        self.repeated: list[str] = []
        self.last: Sequence[Fact] = ()
        self.notes: deque[DecisionFact] = deque(maxlen=5000)
        self.failing = ""

    def commit(self, facts: Sequence[Fact], then: Callable[[], None]) -> None:
        """Durable first, then the rest."""
        self.last = facts
        for fact in facts:
            self.bodies.append(codec.encode(fact))
            if isinstance(fact, IntentFact):
                if fact.order.client_id in self.intents:
                    self.repeated.append(fact.order.client_id)
                self.intents.add(fact.order.client_id)
            elif isinstance(fact, DecisionFact):
                self.notes.append(fact)
        if facts and self._due(facts) and self.encode_state is not None:
            self.blob = len(self.bodies), self.encode_state()
            self.state_at = facts[-1].at
        self.commits += bool(facts)
        if facts and self.kill_at(self.commits, False):
            raise Killed
        then()
        if facts and self.kill_at(self.commits, True):
            raise Killed

    @property
    def kept(self) -> bool:
        """All of it, at once."""
        return True

    def may_send(self, order: NewOrder) -> bool:
        """A disk that never fails."""
        return True

    def report(self, at: Ms, level: Level, code: str, text: str) -> None:
        """Nothing here."""

    def flush(self) -> None:
        """Everything is in memory."""

    def _due(self, facts: Sequence[Fact]) -> bool:
        if self.state_at is None or facts[-1].at - self.state_at >= self.state_every:
            return any(isinstance(fact, PlanFact | EquityFact | StartFact) for fact in facts)
        return any(isinstance(fact, SNAPSHOT_AFTER) for fact in facts)

    def operator(self, at: Ms, kind: str, body: Mapping[str, object]) -> None:
        """Nothing here."""

    def restore(self, engine: Engine) -> None:
        """Rebuild the engine as a new process would."""
        seq = 0
        if self.blob is not None:
            seq, blob = self.blob
            engine.restore(blob)
        for body in self.bodies[seq:]:
            engine.apply(codec.decode(body))


class Rig:
    """One bot, one world. ``step`` takes the next thing that happens and checks all of it after (``IDLE_LOOKS``)."""

    def __init__(
        self,
        source: MarketSource,
        *,
        market: Market = Market.FUTURES,
        capital: int | str = 10_000,
        engine: EngineConfig | None = None,
        exchange: ExchangeParams | None = None,
        check: bool = True,
        state_every: Ms = HOUR,
        reconcile_every: Ms = HOUR,
        tick_every: Ms | None = None,
        **world: Any,
    ) -> None:
        self.config = engine or config(market, tuple(source.instruments))
        self.source = source
        account = AccountConfig(market, {"USDT": D(capital)}, exchange or ExchangeParams())
        self.world = World(source, account, **world)
        if tick_every is not None:  # from when trading begins: before, nothing is sent that would be waited for
            self.world._tick_every = tick_every
            self.world._push(getattr(source, "trading_from", self.world.now), _TICK, None)
        self.memory = Memory(state_every)
        self.checking = check
        self.reconcile_every = reconcile_every
        self.patience: Ms = 0
        self._ailing: dict[str, Ms] = {}
        self.looks = 0
        """How often the books could be compared: everything was quiet."""
        self.done: list[CommandDone] = []
        self.problems: list[str] = []
        self.restarts = 0
        self.commands = 0
        self.steps = 0
        self.actions: list[Action] = []
        """Of the latest event."""
        self._idle = 0
        """Ticks on end of which nothing came."""
        self._build()
        self.bot.start(self.world.now)

    def _build(self) -> None:
        self.engine = Engine(self.config, self.world.instruments)
        self.memory.encode_state = self.engine.encode_state
        handle = self.engine.handle

        def watched(event: Event) -> list[Action]:
            self.actions = handle(event)
            self._idle = self._idle + 1 if isinstance(event, Tick) and not self.actions else 0
            if self._looking:
                self._inside()
            return self.actions

        self.engine.handle = watched  # type: ignore[method-assign]
        self.bot = Bot(
            self.engine,
            self.world,
            self.memory,
            get_logger("simulation"),
            reconcile_every=self.reconcile_every,
            stage_budget=10 * MINUTE,
            on_command_done=self.done.append,
        )

    # -- time ---------------------------------------------------------------------------------------------

    def step(self) -> Incoming | None:
        """The next thing that happens, handled and checked; None at the end of the market."""
        incoming = self.world.next()
        if incoming is None:
            return None
        self.steps += 1
        self._idle = self._idle if isinstance(incoming, Tick) else 0
        try:
            self.bot.receive(incoming)
        except Killed:
            self.restart()
            return incoming
        if self.bot.failure:
            self._problem("bot", self.bot.failure)
        if self._looking:
            self.look()
        return incoming

    def run(self, until: Ms | None = None, each: Callable[[], None] | None = None) -> None:
        """Step to a moment, to the end of the market, or to a shutdown's report."""
        while self.bot.report is None:
            due = self.world.peek_time()
            if due is None or (until is not None and due > until):
                return
            if self.step() is None:
                return
            if each is not None:
                each()

    def settle(self) -> None:
        """Everything that happens without time moving on."""
        while self.world._ready or self.world._inbox:
            if self.step() is None:
                return

    # -- the operator -----------------------------------------------------------------------------------------

    def order(self, command: str, symbol: Symbol = "", **args: str) -> str:
        """Give a command; its id."""
        self.commands += 1
        command_id = f"c{self.commands}"
        try:
            self.bot.operator(Operator(self.engine.now, command_id, command, symbol, args))
        except Killed:
            self.restart()
        return command_id

    def stop(self, *, keep: bool = False) -> None:
        """The graceful shutdown, as the session asks for it."""
        self.order("stop", keep_positions="true" if keep else "false")
        self.bot.begin_shutdown(self.engine.now, keep_positions=keep)

    def outcome(self, command_id: str) -> CommandDone | None:
        """What became of a command."""
        return next((done for done in self.done if done.command_id == command_id), None)

    # -- death and resurrection --------------------------------------------------------------------------------

    def restart(self, *, lose_sent: bool = False) -> None:
        """Another process on the same store and the same exchange; nothing sent to the old one arrives."""
        if lose_sent:
            self.world._inbox.clear()
            self.world._heap = [item for item in self.world._heap if item[2] != 0]
        self.world.hang_up()
        self.restarts += 1
        kill_at, self.memory.kill_at = self.memory.kill_at, lambda commit, sent: False
        self._build()
        self.memory.restore(self.engine)
        self.memory.kill_at = kill_at
        try:
            self.bot.start(self.world.now)
        except Killed:
            self.restart(lose_sent=lose_sent)

    def fork(self) -> "Rig":
        """The same world and store, to go on separately; the bot is rebuilt from its store."""
        other = copy.copy(self)
        world = copy.copy(self.world)
        memo = {id(self.world.source): self.world.source, id(self.world._batches): None}
        for name in ("exchange", "_heap", "_ready", "_inbox", "_notes", "_latency", "_faults"):
            setattr(world, name, copy.deepcopy(getattr(self.world, name), memo))
        world._batches = self.source.batches(world._bar_at)
        world._batch = next(world._batches, None)
        world._listeners = []
        world.owner = type(world.owner)(world._act)
        other.world = world
        other.memory = copy.copy(self.memory)
        other.memory.bodies = list(self.memory.bodies)
        other.memory.intents = set(self.memory.intents)
        other.memory.repeated = list(self.memory.repeated)
        other.done, other.problems, other.actions = list(self.done), [], []
        return other

    # -- checks -------------------------------------------------------------------------------------------------

    @property
    def _looking(self) -> bool:
        return self.checking and self._idle % IDLE_LOOKS == 0

    @property
    def quiet(self) -> bool:
        """Nothing is on its way anywhere and the bot waits for nothing but time."""
        world = self.world
        moving = world._ready or world._inbox or any(item[2] != _TICK for item in world._heap)
        return not moving and not self.bot.dialogs.busy and self.bot.recovered

    def look(self) -> None:
        """Check the books of the exchange against those of the bot; a fault may take ``patience`` to heal."""
        now = self.world.now
        found = outside(self)
        if self.quiet or self.patience == 0:
            self._ailing = {key: at for key, at in self._ailing.items() if key in found}
        for key, said in found.items():
            since = self._ailing.setdefault(key, now)
            if now - since >= self.patience:
                self._problem(key, said)

    def _inside(self) -> None:
        desk = self.engine.desk
        for found in of_actions(desk, self.actions):
            self._problem(found.name, found.detail)
        for found in violations(desk):
            self._problem(found.name, found.detail)
        if self.memory.repeated:
            self._problem("one_intent", f"intended again: {self.memory.repeated}")
            self.memory.repeated = []

    def _problem(self, name: str, detail: str) -> None:
        self.problems.append(f"{self.engine.now} {name}: {detail}")
