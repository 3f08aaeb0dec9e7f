"""The snapshot: the engine's books, the feed and the service's own state, as one picture for every face."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from decimal import Decimal

from gridbot_tui.control.snapshot import (
    BlockerView,
    DecisionView,
    EquityPoint,
    FillView,
    LearningView,
    LinkView,
    OrderView,
    PnlView,
    ShutdownView,
    Snapshot,
    SymbolView,
    TrialView,
)
from gridbot_tui.engine import exposure, protection, watch
from gridbot_tui.engine.actions import CashFact, EquityFact, Fact, FillFact, IntentFact, PlanFact
from gridbot_tui.engine.blockers import SEVERITY
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.events import CashKind
from gridbot_tui.engine.view_breakers import breakers_of
from gridbot_tui.engine.view_kept import Mapped, SymbolKept
from gridbot_tui.engine.view_symbol import symbol_view, votes_view
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.ops.feed import Feed, number
from gridbot_tui.orders.book import LiveOrder
from gridbot_tui.orders.model import NewOrder
from gridbot_tui.service.assemble import Plan, over_the_file
from gridbot_tui.service.beside.alerting import Alerting
from gridbot_tui.service.bot import Bot
from gridbot_tui.service.dialogs.shutdown import STAGE_NAMES
from gridbot_tui.service.operator.lately import KEPT, Lately
from gridbot_tui.service.operator.reload import Reloader
from gridbot_tui.service.operator.session import wall_ms
from gridbot_tui.service.runner import Runner
from gridbot_tui.service.venues.shut_requests import ShutRequests
from gridbot_tui.store.core import Store
from gridbot_tui.strategy.plan import Weights
from gridbot_tui.units import DAY, ZERO, Money, Ms, Side, Symbol, plain

KEPT_FILLS = 200
KEPT_DECISIONS = 120
CURVE_POINTS = 600
MOST_POINTS = 20_000
"""More than one a minute has in eight days."""
SHOWN_EVENTS = 200
TAIL = 1_500


class Recent:
    """What a face shows of the past, bounded: fills, decisions, the equity curve. Fed with facts as they come."""

    def __init__(self, store: Store) -> None:
        self.fills: deque[FillFact] = deque(maxlen=KEPT_FILLS)
        self.plans: deque[PlanFact] = deque(maxlen=KEPT_DECISIONS)
        self.curve: deque[tuple[Ms, Money, float]] = deque(maxlen=4 * CURVE_POINTS)
        self.purposes: dict[str, str] = {}
        self.lately = Lately()
        self.take(self.tail(store))
        self.curve.clear()
        for row in store.equity(max_points=CURVE_POINTS):
            self.curve.append((row.at, row.equity, row.drawdown))
        self.lately = Lately()
        if self.curve:
            since = self.curve[-1][0] - KEPT - DAY
            self.lately.recall(store.equity(since, max_points=MOST_POINTS), store.each_cash(since))

    @staticmethod
    def tail(store: Store) -> list[Fact]:
        """The last facts of the process before this one: a face shows them as if nothing had happened."""
        return store.facts_until(store.last_seq, TAIL)

    def take(self, facts: Sequence[Fact]) -> None:
        """Remember what a face will want to see."""
        for fact in facts:
            if isinstance(fact, FillFact):
                self.fills.append(fact)
            elif isinstance(fact, PlanFact):
                self.plans.append(fact)
            elif isinstance(fact, EquityFact):
                self._point(fact)
                self.lately.point(fact.at, fact.equity)
            elif isinstance(fact, CashFact):
                if fact.cash.cash_kind is CashKind.TRANSFER:
                    self.lately.transfer(fact.cash.asset, fact.cash.amount)
            elif isinstance(fact, IntentFact):
                self._purpose(fact.order)

    def _point(self, fact: EquityFact) -> None:
        self.curve.append((fact.at, fact.equity, fact.drawdown))
        if len(self.curve) == self.curve.maxlen:
            thinned = list(self.curve)[::2]
            self.curve.clear()
            self.curve.extend(thinned)

    def _purpose(self, order: NewOrder) -> None:
        self.purposes[order.client_id] = order.purpose.value
        if len(self.purposes) > 4 * KEPT_FILLS:
            for client_id in list(self.purposes)[:KEPT_FILLS]:
                del self.purposes[client_id]


class Picture:
    """Makes snapshots of one run."""

    def __init__(
        self,
        plan: Plan,
        profile: str,
        engine: Engine,
        bot: Bot,
        feed: Feed,
        recent: Recent,
        runner: Runner,
        reloader: Reloader,
        viewers: Callable[[], tuple[int, str]],
        links: Callable[[], tuple[LinkView, ...]] | None = None,
        alerting: Alerting | None = None,
    ) -> None:
        """``links``: the connections to a real exchange; without it the simulated one's."""
        self._plan = plan
        self._profile = profile
        self._engine = engine
        self._bot = bot
        self._feed = feed
        self._recent = recent
        self._runner = runner
        self._reloader = reloader
        self._viewers = viewers
        self._real_links = links
        self._alerting = alerting
        self._shut = ShutRequests()
        self.trials: Callable[[], tuple[TrialView, ...]] = tuple
        """What a back-test beside the bot says of its config."""
        self.first: Callable[[], None] = _nothing
        """Called before a picture is made: what has happened and is not told yet is told now."""
        self._over = over_the_file(plan)
        self._kept: dict[Symbol, SymbolKept] = {}
        self._fills = Mapped(self._fill)
        self._decisions = Mapped(_decision)
        self._curve = Mapped(_point)

    def snapshot(self) -> Snapshot:
        """The whole picture now."""
        self.first()
        desk = self._engine.desk
        equity = desk.ledger.equity_quick()
        known = desk.tiers.peak > 0
        viewers, controller = self._viewers()
        links = self._links()
        return Snapshot(
            mode=self._plan.mode.value,
            market=desk.config.market.value,
            profile=self._profile,
            quote=desk.config.quote,
            state=self.state(),
            at=desk.now,
            wall_at=wall_ms(),
            started_at=desk.started_at,
            uptime_s=(desk.now - desk.started_at) / 1000.0,
            speed=self._runner.pace.label,
            past_until=self._runner.pace.racing_to,
            equity=_text(equity),
            start_equity=_text(desk.ledger.allotted) or "0",
            growth=None if equity is None else float(desk.ledger.capital.value(equity)) - 1.0,
            wallet=_text(desk.ledger.wallet) or "0",
            drawdown=desk.tiers.drawdown if known else None,
            max_drawdown=desk.ledger.capital.max_drawdown,
            tier=desk.tiers.tier,
            leverage=watch.observed_leverage(desk),
            worst_leverage=exposure.account_worst(desk),
            leverage_cap=desk.gate.hard,
            tier_limits=desk.config.risk.tier_limits,
            taker_fee=plain(desk.config.taker_fee),
            max_leverage=desk.max_worst,
            residual=_text(desk.ledger.account.residual() or ZERO) or "0",
            residual_pending=desk.ledger.account.pending_since() is not None,
            residuals=tuple((asset, plain(gap)) for asset, gap in desk.ledger.account.residuals().items()),
            config_version=self._reloader.version,
            config_text=self._reloader.loaded.text,
            config_over=self._over,
            symbols=self._symbols(),
            ages=self._ages(),
            breakers=breakers_of(desk),
            blockers=self._blockers(links),
            events=self._feed.lines(SHOWN_EVENTS),
            decisions=self._decisions.of(self._recent.plans),
            fills=self._fills.of(self._recent.fills),
            orders=self._orders(),
            equity_curve=_thinned(self._curve.of(self._recent.curve)),
            learning=self._learning(),
            links=links + (() if self._alerting is None else self._alerting.links()),
            alerts=None if self._alerting is None else self._alerting.view(),
            pnl=self._pnl(equity),
            shutdown=self._shutdown(),
            controller=controller,
            viewers=viewers,
            trials=self.trials(),
            admission_cap=desk.gate.cap,
            compared_every_s=self._reloader.loaded.settings.service.reconcile_s,
        )

    def state(self) -> str:
        """The bot's state in one word."""
        desk, bot = self._engine.desk, self._bot
        if bot.report is not None:
            return "stopped"
        if desk.phase != "trading":
            return desk.phase
        if bot.shutdown is not None or desk.latches.shutdown:
            return "stopping"
        if desk.latches.kill or desk.tiers.halted:
            return "halted"
        if desk.latches.flatten:
            return "flattening"
        blocks = {desk.latches.blocks(name) for name in desk.symbols}
        if "paused" in blocks and blocks <= {"paused", "stop_latched"}:  # one that its stop has latched is no less held
            return "paused"
        return "reducing" if desk.tiers.tier else "running"

    def _symbols(self) -> dict[Symbol, SymbolView]:
        desk = self._engine.desk
        account = protection.account_of(desk)
        return {
            name: symbol_view(desk, state, self._kept.setdefault(name, SymbolKept()), account)
            for name, state in desk.symbols.items()
        }

    def _blockers(self, links: tuple[LinkView, ...]) -> tuple[BlockerView, ...]:
        desk = self._engine.desk
        held = desk.blockers.ranked()
        shut = self._shut.blocker(links, desk.now)
        if shut is not None:
            graver = sum(SEVERITY.get(one.code, len(SEVERITY)) <= SEVERITY["link_down"] for one in held)
            held.insert(graver, shut)
        found = [BlockerView(b.code, b.symbol, b.since, b.detail, b.clears_when) for b in held]
        told = {(one.code, one.symbol) for one in found}
        # The engine says so with its first decision; up to an hour before that the answer is the same.
        for name, state in desk.symbols.items():
            if state.plan is None and not {("warming", name), ("no_data", name)} & told:
                found.append(_no_plan_yet(desk, name))
        return tuple(found)

    def _ages(self) -> dict[str, Ms | None]:
        desk = self._engine.desk
        ages: dict[str, Ms | None] = {
            name: desk.now - max(state.bar_at, state.mark_at) if state.bar_at else None
            for name, state in desk.symbols.items()
        }
        ages["account"] = desk.now - desk.truth_at if desk.truth_at else None
        return ages

    def _fill(self, fact: FillFact) -> FillView:
        fill, desk = fact.fill, self._engine.desk
        instrument = desk.ledger.book(fill.symbol).instrument  # its symbol may not be listed any more
        return FillView(
            at=fill.at,
            symbol=fill.symbol,
            side=_side(fill.side),
            price=format(instrument.price(fill.price), "f"),
            quantity=format(instrument.quantity(fill.steps), "f"),
            fee=plain(fill.fee),
            fee_asset=fill.fee_asset,
            maker=fill.maker,
            purpose=fill.forced
            or self._recent.purposes.get(fill.client_id, "external" if not fill.ours else ""),
            grid_profit=plain(fact.grid_profit),
        )

    def _orders(self) -> tuple[OrderView, ...]:
        desk = self._engine.desk
        return tuple(
            _order(live, desk.instruments[live.order.symbol])
            for live in sorted(desk.orders.all_live(), key=lambda one: (one.sent_at, one.order.client_id))
        )

    def _learning(self) -> LearningView:
        desk = self._engine.desk
        strategy = desk.strategy
        # A learner has no clock when it is made: its first version is of no time. It held from the profile's beginning,
        # and a timeline that began in 1970 would show all that was learned since in its last cell.
        moved = next((v.change.at for v in strategy.versions if v.change.at > 0), desk.now)
        began = min(desk.ledger.started_at or desk.now, moved)
        changes = tuple(
            (v.change.version, v.change.at or began, v.change.cause, w.up, w.down, w.neutral)
            for v in strategy.versions
            for w in (v.change.weights,)
        )
        return LearningView(
            frozen=strategy.frozen,
            version=changes[-1][0] if changes else 0,
            prior=votes_view(strategy.prior),
            weights=votes_view(strategy.weights),
            trust=strategy.trust,
            evidence=strategy.evidence,
            days=strategy.days,
            fallback_until=strategy.fallback_until,
            history=tuple((at, up, down, neutral) for _, at, _, up, down, neutral in changes),
            shadow=votes_view(Weights(*strategy.shadow_returns())),
            changes=changes,
        )

    def _links(self) -> tuple[LinkView, ...]:
        if self._real_links is not None:
            return self._real_links()
        desk = self._engine.desk
        latest = max((state.bar_at for state in desk.symbols.values()), default=0)
        age = desk.now - latest if latest else None
        detail = f"simulated exchange at {self._runner.pace.label}x"
        account_age = desk.now - desk.truth_at if desk.truth_at else None
        return (
            LinkView(
                "market",
                up=not self._runner.data_ended,
                age_ms=age,
                reconnects=0,
                latency_ms=None,
                detail=detail,
            ),
            LinkView(
                "account",
                up=True,
                age_ms=account_age,
                reconnects=0,
                latency_ms=None,
                detail="simulated account",
            ),
        )

    def _pnl(self, equity: Money | None) -> PnlView:
        desk = self._engine.desk
        pnl = desk.ledger.pnl()
        return PnlView(
            grid=plain(pnl.grid),
            inventory=_text(pnl.inventory),
            fees=plain(pnl.fees_total),
            funding=plain(pnl.funding),
            transfers=plain(pnl.transfers),
            realised=plain(pnl.realised),
            unrealised=_text(pnl.unrealised),
            today=self._since(equity, desk.now - desk.now % DAY),
            week=self._since(equity, desk.now - 7 * DAY),
            cycles=pnl.cycles,
            wins=pnl.wins,
            fills=pnl.fills,
        )

    def _since(self, equity: Money | None, at: Ms) -> str | None:
        if equity is None:
            return None
        return _text(self._recent.lately.earned(at, equity, self._engine.desk.ledger))

    def _shutdown(self) -> ShutdownView | None:
        shutdown = self._bot.shutdown
        if shutdown is None:
            return None
        report = shutdown.report
        text, ok = (shutdown.detail, None) if report is None else (report.text, report.exit_code == 0)
        return ShutdownView(STAGE_NAMES[shutdown.stage], STAGE_NAMES, text, shutdown.since, ok)


def _no_plan_yet(desk: Desk, name: Symbol) -> BlockerView:
    hours, wanted = desk.strategy.hours(name), desk.strategy.warm_hours_of(name)
    if not desk.symbols[name].bar_at:
        return BlockerView("no_data", name, desk.started_at, "no bar has come yet", "with its first bar")
    clears = f"in {wanted - hours} hours of data" if hours < wanted else "with the next decision"
    return BlockerView("warming", name, desk.started_at, f"{hours} of {wanted} hours of history seen", clears)


def _text(value: Decimal | None) -> str | None:
    return None if value is None else plain(value)


def _side(side: Side) -> str:
    return "buy" if side is Side.BUY else "sell"


def _order(live: LiveOrder, instrument: Instrument) -> OrderView:
    order = live.order
    return OrderView(
        at=live.sent_at,
        symbol=order.symbol,
        client_id=order.client_id,
        side=_side(order.side),
        kind=order.kind.value,
        price=None if order.price is None else format(instrument.price(order.price), "f"),
        trigger=None if order.trigger is None else format(instrument.price(order.trigger), "f"),
        quantity=format(instrument.quantity(order.steps), "f"),
        filled=format(instrument.quantity(live.filled), "f"),
        state=live.state.value,
        purpose=order.purpose.value,
    )


def _decision(fact: PlanFact) -> DecisionView:
    plan = fact.plan
    votes, weights = plan.votes, plan.weights
    known = [
        ("price", _figure(plan.price)),
        ("position", _figure(plan.position)),
        ("equity", f"{plan.equity:.2f}"),
        ("votes", f"up {votes.up:.2f} down {votes.down:.2f} neutral {votes.neutral:.2f}"),
        ("weights", f"up {weights.up:.2f} down {weights.down:.2f} neutral {weights.neutral:.2f}"),
        ("sigma", f"{100 * plan.sigma_hour:.2f} %/h"),
    ]
    known.extend((code, f"{value:g}") for code, value in plan.reasons)
    if plan.lot == 0:
        decided = "no rungs" if plan.unwind is None else f"no rungs, unwind to {_figure(plan.unwind)}"
    else:
        spacing = f"{100 * plan.spacing:.2f} %" if plan.spacing else "-"
        decided = (
            f"{plan.label} bias {round(plan.bias, 2) + 0.0:+.2f}, spacing {spacing}, lot {_figure(plan.lot)}, "
            f"leverage {plan.leverage:.2f}x, "
            f"bounds {_figure(plan.lower)} to {_figure(plan.upper)}"
        )
    rule = plan.reasons[0][0] if plan.reasons else "formula"
    return DecisionView(fact.at, plan.symbol, plan.epoch, tuple(known), decided, rule)


def _figure(value: float) -> str:
    """Four digits that count, never an exponent, in the feed's own notation: ``−0.01542``, ``60 010``."""
    places = 0 if abs(value) >= 1000 else max(0, 3 - math.floor(math.log10(abs(value)))) if value else 0
    return number(Decimal(f"{value:.{places}f}"))


def _point(point: tuple[Ms, Money, float]) -> EquityPoint:
    at, equity, drawdown = point
    return EquityPoint(at, plain(equity), drawdown)


def _thinned(points: tuple[EquityPoint, ...]) -> tuple[EquityPoint, ...]:
    """Every so many, the newest always among them."""
    every = max(1, len(points) // CURVE_POINTS)
    return points if every == 1 else points[::-every][::-1]


def _nothing() -> None:
    """Everything is told in time."""
