"""What a back-test remembers: every fill, every change of the weights, decisions by code, an hourly curve."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator

from msgspec import Struct

from gridbot_tui.engine.actions import (
    CancelFact,
    CashFact,
    DecisionFact,
    Fact,
    FillFact,
    IntentFact,
    ModeFact,
    OrderFact,
    PlanFact,
    ServeFact,
    WeightsFact,
)
from gridbot_tui.engine.core import Engine
from gridbot_tui.engine.desk import Desk
from gridbot_tui.engine.watch import observed_leverage
from gridbot_tui.units import Ms, Symbol

_UNTOLD = frozenset({OrderFact, CancelFact, ServeFact})
"""What becomes of single orders: a tape keeps fills."""


WARMING = "warming"
YOUNG = frozenset({WARMING, "no_data"})
"""What holds a symbol back before it can be traded at all."""


class TierChange(Struct, frozen=True):
    """A drawdown tier was entered or left, and how much was at stake."""

    at: Ms
    tier: int
    equity: float
    leverage: float
    peak: float
    """Equity at the peak that the tiers count from."""
    held: tuple[tuple[Symbol, int, int], ...] = ()
    """(symbol, position in steps, mark in ticks) of everything held."""
    fills: int = 0
    """How many fills came before."""


class Curve:
    """The account at the end of every hour, and of the data, as columns."""

    __slots__ = ("at", "equity", "leverage", "prices", "ready", "reasons", "symbols", "weights")

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self.symbols = tuple(symbols)
        self.at = array("q")
        self.equity = array("d")
        self.leverage = array("d")
        self.weights = (array("d"), array("d"), array("d"))
        self.prices = {symbol: array("d") for symbol in self.symbols}
        """Last close, quote; 0 before the first."""
        self.reasons: dict[tuple[Symbol, str], tuple[int, str]] = {}
        """(symbol, code) of what held something back -> hours it did, and its last words; of what is no warm-up, while
        the account was ready."""
        self.ready = 0
        """Hours in which one symbol at least had its warm-up behind it: the others are nobody's to trade."""

    def sample(self, engine: Engine) -> None:
        """Add a point."""
        desk = engine.desk
        equity = desk.ledger.equity_quick()
        if equity is None:
            return
        self.at.append(desk.now)
        self.equity.append(float(equity))
        self.leverage.append(observed_leverage(desk) or 0.0)
        for column, weight in zip(self.weights, desk.strategy.learner.weights, strict=True):
            column.append(weight)
        for symbol, column in self.prices.items():
            state = desk.symbols[symbol]
            column.append(0.0 if state.close is None else state.close * state.instrument.tick_f)
        held = list(desk.blockers.every())
        young = {one.symbol for one in held if one.code in YOUNG}
        ready = any(symbol not in young for symbol in self.symbols)
        self.ready += ready
        reasons = self.reasons
        for one in held:
            if ready or one.code == WARMING:
                key = (one.symbol, one.code)
                reasons[key] = (reasons[key][0] + 1 if key in reasons else 1, one.detail)


class Record:
    """What is kept of a run, whoever played it."""

    def __init__(self, symbols: Iterable[Symbol]) -> None:
        self.fills: list[FillFact] = []
        self.cash: list[CashFact] = []
        self.tiers: list[TierChange] = []
        self.curve = Curve(symbols)


class Tape(Record):
    """Takes the facts of a run in order."""

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine.symbols)
        self._engine = engine
        self.weights: list[WeightsFact] = []
        self.codes: Counter[str] = Counter()
        """Decisions, by code."""
        self.orders = 0
        self.plans = 0
        self.forced = 0
        """Trades that the exchange made against us."""

    def take(self, fact: Fact) -> None:
        """One fact."""
        kind = type(fact)
        if kind in _UNTOLD:  # most are
            return
        if kind is PlanFact:
            self.plans += 1
        elif kind is IntentFact:
            self.orders += 1
        elif isinstance(fact, FillFact):
            self.fills.append(fact)
            self.forced += bool(fact.fill.forced)
        elif isinstance(fact, DecisionFact):
            self.codes[fact.code] += 1
        elif isinstance(fact, CashFact):
            self.cash.append(fact)
        elif isinstance(fact, WeightsFact):
            self.weights.append(fact)
        elif isinstance(fact, ModeFact) and fact.name == "tier":
            desk = self._engine.desk
            equity = desk.ledger.equity_quick()
            held = observed_leverage(desk) or 0.0
            fund = desk.ledger.capital
            peak = desk.tiers.peak * float(fund.base_equity) / float(fund.base_nav)
            tier, positions = int(fact.value or 0), tuple(_held(desk))
            change = TierChange(fact.at, tier, float(equity or 0), held, peak, positions, len(self.fills))
            self.tiers.append(change)


def _held(desk: Desk) -> Iterator[tuple[Symbol, int, int]]:
    for name, state in desk.symbols.items():
        position = desk.ledger.position(name)
        if position and state.mark is not None:
            yield name, position, state.mark
