"""The promises, seen from outside: the exchange's own books against what the bot sends, says and leaves standing.

Checks at a request look at that request (`at_send`); checks of a state look every few seconds (`standing`,
`money`) and mind how long something has been wrong while the line worked.
"""

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from gridbot_tui.engine.actions import CommandDone, Fact, FillFact, IntentFact, OrderFact
from gridbot_tui.engine.events import BarsClosed, CashKind, OrderReport, Outcome
from gridbot_tui.engine.invariants import violations
from gridbot_tui.exchange.port import AskBars, Cancel, Incoming, Place, Reply, Request
from gridbot_tui.exchange.simulated.records import AccountUpdate, Execution, Order, OrderUpdate, Update
from gridbot_tui.orders.ids import parse
from gridbot_tui.research.simulation import at_send, money, standing
from gridbot_tui.units import ClientId, Ms, Symbol

if TYPE_CHECKING:
    from gridbot_tui.research.simulation.process import Process
    from gridbot_tui.research.simulation.simulation import Simulation

_ENDS: Final = (Outcome.FILLED, Outcome.CANCELED, Outcome.EXPIRED)
_STANDS: Final = (Outcome.ACCEPTED, Outcome.PARTLY_FILLED)

INSIDE_EVERY: Final = 16
"""Events between two looks at the engine's own list of invariants."""


class Judge:
    """What an outside observer knows of one seed, and the verdict."""

    def __init__(self, sim: "Simulation") -> None:
        self.sim = sim
        self.found: list[tuple[str, str]] = []
        """(invariant, detail) of the first violation; the run ends with it."""
        self.healthy_since: Ms = 0
        """Since when nothing has kept the bot from doing what it must."""
        self.ages: dict[tuple[str, str], Ms] = {}
        """Since when something is wrong."""
        self.marks: dict[Symbol, tuple[int, Ms]] = {}
        """Mark price and time of the latest bar that the bot heard of."""
        self.touched: set[Symbol] = set()
        """Symbols whose position others than the bot have changed."""
        self.external_steps: Counter[Symbol] = Counter()
        self.accepted: Counter[ClientId] = Counter()
        """How often the exchange accepted an order of ours with an id."""
        self.intents: set[ClientId] = set()
        """Intents that are durable, or may wait for a failing disk."""
        self.places: Counter[ClientId] = Counter()
        self.ended: set[ClientId] = set()
        """Orders of which the bot wrote down in this life that they ended."""
        self.booked: set[tuple[Symbol, str]] = set()
        """Fills that the bot wrote down."""
        self.given: dict[str, tuple[str, str, dict[str, str]]] = {}
        self.paused: set[Symbol] = set()
        """Symbols whose pause was confirmed and not lifted since."""
        self.killed = False
        self.unwritten: list[tuple[str, tuple[Symbol, ...]]] = []
        """Commands confirmed while the disk took nothing: they lower risk at once, and a kill may lose them."""
        self.halt_due = 0
        """Bars in a row, heard by the bot, with a drawdown beyond tier 3 and some."""
        self.halt_counted: Ms = 0
        self.nav = money.Nav(sim.scenario.wallet)
        self.max_sent = 0.0
        self.max_observed = 0.0
        self.checked = 0
        self.unchecked = 0
        self.duplicates = 0
        self.orphans = 0
        self.lost_fills = 0
        self.residual_max = 0.0
        self.residual_end = 0.0
        self.tiers: set[int] = set()
        self.protected_before: dict[Symbol, bool] = {}
        self._counted = 0
        self._asked_bars: dict[int, Symbol] = {}

    # -- verdict ----------------------------------------------------------------------------------------------

    def violated(self, name: str, detail: str) -> None:
        """A promise is broken: the seed ends here."""
        from gridbot_tui.research.simulation.simulation import Violated

        self.found.append((name, detail))
        self.sim.history.note(self.sim.world.now, "!", f"VIOLATION {name}: {detail}")
        raise Violated(name)

    def lasting(self, name: str, key: str, wrong: bool, patience: Ms, detail: str) -> None:
        """Something may be wrong for a while, as long as the line works, but not longer."""
        place = (name, key)
        if not wrong:
            self.ages.pop(place, None)
            return
        now = self.sim.world.now
        since = self.ages.setdefault(place, now)
        if now - max(since, self.healthy_since) > patience:
            self.violated(name, f"{detail} for {(now - since) // 1000} s")

    def forget(self, name: str) -> None:
        """What was wrong of a kind is wrong no more, whatever it was about."""
        for place in [place for place in self.ages if place[0] == name]:
            del self.ages[place]

    # -- what the exchange says ------------------------------------------------------------------------------

    def updated(self, updates: list[Update]) -> None:
        """The exchange's own news, before anybody hears of them."""
        for update in updates:
            if isinstance(update, OrderUpdate):
                self._order(update)
                continue
            cash = update.cash if isinstance(update, AccountUpdate) else None
            if cash is not None and cash.kind in (CashKind.TRANSFER, CashKind.INSURANCE):
                self.nav.transfer(cash.asset, cash.amount, self)

    def _order(self, update: OrderUpdate) -> None:
        order, trade = update.order, update.trade
        if update.execution is Execution.NEW and self.ours(order):
            self.accepted[order.client_id] += 1
            if self.accepted[order.client_id] > 1:
                self.duplicates += 1
                self.violated(
                    "one_intent_one_order", f"{order.client_id} was accepted {self.accepted[order.client_id]} times"
                )
        if trade is not None and (order.manual or order.forced):
            self.touched.add(order.symbol)
            self.external_steps[order.symbol] += trade.steps * trade.side

    def ours(self, order: Order) -> bool:
        """True for an order the bot placed."""
        return not order.manual and not order.forced and parse(order.client_id) is not None

    def external(self) -> dict[Symbol, int]:
        """What the operator would have to close by hand to be where the bot is."""
        exchange, process = self.sim.world.exchange, self.sim.process
        if process is None:
            return {}
        found = {}
        for symbol in sorted(self.touched):
            own = process.engine.desk.ledger.book(symbol).own_position
            left = exchange.account.position(symbol) - own
            if left:
                found[symbol] = left
        return found

    # -- what the bot does ------------------------------------------------------------------------------------

    def heard(self, incoming: Incoming) -> None:
        """The bot is about to be told something."""
        if isinstance(incoming, Reply):
            symbol = self._asked_bars.pop(incoming.request_id, None)
            if symbol is not None and incoming.bars:
                last = incoming.bars[-1]
                self._mark(symbol, last.mark_close, last.close_at)
            for position in incoming.account.positions if incoming.account is not None else ():
                if position.mark is not None:
                    self._mark(position.symbol, position.mark, incoming.at)
        elif isinstance(incoming, BarsClosed):
            for symbol, bar in incoming.bars:
                self._mark(symbol, bar.mark_close, incoming.at)
            money.drawdown(self, incoming.at)

    def _mark(self, symbol: Symbol, mark: int, at: Ms) -> None:
        if at > self.marks.get(symbol, (0, 0))[1]:
            self.marks[symbol] = (mark, at)

    def sent(self, request: Request) -> None:
        """A request leaves the bot."""
        if isinstance(request, Place):
            self.places[request.order.client_id] += 1
            at_send.place(self, request.order)
        elif isinstance(request, Cancel):
            at_send.cancel(self, request)
        elif isinstance(request, AskBars):
            self._asked_bars[request.request_id] = request.symbol

    def told(self, facts: Sequence[Fact]) -> None:
        """Facts were written down (or wait for a failing disk)."""
        for fact in facts:
            if isinstance(fact, IntentFact):
                if fact.order.client_id in self.intents:
                    self.violated("one_intent_one_order", f"{fact.order.client_id} was intended twice")
                self.intents.add(fact.order.client_id)
            elif isinstance(fact, OrderFact):
                self._written(fact.report)
            elif isinstance(fact, FillFact):
                money.fill(self, fact)

    def _written(self, report: OrderReport) -> None:
        """What came late of an order that has ended is no news."""
        if report.outcome in _ENDS:
            self.ended.add(report.client_id)
        elif report.outcome in _STANDS and report.client_id in self.ended:
            self.violated("ended_stays_ended", f"{report.client_id} has ended and is taken to be {report.outcome}")

    def ordered(self, command_id: str, kind: str, symbol: Symbol, args: dict[str, str]) -> None:
        """The operator gives a command."""
        self.given[command_id] = (kind, symbol, args)
        if kind == "resume":
            self.paused -= set(self._symbols(symbol))
        elif kind == "reset" and args.get("what") == "kill":
            self.killed = False

    def forgotten(self, command_id: str) -> None:
        """A command could not be journalled and was not carried out."""
        self.given.pop(command_id, None)

    def outcome(self, done: CommandDone) -> None:
        """The bot says that a command has converged."""
        kind, symbol, args = self.given.pop(done.command_id, ("", "", {}))
        if not done.ok:
            return
        if kind == "reset" and args.get("what") == "drawdown":
            self.nav.mark(self.nav.equity(self))
            self.nav.reset()
            self.halt_due = 0
        if kind in ("pause", "flatten"):
            self.paused |= set(self._symbols(symbol))
        elif kind == "kill":
            self.killed = True
        process = self.sim.process
        if kind in ("pause", "flatten", "kill") and process is not None and process.journal.failing:
            self.unwritten.append((kind, self._symbols(symbol)))
        if kind in ("flatten", "kill"):
            standing.flat_as_said(self, kind, self._symbols(symbol))

    def _symbols(self, symbol: Symbol) -> tuple[Symbol, ...]:
        return (symbol,) if symbol else self.sim.scenario.symbols

    def reloaded(self, text: str, *, ok: bool) -> None:
        """A config text was offered."""
        if ok and text == self.sim.scenario.edits[-1]:
            self.violated("bad_config_refused", "a config out of range was applied")

    # -- looking ------------------------------------------------------------------------------------------------

    def begins(self) -> None:
        """A life begins."""
        self._asked_bars.clear()
        self.ended.clear()  # what a failing disk never took is not known to the next life
        standing.remember_protection(self)

    def gone(self) -> None:
        """A life ended; its commands will not be answered."""
        if any(args.get("what") == "drawdown" for _, _, args in self.given.values()):
            self.nav.unsure = True  # nobody can say whether it was reset before the process died,
            self.halt_due = 0  # nor whether the halt that was due is still
        self.given.clear()
        for kind, symbols in self.unwritten:
            self.killed = self.killed and kind != "kill"
            self.paused -= set(symbols)
        self.unwritten.clear()
        self.healthy_since = self.sim.world.now

    def recovered(self, process: "Process") -> None:
        """A life has recovered."""
        self.healthy_since = self.sim.world.now
        money.first_mark(self, process)
        if process.audit.problem:
            self.violated("audit_trail_whole", process.audit.problem)

    def after_event(self) -> None:
        """After every event: the engine's own list of invariants, now and then."""
        self._counted += 1
        if self.unwritten and self.sim.process is not None and not self.sim.process.journal.failing:
            self.unwritten.clear()
        if self._counted % INSIDE_EVERY == 0:
            self.inside()

    def inside(self) -> None:
        """The engine's own named checks."""
        process = self.sim.process
        if process is None or not process.bot.recovered or process.engine.desk.dirty:
            return
        for found in violations(process.engine.desk):
            self.violated(found.name, found.detail)

    def look(self) -> None:
        """Every few seconds: everything that stands, and the money."""
        sim, process = self.sim, self.sim.process
        now = sim.world.now
        if process is None or not process.bot.recovered or sim.trouble.troubled(now) or sim.disk.failing:
            self.healthy_since = now
        if now < max(sim.silent_market_until, sim.hole_until, sim.slow_until, sim.stalled_until):
            self.healthy_since = now
        if process is None or not process.bot.recovered:
            return
        self.tiers.add(process.engine.desk.tiers.tier)
        standing.look(self, process)
        money.look(self, process)

    @property
    def agreed(self) -> bool:
        """True where the bot has heard of everything that moved the account."""
        process = self.sim.process
        return process is not None and money.agreed(self, process)
