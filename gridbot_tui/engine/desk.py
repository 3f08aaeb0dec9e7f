"""Everything the engine knows and may change, in one place; the other modules of this room act on it.

One walk: ``on_market`` puts a closed bar into a ``SymbolDesk`` and marks the account; ``planning`` renews
the plan on a decision bar; ``converge`` turns plan, position and operating mode into Desired, passes it
through the gate and emits the few orders that are missing; ``on_orders`` books what comes back.
"""

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from gridbot_tui.engine.actions import Action, DecisionFact, ModeFact, WeightsFact
from gridbot_tui.engine.blockers import Blockers
from gridbot_tui.engine.config import EngineConfig
from gridbot_tui.engine.events import OpenOrder
from gridbot_tui.ledger.ledger import Ledger
from gridbot_tui.market.aggregate import HourBuilder
from gridbot_tui.market.instrument import Instrument
from gridbot_tui.orders.book import OrderBook
from gridbot_tui.orders.ids import IdFactory
from gridbot_tui.orders.model import Desired
from gridbot_tui.orders.reconcile import ALL, Reconciler
from gridbot_tui.orders.rungs import Rungs
from gridbot_tui.risk.breakers import Breakers
from gridbot_tui.risk.exposure import SymbolExposure
from gridbot_tui.risk.gate import Gate
from gridbot_tui.risk.kill import Latches
from gridbot_tui.risk.liquidation import Margins
from gridbot_tui.risk.tiers import DrawdownTiers
from gridbot_tui.risk.vitals import Vitals
from gridbot_tui.strategy.facade import Strategy, SymbolSpec
from gridbot_tui.strategy.plan import GridPlan
from gridbot_tui.units import ZERO, ClientId, Market, Ms, Steps, Symbol, Ticks

if TYPE_CHECKING:
    from gridbot_tui.engine.walk import Walk

Phase = Literal["starting", "recovering", "trading"]
Level = Literal["debug", "info", "warning", "error"]

VOTE_HISTORY = 24 * 7


class SymbolDesk:
    """One symbol: what its market last said, its plan, and what ought to stand."""

    __slots__ = (
        "ask",
        "bar_at",
        "bare_since",
        "bars",
        "bid",
        "close",
        "denied_at",
        "desired",
        "episode_over",
        "exposure",
        "funding_at",
        "funding_rate",
        "hour",
        "instrument",
        "margins",
        "mark",
        "mark_at",
        "next_funding_at",
        "next_open",
        "open",
        "plan",
        "planned",
        "profit_peak",
        "rungs",
        "shaped",
        "stop_reduce_to",
        "symbol",
        "touch",
        "votes",
        "waits",
        "wanted",
        "wanted_for",
        "whole",
        "withheld",
    )

    def __init__(self, instrument: Instrument) -> None:
        self.symbol: Symbol = instrument.symbol
        self.instrument = instrument
        self.margins = Margins(instrument.brackets)
        self.hour = HourBuilder()
        self.close: Ticks | None = None
        """Last trade or close."""
        self.bid: Ticks | None = None
        self.ask: Ticks | None = None
        self.mark: Ticks | None = None
        self.mark_at: Ms = 0
        self.profit_peak = 0.0
        """Highest profit of the symbol at a decision, quote; for its own stop."""
        self.bar_at: Ms = 0
        """Close time of the last base bar."""
        self.next_open: Ms = 0
        """Open time of the next base bar to be accepted."""
        self.plan: GridPlan | None = None
        self.rungs: Rungs | None = None
        """The static part of the plan's ladder."""
        self.bare_since: Ms | None = None
        """Since when a position of ours has been without a stop that rests."""
        self.denied_at: Ms | None = None
        """When the exchange denied a stop that it had taken; None once one is known to rest again."""
        self.stop_reduce_to: Steps | None = None
        """Position to be reached because no resting stop is possible for what is held."""
        self.exposure: SymbolExposure | None = None
        """What the gate counts of this symbol; None = count its orders anew."""
        self.desired: Desired | None = None
        """As compared last, with the reasons of what does not rest."""
        self.wanted: Desired | None = None
        """The ladder's own answer before the gate, and (``wanted_for``) what it was asked."""
        self.wanted_for: tuple[object, ...] = ()
        self.whole: Desired | None = None
        """``desired`` as it was compared, before the reasons were written into it."""
        self.shaped: tuple[int, Ms] | None = None
        """(turn, time) for which ``whole`` holds; None = never."""
        self.planned: SymbolExposure | None = None
        """What the gate counts of this symbol once all that is desired stands."""
        self.open = ALL
        """Parts of the comparison with ``whole`` in which another look may find something to do; see ``reconcile``."""
        self.waits = True
        """False where the last comparison found nothing that waits for news of a standing order."""
        self.withheld = False
        """True where the last look held back an order that other orders' end may set free."""
        self.touch: tuple[Ticks, Ticks] | None = None
        """(bid, ask) as of the last decision or fill."""
        self.episode_over = False
        """True from the end of an episode until bars come again: nothing is wanted but flat."""
        self.funding_at: Ms = 0
        """Time of the last settlement that was taken in."""
        self.funding_rate: float | None = None
        self.next_funding_at: Ms | None = None
        self.bars: deque[tuple[Ms, Ticks, Ticks, Ticks, Ticks]] = deque(maxlen=240)
        """Recent decision bars for the chart: (open time, open, high, low, close)."""
        self.votes: deque[tuple[Ms, float, float, float]] = deque(maxlen=VOTE_HISTORY)

    @property
    def best(self) -> tuple[Ticks, Ticks] | None:
        """Best bid and ask as known now; on bars both are the last close."""
        if self.bid is not None and self.ask is not None:
            return self.bid, self.ask
        return None if self.close is None else (self.close, self.close)

    def rungs_of(self, plan: GridPlan) -> Rungs:
        """The plan's rungs, computed once a plan."""
        if self.rungs is None or self.rungs.plan is not plan:
            self.rungs = Rungs(plan, self.instrument)
        return self.rungs


class Waiting:
    """A command that has been started and is done when its condition holds."""

    __slots__ = ("command", "command_id", "missed", "symbols")

    def __init__(self, command_id: str, command: str, symbols: tuple[Symbol, ...]) -> None:
        self.command_id = command_id
        self.command = command
        self.symbols = symbols
        self.missed: Symbol = ""
        """One whose condition did not hold when it was last looked at."""


NO_NEW_RISK = ("residual", "link_down", "store_unavailable", "foreign_position", "second_bot")
"""Blockers of the account under which no symbol takes new risk."""
NO_NEW_RISK_SYMBOL = ("position_unknown", "unprotected", "liquidation_near")


class Desk:
    """The engine's whole mutable state, and the list of actions of the event being handled."""

    def __init__(self, config: EngineConfig, instruments: Mapping[Symbol, Instrument]) -> None:
        names = sorted(instruments)
        self.config = config
        self.symbols: dict[Symbol, SymbolDesk] = {name: SymbolDesk(instruments[name]) for name in names}
        self.instruments: dict[Symbol, Instrument] = {name: instruments[name] for name in names}
        self.strategy = _strategy(config, self.instruments)
        self.ledger = Ledger(config.market, config.quote, self.instruments)
        self.ids = IdFactory(config.bot, config.account)
        self.orders = OrderBook(self.ids)
        self.reconciler = Reconciler(config.orders, self.ids)
        self.gate = Gate(config.risk, spot=config.market is Market.SPOT)
        self.tiers = DrawdownTiers(config.risk)
        self.latches = Latches()
        self.breakers = Breakers()
        self.vitals = Vitals()
        self.blockers = Blockers()
        self.phase: Phase = "starting"
        self.now: Ms = 0
        self.day: int | None = None
        self.out: list[Action] = []
        self.dirty: set[Symbol] = set()
        self.turn = 0
        """Counts events but for plain answers to what was sent: while it stands still, nothing that Desired is
        made of has changed but our own orders."""
        self.walked: Walk | None = None
        """The last walk over all symbols; see ``engine.walk``."""
        self.narrow = False
        """True while news of one order is handled, so that no other symbol's position, mark or plan has changed."""
        self.stirred: set[Symbol] = set()
        """Symbols to be looked at again since then."""
        self.dirty_next: set[Symbol] = set()
        """Symbols that must be looked at once more after this convergence."""
        self.repeg = False
        """True while a closed bar is handled: passive targets follow the touch."""
        self.waiting: list[Waiting] = []
        self.started = False
        """True once the ledger has begun."""
        self.ledger_at: Ms = 0
        self.last_cash_at: Ms = 0
        self.fills_checked: dict[Symbol, str] = {}
        """Last trade id of the exchange's own lists: up to it no fill is missing. Fills that were merely heard
        of do not move it, since one before them may have been lost."""
        self.truth_at: Ms = 0
        """When the exchange last stated balances and positions."""
        self.started_at: Ms = 0
        self.equity_fact_at: Ms = 0
        self.peak_written = 0.0
        """Highest unit value that the journal knows of."""
        self.base_written = ZERO
        """Equity at the fund's last transfer, as the journal knows it."""
        self.max_worst = 0.0
        """Highest worst-case leverage at the moment an order left."""
        self.max_observed = 0.0
        """Highest account leverage seen."""
        self.links: dict[str, tuple[bool, Ms, str]] = {}
        self.foreign_orders: dict[str, OpenOrder] = {}
        """Open orders on the account that are not the bot's, by client id: counted as risk, never touched."""
        self.unexplained: dict[Symbol, Steps] = {}
        """What the exchange last stated to hold of a traded symbol beyond what our fills add up to; futures."""
        self.stated: dict[Symbol, tuple[Steps, Steps, Ms]] = {}
        """What it last stated of a traded symbol, what the ledger held then, and since when both are so; futures."""
        self.told: dict[Symbol, tuple[Ms, Ms, Steps]] = {}
        """(as of, heard at, steps) of the last news of a position that the ledger has not come to yet; futures."""
        self.gone: dict[Symbol, Steps] = {}
        """What of the lots of ours it states not to be there, signed as a trade that takes it away; see ``gone``."""
        self.proved: set[Symbol] = set()
        """Symbols of ``gone`` of which later statements have said the same: one may be older than the last fill."""
        self.beyond: set[Symbol] = set()
        """Symbols in which exits of ours, sent for what was gone, have opened a position."""
        self.second_bot_at: Ms = 0
        """When something of another gridbot on this account was last seen."""
        self.listed: set[ClientId] = set()
        """Client ids of the last list of open orders."""

    def own(self, symbol: Symbol) -> Steps:
        """Our position, signed: the lots of ours, but for what the exchange states not to be there of them."""
        own = self.ledger.book(symbol).own_position
        gone = self.gone.get(symbol, 0) if self.gone else 0
        if not gone:
            return own
        left, way = own + gone, gone if symbol in self.beyond else own
        return left if left * way > 0 else 0  # fills since the statement may be in it already: never past flat by them

    def guarded(self, symbol: Symbol) -> Steps:
        """What a stop is for, and what a stop of the bot has to close: what is stated not to be there is, until that is
        proved. A stop only reduces; without one nothing stands between a fill and the market."""
        doubted = symbol in self.gone and symbol not in self.proved
        return self.ledger.book(symbol).own_position if doubted else self.own(symbol)

    def orders_changed(self, symbol: Symbol) -> None:
        """Something happened to orders: count the symbol's exposure anew and have it converge."""
        state = self.symbols.get(symbol)
        if state is not None:
            state.exposure = None
        self.symbol_changed(symbol)

    def others_changed(self) -> None:
        """Others' orders, or what is beside the capital to pay for them, changed: count every exposure anew."""
        for state in self.symbols.values():
            state.exposure = None
        self.touch_all()

    def symbol_changed(self, symbol: Symbol) -> None:
        """Look at all of a symbol again; what it may come to is counted already."""
        state = self.symbols.get(symbol)
        if state is not None:
            state.open = ALL
            self.dirty.add(symbol)
            self.stirred.add(symbol)

    def emit(self, action: Action) -> None:
        """Add an action of the event being handled."""
        self.out.append(action)

    def note(self, symbol: Symbol, code: str, detail: str, level: Level = "info") -> None:
        """Write down a decision and why."""
        self.out.append(DecisionFact(self.now, symbol, code, detail, level))

    def latch(self, name: str, symbol: Symbol, value: str) -> None:
        """Set or lift a latch, durably."""
        before = self.latches.state()
        self.latches.set(name, symbol, value)
        if self.latches.state() != before:
            self.out.append(ModeFact(self.now, name, symbol, value))
            self.say_latches()
            self.touch_all()

    def say_latches(self) -> None:
        """State the latches as blockers: what an operator or a stop has ordered is a reason like any other."""
        latches = self.latches
        for code, holds, detail, clears in (
            ("kill", latches.kill, "killed: everything is closed", "by 'gridbot reset kill'"),
            ("stopping", bool(latches.shutdown), "the bot is being stopped", "when the shutdown is verified"),
        ):
            self._say_latch("", code, holds, detail, clears)
        for symbol in self.symbols:
            reset = f"by 'gridbot reset stop --symbol {symbol}'"
            for code, group, detail, clears in (
                ("flattening", latches.flatten, "the position is being closed", "when it is flat, then paused"),
                ("stop_triggered", latches.stopped, "its resting stop fired", reset),
                ("paused", latches.paused, "paused: exits only", "by 'gridbot resume'"),
            ):
                self._say_latch(symbol, code, symbol in group or "" in group, detail, clears)

    def _say_latch(self, symbol: Symbol, code: str, holds: bool, detail: str, clears: str) -> None:
        if holds:
            self.blockers.hold(symbol, code, self.now, detail, clears)
        else:
            self.blockers.clear(symbol, code)

    def touch_all(self) -> None:
        """Have every symbol compared with what is desired at the end of this event."""
        self.turn += 1
        self.dirty.update(self.symbols)

    def no_new_risk(self, symbol: Symbol) -> str:
        """Why the symbol may not take new risk now, the gravest reason; "" where it may."""
        latched = self.latches.blocks(symbol)
        if latched:
            return latched
        held = self.blockers.first("", NO_NEW_RISK) or self.blockers.first(symbol, NO_NEW_RISK_SYMBOL)
        return held or self.breakers.blocks(symbol)

    def reconfigure(self, config: EngineConfig) -> None:
        """Put another configuration in force. Raises ValueError, and changes nothing, where it does not fit."""
        change = self.strategy.reconfigure(config.strategy, config.ladder, config.ladders)
        if change is not None:
            self.out.append(WeightsFact(self.now, change.weights, change.cause, tuple(change.evidence)))
        self.config = config
        for state in self.symbols.values():
            state.open = ALL
        self.reconciler.obey(config.orders)
        self.gate = Gate(config.risk, spot=config.market is Market.SPOT)
        self.tiers = DrawdownTiers(config.risk, self.tiers.state())

    def charge(self, maker: Decimal, taker: Decimal) -> None:
        """Go by other fees. They are told by the exchange before each run, so no fact has to remember them."""
        self.config = replace(self.config, maker_fee=maker, taker_fee=taker)
        self.strategy.charge(float(maker), float(taker))


def _strategy(config: EngineConfig, instruments: Mapping[Symbol, Instrument]) -> Strategy:
    maker, taker = float(config.maker_fee), float(config.taker_fee)
    specs = {name: SymbolSpec(one.tick_f, maker, taker) for name, one in instruments.items()}
    return Strategy(config.strategy, config.ladder, config.market, specs, config.ladders)
