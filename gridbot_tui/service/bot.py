"""One running bot without a loop: what arrives goes in by ``receive``, what must be sent goes out by the port.

Virtual time and real time drive the same object: the runner owns waiting and pacing, the journal owns
durability, and this class owns the order of things: engine first, facts to disk, then requests.
"""

from collections import deque
from collections.abc import Callable, Sequence

from gridbot_tui.engine.actions import (
    Action,
    AskAboutOrder,
    CancelOrder,
    CommandDone,
    Fact,
    PlaceOrder,
    RequestResync,
)
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.events import (
    AccountState,
    BarsClosed,
    Event,
    LinkChanged,
    OpenOrders,
    Operator,
    OrderReport,
    Outcome,
)
from gridbot_tui.exchange.port import Cancel, Incoming, Place, Port, Reply, Request
from gridbot_tui.ops.log import Logger
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.service.books.journal import Journal
from gridbot_tui.service.dialogs.dialog import DialogFailed, Dialogs
from gridbot_tui.service.dialogs.shutdown import STAGE_NAMES, Answered, Report, Shutdown
from gridbot_tui.service.dialogs.truth import Book, StepTime, Truth
from gridbot_tui.units import ClientId, Ms

FIRST_PRICES: Ms = 5_000
"""The first decision waits for the streams' first prices at most so long, where orders would be withdrawn without them:
mark prices come every second or third once they are connected."""
RECONCILE_AGAIN: Ms = 1_000
"""Pause before a reconcile that failed is tried again."""


class Bot:
    """Engine, journal, dialogs and shutdown of one profile, joined."""

    def __init__(
        self,
        engine: Engine,
        port: Port,
        journal: Journal,
        log: Logger,
        *,
        reconcile_every: Ms,
        stage_budget: Ms,
        on_command_done: Callable[[CommandDone], None],
        book: Book | None = None,
        chase: bool = False,
        taken_over: bool = False,
    ) -> None:
        """``book``: what the dialogs go by instead of the engine itself. ``chase``: the exchange is a real one. A
        comparison asked for while one is under way, or before there can be one, follows it: the answers of the first
        may be older than what was to be looked at. And the first decision waits a little for prices, which come by
        streams of their own. ``taken_over``: nobody starts this process again, so it asks its exchange for as long as
        that takes."""
        self.engine = engine
        self.port = port
        self._journal = journal
        self._log = log
        self._reconcile_every = reconcile_every
        self._stage_budget = stage_budget
        self._on_command_done = on_command_done
        self.dialogs = Dialogs(self._send)
        self._truth = Truth(
            tuple(engine.symbols), book or engine, self._feed, self.dialogs.new_id, lambda: engine.now,
            patience=FIRST_PRICES if chase else 0,
        )  # fmt: skip
        self._asking: set[ClientId] = set()
        self._now: Ms = 0
        """Time of what was heard last, which goes back with the clock."""
        self._chase = chase
        self._taken_over = taken_over
        self._reconciling = False
        self._reconcile_again = False
        self._reconciled_at: Ms = 0
        self._inbox: deque[Event] = deque()
        self._handling = False
        self.recovery_steps: list[StepTime] = []
        self.recovered = False
        self._disk_trouble = ""
        """Why the engine was told that the state file takes no writes; "" = it does."""
        self.shutdown: Shutdown | None = None
        self.rehearse: Callable[[BarsClosed], None] | None = None
        """Asked before bars are handled, while a new config is on trial."""
        self.failure: str = ""
        """Why the bot cannot go on; "" while it can."""

    # -- what arrives ---------------------------------------------------------------------------------------

    def start(self, now: Ms) -> None:
        """Begin the recovery; trading starts when its last step is done."""
        self._now = now
        self.engine.begin_recovery(now)
        self._recover()

    def receive(self, incoming: Incoming) -> None:
        """Handle one thing from the exchange, completely, before the next; nothing once a shutdown is reported."""
        if self.report is not None:
            return
        self._now = incoming.at
        if isinstance(incoming, Reply):
            if self.shutdown is not None and not self.recovered:
                self.shutdown.heard(incoming.at, incoming.error)
            self.dialogs.reply(incoming)
        else:
            self._feed(incoming)
        self._mind(incoming.at)

    def time_passed(self, now: Ms) -> None:
        """Nothing arrived, and yet it is later: see to what is due."""
        self._now = now
        self._mind(now)

    def flush(self) -> None:
        """Nothing is to be done for a while: write what waits."""
        self._journal.flush()
        self._watch_store()

    def operator(self, event: Operator) -> None:
        """Hand a command to the engine."""
        self._now = event.at
        self._feed(event)
        self._mind(event.at)

    def _feed(self, event: Event) -> None:
        """Queue an event behind the one being handled: dialogs feed from inside a reply. Nothing follows a report."""
        if self.report is not None:
            return  # the books were proved empty: what is still heard must not begin anything anew
        self._inbox.append(event)
        if self._handling:
            return
        self._handling = True
        try:
            while self._inbox:
                event = self._inbox.popleft()
                if self.rehearse is not None and type(event) is BarsClosed:
                    self.rehearse(event)
                self._carry_out(self.engine.handle(event))
        finally:
            self._handling = False

    # -- what goes out ----------------------------------------------------------------------------------------

    def _carry_out(self, actions: Sequence[Action]) -> None:
        if not actions:
            return
        facts = [action for action in actions if isinstance(action, Fact)]
        rest = [action for action in actions if not isinstance(action, Fact)]
        self._journal.commit(facts, lambda: self._act(rest))

    def _act(self, actions: Sequence[Action]) -> None:
        self._watch_store()
        for action in actions:
            match action:
                case PlaceOrder(order=order):
                    if self._journal.may_send(order):
                        self._send(Place(order))
                    else:
                        self._withhold(order)
                case CancelOrder(symbol=symbol, client_id=client_id, conditional=conditional):
                    self._send(Cancel(symbol, client_id, conditional))
                case AskAboutOrder():
                    self._ask_about(action)
                case RequestResync():
                    self.reconcile(self.engine.now)
                case CommandDone():
                    self._on_command_done(action)

    def _watch_store(self) -> None:
        """Tell the engine when the disk stops taking facts, for what, and when it takes them again."""
        failing = self._journal.failing
        if failing != self._disk_trouble:
            self._disk_trouble = failing
            self._feed(LinkChanged(self.engine.now, "store", up=not failing, detail=failing))

    def _withhold(self, order: NewOrder) -> None:
        """An order that adds risk, while its intent cannot be made durable: it does not leave."""
        detail = "not sent: the state file takes no writes"
        self._feed(
            OrderReport(self.engine.now, order.symbol, order.client_id, Outcome.ABSENT, detail=detail)
        )

    def _send(self, request: Request) -> None:
        self.port.send(request)

    # -- conversations ------------------------------------------------------------------------------------------

    def reconcile(self, now: Ms) -> None:
        """Compare books with the exchange, unless that is under way."""
        if self._reconciling or not self.recovered:
            self._reconcile_again = self._chase
            return
        self._reconciling = True
        self._reconciled_at = now
        self.dialogs.start(self._truth.reconcile(), self._reconciled, now)

    def _mind(self, now: Ms) -> None:
        """What is due by time: paused dialogs, the regular reconcile, the shutdown's next stage."""
        if self._journal.failing:
            self.flush()  # what waits for the disk must not wait for the next fact too
        if self.dialogs.busy:
            self.dialogs.wake(now)
        if self.recovered and now - self._reconciled_at >= self._reconcile_every:
            self.reconcile(now)
        if self.shutdown is not None and not self.recovered:
            for bars in self._truth.without_bars():
                self.dialogs.reply(Reply(bars, now, bars=()))
        self._mind_shutdown(now)

    def _ask_about(self, order: AskAboutOrder) -> None:
        client_id = order.client_id
        if client_id in self._asking:
            return
        self._asking.add(client_id)

        def done(_: None, error: Exception | None) -> None:
            self._asking.discard(client_id)
            if error is not None:
                self._log.warning("order_unanswered", client_id=client_id, error=str(error))

        asking = self._truth.one_order(order.symbol, client_id, order.conditional, order.after)
        self.dialogs.start(asking, done, self._now)  # the engine's time never goes back, whatever the clock did

    def _recover(self) -> None:
        if self.shutdown is not None:
            self.shutdown.asks(self._now)
        self.dialogs.start(self._truth.recover(), self._recovered, self._now)

    def _recovered(self, steps: list[StepTime] | None, error: Exception | None) -> None:
        if steps is None and self.shutdown is not None:
            self._recover()  # for as long as the stop has: it cannot close anything before
            return
        if steps is None:
            self._log.error("recovery_failed", error=str(error))
            if self._taken_over:
                self._recover()
            else:
                self.failure = f"recovery failed: {error}"
            return
        self.recovery_steps = steps
        self.recovered = True
        self._reconciled_at = self.engine.now
        self._log.info("recovered", steps={step.name: step.took for step in steps})
        self._chase_on()
        resumed = self.engine.shutdown_intent
        if resumed and self.shutdown is None:  # one that was asked for meanwhile has begun, and is not asked for twice
            self.begin_shutdown(self.engine.now, keep_positions=resumed == "keep")

    def _reconciled(self, _: None, error: Exception | None) -> None:
        self._reconciling = False
        if error is not None:
            self._reconciled_at = self.engine.now - self._reconcile_every + RECONCILE_AGAIN
            self._log.warning("reconcile_failed", error=str(error))
        self._chase_on()

    def _chase_on(self) -> None:
        if self._reconcile_again:
            self._reconcile_again = False
            self.reconcile(self.engine.now)

    def pace_checks(self, *, reconcile_every: Ms, stage_budget: Ms) -> None:
        """How often books are compared, and how long a stage of the shutdown may stand still."""
        self._reconcile_every = reconcile_every
        self._stage_budget = stage_budget

    def reconfigure(self, config: EngineConfig) -> None:
        """Put another version of the settings in force."""
        self._carry_out(self.engine.reconfigure(config))

    # -- shutdown --------------------------------------------------------------------------------------------------

    def begin_shutdown(self, now: Ms, *, keep_positions: bool) -> None:
        """Watch over a graceful stop whose intent is already durable; a second call hurries the first."""
        if self.shutdown is not None:
            self.shutdown.hurry(now)
            return
        self.shutdown = Shutdown(
            self.engine, self._verify, keep_positions=keep_positions, stage_budget=self._stage_budget, at=now
        )
        self._log.info("shutdown_begun", keep_positions=keep_positions, stages=list(STAGE_NAMES))
        self._mind_shutdown(now)

    @property
    def report(self) -> Report | None:
        """The report of a finished shutdown."""
        return None if self.shutdown is None else self.shutdown.report

    def _mind_shutdown(self, now: Ms) -> None:
        if self.shutdown is None or self.shutdown.report is not None:
            return
        stage = self.shutdown.stage
        report = self.shutdown.poll(now) if self.recovered else self.shutdown.recovering(now)
        if self.shutdown.stage is not stage:
            self._log.info(
                "shutdown_stage", stage=STAGE_NAMES[self.shutdown.stage], left=self.shutdown.detail
            )
        if report is not None:
            self._log.info("shutdown_report", flat=report.flat, verified=report.verified, text=report.text)
            if report.exit_code == 0:  # else the next start carries it on: whoever said stop wants no new risk
                self._carry_out(self.engine.end_shutdown())

    def _verify(self, answered: Answered) -> None:
        def done(result: tuple[AccountState, OpenOrders] | None, failure: Exception | None) -> None:
            if result is None:
                answered(None, None, failure.why if isinstance(failure, DialogFailed) else "")
            else:
                answered(*result, "")

        self.dialogs.start(self._truth.verify(), done, self.engine.now)
